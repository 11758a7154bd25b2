//! The variable that names the file.

use std::fs;

use agent_tests::Run;
use serde_json::json;

use crate::{contents, messages, run, with_stream};

/// What a variable says that the runner itself was given.
const OURS: &str = "/of/somebody/else";

#[test]
fn the_agent_has_a_file_of_its_own_in_every_kind_of_environment() {
    for policy in [
        json!({ "mode": "inherit" }),
        json!({ "mode": "clean" }),
        json!({ "mode": "clean", "pass": ["AGENT_RUNNER_*"] }),
    ] {
        let nats = with_stream();
        let run = run(&nats, "printf %s \"$FILE\" > file; echo heard >> \"$FILE\"")
            .env("AGENT_RUNNER_CONTEXT_FILE", OURS)
            .setting("env", policy.clone());
        let ended = run.end();
        assert_eq!(ended.code, 0, "{policy}: {}", ended.stderr);
        let file = fs::read_to_string(ended.dir.path().join("file")).expect("the agent says it");
        assert!(file.starts_with('/') && file != OURS, "{policy}: {file}");
        assert_eq!(contents(&messages(&nats, &ended)), ["heard"], "{policy}");
        assert!(
            !fs::exists(file).expect("its place can be looked at"),
            "{policy}: it is gone"
        );
    }
}

#[test]
fn without_a_server_lines_are_in_the_journal() {
    let ended = Run::new()
        .shell("echo heard >> \"$AGENT_RUNNER_CONTEXT_FILE\"")
        .end();
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let journal = fs::read_to_string(ended.dir.path().join("agent/events.ndjson"));
    let journal = journal.expect("it is beside the status");
    assert!(journal.contains("\"content\":\"heard\""), "{journal}");
}

#[test]
fn an_agent_whose_events_nobody_wants_is_not_told_of_a_file() {
    let ended = Run::new()
        .env("AGENT_RUNNER_CONTEXT_FILE", OURS)
        .setting("events/journal", json!("off"))
        .shell("printf %s \"${AGENT_RUNNER_CONTEXT_FILE-none}\"")
        .end();
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert_eq!(ended.text(), "none");
}
