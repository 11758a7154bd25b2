//! How many records are behind a position, without a look at the disk.

use std::collections::BTreeMap;

use super::{Entry, Position};

/// Bytes between two marks: what may be counted though it is delivered.
const MARK: u64 = 64 << 10;

/// Records that were read from the journal and may be in flight: twice what a sink has in its hands,
/// with room for another sink.
const READ: usize = 2048;

/// Notes how many records end at or before a place, if the last note, or the beginning, is far enough
/// away.
pub(in crate::events) fn mark(
    marks: &mut Vec<(Position, u64)>,
    beginning: Position,
    end: Position,
    count: u64,
) {
    let last = marks.last().map_or(beginning, |(last, _)| *last);
    if end.0 - last.0 >= MARK {
        marks.push((end, count));
    }
}

/// Records behind the start of delivery, by where they end.
#[derive(Debug, Default)]
pub(super) struct Counts {
    /// One in some kilobytes.
    marks: Vec<(Position, u64)>,
    /// Each that was read from the journal, as far as it is not known to be delivered.
    read: BTreeMap<Position, u64>,
    /// Records that nobody has any more are not in it.
    total: u64,
    /// Up to where it is known what could not be read.
    compared: Position,
}

impl Counts {
    /// Begins with what was found, whose records end at `own`.
    pub(super) fn of(
        start: Position,
        mut marks: Vec<(Position, u64)>,
        own: Position,
        total: u64,
    ) -> Self {
        marks.insert(0, (start, 0));
        if own > marks[marks.len() - 1].0 {
            marks.push((own, total));
        }
        Self {
            marks,
            read: BTreeMap::new(),
            total,
            compared: start,
        }
    }

    /// Adds a record.
    pub(super) fn add(&mut self, end: Position) {
        self.total += 1;
        mark(&mut self.marks, Position(0), end, self.total);
    }

    /// Notes what was read from the journal behind a position, so that it can be counted exactly.
    /// Returns how many records should have been there too; each is said once.
    pub(super) fn read(&mut self, from: Position, entries: &[Entry]) -> u64 {
        let (at, mut count) = self.before(from);
        // A reader that begins anywhere else learns nothing.
        if at != from {
            return 0;
        }
        let mut missing = 0;
        for entry in entries {
            count += 1;
            let end = entry.end;
            if let Ok(index) = self.marks.binary_search_by_key(&end, |(mark, _)| *mark) {
                missing += self.compare(end, self.marks[index].1, count);
                count = self.marks[index].1;
            }
            self.read.insert(end, count);
        }
        while self.read.len() > READ {
            self.read.pop_first();
        }
        missing
    }

    /// Notes that behind one position nothing could be read but what is behind another, of which
    /// `left` records are. Returns how many should have been between them.
    pub(super) fn skipped(&mut self, from: Position, to: Position, left: u64) -> u64 {
        match self.before(from) {
            (at, count) if at == from => self.compare(to, self.total.saturating_sub(left), count),
            _ => 0,
        }
    }

    fn compare(&mut self, at: Position, expected: u64, count: u64) -> u64 {
        let is_news = at > self.compared;
        self.compared = self.compared.max(at);
        if is_news {
            expected.saturating_sub(count)
        } else {
            0
        }
    }

    /// Forgets a record that nobody can read any more.
    pub(super) fn forget(&mut self, end: Position) {
        self.total = self.total.saturating_sub(1);
        let behind = self.marks.partition_point(|(mark, _)| *mark < end);
        let marks = self.marks[behind..].iter_mut().map(|(_, count)| count);
        let read = self.read.range_mut(end..).map(|(_, count)| count);
        for count in marks.chain(read) {
            *count = count.saturating_sub(1);
        }
    }

    /// Forgets what nobody will ask for.
    pub(super) fn delivered(&mut self, through: Position) {
        while self
            .read
            .first_key_value()
            .is_some_and(|(end, _)| *end < through)
        {
            self.read.pop_first();
        }
    }

    /// Records behind a position: at most a mark too many, and none where the reader says how far it
    /// has come.
    pub(super) fn behind(&self, from: Position) -> u64 {
        self.total.saturating_sub(self.before(from).1)
    }

    /// The last known place at or before a position, and the records before it.
    fn before(&self, from: Position) -> (Position, u64) {
        let marked = self.marks.partition_point(|(end, _)| *end <= from);
        let mark = marked.checked_sub(1).map(|index| self.marks[index]);
        let read = self.read.range(..=from).next_back();
        let read = read.map(|(end, count)| (*end, *count));
        mark.max(read).unwrap_or_default()
    }
}
