//! What another attempt may mend is tried again, with growing pauses; nothing else is.

use std::net::TcpListener;
use std::time::Duration;

use agent_tests::{DEADLINE, Ended, Fault, GitServer, assert_ends, ends, wait_until};
use serde_json::json;

use super::servers::{accept_all, relay, resetting};
use super::{assert_fails, assert_nothing_left, attempts, big, cloning, small};

/// Asserts that a run got its checkout at last, after so many failures.
#[track_caller]
fn assert_gets_it_after(failures: usize, name: &str, ended: &Ended) {
    assert_ends(name, ended, &ends(0, "Completed", "Completed"));
    let again = attempts(ended);
    assert_eq!(again.len(), failures, "{name}: {}", ended.stderr);
    for (number, line) in again.iter().enumerate() {
        let count = format!("attempt={}", number + 1);
        assert!(line.contains(&count), "{name}: {line}");
    }
    assert!(ended.dir.path().join("repo/.git").is_dir(), "{name}");
}

#[test]
fn an_answer_that_may_pass_is_asked_for_again() {
    for status in [408, 429, 500, 502, 503, 504] {
        let server = GitServer::new()
            .serve("owner/name", &small())
            .fault(Fault::answer(status).once());
        let ended = cloning(&server.url("owner/name")).end();
        assert_gets_it_after(1, &status.to_string(), &ended);
    }
}

#[test]
fn a_failure_in_the_second_request_begins_again_with_the_first() {
    let server = GitServer::new()
        .serve("owner/name", &small())
        .fault(Fault::answer(503).on("/git-upload-pack").times(2));
    let ended = cloning(&server.url("owner/name")).end();
    assert_gets_it_after(2, "POST", &ended);
    let requests = server.requests();
    let gets = requests.iter().filter(|request| request.method == "GET");
    assert_eq!(gets.count(), 3);
}

#[test]
fn a_server_that_says_when_to_come_back_is_left_alone_until_then() {
    let server = GitServer::new()
        .serve("owner/name", &small())
        .fault(Fault::answer(429).retry_after("2").once());
    let ended = cloning(&server.url("owner/name")).end();
    assert_gets_it_after(1, "429", &ended);
    assert!(ended.took >= Duration::from_secs(2), "{:?}", ended.took);
}

#[test]
fn a_server_that_wants_us_back_at_once_gets_a_pause_all_the_same() {
    let server = GitServer::new().fault(Fault::answer(503).retry_after("0"));
    let ended = cloning(&server.url("owner/name")).end();
    assert_fails("503", &ended, "ServerFailed", true);
    assert!(
        ended.took >= Duration::from_millis(2625),
        "{:?}",
        ended.took
    );
}

#[test]
fn a_server_that_is_not_up_yet_is_waited_for() {
    let server = GitServer::new().serve("owner/name", &small());
    let target = server.address();
    let door = TcpListener::bind("127.0.0.1:0").expect("there is a free port");
    let address = door.local_addr().expect("it is bound");
    drop(door);
    let run = cloning(&format!("http://{address}/owner/name.git"));
    let log = run.path("stderr");
    let file = std::fs::File::create(&log).expect("the directory is writable");
    let started = run.stderr(file).start();
    let said = || std::fs::read_to_string(&log).unwrap_or_default();
    assert!(
        wait_until(DEADLINE, || said().contains("trying again")),
        "{}",
        said()
    );
    assert!(said().contains("Connection refused"), "{}", said());
    let door = TcpListener::bind(address).expect("the port is still free");
    accept_all(door, move |stream| relay(&stream, target, u64::MAX));
    let ended = started.end();
    assert_ends("refused", &ended, &ends(0, "Completed", "Completed"));
}

#[test]
fn a_connection_that_is_reset_is_made_again() {
    let server = GitServer::new().serve("owner/name", &small());
    let address = resetting(server.address(), 2);
    let ended = cloning(&format!("http://{address}/owner/name.git")).end();
    assert_gets_it_after(2, "reset", &ended);
}

#[test]
fn a_pack_that_is_cut_off_is_fetched_again() {
    for times in [1, 2] {
        let repository = big();
        let server = GitServer::new()
            .serve("owner/name", &repository)
            .fault(Fault::cut_after(300_000).times(times));
        let ended = cloning(&server.url("owner/name")).end();
        assert_gets_it_after(times, "cut", &ended);
        let file = ended.dir.path().join("repo/d0000/f000009");
        assert_eq!(std::fs::metadata(file).expect("it is there").len(), 100_000);
        let packs = ended.dir.path().join("repo/.git/objects/pack");
        for entry in std::fs::read_dir(packs).expect("it can be listed") {
            let name = entry.expect("it is there").file_name();
            let name = name.to_string_lossy().into_owned();
            assert!(name.starts_with("pack-"), "{name} is left behind");
        }
    }
}

#[test]
fn after_four_attempts_with_growing_pauses_the_error_says_what_the_server_did() {
    let server = GitServer::new().fault(Fault::answer(503));
    let url = server.url("owner/name");
    let ended = cloning(&url).end();
    assert_fails("503", &ended, "ServerFailed", true);
    assert_eq!(server.requests().len(), 4);
    let host = server.address();
    for part in [
        format!("`{url}` cannot be fetched (4 attempts)"),
        format!("`{host}` answered 503"),
    ] {
        assert!(ended.error().contains(&part), "{}", ended.error());
    }
    let pauses: Vec<u64> = attempts(&ended)
        .iter()
        .filter_map(|line| {
            line.split_once("pause_ms=")?
                .1
                .split(' ')
                .next()?
                .parse()
                .ok()
        })
        .collect();
    assert_eq!(pauses.len(), 3, "{}", ended.stderr);
    for (pause, middle) in pauses.iter().zip([500, 1000, 2000]) {
        // A quarter more or less.
        let range = middle * 3 / 4..=middle * 5 / 4;
        assert!(range.contains(pause), "{pauses:?}");
    }
    let least = Duration::from_millis(pauses.iter().sum());
    assert!(ended.took >= least, "{:?} < {least:?}", ended.took);
}

#[test]
fn what_goes_on_failing_says_how_it_failed_and_may_be_run_again_later() {
    let repository = big();
    let server = GitServer::new().serve("owner/name", &repository);
    let reset = resetting(server.address(), usize::MAX);
    let cutting = GitServer::new()
        .serve("owner/name", &repository)
        .fault(Fault::cut_after(300_000));
    let closed = TcpListener::bind("127.0.0.1:0")
        .and_then(|door| door.local_addr())
        .expect("there is a free port");
    for (name, url, cause) in [
        (
            "refused",
            format!("http://{closed}/x.git"),
            "Connection refused",
        ),
        (
            "refused",
            format!("git://{closed}/x.git"),
            "Connection refused",
        ),
        (
            "reset",
            format!("http://{reset}/owner/name.git"),
            "no answer from",
        ),
        (
            "cut",
            cutting.url("owner/name"),
            "broke off after 300000 bytes",
        ),
    ] {
        let ended = cloning(&url).end();
        assert_fails(name, &ended, "Unreachable", true);
        let error = ended.error();
        assert!(error.contains(&url), "{name}: {error}");
        assert!(error.contains("(4 attempts)"), "{name}: {error}");
        assert!(error.contains(cause), "{name}: {error}");
    }
}

#[test]
fn what_no_further_attempt_can_mend_is_not_tried_again() {
    for (status, code, outcome, reason) in [
        (401, 77, "AuthFailed", "CredentialsRefused"),
        (403, 77, "AuthFailed", "CredentialsRefused"),
        (404, 74, "WorkspaceFailed", "RepositoryNotFound"),
        (410, 74, "WorkspaceFailed", "RepositoryNotFound"),
        (200, 74, "WorkspaceFailed", "NotGit"),
    ] {
        let name = status.to_string();
        let server = GitServer::new().fault(Fault::answer(status));
        let url = server.url("owner/name");
        let ended = cloning(&url).end();
        assert_ends(&name, &ended, &ends(code, outcome, reason));
        assert_eq!(ended.status["retryable"], false, "{name}");
        assert!(ended.error().contains(&url), "{name}: {}", ended.error());
        assert_eq!(server.requests().len(), 1, "{name}");
        assert_nothing_left(&name, &ended);
    }
}

#[test]
fn an_unknown_ref_an_empty_repository_and_a_strange_certificate_are_not_tried_again() {
    let server = GitServer::new()
        .serve("owner/name", &small())
        .serve("owner/empty", &agent_tests::Repository::new());
    let tls = GitServer::new().serve("owner/name", &small()).tls();
    let of_nobody =
        cloning(&server.url("owner/name")).setting("workspace/git/ref", json!("nowhere"));
    for (run, reason, said) in [
        (
            of_nobody,
            "RefNotFound",
            "no branch, tag or commit `nowhere`",
        ),
        (
            cloning(&server.url("owner/empty")),
            "EmptyRepository",
            "empty",
        ),
        (cloning(&tls.url("owner/name")), "TlsFailed", "certificate"),
    ] {
        let ended = run.end();
        assert_fails(reason, &ended, reason, false);
        assert_eq!(attempts(&ended), Vec::<&str>::new(), "{reason}");
        assert!(ended.error().contains(said), "{reason}: {}", ended.error());
        assert!(!ended.error().contains("attempts"), "{}", ended.error());
    }
    assert_eq!(tls.connections(), 1);
}
