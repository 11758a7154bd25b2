//! The log file of the agent's output.
//!
//! It is appended to (contract §5.1), by the threads of stdout and stderr together; `O_APPEND`
//! keeps their writes apart. A log that fails is closed and counted, never retried: a gap in the
//! middle would be worse than an end that the status tells of. A log that is no regular file (a
//! pipe, a terminal) may have a slow reader, who is waited for as long as the caller likes.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use nix::errno::Errno;

/// What to do about a log that takes nothing now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wait {
    /// Something may fit by now.
    Retry,
    /// It has been waited for long enough.
    Over,
}

/// What a log is made of, and so where it may end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    /// Anywhere.
    Bytes,
    /// Behind a line, and with one of the same form: each is an object of JSON.
    Lines,
}

/// The log of the agent's output.
#[derive(Debug)]
pub struct Log {
    file: Option<File>,
    path: Option<PathBuf>,
    limit: u64,
    written: AtomicU64,
    lost: AtomicU64,
    closed: AtomicBool,
    complaint: Mutex<Option<String>>,
}

impl Log {
    /// Returns a log that keeps nothing, for runs that ask for none.
    pub fn none() -> Self {
        Self::of(None, None, u64::MAX)
    }

    /// Opens the log at `path` for appending; parents are made.
    ///
    /// If that fails, a file in the directory that `scratch` makes takes its place, and the
    /// complaint says so; if that fails too, there is no log, and every byte counts as lost.
    pub fn open(
        path: &Path,
        limit: Option<u64>,
        scratch: impl FnOnce() -> io::Result<PathBuf>,
    ) -> Self {
        let limit = limit.unwrap_or(u64::MAX);
        let error = match append_to(path) {
            Ok(file) => return Self::of(Some(file), Some(path.to_owned()), limit),
            Err(error) => error,
        };
        let problem = format!("the log `{}` cannot be opened: {error}", path.display());
        let second = scratch().map(|directory| directory.join("runner.log"));
        let (log, complaint) = match second.and_then(|path| Ok((append_to(&path)?, path))) {
            Ok((file, path)) => {
                let complaint = format!("{problem}; it is at `{}` instead", path.display());
                (Self::of(Some(file), Some(path), limit), complaint)
            }
            Err(error) => {
                let log = Self::of(None, None, limit);
                log.closed.store(true, Ordering::Relaxed);
                (
                    log,
                    format!("{problem}; nor can one be made elsewhere: {error}"),
                )
            }
        };
        log.complain(complaint);
        log
    }

    fn of(file: Option<File>, path: Option<PathBuf>, limit: u64) -> Self {
        Self {
            file,
            path,
            limit,
            written: AtomicU64::new(0),
            lost: AtomicU64::new(0),
            closed: AtomicBool::new(false),
            complaint: Mutex::new(None),
        }
    }

    /// Appends bytes; what cannot be written is counted.
    ///
    /// If nothing fits now, `wait` is called to wait for that; the log is given up if it returns
    /// [`Wait::Over`].
    pub(super) fn append(&self, bytes: &[u8], unit: Unit, wait: &dyn Fn(BorrowedFd<'_>) -> Wait) {
        let count = bytes.len() as u64;
        let Some(file) = self
            .file
            .as_ref()
            .filter(|_| !self.closed.load(Ordering::Relaxed))
        else {
            if self.closed.load(Ordering::Relaxed) {
                self.lost.fetch_add(count, Ordering::Relaxed);
            }
            return;
        };
        let before = self.written.fetch_add(count, Ordering::Relaxed);
        let room = self.limit.saturating_sub(before);
        if room < count {
            let mut fitting = &bytes[..usize::try_from(room).unwrap_or(bytes.len())];
            if unit == Unit::Lines {
                let end = fitting.iter().rposition(|byte| *byte == b'\n');
                fitting = &fitting[..end.map_or(0, |end| end + 1)];
            }
            let lost = count - fitting.len() as u64;
            self.close(fitting, lost, &self.last_words(unit), wait);
            return;
        }
        if let Err((left, error)) = write_all(file, bytes, wait) {
            self.lost.fetch_add(left as u64, Ordering::Relaxed);
            self.closed.store(true, Ordering::Relaxed);
            let path = self.path.as_deref().unwrap_or(Path::new("")).display();
            self.complain(format!(
                "the log `{path}` cannot be written any more: {error}"
            ));
        }
    }

    /// Writes the last bytes that fit and the record that says that there were more.
    fn close(
        &self,
        fitting: &[u8],
        lost: u64,
        record: &str,
        wait: &dyn Fn(BorrowedFd<'_>) -> Wait,
    ) {
        self.lost.fetch_add(lost, Ordering::Relaxed);
        let was_closed = self.closed.swap(true, Ordering::Relaxed);
        let Some(file) = self.file.as_ref().filter(|_| !was_closed) else {
            // The other stream's thread has closed it between our look and now.
            self.lost.fetch_add(fitting.len() as u64, Ordering::Relaxed);
            return;
        };
        match write_all(file, fitting, wait) {
            // A record that does not fit is no loss; the complaint below says the same.
            Ok(()) => drop(write_all(file, record.as_bytes(), wait)),
            Err((left, _)) => drop(self.lost.fetch_add(left as u64, Ordering::Relaxed)),
        }
        self.complain(format!(
            "the log has reached its limit of {} bytes",
            self.limit
        ));
    }

    /// The record that says that there was more.
    fn last_words(&self, unit: Unit) -> String {
        let limit = self.limit;
        match unit {
            Unit::Bytes => {
                format!("\n[agent-runner: the log ends here, at its limit of {limit} bytes]\n")
            }
            Unit::Lines => {
                let time = humantime::format_rfc3339_millis(SystemTime::now());
                format!(
                    "{{\"ts\":\"{time}\",\"runner\":\"the log ends here, at its limit of {limit} bytes\"}}\n"
                )
            }
        }
    }

    fn complain(&self, complaint: String) {
        tracing::warn!(problem = %complaint, "Log incomplete.");
        let mut first = self
            .complaint
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        first.get_or_insert(complaint);
    }

    /// Where the log is, if there is one.
    pub fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// Bytes that the log should have and has not.
    pub fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }

    /// The first thing that went wrong, for the status.
    pub fn complaint(&self) -> Option<String> {
        self.complaint
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

/// Writes all of `bytes`; an error comes with how many of them are not in the file.
fn write_all(
    file: &File,
    mut bytes: &[u8],
    wait: &dyn Fn(BorrowedFd<'_>) -> Wait,
) -> Result<(), (usize, io::Error)> {
    while !bytes.is_empty() {
        match nix::unistd::write(file, bytes) {
            Ok(0) => return Err((bytes.len(), io::ErrorKind::WriteZero.into())),
            Ok(count) => bytes = &bytes[count..],
            Err(Errno::EINTR) => {}
            Err(Errno::EAGAIN) if wait(file.as_fd()) == Wait::Retry => {}
            Err(Errno::EAGAIN) => {
                let error = io::Error::new(io::ErrorKind::TimedOut, "nobody reads it");
                return Err((bytes.len(), error));
            }
            Err(error) => return Err((bytes.len(), error.into())),
        }
    }
    Ok(())
}

fn append_to(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt;
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent)?;
    }
    // Without O_NONBLOCK the open of a FIFO would wait for a reader that may never come, and a
    // write to one could not be given up.
    let flags = nix::fcntl::OFlag::O_NONBLOCK.bits();
    OpenOptions::new()
        .append(true)
        .create(true)
        .custom_flags(flags)
        .open(path)
}
