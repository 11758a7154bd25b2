//! The container is started again, here or elsewhere.

use agent_tests::NatsServer;
use serde_json::{Value, json};

use crate::scene::{
    Home, STREAM, Said, assert_all, assert_arrived, assert_delivered, kinds, problem, records, says,
};
use crate::server;

/// A container whose server is down: it succeeds, and all that it says is pending.
#[track_caller]
fn run_without_server(home: &Home, url: &str, stage: &str) -> Vec<Said> {
    let run = home.run(url, &says(120)).env("AGENT_RUN_STAGE", stage);
    let ended = run.grace(2.0).end();
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let said = records(&home.journal());
    let events = &ended.full["events"];
    assert_eq!(events["mode"], "unreachable", "{events}");
    assert_eq!(events["pending"], said.len(), "{events}");
    assert_eq!(events["acknowledged"], Value::Null, "{events}");
    // Refused, or too busy to have been told so.
    assert_ne!(problem(&ended), "", "{events}");
    said
}

#[test]
fn a_successor_publishes_what_its_predecessor_left_before_its_own() {
    let nats = server();
    let home = Home::new();
    nats.stop();
    let first = run_without_server(&home, &nats.url(), "one");
    nats.restart();
    let second = home
        .run(&nats.url(), &says(50))
        .env("AGENT_RUN_STAGE", "two");
    let ended = second.grace(60.0).end();
    let said = assert_all(&nats, &home, &ended);
    assert_eq!(said[..first.len()], first);
    let events = &ended.full["events"];
    assert_eq!(events["leftOver"], first.len(), "{events}");
    for message in nats.stream_messages(STREAM) {
        let stage = match message.payload["attrs"]["attempt"].as_u64() {
            Some(1) => "one",
            Some(2) => "two",
            attempt => panic!("attempt {attempt:?}"),
        };
        assert_eq!(message.payload["stage"], stage, "said by whom?");
    }
}

#[test]
fn three_attempts_in_a_row_arrive_in_their_order() {
    let nats = server();
    let home = Home::new();
    nats.stop();
    run_without_server(&home, &nats.url(), "one");
    run_without_server(&home, &nats.url(), "two");
    nats.restart();
    let ended = home.run(&nats.url(), &says(50)).grace(60.0).end();
    let said = assert_all(&nats, &home, &ended);
    let mut attempts: Vec<u64> = said.iter().map(|said| said.attempt).collect();
    attempts.dedup();
    assert_eq!(attempts, [1, 2, 3]);
    assert_eq!(kinds(&said)["run-outcome"], 3);

    // Nothing of it is published again by a fourth.
    let count = nats.count(STREAM);
    let ended = home.run(&nats.url(), &says(1)).grace(60.0).end();
    assert_eq!(ended.full["events"]["leftOver"], Value::Null);
    let all = assert_all(&nats, &home, &ended);
    let own = all.iter().filter(|said| said.attempt == 4).count();
    // Start and outcome have a copy each.
    assert_eq!(nats.count(STREAM), count + own as u64 + 2);
}

#[test]
fn an_attempt_that_is_told_is_that_attempt() {
    let nats = server();
    let home = Home::new();
    let attempt = |number: &str| {
        let run = home.run(&nats.url(), &says(20));
        run.env("AGENT_RUNNER_ATTEMPT", number).grace(60.0).end()
    };
    nats.stop();
    let first = home.run(&nats.url(), &says(20)).grace(2.0);
    let ended = first.env("AGENT_RUNNER_ATTEMPT", "3").end();
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    nats.restart();
    let ended = attempt("7");
    let said = assert_all(&nats, &home, &ended);
    let of = |number: u64| said.iter().filter(|said| said.attempt == number).count();
    assert_eq!(of(3) + of(7), said.len());
    assert!(of(3) > 20 && of(7) > 20);
    // The container is started again and told the same: that number is taken.
    let said = assert_all(&nats, &home, &attempt("7"));
    assert_eq!(said.last().map(|said| said.attempt), Some(8));
}

#[test]
fn another_pod_of_the_same_run_has_ids_of_its_own() {
    let nats = server();
    let (one, other) = (Home::new(), Home::new());
    let first = one.run(&nats.url(), &says(50)).grace(60.0).end();
    let first_said = assert_all(&nats, &one, &first);
    let second = other.run(&nats.url(), &says(50)).grace(60.0);
    let second = second.env("HOSTNAME", "fix-login-7-job-abcde").end();
    let second_said = records(&other.journal());
    assert_delivered(&second, &second_said);
    let all = [first_said, second_said].concat();
    assert_arrived(&nats.stream_messages(STREAM), &all);
}

#[test]
fn a_pod_whose_journal_is_gone_has_ids_of_its_own() {
    let nats = server();
    // Nothing is left of the first either, such as a status that tells of it.
    let gone = || {
        let home = Home::new();
        let run = home.run(&nats.url(), &says(30)).grace(60.0);
        let ended = run.setting("events/journal", json!("off")).end();
        assert!(!home.journal_path().exists());
        ended
    };
    // Same pod, same uid, and neither knows of the other.
    let ended = [gone(), gone()];
    let emitted: u64 = ended
        .iter()
        .map(|ended| ended.full["events"]["emitted"].as_u64().unwrap_or(0))
        .sum();
    let messages = nats.stream_messages(STREAM);
    let left = agent_tests::subscriber::after_dedup(&messages);
    let own = |it: &&&agent_tests::StoredMessage| !it.subject.starts_with("agentrun.general.");
    assert_eq!(left.iter().filter(own).count() as u64, emitted);
}

/// Runs two containers, each with what it is told, and checks that all that both said is in the
/// stream.
#[track_caller]
fn assert_both_arrive(homes: [&Home; 2], told: [&[(&str, &str)]; 2]) {
    let nats = server();
    let mut all = Vec::new();
    for (home, told) in homes.into_iter().zip(told) {
        let mut run = home.run(&nats.url(), &says(50)).grace(60.0);
        for (name, value) in told {
            run = run.env(name, *value);
        }
        let ended = run.end();
        let said = records(&home.journal());
        assert!(said.len() > 50, "{} records", said.len());
        assert_delivered(&ended, &said);
        all.extend(said);
        // Where both have the same home, the second finds nothing of the first.
        std::fs::remove_dir_all(home.path("agent")).expect("the run has left something");
    }
    assert_arrived(&nats.stream_messages(STREAM), &all);
}

#[test]
fn a_container_that_finds_no_journal_is_not_taken_for_its_predecessor() {
    let home = Home::new();
    assert_both_arrive([&home, &home], [&[], &[]]);
}

#[test]
fn two_pods_of_one_step_are_not_taken_for_each_other() {
    let told = |pod: &'static str| [("AGENT_RUN_STEP", "build"), ("HOSTNAME", pod)];
    let (one, other) = (told("fix-login-7-job-x2k9p"), told("fix-login-7-job-abcde"));
    assert_both_arrive([&Home::new(), &Home::new()], [&one, &other]);
}

#[test]
fn two_containers_that_are_told_the_same_attempt_are_not_taken_for_each_other() {
    let told = [("AGENT_RUNNER_ATTEMPT", "7")];
    let home = Home::new();
    assert_both_arrive([&home, &home], [&told, &told]);
    assert_both_arrive([&Home::new(), &Home::new()], [&told, &told]);
}

#[test]
fn a_server_without_streams_gets_what_its_predecessor_left_too() {
    let nats = NatsServer::new().without_jetstream().start();
    let home = Home::new();
    nats.stop();
    let first = run_without_server(&home, &nats.url(), "one");
    nats.restart();
    let heard = nats.listen("agentrun.>");
    let ended = home.run(&nats.url(), &says(20)).grace(60.0).end();
    let events = &ended.full["events"];
    assert_eq!(events["mode"], "core", "{events}");
    let said = records(&home.journal());
    assert_eq!(events["unconfirmed"], said.len(), "{events}");
    let last = said.len() + kinds(&said)["run-started"] * 2 + kinds(&said)["run-summary"];
    heard.await_count(last);
    assert_arrived(&heard.messages(), &said);
    assert_eq!(said[..first.len()], first);
}
