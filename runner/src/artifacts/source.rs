//! Opening what is to be stored, on paths that are hostile.
//!
//! The agent may have put a link where its report should be, to a file that only the runner should
//! read. Inside a tree no link is followed at all; the path of a single file may lead through links
//! as long as it ends inside the workspace, where the agent could have copied it anyway. What was
//! opened is compared with what was looked at, so nothing can be swapped in between.

use std::fs::{self, File};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use nix::fcntl::OFlag;

/// Why a file is not read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(super) enum SourceError {
    /// It is not there.
    #[error("`{}` is not there", path.display())]
    Missing {
        /// It.
        path: PathBuf,
    },
    /// It leads out of the workspace.
    #[error("`{}` is a link to `{}`, outside of the workspace", path.display(), target.display())]
    Outside {
        /// It.
        path: PathBuf,
        /// Where it leads.
        target: PathBuf,
    },
    /// It is something else.
    #[error("`{}` is no regular file", path.display())]
    NotAFile {
        /// It.
        path: PathBuf,
    },
    /// It cannot be opened or read.
    #[error("`{}` cannot be read", path.display())]
    Read {
        /// It.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

impl SourceError {
    pub(super) fn of(path: &Path, source: io::Error) -> Self {
        let path = path.to_owned();
        match source.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Self::Missing { path },
            _ => Self::Read { path, source },
        }
    }
}

/// Where a path leads, links and all, if it may lead there.
///
/// `roots` are the directories of the workspace.
///
/// # Errors
///
/// Returns [`SourceError`]; nothing was opened.
pub(super) fn resolve(path: &Path, roots: &[PathBuf]) -> Result<PathBuf, SourceError> {
    let target = fs::canonicalize(path).map_err(|error| SourceError::of(path, error))?;
    let outside = Err(SourceError::Outside {
        path: path.to_owned(),
        target: target.clone(),
    });
    // What the kernel makes up, our own environment among it.
    let made_up = ["/proc", "/sys", "/dev"]
        .iter()
        .any(|dir| target.starts_with(dir));
    if made_up && !target.starts_with("/dev/shm") {
        return outside;
    }
    let roots = roots.iter().filter(|root| root.parent().is_some());
    let roots: Vec<PathBuf> = roots
        .filter_map(|root| fs::canonicalize(root).ok())
        .collect();
    if roots.iter().any(|root| target.starts_with(root)) {
        return Ok(target);
    }
    // Elsewhere the image's layout counts, links included, but the file itself must not be one.
    let direct = path.parent().zip(path.file_name());
    let direct = direct.and_then(|(parent, name)| Some(fs::canonicalize(parent).ok()?.join(name)));
    if direct.as_ref() == Some(&target) && !leads_through(path, &roots) {
        return Ok(target);
    }
    outside
}

/// Whether one of these directories is on the way to an absolute path, which ends somewhere else: a
/// link in it is the agent's, however the path is written. The directories have no links in theirs.
fn leads_through(path: &Path, roots: &[PathBuf]) -> bool {
    let parts = |path: &Path| -> Vec<PathBuf> {
        let parts = path.components().rev();
        parts.map(|part| PathBuf::from(part.as_os_str())).collect()
    };
    let (mut at, mut left) = (PathBuf::new(), parts(path));
    // Links may have come to lead in a circle; the kernel follows so many.
    let mut links = 0..40;
    while let Some(part) = left.pop() {
        if part.as_os_str() == ".." {
            at.pop();
        } else {
            at.push(part);
        }
        if roots.iter().any(|root| at.starts_with(root)) {
            return true;
        }
        if let Ok(target) = fs::read_link(&at) {
            if links.next().is_none() {
                return true;
            }
            at.pop();
            left.extend(parts(&target));
        }
    }
    false
}

/// Opens a file whose path has no link in it, as [`resolve`] returns it.
///
/// # Errors
///
/// Returns [`SourceError`], also for a path that has a link in it by now.
pub(super) fn open(path: &Path) -> Result<File, SourceError> {
    // A FIFO would never open.
    let flags = OFlag::O_NONBLOCK | OFlag::O_NOFOLLOW | OFlag::O_NOCTTY;
    let file = File::options()
        .read(true)
        .custom_flags(flags.bits())
        .open(path)
        .map_err(|error| match error.raw_os_error() {
            Some(nix::libc::ELOOP | nix::libc::ENXIO) => SourceError::NotAFile {
                path: path.to_owned(),
            },
            _ => SourceError::of(path, error),
        })?;
    let read = |source| SourceError::Read {
        path: path.to_owned(),
        source,
    };
    if !file.metadata().map_err(read)?.is_file() {
        return Err(SourceError::NotAFile {
            path: path.to_owned(),
        });
    }
    let link = format!("/proc/self/fd/{}", file.as_raw_fd());
    let opened = fs::read_link(link).map_err(read)?;
    if opened != path {
        // The kernel says so of what was replaced by now.
        if file.metadata().is_ok_and(|about| about.nlink() == 0) {
            return Err(SourceError::Missing {
                path: path.to_owned(),
            });
        }
        return Err(SourceError::Outside {
            path: path.to_owned(),
            target: opened,
        });
    }
    Ok(file)
}

#[cfg(test)]
mod tests;
