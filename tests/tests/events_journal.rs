//! The journal, whatever was done to it: a run goes on, its events are delivered, and what a
//! predecessor left is not lost.

#[path = "events_journal/files.rs"]
mod files;
#[path = "events_journal/full.rs"]
mod full;
#[path = "events_journal/predecessor.rs"]
mod predecessor;
#[path = "events_faults/scene.rs"]
mod scene;
#[path = "events_journal/tails.rs"]
mod tails;

use agent_tests::{Ended, Nats, NatsServer, subscriber};
use scene::STREAM;
use serde_json::Value;

/// A server with the stream of the real installation.
fn server() -> Nats {
    let nats = NatsServer::new().start();
    nats.make_stream(STREAM, &["agentrun.>"]);
    nats
}

/// Checks that a run was successful and that all that it said arrived, though there may be no journal
/// that tells what that was.
#[track_caller]
fn assert_published(nats: &Nats, ended: &Ended) {
    assert_eq!(
        (ended.code, ended.outcome()),
        (0, "Completed"),
        "{}",
        ended.stderr
    );
    let events = &ended.full["events"];
    let emitted = events["emitted"].as_u64().unwrap_or(0);
    assert_eq!(events["acknowledged"], emitted, "{events}");
    assert_eq!(events["pending"], Value::Null, "{events}");
    let messages = nats.stream_messages(STREAM);
    subscriber::assert_accepted(&messages);
    subscriber::assert_complete(&messages, &[(1, emitted)]);
    let kind = |kind: &str| {
        let kinds = messages.iter().map(|message| &message.payload["kind"]);
        kinds.filter(|it| *it == kind).count()
    };
    // Each with its copy for everybody.
    assert_eq!((kind("run-started"), kind("run-outcome")), (2, 2));
}
