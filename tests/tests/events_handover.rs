//! What the agent hands over in the file that `AGENT_RUNNER_CONTEXT_FILE` names.

#[path = "events_handover/hostile.rs"]
mod hostile;
#[path = "events_handover/limits.rs"]
mod limits;
#[path = "events_handover/lines.rs"]
mod lines;
#[path = "events_handover/moments.rs"]
mod moments;
#[path = "events_handover/variable.rs"]
mod variable;

use agent_tests::subscriber::{assert_accepted, assert_complete};
use agent_tests::{Ended, Nats, NatsServer, Run, StoredMessage};
use serde_json::Value;

/// The stream of the real installation.
const STREAM: &str = "agent-comms";

/// A server that has the stream.
fn with_stream() -> Nats {
    let nats = NatsServer::new().start();
    nats.make_stream(STREAM, &["agentrun.>"]);
    nats
}

/// A run that publishes; `$FILE` is what lines are handed over in.
fn run(nats: &Nats, script: &str) -> Run {
    Run::new()
        .env("NATS_URL", nats.url())
        .env("AGENT_RUN_UID", "uid-1")
        .shell(&format!("FILE=\"$AGENT_RUNNER_CONTEXT_FILE\"\n{script}"))
}

/// What the stream has of a run: everything once, in order, as the subscriber takes it.
#[track_caller]
fn messages(nats: &Nats, ended: &Ended) -> Vec<StoredMessage> {
    let messages = nats.stream_messages(STREAM);
    assert_accepted(&messages);
    let emitted = ended.full["events"]["emitted"].as_u64();
    assert_complete(&messages, &[(1, emitted.expect("the status counts them"))]);
    messages
}

/// Kinds and contents of what was handed over, from the run's own subject, in order.
fn handed_over(messages: &[StoredMessage]) -> Vec<(&str, &str)> {
    let own = messages.iter().filter(|it| is_own(it));
    let by_agent = own.filter(|it| it.payload["role"] == "assistant");
    by_agent
        .map(|it| (text(&it.payload, "kind"), text(&it.payload, "content")))
        .collect()
}

/// The same, of messages alone.
fn contents(messages: &[StoredMessage]) -> Vec<&str> {
    let said = handed_over(messages).into_iter();
    said.map(|(kind, content)| {
        assert_eq!(kind, "message");
        content
    })
    .collect()
}

fn is_own(message: &StoredMessage) -> bool {
    !message.subject.starts_with("agentrun.general.")
}

#[track_caller]
fn text<'a>(object: &'a Value, name: &str) -> &'a str {
    let text = object[name].as_str();
    text.unwrap_or_else(|| panic!("no `{name}` in {object}"))
}
