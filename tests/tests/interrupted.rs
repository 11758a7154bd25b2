//! What is there when a run does not get to its end: a true status, and no agent.

use std::time::Duration;

use agent_tests::{DEADLINE, Run, Started, wait_until};
use nix::sys::signal::Signal;
use serde_json::{Value, json};

/// The status file as it is now, if it is one.
fn status_of(started: &Started) -> Option<Value> {
    serde_json::from_slice(&std::fs::read(started.path("agent/status.json")).ok()?).ok()
}

#[test]
fn the_status_says_cancelled_while_the_agent_still_has_its_grace() {
    let started = Run::new()
        .grace(60.0)
        .agent(["ignore", "TERM", "ready", "hold"])
        .start();
    started.await_stdout("ready");
    assert_eq!(status_of(&started), None, "there is nothing to say yet");
    started.signal(Signal::SIGTERM);
    assert!(
        wait_until(DEADLINE, || status_of(&started).is_some()),
        "no status came"
    );
    let status = status_of(&started).expect("it was there");
    assert_eq!(
        (&status["status"], &status["exitCode"]),
        (&json!("cancelled"), &json!(143))
    );
    assert_eq!(started.descendants().len(), 1, "the agent is still there");
    // Killed now, as by a kubelet that waits no longer, the run keeps this status.
    started.signal(Signal::SIGKILL);
    let ended = started.end();
    assert_eq!(ended.status, status);
    let gone = || ended.survivors().is_empty();
    assert!(wait_until(DEADLINE, gone), "the agent lives on");
}

#[test]
fn the_status_of_a_stop_after_the_result_is_the_results_from_the_start() {
    let event = json!({ "kind": "run-outcome", "status": "succeeded" }).to_string();
    let run = Run::new().grace(60.0).setting("protocol", json!("jsonl"));
    let started = run
        .agent([
            "ignore", "TERM", "print", &event, "await", "seen", "print", "later", "hold",
        ])
        .start();
    // A later read is passed on only when the session has been given the one before.
    started.await_stdout(&event);
    std::fs::write(started.path("seen"), "").expect("a file can be made");
    started.await_stdout("later");
    started.signal(Signal::SIGTERM);
    assert!(
        wait_until(DEADLINE, || status_of(&started).is_some()),
        "no status came"
    );
    assert_eq!(
        status_of(&started).expect("it was there")["outcome"],
        "Completed"
    );
}

#[test]
fn a_runner_that_is_killed_takes_its_agent_with_it_and_leaves_no_half_status() {
    // What the agent itself has started survives outside a PID namespace: nobody is left to know.
    for delay in 0..30 {
        let started = Run::new()
            .agent(["trap", "TERM", "0", "ready", "hold"])
            .start();
        started.await_stdout("ready");
        started.signal(Signal::SIGTERM);
        // The ending takes milliseconds; the kill strikes somewhere in it, or after it.
        std::thread::sleep(Duration::from_micros(delay * 200));
        started.signal(Signal::SIGKILL);
        let ended = started.end();
        let gone = || ended.survivors().is_empty();
        assert!(wait_until(DEADLINE, gone), "the agent lives on");
        let text = String::from_utf8(ended.status_bytes.clone()).expect("it is UTF-8");
        // Empty is what the controller takes for none.
        assert!(
            text.is_empty() || ended.status["status"] == "cancelled",
            "{text}"
        );
        let full = std::fs::read(ended.dir.path().join("agent/status.full.json"));
        assert!(
            full.is_err() || ended.full["status"] == "cancelled",
            "{full:?}"
        );
    }
}

#[test]
fn a_bug_of_ours_leaves_no_process() {
    let steps = [
        "spawn", "setsid", "ignore", "TERM", "ready", "hold", ";", "hold",
    ];
    let started = Run::new()
        .env("AGENT_RUNNER_FAULT", "forwarded")
        .agent(steps)
        .start();
    started.await_stdout("ready");
    started.signal(Signal::SIGUSR1);
    let ended = started.end();
    assert_eq!(
        (ended.code, ended.outcome()),
        (70, "Internal"),
        "{}",
        ended.status
    );
    ended.assert_the_controller_reads_it();
    assert_eq!(ended.survivors(), []);
}
