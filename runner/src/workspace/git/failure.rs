//! Why there is no work tree: the outcome, the reason, what to do, and whether to try again.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use agent_plan::outcome::Outcome;
use agent_plan::plan::RemoteError;
use git2::ErrorClass;

use super::fetch::FetchError;
use super::http::HttpError;
use super::link::LinkError;
use super::place::PlaceError;
use super::quarantine::QuarantineError;
use super::tree::TreeError;
use super::worktree::WorktreeError;

mod link;
mod retry;

pub(super) use retry::pause;

/// Why there is no work tree.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GitError {
    /// The directory cannot be used.
    #[error(transparent)]
    Place(#[from] PlaceError),
    /// There is no runtime for sockets.
    #[error("sockets cannot be used")]
    Sockets(#[source] std::io::Error),
    /// Nothing could be fetched.
    #[error("`{url}` cannot be fetched{}", after(*attempts))]
    Fetch {
        /// From where, without credentials.
        url: String,
        /// How often it was tried.
        attempts: u32,
        /// Why, the last time.
        #[source]
        source: FetchError,
    },
    /// The repository holds what must not become files.
    #[error(transparent)]
    Tree(#[from] TreeError),
    /// The files cannot be written.
    #[error(transparent)]
    Worktree(#[from] WorktreeError),
    /// What configures agents cannot be moved aside.
    #[error(transparent)]
    Quarantine(#[from] QuarantineError),
    /// Files that an earlier attempt changed would be lost.
    #[error(
        "`{}` has {count} changed file(s) that the commit would replace: {}",
        path.display(),
        first.join(", ")
    )]
    Conflicts {
        /// The work tree.
        path: PathBuf,
        /// How many.
        count: usize,
        /// The first of them.
        first: Vec<String>,
    },
    /// A submodule cannot be checked out.
    #[error("the submodule `{name}` cannot be checked out")]
    Submodule {
        /// Its name.
        name: String,
        /// Why.
        #[source]
        source: Box<GitError>,
    },
    /// A submodule is where nothing may be fetched from.
    #[error("its URL in `.gitmodules` cannot be used")]
    SubmoduleUrl(#[source] RemoteError),
    /// A submodule's name is no name.
    #[error("its name in `.gitmodules` is no directory of its own below `.git/modules`")]
    SubmoduleName,
    /// Nobody says where a submodule is.
    #[error("`.gitmodules` has no URL for it")]
    SubmoduleUnknown,
    /// Submodules name each other without end.
    #[error("submodules are nested too deeply, or too many")]
    TooManySubmodules,
    /// The list of submodules cannot be used.
    #[error("`.gitmodules` {0}")]
    ModulesFile(&'static str),
    /// libgit2 could not do something.
    #[error("the repository `{}` cannot be {what}: {}", path.display(), error.message())]
    Git {
        /// What was tried.
        what: &'static str,
        /// On what.
        path: PathBuf,
        /// Why; not the source, whose own words have numbers that say nothing to anybody.
        error: git2::Error,
    },
    /// The time is over, or the run is being stopped.
    #[error(transparent)]
    Over(#[from] LinkError),
}

fn after(attempts: u32) -> String {
    match attempts {
        1 => String::new(),
        attempts => format!(" ({attempts} attempts)"),
    }
}

pub(super) fn of_git(what: &'static str, path: &Path, source: git2::Error) -> GitError {
    GitError::Git {
        what,
        path: path.to_owned(),
        error: source,
    }
}

fn of_link(error: &LinkError) -> Outcome {
    match error {
        LinkError::Http(HttpError::Refused { .. }) => Outcome::AuthFailed,
        LinkError::Ssh(error) => error.outcome(),
        _ => Outcome::WorkspaceFailed,
    }
}

impl GitError {
    /// Returns the outcome of a run that ends here.
    pub fn outcome(&self) -> Outcome {
        match self {
            Self::Fetch { source, .. } => match source {
                FetchError::Link(error) => of_link(error),
                FetchError::Rewritten => Outcome::PolicyRefused,
                _ => Outcome::WorkspaceFailed,
            },
            Self::Over(error) | Self::Worktree(WorktreeError::Over(error)) => of_link(error),
            Self::Tree(error) => error.outcome(),
            Self::Quarantine(error) => error.outcome(),
            Self::Submodule { source, .. } => source.outcome(),
            Self::SubmoduleUrl(_)
            | Self::SubmoduleName
            | Self::TooManySubmodules
            | Self::ModulesFile(_)
            | Self::Place(PlaceError::ForeignGit { .. }) => Outcome::PolicyRefused,
            _ => Outcome::WorkspaceFailed,
        }
    }

    /// Returns the CamelCase word below the outcome.
    pub fn reason(&self) -> &'static str {
        match self {
            _ if self.is_disk_full() => "DiskFull",
            Self::Place(error) => match error {
                PlaceError::NotADirectory { .. } => "NotADirectory",
                PlaceError::NotEmpty { .. } => "NotEmpty",
                PlaceError::ForeignGit { .. } => "ForeignGit",
                PlaceError::Io { source, .. } if is_read_only(source) => "ReadOnly",
                PlaceError::Io { .. } => "DirectoryUnusable",
            },
            Self::Fetch { source, .. } => match source {
                FetchError::Empty => "EmptyRepository",
                FetchError::Rewritten => "ForeignGit",
                FetchError::NotFound { .. }
                | FetchError::Ambiguous(_)
                | FetchError::NotACommit(_) => "RefNotFound",
                FetchError::Link(error) => link::reason(error),
                FetchError::Git(error) if is_damage(error) => "DamagedPack",
                FetchError::Git(_) => "FetchFailed",
            },
            Self::Over(error) | Self::Worktree(WorktreeError::Over(error)) => link::reason(error),
            Self::Tree(error) => error.reason(),
            Self::Quarantine(error) => error.reason(),
            Self::Submodule { source, .. } => source.reason(),
            Self::SubmoduleUrl(_)
            | Self::SubmoduleName
            | Self::SubmoduleUnknown
            | Self::TooManySubmodules
            | Self::ModulesFile(_) => "BadSubmodule",
            Self::Conflicts { .. } => "LocalChanges",
            Self::Sockets(_) => "Unreachable",
            Self::Worktree(_) | Self::Git { .. } => "CheckoutFailed",
        }
    }

    /// Returns what to do about it.
    pub fn hint(&self) -> Option<String> {
        if self.is_disk_full() {
            return Some("the volume is full: raise its size limit".to_owned());
        }
        match self {
            Self::Place(PlaceError::NotEmpty { .. }) => Some(
                "give the checkout a directory of its own, such as `cwd: /workspace/repo`"
                    .to_owned(),
            ),
            Self::Place(PlaceError::Io { source, .. }) if is_read_only(source) => {
                Some("mount a writable volume there, or set `cwd`".to_owned())
            }
            Self::Fetch { source, .. } => link::hint_of_fetch(source),
            Self::Tree(error) => error.hint(),
            Self::Quarantine(error) => error.hint(),
            Self::Submodule { source, .. } => source.hint(),
            Self::Conflicts { .. } => {
                Some("an earlier attempt changed them: save or remove the volume".to_owned())
            }
            Self::Over(error) | Self::Worktree(WorktreeError::Over(error)) => link::hint(error),
            _ => None,
        }
    }

    fn is_disk_full(&self) -> bool {
        match self {
            Self::Fetch {
                source: FetchError::Git(error),
                ..
            }
            | Self::Git { error, .. }
            | Self::Worktree(WorktreeError::Git(_, error)) => is_full(error),
            Self::Worktree(WorktreeError::Write { source, .. })
            | Self::Place(PlaceError::Io { source, .. }) => matches!(
                source.kind(),
                ErrorKind::StorageFull | ErrorKind::QuotaExceeded
            ),
            Self::Submodule { source, .. } => source.is_disk_full(),
            _ => false,
        }
    }
}

/// Whether the runner's user may not write there, or nobody may.
fn is_read_only(error: &std::io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem
    )
}

/// libgit2 has `errno` only as the C library's words.
fn is_full(error: &git2::Error) -> bool {
    let words = error.message();
    // musl says `Quota exceeded`, glibc `Disk quota exceeded`.
    words.contains("No space left on device") || words.to_lowercase().contains("quota exceeded")
}

/// A pack, or an object in it, that is not what its checksum says.
fn is_damage(error: &git2::Error) -> bool {
    matches!(
        error.class(),
        ErrorClass::Indexer | ErrorClass::Zlib | ErrorClass::Odb | ErrorClass::Object
    )
}
