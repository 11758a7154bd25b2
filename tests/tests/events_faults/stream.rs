//! A stream that takes nothing more, and one that goes away.

use agent_tests::{Nats, NatsServer, subscriber};
use async_nats::jetstream::stream::{Config, DiscardPolicy};
use serde_json::Value;

use crate::scene::{
    Home, STREAM, assert_all, assert_arrived, assert_delivered, problem, records, says,
};
use crate::server;

/// A stream that refuses what it has no room for.
fn limited(max_messages: i64, max_bytes: i64) -> Config {
    Config {
        name: STREAM.to_owned(),
        subjects: vec!["agentrun.>".to_owned()],
        max_messages,
        max_bytes,
        discard: DiscardPolicy::New,
        ..Config::default()
    }
}

/// Lets the stream take more.
fn make_room(nats: &Nats) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime can be made");
    runtime.block_on(async {
        let client = async_nats::connect(nats.url()).await;
        let client = client.expect("the server lets everybody in");
        let jetstream = async_nats::jetstream::new(client);
        let updated = jetstream.update_stream(limited(-1, -1)).await;
        updated.expect("the stream can be changed");
    });
}

#[test]
fn what_a_full_stream_refuses_is_pending_and_comes_when_there_is_room() {
    let nats = NatsServer::new().start();
    nats.make_stream_with(limited(40, -1));
    let home = Home::new();
    let ended = home.run(&nats.url(), &says(200)).grace(4.0).end();
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let first = records(&home.journal());
    let events = &ended.full["events"];
    assert_eq!(events["mode"], "jetstream", "{events}");
    assert!(
        problem(&ended).contains("maximum messages exceeded"),
        "{events}"
    );
    let acknowledged = events["acknowledged"].as_u64().unwrap_or(0);
    let pending = events["pending"].as_u64().unwrap_or(0);
    assert_eq!(acknowledged + pending, first.len() as u64, "{events}");
    let count = |many: u64| usize::try_from(many).expect("it fits");
    let messages = nats.stream_messages(STREAM);
    assert_eq!(messages.len(), 40);
    // The last of them may be the one copy of an event that has two.
    let stored = &first[..count(acknowledged)];
    let copies = stored
        .iter()
        .filter(|said| said.kind().starts_with("run-"))
        .count();
    let sure = stored.len() + copies;
    assert!(sure == 40 || sure == 39, "{sure}: {events}");
    assert_arrived(&messages[..sure], stored);

    make_room(&nats);
    let ended = home.run(&nats.url(), &says(20)).grace(60.0).end();
    assert_eq!(ended.full["events"]["leftOver"], pending);
    assert_all(&nats, &home, &ended);
}

/// A short message may find room where a longer one before it found none, if both were on their way:
/// then the order of the stream is not that of the numbers. Nobody misses anything.
#[test]
fn what_has_no_room_for_its_bytes_is_pending_and_comes_when_there_is_room() {
    let nats = NatsServer::new().start();
    nats.make_stream_with(limited(-1, 50_000));
    let home = Home::new();
    let ended = home.run(&nats.url(), &says(200)).grace(4.0).end();
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let first = records(&home.journal());
    let events = &ended.full["events"];
    assert_eq!(events["mode"], "jetstream", "{events}");
    assert!(
        problem(&ended).contains("maximum bytes exceeded"),
        "{events}"
    );
    let acknowledged = events["acknowledged"].as_u64().unwrap_or(0);
    let pending = events["pending"].as_u64().unwrap_or(0);
    assert_eq!(acknowledged + pending, first.len() as u64, "{events}");
    assert!(acknowledged > 0 && pending > 0, "{events}");

    make_room(&nats);
    let ended = home.run(&nats.url(), &says(20)).grace(60.0).end();
    let said = records(&home.journal());
    assert_eq!(ended.full["events"]["leftOver"], pending);
    assert_delivered(&ended, &said);
    let mut messages = nats.stream_messages(STREAM);
    // A copy for everybody comes behind its event.
    messages.sort_by_key(|it| {
        let number = |name: &str| it.payload["attrs"][name].as_u64();
        (
            number("attempt"),
            number("seq"),
            it.subject.contains(".general."),
        )
    });
    assert_arrived(&messages, &said);
}

#[test]
fn a_stream_that_is_made_again_gets_everything_from_then_on() {
    let nats = server();
    let home = Home::new();
    let run = home.run(&nats.url(), &home.until_enough("0.002"));
    let started = run.grace(60.0).start();
    let mut before = Vec::new();
    for _ in 0..3 {
        nats.await_count(STREAM, 50);
        before.push(nats.stream_messages(STREAM));
        nats.delete_stream(STREAM);
        nats.make_stream(STREAM, &["agentrun.>"]);
    }
    nats.await_count(STREAM, 50);
    home.enough();
    let ended = started.end();
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let said = records(&home.journal());
    let events = &ended.full["events"];
    assert_eq!(events["acknowledged"], said.len(), "{events}");
    assert_eq!(events["pending"], Value::Null, "{events}");
    let after = nats.stream_messages(STREAM);
    subscriber::assert_accepted(&after);
    let first = after.first().expect("it has many").payload["message_id"].clone();
    let first = first
        .as_str()
        .unwrap_or_default()
        .trim_end_matches("-general");
    let from = said.iter().position(|said| said.id() == first);
    let from = from.expect("what is published is recorded");
    let general = after[0].subject.starts_with("agentrun.general.");
    assert_arrived(
        &after[usize::from(general)..],
        &said[from + usize::from(general)..],
    );
}
