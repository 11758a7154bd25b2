//! What the real server said in every scenario, and what follows from it.

use super::*;

use std::collections::BTreeMap;

/// The files of `testdata/captures/codex-app-server`, at compile time: this crate does no IO.
macro_rules! streams {
    ($($name:literal)*) => {
        [$(($name, include_str!(concat!("../../../../testdata/captures/codex-app-server/", $name, ".jsonl")))),*]
    };
}

const STREAMS: [(&str, &str); 22] = streams! {
    "approval" "err-cutonce" "err-e400" "err-e401" "err-e429" "err-e500" "garbage"
    "interrupt-deep-children" "interrupt-during-api-hang" "interrupt-during-tool" "resume"
    "resume-part2" "sighup-during-tool" "sigint-during-tool" "sigkill-during-tool"
    "sigterm-during-api-hang" "sigterm-during-tool" "stdin-eof-during-api-hang"
    "stdin-eof-during-tool" "steer" "text" "tool"
};

/// Plays a scenario to its end and rings what then still runs.
fn replay(name: &str) -> Talk {
    let (_, stream) = STREAMS
        .into_iter()
        .find(|(stream, _)| *stream == name)
        .expect("it exists");
    let mut talk = Talk::new(&plan());
    for line in stream.lines() {
        talk.reads(line);
    }
    if talk.runs(Timer::Quiet) {
        talk.rings(Timer::Quiet);
    }
    talk
}

#[test]
fn every_scenario_has_its_verdict() {
    // Those that a signal or the end of stdin ended gave none: the exit says the rest.
    let expected = BTreeMap::from([
        ("approval", "Completed"),
        ("err-cutonce", "Completed"),
        ("err-e401", "Auth"),
        ("err-e429", "Completed"),
        ("err-e500", "ServerError"),
        ("garbage", "StartupFailed"),
        ("interrupt-deep-children", "Interrupted"),
        ("interrupt-during-api-hang", "Interrupted"),
        ("interrupt-during-tool", "Interrupted"),
        ("resume", "Completed"),
        ("resume-part2", "Completed"),
        ("steer", "Completed"),
        ("text", "Completed"),
        ("tool", "Completed"),
    ]);
    for (name, _) in STREAMS {
        let talk = replay(name);
        if name == "err-e400" {
            // Codex gives it no code; the words decide between two reasons of one outcome.
            let verdict = talk.verdict().expect("it is over");
            assert_eq!(verdict.outcome, agent_plan::outcome::Outcome::AgentFailed);
            assert!(
                verdict
                    .message
                    .as_deref()
                    .is_some_and(|message| message.contains("fake: bad request"))
            );
            continue;
        }
        assert_eq!(reason(&talk), expected.get(name).copied(), "{name}");
    }
}

#[test]
fn nothing_that_the_real_server_says_is_unknown() {
    for (name, _) in STREAMS {
        let talk = replay(name);
        // The answers to requests that another client made.
        let foreign = match name {
            "interrupt-deep-children"
            | "interrupt-during-api-hang"
            | "interrupt-during-tool"
            | "steer"
            | "text" => 1,
            "garbage" => 3,
            _ => 0,
        };
        assert_eq!(talk.session.report().unknown_events, foreign, "{name}");
    }
}

#[test]
fn the_result_is_the_last_message() {
    let table = [
        ("text", "Hello from the fake model."),
        ("tool", "Wrote out.txt."),
        ("err-cutonce", "OK after the cut."),
        ("steer", "after"),
    ];
    for (name, result) in table {
        let talk = replay(name);
        let report = talk.session.report();
        assert_eq!(report.result.as_deref(), Some(result), "{name}");
        assert_eq!(report.turn_status.as_deref(), Some("completed"), "{name}");
    }
}

#[test]
fn a_resumed_run_is_charged_for_its_own_turn() {
    let [first, second] =
        ["resume", "resume-part2"].map(|name| replay(name).session.report().usage.clone());
    assert_eq!((first.input_tokens, first.output_tokens), (1200, 34));
    assert_eq!((second.input_tokens, second.output_tokens), (1200, 34));
    assert_eq!(
        (second.cached_input_tokens, second.reasoning_tokens),
        (20, 7)
    );
}

#[test]
fn the_approval_that_the_server_asks_for_is_declined() {
    let talk = replay("approval");
    let answers: Vec<_> = written(&talk.actions)
        .into_iter()
        .filter(|message| message.get("result").is_some())
        .collect();
    assert_eq!(
        answers,
        [json!({"id": 0, "result": {"decision": "decline"}})]
    );
}

#[test]
fn a_tool_that_was_interrupted_has_a_result() {
    let talk = replay("interrupt-during-tool");
    let results: Vec<_> = told(&talk.actions)
        .into_iter()
        .filter_map(|event| event.tool.as_ref())
        .map(|tool| tool.ok)
        .collect();
    assert_eq!(results, [None, Some(false)]);
}
