//! How far a checkout is: lines in the log, or a bar on a terminal, never both in one line.

use std::io::Read;

use agent_tests::{Fault, GitServer, Repository};
use nix::pty::openpty;
use serde_json::Value;

use super::{attempts, big, cloning};

/// What a bar ends with, and no line of the log.
const BAR: &str = " objects, ";

/// The line's beginning, and erase to its end.
const ERASE: &str = "\r\x1b[K";

/// A server from which a megabyte takes three seconds.
fn slow(repository: &Repository) -> GitServer {
    GitServer::new()
        .serve("owner/name", repository)
        .fault(Fault::slow(350_000).on("/git-upload-pack"))
}

#[test]
fn a_checkout_that_takes_its_time_says_how_far_it_is() {
    let server = slow(&big());
    let ended = cloning(&server.url("owner/name")).end();
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let receiving = |line: &&str| line.contains("INFO Receiving the repository.");
    let lines: Vec<_> = ended.stderr.lines().filter(receiving).collect();
    // After a second, and then every ten.
    assert_eq!(lines.len(), 1, "{}", ended.stderr);
    for field in ["objects=", "of=13", "bytes="] {
        assert!(lines[0].contains(field), "{}", lines[0]);
    }
    assert!(!ended.stderr.contains(BAR), "{}", ended.stderr);
    assert!(!ended.stderr.contains('\r'), "{}", ended.stderr);
}

#[test]
fn a_log_of_json_has_the_progress_in_fields() {
    let server = slow(&big());
    let ended = cloning(&server.url("owner/name"))
        .env("AGENT_RUNNER_LOG_FORMAT", "json")
        .end();
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let lines = ended.stderr.lines();
    let lines: Vec<Value> = lines
        .map(|line| serde_json::from_str(line).expect("every line is JSON"))
        .collect();
    let receiving = |line: &&Value| line["fields"]["message"] == "Receiving the repository.";
    let line = lines.iter().find(receiving).expect("there is such a line");
    let field = |name: &str| line["fields"][name].as_u64().expect("it is a number");
    assert_eq!(field("of"), 13);
    assert!(field("objects") < 13, "{line}");
    assert!((1..1_000_000).contains(&field("bytes")), "{line}");
}

#[test]
fn a_quick_checkout_says_only_that_it_is_done() {
    let server = GitServer::new().serve("owner/name", &super::small());
    let ended = cloning(&server.url("owner/name")).end();
    assert!(
        ended.stderr.contains("INFO Repository checked out."),
        "{}",
        ended.stderr
    );
    assert!(!ended.stderr.contains("Receiving"), "{}", ended.stderr);
}

#[test]
fn a_terminal_has_a_bar_that_is_gone_before_anything_else_is_said() {
    // Cut off once, so that the log has something to say in between.
    let server = slow(&big()).fault(Fault::cut_after(300_000).once());
    let terminal = openpty(None, None).expect("there is a terminal");
    let mut screen = std::fs::File::from(terminal.master);
    let reader = std::thread::spawn(move || {
        let (mut seen, mut buffer) = (Vec::new(), [0; 4096]);
        // Ends with an error when nobody has the other side any more.
        while let Ok(count @ 1..) = screen.read(&mut buffer) {
            seen.extend_from_slice(&buffer[..count]);
        }
        String::from_utf8(seen).expect("what is drawn is text")
    });
    let mut ended = cloning(&server.url("owner/name"))
        .stderr(terminal.slave)
        .end();
    let seen = reader.join().expect("it does not panic");
    assert_eq!(ended.code, 0, "{seen}");
    let frames = seen
        .split(ERASE)
        .filter(|frame| frame.contains(BAR))
        .count();
    assert!(frames > 5, "{frames} frames: {seen:?}");
    assert!(seen.contains("/13 objects, 0 MiB"), "{seen:?}");
    // What is to be seen in the end of each line: what came after it was erased last.
    let shown = |line: &str| line.rsplit(ERASE).next().unwrap_or_default().to_owned();
    let shown: Vec<String> = seen.split("\r\n").map(shown).collect();
    for line in &shown {
        assert!(!line.contains(BAR), "{line:?} is left of the bar: {seen:?}");
    }
    ended.stderr = shown.join("\n");
    assert_eq!(attempts(&ended).len(), 1, "{}", ended.stderr);
    assert!(!ended.stderr.contains("Receiving"), "{}", ended.stderr);
}
