//! What others read: the schema of an event, and the examples of the page about them.

use std::collections::BTreeSet;

use super::*;
use crate::outcome::Outcome;

const PAGE: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/events.md"));

/// Every name that a schema allows somewhere.
fn constants(schema: &Value, found: &mut BTreeSet<String>) {
    match schema {
        Value::Object(map) => {
            if let Some(Value::String(name)) = map.get("const") {
                found.insert(name.clone());
            }
            if let Some(Value::Array(names)) = map.get("enum") {
                found.extend(names.iter().filter_map(Value::as_str).map(str::to_owned));
            }
            map.values().for_each(|value| constants(value, found));
        }
        Value::Array(items) => items.iter().for_each(|item| constants(item, found)),
        _ => {}
    }
}

fn names(value: &Value) -> BTreeSet<String> {
    match value {
        Value::Object(map) => map.keys().cloned().collect(),
        Value::Array(items) => items
            .iter()
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect(),
        _ => BTreeSet::new(),
    }
}

#[test]
fn the_schema_of_an_event_says_what_a_journal_has() {
    let schema = schemars::schema_for!(Record).to_value();
    let bare = json!(record(1, Event::new(EventKind::Log, Role::System, "x")));
    let full = Event::tool_result(bash("x"), "y").with("a", 1);
    assert_eq!(names(&schema["properties"]), names(&json!(record(1, full))));
    assert_eq!(names(&schema["required"]), names(&bare));
    let mut allowed = BTreeSet::new();
    constants(&schema, &mut allowed);
    for name in [
        "run-started",
        "message_delta",
        "tool_call",
        "rate_limit",
        "artifact",
        "run-next-prompt",
        "swarm-handoff",
        "run-outcome",
        "assistant",
        "tool",
        "system",
    ] {
        assert!(allowed.contains(name), "{name} is not in {allowed:?}");
    }
}

#[test]
fn the_page_has_what_is_published() {
    let result = Tool {
        ok: Some(true),
        exit_code: Some(0),
        ..bash("cargo test")
    };
    let result = record(4, Event::tool_result(result, "42 passed; 0 failed"));
    // What the shell says of a decision, in its order: `run::told`.
    let outcome = Event::new(EventKind::RunOutcome, Role::System, "Run succeeded in 26m")
        .with("status", "succeeded")
        .with("exit_code", 0)
        .with("outcome", json!(Outcome::Completed))
        .with("reason", "Completed")
        .with("decision", "pass")
        .with("durationMs", 1_572_000);
    let outcome = &messages(&header(), &record(12, outcome), &wire(), SERVER)[1];
    let cloud = Wire {
        format: Format::CloudEvents,
        ..wire()
    };
    let mut cloud = parsed(&messages(&header(), &result, &cloud, SERVER)[0]);
    let plain = &messages(&header(), &result, &wire(), SERVER)[0];
    assert_eq!(cloud["data"], parsed(plain));
    // The page has the payload once.
    cloud["data"] = json!({});
    for example in [&parsed(plain), &parsed(outcome)["attrs"], &cloud] {
        let text = serde_json::to_string_pretty(example).expect("it was JSON");
        assert!(PAGE.contains(&text), "docs/events.md should have:\n{text}");
    }
    for subject in [&plain.subject, &outcome.subject] {
        assert!(PAGE.contains(subject.as_str()), "{subject}");
    }
}
