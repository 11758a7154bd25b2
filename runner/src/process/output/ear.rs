//! What a session hears: lines as the agent wrote them, before the redactor.
//!
//! A session acts on types, numbers and ids. A secret that is equal to one of them (a password
//! `success`, a port of six digits) would change what the agent said, or make it no JSON at all.
//! Whatever a session says in turn is redacted on its way out of the
//! [`Conversation`](crate::process::conversation::Conversation).

use crate::process::lines;

/// The longest line that is kept in memory and parsed; of a longer one the session gets its
/// beginning. Four times the longest that the CLIs were seen to write.
pub(super) const LONGEST_LINE: usize = 16 << 20;

/// Memory that is kept from one line to the next.
const KEPT: usize = 1 << 20;

/// What becomes of a last line that has no end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::process) enum Unfinished {
    /// It is not what a CLI meant to say, only what was left of it.
    Dropped,
    /// Whoever writes lines by hand may forget the last end.
    Said,
}

/// Makes lines of a stream, for a session.
#[derive(Debug)]
pub(in crate::process) struct Ear {
    lines: lines::Sender,
    unfinished: Unfinished,
    longest: usize,
    partial: Vec<u8>,
    /// Lines that wait for the log, which has them first.
    heard: Vec<String>,
}

impl Ear {
    pub(in crate::process) fn new(lines: lines::Sender, unfinished: Unfinished) -> Self {
        Self {
            lines,
            unfinished,
            longest: LONGEST_LINE,
            partial: Vec::new(),
            heard: Vec::new(),
        }
    }

    /// Takes bytes, whatever they end in.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        while let Some(at) = rest.iter().position(|byte| *byte == b'\n') {
            self.keep(&rest[..at]);
            rest = &rest[at + 1..];
            self.hear();
        }
        self.keep(rest);
    }

    /// Takes the end.
    pub(super) fn end(&mut self) {
        if self.unfinished == Unfinished::Said {
            self.hear();
        }
    }

    /// Passes on what was heard; waits for room.
    pub(super) fn tell(&mut self) {
        for line in self.heard.drain(..) {
            // The supervisor has gone only when nothing it could learn matters any more.
            self.lines.send(line);
        }
    }

    fn keep(&mut self, bytes: &[u8]) {
        let room = self.longest.saturating_sub(self.partial.len());
        self.partial
            .extend_from_slice(&bytes[..bytes.len().min(room)]);
    }

    /// An empty line says nothing.
    fn hear(&mut self) {
        let line = String::from_utf8_lossy(self.partial.trim_ascii_end());
        if !line.is_empty() {
            self.heard.push(line.into_owned());
        }
        self.partial.clear();
        self.partial.shrink_to(KEPT);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(longest: usize, unfinished: Unfinished, pieces: &[&[u8]]) -> Vec<String> {
        let (sender, mut lines) = lines::channel(lines::BOUND);
        let mut ear = Ear::new(sender, unfinished);
        ear.longest = longest;
        for piece in pieces {
            ear.push(piece);
            ear.tell();
        }
        ear.end();
        ear.tell();
        std::iter::from_fn(|| lines.try_recv()).collect()
    }

    #[test]
    fn lines_come_whole_however_they_are_split() {
        let text = b"one\r\ntwo\n\nbad \xff\nhalf";
        for at in 0..text.len() {
            let pieces = [&text[..at], &text[at..]];
            let lines = heard(100, Unfinished::Said, &pieces);
            assert_eq!(lines, ["one", "two", "bad \u{fffd}", "half"]);
            let lines = heard(100, Unfinished::Dropped, &pieces);
            assert_eq!(lines, ["one", "two", "bad \u{fffd}"]);
        }
    }

    #[test]
    fn a_line_that_is_too_long_is_cut_and_the_next_is_whole() {
        for chunk in [1, 3, 100] {
            let pieces: Vec<&[u8]> = b"0123456789\nnext\n".chunks(chunk).collect();
            let lines = heard(4, Unfinished::Dropped, &pieces);
            assert_eq!(lines, ["0123", "next"]);
        }
    }
}
