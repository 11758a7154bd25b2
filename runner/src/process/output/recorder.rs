//! A stream of a CLI whose events are shown, as lines of the log.
//!
//! Every line becomes one object of the log, and nothing is missing there but pieces of what a
//! later line tells whole: a secret that is cut in two by such pieces would pass the redactor. What
//! no line has told whole by the end is one object then.

use std::sync::Arc;
use std::time::SystemTime;

use agent_plan::plan::Conversation;
use agent_plan::secret::Redactor;

use agent_providers::Part as Told;

use super::ear::LONGEST_LINE;
use super::pieces::Pieces;
use super::record::{self, Part};

/// Memory that is kept from one line to the next.
const KEPT: usize = 1 << 20;

/// Which stream it is.
#[derive(Debug)]
pub(in crate::process) enum Source {
    /// Events, in the words of this conversation.
    Stdout(Arc<Conversation>),
    /// Text.
    Stderr,
}

impl Source {
    fn name(&self) -> &'static str {
        match self {
            Self::Stdout(_) => "stdout",
            Self::Stderr => "stderr",
        }
    }
}

/// What some bytes come to.
#[derive(Debug, Default)]
pub(super) struct Batch {
    /// Whole lines for the log.
    pub(super) log: Vec<u8>,
    /// Text that is no event, for messages.
    pub(super) text: Vec<u8>,
}

/// Makes lines of a stream.
#[derive(Debug)]
pub(in crate::process) struct Recorder {
    source: Source,
    pieces: Pieces,
    longest: usize,
    partial: Vec<u8>,
    /// Whether parts of this line are in the log.
    cut: bool,
}

impl Recorder {
    pub(in crate::process) fn new(source: Source, redactor: Redactor) -> Self {
        Self {
            source,
            pieces: Pieces::new(redactor),
            longest: LONGEST_LINE,
            partial: Vec::new(),
            cut: false,
        }
    }

    /// Takes bytes, whatever they end in.
    pub(super) fn push(&mut self, bytes: &[u8]) -> Batch {
        let mut batch = Batch::default();
        let time = time();
        let mut rest = bytes;
        while let Some(at) = rest.iter().position(|byte| *byte == b'\n') {
            let (line, after) = (&rest[..at], &rest[at + 1..]);
            rest = after;
            if self.partial.is_empty() && !self.cut && line.len() <= self.longest {
                self.line(line, &time, &mut batch);
                continue;
            }
            self.keep(line, &time, &mut batch);
            let line = std::mem::take(&mut self.partial);
            if std::mem::take(&mut self.cut) {
                let stream = self.source.name();
                record::part(&mut batch.log, &time, stream, &line, Part::Last);
            } else {
                self.line(&line, &time, &mut batch);
            }
            if line.capacity() <= KEPT {
                self.partial = line;
                self.partial.clear();
            }
        }
        self.keep(rest, &time, &mut batch);
        batch
    }

    /// Takes the end. A line without an end is not what the agent meant to say, only what was left
    /// of it: it is logged, and no event.
    pub(super) fn end(&mut self) -> Batch {
        let mut batch = Batch::default();
        let line = std::mem::take(&mut self.partial);
        let stream = self.source.name();
        if std::mem::take(&mut self.cut) {
            record::part(&mut batch.log, &time(), stream, &line, Part::Last);
        } else if !line.is_empty() {
            record::text(&mut batch.log, &time(), stream, &line);
            batch.text.extend_from_slice(&line);
        }
        for joined in self.pieces.join() {
            record::pieces(&mut batch.log, &time(), &joined);
        }
        batch
    }

    fn line(&mut self, line: &[u8], time: &str, batch: &mut Batch) {
        let Source::Stdout(conversation) = &self.source else {
            record::text(&mut batch.log, time, self.source.name(), line);
            return;
        };
        let event = std::str::from_utf8(line).ok();
        let part = event.and_then(|event| agent_providers::part(event, conversation));
        match (event, part) {
            (_, Some(Told::Piece { of, text })) => self.pieces.add(of, &text),
            (Some(event), Some(Told::Whole { of })) => {
                self.pieces.settle(&of);
                record::event(&mut batch.log, time, event);
            }
            (Some(event), None) if record::is_json(event) => {
                record::event(&mut batch.log, time, event);
            }
            _ => {
                record::text(&mut batch.log, time, self.source.name(), line);
                batch.text.extend_from_slice(line);
                batch.text.push(b'\n');
            }
        }
    }

    /// Keeps what is not a whole line yet; what is too long for that is logged.
    fn keep(&mut self, mut bytes: &[u8], time: &str, batch: &mut Batch) {
        while self.partial.len() + bytes.len() > self.longest {
            let (now, later) = bytes.split_at(self.longest - self.partial.len());
            bytes = later;
            self.partial.extend_from_slice(now);
            let part = &self.partial[..whole_letters(&self.partial)];
            record::part(&mut batch.log, time, self.source.name(), part, Part::More);
            self.cut = true;
            self.partial.drain(..part.len());
        }
        self.partial.extend_from_slice(bytes);
    }
}

/// The length of the bytes without the beginning of a letter at their end.
fn whole_letters(bytes: &[u8]) -> usize {
    match std::str::from_utf8(bytes) {
        // The end came too early: all before is whole.
        Err(error) if error.error_len().is_none() && error.valid_up_to() > 0 => error.valid_up_to(),
        // What is no text can be cut anywhere.
        _ => bytes.len(),
    }
}

fn time() -> String {
    humantime::format_rfc3339_millis(SystemTime::now()).to_string()
}

#[cfg(test)]
mod tests;
