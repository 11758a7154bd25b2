//! What is said of a work tree at the end of a run.
//!
//! # Theory of operation
//!
//! By now an agent had the repository to itself, so nothing in it is trusted. It is never opened as
//! a repository: libgit2 is given the objects, the index and the work tree one by one
//! (`repository`), and a configuration that we write. Of the repository's own configuration a few
//! switches are read (`settings`); its includes, filters, hooks, `core.worktree` and whatever else
//! leads elsewhere are never looked at. References (`refs`) and history (`history`) are read here,
//! and the work tree is walked here (`tree`), so that a deadline can end each of them at any time.
//!
//! What is to be opened is looked at first: a FIFO in the place of a file would hold us up for
//! ever, and a link would lead out of the tree.
//!
//! Deliberately absent: filters other than those of libgit2 (a file that Git LFS has put into the
//! tree counts as changed), repositories with SHA-256 or reftable, and linked work trees: they are
//! errors with names of their own.

use std::path::{Path, PathBuf};

use git2::{ConfigLevel, Oid};

mod repository;
mod settings;

mod history;
mod refs;
mod tree;

pub(super) use history::unpublished;
pub(super) use repository::{Opened, open};
pub(super) use tree::{Link, STAGE, Walking, Want, changed, links, mode_of, only, untracked};

#[cfg(test)]
pub(super) mod fixture;
#[cfg(test)]
mod tests;

/// Where the run began.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Start {
    /// The commit that was checked out before the agent began: one that the remote has.
    pub commit: String,
}

/// What a work tree looks like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// What `HEAD` is; `None`: no commit yet.
    pub commit: Option<String>,
    /// The branch that is checked out; `None`: none is.
    pub branch: Option<String>,
    /// Commits that `HEAD` has and neither a remote-tracking reference nor the start.
    pub ahead: u64,
    /// Whether a tracked file differs from `HEAD`, or there is an untracked one that is not ignored.
    pub dirty: bool,
}

/// Why a work tree could not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SummaryError {
    /// There was no time left.
    #[error("reading the work tree was stopped")]
    Stopped,
    /// There is no repository any more.
    #[error("there is no repository in `{}`", dir.display())]
    NoRepository {
        /// The work tree.
        dir: PathBuf,
    },
    /// What belongs into the work tree is a link or leads somewhere else.
    #[error("`{}` leads out of the work tree", path.display())]
    Elsewhere {
        /// What leads there.
        path: PathBuf,
    },
    /// Something that is not a file has the name of one.
    #[error("`{}` is not a file", path.display())]
    NotAFile {
        /// Its name.
        path: PathBuf,
    },
    /// The repository has a format that is not read here.
    #[error("repositories with {what} cannot be read")]
    Unsupported {
        /// What it has.
        what: &'static str,
    },
    /// A file or directory could not be read.
    #[error("`{}` cannot be read", path.display())]
    Read {
        /// Its name.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// Something in the repository is not what it has to be.
    #[error("{what} of the repository cannot be read")]
    Damaged {
        /// What.
        what: &'static str,
        /// Why.
        #[source]
        source: git2::Error,
    },
}

impl SummaryError {
    /// Returns the CamelCase word below the outcome.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Stopped => "Stopped",
            Self::NoRepository { .. } => "NoRepository",
            Self::Elsewhere { .. } => "OutsideWorkTree",
            Self::NotAFile { .. } => "NotAFile",
            Self::Unsupported { .. } => "UnsupportedRepository",
            Self::Read { .. } => "Unreadable",
            Self::Damaged { .. } => "DamagedRepository",
        }
    }

    pub(super) fn damaged(what: &'static str) -> impl Fn(git2::Error) -> Self {
        move |source| Self::Damaged { what, source }
    }

    pub(super) fn read(path: &Path) -> impl Fn(std::io::Error) -> Self {
        move |source| Self::Read {
            path: path.to_owned(),
            source,
        }
    }
}

/// Asked between two steps that take a while; `Err` if the time is over.
pub(super) fn go_on(stop: &dyn Fn() -> bool) -> Result<(), SummaryError> {
    if stop() {
        Err(SummaryError::Stopped)
    } else {
        Ok(())
    }
}

/// Keeps libgit2 from every configuration, ignore and attribute file outside of repositories.
///
/// To be called once, before anything else of libgit2 is used and while there is one thread.
///
/// # Errors
///
/// Returns the error of libgit2, which has none to give but for a lack of memory.
pub(super) fn isolate() -> Result<(), git2::Error> {
    for level in [
        ConfigLevel::ProgramData,
        ConfigLevel::System,
        ConfigLevel::XDG,
        ConfigLevel::Global,
    ] {
        #[expect(unsafe_code, reason = "the option is global to the process")]
        // SAFETY: the caller promises that nothing else uses libgit2 yet.
        unsafe {
            git2::opts::set_search_path(level, "")?;
        }
    }
    Ok(())
}

/// Says what the work tree at `dir` looks like. Changes nothing in it and executes nothing of it.
///
/// Submodules are not looked into: one whose commit is another than the recorded one makes the tree
/// dirty, files in it do not.
///
/// `stop` is asked often. Between two questions is at most the comparison of a few thousand files.
///
/// # Errors
///
/// Returns [`SummaryError`] if it cannot be said, with [`SummaryError::Stopped`] for want of time.
pub fn summarise(
    dir: &Path,
    start: &Start,
    stop: &dyn Fn() -> bool,
) -> Result<Summary, SummaryError> {
    let opened = Opened::open(dir, stop)?;
    let head = opened.refs.head;
    let ahead = match head {
        Some(head) => {
            let mut hidden = opened.refs.published();
            hidden.extend(&opened.shallow);
            hidden.extend(Oid::from_str(&start.commit).ok());
            unpublished(&opened, &[head], &hidden, stop)?.commits.len()
        }
        None => 0,
    };
    Ok(Summary {
        commit: head.map(|head| head.to_string()),
        branch: opened
            .refs
            .branch()
            .map(|name| String::from_utf8_lossy(name).into_owned()),
        ahead: ahead as u64,
        dirty: is_dirty(&opened, stop)?,
    })
}

fn is_dirty(opened: &Opened, stop: &dyn Fn() -> bool) -> Result<bool, SummaryError> {
    if links(opened)?.iter().any(Link::is_moved) || !changed(opened, stop, Want::First)?.is_empty()
    {
        return Ok(true);
    }
    let mut dirty = false;
    untracked(opened, None, stop, &mut |_| {
        dirty = true;
        Walking::Ends
    })?;
    Ok(dirty)
}
