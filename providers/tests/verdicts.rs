//! The verdict table, cell by cell: what the agent said last, who stopped it, how it exited.
//!
//! The table is one for all CLIs: the terminal event decides, a stop explains what is missing, and
//! the exit counts only when there is neither.

#[path = "replay/talk.rs"]
mod talk;

use agent_plan::outcome::{Exit, Outcome as O, StopCause};
use agent_plan::plan::Conversation;
use serde_json::json;

use talk::{Cli, Talk};

/// What the agent said, in the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Said {
    Nothing,
    /// That it began, and no end.
    Begun,
    Success,
    /// That its credentials were refused.
    Refused,
    /// That it was interrupted.
    Interrupted,
    /// A success, and that it goes on.
    Again,
}

/// Whether the runner stopped it, and when.
#[derive(Debug, Clone, Copy)]
enum Stop {
    Never,
    /// Before it said what it said last.
    During(StopCause),
    /// After that.
    After(StopCause),
}

/// How it exited.
#[derive(Debug, Clone, Copy)]
enum Left {
    With(Exit),
    /// In every way.
    Anyhow,
}

use Exit::{Code, Signal as By};
use Left::{Anyhow, With};
use Said::{Again, Begun, Interrupted, Nothing, Refused, Success};
use Stop::{After, During, Never};
use StopCause::{
    AfterResultTimeout, FirstEventTimeout, Hopeless, IdleTimeout, Signal, TotalTimeout,
};

const TERM: i32 = 15;
const INT: i32 = 2;
const KILL: i32 = 9;

const EXITS: [Exit; 5] = [Code(0), Code(1), Code(143), By(TERM), By(KILL)];

#[rustfmt::skip]
const CELLS: &[(Said, Stop, Left, O, &str)] = &[
    // Said nothing: the exit is all there is.
    (Nothing, Never, With(Code(0)), O::NoResult, "NoTerminalEvent"),
    (Nothing, Never, With(Code(1)), O::AgentFailed, "StartupFailed"),
    (Nothing, Never, With(Code(143)), O::AgentFailed, "StartupFailed"),
    (Nothing, Never, With(By(TERM)), O::AgentFailed, "SIGTERM"),
    (Nothing, Never, With(By(KILL)), O::Killed, "Killed"),
    (Nothing, After(Signal(TERM)), Anyhow, O::Cancelled, "SIGTERM"),
    (Nothing, After(Signal(INT)), Anyhow, O::Cancelled, "SIGINT"),
    (Nothing, After(TotalTimeout), Anyhow, O::Timeout, "TotalTimeout"),
    (Nothing, After(FirstEventTimeout), Anyhow, O::Stalled, "NoFirstEvent"),
    (Nothing, After(IdleTimeout), Anyhow, O::Stalled, "Idle"),
    // Began and said no end: the same, but that it had started.
    (Begun, Never, With(Code(0)), O::NoResult, "NoTerminalEvent"),
    (Begun, Never, With(Code(1)), O::AgentFailed, "NonZeroExit"),
    (Begun, Never, With(Code(143)), O::AgentFailed, "NonZeroExit"),
    (Begun, Never, With(By(TERM)), O::AgentFailed, "SIGTERM"),
    (Begun, Never, With(By(KILL)), O::Killed, "Killed"),
    (Begun, During(Signal(TERM)), Anyhow, O::Cancelled, "SIGTERM"),
    (Begun, After(Signal(TERM)), Anyhow, O::Cancelled, "SIGTERM"),
    (Begun, After(Signal(INT)), Anyhow, O::Cancelled, "SIGINT"),
    (Begun, After(TotalTimeout), Anyhow, O::Timeout, "TotalTimeout"),
    (Begun, After(FirstEventTimeout), Anyhow, O::Stalled, "NoFirstEvent"),
    (Begun, After(IdleTimeout), Anyhow, O::Stalled, "Idle"),
    // Success is success, however it left and whoever came too late.
    (Success, Never, Anyhow, O::Completed, "Completed"),
    (Success, During(Signal(TERM)), Anyhow, O::Completed, "Completed"),
    (Success, During(TotalTimeout), Anyhow, O::Completed, "Completed"),
    (Success, During(IdleTimeout), Anyhow, O::Completed, "Completed"),
    (Success, After(Signal(TERM)), Anyhow, O::Completed, "Completed"),
    (Success, After(Signal(INT)), Anyhow, O::Completed, "Completed"),
    (Success, After(TotalTimeout), Anyhow, O::Completed, "Completed"),
    (Success, After(AfterResultTimeout), Anyhow, O::Completed, "Completed"),
    // A failure has its class, even with exit 0; one that follows a stop is the stop's.
    (Refused, Never, Anyhow, O::AuthFailed, "Auth"),
    (Refused, During(Signal(TERM)), Anyhow, O::Cancelled, "SIGTERM"),
    (Refused, During(Signal(INT)), Anyhow, O::Cancelled, "SIGINT"),
    (Refused, During(TotalTimeout), Anyhow, O::Timeout, "TotalTimeout"),
    (Refused, During(IdleTimeout), Anyhow, O::Stalled, "Idle"),
    (Refused, After(Signal(TERM)), Anyhow, O::AuthFailed, "Auth"),
    (Refused, After(TotalTimeout), Anyhow, O::AuthFailed, "Auth"),
    (Refused, After(AfterResultTimeout), Anyhow, O::AuthFailed, "Auth"),
    // Whoever interrupted it knows why; if nobody of ours did, it is cancelled.
    (Interrupted, Never, Anyhow, O::Cancelled, "Interrupted"),
    (Interrupted, During(Signal(TERM)), Anyhow, O::Cancelled, "SIGTERM"),
    (Interrupted, During(Signal(INT)), Anyhow, O::Cancelled, "SIGINT"),
    (Interrupted, During(TotalTimeout), Anyhow, O::Timeout, "TotalTimeout"),
    (Interrupted, During(FirstEventTimeout), Anyhow, O::Stalled, "NoFirstEvent"),
    (Interrupted, During(IdleTimeout), Anyhow, O::Stalled, "Idle"),
];

/// An agent that goes on after a success has not given its result yet.
#[rustfmt::skip]
const AGAIN: &[(Said, Stop, Left, O, &str)] = &[
    (Again, Never, With(Code(0)), O::NoResult, "NoTerminalEvent"),
    (Again, Never, With(Code(1)), O::AgentFailed, "NonZeroExit"),
    (Again, Never, With(By(KILL)), O::Killed, "Killed"),
    (Again, After(Signal(TERM)), Anyhow, O::Cancelled, "SIGTERM"),
    (Again, After(TotalTimeout), Anyhow, O::Timeout, "TotalTimeout"),
    (Again, After(IdleTimeout), Anyhow, O::Stalled, "Idle"),
];

fn begins(cli: Cli) -> Vec<String> {
    let lines = match cli {
        Cli::Claude | Cli::ClaudeWithSchema => {
            vec![json!({"type": "system", "subtype": "init", "session_id": "s-1"})]
        }
        Cli::CodexExec => vec![
            json!({"type": "thread.started", "thread_id": "t-1"}),
            json!({"type": "turn.started"}),
        ],
        Cli::AppServer => vec![
            json!({"id": 1, "result": {"userAgent": "lab/0.169.0 (Debian)"}}),
            json!({"id": 2, "result": {"thread": {"id": "t-1"}, "model": "m-1"}}),
            json!({"id": 3, "result": {"turn": {"id": "u-1", "status": "inProgress"}}}),
            json!({"method": "turn/started", "params": {"threadId": "t-1", "turn": {"id": "u-1"}}}),
        ],
    };
    lines.iter().map(ToString::to_string).collect()
}

/// The last event of a kind; nothing for a conversation that does not end.
fn ending(cli: Cli, said: Said) -> Option<String> {
    let turn = |status: &str, error| {
        let turn = json!({"id": "u-1", "status": status, "error": error});
        json!({"method": "turn/completed", "params": {"threadId": "t-1", "turn": turn}})
    };
    let refused = "unexpected status 401 Unauthorized: no";
    let line = match (cli, said) {
        (_, Nothing | Begun) => return None,
        (Cli::Claude | Cli::ClaudeWithSchema, Success | Again) => json!({
            "type": "result", "subtype": "success", "is_error": false, "result": "done",
            "terminal_reason": "completed",
        }),
        (Cli::Claude | Cli::ClaudeWithSchema, Refused) => json!({
            "type": "result", "subtype": "success", "is_error": true, "result": "no",
            "terminal_reason": "api_error", "api_error_status": 401,
        }),
        (Cli::Claude | Cli::ClaudeWithSchema, Interrupted) => json!({
            "type": "result", "subtype": "error_during_execution", "is_error": true,
            "terminal_reason": "aborted_tools",
        }),
        (Cli::CodexExec, Success | Again) => json!({"type": "turn.completed", "usage": {}}),
        (Cli::CodexExec, Refused) => json!({"type": "turn.failed", "error": {"message": refused}}),
        (Cli::CodexExec, Interrupted) => {
            json!({"type": "turn.failed", "error": {"message": "turn interrupted"}})
        }
        (Cli::AppServer, Success | Again) => turn("completed", json!(null)),
        (Cli::AppServer, Refused) => turn(
            "failed",
            json!({"message": refused, "codexErrorInfo": "unauthorized"}),
        ),
        (Cli::AppServer, Interrupted) => turn("interrupted", json!(null)),
    };
    Some(line.to_string())
}

/// Another turn begins.
fn goes_on(cli: Cli) -> String {
    match cli {
        Cli::Claude | Cli::ClaudeWithSchema => begins(cli).remove(0),
        Cli::CodexExec => json!({"type": "turn.started"}).to_string(),
        Cli::AppServer => json!({
            "method": "turn/started", "params": {"threadId": "t-1", "turn": {"id": "u-2"}},
        })
        .to_string(),
    }
}

fn talk(cli: Cli, said: Said, stop: Stop) -> Talk {
    let mut talk = Talk::new(cli.process());
    if said != Nothing {
        for line in begins(cli) {
            talk.hears(&line);
        }
    }
    if let During(cause) = stop {
        talk.stops(cause);
    }
    if let Some(line) = ending(cli, said) {
        talk.hears(&line);
    }
    if said == Again {
        talk.hears(&goes_on(cli));
    }
    talk.falls_quiet();
    if let After(cause) = stop {
        talk.stops(cause);
    }
    // Lines that mean nothing to the session would prove nothing.
    assert_eq!(talk.report().unknown_events, 0, "{cli:?} {said:?}");
    talk
}

/// Returns the cells that are not as they should be, and how many were looked at.
fn wrong(cli: Cli, cells: &[(Said, Stop, Left, O, &str)]) -> (Vec<String>, usize) {
    let mut wrong = Vec::new();
    let mut count = 0;
    for (said, stop, left, outcome, reason) in cells {
        let exits = match left {
            With(exit) => vec![*exit],
            Anyhow => EXITS.to_vec(),
        };
        for exit in exits {
            count += 1;
            let decision = talk(cli, *said, *stop).ends(exit);
            if (decision.outcome, decision.reason.as_str()) != (*outcome, *reason) {
                wrong.push(format!(
                    "{cli:?} {said:?} {stop:?} {exit}: {:?}/{} instead of {outcome:?}/{reason}",
                    decision.outcome, decision.reason
                ));
            }
        }
    }
    (wrong, count)
}

#[test]
fn every_cell_of_the_table_holds_for_every_cli() {
    let mut all = Vec::new();
    for cli in [Cli::Claude, Cli::CodexExec, Cli::AppServer] {
        let (wrong, count) = wrong(cli, CELLS);
        assert_eq!(count, 10 + 33 * EXITS.len());
        all.extend(wrong);
    }
    assert!(all.is_empty(), "{}", all.join("\n"));
}

#[test]
fn what_ends_an_agent_that_went_on_after_a_success() {
    let mut all = wrong(Cli::AppServer, AGAIN).0;
    all.extend(wrong(Cli::Claude, AGAIN).0);
    all.extend(wrong(Cli::CodexExec, AGAIN).0);
    assert!(all.is_empty(), "{}", all.join("\n"));
}

#[test]
fn a_turn_is_no_result_until_its_thread_was_quiet() {
    let cell = |stop: Option<StopCause>, exit| {
        let mut talk = talk(Cli::AppServer, Begun, Never);
        talk.hears(&ending(Cli::AppServer, Success).expect("it is one"));
        if let Some(cause) = stop {
            talk.stops(cause);
        }
        let decision = talk.ends(exit);
        (decision.outcome, decision.reason)
    };
    let is = |outcome, reason: &str| (outcome, reason.to_owned());
    // A goal may start the next turn, and so whoever stops the run here stops work.
    assert_eq!(
        cell(Some(Signal(TERM)), Code(0)),
        is(O::Cancelled, "SIGTERM")
    );
    assert_eq!(
        cell(Some(TotalTimeout), Code(0)),
        is(O::Timeout, "TotalTimeout")
    );
}

#[test]
fn credentials_that_are_refused_again_and_again_end_the_run() {
    let retries = [
        (
            Cli::Claude,
            json!({"type": "system", "subtype": "api_retry", "attempt": 1, "max_retries": 10,
                "error": "authentication_failed", "error_status": 401}),
        ),
        (
            Cli::CodexExec,
            json!({"type": "error", "message": "Reconnecting... 1/5 (unexpected status 401 Unauthorized: no)"}),
        ),
        (
            Cli::AppServer,
            json!({"method": "error", "params": {"threadId": "t-1", "turnId": "u-1", "willRetry": true,
                "error": {"message": "Reconnecting... 1/5", "additionalDetails": "401 Unauthorized",
                    "codexErrorInfo": {"httpConnectionFailed": {"httpStatusCode": 401}}}}}),
        ),
    ];
    for (cli, retry) in retries {
        for ending_said in [Nothing, Interrupted, Refused] {
            for exit in EXITS {
                let mut talk = talk(cli, Begun, Never);
                talk.hears(&retry.to_string());
                // What the runner does when its session says that there is no hope.
                talk.stops(Hopeless);
                if let Some(line) = ending(cli, ending_said) {
                    talk.hears(&line);
                }
                let decision = talk.ends(exit);
                let cell = format!("{cli:?} {ending_said:?} {exit}");
                assert_eq!(decision.outcome, O::AuthFailed, "{cell}");
                assert_eq!(decision.reason, "Auth", "{cell}");
            }
        }
    }
}

#[test]
fn a_success_without_the_form_that_was_asked_for_is_no_result() {
    let success = ending(Cli::Claude, Success).expect("it is one");
    for (structured, outcome) in [(None, O::NoResult), (Some(json!({"a": 1})), O::Completed)] {
        let mut talk = Talk::new(Cli::ClaudeWithSchema.process());
        let mut line: serde_json::Value = serde_json::from_str(&success).expect("we wrote it");
        if let Some(structured) = structured {
            line["structured_output"] = structured;
        }
        talk.hears(&line.to_string());
        assert_eq!(talk.ends(Code(0)).outcome, outcome);
    }
}

#[test]
fn an_agent_whose_lines_mean_nothing_is_judged_by_its_exit() {
    let exits = [
        (Code(0), O::Completed, "Completed"),
        (Code(3), O::AgentFailed, "NonZeroExit"),
        (By(TERM), O::AgentFailed, "SIGTERM"),
        (By(KILL), O::Killed, "Killed"),
    ];
    for (exit, outcome, reason) in exits {
        let mut process = Cli::Claude.process();
        process.conversation = Conversation::Raw;
        let mut talk = Talk::new(process);
        talk.hears(&ending(Cli::Claude, Refused).expect("it is one"));
        let decision = talk.ends(exit);
        assert_eq!(
            (decision.outcome, decision.reason.as_str()),
            (outcome, reason)
        );
    }
}
