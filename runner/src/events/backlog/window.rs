//! The latest records, in memory.

use std::collections::VecDeque;

use super::{Entry, Position};

/// How much is kept of what the journal has too: what a sink with a server some hundred
/// milliseconds away is behind at full speed.
const KEPT: u64 = 8 << 20;

/// How much is kept of what only the memory has.
const ALONE: u64 = 16 << 20;

/// Records without a gap, up to the last.
#[derive(Debug, Default)]
pub(super) struct Window {
    entries: VecDeque<Entry>,
    /// Before the first of them.
    start: Position,
    end: Position,
}

impl Window {
    /// An empty one.
    pub(super) fn at(position: Position) -> Self {
        Self {
            entries: VecDeque::new(),
            start: position,
            end: position,
        }
    }

    /// Before its first record.
    pub(super) fn start(&self) -> Position {
        self.start
    }

    /// Behind its last record.
    pub(super) fn end(&self) -> Position {
        self.end
    }

    /// Whether everything behind a position is in it.
    pub(super) fn has(&self, from: Position) -> bool {
        from >= self.start
    }

    pub(super) fn push(&mut self, entry: Entry) {
        self.end = entry.end;
        self.entries.push_back(entry);
    }

    /// Returns up to `count` records behind a position.
    pub(super) fn behind(&self, from: Position, count: usize) -> Vec<Entry> {
        let first = self.first_behind(from);
        self.entries
            .iter()
            .skip(first)
            .take(count)
            .cloned()
            .collect()
    }

    /// How many records are behind a position; `None` if it is before the window.
    pub(super) fn count_behind(&self, from: Position) -> Option<u64> {
        let behind = self.entries.len() - self.first_behind(from);
        self.has(from).then_some(behind as u64)
    }

    /// Returns records behind a position, about so many bytes of them, and where the first begins.
    pub(super) fn from(&self, from: Position, bytes: u64) -> (Position, Vec<Entry>) {
        let first = self.first_behind(from);
        let start = match first.checked_sub(1) {
            Some(before) => self.entries[before].end,
            None => self.start,
        };
        let entries = self.entries.iter().skip(first);
        let entries = entries.scan(start, |begin, entry| {
            let fits = begin.0 - start.0 < bytes;
            *begin = entry.end;
            fits.then(|| entry.clone())
        });
        (start, entries.collect())
    }

    /// Forgets what is too much, and tells where the records end that nobody can read any more;
    /// returns how many of them nobody has had either.
    pub(super) fn shrink(
        &mut self,
        on_disk: Position,
        delivered: Position,
        mut forget: impl FnMut(Position),
    ) -> u64 {
        let mut lost = 0;
        while let Some(first) = self.entries.front() {
            let held = self.end.0 - self.start.0;
            if held <= KEPT || (held <= ALONE && first.end > on_disk) {
                break;
            }
            lost += u64::from(first.end > on_disk.max(delivered));
            if first.end > on_disk {
                forget(first.end);
            }
            self.start = first.end;
            self.entries.pop_front();
        }
        lost
    }

    fn first_behind(&self, from: Position) -> usize {
        self.entries.partition_point(|entry| entry.end <= from)
    }
}
