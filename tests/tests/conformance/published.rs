//! What the pod of a case leaves in the stream of a real server.

use std::fs;

use agent_tests::conformance::{Case, Pod};
use agent_tests::subscriber::{Row, assert_accepted, assert_complete, attempts_of_journal};
use agent_tests::{Nats, NatsServer};
use serde_json::{Value, json};

/// The stream of the real installation.
const STREAM: &str = "agent-comms";

/// What an agent may have in its environment because there is a server.
const NEW: [&str; 2] = ["NATS_URL", "AGENT_RUNNER_CONTEXT_FILE"];

/// A server that has the stream.
pub(crate) fn with_stream() -> Nats {
    let nats = NatsServer::new().start();
    nats.make_stream(STREAM, &["agentrun.>"]);
    nats
}

/// Checks that everything that the pod said is in the stream as the subscriber takes it, said by
/// the run of its payload.
#[track_caller]
pub(crate) fn assert_published(case: &Case, pod: &Pod, nats: &Nats) {
    let messages = nats.stream_messages(STREAM);
    let rows = assert_accepted(&messages);
    let journal = fs::read(pod.path("workspace/.agent/events.ndjson"));
    let said = attempts_of_journal(&journal.expect("the journal is beside the status"));
    assert!(matches!(said[..], [(1, 5..)]), "{said:?}");
    assert_complete(&messages, &said);
    let full = fs::read(pod.path("workspace/.agent/status.full.json")).expect("it is beside");
    let full: Value = serde_json::from_slice(&full).expect("it is JSON");
    for status in [&pod.ended.status, &full] {
        assert_eq!(status["events"]["mode"], "jetstream", "{status}");
        assert_eq!(status["events"]["acknowledged"], said[0].1, "{status}");
        assert_eq!(status["events"]["pending"], Value::Null, "{status}");
    }

    // As the controller mounted it.
    let payload = fs::read(pod.path("config/run.json")).expect("the case has a payload");
    let payload: Value = serde_json::from_slice(&payload).expect("it is JSON");
    for row in &rows {
        assert_is_of(row, &payload, case.env_of("AGENT_PROVIDER"));
    }
    let kind = |at: Option<&Row>| at.map(|row| row.kind.clone()).unwrap_or_default();
    assert_eq!(kind(rows.first()), "run-started");
    assert_eq!(kind(rows.last()), "status");
    let outcome = rows.iter().find(|row| row.kind == "run-outcome");
    let outcome = outcome.expect("a run says how it ended");
    assert_eq!(outcome.attrs["exit_code"], pod.ended.code);
    assert_eq!(outcome.attrs["status"], pod.ended.status["status"]);
}

/// Checks that a row is of the run of a payload.
#[track_caller]
fn assert_is_of(row: &Row, payload: &Value, provider: &str) {
    let run = &payload["agentRun"];
    let text = |value: &Value| value.as_str().map(str::to_owned);
    for name in ["uid", "name", "namespace"] {
        assert!(run[name].is_string(), "no `{name}` in {payload}");
    }
    assert_eq!(row.uid, text(&run["uid"]));
    assert_eq!(row.name, text(&run["name"]));
    assert_eq!(row.namespace, text(&run["namespace"]));
    assert_eq!(row.agent_id.as_deref(), Some(provider));
    assert_eq!(row.stage, text(&payload["stage"]));
    let vcs = &payload["vcs"];
    let issue = payload["issueNumber"].as_str();
    let issue = issue.and_then(|issue| issue.parse::<u64>().ok());
    let told = [
        ("repository", &vcs["repository"]),
        ("branch", &vcs["headBranch"]),
        ("issueNumber", &json!(issue)),
    ];
    for (name, value) in told {
        // A branch that there is none of is an empty text.
        let known = Some(value).filter(|value| !value.is_null() && *value != "");
        assert_eq!(row.attrs.get(name), known, "{name} of {row:?}");
    }
}

/// Checks that an environment is another but for what there is because of a server, and for
/// where the test has put the run.
#[track_caller]
pub(crate) fn assert_only_events_are_new(with: &Value, without: &Value) {
    let rest = |env: &Value| {
        let mut env = env
            .as_object()
            .cloned()
            .expect("an environment is an object");
        for name in NEW.iter().chain(&["TMPDIR", "PWD"]) {
            env.remove(*name);
        }
        env
    };
    for name in NEW {
        assert!(with[name].is_string(), "no `{name}` in {with}");
    }
    assert_eq!(rest(with), rest(without));
}
