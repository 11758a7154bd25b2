//! The provider, or the CLI itself, says nothing any more.

use std::time::Duration;

use agent_tests::{Cli, Ended, ModelApi, Step, assert_ends, ends};

fn with(cli: Cli, step: Step, timeout: &str) -> Option<Ended> {
    let api = ModelApi::start([step]);
    Some(cli.run(&api)?.env(timeout, "3").end())
}

#[test]
fn a_model_that_never_answers_is_stalled() {
    Cli::each(|cli| {
        let Some(ended) = with(cli, Step::hang(), "AGENT_RUNNER_TIMEOUTS_IDLE") else {
            return;
        };
        assert_ends(&format!("{cli:?}"), &ended, &ends(81, "Stalled", "Idle"));
        assert!(ended.status["sessionId"].is_string(), "{}", ended.status);
        assert!(ended.took < Duration::from_secs(20), "{:?}", ended.took);
    });
}

#[test]
fn a_model_that_falls_silent_in_an_answer_is_stalled() {
    Cli::each(|cli| {
        let Some(ended) = with(cli, Step::hang_midstream(), "AGENT_RUNNER_TIMEOUTS_IDLE") else {
            return;
        };
        assert_ends(&format!("{cli:?}"), &ended, &ends(81, "Stalled", "Idle"));
    });
}

#[test]
fn a_hanging_run_ends_when_its_time_is_over() {
    Cli::each(|cli| {
        let Some(ended) = with(cli, Step::hang(), "AGENT_RUNNER_TIMEOUTS_TOTAL") else {
            return;
        };
        let timeout = ends(124, "Timeout", "TotalTimeout");
        assert_ends(&format!("{cli:?}"), &ended, &timeout);
    });
}

#[test]
fn a_cli_that_never_says_anything_is_stalled() {
    Cli::each(|cli| {
        let api = ModelApi::start([Step::text("Nobody asks.")]);
        let Some(run) = cli.run(&api) else { return };
        let run = cli.through(run, "sleep 300 & wait");
        let ended = run.env("AGENT_RUNNER_TIMEOUTS_FIRST_EVENT", "2").end();
        let stalled = ends(81, "Stalled", "NoFirstEvent");
        assert_ends(&format!("{cli:?}"), &ended, &stalled);
    });
}

#[test]
fn a_cli_that_hangs_after_its_result_keeps_what_it_said() {
    Cli::each(|cli| {
        let failure = Step::http(403, "permission_error", "Not you.");
        for (step, wanted) in [
            (Step::text("Done."), ends(0, "Completed", "Completed")),
            (failure, ends(77, "AuthFailed", "Auth")),
        ] {
            let api = ModelApi::start([step]);
            let Some(run) = cli.run(&api) else { return };
            let run = cli.through(run, r#""$REAL" "$@"; sleep 300"#);
            let ended = run.env("AGENT_RUNNER_TIMEOUTS_AFTER_RESULT", "1").end();
            assert_ends(&format!("{cli:?}"), &ended, &wanted);
        }
    });
}
