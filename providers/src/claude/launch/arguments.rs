//! Claude's arguments, as claude reads them.

/// Flags that take the next word whatever it is, so that this word is no flag.
const VALUED: [&str; 38] = [
    "--add-dir",
    "--agent",
    "--agents",
    "--allowed-tools",
    "--allowedTools",
    "--append-system-prompt",
    "--append-system-prompt-file",
    "--autocompact",
    "--betas",
    "--debug-file",
    "--disallowed-tools",
    "--disallowedTools",
    "--effort",
    "--environment",
    "--fallback-model",
    "--file",
    "--input-format",
    "--json-schema",
    "--max-budget-usd",
    "--max-turns",
    "--mcp-config",
    "--model",
    "--name",
    "--output-format",
    "--permission-mode",
    "--permission-prompt-tool",
    "--permission-prompts",
    "--plugin-dir",
    "--plugin-url",
    "--remote-control-session-name-prefix",
    "--session-id",
    "--setting-sources",
    "--settings",
    "--system-prompt",
    "--system-prompt-file",
    "--system-prompt-snapshot",
    "--tools",
    "-n",
];

/// A list of arguments.
#[derive(Debug, Default)]
pub(super) struct Arguments {
    words: Vec<String>,
}

/// Where a flag stands.
struct Place {
    at: usize,
    /// Whether its value is the word after it.
    apart: bool,
}

impl Arguments {
    pub(super) fn new(words: Vec<String>) -> Self {
        Self { words }
    }

    pub(super) fn into_words(self) -> Vec<String> {
        self.words
    }

    /// Adds a flag.
    pub(super) fn flag(&mut self, flag: &str) {
        self.words.push(flag.to_owned());
    }

    /// Adds a flag with its value, if there is one.
    pub(super) fn pair(&mut self, flag: &str, value: Option<impl ToString>) {
        if let Some(value) = value {
            self.words.extend([flag.to_owned(), value.to_string()]);
        }
    }

    /// Adds words as they are.
    pub(super) fn extend(&mut self, words: &[String]) {
        self.words.extend_from_slice(words);
    }

    /// Says whether a flag is given.
    pub(super) fn has(&self, flag: &str) -> bool {
        !self.places(flag).is_empty()
    }

    /// Returns the value of a flag; the last one counts.
    pub(super) fn value(&self, flag: &str) -> Option<&str> {
        let place = self.places(flag).pop()?;
        if place.apart {
            return Some(self.words.get(place.at + 1).map_or("", String::as_str));
        }
        let (_, value) = self.words.get(place.at)?.split_once('=')?;
        Some(value)
    }

    /// Replaces the value of a flag that is given.
    pub(super) fn set(&mut self, flag: &str, value: &str) {
        let Some(place) = self.places(flag).pop() else {
            return;
        };
        if !place.apart {
            self.words[place.at] = format!("{flag}={value}");
        } else if let Some(word) = self.words.get_mut(place.at + 1) {
            value.clone_into(word);
        } else {
            self.words.push(value.to_owned());
        }
    }

    /// Takes a flag away; says whether it was there.
    pub(super) fn remove(&mut self, flag: &str) -> bool {
        let places = self.places(flag);
        for place in places.iter().rev() {
            let end = place.at + 1 + usize::from(place.apart);
            self.words.drain(place.at..end.min(self.words.len()));
        }
        !places.is_empty()
    }

    fn places(&self, flag: &str) -> Vec<Place> {
        let mut places = Vec::new();
        let mut at = 0;
        while let Some(word) = self.words.get(at).filter(|word| *word != "--") {
            let apart = VALUED.contains(&word.as_str());
            if names(word, flag) {
                places.push(Place { at, apart });
            }
            at += 1 + usize::from(apart);
        }
        places
    }
}

/// Says whether a word is a flag, in its long or its short form, with a value or without.
fn names(word: &str, flag: &str) -> bool {
    if word.starts_with("--") {
        return word.split_once('=').map_or(word, |(name, _)| name) == flag;
    }
    let letter = match flag {
        "--print" => 'p',
        "--continue" => 'c',
        "--resume" => 'r',
        _ => return false,
    };
    let Some(letters) = word.strip_prefix('-') else {
        return false;
    };
    // Short flags may stand together; what follows one that takes a value is that value.
    let end = letters
        .find(['r', 'd', 'n', 'w'])
        .map_or(letters.len(), |end| end + 1);
    letters[..end].contains(letter)
}
