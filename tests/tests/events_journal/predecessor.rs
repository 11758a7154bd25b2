//! Whose journal it was, and what is known of it.

use std::fs;

use serde_json::Value;

use crate::scene::{Home, STREAM, UID, assert_all, assert_arrived, records, says};
use crate::server;

const OTHER: &str = "3c3c3c3c-0000-4000-8000-000000000000";

#[test]
fn what_another_run_left_is_published_first_and_as_its_own() {
    let nats = server();
    let home = Home::new();
    nats.stop();
    home.belongs_to(OTHER, "other");
    let ended = home.run(&nats.url(), &says(40)).grace(2.0).end();
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    home.belongs_to(UID, "fix.login-7");
    let left = records(&home.journal());
    nats.restart();
    let ended = home.run(&nats.url(), &says(40)).grace(60.0).end();
    let said = records(&home.journal());
    assert_eq!(ended.full["events"]["leftOver"], left.len());
    assert!(said.starts_with(&left));
    let (theirs, ours): (Vec<_>, Vec<_>) = nats
        .stream_messages(STREAM)
        .into_iter()
        .partition(|message| message.payload["agent_run_uid"] == OTHER);
    let ids = |messages: &[agent_tests::StoredMessage]| -> Vec<String> {
        let general = |it: &&agent_tests::StoredMessage| it.subject.contains(".agent.");
        let id = |it: &agent_tests::StoredMessage| it.payload["message_id"].to_string();
        messages.iter().filter(general).map(id).collect()
    };
    let expected: Vec<_> = left.iter().map(|it| it.record["id"].to_string()).collect();
    assert_eq!(ids(&theirs), expected);
    assert!(theirs.last().map(|it| it.stream_sequence) < ours.first().map(|it| it.stream_sequence));
    assert!(
        theirs
            .iter()
            .all(|it| it.payload["agent_run_name"] == "other")
    );
    assert_arrived(&ours, &said[left.len()..]);
    // A run of its own, so it is its first attempt.
    assert!(said[left.len()..].iter().all(|it| it.attempt == 1));
}

#[test]
fn a_journal_of_another_run_that_is_all_delivered_gives_its_place_up() {
    let nats = server();
    let home = Home::new();
    home.belongs_to(OTHER, "other");
    let ended = home.run(&nats.url(), &says(40)).grace(60.0).end();
    assert_eq!(ended.full["events"]["pending"], Value::Null);
    home.belongs_to(UID, "fix.login-7");
    let ended = home.run(&nats.url(), &says(40)).grace(60.0).end();
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let said = records(&home.journal());
    assert!(said.iter().all(|it| it.id().starts_with(UID)), "{said:?}");
}

#[test]
fn a_strange_note_of_what_is_delivered_costs_duplicates_and_nothing_else() {
    let nats = server();
    let home = Home::new();
    let ended = home.run(&nats.url(), &says(40)).grace(60.0).end();
    assert_all(&nats, &home, &ended);
    let acked = home.path("agent/events.ndjson.acked");
    let length = home.journal().len();
    for note in [
        String::new(),
        "garbage\n".to_owned(),
        format!("{:020}\n", 7),
        format!("{:020}\n", length * 10),
        format!("{:020}\n", u64::MAX),
        format!("{:020}", 0),
        "\0".repeat(21),
        "9".repeat(100_000),
    ] {
        fs::write(&acked, &note).expect("it is writable");
        let ended = home.run(&nats.url(), &says(3)).grace(60.0).end();
        assert_eq!(ended.code, 0, "{note:.30}: {}", ended.stderr);
        assert_all(&nats, &home, &ended);
    }
}

#[test]
fn what_a_run_without_a_server_recorded_is_published_by_the_next_attempt() {
    let nats = server();
    let home = Home::new();
    let quiet = home.run("", &says(40)).grace(60.0).end();
    assert_eq!(quiet.code, 0, "{}", quiet.stderr);
    assert!(!records(&home.journal()).is_empty());
    let ended = home.run(&nats.url(), &says(40)).grace(60.0).end();
    // It is the same run's, and where to publish it is known now.
    assert_all(&nats, &home, &ended);
}
