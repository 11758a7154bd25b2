//! What an agent says, and how it may say it.

use super::{Case, Scenario, only_with_events, unless};
use crate::kit::finding::Finding;
use crate::kit::world;
use crate::scripted::Act;

/// Bytes of a line of 2 MiB that a log must at least have.
const BIG: usize = 2_000_000;

pub(super) fn all() -> Vec<Scenario> {
    vec![
        Scenario::new("tool", "a tool that is used is shown")
            .act(Act::Tool)
            .judge(tool),
        Scenario::new("big-line", "a line of 2 MiB is kept")
            .act(Act::BigLine)
            .judge(big_line),
        Scenario::new("invalid-utf8", "bytes that are no text do no harm").act(Act::InvalidUtf8),
        Scenario::new("unknown-events", "what nobody knows does no harm").act(Act::UnknownEvents),
        Scenario::new("partial-line", "a last line that is cut off does no harm")
            .act(Act::PartialLine),
        Scenario::new(
            "no-result",
            "an agent that ends without a result has not succeeded",
        )
        .skip(only_with_events)
        .act(Act::NoResult)
        .judge(|case| case.ended("NoResult", None)),
        Scenario::new("artifacts", "declared files that are there are told of")
            .skip(|manifest| {
                let none = world::paths_declared(manifest).is_empty();
                none.then_some("no file is declared but the runner's own")
            })
            .act(Act::WriteFiles)
            .judge(artifacts),
        Scenario::new(
            "artifacts-missing",
            "a declared file without a key may be missing",
        )
        .skip(|manifest| {
            let none = world::paths_declared(manifest).is_empty();
            none.then_some("no file is declared but the runner's own")
        }),
    ]
}

fn tool(case: &Case<'_>) -> Vec<Finding> {
    let mut findings = case.succeeded();
    let shown = ["cargo test", "42 passed"]
        .iter()
        .any(|text| case.played.stdout.contains(text));
    findings.extend(unless(shown, "the tool on stdout", || {
        (
            "nothing of it".to_owned(),
            "check that `protocol` is the agent's own",
        )
    }));
    findings
}

fn big_line(case: &Case<'_>) -> Vec<Finding> {
    let mut findings = case.succeeded();
    let bytes = case.played.log.len();
    let limited = case.manifest.setting("log.maxBytes").is_some();
    findings.extend(unless(limited || bytes >= BIG, "2 MiB in the log", || {
        (format!("{bytes} bytes"), "report a bug")
    }));
    findings
}

fn artifacts(case: &Case<'_>) -> Vec<Finding> {
    let mut findings = case.succeeded();
    let told = world::declared(&case.played.status);
    let wanted = world::paths_declared(case.manifest).len();
    findings.extend(unless(
        told.len() >= wanted,
        "every declared file in the status",
        || {
            (
                format!("{} of {wanted}", told.len()),
                "give each a `name` and a `path`",
            )
        },
    ));
    findings
}
