//! The directory that stands for the pod's root.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, symlink};
use std::path::{Component, Path, PathBuf};

use tempfile::TempDir;

use super::marker::{Marker, Tenant, WorkspaceError};

/// The directory that stands for the pod's root.
#[derive(Debug)]
pub(super) struct Scratch {
    root: PathBuf,
    /// Whose it is.
    marker: Marker,
    /// What is removed with us.
    own: Option<TempDir>,
    /// Files with secrets in them.
    secrets: Vec<PathBuf>,
}

impl Scratch {
    /// Takes a directory that stays, which is made if it is not there, or makes one of its own,
    /// which is removed with it unless it is kept.
    ///
    /// # Errors
    ///
    /// Returns [`WorkspaceError`] if it cannot be made, or is not `tenant`'s.
    pub(super) fn new(workspace: Option<&Path>, tenant: &Tenant) -> Result<Self, WorkspaceError> {
        let (path, own) = if let Some(path) = workspace {
            private_dirs(path).map_err(WorkspaceError::making(path))?;
            (path.to_owned(), None)
        } else {
            let made = tempfile::Builder::new()
                .prefix("agent-runner-local-")
                .tempdir()
                .map_err(WorkspaceError::making(std::env::temp_dir()))?;
            (made.path().to_owned(), Some(made))
        };
        // Links in it are taken apart once, so that paths below it have none that are not the
        // agent's.
        let root = path.canonicalize().map_err(WorkspaceError::making(&path))?;
        if root.parent().is_none() {
            return Err(WorkspaceError::Root);
        }
        let marker = Marker::set(&root, tenant)?;
        Ok(Self {
            root,
            marker,
            own,
            secrets: Vec::new(),
        })
    }

    /// Lets a directory of its own stay.
    pub(super) fn keep(&mut self) {
        if let Some(own) = self.own.take() {
            drop(own.keep());
        }
    }

    /// Returns where it is, absolute.
    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    /// Says whether it stays.
    pub(super) fn stays(&self) -> bool {
        self.own.is_none()
    }

    /// Returns where a path of the pod is, or itself if it is below the root. There is no way out by `..`.
    pub(super) fn inside(&self, path: &Path) -> PathBuf {
        let mut below = PathBuf::new();
        for part in path.strip_prefix(&self.root).unwrap_or(path).components() {
            match part {
                Component::Normal(name) => below.push(name),
                Component::ParentDir => drop(below.pop()),
                _ => {}
            }
        }
        self.root.join(below)
    }

    /// Makes a directory below the root, with those on the way to it.
    ///
    /// # Errors
    ///
    /// Fails on a link or a file in its way: an agent of an earlier run may have put it there.
    pub(super) fn directory(&self, path: &Path) -> io::Result<()> {
        let below = path.strip_prefix(&self.root).map_err(|_| {
            io::Error::new(io::ErrorKind::InvalidInput, "it is not in the workspace")
        })?;
        let mut place = self.root.clone();
        for part in below.components() {
            if !matches!(part, Component::Normal(_)) {
                return Err(io::ErrorKind::InvalidInput.into());
            }
            place.push(part);
            match private_dir().create(&place) {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                    if !fs::symlink_metadata(&place)?.is_dir() {
                        return Err(error);
                    }
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Writes a file below the root in the place of one that a run of ours has put there; one with a
    /// secret is removed at the end.
    ///
    /// # Errors
    ///
    /// Fails as [`Self::directory`], if somebody else's is there, and if the disk refuses it.
    pub(super) fn file(&mut self, path: &Path, content: &[u8], is_secret: bool) -> io::Result<()> {
        self.make_room(path)?;
        if is_secret {
            self.secrets.push(path.to_owned());
        }
        let mode = if is_secret { 0o600 } else { 0o644 };
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(mode)
            .open(path)?;
        file.write_all(content)
    }

    /// Makes a link below the root.
    ///
    /// # Errors
    ///
    /// Fails as [`Self::file`].
    pub(super) fn link(&mut self, path: &Path, target: &Path) -> io::Result<()> {
        self.make_room(path)?;
        symlink(target, path)
    }

    /// Removes a file of ours.
    fn make_room(&mut self, path: &Path) -> io::Result<()> {
        self.directory(path.parent().unwrap_or(&self.root))?;
        let is_one = fs::symlink_metadata(path).is_ok();
        let below = path.strip_prefix(&self.root).unwrap_or(path);
        self.marker.claim(below, is_one)?;
        match fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        for path in &self.secrets {
            // The agent may have removed it.
            drop(fs::remove_file(path));
        }
    }
}

fn private_dir() -> DirBuilder {
    let mut builder = DirBuilder::new();
    builder.mode(0o700);
    builder
}

fn private_dirs(path: &Path) -> io::Result<()> {
    private_dir().recursive(true).create(path)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn tenant() -> Tenant {
        Tenant {
            run: "default/run".to_owned(),
            uid: "1".to_owned(),
        }
    }

    #[test]
    fn links_in_the_way_are_not_followed() {
        let outside = tempfile::tempdir().expect("it can be made");
        let mut scratch = Scratch::new(None, &tenant()).expect("it can be made");
        let link = scratch.root().join("workspace");
        symlink(outside.path(), &link).expect("it can be made");
        assert!(scratch.file(&link.join("a"), b"x", false).is_err());
        assert!(!outside.path().join("a").exists());

        let target = outside.path().join("b");
        fs::write(&target, "whole").expect("it can be written");
        let link = scratch.root().join("b");
        scratch.file(&link, b"x", false).expect("nothing is there");
        fs::remove_file(&link).expect("it is there");
        symlink(&target, &link).expect("it can be made");
        scratch
            .file(&link, b"x", false)
            .expect("the link is replaced");
        assert_eq!(fs::read(&target).expect("it is there"), b"whole");
        assert!(scratch.file(&target, b"x", false).is_err());
    }

    #[test]
    fn secrets_do_not_stay() {
        let place = tempfile::tempdir().expect("it can be made");
        let mut scratch = Scratch::new(Some(place.path()), &tenant()).expect("it can be made");
        let (secret, other) = (scratch.root().join("s/key"), scratch.root().join("other"));
        scratch
            .file(&secret, b"x", true)
            .expect("it can be written");
        scratch
            .file(&other, b"x", false)
            .expect("it can be written");
        drop(scratch);
        assert!(!secret.exists() && other.exists());
    }

    #[test]
    fn what_is_no_mark_of_ours_makes_no_workspace() {
        let outside = tempfile::tempdir().expect("it can be made");
        let target = outside.path().join("whole");
        fs::write(&target, "whole").expect("it can be written");
        let place = tempfile::tempdir().expect("it can be made");
        let mark = place.path().join(".agent-runner-local.json");
        symlink(&target, &mark).expect("it can be made");
        assert!(Scratch::new(Some(place.path()), &tenant()).is_err());
        assert_eq!(fs::read(&target).expect("it is there"), b"whole");

        fs::remove_file(&mark).expect("it is there");
        fs::write(&mark, "anything").expect("it can be written");
        assert!(Scratch::new(Some(place.path()), &tenant()).is_err());
        assert_eq!(fs::read(&mark).expect("it is there"), b"anything");
    }
}
