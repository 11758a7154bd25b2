//! Servers that go away.

use std::time::Duration;

use agent_plan::status::EventsMode;

use super::{RUN, Run, Server, drained, first_occurrences, plan, until};

#[test]
fn nothing_is_lost_when_the_server_is_killed_in_a_flood() {
    let mut server = Server::new();
    server.make_stream();
    let mut run = Run::new();
    let sink = run.sink(plan(server.port));
    run.say_many(1);
    until(&sink, "acknowledged", |state| state.acknowledged == 1);
    for _ in 0..3 {
        run.say_many(3000);
        let enough = run.said - 2000;
        until(&sink, "flooding", |state| state.acknowledged > enough);
        server.kill();
        run.say_many(100);
        server.start();
    }
    run.backlog.close();
    drained(&sink);
    assert_eq!(first_occurrences(&server.ids(RUN)), run.ids());
    let state = sink.state();
    assert_eq!((state.acknowledged, state.unconfirmed), (run.said, 0));
}

#[test]
fn a_server_that_comes_late_gets_everything() {
    let server = Server::down();
    server.configure("jetstream { store_dir: \"DIR/store\" }");
    let mut run = Run::new();
    let sink = run.sink(plan(server.port));
    run.say_many(500);
    let state = until(&sink, "refused", |state| state.problem.is_some());
    assert_eq!((state.mode, state.pending), (EventsMode::Unreachable, 500));
    let problem = state.problem.expect("it was waited for");
    assert!(problem.contains("refused"), "{problem}");
    assert!(problem.contains(&server.port.to_string()), "{problem}");
    // A server with JetStream and no stream yet would be told everything at once.
    let mut other = Server::new();
    other.make_stream();
    other.kill();
    other.port = server.port;
    other.configure("jetstream { store_dir: \"DIR/store\" }");
    other.start();
    run.backlog.close();
    drained(&sink);
    assert_eq!(other.ids(RUN), run.ids());
}

#[test]
fn nothing_is_lost_when_the_server_cuts_a_slow_consumer() {
    let mut server = Server::with(
        "max_payload: 2048\nmax_pending: 2048\nlog_file: \"DIR/log\"\njetstream { store_dir: \"DIR/store\" }",
    );
    server.make_stream();
    let mut run = Run::new();
    let sink = run.sink(plan(server.port));
    run.say_many(5000);
    run.backlog.close();
    drained(&sink);
    let log = server.log();
    assert!(
        log.contains("Slow Consumer Detected"),
        "nobody was cut: {log}"
    );
    // The test reads as fast as it can, and would be cut too.
    server.kill();
    server.configure("jetstream { store_dir: \"DIR/store\" }");
    server.start();
    assert_eq!(first_occurrences(&server.ids(RUN)), run.ids());
    let log = server.log();
    assert!(
        log.contains("Slow Consumer Detected"),
        "nobody was cut: {log}"
    );
}

#[test]
fn a_server_that_stops_answering_is_given_up() {
    let server = Server::new();
    server.make_stream();
    let mut run = Run::new();
    let mut plan = plan(server.port);
    plan.acknowledge = Duration::from_millis(300);
    let sink = run.sink(plan);
    run.say_many(1);
    until(&sink, "acknowledged", |state| state.acknowledged == 1);
    server.freeze(true);
    run.say_many(10);
    let state = until(&sink, "overdue", |state| state.problem.is_some());
    let problem = state.problem.expect("it was waited for");
    assert_eq!(problem, "no acknowledgement within 0.3 s");
    server.freeze(false);
    run.backlog.close();
    drained(&sink);
    assert_eq!(first_occurrences(&server.ids(RUN)), run.ids());
}
