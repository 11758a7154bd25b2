//! A server that has little patience.

use std::time::Duration;

use agent_tests::NatsServer;

use crate::scene::{Home, STREAM, assert_all, assert_arrived, assert_delivered, records, says};
use crate::{server, with_stream};

#[test]
fn a_server_that_cuts_slow_readers_off_gets_everything_all_the_same() {
    // What this test asks of the server is more than it lets anybody wait for, so that the limits go
    // before it asks.
    let limits = tempfile::tempdir().expect("a temporary directory can be made");
    let set = |lines: &str| {
        std::fs::write(limits.path().join("limits.conf"), lines).expect("it is writable");
    };
    // A window of acknowledgements is 16 KiB.
    set("max_payload: 4096\nmax_pending: 4096\nwrite_deadline: \"1ms\"");
    let place = limits.path().file_name().expect("it has a name").display();
    let include = format!("include \"../{place}/limits.conf\"");
    let nats = with_stream(NatsServer::new().config(&include));
    let home = Home::new();
    let ended = home.run(&nats.url(), &says(500)).grace(120.0).end();
    let cut = nats.log().matches("Slow Consumer Detected").count();
    assert!(cut > 0, "nobody was cut off: {}", nats.log());
    set("max_pending: 64MB");
    nats.restart();
    assert_all(&nats, &home, &ended);
}

#[test]
fn a_server_that_is_held_for_a_moment_again_and_again_gets_everything_once() {
    let nats = server();
    let home = Home::new();
    let run = home.run(&nats.url(), &home.until_enough("0.002"));
    let started = run.grace(60.0).start();
    for count in 1..20 {
        nats.await_count(STREAM, count * 10);
        nats.pause();
        std::thread::sleep(Duration::from_millis(50));
        nats.resume();
    }
    home.enough();
    assert_all(&nats, &home, &started.end());
}

#[test]
fn what_is_longer_than_the_server_takes_arrives_cut_and_in_its_place() {
    let nats = with_stream(NatsServer::new().config("max_payload: 4096"));
    let home = Home::new();
    let script = r#"long=$(head -c 20000 /dev/zero | tr '\0' x)
        i=0; while [ $i -lt 50 ]; do i=$((i + 1)); echo "line $i"
        echo '{"kind":"message","content":"'$i $long'"}'; done
        echo '{"kind":"run-outcome","status":"succeeded"}'"#;
    let ended = home.run(&nats.url(), script).grace(60.0).end();
    let said = assert_all(&nats, &home, &ended);
    let messages = nats.stream_messages(STREAM);
    let cut = messages
        .iter()
        .filter(|it| it.payload["attrs"]["truncated"]["content"].as_u64() > Some(20_000));
    assert_eq!(cut.count(), 50);
    let long = said.iter().filter(|it| it.content().len() > 20_000);
    assert_eq!(long.count(), 50, "the journal has them whole");
}

/// What was in flight behind a message that a stream refuses is stored before it is: the one way in
/// which the order of the stream is not that of the numbers. Nobody misses anything.
#[test]
fn a_stream_that_takes_no_long_messages_gets_them_cut() {
    let nats = NatsServer::new().start();
    nats.make_stream_with(async_nats::jetstream::stream::Config {
        name: STREAM.to_owned(),
        subjects: vec!["agentrun.>".to_owned()],
        max_message_size: 3000,
        ..Default::default()
    });
    let home = Home::new();
    let script = r#"long=$(head -c 20000 /dev/zero | tr '\0' x)
        echo '{"kind":"message","content":"'$long'"}'; sleep 0.5; echo after
        echo '{"kind":"run-outcome","status":"succeeded"}'"#;
    let ended = home.run(&nats.url(), script).grace(60.0).end();
    let said = records(&home.journal());
    assert_delivered(&ended, &said);
    let mut messages = nats.stream_messages(STREAM);
    // A copy for everybody comes behind its event.
    messages.sort_by_key(|it| {
        (
            it.payload["attrs"]["seq"].as_u64(),
            it.subject.contains(".general."),
        )
    });
    assert_arrived(&messages, &said);
}
