//! A scenario that was played, and what everybody expects of one.

use agent_plan::settings::Protocol;
use serde_json::Value;

use crate::kit::finding::Finding;
use crate::kit::manifest::Manifest;
use crate::kit::played::Played;
use crate::kit::sample::Sample;
use crate::scripted;

/// The most bytes that the kubelet takes.
const STATUS_LIMIT: usize = 4096;

/// A scenario that was played.
pub(in crate::kit) struct Case<'a> {
    pub(in crate::kit) manifest: &'a Manifest,
    pub(in crate::kit) sample: &'a Sample,
    pub(in crate::kit) played: &'a Played,
}

impl Case<'_> {
    /// The run succeeded and says so everywhere.
    pub(super) fn succeeded(&self) -> Vec<Finding> {
        self.ended("Completed", None)
    }

    /// The run ended with an outcome, and perhaps with a reason.
    pub(super) fn ended(&self, outcome: &str, reason: Option<&str>) -> Vec<Finding> {
        let status = &self.played.status;
        let mut findings = self.told();
        let is_reason = reason.is_none_or(|reason| status["reason"] == reason);
        if findings.is_empty() && !(status["outcome"] == outcome && is_reason) {
            let expected = match reason {
                Some(reason) => format!("outcome {outcome}, reason {reason}"),
                None => format!("outcome {outcome}"),
            };
            findings.push(Finding::new(expected, self.ending(), self.mend()));
        }
        findings
    }

    /// A status is there, small enough, and of one mind with the exit code.
    pub(super) fn told(&self) -> Vec<Finding> {
        let played = self.played;
        if played.endless {
            let change = "see whether the settings leave the agent without an end";
            return vec![Finding::new("an end", "none within 20 s", change)];
        }
        if played.status.is_null() {
            let last = played.stderr.lines().last().unwrap_or_default();
            let seen = format!("none, exit code {}: {last}", played.code);
            return vec![Finding::new(
                "a status",
                seen,
                "correct what the message names",
            )];
        }
        if played.status_bytes > STATUS_LIMIT || played.status["exitCode"] != played.code {
            let seen = format!(
                "{} bytes that say {}, exit code {}",
                played.status_bytes, played.status["exitCode"], played.code
            );
            return vec![Finding::new(
                "a status that the controller can read",
                seen,
                "report a bug",
            )];
        }
        Vec::new()
    }

    /// How the run ended, in words.
    fn ending(&self) -> String {
        let status = &self.played.status;
        let text = |name: &str| status[name].as_str().unwrap_or("none").to_owned();
        let error = match &status["error"] {
            Value::String(error) => format!(": {error}"),
            _ => String::new(),
        };
        format!(
            "outcome {}, reason {}{error}",
            text("outcome"),
            text("reason")
        )
    }

    fn mend(&self) -> &'static str {
        let outcome = self.played.status["outcome"].as_str().unwrap_or_default();
        match (outcome, self.manifest.protocol()) {
            ("SpecInvalid" | "InputMissing" | "WorkspaceFailed" | "PolicyRefused", _) => {
                "correct what the error names"
            }
            (_, Protocol::Raw) => "see what the error names, or set `adapter.runner.protocol`",
            _ => "see what the error names, or whether `protocol` is the agent's own",
        }
    }

    /// Everything that came out of the run, in all places.
    pub(super) fn sinks(&self) -> [(&'static str, String); 4] {
        let played = self.played;
        [
            ("stdout", played.stdout.clone()),
            ("stderr", played.stderr.clone()),
            ("the log", String::from_utf8_lossy(&played.log).into_owned()),
            ("the status", played.status.to_string()),
        ]
    }
}

/// A finding with what was seen and what to change, unless a thing holds.
pub(super) fn unless(
    holds: bool,
    expected: &str,
    otherwise: impl FnOnce() -> (String, &'static str),
) -> Vec<Finding> {
    if holds {
        return Vec::new();
    }
    let (seen, change) = otherwise();
    vec![Finding::new(expected, seen, change)]
}

/// There is a plan.
pub(super) fn planned(case: &Case<'_>) -> Vec<Finding> {
    if case.played.code == 0 {
        return Vec::new();
    }
    let mut words = case.played.stderr.lines().rev();
    let words = words.find_map(|line| line.split_once("error: "));
    let words = words.map_or("no plan", |(_, words)| words);
    vec![Finding::new("a plan", words, "correct what it names")]
}

/// The first run of all: what keeps it from succeeding keeps every other.
pub(super) fn answered(case: &Case<'_>) -> Vec<Finding> {
    let findings = case.succeeded();
    if !findings.is_empty() {
        return findings;
    }
    let shown = case.played.stdout.contains(scripted::ANSWER);
    unless(shown, "the answer on stdout", || {
        (
            "nothing of it".to_owned(),
            "check `adapter.runner.protocol`",
        )
    })
}
