use super::*;
use agent_plan::outcome::Outcome;
use agent_plan::provider::{Means, Usage};
use serde_json::json;

macro_rules! captured {
    ($name:literal) => {
        include_str!(concat!("../../testdata/claude/", $name, ".jsonl"))
    };
}

fn is_piece(line: &str) -> bool {
    let claude = agent_plan::plan::Conversation::Claude(Box::<ClaudePlan>::default());
    matches!(crate::part(line, &claude), Some(crate::Part::Piece { .. }))
}

fn asked(text: &str) -> ClaudePlan {
    let prompt = Prompt {
        text: text.to_owned(),
        skill: None,
    };
    ClaudePlan {
        prompt: Some(prompt),
        ..ClaudePlan::default()
    }
}

fn play(session: &mut Claude, lines: &str) -> Vec<Action> {
    lines
        .lines()
        .flat_map(|line| session.on_line(line))
        .collect()
}

fn verdict(actions: &[Action]) -> &Verdict {
    let mut finishes = actions.iter().rev().filter_map(|action| match action {
        Action::Finish(verdict) => Some(verdict),
        _ => None,
    });
    finishes.next().expect("the capture has a result")
}

fn events(actions: &[Action], kind: EventKind) -> Vec<&Event> {
    let events = actions.iter().filter_map(|action| match action {
        Action::Emit(event) => Some(event),
        _ => None,
    });
    events.filter(|event| event.kind == kind).collect()
}

fn content_of(action: &Action) -> Vec<Value> {
    let Action::Write(line) = action else {
        panic!("no line: {action:?}");
    };
    let line: Value = serde_json::from_str(line).expect("we write JSON");
    list(&line, "/message/content").to_vec()
}

#[test]
fn every_captured_ending_has_its_verdict() {
    use Outcome as O;
    #[rustfmt::skip]
    let table = [
        (captured!("session-id"), O::Completed, "Completed", ""),
        (captured!("perm-accept-edits"), O::Completed, "Completed", ""),
        (captured!("json-schema-ok"), O::Completed, "Completed", ""),
        (captured!("tool-fails"), O::Completed, "Completed", ""),
        (captured!("retries0-401"), O::AuthFailed, "Auth", "Invalid API key"),
        (captured!("no-api-key"), O::AuthFailed, "Auth", "Not logged in"),
        (captured!("err-403"), O::AuthFailed, "Auth", "fake: forbidden"),
        (captured!("err-429-forever-retries2"), O::RateLimited, "RateLimit", "fake: slow down"),
        (captured!("err-529-retries2"), O::ProviderUnavailable, "Overloaded", "529 Overloaded"),
        (captured!("err-500-forever-retries2"), O::ProviderUnavailable, "ServerError", "fake: internal"),
        (captured!("err-cut-forever-retries1"), O::ProviderUnavailable, "Network", "malformed response"),
        (captured!("err-conn-refused-retries1"), O::ProviderUnavailable, "Network", "Connection refused"),
        (captured!("hang-headers-timeout5s-retries0"), O::ProviderUnavailable, "Network", "timed out"),
        (captured!("err-400"), O::AgentFailed, "BadRequest", "fake: bad request"),
        (captured!("err-413"), O::AgentFailed, "BadRequest", "Request too large"),
        (captured!("err-404"), O::AgentFailed, "ModelNotFound", "selected model"),
        (captured!("max-turns-3"), O::Incomplete, "MaxTurns", "maximum number of turns (3)"),
        (captured!("max-budget"), O::BudgetExceeded, "Budget", "maximum budget ($0.01)"),
        (captured!("recommended-stop"), O::Cancelled, "Interrupted", "aborted_tools"),
        (captured!("stdin-stream-json-interrupt-hang"), O::Cancelled, "Interrupted", "aborted_streaming"),
        (captured!("resume-unknown"), O::AgentFailed, "StartupFailed", "No conversation found"),
    ];
    for (lines, outcome, reason, words) in table {
        let mut session = session(&asked("hi"));
        let actions = play(&mut session, lines);
        let verdict = verdict(&actions);
        assert_eq!(
            (verdict.outcome, verdict.reason.as_str()),
            (outcome, reason),
            "{lines}"
        );
        let message = verdict.message.clone().unwrap_or_default();
        assert!(message.contains(words), "{message:?} says {words:?}");
        assert_eq!(session.report().unknown_events, 0, "{lines}");
        assert_eq!(actions.last(), Some(&Action::CloseStdin));
    }
}

#[test]
fn a_missing_form_is_no_success() {
    let mut plan = asked("hi");
    let options = plan.options.insert(agent_plan::spec::ClaudeSpec::default());
    options.output_schema = Some(serde_json::json!({"type": "object"}));
    let outcome = |lines| verdict(&play(&mut session(&plan), lines)).outcome;
    assert_eq!(outcome(captured!("json-schema-ok")), Outcome::Completed);
    assert_eq!(outcome(captured!("json-schema")), Outcome::NoResult);
}

#[test]
fn refused_credentials_end_the_run_at_the_first_retry() {
    let mut session = session(&asked("hi"));
    let actions = play(&mut session, captured!("err-401"));
    let stops: Vec<_> = actions
        .iter()
        .filter(|action| matches!(action, Action::Stop(_)))
        .collect();
    assert_eq!(stops.len(), 1);
    assert!(matches!(stops[0], Action::Stop(verdict) if verdict.outcome == Outcome::AuthFailed));
    assert_eq!(events(&actions, EventKind::Error)[0].attrs["retry"], 1);
    // The interrupt that follows does not hide why.
    session.on_stop();
    let interrupted = captured!("stdin-stream-json-interrupt-hang").lines().last();
    let actions = session.on_line(interrupted.expect("the capture has lines"));
    assert_eq!(verdict(&actions).outcome, Outcome::AuthFailed);
}

#[test]
fn a_token_that_can_be_renewed_gets_a_second_chance() {
    let lines = captured!("err-401").replace("\"ANTHROPIC_API_KEY\"", "\"none\"");
    let mut session = session(&asked("hi"));
    let mut stops = lines.lines().map(|line| {
        let actions = session.on_line(line);
        actions
            .iter()
            .any(|action| matches!(action, Action::Stop(_)))
    });
    assert_eq!(
        [stops.next(), stops.next(), stops.next()],
        [Some(false), Some(false), Some(true)]
    );
}

#[test]
fn a_failure_after_a_stop_is_an_interruption_and_a_success_stays_one() {
    let outcome = |lines| {
        let mut session = session(&asked("hi"));
        session.on_stop();
        verdict(&play(&mut session, lines)).outcome
    };
    assert_eq!(
        outcome(captured!("err-500-forever-retries2")),
        Outcome::Cancelled
    );
    assert_eq!(outcome(captured!("session-id")), Outcome::Completed);
}

#[test]
fn a_stop_interrupts_then_closes_stdin_then_terminates() {
    let mut fresh = session(&asked("hi"));
    let means: Vec<Means> = fresh.on_stop().into_iter().map(|step| step.means).collect();
    assert!(matches!(&means[0], Means::Write(line) if line.contains("interrupt")));
    assert_eq!(means[1..], [Means::CloseStdin, Means::Signal(15)]);
    play(&mut fresh, captured!("session-id"));
    assert_eq!(fresh.on_stop().len(), 1);
    assert_eq!(session(&ClaudePlan::default()).on_stop().len(), 1);
}

#[test]
fn a_prompt_reaches_the_model_as_text_whatever_it_looks_like() {
    for text in ["/cost", "read @README.md", "/review @a/b"] {
        let actions = session(&asked(text)).on_start();
        let content = content_of(&actions[0]);
        assert_eq!(content[0]["text"], text);
        // The last block is the one that claude looks at, and it drops a blank one.
        assert_eq!(content[1]["text"], " ");
    }
    let plain = session(&asked("fix it / now")).on_start();
    assert_eq!(content_of(&plain[0]).len(), 1);
}

#[test]
fn a_skill_is_a_command() {
    let mut plan = asked("the last commit");
    plan.prompt.as_mut().expect("it asks").skill = Some("code-review".to_owned());
    let mut session = session(&plan);
    let content = content_of(&session.on_start()[0]);
    assert_eq!(content[0]["text"], "/code-review the last commit");
    assert_eq!(content.len(), 1);
    play(&mut session, captured!("session-id"));
    assert!(session.report().warnings.is_empty());
    session.prompt.as_mut().expect("it asks").skill = Some("nonesuch".to_owned());
    play(&mut session, captured!("session-id"));
    assert!(session.report().warnings[0].contains("nonesuch"));
}

#[test]
fn a_permission_that_is_asked_for_is_denied() {
    let mut session = session(&asked("hi"));
    let actions = play(
        &mut session,
        captured!("stdin-stream-json-permission-prompt"),
    );
    let answers: Vec<&String> = actions
        .iter()
        .filter_map(|action| match action {
            Action::Write(line) => Some(line),
            _ => None,
        })
        .collect();
    assert_eq!(answers.len(), 1);
    let answer: Value = serde_json::from_str(answers[0]).expect("we write JSON");
    assert_eq!(text(&answer, "/response/response/behavior"), Some("deny"));
    let id = "a5765a0f-d06c-45d1-b349-cab828641e13";
    assert_eq!(text(&answer, "/response/request_id"), Some(id));
    let other =
        r#"{"type":"control_request","request_id":"x","request":{"subtype":"elicitation"}}"#;
    assert!(matches!(&session.on_line(other)[..], [Action::Write(line)] if line.contains("error")));
}

#[test]
fn refused_tools_and_broken_servers_are_warnings() {
    let warnings = |lines| {
        let mut session = session(&asked("hi"));
        play(&mut session, lines);
        session.report().warnings.clone()
    };
    assert_eq!(
        warnings(captured!("perm-accept-edits")),
        ["the use of `Write` was refused"]
    );
    let broken = ["the MCP server `broken` cannot be used: failed"];
    assert_eq!(warnings(captured!("mcp-broken")), broken);
}

#[test]
fn only_what_this_run_adds_is_its_cost() {
    let usage = |lines| {
        let mut session = session(&asked("hi"));
        play(&mut session, lines);
        session.report().usage.clone()
    };
    let (first, resumed) = (usage(captured!("session-id")), usage(captured!("resume")));
    assert_eq!(first, resumed);
    assert_eq!((first.input_tokens, first.cached_input_tokens), (1230, 20));
    assert_eq!((first.output_tokens, first.turns), (34, 1));
    assert!((first.cost_usd.expect("claude says it") - 0.005_534).abs() < 1e-9);
    // Two results, of which the second adds nothing.
    let subagent = usage(captured!("subagent"));
    assert_eq!(
        (subagent.input_tokens, subagent.output_tokens),
        (4900 + 120, 158)
    );
    assert_eq!((subagent.turns, subagent.tool_calls), (3, 1));
    // Two results that both add.
    assert_eq!(usage(captured!("bg-bash-tool")).output_tokens, 90 + 34);
}

#[test]
fn tokens_are_counted_before_the_result() {
    let lines = captured!("recommended-run");
    let mut session = session(&asked("hi"));
    let (mut before, mut most) = (Usage::default(), 0);
    for line in lines.lines() {
        if line.contains("\"result_index\"") {
            before = session.report().usage.clone();
        }
        session.on_line(line);
        let tokens = session.report().usage.tokens();
        assert!(tokens >= most, "tokens never become fewer: {line}");
        most = tokens;
    }
    let after = &session.report().usage;
    assert_eq!(
        (before.tokens(), before.turns),
        (after.tokens(), after.turns)
    );
}

#[test]
fn the_last_result_counts_and_work_after_one_is_resumed() {
    let mut session = session(&asked("hi"));
    let actions = play(&mut session, captured!("bg-bash-tool"));
    let resumes = actions.iter().filter(|action| **action == Action::Resume);
    assert_eq!(resumes.count(), 1);
    assert_eq!(session.report().result.as_deref(), Some("Noted."));
    let closes = actions
        .iter()
        .filter(|action| **action == Action::CloseStdin);
    assert_eq!(closes.count(), 1);
}

#[test]
fn calls_and_results_belong_together() {
    let actions = play(&mut session(&asked("hi")), captured!("tool-fails"));
    let call = events(&actions, EventKind::ToolCall)[0]
        .tool
        .as_ref()
        .expect("a call");
    let result = events(&actions, EventKind::ToolResult)[0]
        .tool
        .as_ref()
        .expect("a result");
    assert_eq!(
        (call.name.as_str(), call.title.as_str()),
        ("Bash", "echo oops >&2; exit 3")
    );
    assert_eq!((&result.id, &result.title), (&call.id, &call.title));
    assert_eq!((result.ok, result.exit_code), (Some(false), Some(3)));
}

#[test]
fn pieces_are_told_from_wholes() {
    let lines = captured!("thinking");
    let actions = play(&mut session(&asked("hi")), lines);
    let joined = |kind| {
        events(&actions, kind)
            .iter()
            .map(|event| event.content.as_str())
            .collect::<String>()
    };
    assert_eq!(
        joined(EventKind::ReasoningDelta),
        joined(EventKind::Reasoning)
    );
    assert_eq!(joined(EventKind::MessageDelta), joined(EventKind::Message));
    assert!(!joined(EventKind::Message).is_empty() && !joined(EventKind::Reasoning).is_empty());
    let pieces = lines.lines().filter(|line| is_piece(line)).count();
    let deltas = lines
        .lines()
        .filter(|line| line.contains("content_block_delta"))
        .count();
    assert_eq!(pieces, deltas);
    assert!(!is_piece(
        r#"{"type":"assistant","text":"\"type\":\"stream_event\" content_block_delta"}"#
    ));
}

#[test]
fn the_end_of_a_limit_is_when_to_try_again() {
    let mut session = session(&asked("hi"));
    session.on_line(r#"{"type":"rate_limit_event","rate_limit_info":{"status":"rejected","resetsAt":1767225600}}"#);
    let actions = play(&mut session, captured!("err-429-forever-retries2"));
    assert_eq!(
        verdict(&actions).retry_after,
        Some(RetryAfter::At(1_767_225_600))
    );
}

#[test]
fn nothing_that_claude_may_write_panics() {
    let lines = captured!("recommended-run");
    let mut session = session(&asked("hi"));
    for line in [
        "",
        "{",
        "null",
        "[]",
        "1",
        r#""x""#,
        "\u{0}",
        r#"{"type":1}"#,
        r#"{"type":"new"}"#,
    ] {
        assert_eq!(session.on_line(line), []);
    }
    assert_eq!(
        (
            session.report().unknown_events,
            session.report().known_events
        ),
        (9, 0)
    );
    for line in lines.lines() {
        for end in (0..line.len())
            .step_by(7)
            .filter(|end| line.is_char_boundary(*end))
        {
            session.on_line(&line[..end]);
        }
        // Every value replaced by one of another type.
        let value: Value = serde_json::from_str(line).expect("a captured line");
        for key in value.as_object().expect("an object").keys() {
            for other in [
                Value::Null,
                serde_json::json!(-1.5),
                serde_json::json!([[], {}]),
                serde_json::json!({}),
            ] {
                let mut changed = value.clone();
                changed[key] = other;
                session.on_line(&changed.to_string());
                is_piece(&changed.to_string());
            }
        }
    }
    let long = format!(
        r#"{{"type":"assistant","message":{{"content":[{{"type":"text","text":"{}"}}]}}}}"#,
        "ä".repeat(5 << 20)
    );
    let actions = session.on_line(&long);
    let said = events(&actions, EventKind::Message)[0];
    assert!(said.content.ends_with("ä\n[cut: 2097152 bytes more]"));
    assert_eq!(said.attrs["cut"], 10 << 20);
}

#[test]
fn a_skill_reads_no_file_that_the_prompt_names() {
    let mut plan = asked("what does @notes.txt say?");
    plan.prompt.as_mut().expect("it asks").skill = Some("code-review".to_owned());
    let mut session = session(&plan);
    let content = content_of(&session.on_start()[0]);
    let texts: Vec<_> = content.iter().map(|block| &block["text"]).collect();
    assert_eq!(texts, ["what does @notes.txt say?", "/code-review"]);
    assert!(session.report().warnings[0].contains("`/code-review`"));
}

#[test]
fn a_call_with_a_long_id_is_remembered_by_a_short_one() {
    let id = "é".repeat(1 << 20);
    let call = json!({"type": "assistant", "message": {"content": [
        {"type": "tool_use", "id": id, "name": "Bash", "input": {"command": "ls"}},
    ]}});
    let result = json!({"type": "user", "message": {"content": [
        {"type": "tool_result", "tool_use_id": id, "content": "a"},
    ]}});
    let mut session = session(&asked("hi"));
    let called = session.on_line(&call.to_string());
    let input = &events(&called, EventKind::ToolCall)[0].attrs["input"];
    assert_eq!(*input, json!({"command": "ls"}));
    let remembered = format!("{session:?}").len();
    assert!(remembered < 100_000, "{remembered} bytes are remembered");
    let Action::Emit(event) = &session.on_line(&result.to_string())[0] else {
        panic!("a result is told");
    };
    assert_eq!(event.tool.as_ref().expect("it is one").title, "ls");
}
