//! What has been said and is not recorded yet: a queue whose bound is bytes.
//!
//! Whoever says something never waits. Output that finds no room is dropped and counted, and the
//! count takes its place in the order of things; anything else is kept beyond the bound, and the
//! conversation waits for room before it makes more of it. What the writer has taken counts until
//! it is recorded, so that the bound is one on memory. A writer that takes nothing for seconds waits
//! for a disk that hangs, and holds up nobody.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use agent_plan::event::Event;
use tokio::sync::Notify;
use tokio::time::timeout;

use crate::veil::Clean;

/// How much may be waiting for the writer: four thousand lines of a kilobyte, which a disk takes
/// in less than a tenth of a second.
pub(super) const BOUND: usize = 4 << 20;

/// How much the writer takes at once, so that the room comes back in pieces.
const BATCH: usize = 1 << 20;

/// How long the conversation waits for a writer that takes nothing: a disk that is only slow takes a
/// batch in less.
const HANGS: Duration = Duration::from_secs(5);

/// A line of output, as cheap as it can be for the thread that pumps the agent's pipe.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Line {
    /// `stdout` or `stderr`.
    pub(super) stream: &'static str,
    /// Without secrets; never blank.
    pub(super) text: String,
    /// Whether it is a piece of a line that is too long.
    pub(super) part: bool,
}

/// What is to be recorded.
#[derive(Debug)]
pub(super) enum Item {
    /// Anything but a line.
    Event(Box<Event>),
    /// A line of output.
    Line(Line),
    /// So many lines of output are missing here.
    Gap(u64),
}

impl Item {
    /// What it costs; the least is not free.
    fn weight(&self) -> usize {
        /// Of what an item keeps besides its text.
        const REST: usize = 256;
        match self {
            Self::Line(line) => size_of::<Entry>() + line.text.len(),
            Self::Gap(_) => size_of::<Entry>(),
            Self::Event(event) => {
                let attrs = event.attrs.values().map(weight_of).sum::<usize>();
                REST + event.content.len() + attrs
            }
        }
    }

    fn is_output(&self) -> bool {
        match self {
            Self::Line(_) => true,
            Self::Gap(_) => false,
            Self::Event(event) => event.kind.is_output(),
        }
    }
}

/// Bytes of a value's texts, and something for the rest.
fn weight_of(value: &serde_json::Value) -> usize {
    use serde_json::Value;
    16 + match value {
        Value::String(text) => text.len(),
        Value::Array(values) => values.iter().map(weight_of).sum(),
        Value::Object(map) => map
            .iter()
            .map(|(key, value)| key.len() + weight_of(value))
            .sum(),
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
    }
}

/// An item and when it was said.
#[derive(Debug)]
pub(super) struct Entry {
    /// Never before that of the entry before it.
    pub(super) time: SystemTime,
    /// What.
    pub(super) item: Item,
}

/// What the writer finds.
#[derive(Debug, Default)]
pub(super) struct Batch {
    /// In the order in which it was said; empty after a wait in vain.
    pub(super) entries: Vec<Entry>,
    /// What they cost, to be given back with [`Queue::recorded`].
    pub(super) weight: usize,
    /// Nothing will follow.
    pub(super) last: bool,
}

/// The queue.
#[derive(Debug)]
pub(super) struct Queue {
    state: Mutex<State>,
    bound: usize,
    ready: Condvar,
    room: Notify,
}

#[derive(Debug, Default)]
struct State {
    entries: VecDeque<Entry>,
    /// Of what waits and of what the writer has taken.
    weight: usize,
    /// Events that the writer has taken and not recorded.
    taken: u64,
    /// Whether the conversation must wait.
    full: bool,
    /// When the writer took or recorded something last; since when it has something to take, if that
    /// is later.
    moved: Option<Instant>,
    /// Lines that are missing behind the last entry.
    missing: u64,
    /// Everything that was dropped.
    dropped: u64,
    /// The time of the last entry.
    latest: Option<SystemTime>,
    closed: bool,
}

impl Queue {
    pub(super) fn new(bound: usize) -> Self {
        Self {
            state: Mutex::default(),
            bound,
            ready: Condvar::new(),
            room: Notify::new(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nobody panics while holding it; if somebody did, the queue would still be whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes an event. Never waits.
    pub(super) fn event(&self, event: Clean) {
        self.push([Item::Event(Box::new(event.into_event()))]);
    }

    /// Takes lines of output, or drops and counts them. Never waits.
    pub(super) fn lines(&self, lines: impl IntoIterator<Item = Line>) {
        self.push(lines.into_iter().map(Item::Line));
    }

    fn push(&self, items: impl IntoIterator<Item = Item>) {
        let mut state = self.state();
        let now = SystemTime::now();
        // Readers order events by time (contract §8.5), so a clock that is set back must not
        // reverse them.
        let time = state.latest.map_or(now, |latest| latest.max(now));
        state.latest = Some(time);
        let mut added = false;
        for item in items {
            added |= state.add(time, item, self.bound);
        }
        drop(state);
        if added {
            self.ready.notify_one();
        }
    }

    /// Waits for something to record until a time; for ever without one.
    pub(super) fn take(&self, until: Option<Instant>) -> Batch {
        let mut state = self.state();
        while state.entries.is_empty() && !state.closed {
            state = match until.map(|until| until.saturating_duration_since(Instant::now())) {
                None => self
                    .ready
                    .wait(state)
                    .unwrap_or_else(PoisonError::into_inner),
                Some(left) if left.is_zero() => break,
                Some(left) => {
                    let waited = self.ready.wait_timeout(state, left);
                    waited.unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
        state.batch()
    }

    /// Gives back the room that a batch took.
    pub(super) fn recorded(&self, weight: usize) {
        let mut state = self.state();
        state.weight -= weight;
        state.taken = 0;
        state.moved = Some(Instant::now());
        let there_is_room = state.full && state.weight <= self.bound / 2;
        if there_is_room {
            state.full = false;
        }
        drop(state);
        if there_is_room {
            self.room.notify_waiters();
        }
    }

    /// Takes nothing more: whatever comes counts as dropped.
    pub(super) fn close(&self) {
        let mut state = self.state();
        state.closed = true;
        // Nobody is to wait for a writer that may be gone.
        state.full = false;
        drop(state);
        self.ready.notify_one();
        self.room.notify_waiters();
    }

    /// Whether the conversation may go on: there is room, or the writer hangs.
    pub(super) fn has_room(&self) -> bool {
        self.wait().is_none()
    }

    /// How long it takes at most until the conversation may go on; `None`: it may.
    fn wait(&self) -> Option<Duration> {
        let state = self.state();
        let moved = state.moved.filter(|_| state.full)?;
        let left = HANGS.saturating_sub(moved.elapsed());
        (!left.is_zero()).then_some(left)
    }

    /// Waits until there is room, or as long as a writer that hangs is waited for. Cancel safe.
    pub(super) async fn room(&self) {
        loop {
            let notified = self.room.notified();
            let mut notified = std::pin::pin!(notified);
            // Before the look, because the room may come between the look and the wait.
            notified.as_mut().enable();
            let Some(wait) = self.wait() else { return };
            // Whichever it was, the next look says it.
            drop(timeout(wait, notified).await);
        }
    }

    /// Counts what somebody else dropped, and says so.
    pub(super) fn count_dropped(&self, count: u64) {
        self.state().dropped += count;
    }

    /// What was dropped so far.
    pub(super) fn dropped(&self) -> u64 {
        self.state().dropped
    }

    /// How many events are not recorded.
    pub(super) fn len(&self) -> u64 {
        let state = self.state();
        events(&state.entries) + state.taken
    }
}

impl State {
    /// Returns whether there is more to record than before.
    fn add(&mut self, time: SystemTime, item: Item, bound: usize) -> bool {
        let weight = item.weight();
        if self.closed {
            self.dropped += 1;
            return false;
        }
        if item.is_output() && self.weight + weight > bound {
            self.missing += 1;
            self.dropped += 1;
            return false;
        }
        if self.weight == 0 {
            self.moved = Some(Instant::now());
        }
        self.tell_missing(time);
        self.weight += weight;
        self.full |= self.weight > bound;
        self.entries.push_back(Entry { time, item });
        true
    }

    fn tell_missing(&mut self, time: SystemTime) {
        if self.missing > 0 {
            let item = Item::Gap(std::mem::take(&mut self.missing));
            self.weight += item.weight();
            self.entries.push_back(Entry { time, item });
        }
    }

    fn batch(&mut self) -> Batch {
        if self.closed {
            self.tell_missing(self.latest.unwrap_or_else(SystemTime::now));
        }
        self.moved = Some(Instant::now());
        let mut batch = Batch::default();
        while batch.weight < BATCH
            && let Some(entry) = self.entries.pop_front()
        {
            batch.weight += entry.item.weight();
            batch.entries.push(entry);
        }
        batch.last = self.closed && self.entries.is_empty();
        self.taken = events(&batch.entries);
        batch
    }
}

/// How many of them are events.
fn events<'e>(entries: impl IntoIterator<Item = &'e Entry>) -> u64 {
    let is_event = |entry: &&Entry| !matches!(entry.item, Item::Gap(_));
    entries.into_iter().filter(is_event).count() as u64
}

#[cfg(test)]
mod tests;
