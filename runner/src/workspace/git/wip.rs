//! What an agent leaves in a work tree and nobody else has, saved as files (`workspace-wip`).
//!
//! # Theory of operation
//!
//! Three parts, in the order of what they are worth when time runs out: the commits (`bundle`), the
//! changes of tracked files (`patch`), the names of the untracked (`listing`). Each is written under
//! a name of its own and renamed when it is whole, so there is never a part of one under its final
//! name; one that is not needed, or failed, does not leave that of an earlier attempt behind. What
//! went wrong with one part does not keep the others from being saved.
//!
//! Nothing is held in memory as a whole but what libgit2 needs of a single object, and that only up
//! to a size for files (`patch`); what is larger is streamed (`literal`).
//!
//! Text is redacted, which a patch must survive: where a replacement would touch more than added
//! lines, the new content of the file is saved instead of the difference. Packs are compressed and
//! named by their content, so commits are saved as they are.
//!
//! The tree is read as `summary` reads it, with nothing in it trusted.
//!
//! Deliberately absent: stashes and tags, the content of untracked files, what is in submodules.

use std::collections::BTreeMap;
use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use agent_plan::secret::{End, Redactor};

use super::summary::{Opened, Start, SummaryError};

mod bundle;
mod output;
mod quote;

mod listing;
mod literal;
mod patch;

use output::Output;

#[cfg(test)]
mod tests;

/// One of the things that are saved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// `commits.bundle`: commits that no remote-tracking reference has.
    Commits,
    /// `changes.patch`: how tracked files differ from `HEAD`.
    Changes,
    /// `untracked.txt`: the names and sizes of files that are neither tracked nor ignored.
    Untracked,
}

impl Part {
    /// Returns the name of its file.
    pub fn file_name(self) -> &'static str {
        match self {
            Self::Commits => "commits.bundle",
            Self::Changes => "changes.patch",
            Self::Untracked => "untracked.txt",
        }
    }
}

/// A file that was saved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Its name in the directory that was given.
    pub name: &'static str,
    /// Its size.
    pub bytes: u64,
}

/// What was saved of a work tree.
#[derive(Debug, Default)]
pub struct Wip {
    /// A git bundle; `None`: there are no commits of the agent's.
    pub bundle: Option<File>,
    /// A binary patch for `git apply`; `None`: no tracked file differs.
    pub patch: Option<File>,
    /// A list; `None`: there are no untracked files.
    pub list: Option<File>,
    /// Commits in the bundle.
    pub commits: u64,
    /// Files in the patch.
    pub changed: u64,
    /// Untracked files, also those beyond the end of the list.
    pub untracked: u64,
    /// What is not, or not wholly, in the files above, and why.
    pub incomplete: Vec<WipError>,
    /// How often each secret was replaced.
    pub redactions: BTreeMap<String, u64>,
}

/// Why work in progress was not saved.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WipError {
    /// The directory for the files cannot be used.
    #[error("the directory `{}` cannot be used", path.display())]
    Directory {
        /// The directory.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The repository could not be read at all.
    #[error("the repository to be saved cannot be read")]
    Repository {
        /// Why.
        #[source]
        source: SummaryError,
    },
    /// What a part is about could not be read.
    #[error("what belongs into `{}` cannot be read", part.file_name())]
    Read {
        /// The part.
        part: Part,
        /// Why.
        #[source]
        source: SummaryError,
    },
    /// A file of the work tree, or a branch, could not be read. The others are saved.
    #[error("`{what}` is missing in `{}`", part.file_name())]
    Omitted {
        /// The part.
        part: Part,
        /// The file or branch, quoted as git does.
        what: String,
        /// Why.
        #[source]
        source: SummaryError,
    },
    /// Time was over. Of changes and untracked files, what had been written is kept.
    #[error("saving `{}` was stopped", part.file_name())]
    Stopped {
        /// The part.
        part: Part,
    },
    /// A file could not be written.
    #[error("failed to write `{}`", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

impl WipError {
    /// Returns the CamelCase word below the outcome.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Write { source, .. } | Self::Directory { source, .. }
                if matches!(
                    source.kind(),
                    io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
                ) =>
            {
                "DiskFull"
            }
            Self::Directory { .. } => "DirectoryUnusable",
            Self::Repository { source }
            | Self::Read { source, .. }
            | Self::Omitted { source, .. } => source.reason(),
            Self::Stopped { .. } => "Stopped",
            Self::Write { .. } => "WriteFailed",
        }
    }

    /// An error of reading in the course of `part`.
    fn reading(part: Part) -> impl Fn(SummaryError) -> Self {
        move |source| match source {
            SummaryError::Stopped => Self::Stopped { part },
            source => Self::Read { part, source },
        }
    }
}

/// Saves what `dir` has and its remotes have not into the directory `into`.
///
/// `into` is made if it is absent; if it is in the work tree, nothing in it counts as untracked.
/// Changes nothing else and executes nothing of the repository. `start` is taken for published only
/// if no remote-tracking reference says what is.
///
/// `stop` is asked often; when it says so, what is done is kept and the rest is in
/// [`Wip::incomplete`].
///
/// # Errors
///
/// Returns [`WipError::Directory`] or [`WipError::Repository`] if nothing could be saved at all.
/// What keeps a part from being saved is in [`Wip::incomplete`]; of a part that failed no file is
/// left.
pub fn save(
    dir: &Path,
    start: &Start,
    into: &Path,
    redactor: &Redactor,
    stop: &dyn Fn() -> bool,
) -> Result<Wip, WipError> {
    let unusable = |source| WipError::Directory {
        path: into.to_owned(),
        source,
    };
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(into)
        .map_err(unusable)?;
    let into = fs::canonicalize(into).map_err(unusable)?;
    let mut opened = Opened::open(dir, stop).map_err(|source| WipError::Repository { source })?;
    let mut saving = Saving {
        into: &into,
        redactor,
        stop,
        wip: Wip::default(),
    };
    let bundle = bundle::write(&opened, start, &mut saving);
    saving.wip.bundle = saving.settle(Part::Commits, bundle);
    let patch = patch::write(&mut opened, &mut saving);
    saving.wip.patch = saving.settle(Part::Changes, patch);
    let list = listing::write(&opened, &mut saving);
    saving.wip.list = saving.settle(Part::Untracked, list);
    Ok(saving.wip)
}

/// A run of [`save`].
struct Saving<'s> {
    into: &'s Path,
    redactor: &'s Redactor,
    stop: &'s dyn Fn() -> bool,
    wip: Wip,
}

impl Saving<'_> {
    /// Starts a file for `part`.
    fn output(&self, part: Part) -> Result<Output, WipError> {
        Output::new(self.into, part)
    }

    /// Notes how a part ended. Where it left no file, that of an earlier attempt must not stay.
    fn settle(&mut self, part: Part, ended: Result<Option<Output>, WipError>) -> Option<File> {
        match ended.and_then(|output| output.map(Output::keep).transpose()) {
            Ok(Some(file)) => return Some(file),
            Ok(None) => {}
            Err(error) => self.wip.incomplete.push(error),
        }
        let path = self.into.join(part.file_name());
        match fs::remove_file(&path) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => {
                self.wip.incomplete.push(WipError::Write { path, source });
            }
            _ => {}
        }
        None
    }

    /// Replaces the secrets in a whole text, and counts them.
    fn clean(&mut self, text: &[u8]) -> Vec<u8> {
        let (clean, replaced) = redacted(self.redactor, text);
        self.count(&replaced);
        clean
    }

    fn count(&mut self, replaced: &BTreeMap<String, u64>) {
        for (name, count) in replaced {
            *self.wip.redactions.entry(name.clone()).or_default() += count;
        }
    }
}

fn redacted(redactor: &Redactor, text: &[u8]) -> (Vec<u8>, BTreeMap<String, u64>) {
    let mut clean = Vec::with_capacity(text.len());
    let mut stream = redactor.stream();
    stream.scan(text, End::Yes, &mut |piece| clean.extend_from_slice(piece));
    (clean, stream.replaced())
}
