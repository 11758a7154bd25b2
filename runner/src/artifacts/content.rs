//! What is in a file, as it may be stored: text without secrets, binary looked through for them.
//!
//! A file is read up to the size that it had when it was opened: one that grows is stored as far as it
//! was then.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};

use agent_plan::secret::{End, Redactor, Stream};

/// How much decides whether it is text.
const SAMPLE: u64 = 64 << 10;

/// Bytes of a read.
const READ: usize = 256 << 10;

/// What a file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Text: secrets in it are replaced.
    Text,
    /// Anything else: it is stored as it is.
    Binary,
}

/// Says what a file holds by its beginning, of which `sample` has up to 64 KiB: text is UTF-8 without
/// a NUL.
pub(super) fn kind(sample: &[u8]) -> Kind {
    if sample.contains(&0) {
        return Kind::Binary;
    }
    match std::str::from_utf8(sample) {
        Ok(_) => Kind::Text,
        // A letter may be cut at the end.
        Err(error) if error.error_len().is_none() => Kind::Text,
        Err(_) => Kind::Binary,
    }
}

/// What redaction found in a file.
#[derive(Debug, Default, Clone)]
pub(super) struct Found {
    /// Replacements in text by name of the secret.
    pub(super) replaced: BTreeMap<String, u64>,
    /// Exact secrets in what is stored as it is, by name.
    pub(super) left: Vec<String>,
}

/// Reads a file piece by piece.
pub(super) struct Content {
    file: File,
    kind: Kind,
    left: u64,
    stream: Stream,
    looks: bool,
    /// What was read and is not settled: the beginning of what may be a secret.
    held: Vec<u8>,
    ready: Vec<u8>,
    ended: bool,
}

impl Content {
    /// Begins to read; `file` is at its start and has `size` bytes. Blocks.
    ///
    /// # Errors
    ///
    /// Fails if it cannot be read.
    pub(super) fn new(mut file: File, size: u64, redactor: &Redactor) -> io::Result<Self> {
        let mut held = Vec::with_capacity(READ);
        Read::by_ref(&mut file)
            .take(SAMPLE.min(size))
            .read_to_end(&mut held)?;
        let kind = kind(&held);
        Ok(Self {
            kind,
            left: size.saturating_sub(held.len() as u64),
            file,
            stream: match kind {
                Kind::Text => redactor.stream(),
                Kind::Binary => redactor.stream().exact(),
            },
            looks: !redactor.is_empty(),
            held,
            ready: Vec::new(),
            ended: false,
        })
    }

    /// What it holds.
    pub(super) fn kind(&self) -> Kind {
        self.kind
    }

    /// Adds to `out` until it has `length` bytes or there are no more. Blocks.
    ///
    /// # Errors
    ///
    /// Fails if the file cannot be read.
    pub(super) fn fill(&mut self, out: &mut Vec<u8>, length: usize) -> io::Result<()> {
        while out.len() < length && self.more()? {
            let taken = self.ready.len().min(length - out.len());
            out.extend_from_slice(&self.ready[..taken]);
            self.ready.drain(..taken);
        }
        Ok(())
    }

    /// Makes sure that something is ready; `false` at the end.
    fn more(&mut self) -> io::Result<bool> {
        while self.ready.is_empty() && !self.ended {
            let had = self.held.len();
            let wanted = READ as u64;
            let read = Read::by_ref(&mut self.file)
                .take(self.left.min(wanted))
                .read_to_end(&mut self.held)? as u64;
            self.left -= read;
            // A file that shrank ends early.
            self.ended = self.left == 0 || read == 0;
            debug_assert!(
                self.ended || self.held.len() > had,
                "there was something to read"
            );
            self.settle();
        }
        Ok(!self.ready.is_empty())
    }

    fn settle(&mut self) {
        let end = if self.ended { End::Yes } else { End::No };
        match self.kind {
            Kind::Text if self.looks => {
                let ready = &mut self.ready;
                let mut emit = |clean: &[u8]| ready.extend_from_slice(clean);
                let done = self.stream.scan(&self.held, end, &mut emit);
                self.held.drain(..done);
            }
            Kind::Binary if self.looks => {
                // Looked through, with what is not settled again in front; given out as it is.
                let done = self.stream.scan(&self.held, end, &mut |_| {});
                self.ready.extend_from_slice(&self.held[..done]);
                self.held.drain(..done);
            }
            _ => std::mem::swap(&mut self.ready, &mut self.held),
        }
    }

    /// What redaction found in all that was read.
    pub(super) fn found(&self) -> Found {
        let found = self.stream.replaced();
        match self.kind {
            Kind::Text => Found {
                replaced: found,
                left: Vec::new(),
            },
            Kind::Binary => Found {
                replaced: BTreeMap::new(),
                left: found.into_keys().collect(),
            },
        }
    }
}

#[cfg(test)]
mod tests;
