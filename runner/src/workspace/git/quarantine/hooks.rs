//! Hooks in the repository's own directory.

use std::io;

use git2::Repository;
use nix::errno::Errno;

use super::super::tree::printable;
use super::disk::{Absent, Directory, Kind};
use super::{QuarantineError, enter_parent};

/// Takes active hooks from the repository's own directory, where a template may have put them.
pub(super) fn disarm(repo: &Repository, aside: &Directory) -> Result<Vec<String>, QuarantineError> {
    let list = |source| QuarantineError::List {
        path: ".git/hooks".to_owned(),
        source,
    };
    let git = Directory::open(repo.commondir()).map_err(list)?;
    let mut moved = Vec::new();
    let link = git.link(b"hooks").map_err(list)?.is_some();
    let hooks = git.enter(b"hooks").map_err(list)?;
    let (from, names) = match &hooks {
        Some(hooks) => (hooks, hooks.list().map_err(list)?),
        None if link => (&git, vec![(b"hooks".to_vec(), Kind::Link)]),
        None => return Ok(moved),
    };
    let below: &[u8] = if link { b".git" } else { b".git/hooks" };
    for (name, kind) in names {
        if kind == Kind::Directory || name.ends_with(b".sample") {
            continue;
        }
        let path = [below, b"/", &name].concat();
        let moving = || -> io::Result<bool> {
            match enter_parent(aside, &path, Absent::MakePrivate)? {
                (Some(to), _) => from.give(&name, &to),
                (None, _) => Err(Errno::ENOTDIR.into()),
            }
        };
        let is_moved = moving().map_err(|source| QuarantineError::Move {
            path: printable(&path),
            source,
        })?;
        if is_moved {
            moved.push(printable(&path));
        }
    }
    Ok(moved)
}
