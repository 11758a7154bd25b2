//! Every ending that is the agent's own: by code, by signal, by verdict, by silence.

use std::process::Command;

use agent_tests::{Run, assert_ends, ends};
use nix::sys::signal::Signal;
use serde_json::{Value, json};

/// Runs an agent that reports this event.
fn reports(event: &Value) -> Run {
    Run::new()
        .setting("protocol", json!("jsonl"))
        .agent(["print", &event.to_string()])
}

#[test]
fn every_code_of_the_agent_is_ours() {
    assert_ends(
        "0",
        &Run::new().agent(["exit", "0"]).end(),
        &ends(0, "Completed", "Completed"),
    );
    // 64 and 143 are codes of our own too; the status tells whose they are.
    for code in [1, 2, 7, 42, 64, 126, 127, 137, 143, 255] {
        let ended = Run::new().agent(["exit", &code.to_string()]).end();
        assert_ends(
            &code.to_string(),
            &ended,
            &ends(code, "AgentFailed", "NonZeroExit"),
        );
        assert_eq!(ended.status["process"]["exitCode"], code);
        assert_eq!(ended.status["signal"], Value::Null);
    }
}

#[test]
fn an_agent_that_dies_of_a_signal_is_128_and_the_signal() {
    use Signal::{
        SIGABRT, SIGALRM, SIGBUS, SIGFPE, SIGHUP, SIGILL, SIGINT, SIGKILL, SIGPIPE, SIGQUIT,
        SIGSEGV, SIGTERM, SIGUSR1,
    };
    let signals = [
        SIGABRT, SIGALRM, SIGBUS, SIGFPE, SIGHUP, SIGILL, SIGINT, SIGKILL, SIGPIPE, SIGQUIT,
        SIGSEGV, SIGTERM, SIGUSR1,
    ];
    for signal in signals {
        let name = signal.as_str();
        // A shell, because the runtime of a Rust program ignores SIGPIPE.
        let script = format!("ulimit -c 0; kill -{} $$", &name[3..]);
        let ended = Run::new().shell(&script).end();
        let (outcome, reason) = match signal {
            SIGKILL => ("Killed", "Killed"),
            _ => ("AgentFailed", name),
        };
        assert_ends(name, &ended, &ends(128 + signal as i32, outcome, reason));
        assert_eq!(ended.status["signal"], name);
        assert_eq!(ended.status["process"].get("exitCode"), None, "{name}");
        assert_eq!(ended.status["process"].get("stopped"), None, "{name}");
    }
}

#[test]
fn an_outcome_that_the_agent_reports_has_its_code() {
    let completed = reports(&json!({ "kind": "run-outcome", "status": "succeeded" })).end();
    assert_ends("succeeded", &completed, &ends(0, "Completed", "Reported"));
    for (outcome, code) in [
        ("ProviderUnavailable", 69),
        ("RateLimited", 75),
        ("AuthFailed", 77),
        ("PolicyRefused", 78),
        ("BudgetExceeded", 79),
        ("Incomplete", 80),
        ("AgentFailed", 1),
    ] {
        let event = json!({ "kind": "run-outcome", "status": "failed", "outcome": outcome, "content": "as it says" });
        let ended = reports(&event).end();
        assert_ends(outcome, &ended, &ends(code, outcome, "Reported"));
        assert_eq!(ended.error(), "as it says");
    }
}

#[test]
fn an_agent_without_a_result_is_82_although_it_exits_0() {
    let ended = reports(&json!({ "kind": "message", "content": "done, I think" })).end();
    assert_ends(
        "no result",
        &ended,
        &ends(82, "NoResult", "NoTerminalEvent"),
    );
    let run = Run::new().setting("protocol", json!("jsonl"));
    assert_ends(
        "its own code is better",
        &run.agent(["exit", "3"]).end(),
        &ends(3, "AgentFailed", "NonZeroExit"),
    );
}

#[test]
fn an_agent_that_takes_too_long_is_124_and_a_silent_one_81() {
    let timeout = |key: &str, steps: [&str; 3]| {
        Run::new()
            .grace(3.0)
            .setting(key, json!(0.1))
            .agent(steps)
            .end()
    };
    let talk = ["print", "hello", "hold"];
    assert_ends(
        "total",
        &timeout("timeouts/total", talk),
        &ends(124, "Timeout", "TotalTimeout"),
    );
    assert_ends(
        "idle",
        &timeout("timeouts/idle", talk),
        &ends(81, "Stalled", "Idle"),
    );
    let silent = timeout("timeouts/firstEvent", ["ignore", "USR1", "hold"]);
    assert_ends("first event", &silent, &ends(81, "Stalled", "NoFirstEvent"));
}

#[test]
fn an_agent_killed_by_another_is_137_and_not_for_want_of_memory() {
    let started = Run::new().agent(["ready", "hold"]).start();
    started.await_stdout("ready");
    let agent = started.descendants()[0].0;
    let killed = Command::new("kill")
        .args(["-KILL", &agent.to_string()])
        .status();
    assert!(killed.expect("kill can be run").success());
    assert_ends("killed", &started.end(), &ends(137, "Killed", "Killed"));
}
