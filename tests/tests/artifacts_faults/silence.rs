//! A server that never answers costs the time that it is given, and no more.

use std::time::Duration;

use agent_tests::{DEADLINE, Ended, Run, S3Fault, S3Operation, S3Server, Silent, wait_until};
use nix::sys::signal::Signal;

use crate::scene::{MIB, assert_failed, declaring, noise, storing, uploads};

/// What each run gives to its artifacts.
const GIVEN: &str = "3s";

/// That, the agent and the clean-up, and something for a busy machine.
const LONGEST: Duration = Duration::from_secs(9);

#[track_caller]
fn assert_given_up(server: &S3Server, ended: &Ended, pending: u64) {
    assert_failed(server, ended, &["no time left", "artifacts.timeout"]);
    assert!(ended.took >= Duration::from_secs(3), "{:?}", ended.took);
    assert!(ended.took < LONGEST, "{:?}", ended.took);
    assert_eq!(uploads(ended)["pending"], pending, "{}", uploads(ended));
}

fn run_at(server: &S3Server) -> Run {
    let run = declaring(storing(Run::new(), server), &["small", "large"]);
    noise(&run.path("small"), 100);
    noise(&run.path("large"), 17 * MIB);
    run.env("AGENT_RUNNER_ARTIFACTS_TIMEOUT", GIVEN)
}

#[test]
fn a_server_that_takes_connections_and_says_nothing() {
    let server = S3Server::new();
    let silent = Silent::new();
    let ended = run_at(&server)
        .env(
            "AGENTS_ARTIFACTS_ENDPOINT",
            format!("http://{}", silent.address()),
        )
        .end();
    assert_given_up(&server, &ended, 2);
}

#[test]
fn a_server_that_answers_no_part() {
    let server = S3Server::new().fault(S3Fault::silence().on(S3Operation::Part));
    let ended = run_at(&server).end();
    // What was begun is given up, and what is small is there.
    assert_given_up(&server, &ended, 1);
    assert_eq!(server.keys(""), ["reports/small"]);
    assert_eq!(server.requests_for(S3Operation::Abort).len(), 1);
}

#[test]
fn a_server_whose_beginning_comes_too_late() {
    let late = S3Fault::delay(Duration::from_millis(400)).on(S3Operation::Create);
    let server = S3Server::new().fault(late);
    // Two seconds of so short a grace are for the status, and one is for the clean-up.
    let started = run_at(&server).grace(3.0).start();
    let has_begun = || !server.requests_for(S3Operation::Create).is_empty();
    assert!(wait_until(DEADLINE, has_begun), "{:?}", server.requests());
    started.signal(Signal::SIGTERM);
    let ended = started.end();
    assert_failed(&server, &ended, &["artifact `large`", "no time left"]);
    // It has begun the upload all the same, which only then could be given up.
    assert_eq!(server.requests_for(S3Operation::Abort).len(), 1);
}

#[test]
fn a_server_that_never_says_that_it_is_complete() {
    let server = S3Server::new().fault(S3Fault::silence().on(S3Operation::Complete));
    let ended = run_at(&server).end();
    assert_given_up(&server, &ended, 1);
}
