//! A stop in the middle of storing, and the attempt after it.

use std::time::{Duration, Instant};

use agent_tests::{S3Fault, S3Operation, S3Server};
use nix::sys::signal::Signal;

use crate::scene::{MIB, assert_failed, assert_stored, assert_untold, key};
use crate::{BUDGET, Home, assert_counts, await_requests, results, slow};

#[test]
fn a_stop_in_the_middle_keeps_its_time_and_the_next_attempt_does_the_rest() {
    let server = slow(2_000_000);
    let home = Home::new(&[("large", 48 * MIB), ("a", 0), ("b", 100), ("c", 5_000)]);
    let started = home.run(&server).start();
    await_requests(&server, S3Operation::Part, 2);
    let asked = Instant::now();
    started.signal(Signal::SIGTERM);
    let ended = started.end();
    let took = asked.elapsed();
    assert!(took < BUDGET, "{took:?}");
    // It is not given up before it has to be: 6 s, without what the manifest and the clean-up need.
    assert!(took > Duration::from_secs(3), "{took:?}");
    assert_failed(&server, &ended, &["artifact `large`", "no time left"]);
    assert_counts(&ended, [("objects", 3), ("pending", 1), ("failed", 0)]);
    let wanted = [
        ("large", "pending"),
        ("a", "stored"),
        ("b", "stored"),
        ("c", "stored"),
    ];
    let wanted = wanted.map(|(name, result)| (name.to_owned(), result.to_owned()));
    assert_eq!(results(&server, 1), wanted);
    assert!(server.object(&key("large")).is_none());
    assert_eq!(server.requests_for(S3Operation::Abort).len(), 1);

    server.heal();
    let before = server.requests().len();
    let ended = home.run(&server).end();
    assert_stored(&server, &ended, 1);
    assert_counts(&ended, [("objects", 1), ("unchanged", 3), ("pending", 0)]);
    let large = server.object(&key("large")).expect("it is stored");
    assert_eq!(large.length, 48 * MIB);
    assert!(large.tells_its_content());
    let sent = server.requests().split_off(before);
    let puts = sent.iter().filter(|it| it.operation == S3Operation::Put);
    let puts: Vec<&str> = puts.map(|request| &*request.key).collect();
    assert_eq!(puts, ["fake/2/manifest.json"]);
    for (name, result) in results(&server, 2) {
        let wanted = if name == "large" {
            "stored"
        } else {
            "unchanged"
        };
        assert_eq!(result, wanted, "{name}");
    }
    // A third has nothing to send but that.
    let ended = home.run(&server).end();
    assert_counts(&ended, [("objects", 0), ("unchanged", 4), ("bytes", 0)]);
    assert_untold(&ended, server.secret_key());
}

#[test]
fn of_many_files_those_are_listed_for_which_there_was_no_time() {
    let names: Vec<String> = (0..400).map(|index| format!("file-{index}")).collect();
    let files: Vec<_> = names.iter().map(|name| (&**name, 10)).collect();
    let home = Home::new(&files);
    // Eight at once: 32 a second, with four seconds of time.
    let delay = S3Fault::delay(Duration::from_millis(250)).key("reports/");
    let server = S3Server::new().fault(delay);
    let started = home.run(&server).start();
    await_requests(&server, S3Operation::Put, 10);
    let asked = Instant::now();
    started.signal(Signal::SIGTERM);
    let ended = started.end();
    assert!(asked.elapsed() < BUDGET, "{:?}", asked.elapsed());
    assert_failed(&server, &ended, &["no time left"]);
    let stored = server.keys("reports/").len() as u64;
    assert!((10..390).contains(&stored), "{stored}");
    let results = results(&server, 1);
    assert_eq!(results.len(), 400);
    let counted = results.iter().filter(|(_, result)| result == "stored");
    let counted = counted.count() as u64;
    // What was on its way at the deadline may have arrived, and nobody knows.
    assert!(
        (counted..=counted + 8).contains(&stored),
        "{counted} {stored}"
    );
    assert_counts(
        &ended,
        [
            ("objects", counted),
            ("pending", 400 - counted),
            ("failed", 0),
        ],
    );

    server.heal();
    let ended = home.run(&server).end();
    assert_stored(&server, &ended, 400 - stored);
    assert_counts(
        &ended,
        [
            ("unchanged", stored),
            ("objects", 400 - stored),
            ("pending", 0),
        ],
    );
}

#[test]
fn a_stop_of_a_server_that_says_nothing_keeps_its_time() {
    let server = S3Server::new().fault(S3Fault::silence());
    let home = Home::new(&[("large", 17 * MIB), ("small", 100)]);
    let started = home.run(&server).start();
    await_requests(&server, S3Operation::Head, 1);
    let asked = Instant::now();
    started.signal(Signal::SIGTERM);
    let ended = started.end();
    assert!(asked.elapsed() < BUDGET, "{:?}", asked.elapsed());
    assert_failed(&server, &ended, &["no time left"]);
    assert_counts(&ended, [("objects", 0), ("pending", 2), ("failed", 0)]);
    let warnings = ended.full["warnings"].to_string();
    assert!(warnings.contains("manifest.json"), "{warnings}");
}
