//! Lines of output as events: behind the redactor of their stream, on the thread that pumps it.

use std::sync::Arc;

use super::queue::{Line, Queue};

/// A longer line becomes several events: what subscribers store of one without cutting it
/// (contract §8.5).
const LONGEST: usize = 64 << 10;

/// Takes the bytes of one stream.
#[derive(Debug)]
pub(crate) struct Tap {
    queue: Arc<Queue>,
    stream: &'static str,
    is_event: fn(&str) -> bool,
    /// The beginning of a line.
    held: Vec<u8>,
    /// Whether pieces of that line have been passed on.
    cut: bool,
    /// Whether that line is an event of its own, as its first piece says.
    passed_over: bool,
    /// What one push found; kept for its memory.
    found: Vec<Line>,
}

impl Tap {
    pub(super) fn new(queue: Arc<Queue>, stream: &'static str, is_event: fn(&str) -> bool) -> Self {
        Self {
            queue,
            stream,
            is_event,
            held: Vec::new(),
            cut: false,
            passed_over: false,
            found: Vec::new(),
        }
    }

    /// Takes bytes from behind the redactor. Never waits: what finds no room is dropped and counted.
    pub(crate) fn push(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let newline = bytes.iter().position(|byte| *byte == b'\n');
            let line = &bytes[..newline.unwrap_or(bytes.len())];
            bytes = &bytes[newline.map_or(bytes.len(), |newline| newline + 1)..];
            self.more(line);
            if newline.is_some() {
                self.line_ends();
            }
        }
        self.pass_on();
    }

    /// Takes what there is of a last line without a newline.
    pub(crate) fn end(&mut self) {
        self.line_ends();
        self.pass_on();
    }

    fn more(&mut self, mut bytes: &[u8]) {
        while self.held.len() + bytes.len() > LONGEST {
            let room = LONGEST - self.held.len();
            self.held.extend_from_slice(&bytes[..room]);
            bytes = &bytes[room..];
            let end = whole(&self.held);
            let rest = self.held.split_off(end);
            let is_first = !std::mem::replace(&mut self.cut, true);
            self.find(is_first);
            self.held = rest;
        }
        self.held.extend_from_slice(bytes);
    }

    fn line_ends(&mut self) {
        if self.held.last() == Some(&b'\r') {
            self.held.pop();
        }
        self.find(!self.cut);
        self.cut = false;
    }

    /// Makes a line of what is held.
    fn find(&mut self, is_first: bool) {
        let text = String::from_utf8_lossy(&self.held);
        if is_first {
            self.passed_over = (self.is_event)(&text);
        }
        if !self.passed_over && !text.trim().is_empty() {
            self.found.push(Line {
                stream: self.stream,
                text: text.into_owned(),
                part: self.cut,
            });
        }
        self.held.clear();
    }

    /// One lock for all lines of a read.
    fn pass_on(&mut self) {
        if !self.found.is_empty() {
            self.queue.lines(self.found.drain(..));
        }
    }
}

/// Returns where to cut so that no character is.
fn whole(bytes: &[u8]) -> usize {
    /// The longest beginning of a character.
    const BEGINNING: usize = 3;
    let least = bytes.len().saturating_sub(BEGINNING);
    for start in (least..bytes.len()).rev() {
        let length = match bytes[start] {
            0b1100_0000..=0b1101_1111 => 2,
            0b1110_0000..=0b1110_1111 => 3,
            0b1111_0000..=0b1111_0111 => 4,
            0b1000_0000..=0b1011_1111 => continue,
            _ => 1,
        };
        return if start + length > bytes.len() {
            start
        } else {
            bytes.len()
        };
    }
    bytes.len()
}

#[cfg(test)]
mod tests;
