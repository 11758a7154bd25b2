//! The timers of a run, and what they do not take for silence.

use std::time::Duration;

use agent_tests::{Ended, Run};
use nix::sys::signal::Signal;
use serde_json::{Value, json};

const RESULT: &str = r#"{"kind":"run-outcome","status":"succeeded"}"#;
const TOOL_CALL: &str = r#"{"kind":"tool_call","content":"cargo test"}"#;
const TOOL_RESULT: &str = r#"{"kind":"tool_result","content":"42 passed"}"#;

fn jsonl() -> Run {
    Run::new().grace(3.0).setting("protocol", json!("jsonl"))
}

#[track_caller]
fn assert_stopped(ended: &Ended, code: i32, reason: &str, stopped: &str) {
    assert_eq!(
        (ended.code, ended.reason()),
        (code, reason),
        "{}",
        ended.status
    );
    assert_eq!(ended.status["process"]["stopped"], stopped);
    ended.assert_the_controller_reads_it();
    assert_eq!(ended.survivors(), []);
}

#[test]
fn a_timeout_kills_an_agent_that_ignores_term() {
    let run = Run::new()
        .grace(3.0)
        .setting("timeouts/total", json!("50ms"));
    let ended = run
        .agent(["ignore", "TERM", "spawn", "setsid", "hold", ";", "hold"])
        .end();
    assert_stopped(&ended, 124, "TotalTimeout", "timeouts.total");
    assert_eq!(ended.status["process"]["killed"], true);
}

#[test]
fn output_keeps_an_agent_from_being_idle() {
    let mut steps = Vec::new();
    for _ in 0..10 {
        steps.extend(["print", "working", "sleep", "100"]);
    }
    let ended = Run::new()
        .setting("timeouts/idle", json!(0.7))
        .agent(steps)
        .end();
    assert_eq!(
        (ended.code, ended.outcome()),
        (0, "Completed"),
        "{}",
        ended.status
    );
}

#[test]
fn output_on_stderr_is_output_too() {
    let run = Run::new().setting("timeouts/firstEvent", json!(0.7));
    let ended = run.agent(["eprint", "working", "sleep", "1000"]).end();
    assert_eq!(
        (ended.code, ended.outcome()),
        (0, "Completed"),
        "{}",
        ended.status
    );
}

#[test]
fn the_first_output_starts_the_idle_timer_however_far_the_others_are() {
    let run = Run::new()
        .setting("timeouts/idle", json!(0.1))
        .setting("timeouts/total", json!(3600));
    let ended = run.agent(["sleep", "300", "print", "hello", "hold"]).end();
    assert_stopped(&ended, 81, "Idle", "timeouts.idle");
}

#[test]
fn a_running_tool_is_not_idleness() {
    let run = jsonl().setting("timeouts/idle", json!(0.3));
    let steps = [
        "print",
        TOOL_CALL,
        "sleep",
        "1000",
        "print",
        TOOL_RESULT,
        "print",
        RESULT,
    ];
    let ended = run.agent(steps).end();
    assert_eq!(
        (ended.code, ended.outcome()),
        (0, "Completed"),
        "{}",
        ended.status
    );
}

#[test]
fn silence_after_a_tool_is_idleness() {
    let run = jsonl().setting("timeouts/idle", json!(0.3));
    let ended = run
        .agent(["print", TOOL_CALL, "print", TOOL_RESULT, "hold"])
        .end();
    assert_stopped(&ended, 81, "Idle", "timeouts.idle");
}

#[test]
fn a_stopped_agent_is_not_idle() {
    let run = Run::new().setting("timeouts/idle", json!(0.5));
    let started = run.agent(["print", "ready", "await", "over"]).start();
    started.await_stdout("ready");
    started.signal(Signal::SIGTSTP);
    // Nothing is to happen for longer than the timer; only time can show that.
    std::thread::sleep(Duration::from_secs(1));
    std::fs::write(started.path("over"), "").expect("a file can be made");
    started.signal(Signal::SIGCONT);
    let ended = started.end();
    assert_eq!(
        (ended.code, ended.outcome()),
        (0, "Completed"),
        "{}",
        ended.status
    );
}

#[test]
fn an_agent_that_hangs_after_its_result_is_stopped_and_the_result_stands() {
    let limited = json!({ "kind": "run-outcome", "status": "failed", "outcome": "RateLimited" });
    let results: [(&str, i32, &str); 2] = [
        (RESULT, 0, "Completed"),
        (&limited.to_string(), 75, "RateLimited"),
    ];
    for (result, code, outcome) in results {
        for steps in [
            &["print", result, "hold"][..],
            &["ignore", "TERM", "print", result, "hold"],
        ] {
            let run = jsonl().setting("timeouts/afterResult", json!(0.1));
            let ended = run.agent(steps.iter().copied()).end();
            assert_stopped(&ended, code, "Reported", "timeouts.afterResult");
            assert_eq!(ended.outcome(), outcome);
        }
    }
}

#[test]
fn silence_after_the_result_is_not_idleness() {
    let run = jsonl().setting("timeouts", json!({ "idle": 0.2, "afterResult": 30 }));
    let ended = run
        .agent(["print", RESULT, "sleep", "800", "exit", "3"])
        .end();
    assert_eq!(
        (ended.code, ended.outcome()),
        (0, "Completed"),
        "{}",
        ended.status
    );
    assert_eq!(ended.status["process"]["exitCode"], 3);
    assert_eq!(ended.status["process"]["stopped"], Value::Null);
}

#[test]
fn a_result_that_is_repeated_gives_no_more_time() {
    let script = format!("while :; do echo '{RESULT}'; sleep 0.05; done");
    let run = jsonl().setting("timeouts", json!({ "total": 20, "afterResult": 0.5 }));
    let ended = run.shell(&script).end();
    assert_stopped(&ended, 0, "Reported", "timeouts.afterResult");
}

#[test]
fn the_total_ends_a_run_that_goes_on_after_its_result_and_the_result_stands() {
    let run = jsonl().setting("timeouts", json!({ "total": 0.5, "afterResult": 0 }));
    let ended = run.agent(["print", RESULT, "hold"]).end();
    assert_stopped(&ended, 0, "Reported", "timeouts.total");
    assert_eq!(ended.outcome(), "Completed");
}
