//! Where the symbolic links of a tree lead.

use std::collections::HashMap;
use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::PathBuf;

use git2::{Oid, Repository, Tree};

use super::{LONGEST_PATH, MODE_KIND, MODE_LINK, TreeError, is_dot_git, printable, walk};

/// Names that the way of a link may lead through; the kernel gives up after 40 links.
const LONGEST_WAY: usize = 1024;

/// A symbolic link that leads out of the work tree, or into its `.git`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in super::super) struct LeavingLink {
    /// Where it is, from the root of the tree.
    pub(in super::super) path: PathBuf,
    /// Where it says it leads; empty if that is too long to be read.
    pub(in super::super) target: PathBuf,
    /// How it leaves.
    pub(in super::super) why: &'static str,
}

/// Finds the symbolic links that leave the tree, in the order of the walk.
///
/// A link leaves if its target is absolute, climbs above the root (itself or through other links
/// of the tree), leads into `.git`, or cannot be a path. Links that only go round in circles lead
/// nowhere and stay.
///
/// # Errors
///
/// Returns [`TreeError::Object`] or [`TreeError::TooManyNames`].
pub(in super::super) fn leaving_links(
    repo: &Repository,
    tree: &Tree<'_>,
) -> Result<Vec<LeavingLink>, TreeError> {
    let mut order = Vec::new();
    walk(repo, tree, |path, entry| {
        if entry.filemode_raw() & MODE_KIND == MODE_LINK {
            order.push((path.to_vec(), entry.id()));
        }
        Ok(())
    })?;
    let mut targets = HashMap::with_capacity(order.len());
    for (path, id) in &order {
        targets.insert(path.as_slice(), link_target(repo, *id)?);
    }
    let leaving = order.iter().filter_map(|(path, _)| {
        let why = match resolve(path, &targets) {
            Way::Leaves(why) => why,
            Way::Inside(_) | Way::Nowhere => return None,
        };
        let target = targets[path.as_slice()].clone().unwrap_or_default();
        Some(LeavingLink {
            path: OsString::from_vec(path.clone()).into(),
            target: OsString::from_vec(target).into(),
            why,
        })
    });
    Ok(leaving.collect())
}

/// Refuses a tree with links that leave it.
///
/// # Errors
///
/// Returns [`TreeError::LeavingLinks`] if there is any.
pub(in super::super) fn refuse(links: &[LeavingLink]) -> Result<(), TreeError> {
    let Some(first) = links.first() else {
        return Ok(());
    };
    Err(TreeError::LeavingLinks {
        count: links.len(),
        path: printable(first.path.as_os_str().as_bytes()),
        target: printable(first.target.as_os_str().as_bytes()),
        why: first.why,
    })
}

/// Where a link of a tree leads.
#[derive(Debug, PartialEq, Eq)]
pub(in super::super) enum Way {
    /// To this path of the tree, if there is anything.
    Inside(Vec<u8>),
    /// Round in circles.
    Nowhere,
    /// Out.
    Leaves(&'static str),
}

/// Follows the link at `path`; a target that could not be read is `None`.
///
/// What is not a link is taken for a directory, whether it is there or not: an agent may make it.
pub(in super::super) fn resolve(path: &[u8], targets: &HashMap<&[u8], Option<Vec<u8>>>) -> Way {
    // The names still to go, the next one last.
    let mut ahead: Vec<&[u8]> = path.split(|byte| *byte == b'/').rev().collect();
    let mut at: Vec<u8> = Vec::with_capacity(path.len());
    let (mut names, mut links) = (0, 0);
    while let Some(name) = ahead.pop() {
        names += 1;
        match name {
            _ if names > LONGEST_WAY => return Way::Leaves("leads through too many names"),
            b"" | b"." => continue,
            b".." if at.is_empty() => return Way::Leaves("climbs above its root"),
            b".." => {
                let up = at.iter().rposition(|byte| *byte == b'/').unwrap_or(0);
                at.truncate(up);
                continue;
            }
            _ if is_dot_git(name) => return Way::Leaves("leads into `.git`"),
            _ => {}
        }
        let above = at.len();
        if above > 0 {
            at.push(b'/');
        }
        at.extend_from_slice(name);
        let Some(target) = targets.get(at.as_slice()) else {
            continue;
        };
        at.truncate(above);
        links += 1;
        match target.as_deref() {
            _ if links > 40 => return Way::Nowhere,
            None => return Way::Leaves("is too long"),
            Some([]) => return Way::Leaves("is empty"),
            Some([b'/', ..]) => return Way::Leaves("is absolute"),
            Some(target) if target.contains(&0) => return Way::Leaves("has a zero in it"),
            Some(target) => ahead.extend(target.split(|byte| *byte == b'/').rev()),
        }
    }
    Way::Inside(at)
}

/// Reads where a link leads; `None` if it is longer than the kernel allows.
pub(in super::super) fn link_target(
    repo: &Repository,
    id: Oid,
) -> Result<Option<Vec<u8>>, TreeError> {
    let object = |source| TreeError::Object { id, source };
    // The header first: a "link" may be a blob of gigabytes.
    let odb = repo.odb().map_err(object)?;
    if odb.read_header(id).map_err(object)?.0 > LONGEST_PATH {
        return Ok(None);
    }
    let blob = repo.find_blob(id).map_err(object)?;
    Ok(Some(blob.content().to_vec()))
}
