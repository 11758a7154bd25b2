//! Whose the directory of a local run is.
//!
//! A file in it says whose run it is for and which files were put there for it, and is locked while
//! a run uses the directory. What is not in that list is somebody else's, and stays.

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// The file in the directory of a local run.
const NAME: &str = ".agent-runner-local.json";

/// What the file is like.
const VERSION: u32 = 1;

/// Bytes of the largest such file that is read: far more than the names of all that a pod can have.
const LARGEST: u64 = 4 << 20;

/// What to take instead of a directory that cannot be had.
const INSTEAD: &str =
    "take a new or empty directory, or one that a run of the same AgentRun has used";

/// A run as its directory knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Tenant {
    /// `NAMESPACE/NAME`, for people.
    pub(super) run: String,
    /// Its uid.
    pub(super) uid: String,
}

/// What the file says.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Text {
    /// [`VERSION`]; of another one nothing is known.
    version: u32,
    run: String,
    uid: String,
    /// Relative to the directory.
    files: BTreeSet<PathBuf>,
}

/// Why a directory cannot be that of a run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(super) enum WorkspaceError {
    /// It is the root of this machine.
    #[error(
        "`/` cannot be the directory of a run: what a pod has would lie among what this machine has"
    )]
    Root,
    /// Others have files in it.
    #[error("`{}` is not empty, and no local run has made it", .0.display())]
    Foreign(PathBuf),
    /// A run is there now.
    #[error("`{}` is in use by another local run", .0.display())]
    InUse(PathBuf),
    /// Another run was there.
    #[error("`{}` is the directory of the run `{theirs}`, and this one is `{ours}`", path.display())]
    Other {
        /// The directory.
        path: PathBuf,
        /// Whose it is.
        theirs: String,
        /// Who wants it.
        ours: String,
    },
    /// Its marker is none.
    #[error("`{}` does not say which run it is of", .0.display())]
    Unreadable(PathBuf),
    /// It cannot be made or marked.
    #[error("`{}` cannot be made", path.display())]
    Make {
        /// The directory or the file in it.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

impl WorkspaceError {
    /// Returns a problem with making `path`.
    pub(super) fn making(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Make { path, source }
    }

    /// Returns what to do about it.
    pub(super) fn hint(&self) -> Option<String> {
        match self {
            Self::Root | Self::Foreign(_) | Self::Unreadable(_) => Some(INSTEAD.to_owned()),
            Self::InUse(_) => {
                Some("wait for its end, or give this one another `--workspace`".to_owned())
            }
            Self::Other { .. } => Some(
                "give it another `--workspace`, or remove the directory if nobody needs it"
                    .to_owned(),
            ),
            Self::Make { .. } => None,
        }
    }
}

/// The mark of a directory, locked until it is dropped.
#[derive(Debug)]
pub(super) struct Marker {
    file: File,
    text: Text,
}

impl Marker {
    /// Marks an empty directory, or takes the mark of one that this very run has used.
    ///
    /// # Errors
    ///
    /// Returns [`WorkspaceError`]; nothing was changed then.
    pub(super) fn set(directory: &Path, tenant: &Tenant) -> Result<Self, WorkspaceError> {
        let path = directory.join(NAME);
        let making = || WorkspaceError::making(&path);
        let is_there = match fs::symlink_metadata(&path) {
            // An agent may have put anything there; a FIFO could hold us up for ever.
            Ok(metadata) if !metadata.is_file() => return Err(WorkspaceError::Unreadable(path)),
            Ok(_) => true,
            Err(_) => false,
        };
        if !is_there && fs::read_dir(directory).map_err(making())?.next().is_some() {
            return Err(WorkspaceError::Foreign(directory.to_owned()));
        }
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .custom_flags(nix::libc::O_NOFOLLOW)
            .open(&path);
        let mut file = file.map_err(making())?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(WorkspaceError::InUse(directory.to_owned()));
            }
            Err(TryLockError::Error(error)) => return Err(making()(error)),
        }
        let mut bytes = Vec::new();
        let read = Read::by_ref(&mut file)
            .take(LARGEST)
            .read_to_end(&mut bytes);
        read.map_err(making())?;
        let text = if bytes.is_empty() {
            // New, or made by one that was killed before it made anything else.
            Text {
                version: VERSION,
                run: tenant.run.clone(),
                uid: tenant.uid.clone(),
                files: BTreeSet::new(),
            }
        } else {
            let text = serde_json::from_slice::<Text>(&bytes);
            let text = text.ok().filter(|text| text.version == VERSION);
            text.ok_or_else(|| WorkspaceError::Unreadable(path.clone()))?
        };
        if text.uid != tenant.uid {
            return Err(WorkspaceError::Other {
                path: directory.to_owned(),
                theirs: text.run,
                ours: tenant.run.clone(),
            });
        }
        let mut marker = Self { file, text };
        marker.save().map_err(making())?;
        Ok(marker)
    }

    /// Says that a file, relative to the directory, will be ours, before it is made.
    ///
    /// # Errors
    ///
    /// Fails if there `is_one` that no run of ours has made, and if the disk refuses it.
    pub(super) fn claim(&mut self, file: &Path, is_one: bool) -> io::Result<()> {
        if self.text.files.contains(file) {
            return Ok(());
        }
        if is_one || file == Path::new(NAME) {
            return Err(io::Error::new(
                io::ErrorKind::AlreadyExists,
                "it is there, and no run of ours put it there; move it away, or take another directory",
            ));
        }
        self.text.files.insert(file.to_owned());
        self.save()
    }

    fn save(&mut self) -> io::Result<()> {
        let text = serde_json::to_vec(&self.text)?;
        self.file.rewind()?;
        self.file.write_all(&text)?;
        self.file.set_len(text.len() as u64)
    }
}
