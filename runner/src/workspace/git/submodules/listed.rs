//! The submodules that a commit has, with what `.gitmodules` says of them.
//!
//! libgit2 would read the file too, and with it every file that an `include` in it names.

use std::collections::BTreeMap;
use std::fs;

use git2::{Config, Oid, Repository};

use super::super::quarantine;
use super::super::{GitError, failure};

/// Longer than any list of submodules.
const LONGEST: u64 = 1 << 20;

/// `NAME_MAX`: a part of a name becomes a directory.
const LONGEST_NAME: usize = 255;

const GITLINK: u32 = 0o160_000;

/// A submodule of a commit.
#[derive(Debug)]
pub(super) struct Listed {
    /// Where it is in the work tree, as the commit has it.
    pub(super) path: Vec<u8>,
    /// Its commit.
    pub(super) commit: Oid,
    /// From where, as written; `None`: nobody says it.
    pub(super) url: Option<String>,
    name: Vec<u8>,
    is_nested: bool,
}

impl Listed {
    /// Returns its name, which stays below `.git/modules` (CVE-2018-11235) and outside of every
    /// other submodule's directory there (CVE-2019-1387).
    pub(super) fn name(&self) -> Result<String, GitError> {
        let name = String::from_utf8(self.name.clone()).map_err(|_| GitError::SubmoduleName)?;
        let is_plain = |part: &str| {
            !part.is_empty()
                && part.len() <= LONGEST_NAME
                && super::tree::hostile(part.as_bytes()).is_none()
        };
        // Quotes and backslashes are what a configuration is broken out of.
        let is_fine = !name.starts_with('-')
            && !name.contains(|c: char| c.is_control() || matches!(c, '"' | '\\'))
            && name.split('/').all(is_plain)
            && !self.is_nested;
        is_fine.then_some(name).ok_or(GitError::SubmoduleName)
    }

    /// Says whether it is where an agent looks for its configuration.
    pub(super) fn configures(&self) -> bool {
        quarantine::configures(&self.path)
    }
}

/// One section of `.gitmodules`.
#[derive(Debug, Default)]
struct Section {
    path: Option<Vec<u8>>,
    url: Option<String>,
}

/// Lists the submodules of the commit that is checked out, in the order of their paths.
pub(super) fn listed(repo: &Repository) -> Result<Vec<Listed>, GitError> {
    let failed = |error| failure::of_git("searched for submodules", repo.path(), error);
    let mut index = repo.index().map_err(failed)?;
    index.read(true).map_err(failed)?;
    let links: Vec<_> = index.iter().filter(|entry| entry.mode == GITLINK).collect();
    if links.is_empty() {
        return Ok(Vec::new());
    }
    let sections = sections(repo)?;
    let is_nested = |name: &[u8]| {
        let is_above = |other: &&Vec<u8>| {
            let rest = name.strip_prefix(other.as_slice());
            rest.is_some_and(|rest| rest.starts_with(b"/"))
        };
        sections.keys().any(|other| is_above(&other))
    };
    let listed = links.into_iter().map(|entry| {
        let found = sections
            .iter()
            .find(|(_, section)| section.path.as_ref() == Some(&entry.path));
        Listed {
            commit: entry.id,
            url: found.and_then(|(_, section)| section.url.clone()),
            is_nested: found.is_some_and(|(name, _)| is_nested(name)),
            name: found.map(|(name, _)| name.clone()).unwrap_or_default(),
            path: entry.path,
        }
    });
    Ok(listed.collect())
}

fn sections(repo: &Repository) -> Result<BTreeMap<Vec<u8>, Section>, GitError> {
    let mut sections = BTreeMap::<Vec<u8>, Section>::new();
    let path = repo.workdir().unwrap_or(repo.path()).join(".gitmodules");
    match fs::symlink_metadata(&path) {
        Ok(seen) if seen.is_file() && seen.len() <= LONGEST => {}
        Ok(_) => return Err(GitError::ModulesFile("is no file of a sensible size")),
        Err(_) => return Ok(sections),
    }
    let unreadable = |_| GitError::ModulesFile("cannot be read");
    let text = fs::read(&path).map_err(unreadable)?.to_ascii_lowercase();
    if text.windows(8).any(|part| part == b"[include") {
        return Err(GitError::ModulesFile("includes another file"));
    }
    let invalid = |_| GitError::ModulesFile("is not a configuration of git");
    let config = Config::open(&path).map_err(invalid)?;
    let entries = config.entries(None).map_err(invalid)?;
    entries
        .for_each(|entry| {
            let key = entry.name_bytes();
            let Some(key) = key.strip_prefix(b"submodule.") else {
                return;
            };
            let Some(dot) = key.iter().rposition(|byte| *byte == b'.') else {
                return;
            };
            let section = sections.entry(key[..dot].to_vec()).or_default();
            let value = entry.has_value().then(|| entry.value_bytes().to_vec());
            match &key[dot + 1..] {
                b"path" => section.path = value,
                b"url" => section.url = value.map(|url| String::from_utf8_lossy(&url).into_owned()),
                _ => {}
            }
        })
        .map_err(invalid)?;
    Ok(sections)
}
