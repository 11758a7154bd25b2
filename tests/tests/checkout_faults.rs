//! Whatever goes wrong between a run and its repository: tried again where that may help, said in
//! words where it does not, and never mistaken for a checkout.

#[path = "checkout_faults/disk.rs"]
mod disk;
#[path = "checkout_faults/leftovers.rs"]
mod leftovers;
#[path = "checkout_faults/memory.rs"]
mod memory;
#[path = "checkout_faults/packs.rs"]
mod packs;
#[path = "checkout_faults/progress.rs"]
mod progress;
#[path = "checkout_faults/retries.rs"]
mod retries;
#[path = "checkout_faults/servers.rs"]
mod servers;
#[path = "checkout_faults/timeouts.rs"]
mod timeouts;

use agent_tests::{Ended, Repository, Run, assert_ends, ends};
use serde_json::json;

/// A run that clones a URL into `repo`, which is not there yet.
fn cloning(url: &str) -> Run {
    let run = Run::new();
    let repo = run.path("repo");
    run.setting("cwd", json!(repo))
        .setting("workspace/git/url", json!(url))
}

/// One commit with one file.
fn small() -> Repository {
    Repository::new().commit("main", [("README", "hello\n")])
}

/// One commit whose pack has a megabyte.
fn big() -> Repository {
    Repository::new().files("main", 10, 100_000)
}

/// The lines of the log that announce another attempt.
fn attempts(ended: &Ended) -> Vec<&str> {
    let again = |line: &&str| line.contains("WARN Fetching failed; trying again.");
    ended.stderr.lines().filter(again).collect()
}

/// Asserts that there is no workspace, why, and that no part of it is left.
#[track_caller]
fn assert_fails(name: &str, ended: &Ended, reason: &'static str, retryable: bool) {
    assert_ends(name, ended, &ends(74, "WorkspaceFailed", reason));
    assert_eq!(
        ended.status["retryable"], retryable,
        "{name}: {}",
        ended.status
    );
    assert_nothing_left(name, ended);
}

/// Asserts that the clone is gone.
#[track_caller]
fn assert_nothing_left(name: &str, ended: &Ended) {
    let repo = ended.dir.path().join("repo");
    assert!(!repo.exists(), "{name}: `{}` is there", repo.display());
}
