//! Tools that begin and do not end, and texts without an end.

use super::*;

fn search(event: &str, id: &str) -> Value {
    item(
        event,
        &json!({"id": id, "type": "web_search", "query": "rust"}),
    )
}

/// The ids of the tools that ended, each with how.
fn ended(actions: &[Action]) -> Vec<(&str, Option<bool>)> {
    let tools = events(actions, EventKind::ToolResult);
    let tools = tools.iter().filter_map(|event| event.tool.as_ref());
    tools.map(|tool| (tool.id.as_str(), tool.ok)).collect()
}

#[test]
fn a_tool_ends_when_codex_connects_anew() {
    for words in [
        "Reconnecting... 1/5 (stream disconnected before completion)",
        "Reconnecting... waiting for network (no route)",
    ] {
        let mut session = CodexExec::default();
        fed(&mut session, &[turn(), search("started", "a")]);
        let actions = fed(&mut session, &[error(words)]);
        assert_eq!(ended(&actions), [("a", Some(false))], "{words}");
        assert_eq!(ended(&fed(&mut session, &[error(words)])), [], "{words}");
    }
}

#[test]
fn a_tool_ends_with_its_turn_and_before_the_verdict() {
    for end in [completed(1), failed("no")] {
        let mut session = CodexExec::default();
        fed(&mut session, &[turn(), search("started", "a")]);
        let actions = fed(&mut session, &[end]);
        assert_eq!(ended(&actions), [("a", Some(false))]);
        assert!(matches!(actions.last(), Some(Action::Finish(_))));
    }
}

#[test]
fn a_tool_that_ends_after_its_turn_is_told_as_a_log() {
    let mut session = CodexExec::default();
    fed(
        &mut session,
        &[turn(), search("started", "a"), completed(1)],
    );
    let actions = fed(&mut session, &[search("completed", "a")]);
    assert_eq!(events(&actions, EventKind::Log).len(), 1);
    assert_eq!((ended(&actions), actions.len()), (Vec::new(), 1));
    assert_eq!(session.report().usage.tool_calls, 1);
}

#[test]
fn of_tools_without_an_end_the_oldest_are_ended_and_all_are_counted() {
    let mut session = CodexExec::default();
    let starts: Vec<Value> = (0..5000)
        .map(|id| search("started", &format!("i{id}")))
        .collect();
    let actions = fed(&mut session, &starts);
    assert_eq!(session.report().usage.tool_calls, 5000);
    let told = ended(&actions);
    assert_eq!(told.len(), 5000 - 1024);
    assert_eq!(told[0], ("i0", Some(false)));
    let rest = fed(&mut session, &[completed(1)]);
    assert_eq!(ended(&rest).len(), 1024);
    assert!(!format!("{session:?}").contains("i100\""));
}

#[test]
fn long_texts_are_cut() {
    let mut session = CodexExec::default();
    let long = "a".repeat(9 << 20);
    let command = json!({"id": "c", "type": "command_execution", "command": "x",
        "aggregated_output": long, "exit_code": 0, "status": "completed"});
    let reasoning = json!({"id": "r", "type": "reasoning", "text": long});
    let lines = [
        turn(),
        item("completed", &command),
        item("completed", &reasoning),
        message(&long),
        completed(1),
    ];
    let actions = fed(&mut session, &lines);
    for kind in [
        EventKind::ToolResult,
        EventKind::Reasoning,
        EventKind::Message,
    ] {
        let said = &events(&actions, kind)[0].content;
        assert!(said.ends_with("a\n[cut: 1048576 bytes more]"), "{kind:?}");
        assert_eq!(events(&actions, kind)[0].attrs["cut"], 9 << 20);
    }
    let result = session.report().result.as_deref().unwrap_or_default();
    assert!(result.ends_with("[cut: 8388608 bytes more]"));
}

#[test]
fn names_of_tools_are_cut() {
    let mut session = CodexExec::default();
    let long = "a".repeat(1 << 20);
    let call = json!({"id": long, "type": "collab_tool_call", "tool": long});
    let actions = fed(&mut session, &[item("started", &call)]);
    let tool = events(&actions, EventKind::ToolCall)[0]
        .tool
        .clone()
        .expect("it is one");
    assert!(tool.id.len() + tool.name.len() < 1000);
    assert_eq!(
        ended(&fed(&mut session, &[item("completed", &call)]))[0].0,
        tool.id
    );
}

#[test]
fn a_call_has_what_the_tool_was_given() {
    let mut session = CodexExec::default();
    let mut input = |mut call: Value| {
        call["id"] = json!("i");
        let actions = fed(&mut session, &[item("completed", &call)]);
        let call = events(&actions, EventKind::ToolCall)[0];
        let result = events(&actions, EventKind::ToolResult)[0];
        assert_eq!(result.attrs.get("input"), None);
        call.attrs.get("input").cloned().unwrap_or_default()
    };
    let changes = json!([{"kind": "add", "path": "a"}]);
    for (call, wanted) in [
        (
            json!({"type": "command_execution", "command": "ls"}),
            json!({"command": "ls"}),
        ),
        (
            json!({"type": "file_change", "changes": changes}),
            json!({"changes": changes}),
        ),
        (
            json!({"type": "mcp_tool_call", "arguments": {"a": [1]}}),
            json!({"a": [1]}),
        ),
        (
            json!({"type": "mcp_tool_call", "arguments": [1]}),
            json!({"arguments": [1]}),
        ),
        (
            json!({"type": "web_search", "query": "q"}),
            json!({"query": "q"}),
        ),
        (
            json!({"type": "collab_tool_call", "prompt": "p"}),
            json!({"prompt": "p"}),
        ),
        (json!({"type": "command_execution"}), Value::Null),
    ] {
        assert_eq!(input(call), wanted);
    }
}
