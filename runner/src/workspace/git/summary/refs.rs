//! References, read from files: `HEAD`, branches and remote-tracking references.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use git2::Oid;

use super::repository::{contents, open};
use super::{SummaryError, go_on};

/// Bytes of a loose reference: the longest path, and `ref: `.
const LOOSE: u64 = 8 * 1024;

/// References to references that are followed; git's own limit.
const DEPTH: usize = 5;

const BRANCHES: &[u8] = b"refs/heads/";
/// What `branches` keeps of an earlier attempt.
const KEPT: &[u8] = b"refs/agent-runner/kept/";
const TRACKING: &[u8] = b"refs/remotes/";

/// What a reference says.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Target {
    Commit(Oid),
    Symbolic(Vec<u8>),
}

/// The references of a repository that a run is about.
#[derive(Debug)]
pub(in super::super) struct Refs {
    /// The object that `HEAD` leads to; `None` if there is no commit yet.
    pub(in super::super) head: Option<Oid>,
    target: Target,
    all: BTreeMap<Vec<u8>, Target>,
}

impl Refs {
    pub(super) fn read(git: &Path, stop: &dyn Fn() -> bool) -> Result<Self, SummaryError> {
        let path = git.join("HEAD");
        let Some(target) = contents(&path, LOOSE)?.as_deref().and_then(parse) else {
            let dir = git.parent().unwrap_or(git).to_owned();
            return Err(SummaryError::NoRepository { dir });
        };
        let mut all = BTreeMap::new();
        packed(git, &mut all, stop)?;
        for below in ["refs/heads", "refs/remotes", "refs/agent-runner/kept"] {
            loose(git, below, &mut all, stop)?;
        }
        let mut refs = Self {
            head: None,
            target,
            all,
        };
        refs.head = refs.resolve(&refs.target);
        Ok(refs)
    }

    /// The name of the branch that is checked out, without `refs/heads/`.
    pub(super) fn branch(&self) -> Option<&[u8]> {
        match &self.target {
            Target::Symbolic(name) => name.strip_prefix(BRANCHES),
            Target::Commit(_) => None,
        }
    }

    /// What remote-tracking references lead to.
    pub(in super::super) fn published(&self) -> Vec<Oid> {
        self.below(TRACKING).map(|(_, id)| id).collect()
    }

    /// Local branches and what is kept of an earlier attempt, by full name.
    pub(in super::super) fn branches(&self) -> impl Iterator<Item = (&[u8], Oid)> {
        self.below(BRANCHES).chain(self.below(KEPT))
    }

    fn below<'r>(&'r self, prefix: &'r [u8]) -> impl Iterator<Item = (&'r [u8], Oid)> {
        self.all
            .iter()
            .filter(move |(name, _)| name.starts_with(prefix))
            .filter_map(|(name, target)| Some((name.as_slice(), self.resolve(target)?)))
    }

    fn resolve(&self, target: &Target) -> Option<Oid> {
        let mut target = target;
        for _ in 0..=DEPTH {
            match target {
                Target::Commit(id) => return Some(*id),
                Target::Symbolic(name) => target = self.all.get(name)?,
            }
        }
        None
    }
}

fn parse(text: &[u8]) -> Option<Target> {
    let text = text.trim_ascii();
    if let Some(name) = text.strip_prefix(b"ref:") {
        let name = name.trim_ascii();
        return is_name(name).then(|| Target::Symbolic(name.to_owned()));
    }
    let id = str::from_utf8(text).ok()?;
    (id.len() == 40)
        .then(|| Oid::from_str(id).ok())
        .flatten()
        .filter(|id| !id.is_zero())
        .map(Target::Commit)
}

/// What git takes for the name of a reference, as far as anything of ours depends on it.
fn is_name(name: &[u8]) -> bool {
    name.starts_with(b"refs/")
        && !name.ends_with(b"/")
        && !name.windows(2).any(|two| two == b".." || two == b"//")
        && !name
            .iter()
            .any(|&byte| byte <= b' ' || byte == 0x7f || b"~^:?*[\\".contains(&byte))
}

fn packed(
    git: &Path,
    all: &mut BTreeMap<Vec<u8>, Target>,
    stop: &dyn Fn() -> bool,
) -> Result<(), SummaryError> {
    let path = git.join("packed-refs");
    let Some(file) = open(&path)? else {
        return Ok(());
    };
    let mut lines = BufReader::new(file);
    let mut line = Vec::new();
    for number in 0_u32.. {
        if number % 1024 == 0 {
            go_on(stop)?;
        }
        line.clear();
        // A line without an end would be read into memory as a whole.
        let length = std::io::Read::take(&mut lines, LOOSE)
            .read_until(b'\n', &mut line)
            .map_err(SummaryError::read(&path))?;
        if length == 0 {
            break;
        }
        let Some((id, name)) = line.split_at_checked(41) else {
            continue;
        };
        let name = name.trim_ascii();
        if is_wanted(name)
            && let Some(target @ Target::Commit(_)) = parse(id)
        {
            all.insert(name.to_owned(), target);
        }
    }
    Ok(())
}

fn is_wanted(name: &[u8]) -> bool {
    let wanted = [BRANCHES, KEPT, TRACKING];
    is_name(name) && wanted.iter().any(|prefix| name.starts_with(prefix))
}

fn loose(
    git: &Path,
    below: &str,
    all: &mut BTreeMap<Vec<u8>, Target>,
    stop: &dyn Fn() -> bool,
) -> Result<(), SummaryError> {
    let mut pending = vec![PathBuf::from(below)];
    while let Some(relative) = pending.pop() {
        let directory = git.join(&relative);
        let failed = SummaryError::read(&directory);
        let entries = match fs::read_dir(&directory) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
            Err(error) => return Err(failed(error)),
        };
        for entry in entries {
            go_on(stop)?;
            let entry = entry.map_err(&failed)?;
            let name = relative.join(entry.file_name());
            let kind = entry.file_type().map_err(&failed)?;
            if kind.is_dir() {
                pending.push(name);
            } else if is_wanted(name.as_os_str().as_bytes())
                && !name.as_os_str().as_bytes().ends_with(b".lock")
                && let Some(target) = contents(&entry.path(), LOOSE)?.as_deref().and_then(parse)
            {
                all.insert(name.into_os_string().into_vec(), target);
            }
        }
    }
    Ok(())
}

/// The commit that a repository below `git` has checked out, if that can be said.
///
/// For submodules: what is wrong with them is not our business.
pub(super) fn head_of(git: &Path, stop: &dyn Fn() -> bool) -> Option<Oid> {
    Refs::read(git, stop).ok()?.head
}
