//! Signals to the runner: what reaches the agent, and what a stop does in every phase.

use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::Duration;

use agent_tests::{DEADLINE, Ended, Run, Started, wait_until};
use nix::fcntl::OFlag;
use nix::sys::signal::Signal;
use nix::sys::stat::Mode;
use nix::unistd::{getpgrp, mkfifo};
use serde_json::{Value, json};

/// A grace that no test waits for: who ends before it did not use it.
const LONG_GRACE: f64 = 60.0;

/// What a run takes at most that does not wait for its grace (36 s of 60), on a busy machine.
const AT_ONCE: Duration = Duration::from_secs(20);

#[track_caller]
fn assert_cancelled(ended: &Ended, signal: Signal) {
    assert_eq!(
        (ended.code, ended.outcome(), ended.reason()),
        (128 + signal as i32, "Cancelled", signal.as_str()),
        "{}\n{}",
        ended.status,
        ended.stderr
    );
    assert_eq!(ended.status["status"], "cancelled");
    ended.assert_the_controller_reads_it();
    assert_eq!(ended.survivors(), []);
}

#[track_caller]
fn await_status(started: &Started, word: &str) {
    let path = started.path("agent/status.json");
    let written = || {
        let text = std::fs::read(&path).unwrap_or_default();
        serde_json::from_slice::<Value>(&text).is_ok_and(|status| status["status"] == word)
    };
    assert!(
        wait_until(DEADLINE, written),
        "the status was never `{word}`"
    );
}

/// Waits until somebody has opened a FIFO to read it; who is given nothing then waits for ever.
#[track_caller]
fn await_reader(fifo: &Path) -> std::fs::File {
    let open = || {
        OpenOptions::new()
            .write(true)
            .custom_flags(OFlag::O_NONBLOCK.bits())
            .open(fifo)
    };
    let mut writer = None;
    assert!(
        wait_until(DEADLINE, || {
            writer = open().ok();
            writer.is_some()
        }),
        "nobody ever read `{}`",
        fifo.display()
    );
    writer.expect("it was opened")
}

#[test]
fn every_signal_reaches_the_agents_whole_group_as_itself() {
    use Signal::{SIGCONT, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP, SIGUSR1, SIGUSR2, SIGWINCH};
    let all = [
        SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGWINCH, SIGCONT, SIGTSTP,
    ];
    for signal in all {
        let name = &signal.as_str()[3..];
        let steps = [
            "spawn",
            "answer",
            name,
            "child-got",
            "print",
            "child-is-ready",
            "await",
            "over",
            ";",
            "answer",
            name,
            "agent-got",
            "print",
            "agent-is-ready",
            "await",
            "over",
            "exit",
            "4",
        ];
        let started = Run::new().grace(LONG_GRACE).agent(steps).start();
        started.await_stdout("child-is-ready");
        started.await_stdout("agent-is-ready");
        started.signal(signal);
        started.await_stdout("child-got");
        started.await_stdout("agent-got");
        std::fs::write(started.path("over"), "").expect("a file can be made");
        let ended = started.end();
        if matches!(signal, SIGTERM | SIGINT) {
            assert_cancelled(&ended, signal);
        } else {
            // What is only passed on is the agent's business.
            assert_eq!((ended.code, ended.outcome()), (4, "AgentFailed"), "{name}");
        }
        let text = ended.text();
        assert_eq!(text.matches("-got").count(), 2, "once each: {text}");
        assert_eq!(ended.survivors(), []);
    }
}

#[test]
fn a_signal_that_was_passed_on_and_ended_the_agent_is_named() {
    let started = Run::new().agent(["ready", "hold"]).start();
    started.await_stdout("ready");
    started.signal(Signal::SIGHUP);
    let ended = started.end();
    assert_eq!(
        (ended.code, ended.outcome(), ended.reason()),
        (129, "AgentFailed", "SIGHUP")
    );
    assert!(ended.error().contains("passed on"), "{}", ended.error());
    ended.assert_the_controller_reads_it();
}

#[test]
fn the_agent_leads_a_group_of_its_own() {
    let started = Run::new().agent(["pgrp", "ready", "await", "over"]).start();
    started.await_stdout("ready");
    let agent = started.descendants()[0].0;
    std::fs::write(started.path("over"), "").expect("a file can be made");
    let text = started.end().text();
    assert_eq!(text.lines().next(), Some(agent.to_string().as_str()));
    assert_ne!(agent, getpgrp().as_raw());
}

#[test]
fn term_while_the_spec_is_read_leaves_a_status() {
    let run = Run::new();
    let (spec, status) = (run.path("spec.fifo"), run.path("agent/status.json"));
    mkfifo(&spec, Mode::S_IRWXU).expect("a FIFO can be made");
    let started = run
        .env("AGENT_RUNNER_STATUS_PATH", status)
        .start_with(Some(spec.clone()));
    let writer = await_reader(&spec);
    started.signal(Signal::SIGTERM);
    assert_cancelled(&started.end(), Signal::SIGTERM);
    drop(writer);
}

#[test]
fn term_before_there_is_an_agent_leaves_a_status_where_the_spec_says() {
    let run = Run::new();
    let payload = run.path("run.fifo");
    mkfifo(&payload, Mode::S_IRWXU).expect("a FIFO can be made");
    let started = run
        .spec("/payloads/eventFilePath", json!(payload))
        .agent(["touch", "started"])
        .start();
    let writer = await_reader(&payload);
    started.signal(Signal::SIGTERM);
    let ended = started.end();
    assert_cancelled(&ended, Signal::SIGTERM);
    assert_eq!(ended.status["provider"], "fake");
    assert!(!ended.dir.path().join("started").exists());
    drop(writer);
}

#[test]
fn int_while_input_files_are_written_starts_no_agent() {
    let run = Run::new().agent(["touch", "started"]);
    // So many that the first is long there before the last is written.
    let files: Vec<Value> = (0..30_000)
        .map(|number| json!({ "path": run.path(&format!("inputs/{number}")), "content": "x" }))
        .collect();
    let first = run.path("inputs/0");
    let started = run.spec("/adapter/exec/inputFiles", json!(files)).start();
    started.await_file(first);
    started.signal(Signal::SIGINT);
    let ended = started.end();
    assert_cancelled(&ended, Signal::SIGINT);
    assert!(!ended.dir.path().join("started").exists());
    assert!(
        ended.status["timings"]["prepareMs"].is_number(),
        "{}",
        ended.status
    );
}

#[test]
fn term_while_output_is_drained_keeps_how_the_agent_ended() {
    for code in ["0", "7"] {
        let steps = ["spawn", "ready", "hold", ";", "await", "over", "exit", code];
        let started = Run::new().agent(steps).start();
        started.await_stdout("ready");
        std::fs::write(started.path("over"), "").expect("a file can be made");
        assert!(
            wait_until(DEADLINE, || started.descendants().len() == 1),
            "the agent never ended"
        );
        started.signal(Signal::SIGTERM);
        let ended = started.end();
        assert_eq!(ended.code.to_string(), code, "{}", ended.status);
        assert_eq!(ended.status["process"]["leftoverCount"], 1);
        ended.assert_the_controller_reads_it();
        assert_eq!(ended.survivors(), []);
    }
}

#[test]
fn term_after_the_result_keeps_the_results_verdict() {
    let event = json!({ "kind": "run-outcome", "status": "succeeded" }).to_string();
    let run = Run::new().setting("protocol", json!("jsonl"));
    let started = run
        .agent(["print", &event, "print", "later", "hold"])
        .start();
    started.await_stdout("later");
    started.signal(Signal::SIGTERM);
    let ended = started.end();
    assert_eq!(
        (ended.code, ended.outcome()),
        (0, "Completed"),
        "{}",
        ended.status
    );
    assert_eq!(ended.status["process"]["stopped"], "SIGTERM");
    ended.assert_the_controller_reads_it();
    assert_eq!(ended.survivors(), []);
}

#[test]
fn a_second_signal_kills_at_once() {
    use Signal::{SIGINT, SIGTERM};
    for (first, second) in [
        (SIGTERM, SIGTERM),
        (SIGTERM, SIGINT),
        (SIGINT, SIGINT),
        (SIGINT, SIGTERM),
    ] {
        let steps = [
            "ignore", "TERM", "ignore", "INT", "spawn", "setsid", "ignore", "TERM", "ready",
            "hold", ";", "hold",
        ];
        let started = Run::new().grace(LONG_GRACE).agent(steps).start();
        started.await_stdout("ready");
        started.signal(first);
        await_status(&started, "cancelled");
        started.signal(second);
        let ended = started.end();
        assert_cancelled(&ended, first);
        assert_eq!(ended.status["process"]["killed"], true);
        assert_eq!(ended.status["signal"], "SIGKILL");
        assert!(ended.took < AT_ONCE, "{first} {second}: {:?}", ended.took);
    }
}

#[test]
fn int_becomes_term_and_then_kill() {
    let steps = [
        "answer", "INT", "got-int", "answer", "TERM", "got-term", "ready", "hold",
    ];
    let started = Run::new().grace(3.0).agent(steps).start();
    started.await_stdout("ready");
    started.signal(Signal::SIGINT);
    let ended = started.end();
    assert_cancelled(&ended, Signal::SIGINT);
    assert_eq!(ended.text(), "ready\ngot-int\ngot-term\n");
    assert_eq!(ended.status["process"]["killed"], true);
}

#[test]
fn a_stopped_agent_still_ends_on_term() {
    let started = Run::new()
        .grace(LONG_GRACE)
        .agent(["ready", "hold"])
        .start();
    started.await_stdout("ready");
    let stat = format!("/proc/{}/stat", started.descendants()[0].0);
    started.signal(Signal::SIGTSTP);
    let stopped = || std::fs::read_to_string(&stat).is_ok_and(|stat| stat.contains(") T "));
    assert!(wait_until(DEADLINE, stopped), "the agent was never stopped");
    started.signal(Signal::SIGTERM);
    let ended = started.end();
    assert_cancelled(&ended, Signal::SIGTERM);
    assert_eq!(ended.status["process"].get("killed"), None);
    assert!(ended.took < AT_ONCE, "{:?}", ended.took);
}
