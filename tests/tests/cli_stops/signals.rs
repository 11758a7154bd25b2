//! Signals that mean something else than the first TERM or INT.

use std::time::{Duration, Instant};

use agent_tests::{Cli, ModelApi, Step, assert_ends, ends};
use nix::sys::signal::Signal;

use super::{STUBBORN, TOOL, assert_cancels, assert_runs, in_tool};

#[test]
fn hangup_and_quit_are_stops_too() {
    Cli::each(|cli| {
        for signal in [Signal::SIGHUP, Signal::SIGQUIT] {
            let Some((_api, started)) = in_tool(cli, TOOL) else {
                return;
            };
            assert_cancels(&format!("{cli:?} {signal}"), started, signal);
        }
    });
}

#[test]
fn the_signals_of_users_are_kept_from_a_cli_that_would_die_of_them() {
    Cli::each(|cli| {
        let api = ModelApi::start([Step::text("Still here.").hold("signals")]);
        let Some(run) = cli.run(&api) else { return };
        let started = run.start();
        api.await_request(1);
        started.signal(Signal::SIGUSR1);
        started.signal(Signal::SIGUSR2);
        api.release("signals");
        let ended = started.end();
        assert_ends(
            &format!("{cli:?}"),
            &ended,
            &ends(0, "Completed", "Completed"),
        );
        assert_eq!(ended.text(), "Still here.\n", "{cli:?}");
    });
}

#[test]
fn a_second_stop_does_not_wait() {
    Cli::each(|cli| {
        let api = ModelApi::start([Step::shell(STUBBORN)]);
        let Some(run) = cli.run(&api) else { return };
        let script = r#"trap '' TERM INT
            test "$1" = --version && exec "$REAL" "$@"
            exec 3<&0; "$REAL" "$@" <&3 & wait; sleep 303"#;
        let started = cli.through(run, script).grace(60.0).start();
        assert_runs(cli, &started);
        let asked = Instant::now();
        started.signal(Signal::SIGTERM);
        // The status is written when the stop begins.
        started.await_file(started.path("agent/status.json"));
        started.signal(Signal::SIGTERM);
        let ended = started.end();
        let took = asked.elapsed();
        let name = format!("{cli:?}");
        assert_ends(&name, &ended, &ends(143, "Cancelled", "SIGTERM"));
        assert_eq!(ended.status["process"]["killed"], true, "{name}");
        assert!(took < Duration::from_secs(5), "{name}: {took:?}");
    });
}
