//! What arrives.

use std::time::Duration;

use agent_plan::event::EventKind;
use agent_plan::status::EventsMode;
use async_nats::jetstream::stream;
use async_nats::{HeaderMap, HeaderValue};
use futures_util::StreamExt;
use tokio::time::timeout;

use super::server::{self, id};
use super::{PATIENCE, RUN, Run, Server, drained, first_occurrences, plan, until, within};

/// After how long nothing more comes of what has left.
const SILENCE: Duration = Duration::from_secs(2);

#[test]
fn everything_is_stored_once_and_in_order() {
    let server = Server::new();
    server.make_stream();
    let mut run = Run::new();
    let sink = run.sink(plan(server.port));
    run.say(EventKind::RunStarted, "begin");
    within(sink.stored()).expect("a stream takes it");
    run.say_many(2000);
    run.say(EventKind::RunOutcome, "end");
    run.backlog.close();
    drained(&sink);
    let state = sink.state();
    assert_eq!(state.mode, EventsMode::Jetstream);
    assert_eq!((state.acknowledged, state.unconfirmed), (2002, 0));
    assert_eq!((state.pending, state.problem), (0, None));
    assert_eq!(server.ids(RUN), run.ids());
    assert_eq!(server.ids("agentrun.general.").len(), 2);
    let stored = server.stored();
    let headers = stored[0].headers.clone().unwrap_or_default();
    assert_eq!(id(&stored[0]), "u-1-1");
    assert_eq!(
        headers
            .get("content-type")
            .map(async_nats::HeaderValue::as_str),
        Some("application/json")
    );
    assert!(headers.get("traceparent").is_some());
}

#[test]
fn what_is_said_later_arrives_soon() {
    let server = Server::new();
    server.make_stream();
    let mut run = Run::new();
    let sink = run.sink(plan(server.port));
    for seq in 1..=20 {
        run.say(EventKind::Message, "a");
        until(&sink, "acknowledged", |state| state.acknowledged == seq);
    }
    assert_eq!(server.ids(RUN), run.ids());
}

#[test]
fn no_message_is_longer_than_the_server_takes() {
    let server = Server::with("max_payload: 4096\njetstream { store_dir: \"DIR/store\" }");
    server.make_stream();
    let mut run = Run::new();
    let sink = run.sink(plan(server.port));
    run.say(EventKind::ToolResult, &"ä".repeat(100_000));
    run.say(EventKind::Message, "short");
    run.backlog.close();
    drained(&sink);
    assert_eq!(server.ids(RUN), run.ids());
    let long = &server.stored()[0];
    assert!(long.payload.len() > 3000, "{}", long.payload.len());
    // A sixteenth is left for headers of servers.
    let size = size(long);
    assert!(size <= 4096 - 256, "{size}");
}

/// Returns the bytes that a server counts.
fn size(message: &async_nats::Message) -> usize {
    let headers = message.headers.iter().flat_map(HeaderMap::iter);
    let lines = headers.map(|(name, values)| {
        let name: &str = name.as_ref();
        let line = |value: &HeaderValue| name.len() + value.as_str().len() + ": \r\n".len();
        values.iter().map(line).sum::<usize>()
    });
    "NATS/1.0\r\n\r\n".len() + lines.sum::<usize>() + message.payload.len()
}

#[test]
fn a_server_that_takes_less_than_the_shortest_cut_gets_what_fits() {
    let server = Server::with("max_payload: 1200\njetstream { store_dir: \"DIR/store\" }");
    server.make_stream();
    let mut run = Run::new();
    let sink = run.sink(plan(server.port));
    for length in [1, 300, 600, 900, 2000] {
        run.say(EventKind::Message, &"x".repeat(length));
    }
    run.backlog.close();
    drained(&sink);
    let state = sink.state();
    assert_eq!(state.acknowledged + state.unconfirmed, 5);
    assert!(state.acknowledged >= 2, "{state:?}");
    assert!(server.stored().iter().all(|it| size(it) <= 1200));
}

#[test]
fn a_message_that_is_too_long_at_its_shortest_is_given_up() {
    let server = Server::new();
    server.make_stream_with(stream::Config {
        subjects: vec!["agentrun.>".to_owned()],
        max_message_size: 1500,
        ..stream::Config::default()
    });
    let mut run = Run::new();
    let sink = run.sink(plan(server.port));
    run.say(EventKind::Message, "short");
    run.say(EventKind::ToolResult, &"ä".repeat(20_000));
    run.say(EventKind::RunOutcome, &"ä".repeat(20_000));
    run.say(EventKind::Message, "short");
    run.backlog.close();
    drained(&sink);
    let state = sink.state();
    assert_eq!((state.acknowledged, state.unconfirmed), (2, 2));
    assert_eq!((state.mode, state.pending), (EventsMode::Jetstream, 0));
    let problem = state.problem.expect("it is said");
    assert!(problem.contains("cannot be cut further"), "{problem}");
    assert_eq!(
        first_occurrences(&server.ids(RUN)),
        ["u-1-1", "u-1-4"],
        "what fits is stored"
    );
}

/// What no stream takes has no acknowledgement to wait for.
#[test]
fn what_no_stream_takes_has_left_when_all_is_delivered() {
    let server = Server::new();
    server.make_stream_with(stream::Config {
        subjects: vec![format!("{RUN}.message")],
        ..stream::Config::default()
    });
    let mut run = Run::new();
    let sink = run.sink(plan(server.port));
    run.say(EventKind::Message, "stored");
    until(&sink, "acknowledged", |state| state.acknowledged == 1);
    run.say(EventKind::Status, "heard by nobody");
    until(&sink, "unconfirmed", |state| state.unconfirmed == 1);
    let runtime = server::runtime();
    let mut heard = runtime.block_on(async {
        let client = server.client().await;
        let subject = format!("{RUN}.status");
        let heard = client.subscribe(subject).await.expect("it may");
        client.flush().await.expect("it is there");
        heard
    });
    let content = "x".repeat(60_000);
    for _ in 0..200 {
        run.say(EventKind::Status, &content);
    }
    run.backlog.close();
    drained(&sink);
    sink.stop(PATIENCE);
    assert_eq!(sink.state().unconfirmed, 201);
    let ids = runtime.block_on(async {
        let mut ids = Vec::new();
        while let Ok(Some(message)) = timeout(SILENCE, heard.next()).await {
            ids.push(server::id(&message));
        }
        ids
    });
    assert_eq!(ids, &run.ids()[2..]);
}
