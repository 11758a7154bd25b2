//! A run that ends before its agent does.

use super::{Case, Mode, Scenario, only_with_events, only_with_sessions, unless};
use crate::kit::finding::Finding;
use crate::scripted::{Act, SESSION};

/// What the controller leaves a pod, less what is written at the end.
const GRACE_SECONDS: u64 = 28;

pub(super) fn all() -> Vec<Scenario> {
    vec![
        Scenario::new(
            "cancelled",
            "a TERM ends the run in time, and nothing survives",
        )
        .mode(Mode::Stop)
        .act(Act::Hang)
        .judge(cancelled),
        Scenario::new("stubborn", "so does one that the agent does not listen to")
            .mode(Mode::Stop)
            .act(Act::Stubborn)
            .flags(&["--grace-seconds=1"])
            .judge(cancelled),
        Scenario::new(
            "after-result",
            "an agent that hangs after its result has succeeded",
        )
        .skip(only_with_events)
        .act(Act::HangAfterResult)
        .flags(&["--timeouts-after-result=300ms"])
        .judge(|case| with_survivors(case, case.succeeded())),
        Scenario::new("timeout", "a run that takes too long is stopped")
            .act(Act::Hang)
            .flags(&["--timeouts-total=500ms"])
            .judge(|case| with_survivors(case, case.ended("Timeout", None))),
        Scenario::new("leftovers", "what an agent leaves running is stopped")
            .act(Act::LeaveChild)
            .judge(|case| with_survivors(case, case.succeeded())),
        Scenario::new("resume", "a second attempt goes on with the conversation")
            .skip(|manifest| {
                let never = manifest
                    .setting("resume")
                    .is_some_and(|word| word != "auto");
                let told = never.then_some("`resume` says which conversation is gone on with");
                told.or_else(|| only_with_sessions(manifest))
            })
            .mode(Mode::StopAndRun)
            .act(Act::Hang)
            .judge(resumed),
    ]
}

fn with_survivors(case: &Case<'_>, mut findings: Vec<Finding>) -> Vec<Finding> {
    let alive = case.played.alive.len();
    findings.extend(unless(alive == 0, "no process of the agent left", || {
        (format!("{alive} left"), "report a bug")
    }));
    findings
}

fn cancelled(case: &Case<'_>) -> Vec<Finding> {
    let mut findings = case.ended("Cancelled", None);
    let seconds = case.played.took.as_secs();
    findings.extend(unless(
        seconds < GRACE_SECONDS,
        "an end within the pod's 30 s",
        || (format!("{seconds} s"), "lower `graceSeconds`"),
    ));
    with_survivors(case, findings)
}

fn resumed(case: &Case<'_>) -> Vec<Finding> {
    let mut findings = case.succeeded();
    let call = case.played.calls.get(1);
    let goes_on = call.is_some_and(|call| {
        call.args.iter().any(|arg| arg.contains(SESSION)) || call.stdin.contains(SESSION)
    });
    findings.extend(unless(goes_on, "the first attempt's conversation", || {
        let change =
            "leave the home of the agent's state where the runner sees it, and `--session-id` out";
        ("a conversation of its own".to_owned(), change)
    }));
    findings
}
