//! Stopping.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use agent_plan::plan::NatsServer;

use super::{Run, Server, drained, plan, until};

/// What a stop may take that waits for nobody.
const SOON: Duration = Duration::from_millis(100);

fn stops_soon(sink: &super::Sink) {
    let begin = Instant::now();
    sink.stop(Duration::from_secs(10));
    let taken = begin.elapsed();
    assert!(taken < SOON, "{taken:?}");
    sink.stop(Duration::from_secs(10));
}

#[test]
fn a_stop_ends_a_connection_that_stands() {
    let server = Server::new();
    server.make_stream();
    let mut run = Run::new();
    let sink = run.sink(plan(server.port));
    run.say_many(1);
    until(&sink, "acknowledged", |state| state.acknowledged == 1);
    stops_soon(&sink);
    run.say_many(1);
    assert_eq!(sink.state().pending, 1);
}

#[test]
fn a_stop_ends_a_connection_to_a_server_that_says_nothing() {
    let silent = TcpListener::bind("127.0.0.1:0").expect("there is a port");
    let port = silent.local_addr().expect("it is bound").port();
    let sink = Run::new().sink(plan(port));
    let _connected = silent.accept().expect("it connects");
    stops_soon(&sink);
}

#[test]
fn a_stop_ends_the_pause_before_the_next_connection() {
    let server = Server::down();
    let sink = Run::new().sink(plan(server.port));
    until(&sink, "refused", |state| state.problem.is_some());
    std::thread::sleep(Duration::from_millis(500));
    stops_soon(&sink);
}

#[test]
fn a_stop_ends_the_search_for_a_name() {
    let mut plan = plan(4222);
    plan.servers[0] = NatsServer {
        host: "nats.invalid".to_owned(),
        port: 4222,
        tls: false,
    };
    let sink = Run::new().sink(plan);
    stops_soon(&sink);
}

#[test]
fn an_empty_run_needs_no_stream_to_end() {
    let server = Server::new();
    let run = Run::new();
    let sink = run.sink(plan(server.port));
    run.backlog.close();
    drained(&sink);
    stops_soon(&sink);
}
