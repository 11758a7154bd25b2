//! `install`: this executable, for a container whose image has none.
//!
//! An init container of ours has neither a shell nor `cp`: what is to be in the volume that it shares with
//! the agent's container, it has to put there itself.

use std::fs::{self, File, Permissions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

/// What it is called there: a controller knows the runner by this name.
const NAME: &str = "agent-runner";

/// What the kernel started us from, also after that was replaced or removed.
const OURSELVES: &str = "/proc/self/exe";

/// Why there is no copy.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InstallError {
    /// We cannot be read.
    #[error("this executable cannot be read")]
    Read(#[source] io::Error),
    /// There is no directory, and none can be made.
    #[error("there is no directory `{}`, and it cannot be made", path.display())]
    Directory {
        /// The directory.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The directory does not take a copy; nothing of it is left.
    #[error("no copy can be written into `{}`", path.display())]
    Copy {
        /// The directory.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The copy cannot get its name; nothing of it is left.
    #[error("`{}` cannot be replaced", path.display())]
    Replace {
        /// The name.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

impl InstallError {
    /// Says what to do about it, where that is known.
    pub fn hint(&self) -> Option<String> {
        let (Self::Read(source)
        | Self::Directory { source, .. }
        | Self::Copy { source, .. }
        | Self::Replace { source, .. }) = self;
        let hint = match source.kind() {
            ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
                "mount a volume there that the container's user may write to"
            }
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => "give the volume more space",
            ErrorKind::AlreadyExists | ErrorKind::NotADirectory => "name a directory",
            ErrorKind::IsADirectory => "remove that directory, or name another one to install into",
            _ => return None,
        };
        Some(hint.to_owned())
    }
}

/// Copies the running executable into a directory, which is made if it is not there; returns where it is.
///
/// Whoever looks sees what was there before, or all of the copy. Everybody may execute it. Done again, it
/// is the same.
///
/// # Errors
///
/// Returns [`InstallError`]; what was there before is then untouched.
pub fn install(directory: &Path) -> Result<PathBuf, InstallError> {
    let mut ourselves = File::open(OURSELVES).map_err(InstallError::Read)?;
    fs::create_dir_all(directory).map_err(|source| InstallError::Directory {
        path: directory.to_owned(),
        source,
    })?;
    let copy = copy(&mut ourselves, directory).map_err(|source| InstallError::Copy {
        path: directory.to_owned(),
        source,
    })?;
    let path = directory.join(NAME);
    match copy.persist(&path) {
        Ok(_) => Ok(path),
        Err(error) => Err(InstallError::Replace {
            path,
            source: error.error,
        }),
    }
}

/// Writes beside what is to be replaced; removed again when it is dropped before it has its name.
fn copy(executable: &mut File, directory: &Path) -> io::Result<NamedTempFile> {
    let mut copy = tempfile::Builder::new()
        .prefix(".agent-runner-")
        .tempfile_in(directory)?;
    io::copy(executable, copy.as_file_mut())?;
    // Whatever our umask is: the agent's container may have another user.
    copy.as_file()
        .set_permissions(Permissions::from_mode(0o755))?;
    copy.as_file().sync_all()?;
    Ok(copy)
}
