//! Writing the status file.
//!
//! The configured path is a bind mount of the kubelet: it cannot be renamed over, so it is
//! truncated and written in place, in its short form. The complete status is a file beside it,
//! replaced whole. Either may be refused (a root-owned directory, a full disk); the status then
//! goes where it can, and to stderr as the last resort: it is never lost without a word.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use agent_plan::plan::FULL_STATUS;
use agent_plan::status::{RunStatus, pack};

/// What could not be written where it should be.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StatusError {
    /// The short form cannot be written in place.
    #[error("the status cannot be written to `{}`", path.display())]
    Short {
        /// The configured path.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The complete form cannot be written beside it.
    #[error("the complete status cannot be written to `{}`", path.display())]
    Full {
        /// The path beside.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

/// Writes both forms; an error in one does not keep the other from being written.
///
/// # Errors
///
/// Returns every [`StatusError`]; the other file is then still written.
pub fn write(path: &Path, status: &RunStatus) -> Vec<StatusError> {
    let full = path.with_file_name(FULL_STATUS);
    let mut errors = Vec::new();
    if let Err(source) = in_place(path, &pack(status)) {
        errors.push(StatusError::Short {
            path: path.to_owned(),
            source,
        });
    }
    // Whoever wants the status in `/dev/null` wants no file beside it.
    if path.parent() != Some(Path::new("/dev"))
        && let Err(source) = replace(&full, status)
    {
        errors.push(StatusError::Full { path: full, source });
    }
    errors
}

/// Truncates and writes, because a bind mount cannot be replaced.
fn in_place(path: &Path, bytes: &[u8]) -> io::Result<()> {
    use std::os::unix::fs::OpenOptionsExt;
    make_parent(path)?;
    // Without O_NONBLOCK the open of a FIFO would wait for a reader that may never come.
    let flags = nix::fcntl::OFlag::O_NONBLOCK.bits();
    // Not synced: the kubelet reads it through the same kernel, and the pod is gone with the node.
    OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .custom_flags(flags)
        .open(path)?
        .write_all(bytes)
}

/// Writes beside and renames, so that a reader sees the old content or the new.
///
/// The name beside is one that nobody can foresee: the agent could have put a FIFO or a link there.
fn replace(path: &Path, status: &RunStatus) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    make_parent(path)?;
    let bytes = full(status)?;
    // Removed again when it is dropped before it is persisted.
    let mut beside = tempfile::Builder::new()
        .prefix(".status-")
        .permissions(std::fs::Permissions::from_mode(0o644))
        .tempfile_in(path.parent().unwrap_or(Path::new("/")))?;
    beside.write_all(&bytes)?;
    beside.as_file().sync_all()?;
    beside.persist(path)?;
    Ok(())
}

/// The complete form.
///
/// # Errors
///
/// Fails if it is no JSON, which it is.
pub fn full(status: &RunStatus) -> serde_json::Result<Vec<u8>> {
    let mut bytes = serde_json::to_vec_pretty(status)?;
    bytes.push(b'\n');
    Ok(bytes)
}

fn make_parent(path: &Path) -> io::Result<()> {
    path.parent().map_or(Ok(()), std::fs::create_dir_all)
}
