//! What is recorded and may not be delivered yet, in order: between the journal's thread and the
//! sinks'.
//!
//! The latest records are in memory, bounded in bytes; older ones are read from the journal again. A
//! journal that cannot be written any more leaves only the memory: what is pushed out of it then is
//! counted as lost.
//!
//! A record is here before it is certainly on disk, so that no sink waits for a disk: what a crash
//! takes from the journal then was seen by somebody under an id that is never given again, because
//! the attempt's number is in it and the header, which has the number, is on disk first.

mod counts;
mod map;
mod past;
mod window;

use counts::Counts;
pub(super) use counts::mark;
use map::Map;
pub(super) use past::{Lines, of_ours};
use window::Window;

use std::fs::File;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use agent_plan::record::{Header, Record};
use tokio::sync::watch;

/// A place in the order of records: behind one of them, or before the first.
///
/// Of what was in the journal when it was opened it is the offset in bytes; from there on it counts
/// what was recorded, which is not the same where the disk did not take everything.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Position(pub(super) u64);

/// A record and where it is.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    /// Behind it: where reading goes on.
    pub(super) end: Position,
    /// Of its attempt.
    pub(super) header: Arc<Header>,
    /// It.
    pub(super) record: Arc<Record>,
}

/// What a journal held when it was opened.
#[derive(Debug)]
pub(super) struct Found {
    /// To read from; `None` without a journal.
    pub(super) file: Option<Arc<File>>,
    /// The headers and where they end.
    pub(super) headers: Vec<(Position, Arc<Header>)>,
    /// Where delivery begins.
    pub(super) start: Position,
    /// Behind the last record that is left over; `start` if none is.
    pub(super) last: Position,
    /// Its length.
    pub(super) length: u64,
    /// Records behind `start`, by where they end: one in some kilobytes.
    pub(super) marks: Vec<(Position, u64)>,
    /// Records behind `start`.
    pub(super) left_over: u64,
}

/// What the journal has of what it was given.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Stored {
    /// How much.
    pub(super) bytes: u64,
    /// Where in the file it begins.
    pub(super) offset: u64,
}

/// What is recorded. Clones share it.
#[derive(Debug, Clone, Default)]
pub(super) struct Backlog {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    progress: watch::Sender<Progress>,
}

/// What sinks wait for.
#[derive(Debug, Clone, Copy, Default)]
struct Progress {
    start: Option<Position>,
    /// Where this attempt's records begin.
    own: Position,
    end: Position,
    closed: bool,
}

#[derive(Debug, Default)]
struct State {
    file: Option<Arc<File>>,
    headers: Vec<(Position, Arc<Header>)>,
    map: Map,
    window: Window,
    counts: Counts,
    delivered: Position,
    /// Records that nobody can read any more and nobody has delivered, as far as is known.
    lost: u64,
}

impl State {
    /// The header of what follows a position.
    fn header_at(&self, position: Position) -> Option<Arc<Header>> {
        let count = self.headers.partition_point(|(end, _)| *end <= position);
        Some(Arc::clone(&self.headers[count.checked_sub(1)?].1))
    }

    /// Counts what the journal should have had between where reading began and what memory has.
    fn passed_over(&mut self, from: Position, to: Position) {
        let left = self.window.count_behind(to).filter(|_| from < to);
        if let Some(left) = left {
            self.lost += self.counts.skipped(from, to, left);
        }
    }

    fn stored(&mut self, from: Position, stored: Stored) {
        if stored.bytes > 0 {
            let end = Position(from.0 + stored.bytes);
            self.map.add(from, end, stored.offset);
        }
        let forget = |end| self.counts.forget(end);
        let on_disk = self.map.end();
        self.lost += self.window.shrink(on_disk, self.delivered, forget);
    }
}

fn gone() -> io::Error {
    let kind = io::ErrorKind::InvalidData;
    io::Error::new(kind, "the journal does not have any more what it had")
}

impl Backlog {
    fn state(&self) -> MutexGuard<'_, State> {
        // Nobody panics while holding it.
        let state = self.shared.state.lock();
        state.unwrap_or_else(PoisonError::into_inner)
    }

    /// Where delivery begins: behind the last record that a predecessor saw acknowledged.
    ///
    /// Known once the journal has been opened and recovered; waits for that. Cancel safe.
    pub(super) async fn start(&self) -> Position {
        self.opened().await.start.unwrap_or_default()
    }

    /// Where the records of this attempt begin; waits as [`Backlog::start`] does. Cancel safe.
    pub(super) async fn own(&self) -> Position {
        self.opened().await.own
    }

    async fn opened(&self) -> Progress {
        let mut progress = self.shared.progress.subscribe();
        let known = progress.wait_for(|known| known.start.is_some() || known.closed);
        // The sender lives as long as we.
        known.await.map(|known| *known).unwrap_or_default()
    }

    /// Returns the next records behind `from`, at most `count`; none if there are none yet.
    ///
    /// May read from a disk.
    ///
    /// # Errors
    ///
    /// Fails if the journal cannot be read, or does not have any more what it had.
    pub(super) fn read(&self, from: Position, count: usize) -> io::Result<Vec<Entry>> {
        if from >= self.shared.progress.borrow().end {
            return Ok(Vec::new());
        }
        let mut at = from;
        loop {
            let mut state = self.state();
            let span = state.map.span(at).zip(state.file.clone());
            let Some((mut span, file)) = span.filter(|_| !state.window.has(at)) else {
                let found = state.window.behind(at, count);
                state.passed_over(from, at);
                // Whoever is told that there is more and is given nothing would ask for ever.
                return if found.is_empty() {
                    Err(gone())
                } else {
                    Ok(found)
                };
            };
            // Older than memory: from the journal, without holding up the writer; up to what
            // memory has, in case the journal does not have it any more.
            span.end = span.end.min(state.window.start());
            let header = state.header_at(at);
            drop(state);
            let found = past::read(&file, span, header, count)?;
            if !found.is_empty() {
                let mut state = self.state();
                let missing = state.counts.read(from, &found);
                state.lost += missing;
                return Ok(found);
            }
            at = span.end;
        }
    }

    /// Waits until there are records behind a position, or until there will be none.
    ///
    /// Returns `false` if there will be none: the run's last record is before it. Cancel safe, and
    /// may be waited for on any runtime.
    pub(super) async fn more(&self, than: Position) -> bool {
        let mut progress = self.shared.progress.subscribe();
        let there_are = |known: &Progress| known.start.is_some() && known.end > than;
        let known = progress.wait_for(|known| known.closed || there_are(known));
        // The sender lives as long as we.
        known.await.is_ok_and(|known| there_are(&known))
    }

    /// Notes that everything before a position is delivered and never needs to be read again. It is
    /// kept beside the journal for a successor, now and then and when the backlog is closed.
    pub(super) fn delivered(&self, through: Position) {
        let mut state = self.state();
        state.delivered = state.delivered.max(through);
        state.counts.delivered(through);
    }

    /// How many records are behind a position; of those that were read from the journal, where a sink
    /// says how far it has come, exactly. Reads no disk.
    pub(super) fn pending(&self, from: Position) -> u64 {
        let state = self.state();
        let in_window = state.window.count_behind(from);
        in_window.unwrap_or_else(|| state.counts.behind(from))
    }
}

/// The writer's side.
impl Backlog {
    /// Begins with what was found in the journal; this attempt's records follow.
    pub(super) fn open(&self, found: Found) {
        let mut state = self.state();
        let own = Position(found.length);
        state.file = found.file;
        state.headers = found.headers;
        state.map = Map::of(found.length);
        state.window = Window::at(own);
        state.counts = Counts::of(found.start, found.marks, own, found.left_over);
        state.delivered = found.start;
        drop(state);
        self.shared.progress.send_modify(|progress| {
            progress.start = Some(found.start);
            progress.own = own;
            progress.end = found.last;
        });
    }

    /// Adds records with the bytes of their lines, of which some may be on disk already, and tells
    /// the sinks.
    pub(super) fn add(&self, header: &Arc<Header>, records: Vec<(Record, u64)>, stored: Stored) {
        if records.is_empty() {
            return;
        }
        let mut state = self.state();
        let state = &mut *state;
        let begin = state.window.end();
        let known = state.headers.last();
        if known.is_none_or(|(_, known)| !Arc::ptr_eq(known, header)) {
            state.headers.push((begin, Arc::clone(header)));
        }
        for (record, length) in records {
            let end = Position(state.window.end().0 + length);
            state.window.push(Entry {
                end,
                header: Arc::clone(header),
                record: Arc::new(record),
            });
            state.counts.add(end);
        }
        state.stored(begin, stored);
        let end = state.window.end();
        self.shared
            .progress
            .send_modify(|progress| progress.end = end);
    }

    /// Returns records that are only in memory, from the first on, about so many bytes of them, and
    /// where the first begins.
    pub(super) fn unwritten(&self, bytes: u64) -> (Position, Vec<Entry>) {
        let state = self.state();
        state.window.from(state.map.end(), bytes)
    }

    /// Notes that the journal has what is behind a position.
    pub(super) fn written(&self, from: Position, stored: Stored) {
        self.state().stored(from, stored);
    }

    /// Bytes of records that are only in memory.
    pub(super) fn unwritten_bytes(&self) -> u64 {
        let state = self.state();
        let (start, end) = (state.window.start(), state.window.end());
        end.0 - state.map.end().max(start).0
    }

    /// Records that are nowhere any more and were not delivered, or cannot be read.
    pub(super) fn lost(&self) -> u64 {
        self.state().lost
    }

    /// The offset in the journal behind what is delivered.
    pub(super) fn delivered_offset(&self) -> u64 {
        let state = self.state();
        state.map.offset(state.delivered)
    }

    /// Says that nothing will follow.
    pub(super) fn close(&self) {
        self.shared
            .progress
            .send_modify(|progress| progress.closed = true);
    }

    /// Waits until nothing will follow. Cancel safe.
    pub(super) async fn closed(&self) {
        let mut progress = self.shared.progress.subscribe();
        // The sender lives as long as we.
        drop(progress.wait_for(|known| known.closed).await);
    }
}

#[cfg(test)]
mod tests;
