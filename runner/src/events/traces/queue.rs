//! Spans that wait for the collector.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use opentelemetry_sdk::trace::SpanData;
use tokio::sync::Notify;

/// Spans that may wait: the specification's default, a few MiB.
const ROOM: usize = 2048;

/// Spans of one request: the specification's default.
const BATCH: usize = 512;

/// Spans on their way from the records to the exporter's thread.
#[derive(Debug, Default)]
pub(super) struct Queue {
    state: Mutex<State>,
    /// There is a whole batch, or the last.
    ready: Notify,
}

#[derive(Debug, Default)]
struct State {
    waiting: VecDeque<SpanData>,
    /// Spans in the request that is under way.
    sending: usize,
    lost: u64,
    ending: bool,
}

impl Queue {
    /// Adds spans; never waits. Where there is no room the oldest go: the last ones, of the phases
    /// and the run, hold the others together.
    pub(super) fn add(&self, spans: Vec<SpanData>) {
        if spans.is_empty() {
            return;
        }
        let mut state = self.state();
        state.waiting.extend(spans);
        state.make_room();
        if state.waiting.len() >= BATCH {
            self.ready.notify_one();
        }
    }

    /// Says that no more will come; what there is goes at once.
    pub(super) fn close(&self) {
        self.state().ending = true;
        self.ready.notify_one();
    }

    /// Waits until there is something to do, or for `delay`; says whether no more will come. Cancel
    /// safe.
    pub(super) async fn wait(&self, delay: Duration) -> bool {
        // Time that has passed is as good a reason as a batch.
        drop(tokio::time::timeout(delay, self.ready.notified()).await);
        self.state().ending
    }

    /// Takes the next batch, which counts as lost until [`settle`](Self::settle) says otherwise.
    pub(super) fn batch(&self) -> Vec<SpanData> {
        let mut state = self.state();
        let count = state.waiting.len().min(BATCH);
        state.sending = count;
        state.waiting.drain(..count).collect()
    }

    /// Says what became of the last batch: what is given back goes again, before the others.
    pub(super) fn settle(&self, fate: Fate) {
        let mut state = self.state();
        let sending = std::mem::take(&mut state.sending);
        match fate {
            Fate::Exported => {}
            Fate::Refused => state.lost += as_count(sending),
            Fate::Again(spans) => {
                for span in spans.into_iter().rev() {
                    state.waiting.push_front(span);
                }
                state.make_room();
            }
        }
    }

    /// How many spans the collector has not got.
    pub(super) fn missing(&self) -> u64 {
        let state = self.state();
        state.lost + as_count(state.waiting.len() + state.sending)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn make_room(&mut self) {
        let over = self.waiting.len().saturating_sub(ROOM);
        self.waiting.drain(..over);
        self.lost += as_count(over);
    }
}

/// What became of a batch.
#[derive(Debug)]
pub(super) enum Fate {
    /// The collector has it.
    Exported,
    /// The collector will never take it.
    Refused,
    /// The collector could not be asked, or was busy.
    Again(Vec<SpanData>),
}

fn as_count(spans: usize) -> u64 {
    u64::try_from(spans).unwrap_or(u64::MAX)
}
