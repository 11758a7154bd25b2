//! Whenever and however a run is stopped: every real CLI ends, what it started ends, and the status
//! says who wanted it.

#[path = "cli_stops/leftovers.rs"]
mod leftovers;
#[path = "cli_stops/moments.rs"]
mod moments;
#[path = "cli_stops/signals.rs"]
mod signals;

use std::time::{Duration, Instant};

use agent_tests::{
    Cli, DEADLINE, Ended, ModelApi, Started, Step, assert_ends, ends, processes_with, wait_until,
};
use nix::sys::signal::Signal;

/// The pod's grace in these tests, in seconds.
const GRACE: f64 = 10.0;

/// A tool that runs for as long as it may, with a child in a session of its own.
const TOOL: &str = "setsid sleep 301 & sleep 302";

/// The same, and neither it nor its children listen to any signal that can be ignored.
const STUBBORN: &str = "trap '' TERM INT HUP QUIT; setsid sleep 301 & sleep 302 & wait; wait";

/// Starts a CLI whose model wants this command, and waits until it runs.
fn in_tool(cli: Cli, command: &str) -> Option<(ModelApi, Started)> {
    let api = ModelApi::start([Step::shell(command), Step::text("The tool has ended.")]);
    let started = cli.run(&api)?.grace(GRACE).start();
    assert_runs(cli, &started);
    Some((api, started))
}

/// Waits until the tool runs.
fn assert_runs(cli: Cli, started: &Started) {
    let sleeps = || {
        let running = processes_with(&started.path(""));
        running.iter().filter(|(_, name)| name == "sleep").count()
    };
    // A CLI may say that it has begun a tool after it has.
    let runs = || sleeps() == 2 && has_said(started, "sleep 302");
    assert!(wait_until(DEADLINE, runs), "{cli:?}: {} of 2", sleeps());
}

/// Says whether a text is in what the CLI has said so far.
fn has_said(started: &Started, text: &str) -> bool {
    let log = std::fs::read(started.path("agent/runner.log")).unwrap_or_default();
    String::from_utf8_lossy(&log).contains(text)
}

/// Sends a signal and asserts that the run is cancelled by it, in time, and that all has ended.
#[track_caller]
fn assert_cancels(name: &str, started: Started, signal: Signal) -> Ended {
    let asked = Instant::now();
    started.signal(signal);
    let ended = started.end();
    let took = asked.elapsed();
    let code = 128 + signal as i32;
    assert_ends(name, &ended, &ends(code, "Cancelled", signal.as_str()));
    assert!(took < Duration::from_secs_f64(GRACE), "{name}: {took:?}");
    ended
}
