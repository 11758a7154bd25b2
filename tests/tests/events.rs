//! What a run says is in the stream: every event once, in order, as subscribers read it.

#[path = "events/fallback.rs"]
mod fallback;
#[path = "events/hostile.rs"]
mod hostile;
#[path = "events/identity.rs"]
mod identity;
#[path = "events/lines.rs"]
mod lines;
#[path = "events/stdout.rs"]
mod stdout;
#[path = "events/streamed.rs"]
mod streamed;

use agent_tests::{NatsServer, assert_ends, ends};
use serde_json::json;

use streamed::{assert_is_the_journal, assert_streamed, run_at, text, with_stream};

/// An agent that says something in every way that it can.
const TALKATIVE: &str = r#"
echo '{"kind":"message","content":"I will look."}'
echo '{"kind":"tool_call","tool":"Bash","content":"cargo test"}'
echo '{"kind":"tool_result","tool":"Bash","content":"42 passed"}'
echo 'not an event'
echo 'nor this' >&2
echo '{"kind":"run-summary","content":"Done."}' >> "$AGENT_RUNNER_CONTEXT_FILE"
echo '{"kind":"run-gaps","content":"Not all.","attrs":{"missingItems":["a"]}}' >> "$AGENT_RUNNER_CONTEXT_FILE"
"#;

#[test]
fn every_event_is_in_the_stream_once_and_in_order_and_in_the_journal() {
    let nats = with_stream(NatsServer::new());
    let ended = run_at(&nats.url())
        .shell(&format!(
            "{TALKATIVE} echo '{{\"kind\":\"run-outcome\",\"status\":\"succeeded\"}}'"
        ))
        .setting("protocol", json!("jsonl"))
        .end();
    assert_ends("talkative", &ended, &ends(0, "Completed", "Reported"));
    let messages = assert_streamed(&nats, &ended);
    for kind in [
        "run-started",
        "message",
        "tool_call",
        "tool_result",
        "log",
        "run-summary",
        "run-gaps",
        "run-outcome",
        "status",
    ] {
        let found = messages
            .iter()
            .any(|message| message.payload["kind"] == kind);
        assert!(found, "no {kind}");
    }
}

#[test]
fn the_last_words_say_how_it_ended_whatever_the_code() {
    for (code, word, decision) in [(0, "succeeded", "pass"), (3, "failed", "fail")] {
        let nats = with_stream(NatsServer::new());
        let ended = run_at(&nats.url()).agent(["exit", &code.to_string()]).end();
        assert_eq!(ended.code, code, "{}", ended.stderr);
        let messages = assert_streamed(&nats, &ended);
        let rows = agent_tests::subscriber::assert_accepted(&messages);
        let [.., outcome, copy, last] = &rows[..] else {
            panic!("{rows:?}");
        };
        for row in [outcome, copy] {
            assert_eq!((&*row.kind, &*row.role), ("run-outcome", "system"));
            // The subscriber loses a 0 anywhere else.
            assert_eq!(row.attrs["exit_code"], code);
            assert_eq!(row.attrs["status"], word);
            assert_eq!(row.attrs["decision"], decision);
        }
        assert_eq!(
            (&*last.kind, &last.attrs["status"]),
            ("status", &json!(word))
        );
        assert_eq!(last.attrs["phase"], "end");
        let errors = rows.iter().filter(|row| row.kind == "error").count();
        assert_eq!(errors, usize::from(code != 0));
    }
}

#[test]
fn thousands_of_events_keep_their_order() {
    let nats = with_stream(NatsServer::new());
    let ended = run_at(&nats.url())
        .shell("i=0; while [ $i -lt 3000 ]; do echo \"line $i\"; i=$((i+1)); done")
        .end();
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let messages = assert_streamed(&nats, &ended);
    let logs = messages.iter().filter(|it| it.payload["kind"] == "log");
    let said: Vec<_> = logs
        .map(|it| text(&it.payload, "content").to_owned())
        .collect();
    let wanted: Vec<_> = (0..3000).map(|number| format!("line {number}")).collect();
    assert_eq!(said, wanted);
}

#[test]
fn an_installation_of_the_old_prefix_gets_its_subjects_and_names() {
    let nats = NatsServer::new().start();
    nats.make_stream(streamed::STREAM, &["workflow.>"]);
    let ended = run_at(&nats.url())
        .agent(["print", "hello"])
        .env("NATS_SUBJECT_PREFIX", "workflow")
        .env("AGENT_RUN_STEP", "step-1")
        .end();
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let mut messages = nats.stream_messages(streamed::STREAM);
    assert_is_the_journal(&messages, &ended);
    let subject = "workflow.agents.fix-7.uid-1.agent.fake.run-started";
    assert_eq!(messages[0].subject, subject);
    assert_eq!(messages[1].subject, "workflow.general.run-started");
    for message in &mut messages {
        for (name, value) in [
            ("uid", "uid-1"),
            ("name", "fix-7"),
            ("namespace", "agents"),
            ("step", "step-1"),
        ] {
            assert_eq!(message.payload[format!("workflow_{name}")], value);
            assert_eq!(message.payload[format!("agent_run_{name}")], value);
        }
        // The rules are the same but for what a subject begins with.
        message.subject = message.subject.replacen("workflow.", "agentrun.", 1);
    }
    agent_tests::subscriber::assert_accepted(&messages);
}

#[test]
fn cloud_events_wrap_the_same_payload() {
    let nats = with_stream(NatsServer::new());
    let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let ended = run_at(&nats.url())
        .agent(["print", "hello"])
        .setting("events/format", json!("cloudevents"))
        .env("TRACEPARENT", trace)
        .end();
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let mut messages = nats.stream_messages(streamed::STREAM);
    assert!(messages.len() > 5);
    // The subscriber takes them as they are, and stores what it would have got without an envelope.
    let stored = agent_tests::subscriber::assert_accepted(&messages);
    for message in &mut messages {
        let type_ = Some("application/cloudevents+json");
        assert_eq!(message.header("content-type"), type_);
        let envelope = std::mem::take(&mut message.payload);
        let data = &envelope["data"];
        let kind = text(data, "kind");
        let id = message.header("Nats-Msg-Id");
        assert_eq!(envelope["id"].as_str(), id);
        assert_eq!(data["message_id"].as_str(), id);
        let wanted = json!({
            "specversion": "1.0", "id": id, "type": format!("ai.proompteng.agents.{kind}.v1"),
            "source": "/namespaces/agents/agentruns/fix-7", "subject": "fake",
            "time": data["timestamp"], "datacontenttype": "application/json",
            "traceparent": trace, "data": data,
        });
        assert_eq!(envelope, wanted);
        message.payload = data.clone();
        message.bytes = data.to_string().into();
        for header in &mut message.headers {
            if header.0.eq_ignore_ascii_case("content-type") {
                header.1 = "application/json".to_owned();
            }
        }
    }
    let without = agent_tests::subscriber::assert_accepted(&messages);
    assert_eq!(stored, without);
    assert_is_the_journal(&messages, &ended);
}

#[test]
fn every_message_says_which_trace_it_belongs_to() {
    let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    for (given, wanted) in [(trace, Some(trace)), ("no\r\ntrace: 1", None)] {
        let nats = with_stream(NatsServer::new());
        let ended = run_at(&nats.url()).env("TRACEPARENT", given).end();
        assert_eq!(ended.code, 0, "{}", ended.stderr);
        for message in assert_streamed(&nats, &ended) {
            assert_eq!(message.header("traceparent"), wanted);
            assert_eq!(message.header("trace"), None);
        }
    }
}

#[test]
fn the_provider_s_template_names_the_server() {
    let nats = with_stream(NatsServer::new());
    let nobody = "nats://127.0.0.1:1";
    let ended = run_at(nobody)
        .agent(["print", "hello"])
        .spec(
            "/adapter/exec/envTemplate",
            json!({ "NATS_URL": nats.url() }),
        )
        .end();
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert_streamed(&nats, &ended);
}
