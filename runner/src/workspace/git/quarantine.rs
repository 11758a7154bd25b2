//! Taking from a repository what would configure the agent, the editor or git.
//!
//! Theory of operation: the [table] says which files those are. What they should be is
//! decided from objects alone (the trusted base, or nothing), then the index is told, then the
//! disk is made so: what is not wanted goes aside, what is missing is written. Every step looks at
//! what is there, so a run that was killed in the middle is repeated to the same end.
//!
//! git does not see it: entries of the index get the bit "skip worktree", so that neither status
//! nor `commit -a` takes the absence for a deletion, and what the base has and the commit has not
//! is excluded. A hostile `.gitignore` may bring the latter back into view, but only as the base
//! has it. An agent that checks another branch out by itself gets what that branch holds.
//!
//! Deliberately absent: submodules, whose work trees have repositories of their own, to each of
//! which this applies as well; and what a trusted file asks the agent to read.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::DirBuilder;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use agent_plan::outcome::Outcome;
use git2::{IndexEntry, Oid, Repository};
use nix::errno::Errno;

use super::tree::{TreeError, printable};
use disk::{Absent, Directory};

mod disk;
mod find;
mod hooks;
mod sight;
mod table;
mod wanted;

pub(super) use table::configures;

const MODE_GITLINK: u32 = 0o160_000;

/// What was taken from the repository; names as they can be shown, sorted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Quarantined {
    /// Files that are aside, because the base has none of that name or there is no base.
    pub(super) moved: Vec<String>,
    /// Files that are as the base has them.
    pub(super) restored: Vec<String>,
}

/// Why a repository could not be quarantined; it may then be so in part.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum QuarantineError {
    /// There are no files to look at.
    #[error("the repository `{}` has no work tree", repository.display())]
    NoWorkTree {
        /// The repository.
        repository: PathBuf,
    },
    /// The directory for what is moved cannot be used.
    #[error("the directory `{}` for what is quarantined cannot be used", path.display())]
    Aside {
        /// The directory.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The directory for what is moved is where the agent looks.
    #[error("the directory `{}` for what is quarantined is in the work tree", path.display())]
    AsideInside {
        /// The directory.
        path: PathBuf,
    },
    /// The trusted commit is not there.
    #[error("the base commit `{base}` cannot be read")]
    Base {
        /// The commit.
        base: Oid,
        /// Why.
        #[source]
        source: git2::Error,
    },
    /// The trusted commit holds something strange.
    #[error("the base commit's tree cannot be used")]
    Tree(#[source] TreeError),
    /// The index cannot be read or written.
    #[error("the index of the repository cannot be brought up to date")]
    Index(#[source] git2::Error),
    /// A directory of the work tree cannot be listed.
    #[error("the directory `{path}` of the work tree cannot be read")]
    List {
        /// The directory, from the root of the work tree.
        path: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A file cannot be moved.
    #[error("`{path}` cannot be moved out of the work tree")]
    Move {
        /// The file.
        path: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A file cannot be written as the base has it.
    #[error("`{path}` cannot be restored from the base")]
    Restore {
        /// The file.
        path: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The list of what git does not see cannot be written.
    #[error("`info/exclude` of the repository cannot be written")]
    Exclude(#[source] io::Error),
    /// The run was stopped.
    #[error("the quarantine was stopped before it was complete")]
    Stopped,
}

impl QuarantineError {
    /// Returns how a run ends that meets it; one that ran out of time knows better.
    pub fn outcome(&self) -> Outcome {
        match self {
            Self::Stopped => Outcome::Cancelled,
            Self::Tree(error) => error.outcome(),
            _ => Outcome::WorkspaceFailed,
        }
    }

    /// Returns the CamelCase word below the outcome.
    pub fn reason(&self) -> &'static str {
        match self {
            _ if self.is_full() => "DiskFull",
            Self::Stopped => "Stopped",
            Self::Tree(error) => error.reason(),
            Self::Base { .. } => "BaseUnreadable",
            _ => "QuarantineFailed",
        }
    }

    /// Returns what to do about it.
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            _ if self.is_full() => "the volume is full: raise its size limit",
            Self::Aside { .. } => "give the run a scratch directory that it may write to",
            Self::AsideInside { .. } => "put the scratch directory outside the work tree",
            Self::Base { .. } => "fetch the base branch as well",
            Self::Tree(error) => return error.hint(),
            _ => return None,
        };
        Some(hint.to_owned())
    }

    fn is_full(&self) -> bool {
        let (Self::Aside { source, .. }
        | Self::List { source, .. }
        | Self::Move { source, .. }
        | Self::Restore { source, .. }
        | Self::Exclude(source)) = self
        else {
            return false;
        };
        let number = source.raw_os_error().map(Errno::from_raw);
        matches!(number, Some(Errno::ENOSPC | Errno::EDQUOT))
    }
}

/// Takes from the work tree what would configure the agent, the editor or git.
///
/// Files of the table that `base` has become as it has them, whatever the work tree holds; the
/// others are moved to `aside`, a directory of ours outside the work tree, which is made if it is
/// not there. Active hooks of the repository go there too, below `.git/hooks`. Mounts of the pod's
/// are left alone. What an earlier attempt moved is overwritten by what has its name later.
///
/// May be repeated, also after it was killed: the end is the same. `stop` is asked between files.
///
/// # Errors
///
/// Returns [`QuarantineError`]; a part may then be done, and no file is half written.
pub(super) fn apply(
    repo: &Repository,
    base: Option<Oid>,
    aside: &Path,
    stop: &dyn Fn() -> bool,
) -> Result<Quarantined, QuarantineError> {
    let root = repo.workdir().ok_or_else(|| QuarantineError::NoWorkTree {
        repository: repo.path().to_owned(),
    })?;
    let aside = open_aside(aside, root)?;
    let listing = |source| QuarantineError::List {
        path: ".".to_owned(),
        source,
    };
    let root = Directory::open(root).map_err(listing)?;
    let wanted = match base {
        Some(base) => wanted::of_base(repo, base)?,
        None => BTreeMap::new(),
    };
    let mut index = repo.index().map_err(QuarantineError::Index)?;
    index.read(false).map_err(QuarantineError::Index)?;
    let tracked: BTreeMap<Vec<u8>, IndexEntry> = index
        .iter()
        .filter(|entry| configures(&entry.path))
        .map(|entry| (entry.path.clone(), entry))
        .collect();
    let submodules: BTreeSet<Vec<u8>> = index
        .iter()
        .filter(|entry| entry.mode == MODE_GITLINK)
        .map(|entry| entry.path)
        .collect();

    // git is told first, so that at no time it sees a deletion.
    sight::skip(&mut index, &tracked, &wanted)?;
    let missing = wanted.keys().filter(|path| !tracked.contains_key(*path));
    sight::exclude(repo, missing)?;

    let found = find::find(&root, &submodules, stop)?;
    let mut moved: BTreeSet<&[u8]> = tracked
        .keys()
        .map(Vec::as_slice)
        .filter(|path| !wanted.contains_key(*path))
        .collect();
    let mut restored: BTreeSet<&[u8]> = BTreeSet::new();
    let mut right: BTreeSet<&[u8]> = BTreeSet::new();
    for path in &found.files {
        halt(stop)?;
        let is_right = match wanted.get(path) {
            Some(wanted) => wanted.is_at(repo, &root, path)?,
            None => false,
        };
        if is_right {
            right.insert(path);
        } else if !move_aside(&root, &aside, path)? {
            // A mount is what the pod's author put there, not the repository.
            moved.remove(path.as_slice());
            right.insert(path);
        } else if !wanted.contains_key(path) {
            moved.insert(path);
        }
    }
    for path in found.directories.iter().rev() {
        if let Ok((parent, name)) = enter_parent(&root, path, Absent::Leave)
            && let Some(parent) = parent
        {
            parent.remove_empty(name);
        }
    }
    for (path, wanted) in &wanted {
        halt(stop)?;
        let is_right = right.contains(path.as_slice());
        let is_there = is_right || wanted.put(repo, &root, path)?;
        let is_of_commit = tracked
            .get(path)
            .is_some_and(|entry| wanted.is_entry(entry));
        if is_there && !(is_right && is_of_commit) {
            restored.insert(path);
        }
    }
    let mut moved: Vec<String> = moved.into_iter().map(printable).collect();
    moved.extend(hooks::disarm(repo, &aside)?);
    moved.sort();
    let mut restored: Vec<String> = restored.into_iter().map(printable).collect();
    restored.sort();
    Ok(Quarantined { moved, restored })
}

fn halt(stop: &dyn Fn() -> bool) -> Result<(), QuarantineError> {
    if stop() {
        return Err(QuarantineError::Stopped);
    }
    Ok(())
}

fn open_aside(aside: &Path, root: &Path) -> Result<Directory, QuarantineError> {
    let unusable = |source| QuarantineError::Aside {
        path: aside.to_owned(),
        source,
    };
    let mut builder = DirBuilder::new();
    builder.recursive(true).mode(0o700);
    builder.create(aside).map_err(unusable)?;
    let real = aside.canonicalize().map_err(unusable)?;
    if real.starts_with(root.canonicalize().map_err(unusable)?) {
        return Err(QuarantineError::AsideInside { path: real });
    }
    Directory::open(&real).map_err(unusable)
}

/// Opens the directory that `path` is in, if there is one.
fn enter_parent<'p>(
    root: &Directory,
    path: &'p [u8],
    absent: Absent,
) -> io::Result<(Option<Directory>, &'p [u8])> {
    let slash = path.iter().rposition(|byte| *byte == b'/');
    let (parent, name) = match slash {
        Some(slash) => (&path[..slash], &path[slash + 1..]),
        None => (&path[..0], path),
    };
    // Only directories of the table are made anew: where the commit has none, nobody looks.
    let absent = |above: &[u8]| match absent {
        Absent::Make if !configures(above) => Absent::Leave,
        absent => absent,
    };
    Ok((root.descend(parent, absent)?, name))
}

fn move_aside(root: &Directory, aside: &Directory, path: &[u8]) -> Result<bool, QuarantineError> {
    let moving = || -> io::Result<bool> {
        let (Some(from), name) = enter_parent(root, path, Absent::Leave)? else {
            return Ok(true);
        };
        match enter_parent(aside, path, Absent::MakePrivate)? {
            (Some(to), _) => from.give(name, &to),
            (None, _) => Err(Errno::ENOTDIR.into()),
        }
    };
    moving().map_err(|source| QuarantineError::Move {
        path: printable(path),
        source,
    })
}

#[cfg(test)]
mod tests;
