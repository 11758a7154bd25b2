//! What the agent hands over.

use std::fs;

use agent_tests::{NatsServer, Run};
use serde_json::json;

use crate::scan::{LOOKED_AT, see};
use crate::{MOUNTED, TWO_LINES, VALUE, printed, secretive, secrets, token, with_stream};

/// A run whose agent hands these bytes over.
fn handing(run: Run, bytes: &str) -> Run {
    fs::write(run.path("lines"), bytes).expect("the directory is ours");
    run.shell(&format!(
        "cat lines >> \"$AGENT_RUNNER_CONTEXT_FILE\"{LOOKED_AT}"
    ))
}

#[test]
fn no_content_and_no_line_that_is_handed_over_has_a_secret() {
    let nats = with_stream(NatsServer::new());
    let mut lines = String::new();
    for said in printed() {
        for kind in [
            "run-summary",
            "run-gaps",
            "run-next-prompt",
            "swarm-handoff",
            "message",
        ] {
            lines += &format!(
                "{}\n",
                json!({ "kind": kind, "content": format!("of {said}.") })
            );
        }
        // Forged, unknown, and none at all: messages with the text of the line.
        lines += &format!("{}\n", json!({ "kind": "status", "content": said }));
        lines += &format!(
            "{}\n",
            json!({ "kind": said, "content": "x", &*said: said })
        );
        lines += &format!("{}\n", json!([said]));
        lines += &format!(
            "{{\"kind\":\"message\",\"content\":\"torn {}\n",
            said.replace('\n', "\\n")
        );
    }
    for secret in [VALUE, MOUNTED, &token()] {
        lines += &format!("plain {secret} text\n");
    }
    lines += &format!("no newline: {VALUE}");
    let seen = see(
        &nats,
        handing(secretive(&nats), &lines),
        &["/lines", "/mounted"],
    );
    assert_eq!(seen.ended.code, 0, "{}", seen.ended.stderr);
    for (name, secret) in secrets() {
        seen.assert_nowhere(&secret);
        seen.assert_marked(name);
    }
    assert_eq!(seen.contents("swarm-handoff").len(), printed().len());
    assert_eq!(
        seen.contents("message").last(),
        Some(&"no newline: [REDACTED:SOME_API_KEY]")
    );
}

#[test]
fn no_attribute_that_is_handed_over_has_a_secret_in_its_value_or_its_name() {
    let nats = with_stream(NatsServer::new());
    let mut lines = String::new();
    for said in printed() {
        for attrs in [
            json!({ "value": said }),
            json!({ "nested": { "list": [said, { "value": said }] } }),
            json!({ "nested": { &*said: 1, "list": [{ &*said: null }] } }),
            json!({ &*said: "a name", "other": "stays" }),
            json!({ format!("before {said} after"): { &*said: said } }),
            json!([said]),
            json!(said),
        ] {
            let line = json!({ "kind": "run-summary", "content": "Done.", "attrs": attrs });
            lines += &format!("{line}\n");
        }
    }
    let seen = see(
        &nats,
        handing(secretive(&nats), &lines),
        &["/lines", "/mounted"],
    );
    assert_eq!(seen.ended.code, 0, "{}", seen.ended.stderr);
    for (name, secret) in secrets() {
        seen.assert_nowhere(&secret);
        seen.assert_marked(name);
    }
    let others = seen
        .messages
        .iter()
        .filter(|it| it.payload["attrs"]["other"] == "stays");
    assert!(
        others.count() >= printed().len(),
        "what is no secret is there"
    );
}

#[test]
fn a_secret_over_two_lines_of_a_content_is_redacted_and_over_two_lines_of_text_is_not() {
    let nats = with_stream(NatsServer::new());
    let whole = json!({ "kind": "run-gaps", "content": format!("it is {TWO_LINES}") });
    let lines = format!("{whole}\n{TWO_LINES}\nafter\n");
    let seen = see(
        &nats,
        handing(secretive(&nats), &lines),
        &["/lines", "/mounted"],
    );
    assert_eq!(seen.ended.code, 0, "{}", seen.ended.stderr);
    assert_eq!(
        seen.contents("run-gaps"),
        ["it is [REDACTED:SHARED_SECRET]"]
    );
    // Wrong: each line is looked at alone, and one of less than 16 bytes is no secret of its own.
    assert_eq!(
        seen.contents("message"),
        ["first-half", "other-half", "after"]
    );
}
