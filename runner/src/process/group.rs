//! The agent's processes: its group, and every descendant, also those that left the group.
//!
//! We are the child subreaper (or PID 1), so whatever loses its parent becomes our child: nothing
//! of the run can leave our tree, and a zombie is ours to reap. The tree is in `/proc`; where that is
//! missing, or is another namespace's with other ids, only the group can be reached.

use nix::errno::Errno;
use nix::sys::signal::{Signal, kill, killpg};
use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid, waitpid};
use nix::unistd::{Pid, getpgid};
use std::collections::HashMap;
use std::io;
use std::path::Path;

/// A process of the run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Process {
    /// Its id.
    pub pid: Pid,
    /// Its name, as the kernel has it.
    pub name: String,
}

/// Sends `signal` to every process of the group.
pub(super) fn signal(group: Pid, signal: Signal) {
    // ESRCH means that the group is gone, which is what every caller wants.
    let _: nix::Result<()> = killpg(group, signal);
}

/// Reaps every zombie among our children but `supervised`, whose status its owner collects.
///
/// Returns whether any child is left, the supervised one included.
pub(super) fn reap(supervised: Option<Pid>) -> bool {
    let look = WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG | WaitPidFlag::WNOWAIT;
    loop {
        // WNOWAIT only looks; taking with P_ALL could take the supervised child's status.
        match waitid(Id::All, look) {
            Err(Errno::EINTR) => {}
            Err(_) => return false,
            Ok(status) => match status.pid() {
                Some(pid) if Some(pid) != supervised => {
                    // It was a zombie a moment ago, and nobody else reaps in this process.
                    let _: nix::Result<WaitStatus> = waitpid(pid, Some(WaitPidFlag::WNOHANG));
                }
                _ => return true,
            },
        }
    }
}

/// Lists every living descendant of ours; `None` if that cannot be known.
pub(super) fn descendants() -> Option<Vec<Process>> {
    let ours = Pid::this().as_raw();
    // The `/proc` of another PID namespace has other ids: they would be strangers', or our own.
    if std::fs::read_link("/proc/self").ok()? != Path::new(&ours.to_string()) {
        return None;
    }
    let mut children: HashMap<i32, Vec<(i32, String)>> = HashMap::new();
    for entry in std::fs::read_dir("/proc").ok()? {
        let entry = entry.ok()?;
        let Some(pid) = entry
            .file_name()
            .to_str()
            .and_then(|name| name.parse::<i32>().ok())
        else {
            continue;
        };
        let stat = match std::fs::read(entry.path().join("stat")) {
            Ok(stat) => stat,
            Err(error) if is_shortage(&error) => return None,
            // It has ended, or is another user's and hidden from us.
            Err(_) => continue,
        };
        // A process may call itself anything, also what is not text.
        if let Some((name, parent)) = parse_stat(&String::from_utf8_lossy(&stat)) {
            children.entry(parent).or_default().push((pid, name));
        }
    }
    let mut found = Vec::new();
    let mut parents = vec![ours];
    while let Some(parent) = parents.pop() {
        for (pid, name) in children.remove(&parent).unwrap_or_default() {
            parents.push(pid);
            found.push(Process {
                pid: Pid::from_raw(pid),
                name,
            });
        }
    }
    Some(found)
}

/// Says whether an error is for want of descriptors, processes or memory, and may pass.
pub(super) fn is_shortage(error: &io::Error) -> bool {
    matches!(
        error.raw_os_error().map(Errno::from_raw),
        Some(Errno::EMFILE | Errno::ENFILE | Errno::EAGAIN | Errno::ENOMEM)
    )
}

/// Name and parent of a living process, from `/proc/<pid>/stat` (proc(5)).
fn parse_stat(stat: &str) -> Option<(String, i32)> {
    // The name may hold anything, also `)`; the last one ends it.
    let (before, after) = stat.rsplit_once(')')?;
    let name = before.split_once('(')?.1.to_owned();
    let mut fields = after.split_whitespace();
    let state = fields.next()?;
    let parent = fields.next()?.parse().ok()?;
    (!matches!(state, "Z" | "X")).then_some((name, parent))
}

/// Sends `which` once to every living descendant, wherever it went; returns them.
///
/// The group is signalled as one, which no fork escapes. If the descendants cannot be listed, the
/// group is all that is reached.
pub(super) fn sweep(group: Option<Pid>, which: Signal) -> Option<Vec<Process>> {
    let Some(found) = descendants() else {
        if let Some(group) = group {
            signal(group, which);
        }
        return None;
    };
    let inside = |process: &&Process| getpgid(Some(process.pid)).ok() == group;
    let (members, others): (Vec<_>, Vec<_>) = found.iter().partition(inside);
    // The id of a group without members may be somebody else's by now.
    if let Some(group) = group.filter(|_| !members.is_empty()) {
        signal(group, which);
    }
    for process in others {
        // It may have ended since it was listed.
        let _: nix::Result<()> = kill(process.pid, which);
    }
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_brackets_and_spaces_is_read() {
        let stat = "42 (a) b (c)) S 7 42 42 0 -1";
        assert_eq!(parse_stat(stat), Some(("a) b (c)".to_owned(), 7)));
        assert_eq!(parse_stat("42 (dead) Z 7 42"), None);
        assert_eq!(parse_stat(""), None);
    }
}
