//! How the work tree differs from `HEAD`.

use std::collections::{BTreeSet, HashSet};
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use git2::{Binding, Delta, Diff, DiffFile, DiffOptions, FileMode, Oid};

use super::refs::head_of;
use super::repository::contents;
use super::{Opened, SummaryError, go_on};

/// Paths that are compared between two questions whether there is time left. libgit2 lists the
/// directories of every batch again, so fewer would cost more than they are worth.
const BATCH: usize = 2000;

/// Files in the work tree that libgit2 reads by itself.
const RULES: [&str; 2] = [".gitignore", ".gitattributes"];

/// Bits of the flags of an entry of the index that say which side of a conflict it is.
pub(in super::super) const STAGE: u16 = 0x3000;

/// Extended flag of an entry of the index that git looks away from: what the quarantine has taken.
/// libgit2 knows it for a file that differs, but takes one that is not there for deleted.
const SKIP_WORKTREE: u16 = 1 << 14;

/// How much of the differences is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Want {
    /// Whether there is one.
    First,
    /// All of them.
    All,
}

/// Whether a walk goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Walking {
    GoesOn,
    Ends,
}

/// An untracked file, or a directory that is a repository of its own.
#[derive(Debug)]
pub(in super::super) struct Found<'p> {
    /// From the root of the work tree; with a `/` at its end for a repository.
    pub(in super::super) path: &'p [u8],
    /// `None` for a repository.
    pub(in super::super) bytes: Option<u64>,
}

/// The commit of a submodule, as `HEAD` and as the work tree have it.
#[derive(Debug)]
pub(in super::super) struct Link {
    pub(in super::super) path: Vec<u8>,
    pub(in super::super) old: Option<Oid>,
    pub(in super::super) new: Option<Oid>,
}

impl Link {
    pub(in super::super) fn is_moved(&self) -> bool {
        self.old != self.new
    }
}

/// Options for a comparison of just `paths`, without submodules.
pub(in super::super) fn only(paths: &[Vec<u8>]) -> DiffOptions {
    let mut options = DiffOptions::new();
    options
        .ignore_submodules(true)
        .include_typechange(true)
        .disable_pathspec_match(true);
    for path in paths {
        options.pathspec(OsStr::from_bytes(path));
    }
    options
}

/// Lists the tracked paths that differ from `HEAD`, staged or not, in order; no submodules.
pub(in super::super) fn changed(
    opened: &Opened,
    stop: &dyn Fn() -> bool,
    want: Want,
) -> Result<BTreeSet<Vec<u8>>, SummaryError> {
    let damaged = SummaryError::damaged("the index");
    let head = opened.head_tree()?;
    go_on(stop)?;
    let mut staged = DiffOptions::new();
    staged.ignore_submodules(true).include_typechange(true);
    let diff = opened
        .repo
        .diff_tree_to_index(head.as_ref(), Some(&opened.index), Some(&mut staged))
        .map_err(SummaryError::damaged("the tree of HEAD"))?;
    let mut found = paths_of(&diff);
    let mut batch = Vec::with_capacity(BATCH);
    let mut vetted = HashSet::new();
    let count = opened.index.len();
    for position in 0..count {
        if want == Want::First && !found.is_empty() {
            break;
        }
        let Some(entry) = opened.index.get(position) else {
            continue;
        };
        if entry.flags & STAGE != 0 {
            found.insert(entry.path);
        } else if entry.mode != u32::from(FileMode::Commit)
            && entry.flags_extended & SKIP_WORKTREE == 0
        {
            batch.push(entry.path);
        }
        if batch.len() == BATCH || (position + 1 == count && !batch.is_empty()) {
            go_on(stop)?;
            vet_above(opened, &batch, &mut vetted)?;
            let diff = opened
                .repo
                .diff_index_to_workdir(Some(&opened.index), Some(&mut only(&batch)))
                .map_err(&damaged)?;
            found.append(&mut paths_of(&diff));
            batch.clear();
        }
    }
    Ok(found)
}

fn paths_of(diff: &Diff<'_>) -> BTreeSet<Vec<u8>> {
    diff.deltas()
        .filter(|delta| {
            !matches!(
                delta.status(),
                Delta::Unmodified | Delta::Ignored | Delta::Untracked
            )
        })
        .filter(|delta| {
            let (old, new) = (delta.old_file(), delta.new_file());
            let modes = (mode_of(&old), mode_of(&new));
            // Modes that only libgit2 takes for different ones.
            let is_same =
                delta.status() == Delta::Modified && old.id() == new.id() && modes.0 == modes.1;
            // One side of a change between file and submodule is a file.
            let is_link = modes.0 == FileMode::Commit
                && matches!(modes.1, FileMode::Commit | FileMode::Unreadable);
            !is_same && !is_link
        })
        .flat_map(|delta| [delta.old_file().path_bytes(), delta.new_file().path_bytes()])
        .flatten()
        .map(<[u8]>::to_vec)
        .collect()
}

/// The mode of one side of a difference, as git would write it today.
///
/// Old repositories have others, and whoever writes the index can; git takes them by their kind and
/// the owner's exec bit, where [`DiffFile::mode`] panics.
pub(in super::super) fn mode_of(file: &DiffFile<'_>) -> FileMode {
    #[expect(unsafe_code, reason = "git2 gives no mode that it does not know")]
    // SAFETY: `file` cannot outlive the difference that it is a part of, and nothing changes that.
    let mode = unsafe { (*file.raw()).mode };
    match mode & 0o170_000 {
        0 => FileMode::Unreadable,
        0o040_000 => FileMode::Tree,
        0o120_000 => FileMode::Link,
        0o160_000 => FileMode::Commit,
        _ if mode & 0o100 != 0 => FileMode::BlobExecutable,
        _ => FileMode::Blob,
    }
}

/// Lists the submodules that `HEAD` or the index have.
pub(in super::super) fn links(opened: &Opened) -> Result<Vec<Link>, SummaryError> {
    let head = opened.head_tree()?;
    let mut found = Vec::new();
    let mut seen = HashSet::new();
    for entry in opened.index.iter() {
        if entry.mode == u32::from(FileMode::Commit) {
            let path = Path::new(OsStr::from_bytes(&entry.path));
            let old = head
                .as_ref()
                .and_then(|head| head.get_path(path).ok())
                .filter(|entry| entry.filemode_raw() == i32::from(FileMode::Commit))
                .map(|entry| entry.id());
            let new = if entry.flags_extended & SKIP_WORKTREE == 0 {
                checked_out(opened, path, entry.id)
            } else {
                Some(entry.id)
            };
            seen.insert(entry.path.clone());
            found.push(Link {
                path: entry.path,
                old,
                new,
            });
        }
    }
    // What `HEAD` has and the index has not is gone.
    let Some(head) = head else {
        return Ok(found);
    };
    let staged = opened
        .repo
        .diff_tree_to_index(Some(&head), Some(&opened.index), None)
        .map_err(SummaryError::damaged("the tree of HEAD"))?;
    for delta in staged.deltas() {
        let old = delta.old_file();
        if mode_of(&old) == FileMode::Commit
            && let Some(path) = old.path_bytes()
            && !seen.contains(path)
        {
            found.push(Link {
                path: path.to_vec(),
                old: Some(old.id()),
                new: None,
            });
        }
    }
    Ok(found)
}

/// The commit of the submodule at `path`: what is checked out there, otherwise what is recorded.
fn checked_out(opened: &Opened, path: &Path, recorded: Oid) -> Option<Oid> {
    let mut dir = opened.dir.clone();
    for part in path.components() {
        dir.push(part);
        // Through a link it would be somebody else's.
        if !dir.symlink_metadata().is_ok_and(|found| found.is_dir()) {
            return None;
        }
    }
    let dot_git = dir.join(".git");
    let Ok(kind) = dot_git.symlink_metadata() else {
        return Some(recorded);
    };
    let git = if kind.is_dir() {
        Some(dot_git)
    } else {
        absorbed(opened, &dir, &dot_git)
    };
    let head = git.and_then(|git| head_of(&git, &|| false));
    Some(head.unwrap_or(recorded))
}

/// The directory that the file `.git` of a submodule names, if it is one of this repository's.
fn absorbed(opened: &Opened, dir: &Path, file: &Path) -> Option<PathBuf> {
    let text = contents(file, 8 * 1024).ok()??;
    let named = text.strip_prefix(b"gitdir:")?.trim_ascii();
    let named = fs::canonicalize(dir.join(OsStr::from_bytes(named))).ok()?;
    let modules = fs::canonicalize(opened.dir.join(".git/modules")).ok()?;
    let inside = fs::canonicalize(opened.dir.join(".git")).ok()?;
    (modules.starts_with(inside) && named.starts_with(modules)).then_some(named)
}

/// Walks the work tree and calls `on` for every untracked file that is not ignored, in order.
///
/// Nothing below `except` is one. Directories without files, FIFOs, sockets and devices are none:
/// git does not see them either.
pub(in super::super) fn untracked(
    opened: &Opened,
    except: Option<&Path>,
    stop: &dyn Fn() -> bool,
    on: &mut dyn FnMut(&Found<'_>) -> Walking,
) -> Result<(), SummaryError> {
    let mut conflicts = HashSet::new();
    if opened.index.has_conflicts() {
        let entries = opened.index.iter();
        conflicts.extend(
            entries
                .filter(|entry| entry.flags & STAGE != 0)
                .map(|entry| entry.path),
        );
    }
    let walk = Walk {
        opened,
        except,
        conflicts,
        stop,
    };
    // A stack of what is still to be entered, the next on top.
    let mut pending = vec![(PathBuf::new(), Known::Tracked)];
    while let Some((directory, known)) = pending.pop() {
        let mut below = Vec::new();
        for entry in walk.entries(&directory)? {
            go_on(stop)?;
            match walk.look(&directory, &entry, known)? {
                Seen::Nothing => {}
                Seen::Directory(path, known) => below.push((path, known)),
                Seen::Found(path, bytes) => {
                    let path = path.as_os_str().as_bytes();
                    if on(&Found { path, bytes }) == Walking::Ends {
                        return Ok(());
                    }
                }
            }
        }
        pending.extend(below.into_iter().rev());
    }
    Ok(())
}

/// Whether there can be tracked files in a directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Known {
    Tracked,
    Untracked,
}

enum Seen {
    Nothing,
    Directory(PathBuf, Known),
    Found(PathBuf, Option<u64>),
}

struct Walk<'w> {
    opened: &'w Opened,
    except: Option<&'w Path>,
    conflicts: HashSet<Vec<u8>>,
    stop: &'w dyn Fn() -> bool,
}

impl Walk<'_> {
    fn entries(&self, directory: &Path) -> Result<Vec<(OsString, fs::FileType)>, SummaryError> {
        let path = self.opened.dir.join(directory);
        let failed = SummaryError::read(&path);
        let mut found = Vec::new();
        let entries = match fs::read_dir(&path) {
            Ok(entries) => entries,
            // What the agent locked or removed has nothing that could be saved.
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::NotFound
                        | io::ErrorKind::PermissionDenied
                        | io::ErrorKind::InvalidFilename
                ) =>
            {
                return Ok(found);
            }
            Err(error) => return Err(failed(error)),
        };
        for entry in entries {
            go_on(self.stop)?;
            let entry = entry.map_err(&failed)?;
            let kind = entry.file_type().map_err(&failed)?;
            let name = entry.file_name();
            if RULES.iter().any(|rules| name == *rules) {
                vet(&entry.path(), kind)?;
            }
            found.push((name, kind));
        }
        found.sort_unstable_by(|one, other| one.0.cmp(&other.0));
        Ok(found)
    }

    fn look(
        &self,
        directory: &Path,
        (name, kind): &(OsString, fs::FileType),
        known: Known,
    ) -> Result<Seen, SummaryError> {
        let path = directory.join(name);
        if name == ".git" || self.except == Some(&self.opened.dir.join(&path)) {
            return Ok(Seen::Nothing);
        }
        if kind.is_dir() {
            return self.directory(path, known);
        }
        if !(kind.is_file() || kind.is_symlink()) {
            return Ok(Seen::Nothing);
        }
        let is_tracked = known == Known::Tracked
            && (self.opened.index.get_path(&path, 0).is_some()
                || self.conflicts.contains(path.as_os_str().as_bytes()));
        if is_tracked || self.is_ignored(&path)? {
            return Ok(Seen::Nothing);
        }
        let metadata = self.opened.dir.join(&path).symlink_metadata();
        // Gone meanwhile: something of the agent's may still be running.
        Ok(metadata.map_or(Seen::Nothing, |found| Seen::Found(path, Some(found.len()))))
    }

    fn directory(&self, path: PathBuf, known: Known) -> Result<Seen, SummaryError> {
        let index = &self.opened.index;
        let mut below = path.clone().into_os_string().into_vec();
        below.push(b'/');
        let below = OsString::from_vec(below);
        if known == Known::Tracked {
            let entry = index.get_path(&path, 0);
            if entry.is_some_and(|entry| entry.mode == u32::from(FileMode::Commit)) {
                return Ok(Seen::Nothing);
            }
            // Also below a directory that is ignored: what is tracked there has its rules there.
            if index.find_prefix(below.as_os_str()).is_ok() {
                return Ok(Seen::Directory(path, known));
            }
        }
        if self.is_ignored(Path::new(&below))? {
            return Ok(Seen::Nothing);
        }
        let dot_git = self.opened.dir.join(&path).join(".git");
        if dot_git.symlink_metadata().is_ok() {
            return Ok(Seen::Found(PathBuf::from(below), None));
        }
        Ok(Seen::Directory(path, Known::Untracked))
    }

    fn is_ignored(&self, path: &Path) -> Result<bool, SummaryError> {
        self.opened
            .repo
            .is_path_ignored(path)
            .map_err(SummaryError::damaged("the ignore rules"))
    }
}

/// Vets the rules in all directories that lead to `paths` and are not in `vetted` yet.
fn vet_above(
    opened: &Opened,
    paths: &[Vec<u8>],
    vetted: &mut HashSet<PathBuf>,
) -> Result<(), SummaryError> {
    for path in paths {
        for above in Path::new(OsStr::from_bytes(path)).ancestors().skip(1) {
            // Those above it are known too then.
            if !vetted.insert(above.to_owned()) {
                break;
            }
            for name in RULES {
                let path = opened.dir.join(above).join(name);
                if let Ok(found) = path.symlink_metadata() {
                    vet(&path, found.file_type())?;
                }
            }
        }
    }
    Ok(())
}

/// Sees that reading `path` cannot wait for ever. Links are followed, as libgit2 will.
fn vet(path: &Path, kind: fs::FileType) -> Result<(), SummaryError> {
    if kind.is_file() || kind.is_dir() {
        return Ok(());
    }
    match path.metadata() {
        Ok(found) if !found.is_file() && !found.is_dir() => Err(SummaryError::NotAFile {
            path: path.to_owned(),
        }),
        _ => Ok(()),
    }
}
