//! The thread that records: from the queue to the journal and the backlog.
//!
//! Numbers are given here, behind whatever was dropped. A batch, which is what has come in since the
//! last, is one write. The disk is asked to have it at most ten times a second: until then only a
//! crash of the machine takes it, not one of ours; sinks need not wait for that (see
//! [`super::backlog`]). While the disk takes nothing the records are in memory, and it is tried
//! again now and then.

mod record;
mod told;

pub(super) use told::Told;

use std::io;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use agent_plan::record::{Header, Record};
use tokio::sync::watch;

use super::backlog::{Backlog, Stored};
use super::journal::{self, Journal, Wanted};
use super::queue::Queue;
use super::traces::Traces;
use record::Recorder;

/// How long bytes may wait for `fdatasync`, which takes a disk some milliseconds.
const SYNC: Duration = Duration::from_millis(100);

/// How long a disk that took nothing is left alone.
const RETRY: Duration = Duration::from_secs(1);

/// How often what is delivered is kept for a successor.
const ACKNOWLEDGE: Duration = Duration::from_millis(500);

/// How much is written at once to a disk that takes something again.
const CATCH_UP: u64 = 1 << 20;

/// What the thread shares with the others.
#[derive(Debug)]
pub(super) struct Shared {
    /// What is to be recorded.
    pub(super) queue: Arc<Queue>,
    /// What is.
    pub(super) backlog: Backlog,
    /// The spans that are made of it.
    pub(super) traces: Option<Traces>,
    /// What became of it.
    pub(super) told: Mutex<Told>,
    /// Whether the thread has ended.
    pub(super) ended: watch::Sender<bool>,
}

impl Shared {
    /// What became of it, as it is known.
    pub(super) fn told(&self) -> MutexGuard<'_, Told> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes what is said of it.
    pub(super) fn tell(&self, change: impl FnOnce(&mut Told)) {
        change(&mut self.told());
    }
}

/// Lets nobody wait for a thread that is gone, whatever ended it.
struct Farewell(Arc<Shared>);

impl Drop for Farewell {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let problem = "the thread that records events has failed";
            self.0.tell(|told| told.writing = Some(problem.to_owned()));
        }
        self.0.queue.close();
        self.0.backlog.close();
        self.0.ended.send_replace(true);
    }
}

/// Starts the thread. It ends when the queue is closed and `stay` is at its end.
pub(super) fn start(
    shared: Arc<Shared>,
    wanted: Wanted,
    limit: u64,
    stay: Receiver<()>,
    scratch: impl FnOnce() -> io::Result<PathBuf> + Send + 'static,
) -> io::Result<()> {
    let thread = std::thread::Builder::new().name("events".to_owned());
    // It is joined by way of `ended`, which can be waited for and given up.
    drop(thread.spawn(move || {
        let farewell = Farewell(Arc::clone(&shared));
        let is_published = wanted.is_published;
        let opened = journal::open(&wanted, scratch);
        shared.tell(|told| told.opened(&opened));
        let writer = Writer {
            recorder: Recorder::new(limit),
            header: Arc::new(opened.header),
            journal: opened.journal,
            failing: None,
            unsynced: None,
            acknowledged: is_published.then(Instant::now),
            shared,
        };
        writer.shared.backlog.open(opened.found);
        writer.work(&stay);
        drop(farewell);
    })?);
    Ok(())
}

struct Writer {
    shared: Arc<Shared>,
    recorder: Recorder,
    header: Arc<Header>,
    journal: Option<Journal>,
    /// Since when the disk takes nothing: the last time it was tried.
    failing: Option<Instant>,
    /// Since when there are bytes that may not be on disk.
    unsynced: Option<Instant>,
    /// When it was last kept what is delivered; `None` if nobody delivers.
    acknowledged: Option<Instant>,
}

impl Writer {
    fn work(mut self, stay: &Receiver<()>) {
        loop {
            let batch = self.shared.queue.take(self.due());
            let alone = self.shared.backlog.unwritten_bytes();
            let records = self.recorder.records(&self.header, batch.entries, alone);
            self.record(records);
            self.shared.queue.recorded(batch.weight);
            if batch.last {
                break;
            }
            self.upkeep(Instant::now());
        }
        let rest = self.recorder.rest(&self.header);
        self.record(rest);
        self.catch_up();
        self.sync();
        self.shared.backlog.close();
        while stay.recv_timeout(ACKNOWLEDGE) == Err(RecvTimeoutError::Timeout) {
            self.acknowledge();
        }
        self.acknowledge();
        if let Some(journal) = self.journal.take() {
            if journal.is_gone() {
                let problem = "somebody has removed the journal".to_owned();
                self.shared.tell(|told| told.writing = Some(problem));
            }
            journal.close();
        }
    }

    /// When there is something to do though nothing comes in.
    fn due(&self) -> Option<Instant> {
        let sync = self.unsynced.map(|since| since + SYNC);
        let retry = self.failing.map(|since| since + RETRY);
        let acknowledge = self.acknowledged.map(|last| last + ACKNOWLEDGE);
        [sync, retry, acknowledge].into_iter().flatten().min()
    }

    fn upkeep(&mut self, now: Instant) {
        if self.failing.is_some_and(|since| since + RETRY <= now) {
            self.catch_up();
        }
        if self.unsynced.is_some_and(|since| since + SYNC <= now) {
            self.sync();
        }
        if self
            .acknowledged
            .is_some_and(|last| last + ACKNOWLEDGE <= now)
        {
            self.acknowledged = Some(now);
            self.acknowledge();
        }
    }

    /// Writes records and adds them to the backlog, in this order: whatever a sink has published,
    /// the journal has, unless the disk takes nothing.
    fn record(&mut self, records: record::Records) {
        let record::Records { lines, records } = records;
        if records.is_empty() {
            return self.count();
        }
        let mut stored = Stored::default();
        if self.failing.is_none()
            && let Some(journal) = &mut self.journal
        {
            let appended = journal.append(&lines);
            stored = appended.stored;
            self.appended(stored, appended.problem);
        }
        if let Some(traces) = &self.shared.traces {
            for (record, _) in &records {
                traces.record(record);
            }
        }
        self.shared.backlog.add(&self.header, records, stored);
        self.count();
    }

    fn count(&self) {
        let (emitted, dropped) = (self.recorder.emitted(), self.recorder.dropped());
        let lost = self.shared.backlog.lost();
        self.shared.tell(|told| {
            (told.emitted, told.dropped) = (emitted, dropped);
            told.lost(lost);
        });
    }

    fn appended(&mut self, stored: Stored, problem: Option<io::Error>) {
        if stored.bytes > 0 {
            self.unsynced.get_or_insert_with(Instant::now);
        }
        let Some(error) = problem else { return };
        if self.failing.is_none() {
            tracing::warn!(%error, "Journal not written.");
        }
        self.failing = Some(Instant::now());
        let problem = format!("the journal cannot be written: {error}");
        self.shared.tell(|told| told.writing = Some(problem));
    }

    /// Writes what is only in memory.
    fn catch_up(&mut self) {
        while self.failing.is_some()
            && let Some(journal) = &mut self.journal
        {
            let (from, entries) = self.shared.backlog.unwritten(CATCH_UP);
            let mut lines = Vec::new();
            for entry in &entries {
                record::line(&entry.record, &mut lines);
            }
            let appended = journal.append(&lines);
            let stored = appended.stored;
            let is_written = appended.problem.is_none();
            self.shared.backlog.written(from, stored);
            self.appended(stored, appended.problem);
            if !is_written {
                return;
            }
            if entries.is_empty() {
                self.failing = None;
                tracing::info!("Journal written again.");
                self.shared.tell(|told| told.writing = None);
            }
        }
    }

    fn sync(&mut self) {
        let is_due = self.unsynced.take().is_some();
        let Some(journal) = self.journal.as_ref().filter(|_| is_due) else {
            return;
        };
        // What failed once is not tried again: the kernel has forgotten the pages by then.
        if let Err(error) = journal.sync() {
            tracing::warn!(%error, "Journal not synced.");
            let problem = format!("the disk may not have the journal: {error}");
            self.shared.tell(|told| told.writing = Some(problem));
        }
    }

    fn acknowledge(&mut self) {
        // What cannot be read is found out by those who deliver.
        self.count();
        let offset = self.shared.backlog.delivered_offset();
        if self.acknowledged.is_none() {
            return;
        }
        if let Some(journal) = &mut self.journal
            && let Err(error) = journal.acknowledge(offset)
        {
            // A successor publishes some records twice then, under the same ids.
            tracing::debug!(%error, "Acknowledged position not kept.");
        }
    }
}

/// A record and the bytes of its line.
type Sized = (Record, u64);

#[cfg(test)]
mod tests;
