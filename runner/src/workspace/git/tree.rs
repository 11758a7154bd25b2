//! What a commit's tree may not hold, looked at before anything of it is on disk.
//!
//! libgit2 refuses most names that lead out of a work tree, but in the middle of a checkout. It
//! lets pass a name with a slash in it, one that HFS+ would take for `.git`, the same name twice,
//! and every symbolic link. Trees are read one at a time and without recursion, so neither a deep
//! tree nor one that holds itself a thousand times over costs more than its limits.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};

use agent_plan::outcome::Outcome;
use git2::{ObjectType, Oid, Repository, Tree};

mod links;

pub(super) use links::{Way, leaving_links, link_target, refuse, resolve};

/// More names than any work tree that fits into a pod; a few objects can stand for far more.
/// Tests need not count as far.
const MOST_NAMES: usize = if cfg!(test) { 100_000 } else { 10_000_000 };
/// Bytes of all paths together, which are in memory while files are written: ten million of the
/// usual length.
const MOST_BYTES: usize = 512 << 20;
/// `PATH_MAX` with its zero: the kernel takes no longer path, and no longer target of a link.
const LONGEST_PATH: usize = 4095;

const MODE_KIND: i32 = 0o170_000;
const MODE_LINK: i32 = 0o120_000;

/// Why a commit's tree is not checked out.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TreeError {
    /// The path leads through a symbolic link.
    #[error("the path `{path}` leads through `{link}`, a symbolic link in the repository")]
    Link {
        /// The path asked for.
        path: String,
        /// The link.
        link: String,
    },
    /// The path is not in the repository.
    #[error("the path `{path}` is not in the repository: there is no `{missing}`")]
    Missing {
        /// The path asked for.
        path: String,
        /// Its first part that is not there.
        missing: String,
        /// The name beside it that was probably meant.
        near: Option<String>,
    },
    /// The path leads through a file.
    #[error("the path `{path}` is not a directory: `{file}` is a file in the repository")]
    NotADirectory {
        /// The path asked for.
        path: String,
        /// The file.
        file: String,
    },
    /// The path is in another repository.
    #[error("the path `{path}` is not in the repository: `{submodule}` is a submodule")]
    Submodule {
        /// The path asked for.
        path: String,
        /// The submodule.
        submodule: String,
    },
    /// A name is dangerous.
    #[error("the repository holds `{path}`, whose name {why}")]
    HostileName {
        /// Where it is.
        path: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// Symbolic links lead out of the work tree.
    #[error(
        "{count} symbolic links leave the repository, such as `{path}` to `{target}`, which {why}"
    )]
    LeavingLinks {
        /// How many.
        count: usize,
        /// The first.
        path: String,
        /// Where it leads.
        target: String,
        /// How it leaves.
        why: &'static str,
    },
    /// There are more names than anybody can check.
    #[error("the repository holds more than {limit} names")]
    TooManyNames {
        /// The limit.
        limit: usize,
    },
    /// An object of the tree could not be read.
    #[error("the object `{id}` of the repository cannot be read")]
    Object {
        /// Its id.
        id: Oid,
        /// Why.
        #[source]
        source: git2::Error,
    },
}

impl TreeError {
    /// Returns how a run ends that meets it.
    pub fn outcome(&self) -> Outcome {
        match self {
            Self::Missing { .. }
            | Self::NotADirectory { .. }
            | Self::Submodule { .. }
            | Self::Object { .. } => Outcome::WorkspaceFailed,
            Self::Link { .. }
            | Self::HostileName { .. }
            | Self::LeavingLinks { .. }
            | Self::TooManyNames { .. } => Outcome::PolicyRefused,
        }
    }

    /// Returns the CamelCase word below the outcome.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Link { .. } | Self::LeavingLinks { .. } => "SymbolicLink",
            Self::Missing { .. } => "PathNotFound",
            Self::NotADirectory { .. } => "NotADirectory",
            Self::Submodule { .. } => "PathInSubmodule",
            Self::HostileName { .. } => "HostileName",
            Self::TooManyNames { .. } => "TooManyNames",
            Self::Object { .. } => "ObjectUnreadable",
        }
    }

    /// Returns what to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Link { .. } => Some("name the directory that the link leads to".to_owned()),
            Self::Missing { near, .. } => {
                let near = near.as_ref()?;
                Some(format!("did you mean `{near}`?"))
            }
            Self::NotADirectory { .. } => Some("name the directory that it is in".to_owned()),
            Self::Submodule { .. } => Some("clone the submodule's own repository".to_owned()),
            Self::HostileName { .. } | Self::LeavingLinks { .. } => {
                Some("somebody made it to escape from a checkout; look at who wrote it".to_owned())
            }
            Self::TooManyNames { .. } | Self::Object { .. } => None,
        }
    }
}

/// Checks that `path` is a directory of the tree, reached without a symbolic link.
///
/// # Errors
///
/// Returns [`TreeError::Link`], [`TreeError::Missing`], [`TreeError::NotADirectory`] or
/// [`TreeError::Submodule`] for the first part of the path that is no directory,
/// [`TreeError::HostileName`] for a path that is not plain, and [`TreeError::Object`].
pub(super) fn subdirectory(
    repo: &Repository,
    tree: &Tree<'_>,
    path: &Path,
) -> Result<(), TreeError> {
    let whole = || printable(path.as_os_str().as_bytes());
    let mut at = tree.clone();
    let mut passed = PathBuf::new();
    for part in path.components() {
        let name = match part {
            Component::CurDir => continue,
            Component::Normal(name) => name,
            Component::ParentDir | Component::RootDir | Component::Prefix(_) => {
                return Err(TreeError::HostileName {
                    path: whole(),
                    why: "leads upwards",
                });
            }
        };
        passed.push(name);
        let here = || printable(passed.as_os_str().as_bytes());
        // Not the binary search of `Tree::get_name`, which an unsorted tree can lead astray.
        let found = at
            .iter()
            .find(|entry| entry.name_bytes() == name.as_bytes())
            .map(|entry| (entry.id(), entry.kind(), entry.filemode_raw()));
        at = match found {
            Some((id, Some(ObjectType::Tree), _)) => read_tree(repo, id)?,
            Some((_, Some(ObjectType::Commit), _)) => {
                return Err(TreeError::Submodule {
                    path: whole(),
                    submodule: here(),
                });
            }
            Some((_, _, mode)) if mode & MODE_KIND == MODE_LINK => {
                return Err(TreeError::Link {
                    path: whole(),
                    link: here(),
                });
            }
            Some(_) => {
                return Err(TreeError::NotADirectory {
                    path: whole(),
                    file: here(),
                });
            }
            None => {
                return Err(TreeError::Missing {
                    path: whole(),
                    missing: here(),
                    near: near(&at, name),
                });
            }
        };
    }
    Ok(())
}

/// Checks that no name in the tree is one that git, or a file system, takes for something else.
///
/// A backslash is allowed: systemd's own units have it, and only Windows takes it for a slash.
/// So are names that differ in case only.
///
/// # Errors
///
/// Returns [`TreeError::HostileName`] for the first, [`TreeError::Object`] or
/// [`TreeError::TooManyNames`].
pub(super) fn hostile_names(repo: &Repository, tree: &Tree<'_>) -> Result<(), TreeError> {
    let mut seen = HashSet::new();
    let mut directory = Vec::new();
    walk(repo, tree, |path, entry| {
        let name = entry.name_bytes();
        let above = &path[..path.len() - name.len()];
        if above != directory.as_slice() {
            above.clone_into(&mut directory);
            seen.clear();
        }
        let is_link = entry.filemode_raw() & MODE_KIND == MODE_LINK;
        let why = if !seen.insert(name.to_vec()) {
            "is there twice"
        } else if path.len() > LONGEST_PATH {
            "is longer than any path"
        } else if let Some(why) = hostile(name) {
            why
        } else if is_link && name.eq_ignore_ascii_case(b".gitmodules") {
            "is that of a file which git does not read through a link"
        } else {
            return Ok(());
        };
        Err(TreeError::HostileName {
            path: printable(path),
            why,
        })
    })
}

pub(super) fn hostile(name: &[u8]) -> Option<&'static str> {
    match name {
        b"" => Some("is empty"),
        b"." | b".." => Some("leads upwards"),
        _ if name.contains(&b'/') => Some("has a slash in it"),
        _ if is_dot_git(name) => Some("is `.git` to some file system"),
        _ => None,
    }
}

/// Says whether some file system takes `name` for `.git`.
fn is_dot_git(name: &[u8]) -> bool {
    // Most names begin like none that could be.
    if !matches!(name.first(), Some(b'.' | b'g' | b'G' | 0x80..)) {
        return false;
    }
    // HFS+ does not see these code points.
    let text = String::from_utf8_lossy(name);
    let visible: String = text.chars().filter(|c| !is_ignored_by_hfs(*c)).collect();
    let visible = visible.as_bytes();
    // NTFS ends a name at a colon, and does not see dots and spaces at its end.
    let end = visible.iter().position(|byte| matches!(byte, b':' | b'\\'));
    let mut stem = &visible[..end.unwrap_or(visible.len())];
    while let [shorter @ .., b'.' | b' '] = stem {
        stem = shorter;
    }
    stem.eq_ignore_ascii_case(b".git") || stem.eq_ignore_ascii_case(b"git~1")
}

fn is_ignored_by_hfs(c: char) -> bool {
    matches!(
        c,
        '\u{200c}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{206a}'..='\u{206f}' | '\u{feff}'
    )
}

/// Calls `each` with the path and the entry of everything in the tree, a directory at a time.
pub(super) fn walk(
    repo: &Repository,
    tree: &Tree<'_>,
    mut each: impl FnMut(&[u8], &git2::TreeEntry<'_>) -> Result<(), TreeError>,
) -> Result<(), TreeError> {
    let (mut names, mut bytes) = (0, 0);
    let mut waiting = vec![(tree.id(), Vec::new())];
    while let Some((id, mut path)) = waiting.pop() {
        let above = path.len();
        for entry in &read_tree(repo, id)? {
            names += 1;
            if names > MOST_NAMES {
                return Err(TreeError::TooManyNames { limit: MOST_NAMES });
            }
            path.truncate(above);
            path.extend_from_slice(entry.name_bytes());
            bytes += path.len();
            if bytes > MOST_BYTES {
                return Err(TreeError::TooManyNames { limit: names });
            }
            each(&path, &entry)?;
            if entry.kind() == Some(ObjectType::Tree) {
                if path.len() > LONGEST_PATH {
                    return Err(TreeError::HostileName {
                        path: printable(&path),
                        why: "is longer than any path",
                    });
                }
                let mut below = path.clone();
                below.push(b'/');
                waiting.push((entry.id(), below));
            }
        }
    }
    Ok(())
}

fn read_tree(repo: &Repository, id: Oid) -> Result<Tree<'_>, TreeError> {
    repo.find_tree(id)
        .map_err(|source| TreeError::Object { id, source })
}

/// Returns the name in `tree` that `wanted` was probably meant to be.
fn near(tree: &Tree<'_>, wanted: &OsStr) -> Option<String> {
    let names: Vec<String> = tree
        .iter()
        .filter_map(|entry| Some(entry.name().ok()?.to_owned()))
        .collect();
    let near = agent_plan::nearest(&wanted.to_string_lossy(), names.iter().map(String::as_str))?;
    Some(printable(near.as_bytes()))
}

/// Returns a name as it can be shown: no control characters, nothing that turns text around.
pub(super) fn printable(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            if c.is_control() || is_ignored_by_hfs(c) || matches!(c, '\u{2066}'..='\u{2069}') {
                text.extend(c.escape_unicode());
            } else {
                text.push(c);
            }
        }
        for byte in chunk.invalid() {
            text.push_str(&format!("\\x{byte:02x}"));
        }
    }
    text
}

#[cfg(test)]
mod tests;
