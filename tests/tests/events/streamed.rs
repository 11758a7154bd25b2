//! What every run leaves in a stream and in its journal.

use std::fs;

use agent_tests::subscriber::{assert_accepted, assert_complete};
use agent_tests::{Ended, Nats, NatsServer, Run, StoredMessage};
use serde_json::{Value, json};

/// The stream of the real installation.
pub(crate) const STREAM: &str = "agent-comms";

/// Kinds that have a copy on the general subject.
const GENERAL: [&str; 6] = [
    "run-started",
    "run-summary",
    "run-gaps",
    "run-next-prompt",
    "swarm-handoff",
    "run-outcome",
];

/// Starts a server that has the stream.
pub(crate) fn with_stream(server: NatsServer) -> Nats {
    let nats = server.start();
    nats.make_stream(STREAM, &["agentrun.>"]);
    nats
}

/// A run that knows a server and who it is.
pub(crate) fn run_at(url: &str) -> Run {
    Run::new()
        .env("NATS_URL", url)
        .env("AGENT_RUN_UID", "uid-1")
        .env("AGENT_RUN_NAME", "fix-7")
        .env("AGENT_RUN_NAMESPACE", "agents")
}

/// The records of the journal beside the status, without headers.
#[track_caller]
pub(crate) fn records(ended: &Ended) -> Vec<Value> {
    let journal = fs::read_to_string(ended.dir.path().join("agent/events.ndjson"));
    let journal = journal.expect("the journal is beside the status");
    let lines = journal.lines().map(|line| {
        let line: Value = serde_json::from_str(line).expect("a journal is lines of JSON");
        line
    });
    lines.filter(|line| line.get("journal").is_none()).collect()
}

/// Checks what holds for every run that had a stream all the time, and returns what is in it:
///
/// - every record of the journal once, in order, and nothing else but the copies of general kinds;
/// - `run-started` first, `run-outcome` and a last `status` at the end;
/// - all of it is what the subscriber takes (contract §8.5);
/// - the status counts the same.
#[track_caller]
pub(crate) fn assert_streamed(nats: &Nats, ended: &Ended) -> Vec<StoredMessage> {
    let messages = nats.stream_messages(STREAM);
    assert_accepted(&messages);
    assert_is_the_journal(&messages, ended);
    messages
}

/// The same without the subscriber's rules, which are about one prefix and one form only.
#[track_caller]
pub(crate) fn assert_is_the_journal(messages: &[StoredMessage], ended: &Ended) {
    let records = records(ended);
    let kinds: Vec<_> = records.iter().map(|record| text(record, "kind")).collect();
    assert_eq!(kinds[0], "run-started");
    assert_eq!(kinds[kinds.len() - 2..], ["run-outcome", "status"]);
    assert_complete(messages, &[(1, records.len() as u64)]);

    let mut messages_left = messages.iter();
    let mut next = || messages_left.next().expect("every record is in the stream");
    for record in &records {
        let (id, kind) = (text(record, "id"), text(record, "kind"));
        let message = next();
        assert_says(message, record);
        let published = text(&message.payload, "message_id");
        // Only an id that could not be a header is published as another.
        let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "-_.".contains(letter);
        if id.len() <= 120 && id.chars().all(is_plain) {
            assert_eq!(published, id);
        }
        assert!(
            message.subject.ends_with(&format!(".{kind}")) && message.subject.contains(".agent."),
            "{}",
            message.subject
        );
        let is_general = GENERAL.contains(&kind);
        let channel = if is_general { "general" } else { "run" };
        assert_eq!(message.payload["channel"], channel);
        if is_general {
            let copy = next();
            let (prefix, _) = message.subject.split_once('.').expect("it has tokens");
            assert_eq!(copy.subject, format!("{prefix}.general.{kind}"));
            assert_says(copy, record);
            let mut payload = copy.payload.clone();
            assert_eq!(payload["message_id"], format!("{published}-general"));
            payload["message_id"] = json!(published);
            assert_eq!(payload, message.payload);
        }
    }
    assert_eq!(messages_left.next(), None, "nothing else is in the stream");

    let events = &ended.full["events"];
    let count = records.len();
    let journal = ended.dir.path().join("agent/events.ndjson");
    let counted = json!({
        "mode": "jetstream", "emitted": count, "acknowledged": count, "journal": journal,
    });
    assert_eq!(*events, counted, "{}", ended.stderr);
    assert_eq!(ended.status["events"]["acknowledged"], json!(count));
}

/// Checks that a message is what became of a record.
#[track_caller]
fn assert_says(message: &StoredMessage, record: &Value) {
    let payload = &message.payload;
    assert_eq!(
        message.header("Nats-Msg-Id"),
        payload["message_id"].as_str()
    );
    assert_eq!(message.header("content-type"), Some("application/json"));
    assert_eq!(payload["kind"], record["kind"]);
    // A call is the model's, and is shown as the tool's.
    let role = match text(record, "kind") {
        "tool_call" | "tool_result" => "tool",
        _ => text(record, "role"),
    };
    assert_eq!(payload["role"], role);
    assert_eq!(payload["timestamp"], record["time"]);
    assert_eq!(payload["attrs"]["seq"], record["seq"]);
    let said = text(record, "content").replace('\0', "");
    let content = text(payload, "content");
    match content.split_once("… [cut: ") {
        // Words are made up where there are none; that there are some is the subscriber's rule.
        _ if said.trim().trim_matches('\u{feff}').is_empty() => {}
        Some((kept, _)) => assert!(said.starts_with(kept) && said.len() > kept.len()),
        None => assert_eq!(content, said),
    }
    let attrs = record["attrs"].as_object().into_iter().flatten();
    for (name, value) in attrs.filter(|(_, value)| !value.to_string().contains("\\u0000")) {
        // What a tool was given is said of the tool.
        let is_input = name == "input" && record["tool"].is_object();
        let place = if is_input { "tool" } else { "attrs" };
        assert_eq!(payload[place][name], *value, "{name} of {record}");
    }
}

/// A text of an object.
#[track_caller]
pub(crate) fn text<'a>(object: &'a Value, name: &str) -> &'a str {
    let text = object[name].as_str();
    text.unwrap_or_else(|| panic!("no `{name}` in {object}"))
}
