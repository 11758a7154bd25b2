//! What the events tell, and what is counted.

use super::*;
use agent_plan::event::EventKind;

fn item(talk: &mut Talk, method: &str, item: &Value) -> Vec<Action> {
    talk.notified(method, json!({"item": item, "turnId": "u1"}))
}

#[test]
fn two_equal_pieces_are_two_pieces() {
    let mut talk = Talk::in_turn(&plan());
    for _ in 0..2 {
        talk.notified(
            "item/agentMessage/delta",
            json!({"itemId": "m", "delta": "ha"}),
        );
    }
    let contents: Vec<_> = told(&talk.actions)
        .iter()
        .map(|event| event.content.clone())
        .collect();
    assert_eq!(contents, ["ha", "ha"]);
    assert_eq!(told(&talk.actions)[0].kind, EventKind::MessageDelta);
}

#[test]
fn a_message_is_told_whole_and_the_last_one_is_the_result() {
    let mut talk = Talk::in_turn(&plan());
    for text in ["first", "last"] {
        let message = json!({"type": "agentMessage", "id": "m", "text": text});
        let actions = item(&mut talk, "item/completed", &message);
        assert_eq!(
            (told(&actions)[0].kind, &*told(&actions)[0].content),
            (EventKind::Message, text)
        );
    }
    let of_agent = json!({"threadId": "sub", "item": {"type": "agentMessage", "text": "not ours"}});
    let actions = talk.notified("item/completed", of_agent);
    assert_eq!(told(&actions)[0].attrs["threadId"], "sub");
    assert_eq!(talk.session.report().result.as_deref(), Some("last"));
}

#[test]
fn reasoning_is_its_summary_or_else_its_text() {
    let mut talk = Talk::in_turn(&plan());
    let pieces = [
        "item/reasoning/summaryTextDelta",
        "item/reasoning/textDelta",
    ];
    for method in pieces {
        let actions = talk.notified(method, json!({"delta": "hm"}));
        assert_eq!(told(&actions)[0].kind, EventKind::ReasoningDelta);
    }
    let table = [
        (
            json!({"type": "reasoning", "summary": ["a", "b"], "content": ["c"]}),
            "a\n\nb",
        ),
        (
            json!({"type": "reasoning", "summary": [], "content": ["c"]}),
            "c",
        ),
    ];
    for (reasoning, text) in table {
        let actions = item(&mut talk, "item/completed", &reasoning);
        assert_eq!(told(&actions)[0].content, text);
    }
    let actions = item(
        &mut talk,
        "item/completed",
        &json!({"type": "reasoning", "summary": []}),
    );
    assert_eq!(actions, []);
}

#[test]
fn every_tool_has_a_name_a_title_and_an_end() {
    let table = [
        (
            json!({"type": "commandExecution", "id": "i", "command": "make\ntest", "status": "failed", "exitCode": 3, "aggregatedOutput": "no"}),
            ("shell", "make test", false, "no"),
        ),
        (
            json!({"type": "fileChange", "id": "i", "status": "completed", "changes": [{"path": "a", "diff": "+x"}, {"path": "b", "diff": "-y"}]}),
            ("apply_patch", "a, b", true, "+x\n-y"),
        ),
        (
            json!({"type": "mcpToolCall", "id": "i", "server": "db", "tool": "get", "arguments": {"k": 1}, "status": "completed", "result": {"content": [{"type": "text", "text": "v"}]}}),
            ("db.get", "{\"k\":1}", true, "v"),
        ),
        (
            json!({"type": "mcpToolCall", "id": "i", "server": "db", "tool": "get", "arguments": null, "status": "failed", "error": {"message": "down"}}),
            ("db.get", "", false, "down"),
        ),
        (
            json!({"type": "dynamicToolCall", "id": "i", "namespace": null, "tool": "x", "arguments": "a", "status": "completed", "success": false, "contentItems": [{"type": "inputText", "text": "t"}]}),
            ("x", "a", false, "t"),
        ),
        (
            json!({"type": "collabAgentToolCall", "id": "i", "tool": "spawnAgent", "prompt": "help", "status": "completed"}),
            ("spawnAgent", "help", true, ""),
        ),
        (
            json!({"type": "webSearch", "id": "i", "query": "q"}),
            ("web_search", "q", true, ""),
        ),
    ];
    for (told_item, (name, title, ok, output)) in table {
        let mut talk = Talk::in_turn(&plan());
        item(&mut talk, "item/started", &told_item);
        item(&mut talk, "item/completed", &told_item);
        let events = told(&talk.actions);
        let [call, result] = events.as_slice() else {
            panic!("{events:?}");
        };
        let tool = result.tool.as_ref().expect("a result has a tool");
        assert_eq!(
            (call.kind, result.kind),
            (EventKind::ToolCall, EventKind::ToolResult)
        );
        assert_eq!(
            (&*tool.name, &*tool.title, tool.ok),
            (name, title, Some(ok))
        );
        assert_eq!(result.content, output);
        assert_eq!(tool.exit_code, told_item["exitCode"].as_i64());
        assert_eq!(talk.session.report().usage.tool_calls, 1);
    }
}

#[test]
fn a_tool_that_outlives_its_turn_is_told_once() {
    let mut talk = Talk::in_turn(&plan());
    let sleep = json!({"type": "commandExecution", "id": "i", "command": "sleep 300"});
    item(&mut talk, "item/started", &sleep);
    let actions = talk.turn_ends("u1", "completed");
    let result = told(&actions)[0]
        .tool
        .as_ref()
        .expect("a result has a tool");
    assert_eq!((&*result.id, result.ok), ("i", Some(false)));
    let actions = item(&mut talk, "item/completed", &sleep);
    assert_eq!(told(&actions)[0].kind, EventKind::Log);
}

#[test]
fn a_tool_that_is_only_completed_was_also_called() {
    let mut talk = Talk::in_turn(&plan());
    let actions = item(
        &mut talk,
        "item/completed",
        &json!({"type": "webSearch", "id": "w"}),
    );
    let kinds: Vec<_> = told(&actions).iter().map(|event| event.kind).collect();
    assert_eq!(kinds, [EventKind::ToolCall, EventKind::ToolResult]);
}

#[test]
fn plan_and_diff_are_told_in_short() {
    let mut talk = Talk::in_turn(&plan());
    let steps = json!([{"step": "a", "status": "completed"}, {"step": "b", "status": "inProgress"}, {"step": "c", "status": "pending"}]);
    let actions = talk.notified("turn/plan/updated", json!({"plan": steps}));
    assert_eq!(told(&actions)[0].content, "[x] a\n[>] b\n[ ] c");
    let diff = "--- a/x\n+++ b/x\n-old\n+new\n+more\n";
    let actions = talk.notified("turn/diff/updated", json!({"diff": diff}));
    assert_eq!(
        told(&actions)[0].content,
        "1 files changed, 2 lines added, 1 lines removed."
    );
}

fn usage(talk: &mut Talk, thread: &str, turn: &str, total: u64, last: u64) {
    let counts = |tokens: u64| json!({"inputTokens": tokens, "cachedInputTokens": tokens / 10, "outputTokens": 2 * tokens, "reasoningOutputTokens": tokens / 5});
    let usage = json!({"total": counts(total), "last": counts(last)});
    let params = json!({"threadId": thread, "turnId": turn, "tokenUsage": usage});
    talk.notified("thread/tokenUsage/updated", params);
}

#[test]
fn a_resumed_thread_costs_what_this_run_added() {
    let mut talk = Talk::new(&CodexPlan {
        thread_id: Some("t1".to_owned()),
        ..plan()
    });
    talk.hears(&json!({"id": 1, "result": {}}));
    talk.hears(&json!({"id": 2, "result": {"thread": {"id": "t1"}}}));
    usage(&mut talk, "t1", "old", 1000, 100);
    assert_eq!(talk.session.report().usage.tokens(), 0);
    talk.hears(&json!({"id": 3, "result": {"turn": {"id": "u1"}}}));
    usage(&mut talk, "t1", "u1", 1010, 10);
    usage(&mut talk, "t1", "u1", 1030, 20);
    let usage = &talk.session.report().usage;
    assert_eq!((usage.input_tokens, usage.cached_input_tokens), (30, 3));
    assert_eq!((usage.output_tokens, usage.reasoning_tokens), (60, 6));
}

#[test]
fn a_past_that_was_never_told_is_not_charged_and_agents_are() {
    let mut talk = Talk::in_turn(&plan());
    usage(&mut talk, "t1", "u1", 1010, 10);
    usage(&mut talk, "sub", "s1", 505, 5);
    assert_eq!(talk.session.report().usage.input_tokens, 15);
}

#[test]
fn whatever_comes_is_counted_and_nothing_panics() {
    let mut talk = Talk::in_turn(&plan());
    let before = talk.session.report().unknown_events;
    let lines = [
        "",
        "not json",
        "[1]",
        "7",
        "null",
        "{}",
        r#"{"id":99,"result":{}}"#,
        r#"{"id":"x","error":1}"#,
        r#"{"method":"thread/from/the/future","params":{}}"#,
        r#"{"method":3}"#,
    ];
    for line in lines {
        assert_eq!(talk.reads(line), [], "{line}");
    }
    let unknown = talk.session.report().unknown_events - before;
    assert_eq!(unknown, lines.len() as u64);
    let methods = [
        "item/started",
        "item/completed",
        "turn/started",
        "turn/plan/updated",
        "turn/diff/updated",
        "thread/status/changed",
        "thread/tokenUsage/updated",
        "account/rateLimits/updated",
        "thread/goal/updated",
        "model/rerouted",
        "item/agentMessage/delta",
        "warning",
    ];
    for method in methods {
        for params in [
            "null",
            "[]",
            "\"x\"",
            "{\"item\":3,\"turn\":[],\"plan\":{},\"tokenUsage\":0}",
        ] {
            talk.reads(&format!(r#"{{"method":"{method}","params":{params}}}"#));
        }
    }
    assert_eq!(talk.verdict(), None);
}

#[test]
fn a_call_has_what_the_tool_was_given() {
    let mut talk = Talk::in_turn(&plan());
    let changes = json!([{"path": "a", "diff": "+x"}]);
    for (index, (mut tool, wanted)) in [
        (
            json!({"type": "commandExecution", "command": "ls"}),
            json!({"command": "ls"}),
        ),
        (
            json!({"type": "fileChange", "changes": changes}),
            json!({"changes": changes}),
        ),
        (
            json!({"type": "mcpToolCall", "arguments": {"a": [1]}}),
            json!({"a": [1]}),
        ),
        (
            json!({"type": "dynamicToolCall", "arguments": "x"}),
            json!({"arguments": "x"}),
        ),
        (
            json!({"type": "collabAgentToolCall", "prompt": "p"}),
            json!({"prompt": "p"}),
        ),
        (
            json!({"type": "webSearch", "query": "q"}),
            json!({"query": "q"}),
        ),
        (
            json!({"type": "imageView", "path": "/p"}),
            json!({"path": "/p"}),
        ),
        (
            json!({"type": "sleep", "durationMs": 5}),
            json!({"durationMs": 5}),
        ),
        (json!({"type": "commandExecution"}), Value::Null),
    ]
    .into_iter()
    .enumerate()
    {
        tool["id"] = json!(index.to_string());
        let started = item(&mut talk, "item/started", &tool);
        let call = told(&started)[0].attrs.get("input").cloned();
        assert_eq!(call.unwrap_or_default(), wanted);
        let completed = item(&mut talk, "item/completed", &tool);
        assert_eq!(told(&completed)[0].attrs.get("input"), None);
    }
}
