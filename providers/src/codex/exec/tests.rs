mod open;

use agent_plan::event::Tool;
use agent_plan::outcome::{INTERRUPTED, Outcome};
use agent_plan::provider::{Signals, Usage};
use serde_json::json;

use super::*;

fn fed(session: &mut CodexExec, lines: &[Value]) -> Vec<Action> {
    let lines = lines.iter().map(Value::to_string);
    lines.flat_map(|line| session.on_line(&line)).collect()
}

fn verdict(actions: &[Action]) -> Option<&Verdict> {
    actions.iter().rev().find_map(|action| match action {
        Action::Finish(verdict) => Some(verdict),
        _ => None,
    })
}

fn stopped(actions: &[Action]) -> Vec<&Verdict> {
    let stops = actions.iter().filter_map(|action| match action {
        Action::Stop(verdict) => Some(verdict),
        _ => None,
    });
    stops.collect()
}

fn events(actions: &[Action], kind: EventKind) -> Vec<&Event> {
    let events = actions.iter().filter_map(|action| match action {
        Action::Emit(event) if event.kind == kind => Some(event),
        _ => None,
    });
    events.collect()
}

fn error(message: &str) -> Value {
    json!({"type": "error", "message": message})
}

fn failed(message: &str) -> Value {
    json!({"type": "turn.failed", "error": {"message": message}})
}

fn item(event: &str, item: &Value) -> Value {
    json!({"type": format!("item.{event}"), "item": item})
}

fn message(text: &str) -> Value {
    item(
        "completed",
        &json!({"id": "item_9", "type": "agent_message", "text": text}),
    )
}

fn completed(input: u64) -> Value {
    json!({"type": "turn.completed", "usage": {
        "input_tokens": input, "cached_input_tokens": 20, "cache_write_input_tokens": 0,
        "output_tokens": 90, "reasoning_output_tokens": 14,
    }})
}

fn turn() -> Value {
    json!({"type": "turn.started"})
}

const UNAUTHORIZED: &str = "unexpected status 401 Unauthorized: no such key, url: http://[::1]:1/";

#[test]
fn a_whole_run_is_told_and_succeeds() {
    let mut session = CodexExec::default();
    let command = |exit: Value, status: &str, output: &str| {
        json!({"id": "item_0", "type": "command_execution", "command": "sh -c 'a\nb'",
            "aggregated_output": output, "exit_code": exit, "status": status})
    };
    let actions = fed(
        &mut session,
        &[
            json!({"type": "thread.started", "thread_id": "01a1"}),
            turn(),
            item(
                "completed",
                &json!({"id": "i", "type": "reasoning", "text": "hm"}),
            ),
            item("started", &command(Value::Null, "in_progress", "")),
            item("completed", &command(json!(3), "failed", "oops\n")),
            message("first"),
            message("last"),
            completed(2500),
        ],
    );
    let tool = Tool {
        id: "item_0".to_owned(),
        name: "shell".to_owned(),
        title: "sh -c 'a b'".to_owned(),
        ..Tool::default()
    };
    let ended = Tool {
        ok: Some(false),
        exit_code: Some(3),
        ..tool.clone()
    };
    assert_eq!(
        events(&actions, EventKind::ToolCall),
        [&Event::tool_call(tool).with("input", json!({"command": "sh -c 'a\nb'"}))]
    );
    assert_eq!(
        events(&actions, EventKind::ToolResult),
        [&Event::tool_result(ended, "oops\n")]
    );
    assert_eq!(events(&actions, EventKind::Reasoning)[0].content, "hm");
    let said: Vec<_> = events(&actions, EventKind::Message)
        .iter()
        .map(|said| &said.content)
        .collect();
    assert_eq!(said, ["first", "last"]);
    assert_eq!(
        events(&actions, EventKind::Usage)[0].attrs["inputTokens"],
        2500
    );
    assert_eq!(verdict(&actions), Some(&Verdict::completed()));
    let report = session.report();
    assert_eq!(report.session_id.as_deref(), Some("01a1"));
    assert_eq!(report.result.as_deref(), Some("last"));
    assert_eq!(report.turn_status.as_deref(), Some("completed"));
    assert_eq!((report.known_events, report.unknown_events), (8, 0));
    assert_eq!(report.warnings, Vec::<String>::new());
    let usage = Usage {
        input_tokens: 2500,
        cached_input_tokens: 20,
        output_tokens: 90,
        reasoning_tokens: 14,
        cost_usd: None,
        turns: 1,
        tool_calls: 1,
    };
    assert_eq!(report.usage, usage);
}

#[test]
fn every_tool_has_a_start_an_end_and_a_title() {
    let rows = [
        (
            json!({"type": "file_change", "changes": [{"path": "/a", "kind": "add"}, {"path": "/b", "kind": "update"}], "status": "completed"}),
            (
                "apply_patch",
                "add /a, update /b",
                true,
                "add /a\nupdate /b",
            ),
        ),
        (
            json!({"type": "mcp_tool_call", "server": "echo", "tool": "shout", "arguments": {"s": "x"}, "status": "completed",
                "result": {"content": [{"type": "text", "text": "X"}, {"type": "image"}, {"type": "text", "text": "Y"}]}, "error": null}),
            ("echo.shout", r#"{"s":"x"}"#, true, "X\nY"),
        ),
        (
            json!({"type": "mcp_tool_call", "server": "echo", "tool": "shout", "arguments": null, "status": "failed", "result": null, "error": {"message": "no"}}),
            ("echo.shout", "", false, "no"),
        ),
        (
            json!({"type": "command_execution", "command": "ls", "aggregated_output": "a", "exit_code": 0, "status": "completed"}),
            ("shell", "ls", true, "a"),
        ),
        (
            json!({"type": "web_search", "query": "rust"}),
            ("web_search", "rust", true, ""),
        ),
        (
            json!({"type": "collab_tool_call", "tool": "spawn_agent", "prompt": "look", "status": "completed"}),
            ("spawn_agent", "look", true, ""),
        ),
    ];
    for (body, (name, title, ok, output)) in rows {
        for with_start in [false, true] {
            let mut session = CodexExec::default();
            let mut lines = vec![
                item("started", &body),
                item("updated", &body),
                item("completed", &body),
            ];
            lines.drain(..if with_start { 0 } else { 2 });
            let actions = fed(&mut session, &lines);
            let calls = events(&actions, EventKind::ToolCall);
            let results = events(&actions, EventKind::ToolResult);
            assert_eq!((calls.len(), results.len()), (1, 1), "{body}");
            assert_eq!(session.report().usage.tool_calls, 1);
            assert_eq!(results[0].content, output, "{body}");
            let tool = results[0].tool.as_ref().expect("a result has a tool");
            assert_eq!(
                (tool.name.as_str(), tool.title.as_str(), tool.ok),
                (name, title, Some(ok))
            );
        }
    }
}

#[test]
fn an_id_that_is_used_again_is_another_call() {
    let body = json!({"id": "item_0", "type": "web_search", "query": "rust"});
    let both = [item("started", &body), item("completed", &body)];
    let mut session = CodexExec::default();
    let actions = [fed(&mut session, &both), fed(&mut session, &both)].concat();
    assert_eq!(events(&actions, EventKind::ToolCall).len(), 2);
    assert_eq!(events(&actions, EventKind::ToolResult).len(), 2);
}

#[test]
fn failures_are_classed_by_their_words() {
    let bad = r#"{"error": {"type": "invalid_request_error", "message": "bad schema"}}"#;
    for (said, outcome, words) in [
        (UNAUTHORIZED, Outcome::AuthFailed, UNAUTHORIZED),
        (bad, Outcome::AgentFailed, "bad schema"),
        (
            "last status: 429 Too Many Requests",
            Outcome::RateLimited,
            "rate limit: last status: 429 Too Many Requests",
        ),
        ("who knows", Outcome::AgentFailed, "who knows"),
    ] {
        let mut session = CodexExec::default();
        let actions = fed(
            &mut session,
            &[turn(), message("half"), error(said), failed(said)],
        );
        let verdict = verdict(&actions).expect("a failed turn has a verdict");
        assert_eq!(verdict.outcome, outcome, "{said}");
        assert_eq!(verdict.message.as_deref(), Some(words));
        // Codex says the last error twice.
        assert_eq!(events(&actions, EventKind::Error).len(), 1, "{said}");
        let report = session.report();
        assert_eq!(report.turn_status.as_deref(), Some("failed"));
        // The status has the provider's words in two places; only one is for the controller.
        let own = words.trim_start_matches("rate limit: ");
        assert_eq!(report.turn_error.as_deref(), Some(own));
        assert_eq!(report.result, None);
    }
    let actions = fed(&mut CodexExec::default(), &[failed("alone")]);
    assert_eq!(events(&actions, EventKind::Error)[0].content, "alone");
}

#[test]
fn an_error_does_not_end_the_turn() {
    let mut session = CodexExec::default();
    let actions = fed(
        &mut session,
        &[
            turn(),
            error("Reconnecting... 2/5 (exceeded retry limit, last status: 429 Too Many Requests)"),
            error("something"),
        ],
    );
    assert_eq!(verdict(&actions), None);
    assert_eq!(stopped(&actions), Vec::<&Verdict>::new());
    let retry = events(&actions, EventKind::Status)[0];
    assert_eq!(retry.attrs["retry"], 2);
    assert_eq!(retry.attrs["retries"], 5);
    assert_eq!(retry.attrs["reason"], "RateLimit");
    assert_eq!(
        verdict(&fed(&mut session, &[completed(1)])),
        Some(&Verdict::completed())
    );
}

#[test]
fn refused_credentials_are_not_tried_again() {
    let mut session = CodexExec::default();
    let retry = error(&format!("Reconnecting... 1/5 ({UNAUTHORIZED})"));
    let actions = fed(&mut session, &[turn(), retry.clone(), retry]);
    let stops = stopped(&actions);
    assert_eq!(stops.len(), 1);
    assert_eq!(stops[0].outcome, Outcome::AuthFailed);
    assert_eq!(stops[0].message.as_deref(), Some(UNAUTHORIZED));
    session.on_stop();
    // That the stop cut the stream is no news.
    assert_eq!(
        verdict(&fed(&mut session, &[failed("stream disconnected")])),
        None
    );
    let told = fed(&mut session, &[failed(UNAUTHORIZED)]);
    assert_eq!(
        verdict(&told).map(|verdict| verdict.outcome),
        Some(Outcome::AuthFailed)
    );
}

#[test]
fn a_network_that_does_not_come_back_is_waited_for_in_vain() {
    let waits = || error("Reconnecting... waiting for network (Connection failed: no route)");
    let mut session = CodexExec::default();
    for _ in 0..5 {
        assert_eq!(
            stopped(&fed(&mut session, &[waits()])),
            Vec::<&Verdict>::new()
        );
    }
    // It came back.
    fed(&mut session, &[message("got on")]);
    for _ in 0..5 {
        assert_eq!(
            stopped(&fed(&mut session, &[waits()])),
            Vec::<&Verdict>::new()
        );
    }
    let actions = fed(&mut session, &[waits()]);
    let stops = stopped(&actions);
    assert_eq!(
        (stops[0].outcome, stops[0].reason.as_str()),
        (Outcome::ProviderUnavailable, "Network")
    );
    assert_eq!(
        stops[0].message.as_deref(),
        Some("Connection failed: no route")
    );
    assert_eq!(
        stopped(&fed(&mut session, &[waits()])),
        Vec::<&Verdict>::new()
    );
}

#[test]
fn a_refused_web_socket_is_no_refused_key() {
    let said =
        "Reconnecting... 1/5 (unexpected status 403 Forbidden: no, url: wss://api/responses)";
    let actions = fed(&mut CodexExec::default(), &[turn(), error(said)]);
    assert_eq!(stopped(&actions), Vec::<&Verdict>::new());
}

#[test]
fn a_failure_after_a_stop_is_the_stops() {
    let mut session = CodexExec::default();
    let signals: Vec<_> = session
        .on_stop()
        .into_iter()
        .map(|step| step.means)
        .collect();
    assert_eq!(signals, [Means::Signal(2), Means::Signal(15)]);
    assert_eq!(session.signals(), Signals::Translated);
    let retry = error(&format!("Reconnecting... 1/5 ({UNAUTHORIZED})"));
    assert_eq!(
        stopped(&fed(&mut session, &[retry])),
        Vec::<&Verdict>::new()
    );
    let actions = fed(&mut session, &[failed(UNAUTHORIZED)]);
    assert_eq!(
        verdict(&actions).map(|verdict| verdict.reason.as_str()),
        Some(INTERRUPTED)
    );
    assert_eq!(
        verdict(&fed(&mut session, &[completed(1)])),
        Some(&Verdict::completed())
    );
}

#[test]
fn the_last_turn_counts() {
    let mut session = CodexExec::default();
    let actions = fed(
        &mut session,
        &[turn(), completed(1), turn(), failed("who knows")],
    );
    assert_eq!(
        actions
            .iter()
            .filter(|action| **action == Action::Resume)
            .count(),
        1
    );
    assert_eq!(
        verdict(&actions).map(|verdict| verdict.outcome),
        Some(Outcome::AgentFailed)
    );
    assert_eq!(session.report().usage.turns, 2);
}

#[test]
fn the_usage_is_this_runs_own() {
    let before = Usage {
        input_tokens: 1200,
        cached_input_tokens: 15,
        output_tokens: 34,
        ..Usage::default()
    };
    let resume = Some("01a1".to_owned());
    let known = CodexExecPlan {
        resume: resume.clone(),
        usage_before: Some(before),
        ..CodexExecPlan::default()
    };
    let mut resumed = session(&known);
    fed(&mut resumed, &[turn(), completed(2500)]);
    let usage = &resumed.report().usage;
    assert_eq!((usage.input_tokens, usage.cached_input_tokens), (1300, 5));
    assert_eq!(
        (usage.output_tokens, usage.reasoning_tokens, usage.turns),
        (56, 14, 1)
    );
    assert_eq!(resumed.report().warnings, Vec::<String>::new());
    // The second turn's total replaces the first's.
    fed(&mut resumed, &[turn(), completed(4000)]);
    assert_eq!(resumed.report().usage.input_tokens, 2800);
    // A total that shrank is no total.
    let mut anew = session(&known);
    fed(&mut anew, &[turn(), completed(100)]);
    assert_eq!(anew.report().usage.input_tokens, 100);

    let unknown = CodexExecPlan {
        resume,
        ..CodexExecPlan::default()
    };
    let mut resumed = session(&unknown);
    fed(&mut resumed, &[turn(), completed(2500)]);
    assert_eq!(resumed.report().usage.input_tokens, 2500);
    assert_eq!(resumed.report().warnings.len(), 1);
}

#[test]
fn an_error_item_is_a_warning() {
    let mut session = CodexExec::default();
    let body = json!({"id": "item_0", "type": "error", "message": "metadata not found"});
    let actions = fed(&mut session, &[item("completed", &body)]);
    assert_eq!(
        events(&actions, EventKind::Status)[0].content,
        "metadata not found"
    );
    assert_eq!(session.report().warnings, ["metadata not found"]);
}

#[test]
fn what_is_not_known_is_counted_and_does_no_harm() {
    let mut session = CodexExec::default();
    for line in [
        "",
        "no json",
        "[1]",
        "{\"type\":3}",
        "{\"type\":\"hook.started\"}",
        "{\"type\":\"item.completed\",\"item\":{\"type\":\"hologram\"}}",
        "{\"type\":\"item.started\"}",
    ] {
        assert_eq!(session.on_line(line), Vec::new(), "{line}");
    }
    assert_eq!(
        (
            session.report().known_events,
            session.report().unknown_events
        ),
        (0, 7)
    );
    // Known, but hollow.
    for line in ["thread.started", "error", "turn.completed", "turn.failed"] {
        fed(&mut session, &[json!({"type": line})]);
    }
    assert_eq!(session.report().known_events, 4);
}

#[test]
fn a_plan_is_told_in_one_line() {
    let body = json!({"type": "todo_list", "items": [{"text": "a", "completed": true}, {"text": "b", "completed": false}]});
    let actions = fed(&mut CodexExec::default(), &[item("updated", &body)]);
    assert_eq!(
        events(&actions, EventKind::Status)[0].content,
        "plan: 1 of 2 done"
    );
}

#[test]
fn a_prompt_stays_text_and_a_skill_is_asked_for() {
    let prompt = |skill: Option<&str>, text: &str| {
        words(&Prompt {
            text: text.to_owned(),
            skill: skill.map(str::to_owned),
        })
    };
    for text in ["/compact", "@file", "!ls", "-", "$HOME is", "", " a\n"] {
        assert_eq!(prompt(None, text), text);
    }
    assert_eq!(prompt(Some("review"), "the diff"), "$review the diff");
    assert_eq!(prompt(Some("$review"), "the diff"), "$review the diff");
}
