//! What others said, for the second plan.

use agent_plan::plan::Plan;
use serde_json::Value;

use super::{LoadError, Reach};
use crate::{context, report};

/// Fetches what others said if a plan wants it; adds to `warnings` what is missing from it.
///
/// # Errors
///
/// Returns [`LoadError::Context`] if it cannot be had and is required, or was interrupted.
pub(super) fn said(
    plan: &Plan,
    reach: Reach<'_>,
    warnings: &mut Vec<String>,
) -> Result<Option<Value>, LoadError> {
    // Without a server the plan has said already that nothing is fetched.
    let (Some(wanted), Some(nats)) = (&plan.events.context, &plan.events.context_from) else {
        return Ok(None);
    };
    let Reach::Network(cancel) = reach else {
        warnings.push("`events.context` is empty here: only a run fetches it".to_owned());
        return Ok(None);
    };
    match context::fetch(wanted, nats, cancel) {
        Ok(said) => {
            tracing::info!(stream = %wanted.stream, messages = %said.root["messages"].as_array().map_or(0, Vec::len), "Context fetched.");
            warnings.extend(said.warning);
            Ok(Some(said.root))
        }
        Err(error) if wanted.required || cancel.is_asked() => Err(LoadError::Context(error)),
        Err(error) => {
            let sentence = report::sentence(&error, error.hint());
            warnings.push(format!("`events.context` is empty: {sentence}"));
            Ok(Some(context::nothing(wanted)))
        }
    }
}
