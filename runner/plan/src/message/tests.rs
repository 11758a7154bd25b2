mod documents;
mod limits;
mod names;
mod property;
mod subscriber;

use serde_json::{Value, json};

use super::*;
use crate::event::{Event, EventKind, Role, Tool};
use crate::record::{Speaker, VERSION};

const UID: &str = "0f7c1c1e-6a55-4c1f-8d0e-2b0a5f4a9d11";
const TIME: &str = "2026-08-23T10:15:00.120Z";

/// The most that a server takes unless told.
const SERVER: usize = 1024 * 1024;

fn header() -> Header {
    let text = |text: &str| Some(text.to_owned());
    Header {
        journal: VERSION,
        attempt: 1,
        stem: format!("{UID}-1"),
        speaker: Speaker {
            run_uid: UID.to_owned(),
            run_name: text("fix-login-7"),
            run_namespace: text("agents"),
            run_id: text("r-17"),
            agent_id: "claude-code".to_owned(),
            agent_role: None,
            step_id: text("fix-login-7-job-x2k9p"),
            stage: text("implementation"),
            repository: text("acme/portal"),
            branch: text("codex/fix-login-7"),
            issue_number: Some(42),
        },
    }
}

fn wire() -> Wire {
    Wire {
        prefix: Prefix::AgentRun,
        format: Format::Plain,
        traceparent: None,
        max_content: 64 * 1024,
    }
}

fn record(seq: u64, event: Event) -> Record {
    header().record(seq, TIME.to_owned(), event)
}

/// The only message of an event that has no general copy.
fn only(event: Event) -> Message {
    let mut all = messages(&header(), &record(4, event), &wire(), SERVER);
    assert_eq!(all.len(), 1);
    all.remove(0)
}

fn parsed(message: &Message) -> Value {
    serde_json::from_slice(&message.payload).expect("a payload is JSON")
}

fn content(event: Event) -> Value {
    parsed(&only(event))["content"].take()
}

fn bash(title: &str) -> Tool {
    Tool {
        id: "tu_1".to_owned(),
        name: "Bash".to_owned(),
        title: title.to_owned(),
        ..Tool::default()
    }
}

#[test]
fn an_event_of_the_run_has_a_general_copy_with_an_id_of_its_own() {
    let event = Event::new(
        EventKind::RunStarted,
        Role::System,
        "Run fix-login-7 started",
    )
    .with("provider", "claude-code");
    let all = messages(&header(), &record(1, event), &wire(), SERVER);
    let subjects: Vec<&str> = all.iter().map(|message| message.subject.as_str()).collect();
    let own = format!("agentrun.agents.fix-login-7.{UID}.agent.claude-code.run-started");
    assert_eq!(subjects, [own.as_str(), "agentrun.general.run-started"]);
    let ids = [format!("{UID}-1-1"), format!("{UID}-1-1-general")];
    for (message, id) in all.iter().zip(ids) {
        assert_eq!(message.id, id);
        assert_eq!(
            parsed(message),
            json!({
                "message_id": id,
                "timestamp": TIME, "sent_at": TIME,
                "kind": "run-started", "role": "system", "channel": "general",
                "content": "Run fix-login-7 started",
                "agent_run_uid": UID, "agentRunUid": UID,
                "agent_run_name": "fix-login-7", "agentRunName": "fix-login-7",
                "agent_run_namespace": "agents", "agentRunNamespace": "agents",
                "agent_run_step": "fix-login-7-job-x2k9p", "agentRunStep": "fix-login-7-job-x2k9p",
                "agent_run_stage": "implementation", "agentRunStage": "implementation",
                "run_id": "r-17", "runId": "r-17",
                "agent_id": "claude-code", "step_id": "fix-login-7-job-x2k9p",
                "stage": "implementation", "repository": "acme/portal",
                "branch": "codex/fix-login-7", "issueNumber": 42,
                "attrs": { "seq": 1, "attempt": 1, "provider": "claude-code" },
            })
        );
        assert_eq!(
            message.headers,
            [("content-type", "application/json".to_owned())]
        );
    }
}

#[test]
fn only_kinds_of_the_run_are_general() {
    let general = |kind| {
        let record = record(1, Event::new(kind, Role::System, "x"));
        let all = messages(&header(), &record, &wire(), SERVER);
        let channels: Vec<Value> = all
            .iter()
            .map(|one| parsed(one)["channel"].take())
            .collect();
        channels
    };
    for kind in [
        EventKind::RunSummary,
        EventKind::RunGaps,
        EventKind::RunNextPrompt,
        EventKind::SwarmHandoff,
        EventKind::RunOutcome,
    ] {
        assert_eq!(general(kind), ["general", "general"], "{kind:?}");
    }
    for kind in [
        EventKind::Message,
        EventKind::Status,
        EventKind::Log,
        EventKind::Usage,
    ] {
        assert_eq!(general(kind), ["run"], "{kind:?}");
    }
}

#[test]
fn a_call_says_its_tool_in_words_and_as_an_object() {
    let event =
        Event::tool_call(bash("cargo test")).with("input", json!({ "command": "cargo test" }));
    let said = parsed(&only(event));
    assert_eq!(said["content"], "Bash: cargo test");
    assert_eq!(said["role"], "tool");
    assert_eq!(
        said["tool"],
        json!({ "id": "tu_1", "name": "Bash", "title": "cargo test", "input": { "command": "cargo test" } })
    );
    assert_eq!(said["attrs"], json!({ "seq": 4, "attempt": 1 }));
}

#[test]
fn a_result_says_how_it_went() {
    let tool = Tool {
        ok: Some(false),
        exit_code: Some(0),
        ..bash("")
    };
    let said = parsed(&only(Event::tool_result(tool, " \n")));
    assert_eq!(said["content"], "(no output)");
    assert_eq!(
        said["tool"],
        json!({ "id": "tu_1", "name": "Bash", "isError": true, "exitCode": 0 })
    );
}

#[test]
fn no_content_is_blank_but_a_piece_of_a_message() {
    let said = |kind, blank| content(Event::new(kind, Role::System, blank).with("phase", "agent"));
    for blank in ["", " \t\r\n", "\u{feff}\u{a0}", "\0", "\0 \0"] {
        assert_eq!(
            said(EventKind::Status, blank),
            "status: phase agent",
            "{blank:?}"
        );
        assert_eq!(said(EventKind::Log, blank), "(empty line)");
    }
    assert_eq!(said(EventKind::MessageDelta, " "), " ");
    let usage = Event::new(EventKind::Usage, Role::System, "")
        .with("inputTokens", 12)
        .with("models", json!(["a"]))
        .with("final", true);
    assert_eq!(content(usage), "usage: inputTokens 12, final true");
    let empty = Event::new(EventKind::Artifact, Role::System, "");
    assert_eq!(content(empty), "artifact, without a word");
    assert_eq!(content(Event::tool_call(bash(" "))), "Bash");
    assert_eq!(
        content(Event::tool_call(Tool::default())),
        "a tool without a name"
    );
}

#[test]
fn status_and_exit_code_are_members_and_attributes() {
    let event = Event::new(EventKind::Error, Role::System, "x")
        .with("status", "failed")
        .with("exit_code", 0);
    let said = parsed(&only(event));
    assert_eq!(
        (&said["status"], &said["exit_code"]),
        (&json!("failed"), &json!(0))
    );
    assert_eq!(
        said["attrs"],
        json!({ "seq": 4, "attempt": 1, "status": "failed", "exit_code": 0 })
    );
    // An object there would be taken for the payload's own.
    let event = Event::new(EventKind::Error, Role::System, "x").with("status", json!({}));
    assert_eq!(parsed(&only(event)).get("status"), None);
}

#[test]
fn an_attribute_cannot_take_the_place_of_number_and_attempt() {
    let event = Event::new(EventKind::Error, Role::System, "x")
        .with("attempt", 9)
        .with("event_attempt", 8)
        .with("seq", 7)
        .with("truncated", true);
    assert_eq!(
        parsed(&only(event))["attrs"],
        json!({
            "seq": 4, "attempt": 1,
            "event_attempt": 9, "event_attempt_": 8, "event_seq": 7, "event_truncated": true,
        })
    );
}

#[test]
fn the_agents_own_words_are_said_as_its_role() {
    let mut header = header();
    header.speaker.agent_role = Some("reviewer".to_owned());
    let role = |kind, role| {
        let record = header.record(1, TIME.to_owned(), Event::new(kind, role, "x"));
        parsed(&messages(&header, &record, &wire(), SERVER)[0])["role"].take()
    };
    assert_eq!(role(EventKind::Message, Role::Assistant), "reviewer");
    assert_eq!(role(EventKind::Status, Role::System), "system");
    assert_eq!(role(EventKind::ToolCall, Role::Assistant), "tool");
    header.speaker.agent_role = Some(" \0".to_owned());
    let record = header.record(
        1,
        TIME.to_owned(),
        Event::new(EventKind::Message, Role::Assistant, "x"),
    );
    assert_eq!(
        parsed(&messages(&header, &record, &wire(), SERVER)[0])["role"],
        "assistant"
    );
}

#[test]
fn what_is_no_time_is_left_out() {
    for time in [
        "",
        "yesterday",
        "2026-02-30T00:00:00Z",
        "2026-08-23T10:15:00+02:00",
        "infinity",
    ] {
        let record = header().record(
            1,
            time.to_owned(),
            Event::new(EventKind::Log, Role::System, "x"),
        );
        for format in [Format::Plain, Format::CloudEvents] {
            let wire = Wire { format, ..wire() };
            let said = parsed(&messages(&header(), &record, &wire, SERVER)[0]);
            for name in ["timestamp", "sent_at", "time"] {
                assert_eq!(said.get(name), None, "{time:?}");
                assert_eq!(said["data"].get(name), None, "{time:?}");
            }
        }
    }
}

#[test]
fn a_trace_goes_along_if_it_is_one() {
    let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    for (given, sent) in [
        (Some(parent), Some(parent)),
        (Some("00-1\r\nNats-Rollup: all"), None),
        (None, None),
    ] {
        let wire = Wire {
            traceparent: given.map(str::to_owned),
            format: Format::CloudEvents,
            ..wire()
        };
        let record = record(1, Event::new(EventKind::Log, Role::System, "x"));
        let message = &messages(&header(), &record, &wire, SERVER)[0];
        let mut headers = vec![("content-type", "application/cloudevents+json".to_owned())];
        headers.extend(sent.map(|sent| ("traceparent", sent.to_owned())));
        assert_eq!(message.headers, headers);
        assert_eq!(
            parsed(message).get("traceparent").and_then(Value::as_str),
            sent
        );
    }
}

#[test]
fn an_envelope_holds_the_same_payload() {
    let record = record(2, Event::new(EventKind::Message, Role::Assistant, "Hello."));
    let plain = parsed(&messages(&header(), &record, &wire(), SERVER)[0]);
    let wire = Wire {
        format: Format::CloudEvents,
        ..wire()
    };
    let message = &messages(&header(), &record, &wire, SERVER)[0];
    assert_eq!(
        parsed(message),
        json!({
            "specversion": "1.0",
            "id": format!("{UID}-1-2"),
            "type": "ai.proompteng.agents.message.v1",
            "source": "/namespaces/agents/agentruns/fix-login-7",
            "subject": "claude-code",
            "time": TIME,
            "datacontenttype": "application/json",
            "data": plain,
        })
    );
    let row = subscriber::row(&message.subject, &message.payload);
    assert_eq!(row.expect("it reads envelopes").content, "Hello.");
}
