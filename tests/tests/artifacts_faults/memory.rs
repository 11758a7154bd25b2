//! The runner's memory does not grow with what it stores.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use agent_tests::{Ended, Run, S3Server, Started};

use crate::scene::{MIB, assert_stored, declaring, key, noise, storing, uploads};

/// What storing may cost, in KiB.
const ALLOWED: u64 = 64 << 10;

/// The most memory that a run's runner has had, in KiB, and its end.
fn peak(started: Started) -> (u64, Ended) {
    let path = format!("/proc/{}/status", started.pid());
    let (peak, over) = (AtomicU64::new(0), AtomicBool::new(false));
    let ended = std::thread::scope(|scope| {
        scope.spawn(|| {
            // It only grows, and what comes after the last look is a status of a few KB.
            while !over.load(Ordering::SeqCst) {
                let text = std::fs::read_to_string(&path).unwrap_or_default();
                let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
                let number = line.and_then(|line| line.split_whitespace().next());
                if let Some(kib) = number.and_then(|number| number.parse().ok()) {
                    peak.fetch_max(kib, Ordering::SeqCst);
                }
                std::thread::sleep(Duration::from_millis(1));
            }
        });
        let ended = started.end();
        over.store(true, Ordering::SeqCst);
        ended
    });
    (peak.into_inner(), ended)
}

/// Runs once without artifacts and once with, and compares.
#[track_caller]
fn assert_bounded(prepare: impl Fn(&Run), names: &[&str]) -> (S3Server, Ended) {
    let server = S3Server::new();
    let secret = |run: Run| run.env("MODEL_API_TOKEN", SECRET).agent(["sleep", "300"]);
    let (idle, ended) = peak(secret(storing(Run::new(), &server)).start());
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert_eq!(server.requests().len(), 0);
    let run = secret(declaring(storing(Run::new(), &server), names));
    prepare(&run);
    let (busy, ended) = peak(run.start());
    assert_stored(&server, &ended, names.len() as u64);
    assert!(idle > 4 << 10, "{idle} KiB is no measurement");
    assert!(
        busy <= idle + ALLOWED,
        "{busy} KiB with artifacts, {idle} KiB without"
    );
    (server, ended)
}

const SECRET: &str = "hunter2/and/then+some=more";

#[test]
fn a_large_file_takes_no_more_memory_than_a_few_of_its_parts() {
    assert_bounded(|run| noise(&run.path("large"), 256 * MIB), &["large"]);
}

#[test]
fn several_large_files_share_the_memory_of_one() {
    let names = ["a", "b", "c", "d", "e", "f", "g", "h"];
    let prepare = |run: &Run| {
        for name in names {
            noise(&run.path(name), 17 * MIB);
        }
    };
    let (server, _) = assert_bounded(prepare, &names);
    for name in names {
        let object = server.object(&key(name)).expect("it is stored");
        assert_eq!((object.length, object.parts), (17 * MIB, Some(3)));
    }
}

#[test]
fn a_large_text_is_clean_of_secrets_and_takes_no_more_memory() {
    let lines = 400_000;
    let mut text = String::new();
    for line in 0..lines {
        match line % 1_000 {
            7 => writeln!(text, "{line}: the token is {SECRET}, keep it"),
            _ => writeln!(text, "{line}: nothing of interest has happened here at all"),
        }
        .expect("memory is writable");
    }
    assert!(text.len() as u64 > 20 * MIB, "{}", text.len());
    let write = |run: &Run| std::fs::write(run.path("trace.log"), &text).expect("it is writable");
    let (server, ended) = assert_bounded(write, &["trace.log"]);
    let stored = server.object(&key("trace.log")).expect("it is stored");
    let clean = text.replace(SECRET, "[REDACTED:MODEL_API_TOKEN]");
    assert!(
        stored.bytes() == clean.as_bytes(),
        "it is not the clean text"
    );
    assert!(stored.tells_its_content());
    assert_eq!(uploads(&ended)["bytes"], clean.len());
    assert_eq!(
        ended.full["redactions"]["MODEL_API_TOKEN"],
        lines / 1_000,
        "{}",
        ended.full
    );
}
