//! What a crash leaves at the end of a journal, and what a disk leaves in the middle.

use agent_tests::Nats;

use crate::scene::{Home, STREAM, Said, assert_arrived, assert_delivered, problem, records, says};
use crate::server;

/// How many journals are recovered at a time.
const LANES: usize = 2;

/// A journal of which nothing is delivered.
fn journal(nats: &Nats) -> Vec<u8> {
    let home = Home::new();
    nats.stop();
    let ended = home.run(&nats.url(), &says(12)).grace(2.0).end();
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    nats.restart();
    home.journal()
}

/// Runs a successor on a journal; what it finds must be `left`, and arrive before its own.
#[track_caller]
fn assert_recovered(name: &str, nats: &Nats, journal: &[u8], left: &[Said]) -> String {
    nats.delete_stream(STREAM);
    nats.make_stream(STREAM, &["agentrun.>"]);
    let home = Home::new();
    let path = home.journal_path();
    std::fs::create_dir_all(path.parent().expect("it is in a directory")).expect("it can be made");
    std::fs::write(&path, journal).expect("it can be written");
    let ended = home.run(&nats.url(), &says(1)).grace(60.0).end();
    assert_eq!(ended.code, 0, "{name}: {}", ended.stderr);
    let said = records(&home.journal());
    assert!(said.starts_with(left), "{name}: {}", ended.full["events"]);
    let own = &said[left.len()..];
    assert!(own.iter().all(|said| said.attempt == 2), "{name}: {own:?}");
    let events = &ended.full["events"];
    assert_eq!(
        events["leftOver"].as_u64().unwrap_or(0),
        left.len() as u64,
        "{name}: {events}"
    );
    assert_arrived(&nats.stream_messages(STREAM), &said);
    if problem(&ended).is_empty() {
        assert_delivered(&ended, &said);
    }
    problem(&ended).to_owned()
}

/// Where the last line begins.
fn last_line(journal: &[u8]) -> usize {
    let before = &journal[..journal.len() - 1];
    let newline = before.iter().rposition(|&byte| byte == b'\n');
    newline.expect("there are many lines") + 1
}

#[test]
fn a_tail_torn_at_any_byte_costs_no_more_than_its_record() {
    let nats = server();
    let whole = journal(&nats);
    let begin = last_line(&whole);
    let left = records(&whole[..begin]);
    std::thread::scope(|scope| {
        for lane in 0..LANES {
            let (whole, left) = (&whole, &left);
            scope.spawn(move || {
                let nats = server();
                for cut in (begin..whole.len()).filter(|cut| cut % LANES == lane) {
                    let name = format!("cut at {}", cut - begin);
                    assert_recovered(&name, &nats, &whole[..cut], left);
                }
            });
        }
    });
}

#[test]
fn what_a_crash_leaves_is_cut_off() {
    let nats = server();
    let whole = journal(&nats);
    let begin = last_line(&whole);
    let (all, before) = (records(&whole), records(&whole[..begin]));
    let middle = begin + (whole.len() - begin) / 2;
    let nuls = [0; 5000];
    let torn_and_nuls = [&whole[..middle], &nuls].concat();
    let nuls_for_all = [&whole[..begin], &nuls].concat();
    for (name, journal, left) in [
        ("NULs behind it", [&whole[..], &nuls].concat(), &all),
        (
            "NULs and a newline",
            [&whole[..], &nuls, b"\n"].concat(),
            &all,
        ),
        ("half a record and NULs", torn_and_nuls, &before),
        ("NULs in the place of a record", nuls_for_all, &before),
        (
            "half a header",
            [&whole[..], b"{\"journal\":1,\"att"].concat(),
            &all,
        ),
        ("a newline", [&whole[..], b"\n"].concat(), &all),
        ("bytes", [&whole[..], b"\xff\xfe\x80\n\xff"].concat(), &all),
    ] {
        assert_recovered(name, &nats, &journal, left);
    }
}

#[test]
fn what_cannot_be_read_in_the_middle_is_said_and_the_rest_is_delivered() {
    let nats = server();
    let whole = journal(&nats);
    let (first, rest) = whole.split_at(last_line(&whole[..last_line(&whole)]));
    let all = records(&whole);
    for (name, garbage, count) in [
        ("words", &b"this is no record\n"[..], 1),
        ("NULs", b"\0\0\0\0\0\0\0\0\n", 1),
        (
            "two lines that are not UTF-8",
            b"\xff\xfe\n{\"seq\":\xff}\n",
            2,
        ),
        ("another version's", b"{\"mark\":true}\n", 1),
    ] {
        let journal = [first, garbage, rest].concat();
        let problem = assert_recovered(name, &nats, &journal, &all);
        let said = format!("{count} lines of the journal cannot be read");
        assert!(problem.contains(&said), "{name}: {problem}");
    }
}
