//! Runs that must not go on without somebody who stores their events.

use std::fs;
use std::time::{Duration, Instant};

use agent_tests::{Ended, NatsServer, Run, assert_ends, ends, wait_until};
use nix::sys::signal::Signal;
use serde_json::json;

use crate::streamed::{STREAM, assert_streamed, records, run_at, with_stream};
use crate::{CLOSED, DEADLINE, SLACK};

/// A run that requires its events, and whose agent leaves a file if it is ever started.
fn requiring(url: &str) -> Run {
    let run = run_at(url).setting("events/required", json!(true));
    let mark = run.path("was-started");
    run.agent(["touch", &mark.display().to_string(), "print", "hello"])
}

#[track_caller]
fn assert_refused(ended: &Ended, why: &str) {
    let wanted = ends(69, "ProviderUnavailable", "EventsUnavailable");
    assert_ends(why, ended, &wanted);
    assert!(ended.error().contains(why), "{}", ended.error());
    assert_eq!(ended.status["retryable"], true);
    assert!(
        !ended.dir.path().join("was-started").exists(),
        "the agent was started"
    );
    // It is said all the same, for whoever finds the journal.
    let records = records(ended);
    assert!(records.iter().any(|it| it["kind"] == "run-outcome"));
}

#[test]
fn nothing_begins_while_the_server_is_down() {
    let ended = requiring(CLOSED).grace(6.0).end();
    assert_refused(&ended, "127.0.0.1:1");
    // Ten seconds is what a server may take to be there.
    let most = Duration::from_secs(10) + Duration::from_secs(1) + SLACK;
    assert!(ended.took < most, "{:?}", ended.took);
}

#[test]
fn nothing_begins_where_nothing_stores_events() {
    let nats = NatsServer::new().start();
    nats.make_stream("others", &["orders.>"]);
    assert_refused(&requiring(&nats.url()).end(), "no stream takes");
    let nats = NatsServer::new().without_jetstream().start();
    assert_refused(&requiring(&nats.url()).end(), "no JetStream");
}

#[test]
fn a_required_server_that_comes_in_time_is_waited_for() {
    let nats = with_stream(NatsServer::new());
    nats.stop();
    let run = requiring(&nats.url());
    let mark = run.path("was-started");
    let started = run.start();
    started.await_file(started.path("agent/events.ndjson"));
    assert!(!mark.exists(), "the agent was started");
    nats.restart();
    let ended = started.end();
    assert_ends("late", &ended, &ends(0, "Completed", "Completed"));
    assert!(mark.exists() || ended.dir.path().join("was-started").exists());
    assert_streamed(&nats, &ended);
}

#[test]
fn a_run_whose_events_are_stored_is_complete() {
    let nats = with_stream(NatsServer::new());
    let ended = requiring(&nats.url()).end();
    assert_ends("stored", &ended, &ends(0, "Completed", "Completed"));
    assert_streamed(&nats, &ended);
}

#[test]
fn a_run_whose_server_dies_and_stays_away_has_failed() {
    let nats = with_stream(NatsServer::new());
    let run = requiring(&nats.url()).grace(6.0);
    let go_on = run.path("go-on");
    let started = run
        .agent(["print", "first", "await", &go_on.display().to_string()])
        .start();
    nats.await_count(STREAM, 4);
    nats.stop();
    fs::write(&go_on, "").expect("it can be written");
    let ended = started.end();
    let wanted = ends(69, "ProviderUnavailable", "EventsUndelivered");
    assert_ends("lost", &ended, &wanted);
    let pending = ended.full["events"]["pending"].to_string();
    let said = format!("and {pending} were not stored by a server: ");
    assert!(ended.error().contains(&said), "{}", ended.error());
}

#[test]
fn what_the_agent_did_wrong_counts_more_than_what_was_not_delivered() {
    let nats = with_stream(NatsServer::new());
    let run = requiring(&nats.url()).grace(6.0);
    let go_on = run.path("go-on");
    let started = run
        .agent([
            "print",
            "first",
            "await",
            &go_on.display().to_string(),
            "exit",
            "7",
        ])
        .start();
    nats.await_count(STREAM, 4);
    nats.stop();
    fs::write(&go_on, "").expect("it can be written");
    let ended = started.end();
    assert_ends("failed", &ended, &ends(7, "AgentFailed", "NonZeroExit"));
}

#[test]
fn a_run_that_is_stopped_while_it_waits_for_its_server_is_cancelled() {
    let started = requiring(CLOSED).grace(6.0).start();
    let journal = started.path("agent/events.ndjson");
    let said = wait_until(DEADLINE, || {
        let text = fs::read_to_string(&journal).unwrap_or_default();
        text.contains("run-started")
    });
    assert!(said, "the run never begins");
    let asked = Instant::now();
    started.signal(Signal::SIGTERM);
    let ended = started.end();
    assert!(
        asked.elapsed() < Duration::from_secs(6),
        "{:?}",
        asked.elapsed()
    );
    assert_eq!(
        (ended.code, ended.outcome()),
        (143, "Cancelled"),
        "{}",
        ended.stderr
    );
    assert!(
        !ended.dir.path().join("was-started").exists(),
        "the agent was started"
    );
}

#[test]
fn a_requirement_without_a_server_s_name_is_refused() {
    let ended = Run::new().setting("events/required", json!(true)).end();
    assert_eq!(ended.outcome(), "SpecInvalid", "{}", ended.stderr);
    assert!(ended.error().contains("NATS_URL"), "{}", ended.error());
}
