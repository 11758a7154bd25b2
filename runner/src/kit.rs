//! `provider test`: whether a provider does what a provider is for, before a cluster finds out.
//!
//! # Theory of operation
//!
//! A provider is text that three programs read: the controller, the runner, the agent. What each
//! makes of it is looked at in two steps. `checks` read the file and say what cannot work, with the
//! place. Once there is nothing of that, `scenarios` play whole runs: `controller` writes what the
//! controller would, `world` puts it into a private place with the scripted agent in the agent's,
//! `played` starts this very executable there, and each scenario judges from outside what a
//! stranger could see: exit code, status, streams, and how the agent was called.
//!
//! A scenario that could only repeat what another has said is skipped, so that a report names causes.
//!
//! Deliberately absent: the real agent, a network, a cluster, and uploads.

mod checks;
mod controller;
mod finding;
mod manifest;
mod played;
mod sample;
mod scenarios;
mod stage;
mod summary;
mod world;

pub use finding::Finding;
pub use manifest::{ManifestError, Place};
pub use summary::{Judgement, Summary, Verdict};

use std::path::Path;
use std::time::Instant;

use checks::CHECKS;
use manifest::Manifest;

/// Tests the provider in a text.
///
/// # Errors
///
/// Returns [`ManifestError`] if the text is no provider.
pub fn test(text: &str, path: &Path) -> Result<Summary, ManifestError> {
    let began = Instant::now();
    let manifest = Manifest::parse(text, path)?;
    let mut results = check(&manifest);
    if results.iter().all(Judgement::is_ok) {
        results.extend(stage::play_all(&manifest));
    } else {
        let why = "played once the findings above are mended";
        let skipped = |scenario: scenarios::Scenario| {
            Judgement::skipped(scenario.name, scenario.promise, why)
        };
        results.extend(scenarios::all().into_iter().map(skipped));
    }
    Ok(Summary::new(&manifest, path, results, began.elapsed()))
}

fn check(manifest: &Manifest) -> Vec<Judgement> {
    let run = |check: &checks::Check| {
        Judgement::judged(check.name, check.promise, (check.find)(manifest))
    };
    CHECKS.iter().map(run).collect()
}

#[cfg(test)]
mod tests;
