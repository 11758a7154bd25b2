//! Looking for what the work tree holds of the table.

use std::collections::BTreeSet;

use super::super::tree::printable;
use super::disk::{Absent, Directory, Kind};
use super::table::is_row;
use super::{QuarantineError, halt};

/// What the work tree holds of the table.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// Files, links and pipes.
    pub(super) files: Vec<Vec<u8>>,
    /// Directories, each before what is in it.
    pub(super) directories: Vec<Vec<u8>>,
}

pub(super) fn find(
    root: &Directory,
    submodules: &BTreeSet<Vec<u8>>,
    stop: &dyn Fn() -> bool,
) -> Result<Found, QuarantineError> {
    let mut found = Found::default();
    let mut waiting = vec![(Vec::new(), false)];
    while let Some((path, is_taken)) = waiting.pop() {
        halt(stop)?;
        let list = |source| QuarantineError::List {
            path: printable(&path),
            source,
        };
        let Some(directory) = root.descend(&path, |_| Absent::Leave).map_err(list)? else {
            continue;
        };
        for (name, kind) in directory.list().map_err(list)? {
            let mut below = path.clone();
            if !below.is_empty() {
                below.push(b'/');
            }
            below.extend_from_slice(&name);
            let is_taken = is_taken || is_row(&below);
            match kind {
                Kind::Directory if is_taken => {
                    found.directories.push(below.clone());
                    waiting.push((below, true));
                }
                Kind::Directory if name != b".git" && !submodules.contains(&below) => {
                    waiting.push((below, false));
                }
                Kind::File | Kind::Link | Kind::Special if is_taken => found.files.push(below),
                _ => {}
            }
        }
    }
    found.files.sort();
    found.directories.sort();
    Ok(found)
}
