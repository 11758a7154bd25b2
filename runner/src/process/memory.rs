//! Whether the kernel killed for want of memory: the one kill that looks like any other.
//!
//! The count of OOM kills of our own cgroup before and after the run tells them apart: v2 has it
//! in `memory.events`, v1 in `memory.oom_control`, both as `oom_kill N` (kernel docs, cgroup-v2
//! and cgroup-v1/memory).

use std::path::PathBuf;

/// Where the count is.
#[derive(Debug)]
pub(super) struct OomKills {
    file: Option<PathBuf>,
    before: u64,
}

impl OomKills {
    /// Takes the count of now; a kernel or container without one counts none.
    pub(super) fn watch() -> Self {
        let groups = std::fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
        let file = candidates(&groups).into_iter().find(|path| path.exists());
        let mut kills = Self { file, before: 0 };
        kills.before = kills.count();
        kills
    }

    /// Returns how many there have been since.
    pub(super) fn since(&self) -> u64 {
        self.count().saturating_sub(self.before)
    }

    fn count(&self) -> u64 {
        let text = self
            .file
            .as_ref()
            .and_then(|file| std::fs::read_to_string(file).ok());
        text.as_deref().and_then(parse).unwrap_or(0)
    }
}

/// The files that may have it: by our own path, then, for a container that sees its cgroup as the
/// root, at the root.
fn candidates(groups: &str) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for line in groups.lines() {
        let mut fields = line.splitn(3, ':').skip(1);
        let (Some(controllers), Some(path)) = (fields.next(), fields.next()) else {
            continue;
        };
        let (base, name) = match controllers {
            "" => ("/sys/fs/cgroup", "memory.events"),
            _ if controllers
                .split(',')
                .any(|controller| controller == "memory") =>
            {
                ("/sys/fs/cgroup/memory", "memory.oom_control")
            }
            _ => continue,
        };
        files.push(PathBuf::from(format!(
            "{base}{}/{name}",
            path.trim_end_matches('/')
        )));
        files.push(PathBuf::from(format!("{base}/{name}")));
    }
    files
}

fn parse(text: &str) -> Option<u64> {
    text.lines()
        .find_map(|line| line.strip_prefix("oom_kill "))?
        .trim()
        .parse()
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_generations_of_cgroups_are_read() {
        assert_eq!(
            parse("low 0\nhigh 0\nmax 12\noom 1\noom_kill 3\noom_group_kill 0\n"),
            Some(3)
        );
        assert_eq!(
            parse("oom_kill_disable 0\nunder_oom 0\noom_kill 2\n"),
            Some(2)
        );
        assert_eq!(parse(""), None);
    }

    #[test]
    fn the_file_is_looked_for_at_our_path_and_at_the_root() {
        let v2 = candidates("0::/kubepods/pod1/abc\n");
        assert_eq!(
            v2,
            [
                PathBuf::from("/sys/fs/cgroup/kubepods/pod1/abc/memory.events"),
                "/sys/fs/cgroup/memory.events".into()
            ]
        );
        let v1 = candidates("12:cpu,cpuacct:/x\n4:memory:/x\n");
        assert_eq!(
            v1[0],
            PathBuf::from("/sys/fs/cgroup/memory/x/memory.oom_control")
        );
    }
}
