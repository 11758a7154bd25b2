//! Large answers, large outputs, readers that do not read.

use std::io::{self, PipeWriter, Read};
use std::os::fd::AsFd;

use agent_tests::{CLIS, Cli, DEADLINE, ModelApi, Step, wait_until};
use nix::poll::{PollFd, PollFlags, PollTimeout};
use serde_json::Value;

use crate::assert_completed;

/// A text of so many bytes whose lines are all different.
fn lines_of(bytes: usize) -> String {
    // A line has 16 bytes.
    let numbers: Vec<String> = (0..bytes / 16)
        .map(|line| format!("line {line:010}\n"))
        .collect();
    let mut text = numbers.concat();
    text.truncate(bytes);
    text
}

/// Parses every line of a log.
#[track_caller]
fn parsed(cli: Cli, log: &[u8]) -> Vec<Value> {
    let log = std::str::from_utf8(log).expect("a log of text is text");
    assert!(log.ends_with('\n'), "{cli:?}: the last line is whole");
    let parse = |line: &str| {
        let value: Value = serde_json::from_str(line).expect("a line of the log is JSON");
        assert!(value["ts"].is_string(), "{cli:?}: {line:.200}");
        value
    };
    log.lines().map(parse).collect()
}

/// Says whether a text is anywhere in a value.
fn has(value: &Value, text: &str) -> bool {
    match value {
        Value::String(string) => string.contains(text),
        Value::Array(values) => values.iter().any(|value| has(value, text)),
        Value::Object(fields) => fields.values().any(|value| has(value, text)),
        _ => false,
    }
}

#[test]
fn a_megabyte_of_answer_is_shown_once_and_logged_whole() {
    let answer = lines_of(1 << 20);
    for cli in CLIS {
        let api = ModelApi::start([Step::text(&answer)]);
        let Some(run) = cli.run(&api) else { continue };
        let ended = run.end();
        assert_completed(cli, &ended);
        // Not `assert_eq`, which would print both.
        assert!(
            ended.text().trim_end() == answer.trim_end(),
            "{cli:?}: {}",
            ended.stdout.len()
        );
        assert!(
            parsed(cli, &ended.log)
                .iter()
                .any(|line| has(line, &answer)),
            "{cli:?}"
        );
        assert_eq!(ended.counted("logBytesLost"), 0, "{cli:?}");
        assert_eq!(ended.counted("mirrorBytesLost"), 0, "{cli:?}");
    }
}

#[test]
fn megabytes_of_a_tools_output_are_logged_as_far_as_the_cli_tells_them() {
    for cli in CLIS {
        let api = ModelApi::start([
            Step::shell("seq -f 'line %010.0f' 1 200000"),
            Step::text("That was long."),
        ]);
        let Some(run) = cli.run(&api) else { continue };
        let ended = run.end();
        assert_completed(cli, &ended);
        // What tools print is not shown.
        assert!(
            ended.stdout.len() < 1000,
            "{cli:?}: {} bytes",
            ended.stdout.len()
        );
        assert!(ended.text().ends_with("\nThat was long.\n"), "{cli:?}");
        let lines = parsed(cli, &ended.log);
        // codex tells the first and the last half of a megabyte, claude 30 KB.
        let longest = lines.iter().map(|line| line.to_string().len()).max();
        let least = if cli == Cli::Claude { 20_000 } else { 900_000 };
        assert!(longest > Some(least), "{cli:?}: {longest:?}");
        assert_eq!(ended.counted("logBytesLost"), 0, "{cli:?}");
    }
}

#[test]
fn a_reader_that_has_gone_does_not_stop_the_cli() {
    for cli in CLIS {
        let answer = lines_of(300_000);
        let api = ModelApi::start([Step::text(&answer)]);
        let Some(run) = cli.run(&api) else { continue };
        let (reader, writer) = io::pipe().expect("a pipe can be made");
        drop(reader);
        let ended = run.stdout(writer).end();
        assert_completed(cli, &ended);
        assert_eq!(
            ended.counted("mirrorBytesLost"),
            answer.len(),
            "{cli:?}: {}",
            ended.status
        );
        assert!(
            parsed(cli, &ended.log)
                .iter()
                .any(|line| has(line, &answer)),
            "{cli:?}"
        );
    }
}

#[test]
fn a_reader_that_comes_late_finds_everything() {
    for cli in CLIS {
        let answer = lines_of(600_000);
        let api = ModelApi::start([Step::text(&answer)]);
        let Some(run) = cli.run(&api) else { continue };
        let (mut reader, writer) = io::pipe().expect("a pipe can be made");
        let mine = writer.try_clone().expect("it can be had twice");
        let started = run.stdout(writer).start();
        assert!(wait_until(DEADLINE, || is_full(&mine)), "{cli:?}");
        drop(mine);
        let reading = std::thread::spawn(move || {
            let mut text = String::new();
            reader.read_to_string(&mut text).map(|_| text)
        });
        let ended = started.end();
        let text = reading
            .join()
            .expect("a reader does not panic")
            .expect("it is text");
        assert_completed(cli, &ended);
        assert!(
            text.trim_end() == answer.trim_end(),
            "{cli:?}: {} bytes",
            text.len()
        );
        assert_eq!(ended.counted("mirrorBytesLost"), 0, "{cli:?}");
    }
}

/// Says whether whoever writes into a pipe has to wait.
fn is_full(writer: &PipeWriter) -> bool {
    let mut poll = [PollFd::new(writer.as_fd(), PollFlags::POLLOUT)];
    nix::poll::poll(&mut poll, PollTimeout::ZERO).expect("it can be asked") == 0
}
