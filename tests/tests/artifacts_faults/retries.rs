//! A server in trouble is asked again: until it is well, or for half a minute.

use std::collections::BTreeSet;
use std::time::Duration;

use agent_tests::{Ended, Run, S3Fault, S3Operation, S3Server};

use crate::scene::{MIB, assert_clean, assert_failed, assert_stored, declaring, key, noise};
use crate::scene::{storing, uploads};

/// Six pauses of at most 250 ms, 500 ms, 1 s, 2 s, 4 s and 8 s, and something for a busy machine.
const LONGEST: Duration = Duration::from_secs(25);

/// Stores a file of one request and one of three parts.
fn store_both(server: &S3Server) -> Ended {
    let run = declaring(storing(Run::new(), server), &["small", "large"]);
    noise(&run.path("small"), 3 * MIB);
    noise(&run.path("large"), 17 * MIB);
    run.end()
}

/// Stores one file.
fn store_one(server: &S3Server, size: u64) -> Ended {
    let run = declaring(storing(Run::new(), server), &["file"]);
    noise(&run.path("file"), size);
    run.end()
}

/// Checks that both are there, although so many requests of an operation had come to nothing.
#[track_caller]
fn assert_both(server: &S3Server, ended: &Ended, operation: S3Operation, lost: usize) {
    assert_stored(server, ended, 2);
    for (name, size) in [("small", 3 * MIB), ("large", 17 * MIB)] {
        let object = server.object(&key(name)).expect("it is stored");
        assert_eq!(object.length, size);
        assert!(object.tells_its_content());
    }
    let requests = server.requests_for(operation);
    let is_lost = |status: &Option<u16>| !matches!(status, Some(200));
    let statuses = requests.iter().map(|request| request.status);
    assert_eq!(statuses.filter(is_lost).count(), lost, "{requests:?}");
}

#[test]
fn every_request_is_made_again_when_the_server_fails() {
    for (operation, times) in [
        (S3Operation::Put, 2),
        (S3Operation::Create, 1),
        (S3Operation::Part, 3),
        (S3Operation::Complete, 1),
        (S3Operation::Head, 2),
    ] {
        let fault = S3Fault::internal_error().on(operation).times(times);
        let server = S3Server::new().fault(fault);
        let ended = store_both(&server);
        let absent = usize::from(operation == S3Operation::Head);
        assert_both(&server, &ended, operation, times + absent);
    }
}

#[test]
fn every_request_is_made_again_when_there_are_too_many() {
    for operation in [S3Operation::Put, S3Operation::Part, S3Operation::Complete] {
        let fault = S3Fault::slow_down()
            .header("Retry-After", "1")
            .on(operation);
        let server = S3Server::new().fault(fault.times(2));
        let ended = store_both(&server);
        assert_both(&server, &ended, operation, 2);
    }
}

#[test]
fn a_connection_that_breaks_in_the_middle_is_made_again() {
    for operation in [S3Operation::Put, S3Operation::Part] {
        let server = S3Server::new().fault(S3Fault::reset_after(MIB).on(operation).once());
        let ended = store_both(&server);
        assert_both(&server, &ended, operation, 1);
    }
}

#[test]
fn an_answer_that_is_lost_is_asked_for_again() {
    for operation in [S3Operation::Put, S3Operation::Part] {
        let server = S3Server::new().fault(S3Fault::lose_answer().on(operation).once());
        let ended = store_both(&server);
        assert_both(&server, &ended, operation, 1);
    }
}

#[test]
fn an_object_whose_last_answer_was_lost_is_found_stored() {
    let fault = S3Fault::lose_answer().on(S3Operation::Complete).once();
    let server = S3Server::new().fault(fault);
    let ended = store_both(&server);
    assert_stored(&server, &ended, 2);
}

#[test]
fn a_server_that_fails_for_ever_fails_the_run_in_bounded_time() {
    for (operation, size) in [(S3Operation::Put, MIB), (S3Operation::Part, 17 * MIB)] {
        let server = S3Server::new().fault(S3Fault::internal_error().on(operation));
        let ended = store_one(&server, size);
        assert_failed(&server, &ended, &["500", "InternalError", "tried again"]);
        assert!(ended.took < LONGEST, "{:?}", ended.took);
        assert_eq!(server.keys(""), [""; 0]);
        assert_eq!(uploads(&ended)["failed"], 1);
    }
}

#[test]
fn a_server_that_fails_for_ever_is_not_asked_for_every_file() {
    let server = S3Server::new().fault(S3Fault::slow_down());
    let names: Vec<String> = (0..100).map(|index| format!("file-{index}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let run = declaring(storing(Run::new(), &server), &names);
    for name in &names {
        noise(&run.path(name), 10);
    }
    let ended = run.end();
    assert_failed(&server, &ended, &["503", "SlowDown"]);
    assert!(ended.took < 2 * LONGEST, "{:?}", ended.took);
    assert_eq!(uploads(&ended)["failed"], 100);
    let requests = server.requests_for(S3Operation::Put);
    let asked: BTreeSet<_> = requests.iter().map(|request| &request.key).collect();
    // Eight at a time: the eighth that fails is the last, but for those that have begun by then.
    assert!((8..16).contains(&asked.len()), "{}", asked.len());
}

#[test]
fn a_server_that_is_busy_for_ever_fails_the_run_in_bounded_time() {
    for (operation, size) in [(S3Operation::Put, MIB), (S3Operation::Complete, 17 * MIB)] {
        let server = S3Server::new().fault(S3Fault::slow_down().on(operation));
        let ended = store_one(&server, size);
        assert_failed(&server, &ended, &["503", "SlowDown", "tried again"]);
        assert!(ended.took < LONGEST, "{:?}", ended.took);
        assert_eq!(server.requests_for(operation).len(), 7);
    }
}

#[test]
fn connections_that_always_break_fail_the_run_in_bounded_time() {
    for (operation, size) in [(S3Operation::Put, 4 * MIB), (S3Operation::Part, 17 * MIB)] {
        let server = S3Server::new().fault(S3Fault::reset_after(MIB).on(operation));
        let ended = store_one(&server, size);
        assert_failed(&server, &ended, &["could not be reached", "network"]);
        assert!(ended.took < LONGEST, "{:?}", ended.took);
    }
}

#[test]
fn an_upload_that_cannot_be_given_up_is_told_of() {
    let denied = |operation| S3Fault::access_denied().on(operation);
    let server = S3Server::new()
        .fault(denied(S3Operation::Part))
        .fault(denied(S3Operation::Abort));
    let ended = store_one(&server, 17 * MIB);
    assert_eq!(server.uploads_open(), 1);
    assert!(
        ended.stderr.contains("A multipart upload may stay"),
        "{}",
        ended.stderr
    );
    // The same, when nobody can do anything about the file but the upload can be given up.
    let server = S3Server::new().fault(denied(S3Operation::Part));
    let ended = store_one(&server, 17 * MIB);
    assert_clean(&server, &ended);
    assert!(!ended.stderr.contains("may stay"), "{}", ended.stderr);
}

#[test]
fn a_file_that_the_server_does_not_take_keeps_no_other_from_it() {
    let fault = S3Fault::answer(413, "EntityTooLarge").on(S3Operation::Create);
    let server = S3Server::new().fault(fault);
    let ended = store_both(&server);
    assert_failed(&server, &ended, &["artifact `large`", "EntityTooLarge"]);
    assert_eq!(server.keys(""), [key("small")]);
    let uploads = uploads(&ended);
    assert_eq!(uploads["objects"], 1, "{uploads}");
    assert_eq!(uploads["failed"], 1, "{uploads}");
}
