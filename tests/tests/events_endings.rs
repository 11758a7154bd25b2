//! How a run ends whose events nobody takes: as it would have without, in time, and truthfully;
//! unless they are required.

#[path = "events/required.rs"]
mod required;
#[path = "events/streamed.rs"]
mod streamed;
#[path = "events/unreachable.rs"]
mod unreachable;

use std::fs;
use std::time::{Duration, Instant};

use agent_tests::{
    DEADLINE, Ended, NatsServer, Run, Silent, Started, assert_ends, ends, wait_until,
};
use nix::fcntl::OFlag;
use nix::sys::signal::Signal;
use nix::unistd::pipe2;
use serde_json::{Value, json};

use streamed::{STREAM, assert_streamed, records, run_at, text, with_stream};

/// Where nobody listens: connections are refused at once.
const CLOSED: &str = "nats://127.0.0.1:1";

/// Time for a process to start and to end on a machine that has other things to do.
const SLACK: Duration = Duration::from_secs(2);

/// 30 s: 3 for the status, a third of the rest to flush, half of which is for events.
const SLICE: Duration = Duration::from_millis(4500);

/// Waits until the run has said its last words, which is when it begins to wait for a server.
#[track_caller]
fn await_last_words(started: &Started) {
    let journal = started.path("agent/events.ndjson");
    let said = || {
        let text = fs::read_to_string(&journal).unwrap_or_default();
        text.contains(r#""phase":"end""#)
    };
    assert!(
        wait_until(DEADLINE, said),
        "the run never says its last words"
    );
}

/// The status as it is at the moment; null if there is none.
fn status(started: &Started) -> Value {
    let bytes = fs::read(started.path("agent/status.json")).unwrap_or_default();
    serde_json::from_slice(&bytes).unwrap_or_default()
}

/// Checks that everything that was said is counted as pending, with a reason in words.
#[track_caller]
fn assert_pending(ended: &Ended) -> String {
    let events = &ended.full["events"];
    let count = records(ended).len();
    assert_eq!(events["mode"], "unreachable", "{}", ended.stderr);
    assert_eq!(
        (&events["emitted"], &events["pending"]),
        (&json!(count), &json!(count))
    );
    assert_eq!(events["acknowledged"], Value::Null);
    assert_eq!(ended.status["events"]["pending"], json!(count));
    let problem = text(events, "problem").to_owned();
    assert!(
        problem.contains(' ') && !problem.contains('\n'),
        "{problem}"
    );
    problem
}

#[test]
fn a_status_is_there_while_the_last_events_are_waited_for() {
    // 9 s of 60 are for events.
    let started = run_at(CLOSED).agent(["exit", "3"]).grace(60.0).start();
    await_last_words(&started);
    // Well before these are over.
    let written = wait_until(SLACK, || status(&started)["outcome"] == "AgentFailed");
    assert!(written, "{}", status(&started));
    let status = status(&started);
    assert_eq!(status["exitCode"], 3);
    assert_eq!(status["events"]["mode"], "unreachable");
    assert!(status["events"]["pending"].as_u64() > Some(0), "{status}");
    // The first signal finds nothing to stop, the second means it.
    started.signal(Signal::SIGTERM);
    started.signal(Signal::SIGINT);
    let asked = Instant::now();
    let ended = started.end();
    assert!(asked.elapsed() < SLACK, "{:?}", asked.elapsed());
    assert_ends("stopped", &ended, &ends(3, "AgentFailed", "NonZeroExit"));
    assert_pending(&ended);
}

#[test]
fn one_signal_does_not_cut_the_last_events_short() {
    let began = Instant::now();
    let started = run_at(CLOSED).start();
    await_last_words(&started);
    let said = Instant::now();
    started.signal(Signal::SIGTERM);
    let ended = started.end();
    assert!(began.elapsed() >= SLICE, "{:?}", began.elapsed());
    assert!(said.elapsed() < SLICE + SLACK, "{:?}", said.elapsed());
    assert_ends("waited", &ended, &ends(0, "Completed", "Completed"));
    assert_pending(&ended);
}

#[test]
fn events_have_their_slice_of_the_grace_and_no_more() {
    for run in [
        run_at(CLOSED),
        // 25 s to flush, half of which is more than 15 % of the pod's grace.
        run_at(CLOSED).setting("graceSeconds", json!(2)),
    ] {
        let began = Instant::now();
        let started = run.start();
        await_last_words(&started);
        let said = Instant::now();
        let ended = started.end();
        assert!(began.elapsed() >= SLICE, "{:?}", began.elapsed());
        assert!(said.elapsed() < SLICE + SLACK, "{:?}", said.elapsed());
        assert_ends("waited", &ended, &ends(0, "Completed", "Completed"));
        assert_pending(&ended);
    }
}

#[test]
fn an_agent_that_may_take_its_time_leaves_less_for_events() {
    // 30 s: 3 for the status, 4 of the rest to flush, half of which is for events.
    let slice = Duration::from_secs(2);
    let began = Instant::now();
    let started = run_at(CLOSED).setting("graceSeconds", json!(23)).start();
    await_last_words(&started);
    let said = Instant::now();
    let ended = started.end();
    assert!(began.elapsed() >= slice, "{:?}", began.elapsed());
    assert!(said.elapsed() < slice + SLACK, "{:?}", said.elapsed());
    assert_pending(&ended);
}

#[test]
fn a_server_that_a_run_was_given_up_for_is_not_waited_for_again() {
    // 9 s of 60 are for events.
    let run = run_at(CLOSED).setting("events/required", json!(true));
    let started = run.grace(60.0).start();
    await_last_words(&started);
    let said = Instant::now();
    let ended = started.end();
    assert!(said.elapsed() < SLACK, "{:?}", said.elapsed());
    let wanted = ends(69, "ProviderUnavailable", "EventsUnavailable");
    assert_ends("given up", &ended, &wanted);
    assert_pending(&ended);
}

/// Checks that a status is there while a run with 9 s for it waits for a reader of its events, which
/// `is_waiting` can see.
#[track_caller]
fn assert_status_before_the_wait(run: Run, is_waiting: impl FnMut() -> bool) {
    let started = run
        .agent(["burst", "100000", "exit", "3"])
        .grace(60.0)
        .start();
    await_last_words(&started);
    let written = wait_until(SLACK, || status(&started)["outcome"] == "AgentFailed");
    assert!(written, "{}", status(&started));
    assert!(wait_until(SLACK, is_waiting), "nobody is waited for");
    // It is the first of the two: the run goes on for as long as nobody ends it.
    let stat = fs::read_to_string(format!("/proc/{}/stat", started.pid()));
    let stat = stat.expect("a process that is not reaped is there");
    assert!(!stat.contains(") Z "), "nobody was waited for: {stat}");
    for signal in [Signal::SIGTERM, Signal::SIGINT] {
        started.signal(signal);
    }
    let asked = Instant::now();
    let ended = started.end();
    assert!(asked.elapsed() < SLACK, "{:?}", asked.elapsed());
    assert_ends("stopped", &ended, &ends(3, "AgentFailed", "NonZeroExit"));
}

#[test]
fn a_status_is_there_while_a_collector_of_traces_is_waited_for() {
    let collector = Silent::new();
    let url = format!("http://{}", collector.address());
    let run = Run::new().setting("events/traces", json!(true));
    let run = run.env("OTEL_EXPORTER_OTLP_ENDPOINT", url);
    assert_status_before_the_wait(run, || collector.connections() > 0);
}

#[test]
fn a_status_is_there_while_a_reader_of_stdout_is_waited_for() {
    let (reader, writer) = pipe2(OFlag::O_CLOEXEC).expect("a pipe can be made");
    let run = Run::new().arg("--events").arg("stdout").stdout(writer);
    // Its pipe has been full since the agent's output.
    assert_status_before_the_wait(run, || true);
    drop(reader);
}

#[test]
fn a_run_that_is_stopped_without_a_server_ends_within_its_grace() {
    for stubborn in [false, true] {
        let steps: &[&str] = if stubborn {
            &["ignore", "TERM", "ready", "hold"]
        } else {
            &["ready", "hold"]
        };
        let started = run_at(CLOSED)
            .agent(steps.iter().copied())
            .grace(6.0)
            .start();
        started.await_stdout("ready");
        let asked = Instant::now();
        started.signal(Signal::SIGTERM);
        let ended = started.end();
        assert!(
            asked.elapsed() < Duration::from_secs(6),
            "{:?}",
            asked.elapsed()
        );
        assert_ends("stopped", &ended, &ends(143, "Cancelled", "SIGTERM"));
        assert_pending(&ended);
    }
}

#[test]
fn a_second_signal_ends_the_wait_for_a_server_at_once() {
    // 9 s of 60 are for events.
    let started = run_at(CLOSED).agent(["ready", "hold"]).grace(60.0).start();
    started.await_stdout("ready");
    started.signal(Signal::SIGTERM);
    await_last_words(&started);
    let asked = Instant::now();
    started.signal(Signal::SIGTERM);
    let ended = started.end();
    assert!(asked.elapsed() < SLACK, "{:?}", asked.elapsed());
    assert_ends("stopped", &ended, &ends(143, "Cancelled", "SIGTERM"));
    assert_pending(&ended);
}

#[test]
fn a_run_that_is_stopped_says_so_in_the_stream() {
    let nats = with_stream(NatsServer::new());
    let started = run_at(&nats.url()).agent(["ready", "hold"]).start();
    started.await_stdout("ready");
    started.signal(Signal::SIGTERM);
    let ended = started.end();
    assert_ends("stopped", &ended, &ends(143, "Cancelled", "SIGTERM"));
    let messages = assert_streamed(&nats, &ended);
    let last = &messages.last().expect("there are some").payload;
    assert_eq!(
        (&last["kind"], &last["status"]),
        (&json!("status"), &json!("cancelled"))
    );
}

#[test]
fn a_server_that_is_lost_in_the_middle_is_a_problem_and_no_failure() {
    let nats = with_stream(NatsServer::new());
    let run = run_at(&nats.url()).grace(6.0);
    let go_on = run.path("go-on");
    let started = run
        .agent([
            "print",
            "first",
            "await",
            &go_on.display().to_string(),
            "print",
            "second",
        ])
        .start();
    // run-started and its copy, status, log.
    nats.await_count(STREAM, 4);
    nats.stop();
    fs::write(&go_on, "").expect("it can be written");
    let ended = started.end();
    assert_ends("lost", &ended, &ends(0, "Completed", "Completed"));
    let events = &ended.full["events"];
    let number = |name: &str| events[name].as_u64().unwrap_or_default();
    assert_eq!(events["mode"], "jetstream");
    // The acknowledgement of the last may have been lost with the server.
    assert!((2..=3).contains(&number("acknowledged")), "{events}");
    assert_eq!(
        number("acknowledged") + number("pending"),
        number("emitted")
    );
    assert_eq!(number("emitted"), records(&ended).len() as u64);
    assert!(!text(events, "problem").is_empty());
}

#[test]
fn a_run_that_fails_before_its_agent_says_so_too() {
    let nats = with_stream(NatsServer::new());
    let ended = Run::new()
        .spec("/adapter/exec/binary", json!("/nowhere/agent"))
        .env("NATS_URL", nats.url())
        .end();
    assert_eq!(ended.outcome(), "InputMissing", "{}", ended.stderr);
    let messages = assert_streamed(&nats, &ended);
    let error = messages.iter().find(|it| it.payload["kind"] == "error");
    let error = &error.expect("it is an error").payload;
    assert_eq!(text(error, "content"), ended.error());
}
