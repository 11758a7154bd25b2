//! When there was output last, and whether any leaves us.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

/// When the agent last said something, on either stream.
#[derive(Debug)]
pub(in crate::process) struct Activity {
    start: Instant,
    /// Milliseconds after `start`, plus one; 0: never.
    last: AtomicU64,
    /// Told of the first output, from which on silence is idleness.
    first: Notify,
    /// Bytes that have left us, for telling a slow sink from a dead one.
    delivered: AtomicU64,
}

impl Activity {
    pub(in crate::process) fn new() -> Self {
        Self {
            start: Instant::now(),
            last: AtomicU64::new(0),
            first: Notify::new(),
            delivered: AtomicU64::new(0),
        }
    }

    /// There is output.
    pub(in crate::process) fn touch(&self) {
        let now = u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX - 1);
        if self.last.swap(now + 1, Ordering::Relaxed) == 0 {
            self.first.notify_one();
        }
    }

    /// Waits for the first output. Cancel safe; returns once.
    pub(in crate::process) async fn begun(&self) {
        self.first.notified().await;
    }

    /// When the last output came, if any did.
    pub(in crate::process) fn last(&self) -> Option<Instant> {
        let last = self.last.load(Ordering::Relaxed).checked_sub(1)?;
        Some(self.start + Duration::from_millis(last))
    }

    pub(in crate::process) fn delivered(&self) -> u64 {
        self.delivered.load(Ordering::Relaxed)
    }

    /// So many bytes have left us, or one attempt more has brought something.
    pub(super) fn deliver(&self, count: u64) {
        self.delivered.fetch_add(count, Ordering::Relaxed);
    }
}
