//! Putting a repository together from its parts, none of which is trusted.

use std::collections::HashSet;
use std::fmt;
use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use git2::{Index, Odb, Oid, Repository};
use nix::fcntl::OFlag;

use super::refs::Refs;
use super::settings::{SMALL_FILE, Settings, settings};
use super::{SummaryError, go_on};

/// Directories below `.git` that are looked through before libgit2 opens anything in them.
const VETTED: [&str; 2] = ["objects", "refs"];

/// A work tree and what belongs to it.
pub(in super::super) struct Opened {
    /// Knows the objects, the index and the work tree; no references, no directory of its own.
    pub(in super::super) repo: Repository,
    pub(in super::super) index: Index,
    /// The work tree.
    pub(in super::super) dir: PathBuf,
    pub(in super::super) refs: Refs,
    /// Commits whose parents were not fetched.
    pub(in super::super) shallow: HashSet<Oid>,
    _settings: Settings,
}

impl Opened {
    /// Opens what is in `dir`, without following a link or anything else that leads out of it.
    pub(in super::super) fn open(
        dir: &Path,
        stop: &dyn Fn() -> bool,
    ) -> Result<Self, SummaryError> {
        let git = dir.join(".git");
        directory(dir)?;
        match directory(&git) {
            Err(SummaryError::Read { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
                return Err(SummaryError::NoRepository {
                    dir: dir.to_owned(),
                });
            }
            other => other?,
        }
        // Either would make another directory the one that counts.
        for name in ["commondir", "objects/info/alternates"] {
            let path = git.join(name);
            if path.symlink_metadata().is_ok() {
                return Err(SummaryError::Elsewhere { path });
            }
        }
        for name in VETTED {
            vet(&git.join(name), stop)?;
        }
        let settings = settings(&git)?;
        let refs = Refs::read(&git, stop)?;
        let shallow = contents(&git.join("shallow"), SMALL_FILE)?.unwrap_or_default();
        let shallow = String::from_utf8_lossy(&shallow)
            .lines()
            .filter_map(|line| Oid::from_str(line.trim()).ok())
            .collect();
        let (repo, index) = assemble(dir, &git, &settings)?;
        Ok(Self {
            repo,
            index,
            dir: dir.to_owned(),
            refs,
            shallow,
            _settings: settings,
        })
    }

    /// The tree of `HEAD`.
    pub(in super::super) fn head_tree(&self) -> Result<Option<git2::Tree<'_>>, SummaryError> {
        let tree = |head| self.repo.find_commit(head)?.tree();
        self.refs
            .head
            .map(tree)
            .transpose()
            .map_err(SummaryError::damaged("the commit of HEAD"))
    }
}

impl fmt::Debug for Opened {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Opened")
            .field("dir", &self.dir)
            .finish_non_exhaustive()
    }
}

fn assemble(
    dir: &Path,
    git: &Path,
    settings: &Settings,
) -> Result<(Repository, Index), SummaryError> {
    let objects = git.join("objects");
    let objects = objects.to_str().ok_or(SummaryError::Unsupported {
        what: "a path that is not UTF-8",
    })?;
    let damaged = SummaryError::damaged("the object database");
    let odb = Odb::new().map_err(&damaged)?;
    odb.add_disk_alternate(objects).map_err(&damaged)?;
    let repo = Repository::from_odb(odb).map_err(&damaged)?;
    repo.set_config(&settings.config)
        .map_err(SummaryError::damaged("the configuration"))?;
    repo.set_workdir(dir, false)
        .map_err(SummaryError::damaged("the directory"))?;
    let path = git.join("index");
    regular(&path)?;
    let damaged = SummaryError::damaged("the index");
    let mut index = Index::open(&path).map_err(&damaged)?;
    repo.set_index(&mut index).map_err(&damaged)?;
    Ok((repo, index))
}

fn directory(path: &Path) -> Result<(), SummaryError> {
    let found = path.symlink_metadata().map_err(SummaryError::read(path))?;
    if found.is_dir() {
        return Ok(());
    }
    // A file named `.git` names the directory that counts.
    Err(SummaryError::Elsewhere {
        path: path.to_owned(),
    })
}

/// Sees that `path` is a file, if there is anything: opening a FIFO would wait for a writer.
fn regular(path: &Path) -> Result<(), SummaryError> {
    match path.symlink_metadata() {
        Ok(found) if found.is_file() => Ok(()),
        Ok(_) => Err(SummaryError::NotAFile {
            path: path.to_owned(),
        }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(SummaryError::read(path)(error)),
    }
}

/// Sees that there are only files and directories below `root`.
fn vet(root: &Path, stop: &dyn Fn() -> bool) -> Result<(), SummaryError> {
    directory(root)?;
    let mut pending = vec![root.to_owned()];
    while let Some(directory) = pending.pop() {
        go_on(stop)?;
        let failed = SummaryError::read(&directory);
        for entry in fs::read_dir(&directory).map_err(&failed)? {
            let entry = entry.map_err(&failed)?;
            let kind = entry.file_type().map_err(&failed)?;
            if kind.is_dir() {
                pending.push(entry.path());
            } else if !kind.is_file() {
                let path = entry.path();
                return Err(SummaryError::NotAFile { path });
            }
        }
    }
    Ok(())
}

/// Opens a file that may be anything; `None` if there is none.
pub(in super::super) fn open(path: &Path) -> Result<Option<File>, SummaryError> {
    regular(path)?;
    let flags = OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK | OFlag::O_NOCTTY;
    match fs::OpenOptions::new()
        .read(true)
        .custom_flags(flags.bits())
        .open(path)
    {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(SummaryError::read(path)(error)),
    }
}

/// The content of a file of at most `most` bytes; `None` if there is none.
pub(super) fn contents(path: &Path, most: u64) -> Result<Option<Vec<u8>>, SummaryError> {
    let Some(file) = open(path)? else {
        return Ok(None);
    };
    let mut content = Vec::new();
    file.take(most + 1)
        .read_to_end(&mut content)
        .map_err(SummaryError::read(path))?;
    if content.len() as u64 > most {
        let source = io::Error::from(io::ErrorKind::FileTooLarge);
        return Err(SummaryError::read(path)(source));
    }
    Ok(Some(content))
}
