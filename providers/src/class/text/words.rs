//! Words of a message, and phrases in them.

/// How many words may stand where a phrase has dots: the name of a model, in pieces.
const GAP: usize = 8;

/// Returns the words of a text, in lower case; `camelCase` and `snake_case` are two words each.
pub(super) fn words_of(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut humped = false;
    for letter in text.chars() {
        let ends = !letter.is_alphanumeric() || (letter.is_uppercase() && humped);
        if ends && !word.is_empty() {
            words.push(std::mem::take(&mut word));
        }
        if letter.is_alphanumeric() {
            word.extend(letter.to_lowercase());
        }
        humped = letter.is_lowercase();
    }
    if !word.is_empty() {
        words.push(word);
    }
    words
}

/// Says whether a phrase stands among words; ` .. ` in it is a gap of a few words.
pub(super) fn contains(words: &[String], phrase: &str) -> bool {
    match phrase.split_once(" .. ") {
        None => position(words, &words_of(phrase)).is_some(),
        Some((head, tail)) => {
            let (head, tail) = (words_of(head), words_of(tail));
            let starts = (0..words.len()).filter(|start| begins(&words[*start..], &head));
            starts
                .map(|start| &words[start + head.len()..])
                .any(|rest| {
                    let reach = rest.len().min(GAP + tail.len());
                    position(&rest[..reach], &tail).is_some()
                })
        }
    }
}

fn begins(words: &[String], phrase: &[String]) -> bool {
    words.len() >= phrase.len() && words[..phrase.len()] == *phrase
}

fn position(words: &[String], phrase: &[String]) -> Option<usize> {
    words
        .windows(phrase.len())
        .position(|window| window == phrase)
}
