//! An agent that fails, and what the run says of it.

use agent_plan::settings::Protocol;

use super::{Case, Scenario, only_with_events, unless};
use crate::kit::finding::Finding;
use crate::scripted::{Act, Failure};

/// A run that fails fast ends before the CLI would have tried a second time.
const FAST_SECONDS: u64 = 10;

pub(super) fn all() -> Vec<Scenario> {
    let failing = |name, promise, failure, judge| {
        Scenario::new(name, promise)
            .skip(only_with_events)
            .act(Act::Fail(failure))
            .judge(judge)
    };
    vec![
        failing(
            "fails-auth",
            "refused credentials end the run at once",
            Failure::Auth,
            |case| {
                let mut findings = case.ended("AuthFailed", None);
                let fast = case.played.took.as_secs() < FAST_SECONDS;
                findings.extend(unless(fast, "an end within 10 s", || {
                    (format!("{} s", case.played.took.as_secs()), "report a bug")
                }));
                findings
            },
        ),
        failing(
            "fails-rate-limit",
            "a used-up account is told from a failure",
            Failure::RateLimit,
            |case| {
                let mut findings = case.ended("RateLimited", None);
                // The controller looks for the provider's own words.
                let told = case.played.status["error"].as_str().unwrap_or_default();
                findings.extend(unless(
                    told.contains("usage limit"),
                    "the provider's words in `error`",
                    || (format!("`{told}`"), "report a bug"),
                ));
                findings
            },
        ),
        failing(
            "fails-overloaded",
            "an overloaded provider may be asked again",
            Failure::Overloaded,
            unavailable,
        ),
        failing(
            "fails-server",
            "a provider that fails may be asked again",
            Failure::Server,
            unavailable,
        ),
        failing(
            "fails-bad-request",
            "a bad request is the agent's failure",
            Failure::BadRequest,
            |case| case.ended("AgentFailed", None),
        ),
        failing(
            "fails-model",
            "a model that does not exist is the agent's failure",
            Failure::ModelNotFound,
            |case| case.ended("AgentFailed", None),
        ),
        failing(
            "max-turns",
            "an agent at its limit of turns is not done",
            Failure::MaxTurns,
            |case| case.ended("Incomplete", None),
        )
        .skip(|manifest| match manifest.protocol() {
            Protocol::Claude | Protocol::Jsonl => None,
            _ => Some("this protocol knows no limit of turns"),
        }),
        Scenario::new("crash-at-once", "an agent that cannot start says why")
            .act(Act::CrashAtOnce)
            .judge(|case| {
                let mut findings = failed(case);
                let told = case.played.status["error"].as_str().unwrap_or_default();
                findings.extend(unless(
                    told.contains("library"),
                    "its last words in `error`",
                    || (format!("`{told}`"), "report a bug"),
                ));
                findings
            }),
        Scenario::new("crash-midway", "an agent that is killed has failed")
            .act(Act::CrashMidway)
            .judge(failed),
        Scenario::new("own-code", "a code of the agent's own stays its code")
            .act(Act::OwnCode)
            .judge(|case| {
                let mut findings = failed(case);
                let code = case.played.code;
                findings.extend(unless(code == 7, "exit code 7", || {
                    (format!("exit code {code}"), "report a bug")
                }));
                findings
            }),
    ]
}

fn unavailable(case: &Case<'_>) -> Vec<Finding> {
    let mut findings = case.ended("ProviderUnavailable", None);
    let again = case.played.status["retryable"] == true;
    findings.extend(unless(again, "a run that may be tried again", || {
        ("one that may not".to_owned(), "report a bug")
    }));
    findings
}

/// The run failed, whatever the failure is called.
fn failed(case: &Case<'_>) -> Vec<Finding> {
    let mut findings = case.told();
    let status = case.played.status["status"].as_str().unwrap_or("none");
    if findings.is_empty() && (status != "failed" || case.played.code == 0) {
        let seen = format!("status {status}, exit code {}", case.played.code);
        let change = "set `adapter.runner.protocol` to what the agent speaks";
        findings.push(Finding::new("a run that failed", seen, change));
    }
    findings
}
