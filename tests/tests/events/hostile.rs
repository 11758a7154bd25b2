//! Whatever names a run has and whatever its agent writes, the subscriber takes every message.

use std::fs;

use agent_tests::subscriber::assert_accepted;
use agent_tests::{Ended, Nats, NatsServer, Run, StoredMessage};
use serde_json::{Value, json};

use crate::streamed::{assert_streamed, records, run_at, text, with_stream};

/// Runs an agent that writes lines of events out of a file, and returns what is in the stream.
#[track_caller]
fn said(nats: &Nats, lines: &[Value]) -> (Vec<StoredMessage>, Ended) {
    let run = run_at(&nats.url()).setting("protocol", json!("jsonl"));
    let file = run.path("lines");
    let outcome = json!({"kind": "run-outcome", "status": "succeeded"});
    let lines = lines.iter().chain([&outcome]).map(Value::to_string);
    let text = lines.collect::<Vec<_>>().join("\n");
    fs::write(&file, text).expect("it can be written");
    let ended = run.agent(["cat", &file.display().to_string()]).end();
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    (assert_streamed(nats, &ended), ended)
}

/// The messages of a kind.
fn of_kind<'a>(messages: &'a [StoredMessage], kind: &str) -> Vec<&'a Value> {
    let found = messages.iter().filter(|it| it.payload["kind"] == kind);
    found.map(|message| &message.payload).collect()
}

#[test]
fn names_reach_the_subscriber_as_they_are() {
    for [namespace, name, uid, agent] in [
        ["agents", "my.run.v2", "uid-1", "claude.code"],
        ["agent", "agent", "agent", "agent"],
        ["general", "general", "general", "general"],
        ["*", ">", "a b\tc", "x>y.*"],
        ["näme", "läuft 🚀", "ünique", "ägent"],
        ["n\u{1}s", "\"quoted\" \\ back", "u\"i\\d", "line\nline"],
        ["$JS", "$SYS.REQ", "_INBOX.x", "$JS.API"],
        ["n", &"long.".repeat(500), &"u".repeat(3000), "a"],
    ] {
        let nats = with_stream(NatsServer::new());
        let ended = Run::new()
            .agent(["print", "hello"])
            .env("NATS_URL", nats.url())
            .env("AGENT_RUN_NAMESPACE", namespace)
            .env("AGENT_RUN_NAME", name)
            .env("AGENT_RUN_UID", uid)
            .env("AGENT_ID", agent)
            .end();
        assert_eq!(ended.code, 0, "{name}: {}", ended.stderr);
        for row in assert_accepted(&assert_streamed(&nats, &ended)) {
            let names = [&row.namespace, &row.name, &row.uid, &row.agent_id];
            let wanted = [namespace, name, uid, agent].map(|it| Some(it.to_owned()));
            assert_eq!(names.map(Clone::clone), wanted, "{row:?}");
        }
    }
}

#[test]
fn bytes_that_are_no_text_and_nul_among_them_are_taken() {
    let nats = with_stream(NatsServer::new());
    let ended = run_at(&nats.url())
        .shell(r"printf 'a\0b\n\0\0\n\377\376 c\n \t \n\n\r\nlast'; printf '\0err\0\n' >&2")
        .end();
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let messages = assert_streamed(&nats, &ended);
    let mut logs: Vec<_> = of_kind(&messages, "log")
        .into_iter()
        .map(|log| (text(&log["attrs"], "stream"), text(log, "content")))
        .collect();
    logs.sort_unstable();
    let wanted = [
        ("stderr", "err"),
        ("stdout", "(empty line)"),
        ("stdout", "ab"),
        ("stdout", "last"),
        ("stdout", "\u{fffd}\u{fffd} c"),
    ];
    assert_eq!(logs, wanted);
}

#[test]
fn nul_and_nothing_in_an_agent_s_own_events_are_taken() {
    let nats = with_stream(NatsServer::new());
    let (messages, ended) = said(
        &nats,
        &[
            json!({"kind": "message", "content": "a\0b"}),
            json!({"kind": "message", "content": "\0"}),
            json!({"kind": "message", "content": " \n\t\u{feff}"}),
            json!({"kind": "message"}),
            json!({"kind": "tool_call", "tool": "Ba\0sh", "content": "\0"}),
            json!({"kind": "tool_result", "tool": "Ba\0sh", "content": ""}),
            json!({"kind": "tool_call"}),
            json!({"kind": "tool_result", "content": "\u{1}\u{7f}\u{202e}"}),
        ],
    );
    let messages_said: Vec<_> = of_kind(&messages, "message")
        .into_iter()
        .map(|it| text(it, "content").to_owned())
        .collect();
    assert_eq!(messages_said[0], "ab");
    assert_eq!(messages_said.len(), 4);
    assert_eq!(of_kind(&messages, "tool_call")[0]["tool"]["name"], "Bash");
    assert_eq!(
        of_kind(&messages, "tool_result")[0]["content"],
        "(no output)"
    );
    // The journal keeps what was said; only what is sent to others goes without.
    let journal = records(&ended);
    let kept = journal.iter().any(|record| record["content"] == "a\0b");
    assert!(kept, "{journal:?}");
}

#[test]
fn the_output_of_a_tool_that_fills_megabytes_is_cut_and_whole_in_the_journal() {
    let nats = with_stream(NatsServer::new());
    let output = "ünï\"\\".repeat((2 << 20) / 7 + 1);
    let too_long = "x".repeat(9 << 20);
    let (messages, ended) = said(
        &nats,
        &[
            json!({"kind": "tool_call", "tool": "Bash", "content": "cat"}),
            json!({"kind": "tool_result", "tool": "Bash", "content": output}),
            json!({"kind": "message", "content": too_long}),
            json!({"kind": "message", "content": "next"}),
        ],
    );
    let result = of_kind(&messages, "tool_result")[0];
    let content = text(result, "content");
    assert!(content.len() <= 64 << 10, "{}", content.len());
    assert!(content.starts_with("ünï\"\\ünï"));
    assert!(
        content.ends_with(" bytes, whole in the journal]"),
        "{content:?}"
    );
    let records = records(&ended);
    let record = records.iter().find(|it| it["kind"] == "tool_result");
    let whole = text(record.expect("it is in the journal"), "content");
    assert!(whole.len() > 2 << 20 && whole == output, "{}", whole.len());
    assert_eq!(result["attrs"]["truncated"]["content"], whole.len());
    // What the journal does not have either, no message says that it has.
    let [long, next] = of_kind(&messages, "message")[..] else {
        panic!("two are said");
    };
    let content = text(long, "content");
    assert!(
        content.ends_with(" bytes, whole in the log only]"),
        "{content:?}"
    );
    assert_eq!(long["attrs"]["cut"], too_long.len());
    assert_eq!(next["content"], "next");
}

#[test]
fn what_a_tool_was_given_is_published_of_the_tool() {
    let nats = with_stream(NatsServer::new());
    let input = json!({"command": "cargo test", "env": {"CI": true}});
    let (messages, _) = said(
        &nats,
        &[
            json!({"kind": "tool_call", "tool": "Bash", "content": "cargo test\n--all", "input": input}),
            json!({"kind": "tool_result", "tool": "Bash", "content": "42 passed"}),
        ],
    );
    let call = of_kind(&messages, "tool_call")[0];
    assert_eq!(call["tool"]["input"], input);
    assert_eq!(call["tool"]["title"], "cargo test");
    assert_eq!(call["attrs"].get("input"), None);
    let result = of_kind(&messages, "tool_result")[0];
    assert_eq!(result["tool"].get("title"), None);
}

#[test]
fn a_server_that_takes_little_gets_less() {
    let nats = with_stream(NatsServer::new().config("max_payload: 4096"));
    let (messages, _) = said(
        &nats,
        &[
            json!({"kind": "message", "content": "\u{1}".repeat(100_000)}),
            json!({"kind": "tool_call", "tool": "x".repeat(100_000), "content": "\"".repeat(100_000)}),
            json!({"kind": "message", "content": "next"}),
        ],
    );
    for message in &messages {
        assert!(message.bytes.len() < 4096);
    }
    let last = of_kind(&messages, "message");
    assert_eq!(last[1]["content"], "next");
}

#[test]
fn every_language_arrives() {
    let nats = with_stream(NatsServer::new());
    let text_said = "Grüße, 世界 🌍 — \u{2028} عربى e\u{301}";
    let (messages, _) = said(&nats, &[json!({"kind": "message", "content": text_said})]);
    assert_eq!(of_kind(&messages, "message")[0]["content"], text_said);
}
