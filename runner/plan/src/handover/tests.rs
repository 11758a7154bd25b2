use proptest::prelude::*;
use serde_json::json;

use super::*;

fn said(line: &str) -> Event {
    event(line).expect("the line is not blank")
}

/// A line that is taken for a message.
fn is_message(line: &str) -> bool {
    said(line) == Event::new(EventKind::Message, Role::Assistant, line)
}

#[test]
fn an_object_with_kind_and_content_is_that_event() {
    for (name, kind) in [
        ("message", EventKind::Message),
        ("run-summary", EventKind::RunSummary),
        ("run-gaps", EventKind::RunGaps),
        ("run-next-prompt", EventKind::RunNextPrompt),
        ("swarm-handoff", EventKind::SwarmHandoff),
    ] {
        let line = json!({ "kind": name, "content": "a\nb", "attrs": { "prUrl": "https://h/1" } });
        let event = Event::new(kind, Role::Assistant, "a\nb").with("prUrl", "https://h/1");
        assert_eq!(said(&format!(" {line}\r")), event);
    }
    let bare = r#"{"kind":"run-gaps","content":"x","attrs":null,"more":1}"#;
    assert_eq!(
        said(bare),
        Event::new(EventKind::RunGaps, Role::Assistant, "x")
    );
}

#[test]
fn what_only_the_runner_knows_is_a_message() {
    for name in [
        "run-started",
        "run-outcome",
        "status",
        "error",
        "tool_call",
        "usage",
        "artifact",
        "log",
        "Run-Summary",
        "",
    ] {
        let line = json!({ "kind": name, "content": "Run succeeded", "attrs": { "exit_code": 0 } });
        assert!(is_message(&line.to_string()), "{name}");
    }
}

#[test]
fn any_other_text_is_a_message_and_nothing_is_lost() {
    for line in [
        "done",
        "{",
        "{}",
        "[]",
        r#"["run-summary","x",null]"#,
        r#""run-summary""#,
        r#"{"kind":"run-summary"}"#,
        r#"{"kind":"run-summary","content":" "}"#,
        r#"{"kind":"run-summary","content":["x"]}"#,
        r#"{"kind":"run-summary","content":"x"} trailing"#,
        r#"{"content":"x"}"#,
    ] {
        assert!(is_message(line), "{line}");
    }
}

#[test]
fn a_blank_line_is_nothing() {
    for line in ["", " \t", "\r", "\n"] {
        assert_eq!(event(line), None, "{line:?}");
    }
}

#[test]
fn attributes_beyond_the_bounds_are_counted() {
    let line =
        |attrs: Value| json!({ "kind": "message", "content": "x", "attrs": attrs }).to_string();
    let many = |number| -> Map<String, Value> {
        (0..number)
            .map(|index| (format!("k{index}"), json!(index)))
            .collect()
    };
    assert_eq!(said(&line(many(32).into())).attrs, many(32));
    let over = said(&line(many(40).into())).attrs;
    assert_eq!(over.len(), 32);
    assert_eq!(
        (&over["k30"], &over["attrsDropped"]),
        (&json!(30), &json!(9))
    );
    let large = json!({ "a": 1, "large": "x".repeat(9000), "b": 2 });
    assert_eq!(
        Value::Object(said(&line(large)).attrs),
        json!({ "a": 1, "b": 2, "attrsDropped": 1 })
    );
    assert_eq!(
        Value::Object(said(&line(json!(["x"]))).attrs),
        json!({ "attrs": ["x"] })
    );
}

#[test]
fn attributes_that_are_too_deep_for_a_reader_are_counted() {
    let nested = |depth| (1..depth).fold(json!([]), |inner, _| json!({ "in": inner }));
    let attrs = |depth| {
        let line = json!({ "kind": "message", "content": "x", "attrs": { "a": nested(depth) } });
        said(&line.to_string()).attrs
    };
    assert_eq!(attrs(MAX_DEPTH)["a"], nested(MAX_DEPTH));
    let dropped = json!({ "attrsDropped": 1 });
    for depth in [MAX_DEPTH + 1, 120] {
        assert_eq!(Value::Object(attrs(depth)), dropped, "{depth}");
    }
}

proptest! {
    #[test]
    fn no_line_is_an_event_of_the_runner(
        kind in "[a-z_-]{0,16}|run-outcome|status",
        content in "\\PC{0,20}",
        names in prop::collection::vec("\\PC{0,300}", 0..50),
        noise in "\\PC{0,6}",
    ) {
        let attrs: Map<String, Value> =
            names.iter().map(|name| (name.clone(), json!(name))).collect();
        let line = json!({ "kind": kind, "content": content, "attrs": attrs }).to_string();
        for line in [format!("{noise}{line}"), line] {
            let event = said(&line);
            prop_assert_eq!(event.role, Role::Assistant);
            prop_assert!(self::kind(event.kind.name()).is_some());
            prop_assert!(event.attrs.len() <= MAX_ATTRS);
            prop_assert!(Value::Object(event.attrs).to_string().len() <= MAX_ATTRS_BYTES);
        }
    }
}
