//! The directory of a checkout: fresh, left half-done by a run before, or a checkout already.
//!
//! The directory may be a volume of its own, so nothing can be renamed into place. A clone that has
//! begun is marked instead, before there is anything else in it, and the mark goes when it is
//! complete: what is marked is never mistaken for a checkout, and is ours to remove. When that is
//! removed the mark goes last, so that whoever kills us in the middle leaves it for the next run.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// In `.git` while a clone is not complete.
const MARK: &str = "agent-runner-incomplete";

/// What every new ext4 volume has in it.
const LOST_AND_FOUND: &str = "lost+found";

/// Why the directory cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PlaceError {
    /// Something else than a directory has its name.
    #[error("`{}` is not a directory", path.display())]
    NotADirectory {
        /// The path.
        path: PathBuf,
    },
    /// It has files in it that are no checkout.
    #[error("`{}` is not empty and is not a git checkout: it has `{entry}` in it", path.display())]
    NotEmpty {
        /// The directory.
        path: PathBuf,
        /// The first thing in it.
        entry: String,
    },
    /// Its `.git` leads elsewhere.
    #[error("`{}` is not a directory of its own, but a link or a file that leads elsewhere", path.display())]
    ForeignGit {
        /// The `.git`.
        path: PathBuf,
    },
    /// The disk refused.
    #[error("`{}` cannot be {what}", path.display())]
    Io {
        /// What was tried.
        what: &'static str,
        /// On what.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

/// A directory that can be used.
#[derive(Debug)]
pub(super) enum Place {
    /// Empty: whatever is in it from here on is ours.
    Fresh(Fresh),
    /// A checkout, of a container that ran here before.
    Checkout,
}

/// An empty directory, which [`Fresh::complete`] turns into a checkout.
#[derive(Debug)]
pub(super) struct Fresh {
    dir: PathBuf,
    /// The directories that were made for it, the innermost first.
    made: Vec<PathBuf>,
}

/// Looks at `dir`, makes it if it is not there, and empties what a run before left half-done.
///
/// # Errors
///
/// Returns [`PlaceError`]; nothing that is not ours was touched.
pub(super) fn look(dir: &Path) -> Result<Place, PlaceError> {
    let failed = |what, path: &Path| {
        let path = path.to_owned();
        move |source| PlaceError::Io { what, path, source }
    };
    let mut made = Vec::new();
    match fs::metadata(dir) {
        Ok(seen) if !seen.is_dir() => return Err(PlaceError::NotADirectory { path: dir.into() }),
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let missing = |path: &&Path| fs::symlink_metadata(path).is_err();
            made = dir
                .ancestors()
                .take_while(missing)
                .map(Path::to_owned)
                .collect();
            fs::create_dir_all(dir).map_err(failed("made", dir))?;
        }
        Err(error) => return Err(failed("looked at", dir)(error)),
    }
    let git = dir.join(".git");
    match fs::symlink_metadata(&git) {
        Ok(seen) if !seen.is_dir() => return Err(PlaceError::ForeignGit { path: git }),
        Ok(_) if fs::symlink_metadata(git.join(MARK)).is_ok() => {
            tracing::warn!(directory = %dir.display(), "Removing a checkout that was not completed.");
            empty(dir).map_err(failed("emptied", dir))?;
        }
        Ok(_) if fs::read_dir(&git).is_ok_and(|mut entries| entries.next().is_some()) => {
            return Ok(Place::Checkout);
        }
        // One without anything in it is what a kill leaves between the directory and its mark.
        Ok(_) | Err(_) => {}
    }
    for entry in fs::read_dir(dir).map_err(failed("listed", dir))? {
        let entry = entry.map_err(failed("listed", dir))?;
        if entry.file_name() != LOST_AND_FOUND && entry.file_name() != ".git" {
            return Err(PlaceError::NotEmpty {
                path: dir.into(),
                entry: entry.file_name().to_string_lossy().into_owned(),
            });
        }
    }
    Ok(Place::Fresh(Fresh {
        dir: dir.into(),
        made,
    }))
}

impl Fresh {
    /// Marks what will be in it as begun; comes before anything else is.
    ///
    /// # Errors
    ///
    /// Returns [`PlaceError::Io`].
    pub(super) fn begin(&self) -> Result<(), PlaceError> {
        let git = self.dir.join(".git");
        let path = git.join(MARK);
        let marked = fs::create_dir_all(&git)
            .and_then(|()| fs::write(&path, "A clone of agent-runner that is not complete.\n"));
        marked.map_err(|source| PlaceError::Io {
            what: "written",
            path,
            source,
        })
    }

    /// Says that the clone is complete.
    ///
    /// # Errors
    ///
    /// Returns [`PlaceError::Io`].
    pub(super) fn complete(self) -> Result<(), PlaceError> {
        let path = self.dir.join(".git").join(MARK);
        fs::remove_file(&path).map_err(|source| PlaceError::Io {
            what: "removed",
            path,
            source,
        })
    }

    /// Removes everything again that was made here. What cannot be removed is left, marked.
    pub(super) fn abandon(self) {
        if let Err(error) = empty(&self.dir) {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                directory = %self.dir.display(),
                "A checkout that failed is left behind."
            );
            return;
        }
        for made in &self.made {
            // One that somebody else has put something into meanwhile is not ours alone.
            if fs::remove_dir(made).is_err() {
                return;
            }
        }
    }
}

/// Removes what is in a directory, the mark last: it says whose the rest is.
fn empty(dir: &Path) -> io::Result<()> {
    remove_all_but(dir, &[LOST_AND_FOUND, ".git"])?;
    let git = dir.join(".git");
    let done = remove_all_but(&git, &[MARK])
        .and_then(|()| remove(&git.join(MARK)))
        .and_then(|()| fs::remove_dir(&git));
    match done {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn remove_all_but(dir: &Path, kept: &[&str]) -> io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        if kept.iter().all(|kept| entry.file_name() != *kept) {
            remove(&entry.path())?;
        }
    }
    Ok(())
}

/// Removes a file or a directory; a symbolic link itself, not what it leads to.
fn remove(path: &Path) -> io::Result<()> {
    let done = match fs::symlink_metadata(path) {
        Ok(seen) if seen.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(error) => Err(error),
    };
    match done {
        // Whoever else removed it has done our work.
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        done => done,
    }
}
