//! Writing files by several threads.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, symlink};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use git2::{IndexEntry, IndexTime, ObjectType, Odb, Repository};

use super::super::link::Limits;
use super::{DIRECTORY, EXECUTABLE, Item, LINK, SUBMODULE, WorktreeError};

/// More threads than this wait for one disk.
const MOST_THREADS: usize = 8;

/// Files that a thread takes at once: few enough that the last ones end together.
pub(super) const BATCH: usize = 16;

/// Bytes from which a file is written alone, so that the largest one bounds our memory, not the
/// largest ones.
const LARGE: usize = 8 << 20;

/// `GIT_INDEX_ENTRY_UPTODATE`: what was just written need not be read again.
const UPTODATE: u16 = 1 << 2;

/// What the threads share.
struct Work<'a> {
    git: PathBuf,
    root: &'a Path,
    items: Vec<&'a Item>,
    next: AtomicUsize,
    /// Held while a large file is in memory.
    large: Mutex<()>,
    limits: &'a Limits,
}

pub(super) fn write_all(
    repo: &Repository,
    root: &Path,
    items: &[Item],
    limits: &Limits,
) -> Result<Vec<IndexEntry>, WorktreeError> {
    let work = Work {
        git: repo.path().to_owned(),
        root,
        items: items.iter().filter(|item| item.mode != DIRECTORY).collect(),
        next: AtomicUsize::new(0),
        large: Mutex::new(()),
        limits,
    };
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let threads = threads.min(MOST_THREADS).min(work.items.len() / BATCH + 1);
    let done: Vec<Result<Vec<IndexEntry>, WorktreeError>> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(|| work.some())).collect();
        workers
            .into_iter()
            .map(|worker| {
                worker
                    .join()
                    .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
            })
            .collect()
    });
    let mut entries = Vec::with_capacity(work.items.len());
    for some in done {
        entries.append(&mut some?);
    }
    // The index sorts by insertion: in order, that is appending.
    entries.sort_unstable_by(|one, other| one.path.cmp(&other.path));
    Ok(entries)
}

impl Work<'_> {
    /// Writes batches until none is left; every thread calls this.
    fn some(&self) -> Result<Vec<IndexEntry>, WorktreeError> {
        // libgit2's objects stay on the thread that read them.
        let repo = Repository::open(&self.git);
        let repo = repo.map_err(|error| WorktreeError::Git("opened", error))?;
        let odb = repo
            .odb()
            .map_err(|error| WorktreeError::Git("opened", error))?;
        let mut entries = Vec::new();
        loop {
            if let Some(over) = self.limits.over() {
                return Err(over.into());
            }
            let first = self.next.fetch_add(BATCH, Ordering::Relaxed);
            let rest = self.items.get(first..).unwrap_or_default();
            if rest.is_empty() {
                return Ok(entries);
            }
            for item in &rest[..rest.len().min(BATCH)] {
                let done = self.one(&odb, item);
                if done.is_err() {
                    // The others need not go on.
                    self.next.store(self.items.len(), Ordering::Relaxed);
                }
                entries.push(done?);
            }
        }
    }

    fn one(&self, odb: &Odb<'_>, item: &Item) -> Result<IndexEntry, WorktreeError> {
        let path = self.root.join(std::ffi::OsStr::from_bytes(&item.path));
        let refused = |source| WorktreeError::Write {
            path: path.clone(),
            source,
        };
        if item.mode == SUBMODULE {
            return fs::symlink_metadata(&path)
                .map(|seen| entry(item, &seen))
                .map_err(refused);
        }
        let (size, kind) = odb
            .read_header(item.id)
            .map_err(|source| object(item, source))?;
        if kind != ObjectType::Blob {
            return Err(object(item, git2::Error::from_str("it is not a blob")));
        }
        let alone = (size >= LARGE).then(|| self.large.lock());
        let blob = odb.read(item.id).map_err(|source| object(item, source))?;
        let seen = if item.mode == LINK {
            symlink(std::ffi::OsStr::from_bytes(blob.data()), &path)
                .and_then(|()| fs::symlink_metadata(&path))
        } else {
            let content = item.conversion.apply(item.id, blob.data());
            create(&path, item.mode).and_then(|mut file| {
                file.write_all(&content)?;
                file.metadata()
            })
        };
        drop(alone);
        Ok(entry(item, &seen.map_err(refused)?))
    }
}

/// Creates a file that must not be there yet.
fn create(path: &Path, mode: u32) -> io::Result<File> {
    let permissions = if mode == EXECUTABLE { 0o777 } else { 0o666 };
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(permissions)
        .open(path)
}

pub(super) fn object(item: &Item, source: git2::Error) -> WorktreeError {
    WorktreeError::Object {
        path: String::from_utf8_lossy(&item.path).into_owned(),
        source,
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the index has 32 bits for what the kernel has 64 (gitformat-index(5))"
)]
fn entry(item: &Item, seen: &fs::Metadata) -> IndexEntry {
    IndexEntry {
        ctime: IndexTime::new(seen.ctime() as i32, seen.ctime_nsec() as u32),
        mtime: IndexTime::new(seen.mtime() as i32, seen.mtime_nsec() as u32),
        dev: seen.dev() as u32,
        ino: seen.ino() as u32,
        mode: item.mode,
        uid: seen.uid(),
        gid: seen.gid(),
        file_size: seen.size() as u32,
        id: item.id,
        flags: 0,
        flags_extended: UPTODATE,
        path: item.path.clone(),
    }
}
