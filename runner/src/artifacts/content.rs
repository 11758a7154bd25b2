//! What is in a file, as it may be stored: text without secrets, binary looked through for them.
//!
//! A file is read up to the size that it had when it was opened: one that grows is stored as far as it
//! was then. Whether it was written to meanwhile, the kernel's time of its last change tells.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::time::SystemTime;

use agent_plan::secret::{End, Redactor, Stream};
use bytes::BytesMut;

use stamp::Stamp;

mod stamp;

/// How much decides whether it is text.
const SAMPLE: usize = 64 << 10;

/// Bytes of a read: with what is made of them they fit into a processor's own cache.
const READ: usize = 64 << 10;

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
    /// What would differ after a change; `None` if it was changed just before it was opened.
    opened: Option<Stamp>,
    kind: Kind,
    size: u64,
    left: u64,
    stream: Stream,
    /// Where reads go; it begins with what is `held`, and has room for a read behind that.
    buffer: Vec<u8>,
    /// Bytes that were read and are not settled: the beginning of what may be a secret.
    held: usize,
    /// What is settled and was not asked for yet.
    over: Vec<u8>,
    ended: bool,
}

impl Content {
    /// Begins to read; `file` is at its start, and no more than `most` bytes of it count. Blocks.
    ///
    /// # Errors
    ///
    /// Fails if it cannot be read.
    pub(super) fn new(mut file: File, most: u64, redactor: &Redactor) -> io::Result<Self> {
        let about = file.metadata()?;
        let now = SystemTime::now();
        let opened = Stamp::of(&about).filter(|stamp| stamp.is_settled(now));
        let size = about.len().min(most);
        let length = usize::try_from(size).map_or(READ, |size| size.min(READ));
        let mut buffer = vec![0; length + redactor.hold_max()];
        let sample = length.min(SAMPLE);
        let held = read(&mut file, &mut buffer[..sample])?;
        let kind = kind(&buffer[..held]);
        Ok(Self {
            opened,
            kind,
            size,
            left: size.saturating_sub(held as u64),
            file,
            stream: match kind {
                Kind::Text => redactor.stream(),
                Kind::Binary => redactor.stream().exact(),
            },
            buffer,
            held,
            over: Vec::new(),
            ended: false,
        })
    }

    /// What it holds.
    pub(super) fn kind(&self) -> Kind {
        self.kind
    }

    /// How many bytes of it count, before redaction.
    pub(super) fn size(&self) -> u64 {
        self.size
    }

    /// Whether nothing was written to it since it was opened, for sure. Blocks.
    ///
    /// # Errors
    ///
    /// Fails if the kernel does not tell.
    pub(super) fn is_as_opened(&self) -> io::Result<bool> {
        let now = Stamp::of(&self.file.metadata()?);
        Ok(self.opened.is_some() && self.opened == now && stamp::is_ours(&self.file))
    }

    /// Adds to `out` until it has `length` bytes or there are no more. Blocks.
    ///
    /// # Errors
    ///
    /// Fails if the file cannot be read.
    pub(super) fn fill(&mut self, out: &mut BytesMut, length: usize) -> io::Result<()> {
        let over = std::mem::take(&mut self.over);
        give(&over, out, length, &mut self.over);
        while out.len() < length && !self.ended {
            let room = self.buffer.len() - self.held;
            let most = usize::try_from(self.left).map_or(room, |left| left.min(room));
            let into = &mut self.buffer[self.held..][..most];
            let read = read(&mut self.file, into)?;
            self.held += read;
            self.left -= read as u64;
            // A file that shrank ends early. Behind the sample there is perhaps no room yet.
            self.ended = self.left == 0 || (read == 0 && room > 0);
            self.settle(out, length);
        }
        Ok(())
    }

    /// Gives out what no secret can begin in any more.
    fn settle(&mut self, out: &mut BytesMut, length: usize) {
        let end = if self.ended { End::Yes } else { End::No };
        let held = &self.buffer[..self.held];
        let over = &mut self.over;
        let done = match self.kind {
            Kind::Text => {
                let mut emit = |clean: &[u8]| give(clean, out, length, over);
                self.stream.scan(held, end, &mut emit)
            }
            // Looked through, with what is not settled again in front; given out as it is.
            Kind::Binary => {
                let done = self.stream.scan(held, end, &mut |_| {});
                give(&held[..done], out, length, over);
                done
            }
        };
        self.buffer.copy_within(done..self.held, 0);
        self.held -= done;
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

/// Reads until a buffer is full or there is no more.
fn read(file: &mut File, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match file.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

/// Adds bytes to `out` until it has `length`, and the others to `over`.
fn give(bytes: &[u8], out: &mut BytesMut, length: usize, over: &mut Vec<u8>) {
    let room = length.saturating_sub(out.len()).min(bytes.len());
    out.extend_from_slice(&bytes[..room]);
    over.extend_from_slice(&bytes[room..]);
}

#[cfg(test)]
mod tests;
