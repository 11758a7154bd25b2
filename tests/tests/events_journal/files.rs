//! Where the journal is, and what may be there already.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::Path;

use agent_tests::{DEADLINE, wait_until};
use nix::sys::stat::Mode;
use nix::unistd::mkfifo;
use serde_json::{Value, json};

use crate::scene::{Home, STREAM, assert_all, assert_arrived, problem, records, says};
use crate::{assert_published, server};

/// Runs with something in the journal's place.
#[track_caller]
fn run_with(put: impl FnOnce(&Path)) -> (Home, String) {
    let nats = server();
    let home = Home::new();
    let path = home.journal_path();
    fs::create_dir_all(path.parent().expect("it is in a directory")).expect("it can be made");
    put(&path);
    let ended = home.run(&nats.url(), &says(30)).grace(60.0).end();
    assert_published(&nats, &ended);
    let said = problem(&ended).to_owned();
    assert_eq!(ended.full["events"]["journal"], Value::Null, "{said}");
    (home, said)
}

#[test]
fn a_link_in_its_place_is_not_followed() {
    let (home, said) = run_with(|path| {
        fs::write(path.with_file_name("precious"), "precious").expect("it is writable");
        symlink("precious", path).expect("a link can be made");
    });
    assert!(said.contains("events.ndjson` cannot be used: "), "{said}");
    let precious = home.journal_path().with_file_name("precious");
    assert_eq!(fs::read(precious).expect("it is there"), b"precious");
    assert!(home.journal_path().is_symlink());
}

#[test]
fn a_dangling_link_in_its_place_makes_no_file() {
    let (home, said) = run_with(|path| symlink("elsewhere", path).expect("a link can be made"));
    assert!(said.contains("events.ndjson` cannot be used: "), "{said}");
    assert!(!home.journal_path().with_file_name("elsewhere").exists());
}

#[test]
fn a_fifo_in_its_place_holds_nobody_up() {
    let (_, said) = run_with(|path| mkfifo(path, Mode::S_IRWXU).expect("a FIFO can be made"));
    assert!(said.contains("it is no regular file"), "{said}");
}

#[test]
fn a_directory_in_its_place_stays_one() {
    let (home, said) = run_with(|path| fs::create_dir(path).expect("it can be made"));
    assert!(said.contains("Is a directory"), "{said}");
    assert!(home.journal_path().is_dir());
}

#[test]
fn a_socket_in_its_place_stays_one() {
    let (_, said) = run_with(|path| drop(UnixListener::bind(path).expect("it can be made")));
    assert!(said.contains("events.ndjson` cannot be used: "), "{said}");
}

#[test]
fn what_is_delivered_is_not_kept_where_a_link_leads() {
    let nats = server();
    let home = Home::new();
    let path = home.path("agent/events.ndjson.acked");
    fs::create_dir_all(home.path("agent")).expect("it can be made");
    fs::write(home.path("precious"), "precious").expect("it is writable");
    symlink(home.path("precious"), &path).expect("a link can be made");
    let ended = home.run(&nats.url(), &says(30)).grace(60.0).end();
    assert_published(&nats, &ended);
    let said = problem(&ended);
    assert!(said.contains("what is delivered cannot be kept"), "{said}");
    assert_eq!(
        fs::read(home.path("precious")).expect("it is there"),
        b"precious"
    );
    // So it is all published once more, under the same ids.
    let ended = home.run(&nats.url(), &says(30)).grace(60.0).end();
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let all = records(&home.journal());
    assert_arrived(&nats.stream_messages(STREAM), &all);
}

#[test]
fn the_journal_is_where_it_is_told_to_be_and_only_ours_to_read() {
    for by_variable in [false, true] {
        let nats = server();
        let home = Home::new();
        let told = home.path("deep/down/j.ndjson");
        let run = home.run(&nats.url(), &says(30)).grace(60.0);
        let run = if by_variable {
            run.env("AGENT_RUNNER_EVENTS_JOURNAL", &told)
        } else {
            run.setting("events/journal", json!(told))
        };
        let ended = run.end();
        assert_published(&nats, &ended);
        assert_eq!(ended.full["events"]["journal"], json!(told));
        assert!(!home.journal_path().exists());
        let said = records(&fs::read(&told).expect("it is there"));
        assert_arrived(&nats.stream_messages(STREAM), &said);
        let mode = fs::metadata(&told)
            .expect("it is there")
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}

#[test]
fn a_journal_that_is_off_leaves_nothing_behind() {
    let nats = server();
    let home = Home::new();
    let run = home.run(&nats.url(), &says(30)).grace(60.0);
    let ended = run.arg("--events-journal").arg("off").end();
    assert_published(&nats, &ended);
    assert_eq!(ended.full["events"]["journal"], Value::Null);
    assert_eq!(problem(&ended), "");
    let left = |dir: &Path| {
        let found = std::process::Command::new("find")
            .arg(dir)
            .args(["-name", "events.ndjson*"])
            .output();
        String::from_utf8(found.expect("`find` can be started").stdout).expect("names are text")
    };
    assert_eq!(left(ended.dir.path()), "");
    assert_eq!(left(&home.path("")), "");
}

#[test]
fn two_runners_do_not_write_one_journal() {
    let nats = server();
    let home = Home::new();
    let first = home
        .run(&nats.url(), &home.until_enough("0.01"))
        .grace(60.0);
    let first = first.start();
    nats.await_count(STREAM, 10);
    // Elsewhere with its status, so that only the journal is in both hands.
    let other = Home::new();
    let second = other.run(&nats.url(), &says(30)).grace(60.0);
    let second = second
        .setting("events/journal", json!(home.journal_path()))
        .end();
    assert_eq!(second.code, 0, "{}", second.stderr);
    let said = problem(&second);
    assert!(said.contains("another runner writes it"), "{said}");
    let events = &second.full["events"];
    assert_eq!(events["acknowledged"], events["emitted"], "{events}");
    home.enough();
    let first = first.end();
    let recorded = records(&home.journal());
    crate::scene::assert_delivered(&first, &recorded);
    let stem = &recorded[0].stem;
    let messages = nats.stream_messages(STREAM);
    let is_of_first = |id: &str| id.starts_with(&format!("{stem}-"));
    let (of_first, of_second): (Vec<_>, Vec<_>) = messages.into_iter().partition(|message| {
        let id = message.payload["message_id"].as_str().unwrap_or_default();
        // The other's begins the same and has something random in it.
        is_of_first(id)
            && !id
                .trim_start_matches(&format!("{stem}-"))
                .trim_end_matches("-general")
                .contains('-')
    });
    assert_arrived(&of_first, &recorded);
    let emitted = events["emitted"].as_u64().expect("it has said something");
    agent_tests::subscriber::assert_complete(&of_second, &[(1, emitted)]);
}

#[test]
fn a_journal_that_is_removed_is_missed_and_its_events_are_not() {
    let nats = server();
    let home = Home::new();
    let run = home
        .run(&nats.url(), &home.until_enough("0.01"))
        .grace(60.0);
    let started = run.start();
    nats.await_count(STREAM, 10);
    fs::remove_file(home.journal_path()).expect("it is there");
    let before = nats.count(STREAM);
    nats.await_count(STREAM, before + 20);
    home.enough();
    let ended = started.end();
    assert_published(&nats, &ended);
    let said = problem(&ended);
    assert!(said.contains("somebody has removed the journal"), "{said}");
}

#[test]
fn a_journal_grows_while_the_run_speaks() {
    let nats = server();
    let home = Home::new();
    nats.stop();
    let run = home.run(&nats.url(), &home.until_enough("0.005"));
    let started = run.grace(2.0).start();
    let mut last = 0;
    for _ in 0..5 {
        let grown = wait_until(DEADLINE, || {
            fs::metadata(home.journal_path()).is_ok_and(|it| it.size() > last)
        });
        assert!(grown, "it has {last} bytes for ever");
        last = fs::metadata(home.journal_path())
            .expect("it is there")
            .size();
    }
    home.enough();
    let ended = started.end();
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    nats.restart();
    let ended = home.run(&nats.url(), &says(1)).grace(60.0).end();
    assert_all(&nats, &home, &ended);
}
