//! Where the numbers come from.

use std::process::Command;

use agent_tests::binary;

use crate::bench::{Bench, installed};

/// Describes machine and peers, for the top of the report.
pub(crate) fn description(bench: &Bench) -> String {
    let cpu = field("/proc/cpuinfo", "model name");
    let cpus = std::thread::available_parallelism().map_or(0, usize::from);
    let mut text = format!(
        "Kernel {}, {cpus} CPUs of {cpu}, allowed {}; {} of memory\n",
        read("/proc/sys/kernel/osrelease").trim(),
        field("/proc/self/status", "Cpus_allowed_list"),
        field("/proc/meminfo", "MemTotal"),
    );
    text.push_str(&format!("Load average at the start: {}\n", load()));
    text.push_str(&format!(
        "In memory: {} ({}); on disk: {} ({})\n",
        bench.dir().display(),
        file_system(bench.dir()),
        bench.disk().display(),
        file_system(bench.disk())
    ));
    let runner = binary("agent-runner").display().to_string();
    let size = std::fs::metadata(&runner).map_or(0, |file| file.len());
    text.push_str(&format!("{} ({size} bytes)\n", version(&runner)));
    for peer in ["tini", "dumb-init", "tee"] {
        match installed(peer) {
            Some(path) => text.push_str(&format!("{}\n", version(&path))),
            None => text.push_str(&format!("{peer} is not installed: left out\n")),
        }
    }
    text
}

/// The load of the last 1, 5 and 15 minutes.
pub(crate) fn load() -> String {
    let text = read("/proc/loadavg");
    let numbers: Vec<_> = text.split_whitespace().take(3).collect();
    numbers.join(" ")
}

fn version(program: &str) -> String {
    let output = Command::new(program).arg("--version").output();
    // Some print it to stderr.
    let text = output.map(|output| [output.stdout, output.stderr].concat());
    let text = String::from_utf8_lossy(&text.unwrap_or_default()).into_owned();
    text.lines().next().unwrap_or(program).to_owned()
}

fn file_system(path: &std::path::Path) -> &'static str {
    use nix::sys::statfs::{EXT4_SUPER_MAGIC, OVERLAYFS_SUPER_MAGIC, TMPFS_MAGIC, statfs};
    match statfs(path).map(|found| found.filesystem_type()) {
        Ok(TMPFS_MAGIC) => "tmpfs",
        Ok(EXT4_SUPER_MAGIC) => "ext4",
        Ok(OVERLAYFS_SUPER_MAGIC) => "overlayfs",
        _ => "another file system",
    }
}

fn field(path: &str, name: &str) -> String {
    let text = read(path);
    let line = text.lines().find(|line| line.starts_with(name));
    line.and_then(|line| line.split_once(':'))
        .map_or(String::new(), |(_, value)| value.trim().to_owned())
}

fn read(path: &str) -> String {
    std::fs::read_to_string(path).unwrap_or_default()
}
