//! The last line of a stream, for messages.

/// Enough for a last line that a person can read; the status has 640 characters for all.
const KEPT: usize = 512;

/// How programs that parse their arguments by clap, codex among them, end when they cannot.
const HELP: &str = "For more information, try '";

/// The last bytes of a stream.
#[derive(Debug, Default)]
pub(super) struct Tail {
    bytes: Vec<u8>,
}

impl Tail {
    pub(super) fn push(&mut self, bytes: &[u8]) {
        let new = &bytes[bytes.len().saturating_sub(KEPT)..];
        let excess = (self.bytes.len() + new.len()).saturating_sub(KEPT);
        self.bytes.drain(..excess.min(self.bytes.len()));
        self.bytes.extend_from_slice(new);
    }

    /// Returns the last line with something in it, without control characters.
    ///
    /// Of a program that ends by recommending its help, it is the line that says what was wrong.
    pub(super) fn last_line(&self) -> Option<String> {
        let text = String::from_utf8_lossy(&self.bytes);
        let mut lines = text
            .lines()
            .rev()
            .map(plain)
            .filter(|line| !line.is_empty());
        let last = lines.next()?;
        let error = if last.starts_with(HELP) {
            lines.find(|line| line.starts_with("error:"))
        } else {
            None
        };
        Some(error.unwrap_or(last))
    }
}

/// Removes escape sequences and control characters, which have no place in a message.
fn plain(line: &str) -> String {
    let mut plain = String::new();
    let mut letters = line.chars();
    while let Some(letter) = letters.next() {
        if letter == '\u{1b}' {
            // ECMA-48: a control sequence ends with a letter or one of `@[\]^_`{|}~`.
            if letters.next() == Some('[') {
                letters.find(|letter| ('@'..='~').contains(letter));
            }
        } else if !letter.is_control() {
            plain.push(letter);
        }
    }
    plain.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_line_is_what_a_person_reads() {
        let mut tail = Tail::default();
        tail.push(&[b'x'; 5000]);
        tail.push(b"\nstep 1\n\x1b[31mno such model\x1b[0m\r\n\n  \n");
        assert_eq!(tail.last_line().as_deref(), Some("no such model"));
        assert_eq!(Tail::default().last_line(), None);
    }

    #[test]
    fn what_was_wrong_is_worth_more_than_a_recommendation() {
        let mut tail = Tail::default();
        tail.push(b"For more information, try '--help'.\n");
        let hint = "For more information, try '--help'.";
        assert_eq!(tail.last_line().as_deref(), Some(hint));
        tail.push(b"error: no '--x'\n\nUsage: x\n\nFor more information, try '--help'.\n");
        assert_eq!(tail.last_line().as_deref(), Some("error: no '--x'"));
    }
}
