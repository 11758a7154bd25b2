//! Writing the rendered input files (contract §3.6, §5.1).
//!
//! Paths are taken as hostile: they are rendered from parameters, and a workspace may hold what
//! somebody else put there. Below a root of the workspace no symbolic link is followed, in no
//! component; the walk is by directory handles, so nothing can be swapped under it. Above the
//! roots the image's own layout counts, links included, but the file itself must not be one.
//!
//! A file that the controller has already mounted and that holds the same, read-only or as the link
//! that it is in a ConfigMap volume, is left as it is.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};

use agent_plan::plan::FilePlan;
use nix::errno::Errno;
use nix::fcntl::{OFlag, open, openat};
use nix::sys::stat::{Mode, SFlag, fchmod, fstat, mkdirat};
use nix::unistd::{UnlinkatFlags, unlinkat};

/// Why an input file could not be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FileError {
    /// A directory above it could not be opened or made.
    #[error("the directory `{}` for the input file `{}` cannot be used", directory.display(), path.display())]
    Directory {
        /// The input file.
        path: PathBuf,
        /// The directory.
        directory: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A part of the path is a symbolic link where none is followed.
    #[error("the input file `{}` leads through the symbolic link `{}`", path.display(), link.display())]
    Link {
        /// The input file.
        path: PathBuf,
        /// The link.
        link: PathBuf,
    },
    /// Something that is not a file has its name.
    #[error("the input file `{}` cannot be written: {what} has its name", path.display())]
    NotAFile {
        /// The input file.
        path: PathBuf,
        /// What it is.
        what: &'static str,
    },
    /// It is mounted read-only, with other content.
    #[error("the input file `{}` is read-only and holds something else", path.display())]
    ReadOnly {
        /// The input file.
        path: PathBuf,
        /// Why it cannot be written.
        #[source]
        source: io::Error,
    },
    /// The disk refused it.
    #[error("the input file `{}` of {bytes} bytes cannot be written", path.display())]
    Write {
        /// The input file.
        path: PathBuf,
        /// Its size.
        bytes: usize,
        /// Why.
        #[source]
        source: io::Error,
    },
}

impl FileError {
    /// Returns the CamelCase word below the outcome.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Write { source, .. } | Self::Directory { source, .. } if is_full(source) => {
                "DiskFull"
            }
            Self::Directory { .. } => "DirectoryUnusable",
            Self::Link { .. } => "SymbolicLink",
            Self::NotAFile { .. } => "NotAFile",
            Self::ReadOnly { .. } => "ReadOnly",
            Self::Write { .. } => "WriteFailed",
        }
    }

    /// Returns what to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Write { source, .. } if is_full(source) => {
                Some("the volume is full: raise its size limit".to_owned())
            }
            Self::ReadOnly { .. } => {
                Some("mount it with the rendered content, or write it elsewhere".to_owned())
            }
            Self::Directory { source, .. } if source.kind() == io::ErrorKind::PermissionDenied => {
                Some("mount a writable volume there, or run as its owner".to_owned())
            }
            _ => None,
        }
    }
}

fn is_full(error: &io::Error) -> bool {
    matches!(
        error.raw_os_error().map(Errno::from_raw),
        Some(Errno::ENOSPC | Errno::EDQUOT)
    )
}

/// Writes the files in order; stops at the first that cannot be written.
///
/// `roots` are directories below which no symbolic link is followed.
///
/// # Errors
///
/// Returns [`FileError`]; files before the failing one are written, the failing one is removed
/// if it was begun.
pub(super) fn write(files: &[FilePlan], roots: &[PathBuf]) -> Result<(), FileError> {
    files.iter().try_for_each(|file| write_one(file, roots))
}

fn write_one(file: &FilePlan, roots: &[PathBuf]) -> Result<(), FileError> {
    let path = &file.path;
    let Some(name) = path.file_name() else {
        return Err(FileError::NotAFile {
            path: path.clone(),
            what: "a directory",
        });
    };
    let directory = enter(path, roots)?;
    let flags = OFlag::O_WRONLY
        | OFlag::O_CREAT
        | OFlag::O_NOFOLLOW
        | OFlag::O_NONBLOCK
        | OFlag::O_CLOEXEC
        | OFlag::O_NOCTTY;
    match openat(&directory, name, flags, Mode::from_bits_truncate(file.mode)) {
        Ok(fd) => fill(fd, &directory, file),
        // ELOOP: the files of a ConfigMap volume are links. One that already leads to what is to
        // be there is only read, so nothing is written where it leads.
        Err(
            Errno::EROFS
            | Errno::EACCES
            | Errno::EPERM
            | Errno::EBUSY
            | Errno::ETXTBSY
            | Errno::ELOOP,
        ) if holds(&directory, name, &file.content) => Ok(()),
        Err(error) => Err(refusal(error, file)),
    }
}

fn refusal(error: Errno, file: &FilePlan) -> FileError {
    let path = file.path.clone();
    match error {
        Errno::ELOOP => FileError::Link {
            link: path.clone(),
            path,
        },
        Errno::EISDIR => FileError::NotAFile {
            path,
            what: "a directory",
        },
        // O_NONBLOCK on a FIFO that nobody reads.
        Errno::ENXIO => FileError::NotAFile {
            path,
            what: "a FIFO or socket",
        },
        Errno::EROFS | Errno::EBUSY => FileError::ReadOnly {
            path,
            source: error.into(),
        },
        _ => FileError::Write {
            path,
            bytes: file.content.len(),
            source: error.into(),
        },
    }
}

fn fill(fd: OwnedFd, directory: &OwnedFd, file: &FilePlan) -> Result<(), FileError> {
    let path = file.path.clone();
    let failed = |source: io::Error| FileError::Write {
        path: path.clone(),
        bytes: file.content.len(),
        source,
    };
    let mode = fstat(&fd).map_err(|error| failed(error.into()))?.st_mode;
    if mode & SFlag::S_IFMT.bits() != SFlag::S_IFREG.bits() {
        return Err(FileError::NotAFile {
            path: path.clone(),
            what: "a device or FIFO",
        });
    }
    // Truncated only here, when it is certain to be a file of ours to write.
    let mut out = File::from(fd);
    let written = out
        .set_len(0)
        .and_then(|()| out.write_all(file.content.as_bytes()))
        .and_then(|()| Ok(fchmod(&out, Mode::from_bits_truncate(file.mode))?));
    written.map_err(|source| {
        // Half a file would be taken for a whole one; the error is what is reported.
        let _: nix::Result<()> = unlinkat(
            directory,
            path.file_name().unwrap_or_default(),
            UnlinkatFlags::NoRemoveDir,
        );
        failed(source)
    })
}

/// Says whether the file, links followed, already holds `content`.
fn holds(directory: &OwnedFd, name: &std::ffi::OsStr, content: &str) -> bool {
    let flags = OFlag::O_RDONLY | OFlag::O_NONBLOCK | OFlag::O_CLOEXEC | OFlag::O_NOCTTY;
    let Ok(fd) = openat(directory, name, flags, Mode::empty()) else {
        return false;
    };
    let mut found = Vec::new();
    // One byte more than expected is enough to know that it is another content.
    let read = File::from(fd)
        .take(content.len() as u64 + 1)
        .read_to_end(&mut found);
    read.is_ok() && found == content.as_bytes()
}

/// Opens the directory of `path`, making what is missing.
fn enter(path: &Path, roots: &[PathBuf]) -> Result<OwnedFd, FileError> {
    let parent = path.parent().unwrap_or(Path::new("/"));
    // The longest root wins: it is the nearest to the file.
    let root = roots
        .iter()
        .filter(|root| parent.starts_with(root))
        .max_by_key(|root| root.as_os_str().len());
    let base = root.map_or(Path::new("/"), PathBuf::as_path);
    let unusable = |directory: &Path, source: Errno| FileError::Directory {
        path: path.to_owned(),
        directory: directory.to_owned(),
        source: source.into(),
    };
    if root.is_some() {
        std::fs::create_dir_all(base).map_err(|source| FileError::Directory {
            path: path.to_owned(),
            directory: base.to_owned(),
            source,
        })?;
    }
    // O_PATH needs no permission to list the directory, only to go through it.
    let flags = OFlag::O_DIRECTORY | OFlag::O_CLOEXEC | OFlag::O_PATH;
    let mut at = open(base, flags, Mode::empty()).map_err(|error| unusable(base, error))?;
    let mut walked = base.to_owned();
    let follow = if root.is_some() {
        OFlag::O_NOFOLLOW
    } else {
        OFlag::empty()
    };
    for component in parent.strip_prefix(base).unwrap_or(parent).components() {
        let Component::Normal(name) = component else {
            continue;
        };
        walked.push(name);
        at = match step(&at, name, flags | follow) {
            Ok(next) => next,
            // O_NOFOLLOW with O_DIRECTORY says ENOTDIR of a link.
            Err(Errno::ELOOP | Errno::ENOTDIR) if walked.is_symlink() => {
                return Err(FileError::Link {
                    path: path.to_owned(),
                    link: walked,
                });
            }
            Err(error) => return Err(unusable(&walked, error)),
        };
    }
    Ok(at)
}

fn step(at: &impl AsFd, name: &std::ffi::OsStr, flags: OFlag) -> nix::Result<OwnedFd> {
    match openat(at, name.as_bytes(), flags, Mode::empty()) {
        Err(Errno::ENOENT) => {
            match mkdirat(at, name.as_bytes(), Mode::from_bits_truncate(0o755)) {
                Ok(()) | Err(Errno::EEXIST) => {}
                Err(error) => return Err(error),
            }
            openat(
                at,
                name.as_bytes(),
                flags | OFlag::O_NOFOLLOW,
                Mode::empty(),
            )
        }
        other => other,
    }
}

#[cfg(test)]
mod tests;
