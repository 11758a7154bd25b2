//! Every recording of a real CLI ends as its scenario and its exit say.
//!
//! A row's first columns are what happened: how the CLI exited, and what the recorder did to it,
//! after how many lines. The others are what a run must make of it. A signal that the recorder sent
//! stands for a runner that was sent that signal, but for KILL and USR1: a runner sends neither of
//! its own accord, so somebody else did. A recorder that lost patience stands for `timeouts.total`.

#[path = "replay/app_server.rs"]
mod app_server;
#[path = "replay/claude.rs"]
mod claude;
#[path = "replay/codex.rs"]
mod codex;
#[path = "replay/talk.rs"]
mod talk;

use std::collections::BTreeSet;
use std::path::PathBuf;

use agent_plan::outcome::{Exit, Outcome, StopCause};
use serde_json::Value;

use talk::{Cli, Talk};

/// Scenario, exit and stop; outcome and reason.
type Row = (&'static str, Exit, Stop, Outcome, &'static str);

/// Whether the agent was stopped.
#[derive(Debug, Clone, Copy)]
enum Stop {
    Never,
    /// After so many lines.
    At(usize, StopCause),
}

const RECORDINGS: [(&str, Cli, &[Row]); 3] = [
    ("claude", Cli::Claude, claude::ROWS),
    ("codex", Cli::CodexExec, codex::ROWS),
    ("codex-app-server", Cli::AppServer, app_server::ROWS),
];

fn folder(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("testdata/captures")
        .join(name)
}

#[expect(
    clippy::disallowed_methods,
    reason = "the crate is pure, its recordings are files"
)]
fn recording(folder_name: &str, scenario: &str) -> String {
    let path = folder(folder_name).join(format!("{scenario}.jsonl"));
    std::fs::read_to_string(path).expect("every row has its recording")
}

/// Plays a recording as far as the agent's end.
fn play(cli: Cli, lines: &str, stop: Stop) -> Talk {
    let mut talk = Talk::new(cli.process());
    let lines: Vec<&str> = lines.lines().collect();
    let (before, cause) = match stop {
        Stop::Never => (lines.len(), None),
        Stop::At(count, cause) => (count, Some(cause)),
    };
    let (before, after) = lines.split_at(before);
    for line in before {
        talk.hears(line);
    }
    match cause {
        Some(cause) => talk.stops(cause),
        None => talk.falls_quiet(),
    }
    for line in after {
        talk.hears(line);
    }
    talk
}

/// The CLI of a row, as it was asked.
fn asked(cli: Cli, scenario: &str) -> Cli {
    if scenario.starts_with("json-schema") {
        return Cli::ClaudeWithSchema;
    }
    cli
}

#[test]
fn every_recording_ends_as_its_row_says() {
    let mut wrong = Vec::new();
    for (folder, cli, rows) in RECORDINGS {
        for (scenario, exit, stop, outcome, reason) in rows {
            let talk = play(asked(cli, scenario), &recording(folder, scenario), *stop);
            let decision = talk.ends(*exit);
            if (decision.outcome, decision.reason.as_str()) != (*outcome, *reason) {
                wrong.push(format!(
                    "{folder}/{scenario}: {:?}/{} instead of {outcome:?}/{reason}: {:?}",
                    decision.outcome, decision.reason, decision.error
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_recording_has_one_row() {
    for (name, _, rows) in RECORDINGS {
        let files = std::fs::read_dir(folder(name)).expect("the recordings are there");
        let files: BTreeSet<String> = files
            .map(|file| file.expect("it can be listed").file_name())
            .map(|file| file.into_string().expect("it is text"))
            .collect();
        let named: BTreeSet<String> = rows.iter().map(|row| format!("{}.jsonl", row.0)).collect();
        assert_eq!(named, files);
        assert_eq!(named.len(), rows.len(), "no row is there twice: {name}");
    }
}

#[test]
fn nothing_that_a_cli_says_is_unknown() {
    for (folder, cli, rows) in RECORDINGS {
        for (scenario, _, stop, ..) in rows {
            let lines = recording(folder, scenario);
            let talk = play(asked(cli, scenario), &lines, *stop);
            // Lines that the recorder cut, and text where no JSON was asked for.
            let broken = |line: &&str| serde_json::from_str::<Value>(line).is_err();
            let broken = lines.lines().filter(broken).count();
            let expected = broken + foreign_answers(folder, scenario);
            let report = talk.report();
            assert_eq!(
                report.unknown_events, expected as u64,
                "{folder}/{scenario}"
            );
            let all = lines.lines().count();
            assert_eq!(
                report.known_events,
                (all - expected) as u64,
                "{folder}/{scenario}"
            );
        }
    }
}

/// Answers to requests that the recorder made and the session does not.
fn foreign_answers(folder: &str, scenario: &str) -> usize {
    match (folder, scenario) {
        ("codex-app-server", "garbage") => 3,
        ("codex-app-server", "steer" | "text") => 1,
        _ => 0,
    }
}

#[test]
fn whoever_ended_well_has_a_session_and_a_result() {
    for (folder, cli, rows) in RECORDINGS {
        for (scenario, _, stop, outcome, _) in rows {
            if *outcome != Outcome::Completed {
                continue;
            }
            let talk = play(asked(cli, scenario), &recording(folder, scenario), *stop);
            let report = talk.report();
            assert!(report.result.is_some(), "{folder}/{scenario}");
            // `--output-format json` has no line but the result.
            let named = report.session_id.is_some() || scenario == &"output-json";
            assert!(named, "{folder}/{scenario}");
        }
    }
}
