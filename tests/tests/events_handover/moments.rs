//! When it is written.

use std::fs;

use agent_tests::{DEADLINE, assert_ends, ends, wait_until};
use nix::sys::signal::Signal;

use crate::{STREAM, contents, messages, run, with_stream};

#[test]
fn a_line_is_heard_while_the_agent_runs() {
    let nats = with_stream();
    let started = run(
        &nats,
        "echo early >> \"$FILE\"; while ! [ -e go ]; do sleep 0.01; done; echo late >> \"$FILE\"",
    )
    .start();
    let early = || {
        let messages = nats.stream_messages(STREAM);
        messages.iter().any(|it| it.payload["content"] == "early")
    };
    assert!(wait_until(DEADLINE, early), "it is heard");
    assert!(
        !started.path("agent/status.json").exists(),
        "the run goes on"
    );
    fs::write(started.path("go"), "").expect("the directory is ours");
    let ended = started.end();
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert_eq!(contents(&messages(&nats, &ended)), ["early", "late"]);
}

#[test]
fn a_run_that_is_stopped_hands_over_what_was_written() {
    let nats = with_stream();
    let script = "trap 'echo {\\\"kind\\\":\\\"run-gaps\\\",\\\"content\\\":\\\"stopped\\\"} >> \"$FILE\"; exit 0' TERM
        echo before >> \"$FILE\"; printf partly >> \"$FILE\"; touch ready; while :; do sleep 0.01; done";
    let started = run(&nats, script).start();
    started.await_file(started.path("ready"));
    started.signal(Signal::SIGTERM);
    let ended = started.end();
    assert_ends("stopped", &ended, &ends(143, "Cancelled", "SIGTERM"));
    let messages = messages(&nats, &ended);
    let said: Vec<_> = crate::handed_over(&messages);
    // What is behind a line without an end is a part of it.
    assert_eq!(
        said,
        [
            ("message", "before"),
            (
                "message",
                "partly{\"kind\":\"run-gaps\",\"content\":\"stopped\"}"
            )
        ]
    );
}

#[test]
fn an_agent_that_is_killed_hands_over_what_was_written() {
    let nats = with_stream();
    let started = run(&nats, "trap '' TERM; echo one >> \"$FILE\"; printf two >> \"$FILE\"; touch ready; while :; do sleep 1; done")
        .grace(5.0)
        .start();
    started.await_file(started.path("ready"));
    started.signal(Signal::SIGTERM);
    // Written when the first has been taken, so that the two are not one.
    started.await_file(started.path("agent/status.json"));
    started.signal(Signal::SIGTERM);
    let ended = started.end();
    assert_eq!(ended.outcome(), "Cancelled", "{}", ended.stderr);
    assert_eq!(contents(&messages(&nats, &ended)), ["one", "two"]);
}

#[test]
fn what_is_written_by_a_child_that_outlives_the_agent_for_a_moment_is_heard() {
    let nats = with_stream();
    // The runner waits for who still has its stdout.
    let script = "echo first >> \"$FILE\"; (sleep 0.3; echo second >> \"$FILE\") &";
    let ended = run(&nats, script).end();
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert_eq!(contents(&messages(&nats, &ended)), ["first", "second"]);
}

#[test]
fn an_agent_that_fails_hands_over_what_was_written() {
    let nats = with_stream();
    let ended = run(&nats, "echo why >> \"$FILE\"; exit 7").end();
    assert_eq!(ended.code, 7, "{}", ended.stderr);
    assert_eq!(contents(&messages(&nats, &ended)), ["why"]);
}
