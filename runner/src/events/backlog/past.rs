//! Records that are read from the journal again.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use agent_plan::record::{Header, Line};

use super::map::Span;
use super::{Entry, Position};

/// No line of ours is longer, by far: what one line says is bounded where it is heard. What is
/// longer was written by somebody else, and is not to fill the memory.
const LONGEST: u64 = 64 << 20;

/// What is read at once: a few hundred records.
const CHUNK: usize = 256 << 10;

/// Lines that are in memory at once, while a sink delivers them.
const MOST_BYTES: u64 = 4 << 20;

/// Reads a part of a file without moving its offset, which others use.
struct Part<'a> {
    file: &'a File,
    offset: u64,
    end: u64,
}

impl Read for Part<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.end - self.offset).unwrap_or(usize::MAX);
        let room = buffer.len().min(left);
        let count = self.file.read_at(&mut buffer[..room], self.offset)?;
        self.offset += count as u64;
        Ok(count)
    }
}

/// The lines of a part of a file, one after the other.
pub(in crate::events) struct Lines<'a> {
    reader: BufReader<Part<'a>>,
    line: Vec<u8>,
}

impl<'a> Lines<'a> {
    /// Of the bytes between two offsets.
    pub(in crate::events) fn new(file: &'a File, offset: u64, end: u64) -> Self {
        Self {
            reader: BufReader::with_capacity(CHUNK, Part { file, offset, end }),
            line: Vec::new(),
        }
    }

    /// Returns the next line without its newline, and its length with it; `None` at the end, and
    /// for what has no newline. A line that is too long is empty.
    pub(in crate::events) fn next(&mut self) -> io::Result<Option<(&[u8], u64)>> {
        self.line.clear();
        let mut length = (&mut self.reader)
            .take(LONGEST)
            .read_until(b'\n', &mut self.line)? as u64;
        if self.line.pop_if(|byte| *byte == b'\n').is_some() {
            return Ok(Some((&self.line, length)));
        }
        self.line.clear();
        loop {
            let buffer = self.reader.fill_buf()?;
            if length < LONGEST || buffer.is_empty() {
                return Ok(None);
            }
            let newline = buffer.iter().position(|byte| *byte == b'\n');
            let count = newline.map_or(buffer.len(), |newline| newline + 1);
            self.reader.consume(count);
            length += count as u64;
            if newline.is_some() {
                return Ok(Some((&[], length)));
            }
        }
    }
}

/// Takes a line apart; `None` if it is not one of ours, as what an agent with our uid appends is not:
/// a header with a number that has none behind it, a record whose id is not of the header before it.
pub(in crate::events) fn of_ours(line: &[u8], header: Option<&Header>) -> Option<Line> {
    let line = Line::parse(line)?;
    let is_ours = match &line {
        Line::Header(header) => header.attempt < u32::MAX,
        // Nobody knows who said what has no header.
        Line::Record(record) => header.is_some_and(|header| {
            let seq = record.id.strip_prefix(header.stem.as_str());
            let seq = seq.and_then(|end| end.strip_prefix('-'));
            seq.is_some_and(|seq| *seq == record.seq.to_string())
        }),
    };
    is_ours.then_some(line)
}

/// Returns the first records of a span, at most `count` and about so many bytes of lines, but always
/// one if there is one. What is no record is passed over.
pub(super) fn read(
    file: &File,
    span: Span,
    mut header: Option<Arc<Header>>,
    count: usize,
) -> io::Result<Vec<Entry>> {
    let mut found = Vec::new();
    let mut end = span.start;
    let mut lines = lines(file, span);
    while found.len() < count
        && (found.is_empty() || end.0 - span.start.0 < MOST_BYTES)
        && let Some((line, length)) = lines.next()?
    {
        end = Position(end.0 + length);
        match (of_ours(line, header.as_deref()), &header) {
            (Some(Line::Header(next)), _) => header = Some(Arc::new(next)),
            (Some(Line::Record(record)), Some(header)) => found.push(Entry {
                end,
                header: Arc::clone(header),
                record: Arc::new(record),
            }),
            _ => {}
        }
    }
    Ok(found)
}

fn lines(file: &File, span: Span) -> Lines<'_> {
    let length = span.end.0.saturating_sub(span.start.0);
    Lines::new(file, span.offset, span.offset + length)
}
