//! Whatever an agent writes, a session neither panics nor grows without bound nor takes for ever.
//!
//! The input is what the real CLIs have said, mutated: cut, spliced, bytes flipped, values of other
//! types, nested, repeated, left out, between garbage. `AGENT_TESTS_FUZZ=180` goes on for so many
//! seconds and says how many streams it tried.

#[path = "hostile/corpus.rs"]
mod corpus;
#[path = "hostile/mutation.rs"]
mod mutation;
#[path = "replay/talk.rs"]
mod talk;

use std::time::Duration;

use agent_plan::outcome::{Exit, StopCause};
use agent_plan::plan::{Conversation, CostLimits, ProcessPlan};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::json;

use corpus::Corpus;
use mutation::Edit;
use talk::{Cli, Talk};

/// Streams that are tried in an ordinary run of the tests, which takes some seconds.
const STREAMS: u32 = 100;

/// The longest line that the reader gives us.
const LINE: usize = 16 << 20;

/// Everything but what a CLI said itself: names, models, warnings.
const REPORT: usize = 256 << 10;

/// Something that happens to a session.
#[derive(Debug, Clone)]
enum Happening {
    /// The next line of the recording.
    Said,
    /// The next line, changed.
    Changed(Edit),
    /// A line that no recording has.
    Garbage(String),
    Stopped(StopCause),
    Quiet,
}

fn happenings() -> impl Strategy<Value = Vec<Happening>> {
    let causes = prop_oneof![
        Just(StopCause::Signal(15)),
        Just(StopCause::TotalTimeout),
        Just(StopCause::Hopeless),
    ];
    let one = prop_oneof![
        6 => Just(Happening::Said),
        6 => mutation::edits().prop_map(Happening::Changed),
        2 => mutation::garbage().prop_map(Happening::Garbage),
        1 => causes.prop_map(Happening::Stopped),
        1 => Just(Happening::Quiet),
    ];
    proptest::collection::vec(one, 1..40)
}

/// Every session that there is, with and without a meter.
fn processes() -> Vec<ProcessPlan> {
    let plain = [
        Cli::Claude.process(),
        Cli::ClaudeWithSchema.process(),
        Cli::CodexExec.process(),
        Cli::AppServer.process(),
        other(Conversation::Jsonl),
        other(Conversation::Raw),
    ];
    let limits = CostLimits {
        tokens: Some(1000),
        cost_usd: Some(0.01),
        turns: Some(2),
        tool_calls: Some(2),
        wall: Some(Duration::from_mins(1)),
    };
    let metered = plain
        .clone()
        .map(|process| ProcessPlan { limits, ..process });
    plain.into_iter().chain(metered).collect()
}

fn other(conversation: Conversation) -> ProcessPlan {
    ProcessPlan {
        conversation,
        ..Cli::Claude.process()
    }
}

/// Plays a stream to a session; the lines of a recording come in their order, and again.
fn survives(process: ProcessPlan, lines: &[String], happenings: &[Happening]) {
    let conversation = process.conversation.clone();
    let mut talk = Talk::new(process);
    let mut recording = lines.iter().cycle();
    let (mut longest, mut count) = (0, 0_u64);
    for happening in happenings {
        let line = match happening {
            Happening::Said => recording.next().cloned().unwrap_or_default(),
            Happening::Changed(edit) => {
                let line = recording.next().map_or("", String::as_str);
                edit.of(line, lines)
            }
            Happening::Garbage(line) => line.clone(),
            Happening::Stopped(cause) => {
                talk.stops(*cause);
                continue;
            }
            Happening::Quiet => {
                talk.falls_quiet();
                continue;
            }
        };
        longest = longest.max(line.len());
        count += 1;
        drop(agent_providers::part(&line, &conversation));
        talk.hears(&line);
    }
    assert_bounded(&talk, longest, count);
    talk.ends(Exit::Code(0));
}

/// A report has no more than eight texts of the agent's, and some of ours.
#[track_caller]
fn assert_bounded(talk: &Talk, longest: usize, count: u64) {
    let report = talk.report();
    let texts = [
        &report.session_id,
        &report.turn_id,
        &report.turn_status,
        &report.turn_error,
        &report.model,
        &report.effort,
        &report.version,
        &report.result,
    ];
    for text in texts.into_iter().flatten() {
        assert!(text.len() <= longest + REPORT, "{}", text.len());
    }
    let warnings: usize = report.warnings.iter().map(String::len).sum();
    assert!(warnings <= REPORT, "{warnings} bytes of warnings");
    assert!(report.known_events <= count && report.unknown_events <= count);
}

fn runner(cases: u32) -> TestRunner {
    TestRunner::new(Config {
        cases,
        // The corpus is not a value that could be kept with a seed.
        failure_persistence: None,
        ..Config::default()
    })
}

fn try_streams(cases: u32) {
    let corpus = Corpus::read();
    let strategy = (any::<prop::sample::Index>(), happenings());
    let outcome = runner(cases).run(&strategy, |(which, happenings)| {
        let lines = which.get(&corpus.streams);
        for process in processes() {
            survives(process, lines, &happenings);
        }
        Ok(())
    });
    if let Err(error) = outcome {
        panic!("{error}");
    }
}

#[test]
fn no_stream_breaks_a_session() {
    try_streams(STREAMS);
}

#[test]
#[expect(clippy::disallowed_methods, reason = "only the longer run has a clock")]
#[expect(clippy::print_stderr, reason = "a person asked for the number")]
fn no_stream_breaks_a_session_for_as_long_as_asked() {
    let Ok(seconds) = std::env::var("AGENT_TESTS_FUZZ") else {
        return;
    };
    let seconds: u64 = seconds
        .parse()
        .expect("AGENT_TESTS_FUZZ is a number of seconds");
    let begun = std::time::Instant::now();
    let mut streams = 0;
    while begun.elapsed() < Duration::from_secs(seconds) {
        try_streams(STREAMS);
        streams += u64::from(STREAMS);
    }
    let sessions = processes().len();
    eprintln!(
        "{streams} streams in {:?}, each to {sessions} sessions",
        begun.elapsed()
    );
}

/// Takes a line and says how long that took.
#[expect(clippy::disallowed_methods, reason = "time is what is measured")]
fn time_of(talk: &mut Talk, line: &str) -> Duration {
    let begun = std::time::Instant::now();
    talk.hears(line);
    begun.elapsed()
}

#[test]
fn the_longest_line_takes_no_time_to_speak_of() {
    let text = "a\\n\u{2603} ".repeat(LINE / 7);
    let refused = format!(r#"{{"message":"{text}"}}"#);
    let turn = format!(r#"{{"id":"1","status":"failed","error":{refused}}}"#);
    let table = [
        (
            Cli::Claude.process(),
            [
                format!(
                    r#"{{"type":"user","message":{{"content":[{{"type":"text","text":"{text}"}}]}}}}"#
                ),
                format!(
                    r#"{{"type":"result","subtype":"success","is_error":true,"result":"{text}"}}"#
                ),
            ],
        ),
        (
            Cli::CodexExec.process(),
            [
                format!(r#"{{"type":"error","message":"Reconnecting... 1/5 ({text})"}}"#),
                format!(r#"{{"type":"turn.failed","error":{refused}}}"#),
            ],
        ),
        (
            Cli::AppServer.process(),
            [
                format!(r#"{{"method":"error","params":{{"willRetry":true,"error":{refused}}}}}"#),
                format!(r#"{{"method":"turn/completed","params":{{"turn":{turn}}}}}"#),
            ],
        ),
        (
            other(Conversation::Jsonl),
            [
                format!(r#"{{"kind":"message","content":"{text}"}}"#),
                format!(r#"{{"kind":"run-outcome","status":"failed","content":"{text}"}}"#),
            ],
        ),
    ];
    for (process, lines) in table {
        let mut talk = Talk::new(process);
        let nested = [
            "[".repeat(LINE),
            "{\"a\":".repeat(LINE / 5),
            "\0".repeat(LINE),
        ];
        for line in lines.iter().chain(&nested) {
            let taken = time_of(&mut talk, line);
            // Without optimizations, on a busy machine; what is quadratic takes hours.
            let began: String = line.chars().take(60).collect();
            assert!(taken < Duration::from_secs(20), "{taken:?}: {began}");
        }
        assert_bounded(&talk, LINE, 5);
    }
}

#[test]
fn warnings_are_short_whatever_they_are_about() {
    let text = "w".repeat(1 << 20);
    for process in processes() {
        let mut talk = Talk::new(process);
        for number in 0..20 {
            let text = format!("{number}{text}");
            let lines = [
                json!({"type": "item.completed", "item": {"id": "1", "type": "error", "message": text}}),
                json!({"method": "warning", "params": {"message": text}}),
                json!({"type": "system", "subtype": "permission_denied", "tool_name": text}),
            ];
            for line in lines {
                talk.hears(&line.to_string());
            }
        }
        assert_bounded(&talk, 2 << 20, 60);
    }
}

#[test]
fn bytes_that_are_no_text_are_taken_as_they_are_shown() {
    let bytes: Vec<u8> = (0..=255).cycle().take(100_000).collect();
    let lossy = String::from_utf8_lossy(&bytes);
    for process in processes() {
        let mut talk = Talk::new(process);
        lossy.lines().for_each(|line| talk.hears(line));
        talk.hears(&lossy);
        assert_eq!(talk.report().known_events, 0);
    }
}

#[test]
fn calls_of_claude_without_results_do_not_pile_up() {
    let mut talk = Talk::new(Cli::Claude.process());
    let mut calls = |numbers: std::ops::Range<u32>| {
        for number in numbers {
            let call = json!({"type": "tool_use", "id": format!("t{number:05}"), "name": "Bash"});
            let message = json!({"id": "m1", "content": [call]});
            talk.hears(&json!({"type": "assistant", "message": message}).to_string());
        }
        // What a session remembers is what it shows of itself.
        format!("{talk:?}").len()
    };
    let (some, many) = (calls(10_000..12_000), calls(12_000..20_000));
    assert!(many < some + 100, "{some} bytes, then {many}");
}
