//! What a server without measure makes us remember.

use agent_plan::event::EventKind;

use super::*;

fn command(id: &str) -> Value {
    json!({"item": {"id": id, "type": "commandExecution", "command": "ls"}})
}

fn of_kind(actions: &[Action], kind: EventKind) -> Vec<&Event> {
    let mut events = told(actions);
    events.retain(|event| event.kind == kind);
    events
}

#[test]
fn of_tools_without_an_end_the_oldest_are_ended_and_all_are_counted() {
    let mut talk = Talk::in_turn(&plan());
    for id in 0..5000 {
        talk.notified("item/started", command(&format!("i{id}")));
    }
    assert_eq!(of_kind(&talk.actions, EventKind::ToolCall).len(), 5000);
    let ended = of_kind(&talk.actions, EventKind::ToolResult);
    assert_eq!(ended.len(), 5000 - 1024);
    let first = ended[0].tool.as_ref().expect("it is one");
    assert_eq!((first.id.as_str(), first.ok), ("i0", Some(false)));
    let actions = talk.turn_ends("u1", "completed");
    assert_eq!(of_kind(&actions, EventKind::ToolResult).len(), 1024);
    assert_eq!(talk.session.report().usage.tool_calls, 5000);
    assert!(!format!("{:?}", talk.session).contains("i100\""));
}

#[test]
fn the_tokens_of_many_threads_are_all_counted() {
    let mut talk = Talk::in_turn(&plan());
    let tells = |talk: &mut Talk, thread: usize, total: u64, last: u64| {
        talk.notified(
            "thread/tokenUsage/updated",
            json!({"threadId": format!("agent-{thread}"), "turnId": "u", "tokenUsage": {
                "total": {"inputTokens": total}, "last": {"inputTokens": last},
            }}),
        );
        talk.actions.clear();
    };
    for thread in 0..3000 {
        tells(&mut talk, thread, 5, 2);
    }
    assert_eq!(talk.session.report().usage.input_tokens, 6000);
    tells(&mut talk, 0, 9, 4);
    assert_eq!(talk.session.report().usage.input_tokens, 6004);
    assert!(!format!("{:?}", talk.session).contains("agent-100\""));
}

#[test]
fn long_texts_are_cut() {
    let mut talk = Talk::in_turn(&plan());
    let long = "a".repeat(9 << 20);
    let items = [
        json!({"id": "c", "type": "commandExecution", "command": "x", "aggregatedOutput": long}),
        json!({"id": "r", "type": "reasoning", "summary": [long]}),
        json!({"id": "m", "type": "agentMessage", "text": long}),
    ];
    for item in items {
        talk.notified("item/completed", json!({"item": item}));
    }
    for kind in [
        EventKind::ToolResult,
        EventKind::Reasoning,
        EventKind::Message,
    ] {
        let said = &of_kind(&talk.actions, kind)[0].content;
        assert!(said.ends_with("a\n[cut: 1048576 bytes more]"), "{kind:?}");
        assert_eq!(of_kind(&talk.actions, kind)[0].attrs["cut"], 9 << 20);
    }
    let result = talk.session.report().result.as_deref().unwrap_or_default();
    assert!(result.ends_with("[cut: 8388608 bytes more]"));
}

#[test]
fn names_of_tools_are_cut() {
    let mut talk = Talk::in_turn(&plan());
    let long = "a".repeat(1 << 20);
    let item = json!({"item": {"id": long, "type": "collabAgentToolCall", "tool": long}});
    let actions = talk.notified("item/started", item.clone());
    let tool = told(&actions)[0].tool.clone().expect("it is one");
    assert!(tool.id.len() + tool.name.len() < 1000);
    let actions = talk.notified("item/completed", item);
    let ended = told(&actions)[0].tool.clone().expect("it is one");
    assert_eq!(ended.id, tool.id);
}
