//! What the agent prints.

use std::fs;

use agent_tests::{NatsServer, Run};
use serde_json::{Value, json};

use crate::scan::{LOOKED_AT, Seen, see, see_end};
use crate::{MOUNTED, TWO_LINES, VALUE, printed, secretive, secrets, token, with_stream};

#[track_caller]
fn assert_clean(seen: &Seen) {
    for (name, secret) in secrets() {
        seen.assert_nowhere(&secret);
        seen.assert_marked(name);
    }
}

#[test]
fn what_is_printed_has_no_secret_in_any_form() {
    let nats = with_stream(NatsServer::new());
    let run = secretive(&nats);
    let lines: Vec<_> = (printed().iter())
        .map(|form| format!("<{form}> and more\n"))
        .collect();
    let lines = lines.concat();
    fs::write(run.path("forms"), lines).expect("the directory is ours");
    let script = r#"
cat forms; cat forms >&2
cat mounted; cat mounted >&2
printf 'out %s\n' "$SOME_API_KEY"
printf 'err %s\n' "$SOME_API_KEY" >&2
printf 'no newline: %s' "$SOME_API_KEY"
printf 'no newline: %s' "$SHARED_SECRET" >&2
"#;
    let run = run.shell(&format!("{script}{LOOKED_AT}"));
    let seen = see(&nats, run, &["/forms", "/mounted"]);
    assert_eq!(seen.ended.code, 0, "{}", seen.ended.stderr);
    assert_clean(&seen);
    let logs = seen.contents("log");
    for wanted in [
        "out [REDACTED:SOME_API_KEY]",
        "err [REDACTED:SOME_API_KEY]",
        "no newline: [REDACTED:SOME_API_KEY]",
        "no newline: [REDACTED:SHARED_SECRET]",
        "[REDACTED:DB_PASSWORD_FILE]",
    ] {
        assert!(logs.contains(&wanted), "`{wanted}`: {logs:#?}");
    }
}

#[test]
fn a_secret_that_is_printed_in_pieces_is_in_no_event() {
    let nats = with_stream(NatsServer::new());
    let mut steps: Vec<String> = Vec::new();
    let all = [VALUE, MOUNTED, TWO_LINES, &token()].map(str::to_owned);
    let run = secretive(&nats);
    for (number, secret) in all.iter().enumerate() {
        for at in [1, secret.len() / 2, secret.len() - 1] {
            let names = ["a", "b"].map(|half| format!("half-{number}-{at}-{half}"));
            fs::write(run.path(&names[0]), format!("<{}", &secret[..at])).expect("it is ours");
            fs::write(run.path(&names[1]), format!("{}>\n", &secret[at..])).expect("it is ours");
            let [first, second] = names;
            // So that the two halves are two reads of ours.
            let of_steps = ["cat", &first, "sleep", "5", "cat", &second];
            steps.extend(of_steps.map(str::to_owned));
        }
    }
    steps.extend(["write".to_owned(), "the end".to_owned()]);
    let halves: Vec<String> = (0..all.len())
        .map(|number| format!("half-{number}-"))
        .collect();
    let run = run.agent(steps);
    let given = fs::read_dir(run.dir()).expect("it is ours").flatten();
    let given: Vec<String> = given
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .filter(|name| name == "mounted" || halves.iter().any(|half| name.starts_with(half)))
        .collect();
    let given: Vec<&str> = given.iter().map(String::as_str).collect();
    let seen = see_end(&nats, run, &given);
    assert_eq!(seen.ended.code, 0, "{}", seen.ended.stderr);
    assert_clean(&seen);
    let logs = seen.contents("log");
    for (name, _) in secrets() {
        let mark = format!("<[REDACTED:{name}]>");
        assert_eq!(
            logs.iter().filter(|log| **log == mark).count(),
            3,
            "{mark}: {logs:#?}"
        );
    }
    assert_eq!(logs.last(), Some(&"the end"));
}

#[test]
fn a_long_line_is_cut_behind_the_redactor() {
    let nats = with_stream(NatsServer::new());
    let run = secretive(&nats);
    // Parts of a line have 64 KiB: the secret is where one ends.
    let mut text = String::new();
    for shift in 0..VALUE.len() {
        text += &format!("{}{VALUE}\n", "x".repeat((64 << 10) - shift));
    }
    fs::write(run.path("long"), &text).expect("the directory is ours");
    let seen = see_end(&nats, run.agent(["cat", "long"]), &["/long", "/mounted"]);
    seen.assert_nowhere(VALUE);
    let whole = seen.contents("log").concat().replace('x', "");
    assert_eq!(whole, "[REDACTED:SOME_API_KEY]".repeat(VALUE.len()));
}

/// A run of an agent that speaks our own events.
fn speaking(run: Run, lines: &[Value], last: &Value) -> Run {
    let lines: Vec<_> = lines.iter().map(|line| format!("{line}\n")).collect();
    let lines = lines.concat();
    fs::write(run.path("lines"), lines).expect("the directory is ours");
    fs::write(run.path("last"), last.to_string()).expect("the directory is ours");
    run.setting("protocol", json!("jsonl"))
        .shell(&format!("cat lines{LOOKED_AT}; cat last"))
}

#[test]
fn no_field_of_an_event_of_the_agents_has_a_secret() {
    let nats = with_stream(NatsServer::new());
    let mut lines = Vec::new();
    for said in printed() {
        let said = format!("of {said} it is");
        lines.extend([
                json!({ "kind": "message", "content": said, "role": said, "attrs": { &*said: said } }),
                json!({ "kind": "tool_call", "content": said, "tool": said, "id": said, "title": said }),
                json!({ "kind": "tool_result", "content": said, "tool": said, "id": said, "title": said }),
                json!({ "kind": said, "content": said }),
                json!({ &*said: said }),
                json!(said),
            ]);
    }
    let words = format!("failed with {VALUE} and {TWO_LINES}");
    let last = json!({ "kind": "run-outcome", "status": "failed", "content": words, "reason": VALUE, "outcome": VALUE });
    let run = speaking(secretive(&nats), &lines, &last);
    let seen = see(&nats, run, &["/lines", "/last", "/mounted"]);
    assert_eq!(seen.ended.outcome(), "AgentFailed", "{}", seen.ended.stderr);
    assert_clean(&seen);
    let count = lines.len() / 6;
    for kind in ["message", "tool_call", "tool_result"] {
        assert_eq!(seen.contents(kind).len(), count, "{kind}");
    }
    let told = "failed with [REDACTED:SOME_API_KEY] and [REDACTED:SHARED_SECRET]";
    assert_eq!(seen.contents("error"), [told]);
}

#[test]
fn a_secret_that_looks_like_a_reason_is_none_of_an_outcome() {
    let nats = with_stream(NatsServer::new());
    let secret = "CorrectHorseBatteryStaple";
    let last = json!({ "kind": "run-outcome", "status": "failed", "reason": secret });
    let run = speaking(secretive(&nats).env("A_PASSWORD", secret), &[], &last);
    let seen = see(&nats, run, &["/last", "/mounted"]);
    seen.assert_nowhere(secret);
    seen.assert_marked("A_PASSWORD");
}

#[test]
fn a_content_that_is_cut_in_a_secret_has_no_part_of_it() {
    let nats = with_stream(NatsServer::new());
    // A session cuts what is longer than a MiB.
    let mut lines = Vec::new();
    for shift in [PART, VALUE.len() - 1] {
        let long = format!(
            "{} {VALUE} {}",
            "x".repeat((1 << 20) - 1 - shift),
            "y".repeat(100)
        );
        lines.push(json!({ "kind": "message", "content": long }));
        lines.push(json!({ "kind": "tool_call", "tool": "Bash", "content": long }));
    }
    let last = json!({ "kind": "run-outcome", "status": "succeeded" });
    let run = speaking(secretive(&nats), &lines, &last);
    let seen = see(&nats, run, &["/lines", "/mounted"]);
    assert_eq!(seen.contents("message").len(), 2, "{}", seen.ended.stderr);
    seen.assert_nowhere(VALUE);
}

/// So much of a secret is before the cut.
const PART: usize = 12;
