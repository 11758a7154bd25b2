//! A checkout that is stopped or killed wherever it is: over within a second, a true status, and a
//! directory that the next run can use.

#[path = "checkout_interrupted/killed.rs"]
mod killed;
#[path = "checkout_interrupted/places.rs"]
mod places;
#[path = "checkout_interrupted/stopped.rs"]
mod stopped;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use agent_tests::{
    DEADLINE, Ended, GitServer, Head, Repository, Run, Started, checked_out, git, wait_until,
};
use nix::sys::signal::Signal;
use serde_json::json;

/// What a clone has in `.git` while it is not complete.
const MARK: &str = ".git/agent-runner-incomplete";

/// A run that clones a URL into a directory.
fn cloning_into(dir: &Path, url: &str) -> Run {
    Run::new()
        .setting("cwd", json!(dir))
        .setting("workspace/git/url", json!(url))
}

/// A run that clones a URL into `work/repo`, of which there is nothing yet.
fn cloning(url: &str) -> Run {
    let run = Run::new();
    let repo = run.path("work/repo");
    run.setting("cwd", json!(repo))
        .setting("workspace/git/url", json!(url))
}

/// One commit whose pack has a megabyte.
fn big() -> Repository {
    Repository::new().files("main", 10, 100_000)
}

/// Waits until a server has sent so many bytes in one answer.
#[track_caller]
fn await_sent(server: &GitServer, bytes: u64) {
    let sent = || {
        let requests = server.requests();
        requests.iter().any(|request| request.bytes_sent >= bytes)
    };
    assert!(wait_until(DEADLINE, sent), "{:?}", server.requests());
}

/// A run that was frozen when it had written some of its files and not all of them.
///
/// Which of both comes first is the machine's; a run that was too quick is followed by another.
fn frozen_between_files(url: &str, files: usize) -> Started {
    for _ in 0..20 {
        let started = cloning(url).agent(["ready", "hold"]).start();
        let repo = started.path("work/repo");
        let begun = || files_in(&repo) > 0;
        assert!(wait_until(DEADLINE, begun), "no file is written");
        started.signal(Signal::SIGSTOP);
        let stopped = || {
            let stat = std::fs::read_to_string(format!("/proc/{}/stat", started.pid()));
            stat.is_ok_and(|stat| stat.contains(") T "))
        };
        assert!(wait_until(DEADLINE, stopped), "it does not stop");
        if files_in(&repo) < files {
            return started;
        }
    }
    panic!("all {files} files are written before anybody can see one");
}

/// Counts the files in the directories of a work tree.
fn files_in(repo: &Path) -> usize {
    let inside = |path: &Path| std::fs::read_dir(path).into_iter().flatten().flatten();
    inside(repo)
        .filter(|entry| entry.file_name() != ".git")
        .map(|directory| inside(&directory.path()).count())
        .sum()
}

/// Sends a signal to a run and waits for its end; returns how long that took.
fn stop(started: Started, signal: Signal) -> (Ended, Duration) {
    let begun = Instant::now();
    started.signal(signal);
    // Whatever it is frozen in.
    started.signal(Signal::SIGCONT);
    let ended = started.end();
    (ended, begun.elapsed())
}

/// Asserts that what is left, if anything is, is marked, and that the next run makes a checkout of
/// it which git finds whole.
#[track_caller]
fn assert_next_run_succeeds(name: &str, repo: &Path, url: &str, commit: &str) {
    assert_gone_or_marked(name, repo);
    let next = cloning_into(repo, url).end();
    assert_eq!(next.code, 0, "{name}: {}", next.stderr);
    assert_whole(name, repo, commit);
}

#[track_caller]
fn assert_gone_or_marked(name: &str, repo: &Path) {
    let begun = std::fs::read_dir(repo).is_ok_and(|mut entries| entries.next().is_some());
    // An empty repository is one that was killed before it could be marked, or after.
    let is_bare =
        std::fs::read_dir(repo.join(".git")).is_ok_and(|mut entries| entries.next().is_none());
    assert!(
        !begun || is_bare || repo.join(MARK).exists(),
        "{name}: what is left in `{}` looks like a checkout",
        repo.display()
    );
}

/// Asserts that a checkout is complete.
#[track_caller]
fn assert_whole(name: &str, repo: &Path, commit: &str) {
    git(repo, ["fsck", "--strict", "--no-dangling"]);
    assert_eq!(git(repo, ["status", "--porcelain"]), "", "{name}");
    assert!(!repo.join(MARK).exists(), "{name}");
    let state = checked_out(repo);
    assert_eq!(state.commit.as_deref(), Some(commit), "{name}");
    assert_eq!(
        state.head,
        Head::Ref("refs/heads/main".to_owned()),
        "{name}"
    );
    let leftover = |path: &PathBuf| {
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        !name.starts_with("pack-")
    };
    let packs = std::fs::read_dir(repo.join(".git/objects/pack")).expect("it can be listed");
    let left: Vec<_> = packs
        .flatten()
        .map(|entry| entry.path())
        .filter(leftover)
        .collect();
    assert_eq!(left, Vec::<PathBuf>::new(), "{name}");
}
