//! A checkout that a signal stops.

use std::fs::File;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::time::{Duration, Instant};

use agent_tests::{
    DEADLINE, Ended, Fault, GitServer, KeyKind, Repository, SshKey, SshServer, Started,
    assert_ends, ends, wait_until,
};
use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, geteuid};
use serde_json::json;

use super::{assert_next_run_succeeds, await_sent, big, cloning, frozen_between_files, stop};

/// The longest that an end may take.
const SECOND: Duration = Duration::from_secs(1);

/// Files enough that nobody writes them before a test has seen the first.
const MANY: usize = 10_000;

/// Stops runs until one has ended within a second, the third at the latest: whatever else the
/// machine does, it does not do it three times. Gives what is left to `then`.
#[track_caller]
fn assert_ends_at_once(
    name: &str,
    mut start: impl FnMut() -> Started,
    mut then: impl FnMut(&Ended),
) {
    for (signal, code) in [(Signal::SIGTERM, 143), (Signal::SIGINT, 130)] {
        let mut took = Vec::new();
        while took.last().is_none_or(|last| *last > SECOND) {
            assert!(took.len() < 3, "{name}: {signal} took {took:?}");
            let (ended, time) = stop(start(), signal);
            took.push(time);
            assert_ends(name, &ended, &ends(code, "Cancelled", signal.as_str()));
            assert_eq!(ended.stdout, b"", "{name}: the agent was started");
            let said = format!("the run was stopped by {signal}");
            assert!(ended.error().contains(&said), "{name}: {}", ended.error());
            then(&ended);
        }
    }
}

/// The directory of `cloning`.
fn repo(ended: &Ended) -> std::path::PathBuf {
    ended.dir.path().join("work/repo")
}

/// Nothing that came in time has left anything.
fn assert_gone(ended: &Ended) {
    let work = ended.dir.path().join("work");
    assert!(!work.exists(), "`{}` is there", work.display());
}

/// Waits until somebody's connection to an address is asked for and not answered.
fn await_knock(address: SocketAddr) {
    let knocks = || {
        let table = std::fs::read_to_string("/proc/net/tcp").unwrap_or_default();
        // The peer is the third word; SYN_SENT is 02.
        let asks = format!(":{:04X} 02 ", address.port());
        table.contains(&asks)
    };
    assert!(wait_until(DEADLINE, knocks), "nobody knocks");
}

#[test]
fn a_stop_while_connecting_ends_the_run_within_a_second() {
    let door = TcpListener::bind("127.0.0.1:0").expect("there is a free port");
    let address = door.local_addr().expect("it is bound");
    let mut waiting = Vec::new();
    while let Ok(stream) = TcpStream::connect_timeout(&address, Duration::from_millis(200)) {
        waiting.push(stream);
    }
    for scheme in ["http", "git", "ssh"] {
        let url = format!("{scheme}://{address}/owner/name.git");
        let start = || {
            let key = SshKey::new(KeyKind::Ed25519);
            let started = cloning(&url)
                .setting("workspace/hostKeys", json!("accept-new"))
                .env("VCS_SSH_KEY_PATH", key.path())
                .agent(["ready", "hold"])
                .start();
            await_knock(address);
            started
        };
        assert_ends_at_once(scheme, start, assert_gone);
    }
}

#[test]
fn a_stop_while_waiting_for_the_references_ends_the_run_within_a_second() {
    let repository = big();
    let server = GitServer::new()
        .serve("owner/name", &repository)
        .fault(Fault::silence().times(6));
    let url = server.url("owner/name");
    let start = || {
        let before = server.requests().len();
        let started = cloning(&url).agent(["ready", "hold"]).start();
        assert!(wait_until(DEADLINE, || server.requests().len() > before));
        started
    };
    let mut last = None;
    assert_ends_at_once("references", start, |ended| {
        assert_gone(ended);
        last = Some(repo(ended));
    });
    server.heal();
    let dir = tempfile::tempdir().expect("it can be made");
    assert_next_run_succeeds("references", dir.path(), &url, &repository.rev("main"));
}

#[test]
fn a_stop_in_the_middle_of_a_pack_ends_the_run_within_a_second_and_the_next_one_succeeds() {
    let (repository, key) = (big(), SshKey::new(KeyKind::Ed25519));
    for fault in [
        Fault::stall_after(300_000),
        Fault::slow(400_000).on("/git-upload-pack"),
    ] {
        let server = GitServer::new()
            .serve("owner/name", &repository)
            .fault(fault.clone());
        let url = server.url("owner/name");
        let start = || {
            let before = server.requests().len();
            let started = cloning(&url).agent(["ready", "hold"]).start();
            let sent = || {
                let requests = server.requests();
                requests
                    .iter()
                    .skip(before)
                    .any(|request| request.bytes_sent >= 250_000)
            };
            assert!(wait_until(DEADLINE, sent), "{:?}", server.requests());
            started
        };
        let healthy = GitServer::new().serve("owner/name", &repository);
        let again = |ended: &Ended| {
            assert_gone(ended);
            let commit = repository.rev("main");
            assert_next_run_succeeds("pack", &repo(ended), &healthy.url("owner/name"), &commit);
        };
        assert_ends_at_once("pack", start, again);
    }
    let server = SshServer::new()
        .serve("owner/name", &repository)
        .authorize(&key);
    let url = server.url("owner/name");
    let address = stalling(server.address(), 300_000);
    let url = url.replace(&server.address().to_string(), &address.to_string());
    let start = || {
        let started = cloning(&url)
            .setting("workspace/hostKeys", json!("accept-new"))
            .env("VCS_SSH_KEY_PATH", key.path())
            .agent(["ready", "hold"])
            .start();
        await_pack(&started.path("work/repo"), 200_000);
        started
    };
    assert_ends_at_once("ssh", start, assert_gone);
}

/// Passes everything on to `target`, but nothing after so many bytes from there.
fn stalling(target: SocketAddr, after: u64) -> SocketAddr {
    use std::io::Read;
    let listener = TcpListener::bind("127.0.0.1:0").expect("there is a free port");
    let address = listener.local_addr().expect("it is bound");
    std::thread::spawn(move || {
        for client in listener.incoming().flatten() {
            std::thread::spawn(move || {
                let server = TcpStream::connect(target).expect("the server is there");
                std::thread::scope(|scope| {
                    scope.spawn(|| {
                        drop(std::io::copy(&mut &client, &mut &server));
                        drop(server.shutdown(std::net::Shutdown::Both));
                    });
                    drop(std::io::copy(&mut (&server).take(after), &mut &client));
                });
            });
        }
    });
    address
}

/// Waits until a pack of some size is being received.
fn await_pack(repo: &Path, bytes: u64) {
    let begun = || {
        let entries = std::fs::read_dir(repo.join(".git/objects/pack"));
        let sizes = entries.into_iter().flatten().flatten();
        sizes
            .filter_map(|entry| entry.metadata().ok())
            .any(|seen| seen.len() >= bytes)
    };
    assert!(wait_until(DEADLINE, begun), "no pack comes");
}

#[test]
fn a_stop_while_writing_files_ends_the_run_within_a_second_and_the_next_one_succeeds() {
    let repository = Repository::new().files("main", MANY, 1000);
    let server = GitServer::new().serve("owner/name", &repository);
    let url = server.url("owner/name");
    let start = || frozen_between_files(&url, MANY);
    let again = |ended: &Ended| {
        assert_next_run_succeeds("files", &repo(ended), &url, &repository.rev("main"));
    };
    assert_ends_at_once("files", start, again);
}

#[test]
fn a_stop_while_writing_large_files_ends_the_run_within_a_second_and_the_next_one_succeeds() {
    // A batch of one thread is 32 MB.
    let repository = Repository::new().files("main", 24, 2_000_000);
    let server = GitServer::new().serve("owner/name", &repository);
    let url = server.url("owner/name");
    let start = || frozen_between_files(&url, 24);
    let again = |ended: &Ended| {
        assert_next_run_succeeds("large", &repo(ended), &url, &repository.rev("main"));
    };
    assert_ends_at_once("large", start, again);
}

#[test]
fn a_stop_while_fetching_a_submodule_ends_the_run_within_a_second_and_the_next_one_succeeds() {
    let inner = big();
    let server = GitServer::new().serve("owner/inner", &inner);
    let url = server.url("owner/inner");
    let outer = Repository::new()
        .commit("main", [("README", "hello\n")])
        .submodule("main", "inner", &url, &inner.rev("main"));
    let server = server
        .serve("owner/outer", &outer)
        .fault(Fault::stall_after(300_000).on("/owner/inner.git/git-upload-pack"));
    let start = || {
        let before = server.requests().len();
        let started = cloning(&server.url("owner/outer"))
            .setting("workspace/git/submodules", json!("on"))
            .agent(["ready", "hold"])
            .start();
        let sent = || {
            let requests = server.requests();
            requests
                .iter()
                .skip(before)
                .any(|request| request.bytes_sent >= 300_000)
        };
        assert!(wait_until(DEADLINE, sent), "{:?}", server.requests());
        started
    };
    let mut stopped = Vec::new();
    assert_ends_at_once("submodule", start, |ended| {
        assert_gone(ended);
        stopped.push(repo(ended));
    });
    server.heal();
    let dir = tempfile::tempdir().expect("it can be made");
    let next = super::cloning_into(dir.path(), &server.url("owner/outer"))
        .setting("workspace/git/submodules", json!("on"))
        .end();
    assert_eq!(next.code, 0, "{}", next.stderr);
    assert!(dir.path().join("inner/d0000/f000009").exists());
}

#[test]
fn a_stop_in_a_pause_between_attempts_ends_the_run_within_a_second() {
    let server = GitServer::new().fault(Fault::answer(503).retry_after("30"));
    let url = server.url("owner/name");
    let start = || {
        let run = cloning(&url).agent(["ready", "hold"]);
        let log = run.path("stderr");
        let started = run
            .stderr(File::create(&log).expect("the directory is writable"))
            .start();
        let pauses = || {
            let said = std::fs::read_to_string(&log).unwrap_or_default();
            said.contains("trying again")
        };
        assert!(wait_until(DEADLINE, pauses), "there is no pause");
        started
    };
    assert_ends_at_once("pause", start, assert_gone);
}

#[test]
fn as_pid_1_a_stop_in_the_middle_of_a_pack_ends_the_run_within_a_second() {
    let server = GitServer::new()
        .serve("owner/name", &big())
        .fault(Fault::stall_after(300_000));
    let unshare = if geteuid().is_root() { "-pf" } else { "-Urpf" };
    let mut took = Vec::new();
    while took.last().is_none_or(|last| *last > SECOND) {
        assert!(took.len() < 3, "it took {took:?}");
        let started = cloning(&server.url("owner/name"))
            .through(["unshare", unshare, "--kill-child", "--mount-proc"])
            .start();
        await_sent(&server, 300_000);
        await_pack(&started.path("work/repo"), 200_000);
        let descendants = started.descendants();
        let runner = descendants.iter().find(|(_, name)| name == "agent-runner");
        let runner = Pid::from_raw(runner.expect("unshare has started the runner").0);
        let begun = Instant::now();
        kill(runner, Signal::SIGTERM).expect("the runner is there");
        let ended = started.end();
        took.push(begun.elapsed());
        assert_ends("PID 1", &ended, &ends(143, "Cancelled", "SIGTERM"));
        assert_gone(&ended);
    }
}
