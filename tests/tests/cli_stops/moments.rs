//! The moment at which the stop comes.

use agent_tests::{Cli, DEADLINE, Ended, ModelApi, Step, wait_until};
use nix::sys::signal::Signal;

use super::{GRACE, STUBBORN, TOOL, assert_cancels, has_said, in_tool};

#[track_caller]
fn assert_can_be_resumed(cli: Cli, ended: &Ended) {
    assert!(
        ended.status["sessionId"].is_string(),
        "{cli:?}: {}",
        ended.status
    );
}

#[test]
fn a_stop_in_a_tool_ends_it_all() {
    Cli::each(|cli| {
        for signal in [Signal::SIGTERM, Signal::SIGINT] {
            let Some((_api, started)) = in_tool(cli, TOOL) else {
                return;
            };
            let name = format!("{cli:?} {signal}");
            let ended = assert_cancels(&name, started, signal);
            assert_can_be_resumed(cli, &ended);
            assert_eq!(ended.status["usage"]["toolCalls"], 1, "{}", ended.status);
            if cli == Cli::Claude {
                // Only an interrupted claude says what it has cost.
                let usage = &ended.status["usage"];
                assert_eq!(usage["outputTokens"], 34, "{}", ended.status);
                assert!(usage["costUsd"].is_number(), "{}", ended.status);
            }
        }
    });
}

#[test]
fn a_stop_ends_what_does_not_listen() {
    Cli::each(|cli| {
        let Some((_api, started)) = in_tool(cli, STUBBORN) else {
            return;
        };
        let ended = assert_cancels(&format!("{cli:?}"), started, Signal::SIGTERM);
        assert_can_be_resumed(cli, &ended);
    });
}

#[test]
fn a_stop_while_the_model_is_silent_is_no_success() {
    for step in [Step::hang, Step::hang_midstream] {
        Cli::each(|cli| {
            let api = ModelApi::start([step()]);
            let Some(run) = cli.run(&api) else { return };
            let started = run.grace(GRACE).start();
            api.await_request(1);
            let ended = assert_cancels(&format!("{cli:?}"), started, Signal::SIGTERM);
            assert_can_be_resumed(cli, &ended);
        });
    }
}

#[test]
fn a_stop_in_an_answer_that_goes_on_is_no_success() {
    Cli::each(|cli| {
        let long = Step::text("A word and a word. ".repeat(1000));
        let slow = long
            .pieces_of(19)
            .delay(std::time::Duration::from_millis(20));
        let api = ModelApi::start([slow]);
        let Some(run) = cli.run(&api) else { return };
        let started = run.grace(GRACE).start();
        api.await_request(1);
        assert_cancels(&format!("{cli:?}"), started, Signal::SIGTERM);
    });
}

#[test]
fn a_stop_while_a_retry_is_waited_for_is_no_failure() {
    // Only claude waits for as long as it is told to.
    let refusal = Step::http(429, "rate_limit_error", "Slow down.").header("retry-after", "50");
    let api = ModelApi::start([refusal]);
    let Some(run) = Cli::Claude.run(&api) else {
        return;
    };
    let started = run.grace(GRACE).start();
    assert!(wait_until(DEADLINE, || has_said(&started, "api_retry")));
    assert_cancels("claude", started, Signal::SIGTERM);
}

#[test]
fn a_stop_before_the_cli_is_ready_is_kept() {
    Cli::each(|cli| {
        let api = ModelApi::start([Step::shell(TOOL)]);
        let Some(run) = cli.run(&api) else { return };
        // The CLI is asked for its version before it is started.
        let script = r#"test "$1" = --version || touch "$TMPDIR/begun"; exec "$REAL" "$@""#;
        let started = cli.through(run, script).grace(GRACE).start();
        started.await_file(started.path("begun"));
        assert_cancels(&format!("{cli:?}"), started, Signal::SIGTERM);
    });
}

#[test]
fn a_stop_ends_a_loop_without_end() {
    Cli::each(|cli| {
        let api = ModelApi::start([Step::shell("echo again")]);
        let Some(run) = cli.run(&api) else { return };
        let started = run.grace(GRACE).start();
        api.await_request(5);
        let ended = assert_cancels(&format!("{cli:?}"), started, Signal::SIGTERM);
        assert_can_be_resumed(cli, &ended);
        let calls = ended.status["usage"]["toolCalls"].as_u64();
        assert!(calls.is_some_and(|calls| calls >= 3), "{}", ended.status);
    });
}
