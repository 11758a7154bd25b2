//! The status that is there while artifacts are stored, which is the last word of a runner that is
//! killed.

use agent_tests::{Ended, S3Operation, S3Server};
use nix::sys::signal::Signal;
use serde_json::{Value, json};

use crate::scene::{MIB, assert_stored, key, uploads};
use crate::{Home, await_requests, slow};

/// Kills a run while it sends the second part of a file; returns the status from just before, too.
fn kill(home: &Home, server: &S3Server, code: &str) -> (Value, Ended) {
    let started = home.run(server).agent(["exit", code]).start();
    await_requests(server, S3Operation::Part, 2);
    let status = std::fs::read(home.path("agent/status.json")).expect("it is there");
    let status = serde_json::from_slice(&status).expect("it is JSON");
    started.signal(Signal::SIGKILL);
    (status, started.end())
}

#[test]
fn a_runner_that_is_killed_while_it_stores_has_not_delivered() {
    let server = slow(2_000_000);
    let home = Home::new(&[("large", 48 * MIB), ("small", 10)]);
    let (before, ended) = kill(&home, &server, "0");
    assert_eq!(ended.code, 137);
    assert_eq!(ended.status, before);
    assert_eq!(before["status"], "failed");
    assert_eq!(
        (&before["outcome"], &before["exitCode"]),
        (&json!("ArtifactFailed"), &json!(73))
    );
    let error = before["error"].as_str().unwrap_or_default();
    assert!(
        error.contains("killed while it stored artifacts"),
        "{error}"
    );
    // No address of what is not known to be there.
    let declared = &before["artifacts"]["outputArtifacts"];
    assert_eq!(declared[0]["url"], Value::Null, "{declared}");

    // A kill leaves what was begun; nobody can complete it any more, and the object is whole.
    server.heal();
    let ended = home.run(&server).end();
    assert_eq!((ended.code, ended.outcome()), (0, "Completed"));
    assert_eq!(uploads(&ended)["unchanged"], 1, "{}", uploads(&ended));
    let large = server.object(&key("large")).expect("it is stored");
    assert!(large.tells_its_content());
}

#[test]
fn an_agent_that_failed_has_failed_whatever_is_stored() {
    let server = slow(2_000_000);
    let home = Home::new(&[("large", 48 * MIB)]);
    let (before, ended) = kill(&home, &server, "3");
    assert_eq!(ended.status, before);
    assert_eq!(
        (&before["outcome"], &before["exitCode"]),
        (&json!("AgentFailed"), &json!(3))
    );
}

#[test]
fn a_status_that_says_delivered_is_written_only_afterwards() {
    let server = slow(20_000_000);
    let home = Home::new(&[("large", 20 * MIB)]);
    let started = home.run(&server).start();
    await_requests(&server, S3Operation::Part, 1);
    let seen = std::cell::RefCell::new(Vec::new());
    let read = || {
        let bytes = std::fs::read(home.path("agent/status.json")).unwrap_or_default();
        let status: Value = serde_json::from_slice(&bytes).unwrap_or_default();
        let outcome = status["outcome"].as_str().unwrap_or_default().to_owned();
        let is_there = server.object(&key("large")).is_some();
        seen.borrow_mut().push((outcome.clone(), is_there));
        outcome == "Completed"
    };
    assert!(agent_tests::wait_until(agent_tests::DEADLINE, read));
    let ended = started.end();
    assert_stored(&server, &ended, 1);
    for (outcome, is_there) in seen.into_inner() {
        assert!(outcome != "Completed" || is_there);
    }
}
