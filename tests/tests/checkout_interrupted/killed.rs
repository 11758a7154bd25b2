//! A checkout that is killed, with nobody left to clean up.

use std::time::Duration;

use agent_tests::{DEADLINE, Fault, GitServer, Repository, wait_until};
use nix::sys::signal::Signal;

use super::{MARK, assert_next_run_succeeds, await_sent, big, cloning, frozen_between_files};

/// Files enough that nobody writes or removes them before a test has seen the first.
const MANY: usize = 5_000;

#[test]
fn a_kill_in_the_middle_of_a_pack_is_cleaned_up_by_the_next_run() {
    let repository = big();
    let server = GitServer::new()
        .serve("owner/name", &repository)
        .fault(Fault::stall_after(300_000));
    let url = server.url("owner/name");
    let started = cloning(&url).start();
    await_sent(&server, 300_000);
    let repo = started.path("work/repo");
    started.await_file(repo.join(".git/objects/pack"));
    started.signal(Signal::SIGKILL);
    let ended = started.end();
    assert!(repo.join(MARK).exists());
    server.heal();
    let commit = repository.rev("main");
    assert_next_run_succeeds("pack", &repo, &url, &commit);
    drop(ended);
}

#[test]
fn a_kill_between_two_files_is_cleaned_up_by_the_next_run() {
    let repository = Repository::new().files("main", MANY, 1000);
    let server = GitServer::new().serve("owner/name", &repository);
    let url = server.url("owner/name");
    let started = frozen_between_files(&url, MANY);
    started.signal(Signal::SIGKILL);
    let ended = started.end();
    let repo = ended.dir.path().join("work/repo");
    assert!(repo.join(MARK).exists());
    // Of another commit, and not to be mistaken for a change of the agent's.
    std::fs::write(repo.join("stray"), "").expect("it is writable");
    assert_next_run_succeeds("files", &repo, &url, &repository.rev("main"));
    assert!(!repo.join("stray").exists());
}

#[test]
fn a_kill_while_a_stopped_checkout_is_removed_is_cleaned_up_by_the_next_run() {
    let repository = Repository::new().files("main", MANY, 100);
    let server = GitServer::new().serve("owner/name", &repository);
    let url = server.url("owner/name");
    let mut unfinished = 0;
    for round in 0..4 {
        let started = frozen_between_files(&url, MANY);
        started.signal(Signal::SIGTERM);
        started.signal(Signal::SIGCONT);
        // Removing takes a quarter of a second; the kill strikes somewhere in it, or after it.
        std::thread::sleep(Duration::from_millis(5 + round * 50));
        started.signal(Signal::SIGKILL);
        let ended = started.end();
        let repo = ended.dir.path().join("work/repo");
        unfinished += usize::from(repo.exists());
        assert_next_run_succeeds("removal", &repo, &url, &repository.rev("main"));
    }
    assert!(unfinished > 0, "no kill came in time");
}

#[test]
fn a_kill_at_any_time_of_a_small_clone_is_cleaned_up_by_the_next_run() {
    let repository = Repository::new().files("main", 50, 1000);
    let server = GitServer::new().serve("owner/name", &repository);
    let url = server.url("owner/name");
    for round in 0..20 {
        let started = cloning(&url).agent(["ready", "hold"]).start();
        let repo = started.path("work/repo");
        let begun = || repo.exists();
        assert!(wait_until(DEADLINE, begun), "it does not begin");
        // All of it takes a tenth of a second, the first directory to the agent.
        std::thread::sleep(Duration::from_millis(round * 2));
        started.signal(Signal::SIGKILL);
        let ended = started.end();
        let name = format!("round {round}");
        let next = super::cloning_into(&repo, &url).end();
        assert_eq!(next.code, 0, "{name}: {}", next.stderr);
        super::assert_whole(&name, &repo, &repository.rev("main"));
        drop(ended);
    }
}
