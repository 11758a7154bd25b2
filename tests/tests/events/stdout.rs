//! `--events stdout`: records for whoever reads them, and nobody who does not ends the run.

use std::fs;
use std::io::{BufRead, BufReader};
use std::time::Duration;

use agent_tests::{NatsServer, Run};
use nix::fcntl::OFlag;
use nix::unistd::pipe2;
use serde_json::Value;

use crate::streamed::{assert_streamed, records, run_at, text, with_stream};

fn printing(run: Run) -> Run {
    run.arg("--events").arg("stdout")
}

/// What was printed, a record a line.
#[track_caller]
fn printed(stdout: &[u8]) -> Vec<Value> {
    let text = std::str::from_utf8(stdout).expect("records are UTF-8");
    let lines = text.lines();
    lines
        .map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("no record: {line}")))
        .collect()
}

#[test]
fn stdout_has_the_records_and_nothing_else() {
    let ended = printing(Run::new())
        .agent(["print", "to stdout", "eprint", "to stderr"])
        .end();
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let printed = printed(&ended.stdout);
    assert_eq!(printed, records(&ended));
    assert!(printed.iter().any(|it| it["content"] == "to stdout"));
    // What the agent says goes where it can still be read.
    for line in ["to stdout", "to stderr"] {
        assert!(
            ended.stderr.lines().any(|it| it == line),
            "{}",
            ended.stderr
        );
    }
    assert_eq!(ended.full["events"]["mode"], "off");
}

#[test]
fn stdout_and_a_server_both_get_everything() {
    let nats = with_stream(NatsServer::new());
    let ended = run_at(&nats.url())
        .agent(["print", "hello"])
        .arg("--events")
        .arg("nats,stdout")
        .end();
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert_streamed(&nats, &ended);
    assert_eq!(printed(&ended.stdout), records(&ended));
}

#[test]
fn a_run_without_a_journal_prints_all_the_same() {
    let ended = printing(Run::new())
        .agent(["print", "hello"])
        .arg("--events-journal")
        .arg("off")
        .end();
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let printed = printed(&ended.stdout);
    assert_eq!(text(&printed[0], "kind"), "run-started");
    assert_eq!(ended.full["events"]["emitted"], printed.len());
    assert!(!ended.dir.path().join("agent/events.ndjson").exists());
}

#[test]
fn a_reader_that_closes_early_does_not_end_the_run() {
    let (read, write) = pipe2(OFlag::O_CLOEXEC).expect("a pipe can be made");
    let run = printing(Run::new());
    let go_on = run.path("go-on");
    let started = run
        .agent([
            "print",
            "first",
            "await",
            &go_on.display().to_string(),
            "burst",
            "100000",
        ])
        .stdout(write)
        .start();
    let mut line = String::new();
    let mut reader = BufReader::new(fs::File::from(read));
    reader
        .read_line(&mut line)
        .expect("there is a first record");
    assert!(line.contains("run-started"), "{line}");
    drop(reader);
    fs::write(&go_on, "").expect("it can be written");
    let ended = started.end();
    assert_eq!(
        (ended.code, ended.outcome()),
        (0, "Completed"),
        "{}",
        ended.stderr
    );
    assert_eq!(records(&ended).len(), ended.full["events"]["emitted"]);
}

#[test]
fn a_reader_that_stalls_does_not_keep_the_run_from_its_end() {
    let (read, write) = pipe2(OFlag::O_CLOEXEC).expect("a pipe can be made");
    // 1.5 s for events, of which the reader takes none.
    let ended = printing(Run::new())
        .agent(["burst", "100000"])
        .stdout(write)
        .grace(10.0)
        .end();
    assert_eq!(
        (ended.code, ended.outcome()),
        (0, "Completed"),
        "{}",
        ended.stderr
    );
    assert_eq!(records(&ended).len(), ended.full["events"]["emitted"]);
    assert!(ended.took < Duration::from_secs(5), "{:?}", ended.took);
    drop(read);
}
