//! What git sees of the quarantine: nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use git2::{IndexEntry, Repository};
use nix::errno::Errno;

use super::QuarantineError;
use super::disk::{Absent, Directory};
use super::wanted::Wanted;

const SKIP_WORKTREE: u16 = 1 << 14;

/// Makes git look away from every entry that the work tree holds otherwise, or not at all.
pub(super) fn skip(
    index: &mut git2::Index,
    tracked: &BTreeMap<Vec<u8>, IndexEntry>,
    wanted: &BTreeMap<Vec<u8>, Wanted>,
) -> Result<(), QuarantineError> {
    let mut is_changed = false;
    for (path, entry) in tracked {
        let is_as_wanted = wanted
            .get(path)
            .is_some_and(|wanted| wanted.is_entry(entry));
        let is_conflict = entry.flags & 0x3000 != 0;
        if is_as_wanted || is_conflict || entry.flags_extended & SKIP_WORKTREE != 0 {
            continue;
        }
        let entry = IndexEntry {
            flags_extended: entry.flags_extended | SKIP_WORKTREE,
            path: entry.path.clone(),
            ..*entry
        };
        index.add(&entry).map_err(QuarantineError::Index)?;
        is_changed = true;
    }
    if is_changed {
        index.write().map_err(QuarantineError::Index)?;
    }
    Ok(())
}

/// Makes git look away from files that the commit has not.
pub(super) fn exclude<'p>(
    repo: &Repository,
    paths: impl Iterator<Item = &'p Vec<u8>>,
) -> Result<(), QuarantineError> {
    let lines: Vec<Vec<u8>> = paths.map(|path| exclude_line(path)).collect();
    if lines.is_empty() {
        return Ok(());
    }
    let write = || -> io::Result<()> {
        let git = Directory::open(repo.commondir())?;
        let Some(info) = git.descend(b"info", |_| Absent::Make)? else {
            return Err(Errno::ENOTDIR.into());
        };
        // A megabyte of exclusions is nobody's; a longer file is replaced.
        let old = info.read(b"exclude", 1 << 20)?;
        let mut content = old.map(|(content, _)| content).unwrap_or_default();
        let known: BTreeSet<Vec<u8>> = content.split(|b| *b == b'\n').map(<[u8]>::to_vec).collect();
        let before = content.len();
        for line in lines.iter().filter(|line| !known.contains(*line)) {
            if content.last().is_some_and(|byte| *byte != b'\n') {
                content.push(b'\n');
            }
            content.extend_from_slice(line);
            content.push(b'\n');
        }
        if content.len() == before {
            return Ok(());
        }
        info.write(b"exclude", &content, 0o644)
    };
    write().map_err(QuarantineError::Exclude)
}

fn exclude_line(path: &[u8]) -> Vec<u8> {
    let mut line = vec![b'/'];
    for byte in path {
        if matches!(byte, b'\\' | b'*' | b'?' | b'[' | b' ') {
            line.push(b'\\');
        }
        line.push(*byte);
    }
    line
}
