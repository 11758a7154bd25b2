//! What the trusted base has under the names of the table.

use std::collections::{BTreeMap, HashMap};
use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use git2::{IndexEntry, ObjectType, Oid, Repository, Tree};

use super::super::tree::{self, Way, printable};
use super::disk::{Absent, Directory};
use super::{QuarantineError, configures, enter_parent};

const MODE_KIND: u32 = 0o170_000;
const MODE_FILE: u32 = 0o100_000;
const MODE_LINK: u32 = 0o120_000;

/// One file or link, as the base has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Wanted {
    id: Oid,
    mode: u32,
}

impl Wanted {
    /// Says whether the index holds just this.
    pub(super) fn is_entry(&self, entry: &IndexEntry) -> bool {
        self.id == entry.id && self.mode == entry.mode
    }

    /// Says whether the work tree holds just this, but for the ends of lines.
    pub(super) fn is_at(
        &self,
        repo: &Repository,
        root: &Directory,
        path: &[u8],
    ) -> Result<bool, QuarantineError> {
        let content = self.content(repo, path)?;
        let look = || -> io::Result<bool> {
            let (Some(parent), name) = enter_parent(root, path, Absent::Leave)? else {
                return Ok(false);
            };
            if self.mode == MODE_LINK {
                return Ok(parent.link(name)?.as_deref() == Some(&content));
            }
            // Every line may have got one byte more by a conversion of its end.
            let most = content.len() as u64 * 2;
            Ok(parent
                .read(name, most)?
                .is_some_and(|(found, is_executable)| {
                    is_executable == self.is_executable()
                        && unix_lines(&found) == unix_lines(&content)
                }))
        };
        look().map_err(|source| QuarantineError::List {
            path: printable(path),
            source,
        })
    }

    /// Writes it, if there is a directory that it belongs to.
    pub(super) fn put(
        &self,
        repo: &Repository,
        root: &Directory,
        path: &[u8],
    ) -> Result<bool, QuarantineError> {
        let content = self.content(repo, path)?;
        let write = || -> io::Result<bool> {
            let (Some(parent), name) = enter_parent(root, path, Absent::Make)? else {
                return Ok(false);
            };
            if self.mode == MODE_LINK {
                parent.write_link(name, &content)?;
            } else {
                let mode = if self.is_executable() { 0o777 } else { 0o666 };
                parent.write(name, &content, mode)?;
            }
            Ok(true)
        };
        write().map_err(|source| QuarantineError::Restore {
            path: printable(path),
            source,
        })
    }

    fn is_executable(self) -> bool {
        self.mode & 0o100 != 0
    }

    fn content(self, repo: &Repository, path: &[u8]) -> Result<Vec<u8>, QuarantineError> {
        match repo.find_blob(self.id) {
            Ok(blob) => Ok(blob.content().to_vec()),
            Err(source) => Err(QuarantineError::Restore {
                path: printable(path),
                source: io::Error::other(source),
            }),
        }
    }
}

fn unix_lines(text: &[u8]) -> Vec<u8> {
    let mut unix = Vec::with_capacity(text.len());
    for (at, byte) in text.iter().enumerate() {
        if *byte != b'\r' || text.get(at + 1) != Some(&b'\n') {
            unix.push(*byte);
        }
    }
    unix
}

/// Returns what the base has under the names of the table.
pub(super) fn of_base(
    repo: &Repository,
    base: Oid,
) -> Result<BTreeMap<Vec<u8>, Wanted>, QuarantineError> {
    let unreadable = |source| QuarantineError::Base { base, source };
    let commit = repo.find_commit(base).map_err(unreadable)?;
    let tree = commit.tree().map_err(unreadable)?;
    // Without a commit checked out nothing is as the base has it.
    let head = repo.head().and_then(|head| head.peel_to_tree()).ok();
    tree::hostile_names(repo, &tree).map_err(QuarantineError::Tree)?;

    let mut wanted = BTreeMap::new();
    let mut links = Vec::new();
    tree::walk(repo, &tree, |path, entry| {
        let mode = entry.filemode().cast_unsigned();
        if mode & MODE_KIND == MODE_LINK {
            links.push((path.to_vec(), entry.id()));
        }
        // A newline cannot be excluded from git's sight; nobody's settings have one in their name.
        let is_plain = entry.kind() == Some(ObjectType::Blob) && !path.contains(&b'\n');
        if is_plain && configures(path) {
            wanted.insert(
                path.to_vec(),
                Wanted {
                    id: entry.id(),
                    mode,
                },
            );
        }
        Ok(())
    })
    .map_err(QuarantineError::Tree)?;

    let mut targets = HashMap::with_capacity(links.len());
    for (path, id) in &links {
        let target = tree::link_target(repo, *id).map_err(QuarantineError::Tree)?;
        targets.insert(path.as_slice(), target);
    }
    for (path, _) in &links {
        let Some(link) = wanted.remove(path) else {
            continue;
        };
        if let Some(safe) = trusted(link, path, &tree, head.as_ref(), &targets) {
            wanted.insert(path.clone(), safe);
        }
    }
    Ok(wanted)
}

/// Returns what stands for a link of the base.
///
/// A link is only as trusted as what it leads to, and that may be a file that anybody changes
/// without the table having a say. So it stays a link if it leads to a file of the table, or to
/// what the commit has as the base has it; otherwise the base's own file takes its place.
fn trusted(
    link: Wanted,
    path: &[u8],
    base: &Tree<'_>,
    head: Option<&Tree<'_>>,
    targets: &HashMap<&[u8], Option<Vec<u8>>>,
) -> Option<Wanted> {
    let Way::Inside(end) = tree::resolve(path, targets) else {
        return None;
    };
    let alone = HashMap::from([(path, targets.get(path).cloned().flatten())]);
    let is_direct = tree::resolve(path, &alone) == Way::Inside(end.clone());
    let place = Path::new(OsStr::from_bytes(&end));
    let found = base.get_path(place).ok();
    let is_unchanged = || {
        let there = head.and_then(|head| head.get_path(place).ok());
        match (&found, &there) {
            (Some(ours), Some(theirs)) => {
                ours.id() == theirs.id() && ours.filemode() == theirs.filemode()
            }
            _ => false,
        }
    };
    if is_direct && (configures(&end) || is_unchanged()) {
        return Some(link);
    }
    let file = found?;
    let mode = file.filemode().cast_unsigned();
    (mode & MODE_KIND == MODE_FILE).then(|| Wanted {
        id: file.id(),
        mode,
    })
}
