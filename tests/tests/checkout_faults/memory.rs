//! A checkout needs little memory, however large the repository is.

use agent_tests::{DEADLINE, GitServer, Repository, Started, wait_until};

use super::cloning;

/// What the runner may have of its own: buffers, one batch of files, libgit2's caches.
const MOST: u64 = 64 << 20;

/// The memory of a process that no file is behind, in bytes.
fn anonymous(started: &Started) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{}/status", started.pid())).ok()?;
    let line = status.lines().find(|line| line.starts_with("RssAnon:"))?;
    let kilobytes: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kilobytes << 10)
}

#[test]
fn a_checkout_of_many_files_needs_no_more_memory_than_one_of_few() {
    let repository = Repository::new().files("main", 10_000, 10_000);
    let server = GitServer::new().serve("owner/name", &repository);
    let started = cloning(&server.url("owner/name"))
        .agent(["ready", "await", "over"])
        .start();
    let mut most = 0;
    let over = || {
        most = most.max(anonymous(&started).unwrap_or(0));
        !started.stdout().is_empty()
    };
    assert!(wait_until(DEADLINE, over), "the checkout does not end");
    std::fs::write(started.path("repo/over"), "").expect("it is writable");
    let ended = started.end();
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert!(most > 0, "nothing was measured");
    assert!(most < MOST, "{} MiB", most >> 20);
}
