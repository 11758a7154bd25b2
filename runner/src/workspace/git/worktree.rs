//! Writing the files of a commit into an empty work tree, with every core there is.
//!
//! libgit2 writes one file after the other, as git does, and a checkout is mostly waiting for the
//! disk and inflating. So the files of a fresh clone are written here by several threads, and the
//! index gets what they saw. Where attributes may ask for conversion (`eol`, `ident`, …) they are
//! looked up for every file first.
//!
//! The tree has been through [`super::tree`]: no name in it is hostile, and none stands twice. The
//! directory is fresh and the agent does not run yet, so nobody swaps anything underneath.

use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use git2::{Index, Oid, Repository, Tree};

mod convert;
mod write;

use super::link::{Limits, LinkError};
use super::tree::TreeError;
use convert::Conversion;
use write::{BATCH, object, write_all};

/// Attributes of gitattributes(5) that change what is written on this platform.
const CONVERTING: [&[u8]; 4] = [b"eol", b"crlf", b"ident", b"working-tree-encoding"];

/// Why a work tree could not be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WorktreeError {
    /// An object cannot be read.
    #[error("`{path}` cannot be read from the repository")]
    Object {
        /// The file.
        path: String,
        /// Why.
        #[source]
        source: git2::Error,
    },
    /// The disk refused a file.
    #[error("`{}` cannot be written", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// libgit2 could not do its part.
    #[error("the work tree cannot be {0}")]
    Git(&'static str, #[source] git2::Error),
    /// The tree cannot be listed.
    #[error(transparent)]
    Tree(#[from] TreeError),
    /// The time is over, or the run is being stopped.
    #[error(transparent)]
    Over(#[from] LinkError),
}

/// One entry of the tree.
struct Item {
    path: Vec<u8>,
    id: Oid,
    mode: u32,
    conversion: Conversion,
}

const DIRECTORY: u32 = 0o040_000;
const REGULAR: u32 = 0o100_644;
const EXECUTABLE: u32 = 0o100_755;
const LINK: u32 = 0o120_000;
const SUBMODULE: u32 = 0o160_000;

/// Writes the files of `tree` into the empty work tree of `repo`, and its index.
///
/// # Errors
///
/// Returns [`WorktreeError`]; a part of the files is then written and the index is not.
pub(super) fn fill(
    repo: &Repository,
    tree: &Tree<'_>,
    limits: &Limits,
) -> Result<(), WorktreeError> {
    let mut items = items(repo, tree)?;
    if converts(repo, &items)? {
        look_up(repo, tree, &mut items, limits)?;
    }
    let root = repo.workdir().unwrap_or(repo.path());
    for item in &items {
        if matches!(item.mode, DIRECTORY | SUBMODULE) {
            let path = root.join(std::ffi::OsStr::from_bytes(&item.path));
            fs::create_dir(&path).map_err(|source| WorktreeError::Write { path, source })?;
        }
    }
    let entries = write_all(repo, root, &items, limits)?;
    // Opened by itself: an index that belongs to a repository reads back what it may have missed.
    let index = Index::open(&repo.path().join("index"));
    let mut index = index.map_err(|error| WorktreeError::Git("indexed", error))?;
    for entry in &entries {
        let added = index.add(entry);
        added.map_err(|error| WorktreeError::Git("indexed", error))?;
    }
    index
        .write()
        .map_err(|error| WorktreeError::Git("indexed", error))
}

fn items(repo: &Repository, tree: &Tree<'_>) -> Result<Vec<Item>, TreeError> {
    let mut items = Vec::new();
    super::tree::walk(repo, tree, |path, entry| {
        items.push(Item {
            path: path.to_vec(),
            id: entry.id(),
            mode: canonical(entry.filemode_raw().cast_unsigned()),
            conversion: Conversion::default(),
        });
        Ok(())
    })?;
    Ok(items)
}

/// The mode that an index may have: old trees hold others, such as 100664.
fn canonical(mode: u32) -> u32 {
    match mode & 0o170_000 {
        0o100_000 if mode & 0o100 != 0 => EXECUTABLE,
        0o100_000 => REGULAR,
        kind => kind,
    }
}

/// Says whether some `.gitattributes` may ask for conversion; a word that only looks so costs time,
/// nothing else.
fn converts(repo: &Repository, items: &[Item]) -> Result<bool, WorktreeError> {
    let attributes = items
        .iter()
        .filter(|item| item.path == b".gitattributes" || item.path.ends_with(b"/.gitattributes"));
    for item in attributes {
        let blob = repo
            .find_blob(item.id)
            .map_err(|source| object(item, source))?;
        let content = blob.content();
        let asks = |word: &&[u8]| content.windows(word.len()).any(|part| part == *word);
        if CONVERTING.iter().any(asks) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Looks up what the attributes make of each file.
fn look_up(
    repo: &Repository,
    tree: &Tree<'_>,
    items: &mut [Item],
    limits: &Limits,
) -> Result<(), WorktreeError> {
    let indexed = |error| WorktreeError::Git("indexed", error);
    // In memory: libgit2 reads attributes of files that are not there from the index.
    repo.index()
        .and_then(|mut index| index.read_tree(tree))
        .map_err(indexed)?;
    let is_file = |item: &&mut Item| matches!(item.mode, REGULAR | EXECUTABLE);
    for (number, item) in items.iter_mut().filter(is_file).enumerate() {
        if let Some(over) = limits.over().filter(|_| number.is_multiple_of(BATCH)) {
            return Err(over.into());
        }
        let path = Path::new(std::ffi::OsStr::from_bytes(&item.path));
        item.conversion = Conversion::of(repo, path).map_err(indexed)?;
    }
    Ok(())
}
