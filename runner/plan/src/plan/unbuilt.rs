//! What a spec may ask for and this build does not do: refused, because it would otherwise be
//! missed without a word.

use serde_json::Value;

use super::PlanError;
use crate::settings::RunnerSettings;
use crate::spec::{Adapter, ProviderDefinition, RunSpec};

/// Refuses a spec or definition that asks for what this build does not do.
///
/// # Errors
///
/// Returns [`PlanError::NotBuilt`] with the first such key.
pub fn refuse_unbuilt(
    spec: &RunSpec,
    definition: Option<&ProviderDefinition>,
) -> Result<(), PlanError> {
    let of_adapter = |adapter: &Option<Adapter>| adapter.as_ref()?.runner.clone();
    settings("runner", spec.runner.as_ref())?;
    settings("adapter.runner", of_adapter(&spec.adapter).as_ref())?;
    let defined = definition.and_then(|definition| of_adapter(&definition.adapter));
    settings("provider definition: adapter.runner", defined.as_ref())
}

fn settings(place: &str, settings: Option<&RunnerSettings>) -> Result<(), PlanError> {
    let Some(settings) = settings else {
        return Ok(());
    };
    if settings.artifacts.as_ref().is_some_and(asks) {
        let what = format!("{place}.artifacts");
        return Err(PlanError::NotBuilt { what });
    }
    Ok(())
}

/// Says whether there is anything in a value: `{"git": null}` asks for nothing.
fn asks(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Object(fields) => fields.values().any(asks),
        _ => true,
    }
}
