//! What of an agent's output becomes an event, and what does not.

use agent_tests::{Ended, NatsServer, Run};
use serde_json::{Value, json};

use crate::streamed::{STREAM, assert_streamed, records, run_at, text, with_stream};

/// What was said, as kind, stream and content; without the runner's own words.
fn said(records: &[Value]) -> Vec<(&str, &str, &str)> {
    let of_agent =
        |record: &&Value| !["run-started", "status", "run-outcome"].contains(&text(record, "kind"));
    let mut said: Vec<_> = records
        .iter()
        .filter(of_agent)
        .map(|record| {
            let stream = record["attrs"]["stream"].as_str().unwrap_or_default();
            (text(record, "kind"), stream, text(record, "content"))
        })
        .collect();
    // Two streams have no order between them.
    said.sort_unstable();
    said
}

#[track_caller]
fn ended(run: Run) -> Ended {
    let ended = run.end();
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    ended
}

#[test]
fn every_line_of_output_is_an_event_that_names_its_stream() {
    let nats = with_stream(NatsServer::new());
    let ended =
        ended(run_at(&nats.url()).agent(["print", "out", "eprint", "err", "write", "rest"]));
    let wanted = [
        ("log", "stderr", "err"),
        ("log", "stdout", "out"),
        ("log", "stdout", "rest"),
    ];
    let messages = assert_streamed(&nats, &ended);
    assert_eq!(said(&records(&ended)), wanted);
    let log = messages.iter().find(|it| it.payload["kind"] == "log");
    assert_eq!(log.expect("there is one").payload["role"], "system");
}

/// An agent of our own protocol, among whose events are other lines.
fn jsonl(url: &str) -> Run {
    let lines = [
        json!({"kind": "message", "content": "said"}).to_string(),
        json!({"kind": "tool_call", "tool": "Bash", "content": "ls"}).to_string(),
        json!({"kind": "strange", "content": "x"}).to_string(),
        "plain".to_owned(),
        json!({"kind": "run-outcome", "status": "succeeded"}).to_string(),
    ];
    let steps = lines
        .into_iter()
        .flat_map(|line| ["print".to_owned(), line]);
    run_at(url).agent(steps).setting("protocol", json!("jsonl"))
}

#[test]
fn an_agent_s_own_events_are_no_lines_of_output() {
    let nats = with_stream(NatsServer::new());
    let ended = ended(jsonl(&nats.url()));
    assert_streamed(&nats, &ended);
    let wanted = [
        ("log", "stdout", "plain"),
        ("log", "stdout", r#"{"kind":"strange","content":"x"}"#),
        ("message", "", "said"),
        ("tool_call", "", "ls"),
    ];
    let records = records(&ended);
    let mut found = said(&records);
    let content = |kind: &str| records.iter().find(|it| it["kind"] == kind);
    let call = content("tool_call").expect("it is an event");
    assert_eq!(call["tool"]["name"], "Bash");
    assert_eq!(call["tool"]["title"], "ls");
    // A call has its words in the tool, and more only if there are any.
    for (kind, _, content) in &mut found {
        if *kind == "tool_call" {
            *content = "ls";
        }
    }
    found.sort_unstable();
    let mut wanted = wanted;
    wanted.sort_unstable();
    assert_eq!(found, wanted);
}

#[test]
fn without_output_only_the_agent_s_own_events_are_said() {
    let nats = with_stream(NatsServer::new());
    let ended = ended(jsonl(&nats.url()).setting("events/output", json!(false)));
    assert_streamed(&nats, &ended);
    let kinds: Vec<_> = records(&ended)
        .iter()
        .map(|it| text(it, "kind").to_owned())
        .collect();
    assert!(!kinds.iter().any(|kind| kind == "log"), "{kinds:?}");
    assert!(kinds.iter().any(|kind| kind == "message"), "{kinds:?}");
    // What is no event is output all the same.
    let log = String::from_utf8_lossy(&ended.log);
    assert!(log.contains("plain"), "{log}");
}

#[test]
fn without_sinks_nothing_is_published_and_the_journal_is_there() {
    let nats = with_stream(NatsServer::new());
    let heard = nats.listen(">");
    let run = jsonl(&nats.url()).setting("events/sinks", json!(["none"]));
    let ended = ended(run);
    assert_eq!(nats.count(STREAM), 0);
    // The test's own questions are all that this server was ever asked.
    let strange = heard
        .messages()
        .into_iter()
        .find(|it| it.subject.starts_with("agentrun"));
    assert_eq!(strange, None);
    assert!(!nats.log().contains("agent-runner"));
    let records = records(&ended);
    let events = &ended.full["events"];
    assert_eq!(events["mode"], "off");
    assert_eq!(events["emitted"], records.len());
    for name in ["acknowledged", "pending", "unconfirmed", "problem"] {
        assert_eq!(events[name], Value::Null, "{name}");
    }
    // Nobody reads lines of output, so they stay in the log.
    assert!(records.iter().any(|it| it["kind"] == "message"));
    assert!(!records.iter().any(|it| it["kind"] == "log"));
}

#[test]
fn without_a_server_events_are_in_the_journal_only() {
    let ended = ended(Run::new().agent(["print", "hello"]));
    assert_eq!(ended.full["events"]["mode"], "off");
    let records = records(&ended);
    let kinds: Vec<_> = records.iter().map(|it| text(it, "kind")).collect();
    assert_eq!(
        kinds,
        ["run-started", "status", "status", "run-outcome", "status"]
    );
}
