//! Where nothing stores events, whoever listens hears them.

use agent_tests::subscriber::assert_complete;
use agent_tests::{Ended, Heard, NatsServer};
use serde_json::{Value, json};

use crate::streamed::{records, run_at};

/// Checks that a listener heard every event once, and that the status says that nothing stored them.
#[track_caller]
fn assert_heard(heard: &Heard, ended: &Ended, why: &str) {
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let count = records(ended).len();
    // Two of general kinds have a copy.
    let messages = heard.await_count(count + 2);
    assert_complete(&messages, &[(1, count as u64)]);
    assert_eq!(messages.len(), count + 2);
    let events = &ended.full["events"];
    assert_eq!(events["mode"], "core", "{}", ended.stderr);
    assert_eq!(events["emitted"], count);
    assert_eq!(events["unconfirmed"], count);
    assert_eq!(
        (&events["acknowledged"], &events["pending"]),
        (&Value::Null, &Value::Null)
    );
    let said = ended.stderr.matches("nothing stores them").count();
    assert_eq!(said, 1, "{}", ended.stderr);
    assert!(ended.stderr.contains(why), "{}", ended.stderr);
}

#[test]
fn a_server_without_jetstream_passes_events_on() {
    let nats = NatsServer::new().without_jetstream().start();
    let heard = nats.listen("agentrun.>");
    let ended = run_at(&nats.url()).agent(["print", "hello"]).end();
    assert_heard(&heard, &ended, "the server has no JetStream");
}

#[test]
fn a_stream_of_other_subjects_is_no_stream_for_events() {
    let nats = NatsServer::new().start();
    nats.make_stream("others", &["orders.>"]);
    let heard = nats.listen("agentrun.>");
    let ended = run_at(&nats.url()).agent(["print", "hello"]).end();
    assert_heard(&heard, &ended, "no stream takes");
    assert_eq!(nats.count("others"), 0);
}

#[test]
fn nobody_who_listens_is_as_good() {
    let nats = NatsServer::new().without_jetstream().start();
    let ended = run_at(&nats.url()).agent(["print", "hello"]).end();
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let count = records(&ended).len();
    assert_eq!(ended.full["events"]["mode"], "core");
    assert_eq!(ended.full["events"]["unconfirmed"], json!(count));
}
