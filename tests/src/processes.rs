//! The process table, and waiting with a deadline.

use std::collections::HashMap;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::{Duration, Instant};

/// Waits until `done` says so; returns whether it did before the deadline.
pub fn wait_until(deadline: Duration, mut done: impl FnMut() -> bool) -> bool {
    let until = Instant::now() + deadline;
    loop {
        if done() {
            return true;
        }
        if Instant::now() >= until {
            return false;
        }
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// Lists the descendants of a process that are not zombies, as pid and name.
pub fn descendants_of(root: i32) -> Vec<(i32, String)> {
    let mut children: HashMap<i32, Vec<(i32, String)>> = HashMap::new();
    for entry in std::fs::read_dir("/proc").into_iter().flatten().flatten() {
        let Some(pid) = entry
            .file_name()
            .to_str()
            .and_then(|name| name.parse().ok())
        else {
            continue;
        };
        let stat = std::fs::read_to_string(entry.path().join("stat")).unwrap_or_default();
        let Some((before, after)) = stat.rsplit_once(')') else {
            continue;
        };
        let name = before
            .split_once('(')
            .map_or("", |(_, name)| name)
            .to_owned();
        let mut fields = after.split_whitespace();
        let (state, parent) = (
            fields.next(),
            fields.next().and_then(|parent| parent.parse().ok()),
        );
        if let (Some(parent), Some(false)) = (parent, state.map(|state| state == "Z")) {
            children.entry(parent).or_default().push((pid, name));
        }
    }
    let mut found = Vec::new();
    let mut parents = vec![root];
    while let Some(parent) = parents.pop() {
        for child in children.remove(&parent).unwrap_or_default() {
            parents.push(child.0);
            found.push(child);
        }
    }
    found
}

/// Lists the living processes that have a directory in their environment, as pid and name.
///
/// A run's `TMPDIR` is its own directory, and whatever it starts inherits that, also what has
/// left its parent, its group and its session.
pub fn processes_with(directory: &Path) -> Vec<(i32, String)> {
    let mark = directory.as_os_str().as_bytes();
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc").into_iter().flatten().flatten() {
        let environment = std::fs::read(entry.path().join("environ")).unwrap_or_default();
        let marked = environment.windows(mark.len()).any(|window| window == mark);
        let pid = entry
            .file_name()
            .to_str()
            .and_then(|name| name.parse().ok());
        if let (true, Some(pid)) = (marked, pid) {
            let name = std::fs::read_to_string(entry.path().join("comm")).unwrap_or_default();
            found.push((pid, name.trim_end().to_owned()));
        }
    }
    found
}
