//! Events of the real CLIs, as a subscriber gets them.

#[path = "cli_events/outage.rs"]
mod outage;
#[path = "cli_events/reasoning.rs"]
mod reasoning;
#[path = "cli_events/restart.rs"]
mod restart;
#[path = "cli_events/secrets.rs"]
mod secrets;
#[path = "cli_events/sizes.rs"]
mod sizes;
#[path = "cli_events/words.rs"]
mod words;

use std::fs;
use std::path::Path;

use agent_tests::subscriber::{assert_accepted, assert_complete, attempts_of_journal};
use agent_tests::{Cli, Ended, Nats, NatsServer, Run, StoredMessage, assert_ends, ends};
use serde_json::Value;

/// The stream of the real installation.
const STREAM: &str = "agent-comms";

/// A server that has the stream.
fn with_stream(server: NatsServer) -> Nats {
    let nats = server.start();
    nats.make_stream(STREAM, &["agentrun.>"]);
    nats
}

/// A run that knows a server.
fn publishing(run: Run, nats: &Nats) -> Run {
    run.env("NATS_URL", nats.url())
        .env("AGENT_RUN_UID", "uid-1")
        .env("AGENT_RUNNER_ATTEMPT", "1")
}

#[track_caller]
fn assert_completed(cli: Cli, ended: &Ended) {
    assert_eq!(ended.code, 0, "{cli:?}: {}\n{}", ended.status, ended.stderr);
    assert_ends(cli.name(), ended, &ends(0, "Completed", "Completed"));
}

/// What the stream has: all that the journal beside the status has, as the subscriber takes it, and
/// no pieces of messages.
#[track_caller]
fn messages(nats: &Nats, journal: &Path) -> Vec<StoredMessage> {
    let messages = nats.stream_messages(STREAM);
    assert_accepted(&messages);
    let journal = fs::read(journal).expect("there is a journal");
    assert_complete(&messages, &attempts_of_journal(&journal));
    for kind in ["message_delta", "reasoning_delta"] {
        assert!(
            messages.iter().all(|it| it.payload["kind"] != kind),
            "{kind}"
        );
    }
    messages
}

/// Where the journal of a run is.
fn journal(ended: &Ended) -> std::path::PathBuf {
    ended.dir.path().join("agent/events.ndjson")
}

/// The records of the journal of a run.
#[track_caller]
fn records(journal: &Path) -> Vec<Value> {
    let journal = fs::read_to_string(journal).expect("there is a journal");
    let lines = journal.lines().map(|line| {
        let line: Value = serde_json::from_str(line).expect("a journal is lines of JSON");
        line
    });
    lines.filter(|line| line.get("journal").is_none()).collect()
}

/// Payloads of the run's own subject that have one of these kinds, in order.
fn of_kinds<'a>(messages: &'a [StoredMessage], kinds: &[&str]) -> Vec<&'a Value> {
    let own = messages
        .iter()
        .filter(|it| !it.subject.starts_with("agentrun.general"));
    let payloads = own.map(|it| &it.payload);
    payloads
        .filter(|it| kinds.iter().any(|kind| it["kind"] == *kind))
        .collect()
}
