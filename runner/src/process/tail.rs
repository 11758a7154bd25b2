//! Lines out of bytes: the last one for messages, all of them for sessions.

/// Enough for a last line that a person can read; the status has 640 characters for all.
const KEPT: usize = 512;

/// The longest line that a session is given; longer ones are cut for parsing, never for the log.
/// Real CLIs put whole files into one line, of a few MB at most.
const LONGEST_LINE: usize = 8 << 20;

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
    pub(super) fn last_line(&self) -> Option<String> {
        let text = String::from_utf8_lossy(&self.bytes);
        let line = text
            .lines()
            .rev()
            .map(plain)
            .find(|line| !line.is_empty())?;
        Some(line)
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

/// Splits a stream into lines.
#[derive(Debug, Default)]
pub(super) struct Lines {
    partial: Vec<u8>,
}

impl Lines {
    pub(super) fn push(&mut self, bytes: &[u8], mut emit: impl FnMut(String)) {
        let mut rest = bytes;
        while let Some(at) = rest.iter().position(|byte| *byte == b'\n') {
            self.keep(&rest[..at]);
            rest = &rest[at + 1..];
            emit(self.take());
        }
        self.keep(rest);
    }

    pub(super) fn end(&mut self, mut emit: impl FnMut(String)) {
        if !self.partial.is_empty() {
            emit(self.take());
        }
    }

    fn keep(&mut self, bytes: &[u8]) {
        let room = LONGEST_LINE.saturating_sub(self.partial.len());
        self.partial
            .extend_from_slice(&bytes[..bytes.len().min(room)]);
    }

    fn take(&mut self) -> String {
        let line = std::mem::take(&mut self.partial);
        let line = String::from_utf8_lossy(&line);
        line.strip_suffix('\r').unwrap_or(&line).to_owned()
    }
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
    fn lines_come_whole_however_they_are_split() {
        let text = b"one\r\ntwo\n\nthree";
        for at in 0..text.len() {
            let (mut lines, mut split) = (Vec::new(), Lines::default());
            split.push(&text[..at], |line| lines.push(line));
            split.push(&text[at..], |line| lines.push(line));
            split.end(|line| lines.push(line));
            assert_eq!(lines, ["one", "two", "", "three"]);
        }
    }
}
