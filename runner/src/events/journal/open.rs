//! Opening the journal, or another in its place.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use agent_plan::record::Header;
use nix::errno::Errno;
use nix::fcntl::OFlag;

use super::attempt::Asked;
use super::recovery::{Recovered, recover};
use super::{Acked, Journal};
use crate::events::backlog::{Found, Position};

/// What is wanted of a journal.
#[derive(Debug)]
pub(in crate::events) struct Wanted {
    /// Where; `None`: a private one.
    pub(in crate::events) path: Option<PathBuf>,
    /// Whether anybody asked for it: a private one is as good otherwise, and nothing to speak of.
    pub(in crate::events) is_asked: bool,
    /// Whether somebody delivers what is in it.
    pub(in crate::events) is_published: bool,
    /// Whose.
    pub(in crate::events) asked: Asked,
}

/// A journal, ready for records.
#[derive(Debug)]
pub(in crate::events) struct Opened {
    /// `None` if there can be none anywhere: then there is only the memory.
    pub(in crate::events) journal: Option<Journal>,
    /// Of this attempt.
    pub(in crate::events) header: Header,
    /// What was in it.
    pub(in crate::events) found: Found,
    /// What is not as it should be.
    pub(in crate::events) problem: Option<String>,
}

/// The longest journal that is looked at: what a disk reads in some seconds. A larger one, which may
/// well be a hole, would keep this run's events back for too long.
const LONGEST: u64 = 8 << 30;

/// Name of a journal that has no other place.
const PRIVATE: &str = "events.ndjson";

/// Opens the journal that is wanted; if that fails, a private one in the directory that `scratch`
/// makes, and if that fails too, none.
pub(in crate::events) fn open(
    wanted: &Wanted,
    scratch: impl FnOnce() -> io::Result<PathBuf>,
) -> Opened {
    let mut problem = None;
    if let Some(path) = &wanted.path {
        match at(path, wanted) {
            Ok(opened) => return opened,
            Err(error) => {
                let path = path.display();
                let said = format!("the journal `{path}` cannot be used: {error}");
                if wanted.is_asked {
                    problem = Some(said);
                } else {
                    tracing::debug!(said, "The journal is a private one.");
                }
            }
        }
    }
    let private = scratch().and_then(|directory| private(&directory.join(PRIVATE)));
    let journal = match private {
        Ok(journal) => Some(journal),
        Err(error) => {
            let said = problem.map_or_else(String::new, |problem| format!("{problem}; "));
            problem = Some(format!("{said}no journal can be made: {error}"));
            None
        }
    };
    let header = wanted.asked.header(std::iter::empty());
    let journal = journal.map(|mut journal| {
        journal.header = Some(line(&header));
        journal
    });
    Opened {
        found: found(journal.as_ref(), Recovered::default()),
        journal,
        header,
        problem,
    }
}

fn private(path: &Path) -> io::Result<Journal> {
    let file = regular(path)?;
    file.set_len(0)?;
    Ok(Journal {
        file: Arc::new(file),
        path: path.to_owned(),
        private: true,
        length: 0,
        header: None,
        acked: None,
    })
}

fn at(path: &Path, wanted: &Wanted) -> io::Result<Opened> {
    let parent = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty());
    if let Some(parent) = parent {
        std::fs::create_dir_all(parent)?;
    }
    let file = regular(path)?;
    lock(&file)?;
    if file.metadata()?.len() > LONGEST {
        return Err(io::Error::new(
            io::ErrorKind::FileTooLarge,
            "it is too long to be read",
        ));
    }
    let mut problem = None;
    let acked = Acked::find(path);
    // What cannot be read is there: rather published twice than never.
    let was_published = !matches!(acked, Ok(None));
    let acked = acked.unwrap_or_else(|error| {
        problem = Some(unkept(&error));
        None
    });
    let mut recovered = recover(&file, acked.as_ref().map_or(0, Acked::stored))?;
    if recovered.headers.is_empty() && !begins_as_ours(&file)? {
        // Whoever wrote it wants it back as it was.
        let kind = io::ErrorKind::InvalidData;
        return Err(io::Error::new(kind, "it is something else than a journal"));
    }
    if recovered.skipped > 0 {
        let skipped = recovered.skipped;
        problem = Some(format!("{skipped} lines of the journal cannot be read"));
    }
    let last = recovered.headers.last();
    let is_same_run = last.is_some_and(|(_, last)| wanted.asked.is_same_run(last));
    let is_owed = was_published && recovered.left_over > 0;
    let is_replaced = !is_same_run && !is_owed;
    if is_replaced {
        recovered = Recovered::default();
    }
    if !wanted.is_published {
        recovered.left_over = 0;
        recovered.marks.clear();
        (recovered.start, recovered.last) = (recovered.length, recovered.length);
    }
    let acked = if wanted.is_published {
        keep(path, acked, &file, &recovered)
    } else if was_published && is_replaced {
        // Nobody is to publish what this run says.
        Acked::remove(path).map(|()| None)
    } else {
        Ok(None)
    };
    let acked = acked.unwrap_or_else(|error| {
        problem = Some(unkept(&error));
        None
    });
    file.set_len(recovered.length)?;
    let earlier = recovered.headers.iter().map(|(_, header)| &**header);
    let header = wanted.asked.header(earlier);
    let mut journal = Journal {
        file: Arc::new(file),
        path: path.to_owned(),
        private: false,
        length: recovered.length,
        header: Some(line(&header)),
        acked,
    };
    // Before anybody hears of a record: after a crash of the machine the next attempt must know
    // that this number was taken.
    let stored = match journal.append(&[]).problem {
        None => journal.sync().and_then(|()| sync_directory(parent)),
        Some(error) => Err(error),
    };
    if let Err(error) = stored {
        problem = Some(format!("the journal does not take its header: {error}"));
    }
    Ok(Opened {
        found: found(Some(&journal), recovered),
        journal: Some(journal),
        header,
        problem,
    })
}

/// Keeps where delivery begins; returns what does so from here on.
fn keep(
    path: &Path,
    acked: Option<Acked>,
    file: &File,
    recovered: &Recovered,
) -> io::Result<Option<Acked>> {
    let mut acked = if let Some(acked) = acked {
        acked
    } else {
        // Before there is a file that says that the journal is to be published: what is replaced
        // never was.
        file.set_len(recovered.length)?;
        Acked::open(path)?
    };
    // Before the journal is cut, if it was there: a position that is too small does no harm.
    acked.store(recovered.start)?;
    Ok(Some(acked))
}

fn unkept(error: &io::Error) -> String {
    format!("what is delivered cannot be kept: {error}")
}

/// How a header begins.
const BEGIN: &[u8] = b"{\"journal\":";

/// Whether a file without a whole header may have been one of ours: empty, or what a crash left of
/// the first line.
fn begins_as_ours(file: &File) -> io::Result<bool> {
    // A disk leaves whole pages unwritten.
    let mut head = vec![0; 4096];
    let count = file.read_at(&mut head, 0)?;
    head.truncate(count);
    let zeros = head.iter().rev().take_while(|byte| **byte == 0).count();
    let text = &head[..head.len() - zeros];
    Ok(text.starts_with(BEGIN) || BEGIN.starts_with(text))
}

fn found(journal: Option<&Journal>, recovered: Recovered) -> Found {
    Found {
        file: journal.map(|journal| Arc::clone(&journal.file)),
        headers: recovered.headers,
        start: Position(recovered.start),
        last: Position(recovered.last),
        length: recovered.length,
        marks: recovered.marks,
        left_over: recovered.left_over,
    }
}

/// Opens a regular file, and nothing else, for reading and writing; it is made, for us alone, if it
/// is not there.
pub(super) fn regular(path: &Path) -> io::Result<File> {
    // Whoever can write the directory could lead us elsewhere by a link, or keep us waiting by a
    // FIFO.
    let flags = OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK;
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .custom_flags(flags.bits())
        .open(path)?;
    if file.metadata()?.is_file() {
        Ok(file)
    } else {
        Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "it is no regular file",
        ))
    }
}

/// How long the lock of a predecessor is waited for: one that was killed has it until the kernel has
/// ended its threads, and those that it was just about to start.
const LOCKED: Duration = Duration::from_secs(1);

/// Makes sure that no other runner writes the same journal.
fn lock(file: &File) -> io::Result<()> {
    let until = Instant::now() + LOCKED;
    loop {
        match lock_now(file) {
            Err(error) if error.kind() == io::ErrorKind::ResourceBusy && Instant::now() < until => {
                // The kernel tells nobody when a lock may be had but those who wait without end.
                std::thread::sleep(LOCKED / 100);
            }
            done => return done,
        }
    }
}

fn lock_now(file: &File) -> io::Result<()> {
    match file.try_lock() {
        Ok(()) => Ok(()),
        Err(std::fs::TryLockError::WouldBlock) => {
            let kind = io::ErrorKind::ResourceBusy;
            Err(io::Error::new(kind, "another runner writes it"))
        }
        // Some file systems have no locks; there it is as it would be without.
        Err(std::fs::TryLockError::Error(error)) => {
            match Errno::from_raw(error.raw_os_error().unwrap_or(0)) {
                Errno::EIO => Err(error),
                _ => Ok(()),
            }
        }
    }
}

fn sync_directory(parent: Option<&Path>) -> io::Result<()> {
    let directory = File::open(parent.unwrap_or(Path::new(".")))?;
    match directory.sync_all() {
        // Some file systems sync no directories.
        Err(error) if error.raw_os_error() == Some(Errno::EINVAL as i32) => Ok(()),
        done => done,
    }
}

/// A header as a line.
fn line(header: &Header) -> Vec<u8> {
    let mut line = serde_json::to_vec(header).expect("a header has only string keys");
    line.push(b'\n');
    line
}
