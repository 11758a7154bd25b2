//! Where in the journal's file a position is.

use super::Position;

/// A stretch of positions that is one stretch of bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span {
    /// Of the first byte.
    pub(super) start: Position,
    /// Behind the last.
    pub(super) end: Position,
    /// In the file, of the first byte.
    pub(super) offset: u64,
}

/// Positions and offsets differ by the headers that were written since the journal was opened, and
/// by what a full disk never got.
#[derive(Debug, Default)]
pub(super) struct Map {
    /// In order; between them is what is in no file.
    spans: Vec<Span>,
}

impl Map {
    /// Of a journal that was so long when it was opened.
    pub(super) fn of(length: u64) -> Self {
        Self {
            spans: vec![Span {
                start: Position(0),
                end: Position(length),
                offset: 0,
            }],
        }
    }

    /// Behind what is on disk.
    pub(super) fn end(&self) -> Position {
        self.spans.last().map_or(Position(0), |last| last.end)
    }

    /// Adds what is on disk between two positions, from an offset on.
    pub(super) fn add(&mut self, start: Position, end: Position, offset: u64) {
        match self.spans.last_mut() {
            Some(last) if last.end == start && last.offset_of(start) == offset => last.end = end,
            _ => self.spans.push(Span { start, end, offset }),
        }
    }

    /// Returns the next bytes behind a position; `None` if there are none on disk.
    pub(super) fn span(&self, from: Position) -> Option<Span> {
        let first = self.spans.partition_point(|span| span.end <= from);
        let span = *self.spans.get(first)?;
        let start = from.max(span.start);
        let offset = span.offset_of(start);
        Some(Span {
            start,
            offset,
            ..span
        })
    }

    /// Returns where in the file a position is: at most behind the last byte that has one.
    pub(super) fn offset(&self, position: Position) -> u64 {
        let count = self.spans.partition_point(|span| span.start <= position);
        match count.checked_sub(1) {
            Some(index) => {
                let span = self.spans[index];
                span.offset_of(position.min(span.end))
            }
            None => 0,
        }
    }
}

impl Span {
    fn offset_of(&self, position: Position) -> u64 {
        self.offset + (position.0 - self.start.0)
    }
}
