//! How far the storing is, for whoever waits for it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::progress::Progress;

/// What hears how far it is.
pub(crate) type Say = Arc<dyn Fn(String) + Send + Sync>;

/// What is done of what there is to do.
pub(super) struct Tally {
    progress: Progress,
    say: Say,
    all_files: u64,
    all_bytes: u64,
    files: AtomicU64,
    bytes: AtomicU64,
}

impl Tally {
    /// Starts with nothing done of so many files and bytes.
    pub(super) fn new(all_files: usize, all_bytes: u64, say: &Say) -> Self {
        Self {
            progress: Progress::on_stderr(),
            say: Arc::clone(say),
            all_files: all_files as u64,
            all_bytes,
            files: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
        }
    }

    /// So many bytes more are stored.
    pub(super) fn stored(&self, bytes: u64) {
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
        self.show();
    }

    /// A file more is done with, whatever became of it.
    pub(super) fn ended(&self) {
        self.files.fetch_add(1, Ordering::Relaxed);
        self.show();
    }

    /// Removes the bar, if there is one.
    pub(super) fn end(&self) {
        self.progress.end();
    }

    fn show(&self) {
        let (files, of) = (self.files.load(Ordering::Relaxed), self.all_files);
        let (bytes, all) = (self.bytes.load(Ordering::Relaxed), self.all_bytes);
        let count = || format!("{files}/{of} files, {} of {} MiB", bytes >> 20, all >> 20);
        // Thousands of empty files are something, too.
        if self.progress.advance(bytes + files, all + of, count) {
            (self.say)(format!(
                "storing artifacts: {files} of {of} files, {bytes} of {all} bytes"
            ));
            if !self.progress.is_drawn() {
                tracing::info!(files, of, bytes, "Storing artifacts.");
            }
        }
    }
}

impl std::fmt::Debug for Tally {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tally")
            .field("files", &self.files)
            .field("bytes", &self.bytes)
            .finish_non_exhaustive()
    }
}
