//! Requests and connections, counted.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use super::fault::{S3Fault, Strikes};
use super::request::S3Request;

/// What has come so far, and what is done wrong about it.
#[derive(Debug, Default)]
pub(super) struct Log(Mutex<State>);

#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) faults: Vec<S3Fault>,
    pub(super) requests: Vec<S3Request>,
    pub(super) connections: usize,
    pub(super) most: usize,
    running: usize,
}

impl Log {
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts a connection; returns its number.
    pub(super) fn connected(&self) -> usize {
        let mut state = self.state();
        state.connections += 1;
        state.connections
    }

    /// Notes a request, and decides what strikes it.
    pub(super) fn begin(self: &Arc<Self>, request: S3Request) -> (Arc<Entry>, Strikes) {
        let mut state = self.state();
        let strikes = Strikes::of(&mut state.faults, &request);
        state.requests.push(request);
        state.running += 1;
        state.most = state.most.max(state.running);
        let entry = Entry {
            number: state.requests.len() - 1,
            log: Arc::clone(self),
        };
        (Arc::new(entry), strikes)
    }
}

/// A request that runs; over when nobody holds it any more.
#[derive(Debug)]
pub(super) struct Entry {
    number: usize,
    log: Arc<Log>,
}

impl Entry {
    /// So much of its body has been read.
    pub(super) fn has_read(&self, bytes: u64) {
        self.log.state().requests[self.number].body_bytes = bytes;
    }

    /// It is about to be answered.
    pub(super) fn answers(&self, status: u16) {
        self.log.state().requests[self.number].status = Some(status);
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        let mut state = self.log.state();
        state.running -= 1;
        state.requests[self.number].ended = Some(Instant::now());
    }
}
