//! What was found, for people and for programs.

use std::path::Path;
use std::time::Duration;

use agent_plan::settings::Protocol;
use serde::Serialize;

use super::finding::Finding;
use super::manifest::Manifest;

/// How a check or a scenario went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// Its promise holds.
    Ok,
    /// It does not.
    Fail,
    /// It says nothing about this provider.
    Skip,
}

/// What became of a check or a scenario.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Judgement {
    /// Its name.
    pub name: &'static str,
    /// What holds if it is ok.
    pub promise: &'static str,
    /// How it went.
    pub verdict: Verdict,
    /// Seconds that it took.
    pub seconds: f64,
    /// Why it was skipped.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// What it found.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<Finding>,
}

/// What was found about a provider. Stable: fields are added, never changed.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Summary {
    /// The file.
    pub file: String,
    /// The provider's name.
    pub provider: String,
    /// How its agent is talked to.
    pub protocol: Protocol,
    /// Whether nothing failed.
    pub ok: bool,
    /// Seconds that it took.
    pub seconds: f64,
    /// Every check and every scenario.
    pub results: Vec<Judgement>,
}

impl Judgement {
    pub(super) fn judged(
        name: &'static str,
        promise: &'static str,
        findings: Vec<Finding>,
    ) -> Self {
        let verdict = if findings.is_empty() {
            Verdict::Ok
        } else {
            Verdict::Fail
        };
        Self {
            name,
            promise,
            verdict,
            seconds: 0.0,
            why: None,
            findings,
        }
    }

    pub(super) fn skipped(name: &'static str, promise: &'static str, why: &str) -> Self {
        Self {
            name,
            promise,
            verdict: Verdict::Skip,
            seconds: 0.0,
            why: Some(why.to_owned()),
            findings: Vec::new(),
        }
    }

    /// Says whether nothing is wrong.
    pub fn is_ok(&self) -> bool {
        self.verdict != Verdict::Fail
    }

    fn line(&self) -> String {
        let word = match self.verdict {
            Verdict::Ok => "ok  ",
            Verdict::Fail => "FAIL",
            Verdict::Skip => "skip",
        };
        let words = self.why.as_deref().unwrap_or(self.promise);
        let mut text = format!("{word} {:<20} {words}\n", self.name);
        for finding in &self.findings {
            let place = match (&finding.path, finding.line, finding.column) {
                (Some(path), Some(line), Some(column)) => {
                    format!(" (`{path}`, line {line} column {column})")
                }
                (Some(path), ..) => format!(" (`{path}`)"),
                _ => String::new(),
            };
            text.push_str(&format!("       expected  {}\n", finding.expected));
            text.push_str(&format!("       seen      {}{place}\n", finding.seen));
            text.push_str(&format!("       change    {}\n", finding.change));
        }
        text
    }
}

impl Summary {
    pub(super) fn new(
        manifest: &Manifest,
        path: &Path,
        results: Vec<Judgement>,
        took: Duration,
    ) -> Self {
        Self {
            file: path.display().to_string(),
            provider: manifest.name(),
            protocol: manifest.protocol(),
            ok: results.iter().all(Judgement::is_ok),
            seconds: took.as_secs_f64(),
            results,
        }
    }

    /// Returns it in words: a line for each check and scenario.
    pub fn text(&self) -> String {
        let protocol = serde_json::to_value(self.protocol).unwrap_or_default();
        let protocol = protocol.as_str().unwrap_or_default();
        let mut text = format!(
            "{}: provider `{}`, protocol `{protocol}`\n",
            self.file, self.provider
        );
        for result in &self.results {
            text.push_str(&result.line());
        }
        let count = |verdict| {
            self.results
                .iter()
                .filter(|one| one.verdict == verdict)
                .count()
        };
        text.push_str(&format!(
            "{} ok, {} failed, {} skipped in {:.1} s\n",
            count(Verdict::Ok),
            count(Verdict::Fail),
            count(Verdict::Skip),
            self.seconds
        ));
        text
    }
}
