//! A second signal means now.

use std::time::{Duration, Instant};

use agent_tests::{Ended, S3Fault, S3Operation, S3Server, Started};
use nix::sys::signal::Signal;

use crate::scene::{MIB, assert_failed, uploads};
use crate::{Home, await_requests, slow};

/// A second to give up what was begun, half a one for a disk that hangs, and a busy machine.
const AT_ONCE: Duration = Duration::from_millis(2500);

/// Stops a run twice, a little apart, and checks that it has ended at once.
#[track_caller]
fn stop_twice(started: Started) -> Ended {
    started.signal(Signal::SIGTERM);
    // Two signals of a kind are one as long as nobody has taken the first.
    std::thread::sleep(Duration::from_millis(300));
    let asked = Instant::now();
    started.signal(Signal::SIGTERM);
    let ended = started.end();
    assert!(asked.elapsed() < AT_ONCE, "{:?}", asked.elapsed());
    ended
}

#[test]
fn a_second_signal_ends_storing_at_once_and_tidily() {
    let server = slow(2_000_000);
    let home = Home::new(&[("large", 48 * MIB), ("small", 10)]);
    let started = home.run(&server).grace(60.0).start();
    await_requests(&server, S3Operation::Part, 2);
    let ended = stop_twice(started);
    assert_failed(&server, &ended, &["artifact `large`", "no time left"]);
    assert_eq!(uploads(&ended)["pending"], 1);
    assert_eq!(server.requests_for(S3Operation::Abort).len(), 1);
}

#[test]
fn a_second_signal_waits_for_no_answer() {
    let server = S3Server::new().fault(S3Fault::silence());
    let home = Home::new(&[("large", 17 * MIB), ("small", 10)]);
    let started = home.run(&server).grace(60.0).start();
    await_requests(&server, S3Operation::Put, 1);
    await_requests(&server, S3Operation::Head, 1);
    let ended = stop_twice(started);
    assert_failed(&server, &ended, &["no time left"]);
    assert_eq!(uploads(&ended)["pending"], 2);
}

#[test]
fn a_second_signal_waits_for_no_manifest() {
    let server = S3Server::new().fault(S3Fault::silence().key("manifest.json"));
    let home = Home::new(&[("small", 10)]);
    let started = home.run(&server).grace(60.0).start();
    let manifest = || {
        let requests = server.requests();
        requests.iter().any(|it| it.key.contains("manifest"))
    };
    assert!(agent_tests::wait_until(agent_tests::DEADLINE, manifest));
    let ended = stop_twice(started);
    // Whoever waits for the list alone has everything else.
    assert_eq!((ended.code, ended.outcome()), (0, "Completed"));
    let warnings = ended.full["warnings"].to_string();
    assert!(warnings.contains("manifest.json"), "{warnings}");
}
