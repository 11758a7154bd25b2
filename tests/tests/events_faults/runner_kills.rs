//! The runner dies at any moment, and all that is in its container with it.

use std::time::Duration;

use agent_tests::DEADLINE;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::random::{Dice, in_lanes, kills};
use crate::scene::{Home, Said, assert_all, records, says};
use crate::server;

/// Kills of one run.
const PER_RUN: u64 = 10;

/// How long an attempt lives, at most: its start takes a part of it.
const ALIVE: Duration = Duration::from_millis(700);

#[test]
fn a_runner_that_is_killed_at_any_moment_has_said_all_that_is_recorded() {
    in_lanes(kills().div_ceil(PER_RUN), kill_often);
}

fn kill_often(mut dice: Dice) {
    let nats = server();
    let home = Home::new();
    let mut recorded: Vec<Said> = Vec::new();
    for _ in 0..PER_RUN {
        // Some of them find no server, and what they say is left over.
        if dice.below(4) == 0 {
            nats.stop();
        } else if !nats.is_running() {
            nats.restart();
        }
        let script = home.until_enough(if dice.below(2) == 0 { "0.001" } else { "0.02" });
        let started = home.run(&nats.url(), &script).start();
        dice.pass(ALIVE);
        started.signal(Signal::SIGKILL);
        let ended = started.end();
        kill_all(&ended);
        let now = records(&home.journal());
        assert!(now.starts_with(&recorded), "what was recorded is gone");
        recorded = now;
    }
    if !nats.is_running() {
        nats.restart();
    }
    let ended = home.run(&nats.url(), &says(20)).grace(60.0).end();
    let said = assert_all(&nats, &home, &ended);
    assert!(said.len() > 100, "{} records are not many", said.len());
    assert!(said.starts_with(&recorded), "what was recorded is gone");
}

/// Kills what a container does not outlive.
fn kill_all(ended: &agent_tests::Ended) {
    let gone = agent_tests::wait_until(DEADLINE, || {
        let survivors = ended.survivors();
        for (pid, _) in &survivors {
            // It may have ended meanwhile.
            let _: nix::Result<()> = kill(Pid::from_raw(*pid), Signal::SIGKILL);
        }
        survivors.is_empty()
    });
    assert!(gone, "{:?}", ended.survivors());
}
