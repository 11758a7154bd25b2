//! The network is cut, and nobody is told.

use std::time::Duration;

use agent_tests::{NatsServer, Network};

use crate::scene::{Home, STREAM, assert_all, kinds};
use crate::with_stream;

/// Longer than it takes to see that nobody answers.
const CUT: Duration = Duration::from_secs(30);

#[test]
fn a_network_that_is_cut_for_half_a_minute_loses_nothing() {
    let network = Network::new();
    let nats = with_stream(NatsServer::new().in_network(&network));
    let home = Home::new();
    let run = home.run(&nats.url(), &home.until_enough("0.02"));
    let started = run.grace(60.0).through(network.through()).start();
    nats.await_count(STREAM, 10);
    network.cut();
    std::thread::sleep(CUT);
    let before = nats.count(STREAM);
    network.heal();
    // It comes back by itself, while the agent still speaks.
    nats.await_count(STREAM, before + 100);
    home.enough();
    let ended = started.end();
    let said = assert_all(&nats, &home, &ended);
    assert!(kinds(&said)["log"] as u64 > before, "{before}");
}
