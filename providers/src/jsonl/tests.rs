use serde_json::json;

use super::*;

fn finish(line: &str) -> Verdict {
    match Jsonl::default().on_line(line).as_slice() {
        [Action::Finish(verdict)] => verdict.clone(),
        other => panic!("no verdict in {other:?}"),
    }
}

#[test]
fn the_outcome_line_is_the_verdict() {
    assert_eq!(
        finish(r#"{"kind":"run-outcome","status":"succeeded"}"#).outcome,
        Outcome::Completed
    );
    let limited = finish(
        r#"{"kind":"run-outcome","status":"failed","outcome":"RateLimited","content":"usage limit"}"#,
    );
    assert_eq!(
        (limited.outcome, limited.message.as_deref()),
        (Outcome::RateLimited, Some("usage limit"))
    );
}

#[test]
fn a_failure_cannot_call_itself_completed() {
    assert_eq!(
        finish(r#"{"kind":"run-outcome","outcome":"Completed"}"#).outcome,
        Outcome::AgentFailed
    );
    assert_eq!(
        finish(r#"{"kind":"run-outcome","status":"failed","outcome":"Nonsense"}"#).outcome,
        Outcome::AgentFailed
    );
}

#[test]
fn an_agent_claims_only_what_it_can_know() {
    let claimed = |outcome: &str| {
        let line = format!(
            r#"{{"kind":"run-outcome","status":"failed","outcome":"{outcome}","reason":"Said"}}"#
        );
        finish(&line).outcome
    };
    for known in CLAIMABLE {
        assert_eq!(claimed(&format!("{known:?}")), known);
    }
    for other in agent_plan::outcome::ENDINGS {
        if !CLAIMABLE.contains(&other.outcome) {
            let name = format!("{:?}", other.outcome);
            assert_eq!(claimed(&name), Outcome::AgentFailed, "{name}");
        }
    }
}

#[test]
fn a_reason_is_a_camel_case_word_or_ours() {
    let reason = |reason: &str| {
        finish(&serde_json::json!({ "kind": "run-outcome", "reason": reason }).to_string()).reason
    };
    let longest = "R".repeat(REASON_LIMIT);
    for good in ["UsageLimit5h", "X", &longest] {
        assert_eq!(reason(good), good);
    }
    let longer = "R".repeat(REASON_LIMIT + 1);
    for bad in [
        "",
        "two words",
        "lower",
        "snake_case",
        "Ümlaut",
        "Line\n",
        &longer,
    ] {
        assert_eq!(reason(bad), "Reported", "{bad}");
    }
}

#[test]
fn a_message_is_bounded() {
    let content = "ü".repeat(MESSAGE_LIMIT + 1);
    let line = serde_json::json!({ "kind": "run-outcome", "content": content }).to_string();
    let message = finish(&line).message.expect("there is one");
    assert_eq!(message.chars().count(), MESSAGE_LIMIT);
    assert!(message.ends_with("..."));
}

#[test]
fn tools_are_counted_and_other_lines_are_ordinary_output() {
    let mut session = Jsonl::default();
    assert_eq!(session.on_line(r#"{"kind":"tool_result"}"#), []);
    let mut emitted = |line: &str| match session.on_line(line).as_slice() {
        [Action::Emit(event)] => event.clone(),
        other => panic!("no event in {other:?}"),
    };
    let call = emitted(r#"{"kind":"tool_call","tool":"shell","content":"ls"}"#);
    let tool = call.tool.expect("it is about a tool");
    assert_eq!((tool.name.as_str(), tool.title.as_str()), ("shell", "ls"));
    let result = emitted(r#"{"kind":"tool_result","content":"src"}"#);
    assert_eq!(
        (result.kind, result.content.as_str()),
        (EventKind::ToolResult, "src")
    );
    assert_eq!(session.report().usage.tool_calls, 1);
    for line in [
        "",
        "plain",
        "[1]",
        r#"{"kind":"new"}"#,
        r#"{"kind":5}"#,
        "{",
    ] {
        assert_eq!(session.on_line(line), [], "{line}");
    }
}

#[test]
fn what_is_said_is_bounded() {
    let line = format!(
        "{{\"kind\":\"message\",\"content\":\"{}\"}}",
        "a".repeat(9 << 20)
    );
    let said = Jsonl::default().on_line(&line);
    let Action::Emit(said) = &said[0] else {
        panic!("it says something: {}", said.len());
    };
    assert!(said.content.ends_with("a\n[cut: 1048576 bytes more]"));
    assert_eq!(said.attrs["cut"], 9 << 20);
}

#[test]
fn a_tool_has_a_title_of_one_line_and_what_it_was_given() {
    let mut session = Jsonl::default();
    let mut told = |line: serde_json::Value| match session.on_line(&line.to_string()).remove(0) {
        Action::Emit(event) => event,
        other => panic!("no event: {other:?}"),
    };
    let mut titled = |line| {
        let event = told(line);
        let tool = event.tool.expect("it is about a tool");
        (tool.title, event.content, event.attrs)
    };
    let (title, content, attrs) = titled(json!({
        "kind": "tool_call", "content": "\ncat <<E\nmore", "input": {"command": "cat"},
    }));
    assert_eq!(
        (title.as_str(), content.as_str()),
        ("cat <<E", "\ncat <<E\nmore")
    );
    assert_eq!(attrs["input"], json!({"command": "cat"}));
    let (title, content, attrs) = titled(json!({
        "kind": "tool_call", "title": "a title", "content": "ls", "input": "no object",
    }));
    assert_eq!((title.as_str(), content.as_str()), ("a title", "ls"));
    assert!(attrs.is_empty());
    let (title, content, _) = titled(json!({"kind": "tool_call", "content": "ls"}));
    assert_eq!((title.as_str(), content.as_str()), ("ls", ""));
    let (title, content, attrs) = titled(json!({
        "kind": "tool_result", "content": "42 passed", "input": {"command": "cat"},
    }));
    assert_eq!((title.as_str(), content.as_str()), ("", "42 passed"));
    assert!(attrs.is_empty());
}
