//! The list of everything that was to be stored, as an object of its own.

use agent_plan::outcome::Outcome;
use agent_plan::settings::When;
use agent_plan::status::RunStatus;
use serde::Serialize;

use super::account::{Books, Fate, Object};

/// Name of the manifest below the run's prefix.
pub(super) const NAME: &str = "manifest.json";

/// What the manifest holds.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Manifest<'a> {
    /// Of this form; 1.
    version: u32,
    /// Whose artifacts they are.
    run: &'a str,
    /// Of which attempt.
    attempt: u32,
    /// How the run ended.
    outcome: Outcome,
    /// When it began, as the status says it.
    started_at: &'a str,
    /// When its status was complete.
    finished_at: &'a str,
    /// Every file that was to be stored.
    objects: &'a [Object],
    /// Artifacts with a problem besides their files, by name.
    missing: Vec<Missing<'a>>,
    /// Artifacts that are only stored after another kind of ending.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    skipped: Vec<Skipped<'a>>,
}

/// An artifact that is of another kind of ending.
#[derive(Debug, Serialize)]
struct Skipped<'a> {
    artifact: &'a str,
    when: When,
}

/// An artifact that there was nothing to store of, or that was not to be.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Missing<'a> {
    artifact: &'a str,
    result: Fate,
    error: &'a str,
}

impl<'a> Manifest<'a> {
    /// Lists what the books hold; `status` is the run's, redacted.
    pub(super) fn new(run: &'a str, status: &'a RunStatus, books: &'a Books) -> Self {
        let missing = books.entries.iter().filter_map(|entry| {
            let (result, error) = entry.problem.as_ref()?;
            Some(Missing {
                artifact: &entry.delivery.name,
                result: *result,
                error,
            })
        });
        let skipped = books.skipped.iter();
        let skipped = skipped.map(|(artifact, when)| Skipped {
            artifact,
            when: *when,
        });
        Self {
            version: 1,
            run,
            attempt: status.attempt,
            outcome: status.outcome,
            started_at: &status.started_at,
            finished_at: &status.finished_at,
            objects: &books.objects,
            missing: missing.collect(),
            skipped: skipped.collect(),
        }
    }

    /// Returns it as JSON that people can read, with a final newline.
    pub(super) fn bytes(&self) -> Vec<u8> {
        // Its keys are strings, which is all that could fail.
        let mut bytes = serde_json::to_vec_pretty(self).unwrap_or_default();
        bytes.push(b'\n');
        bytes
    }
}
