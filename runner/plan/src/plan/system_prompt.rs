//! The system prompt, and the proof that it is the one that was meant (contract §5.2).

use serde_json::Value;
use std::path::PathBuf;

use super::{Inputs, PlanError};
use crate::env::{self, Environment};
use crate::spec::{ProviderDefinition, RunSpec};

/// Returns the file with the system prompt, if anything names one: the adapter, then the
/// environment.
pub fn system_prompt_path(
    spec: &RunSpec,
    definition: Option<&ProviderDefinition>,
    environment: &Environment,
) -> Option<PathBuf> {
    let defined = definition.and_then(|definition| definition.adapter.as_ref());
    let adapter = spec.adapter.as_ref().or(defined);
    let of_codex = adapter.and_then(|adapter| adapter.codex.as_ref()?.system_prompt_path.clone());
    let of_claude = adapter.and_then(|adapter| adapter.claude.as_ref()?.system_prompt_path.clone());
    of_codex
        .or(of_claude)
        .filter(|path| !path.as_os_str().is_empty())
        .or_else(|| environment.path(env::SYSTEM_PROMPT_PATH))
}

/// Whether the adapter has a system prompt of its own, which wins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Own {
    None,
    Some,
}

/// Returns the system prompt, that of the file, else the run's own, if it has the SHA-256 that the
/// adapter, then the environment, says.
pub(super) fn checked(
    inputs: &Inputs<'_>,
    hash: Option<&str>,
    own: Own,
) -> Result<Option<String>, PlanError> {
    let environment = inputs.environment;
    let expected = hash.filter(|hash| !hash.trim().is_empty());
    let expected = expected.or_else(|| environment.get(env::SYSTEM_PROMPT_HASH));
    let required = environment.get(env::SYSTEM_PROMPT_REQUIRED) == Some("true");
    let (place, text) = match &inputs.system_prompt {
        Some(file) => match &file.content {
            Ok(text) => (file.path.display().to_string(), text.clone()),
            Err(problem) => {
                return Err(PlanError::SystemPrompt {
                    place: file.path.display().to_string(),
                    problem: format!("cannot be read: {problem}"),
                });
            }
        },
        None => match of_run(inputs.payload) {
            Some(text) => ("run.json: systemPrompt".to_owned(), text.to_owned()),
            None if required && own == Own::None => {
                return Err(PlanError::SystemPrompt {
                    place: env::SYSTEM_PROMPT_REQUIRED.to_owned(),
                    problem: "asks for a system prompt, and there is none".to_owned(),
                });
            }
            None => return Ok(None),
        },
    };
    let refused = |problem: String| PlanError::SystemPrompt {
        place: place.clone(),
        problem,
    };
    if text.trim().is_empty() {
        return Err(refused("is blank".to_owned()));
    }
    let found = (inputs.sha256)(text.as_bytes());
    match expected.map(|expected| expected.trim().to_ascii_lowercase()) {
        Some(expected) if expected != found => Err(refused(format!(
            "has the SHA-256 {found}, and {expected} was expected"
        ))),
        _ => Ok(Some(text)),
    }
}

/// A blank one is none, as for the incumbent: only a file is meant even if it is blank.
fn of_run(payload: Option<&Value>) -> Option<&str> {
    let text = payload?.get("systemPrompt")?.as_str()?;
    Some(text).filter(|text| !text.trim().is_empty())
}
