//! The server dies at any moment.

use std::time::Duration;

use crate::random::{Dice, in_lanes, kills};
use crate::scene::{Home, STREAM, assert_all};
use crate::server;

/// Kills of one run.
const PER_RUN: u64 = 5;

/// How long the server lives and is dead, at most.
const ALIVE: Duration = Duration::from_millis(500);
const DEAD: Duration = Duration::from_millis(200);

#[test]
fn a_server_that_is_killed_at_any_moment_misses_nothing() {
    in_lanes(kills().div_ceil(PER_RUN), kill_often);
}

fn kill_often(mut dice: Dice) {
    let nats = server();
    let home = Home::new();
    let run = home.run(&nats.url(), &home.until_enough("0.002"));
    let started = run.grace(60.0).start();
    nats.await_count(STREAM, 1);
    for _ in 0..PER_RUN {
        dice.pass(ALIVE);
        nats.stop();
        dice.pass(DEAD);
        nats.restart();
    }
    home.enough();
    let ended = started.end();
    let said = assert_all(&nats, &home, &ended);
    assert!(said.len() > 100, "{} records are not many", said.len());
}
