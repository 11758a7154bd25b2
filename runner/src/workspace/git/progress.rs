//! How far a checkout is.

use crate::progress;
use crate::workspace::Say;

/// How far a checkout is.
pub(super) struct Progress {
    shown: progress::Progress,
    say: Say,
}

impl Progress {
    /// Starts; `terminal`: whether stderr is one, on which a bar may be drawn; `say` is told what the
    /// log is.
    pub(super) fn new(terminal: bool, say: Say) -> Self {
        let shown = progress::Progress::new(terminal);
        Self { shown, say }
    }

    /// Tells of a transfer; called often.
    pub(super) fn received(&self, stats: &git2::Progress<'_>) {
        let (done, all, bytes) = (
            stats.received_objects(),
            stats.total_objects(),
            stats.received_bytes(),
        );
        let count = || format!("{done}/{all} objects, {} MiB", bytes >> 20);
        if self.shown.advance(done as u64, all as u64, count) {
            (self.say)(format!(
                "receiving the repository: {done} of {all} objects, {bytes} bytes"
            ));
            if !self.shown.is_drawn() {
                tracing::info!(objects = done, of = all, bytes, "Receiving the repository.");
            }
        }
    }

    /// Removes the bar, if there is one.
    pub(super) fn end(&self) {
        self.shown.end();
    }
}
