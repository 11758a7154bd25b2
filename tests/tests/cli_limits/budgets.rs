//! Limits: warned of at four fifths, and the end of the run when they are passed.

use agent_tests::{CLIS, Cli, Ended, ModelApi, Step, assert_ends, ends};
use serde_json::json;

use crate::{assert_completed, warnings};

/// Plays a script with one limit.
fn limited(cli: Cli, limit: &str, value: &str, script: Vec<Step>) -> Option<(Ended, ModelApi)> {
    let api = ModelApi::start(script);
    let run = cli.run(&api)?;
    let ended = run
        .env(&format!("AGENT_RUNNER_BUDGET_{limit}"), value)
        .end();
    Some((ended, api))
}

/// A model that never comes to an end.
fn endless() -> Vec<Step> {
    vec![Step::shell("true")]
}

#[track_caller]
fn assert_exceeded(cli: Cli, ended: &Ended, reason: &'static str, said: &str) {
    assert_ends(cli.name(), ended, &ends(79, "BudgetExceeded", reason));
    assert!(ended.error().contains(said), "{cli:?}: {}", ended.error());
    assert!(
        ended.status["sessionId"].is_string(),
        "{cli:?}: {}",
        ended.status
    );
}

#[track_caller]
fn assert_warned(cli: Cli, ended: &Ended, said: &str) {
    let all = warnings(ended);
    assert!(
        all.iter().any(|warning| warning == said),
        "{cli:?}: {all:?}"
    );
}

#[test]
fn an_endless_loop_of_tools_ends_with_the_budget_of_tools() {
    for cli in CLIS {
        let Some((ended, api)) = limited(cli, "TOOL_CALLS", "5", endless()) else {
            continue;
        };
        assert_exceeded(cli, &ended, "ToolCallBudget", " of 5 tool calls");
        assert_warned(cli, &ended, "used 4 of 5 tool calls");
        assert!(
            api.requests().len() >= 6,
            "{cli:?}: the sixth call is one too many"
        );
    }
}

#[test]
fn an_endless_loop_of_requests_ends_with_the_budget_of_turns() {
    // Codex counts the whole loop as one turn.
    let script = endless();
    let Some((ended, _)) = limited(Cli::Claude, "TURNS", "5", script) else {
        return;
    };
    assert_exceeded(Cli::Claude, &ended, "TurnBudget", " of 5 turns");
    assert_warned(Cli::Claude, &ended, "used 4 of 5 turns");
}

#[test]
fn an_endless_loop_ends_with_the_budget_of_tokens() {
    for cli in [Cli::Claude, Cli::AppServer] {
        let script = vec![Step::shell("true").usage(1900, 100)];
        let Some((ended, _)) = limited(cli, "TOKENS", "10100", script) else {
            continue;
        };
        assert_exceeded(cli, &ended, "TokenBudget", " of 10100 tokens");
        let all = warnings(&ended);
        let near = |warning: &String| warning.ends_with(" of 10100 tokens");
        assert!(all.iter().any(near), "{cli:?}: {all:?}");
    }
}

#[test]
fn a_turn_that_was_too_expensive_is_told_at_its_end_where_the_cli_tells_no_earlier() {
    let script = vec![Step::shell("true"), Step::text("Done.")];
    let Some((ended, _)) = limited(Cli::CodexExec, "TOKENS", "2000", script) else {
        return;
    };
    let said = "used 2468 of 2000 tokens; it had finished";
    assert_exceeded(Cli::CodexExec, &ended, "TokenBudget", said);
    let all = warnings(&ended);
    let honest = |warning: &String| warning.contains("checked at the end of a turn only");
    assert!(all.iter().any(honest), "{all:?}");
}

#[test]
fn an_endless_loop_ends_with_the_budget_of_dollars() {
    let script = vec![Step::shell("true").usage(100_000, 1000)];
    let Some((ended, _)) = limited(Cli::Claude, "COST_USD", "1", script) else {
        return;
    };
    assert_eq!(
        (ended.code, ended.outcome()),
        (79, "BudgetExceeded"),
        "{}",
        ended.status
    );
    let cost = ended.status["usage"]["costUsd"]
        .as_f64()
        .expect("claude tells it");
    assert!((1.0..2.0).contains(&cost), "{}", ended.status);
    assert!(ended.error().contains('1'), "{}", ended.error());
    assert_eq!(ended.survivors(), []);
}

#[test]
fn four_fifths_of_a_budget_are_a_warning_and_no_more() {
    for cli in CLIS {
        let mut script = vec![Step::shell("true"); 4];
        script.push(Step::text("Done."));
        let Some((ended, _)) = limited(cli, "TOOL_CALLS", "5", script) else {
            continue;
        };
        assert_completed(cli, &ended);
        assert_warned(cli, &ended, "used 4 of 5 tool calls");
        assert!(
            ended.text().ends_with("\nDone.\n"),
            "{cli:?}: {}",
            ended.text()
        );
    }
}

#[test]
fn a_model_that_never_answers_ends_with_the_budget_of_time() {
    for cli in CLIS {
        let script = vec![Step::hang()];
        let Some((ended, api)) = limited(cli, "WALL", "4", script) else {
            continue;
        };
        assert_exceeded(cli, &ended, "WallBudget", "ran longer than 4s");
        assert_warned(cli, &ended, "used 3.2s of 4s");
        assert_eq!(api.requests().len(), 1, "{cli:?}");
    }
}

#[test]
fn claudes_own_limit_of_turns_is_an_incomplete_run() {
    let api = ModelApi::start(endless());
    let Some(run) = Cli::Claude.run(&api) else {
        return;
    };
    let args = json!([
        "--model",
        "claude-sonnet-4-5",
        "--dangerously-skip-permissions",
        "--max-turns",
        "3"
    ]);
    let ended = run.spec("/adapter/exec/argsTemplate", args).end();
    assert_ends("max turns", &ended, &ends(80, "Incomplete", "MaxTurns"));
    assert!(
        ended.error().contains("maximum number of turns (3)"),
        "{}",
        ended.error()
    );
}
