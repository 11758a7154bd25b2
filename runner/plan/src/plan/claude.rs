//! What a `claude` adapter asks for: a command line that we write.

use serde_json::Value;

use super::conversation::{ClaudePlan, Conversation};
use super::process::fits;
use super::roots::Templates;
use super::system_prompt::{self, Own};
use super::{Inputs, PlanError, talk};
use crate::settings::RunnerSettings;
use crate::spec::ClaudeSpec;

pub(super) fn plan(
    spec: &ClaudeSpec,
    settings: &RunnerSettings,
    inputs: &Inputs<'_>,
    templates: &mut Templates,
) -> Result<Conversation, PlanError> {
    let text = match &spec.prompt {
        Some(template) => templates.prompt("adapter.claude.prompt", template)?,
        None => match talk::asked(settings, templates)? {
            Some(prompt) => prompt.text,
            None => talk::of_run(inputs.payload).unwrap_or_default(),
        },
    };
    let prompt = talk::fitting("adapter.claude.prompt", text, settings)?;
    let mut options = spec.clone();
    for (name, text) in [
        ("systemPrompt", &mut options.system_prompt),
        ("appendSystemPrompt", &mut options.append_system_prompt),
    ] {
        if let Some(template) = text {
            *text = Some(templates.prompt(&format!("adapter.claude.{name}"), template)?);
        }
    }
    for (name, text) in [
        ("model", &mut options.model),
        ("effort", &mut options.effort),
    ] {
        if let Some(template) = text {
            *text = Some(templates.plain(&format!("adapter.claude.{name}"), template)?);
        }
    }
    for (index, arg) in options.args.iter_mut().flatten().enumerate() {
        *arg = templates.plain(&format!("adapter.claude.args[{index}]"), arg)?;
    }
    options.mcp_config = mcp_config(options.mcp_config)?;
    let hash = spec.system_prompt_expected_hash.as_deref();
    let system_prompt = system_prompt::checked(inputs, hash, Own::None)?;
    fits_argv(&options, system_prompt.as_deref())?;
    Ok(Conversation::Claude(Box::new(ClaudePlan {
        prompt: Some(prompt),
        resume: talk::resume(settings, inputs),
        system_prompt,
        options: Some(options),
        live: talk::live(settings),
    })))
}

/// A configuration may be an object, a path, or the text of an object, which becomes one: what is
/// secret in it is found by its keys.
fn mcp_config(config: Option<Value>) -> Result<Option<Value>, PlanError> {
    match config {
        Some(Value::String(text)) if text.trim_start().starts_with('{') => {
            let parsed = serde_json::from_str(&text).map_err(|error| PlanError::WrongType {
                place: "adapter.claude.mcpConfig".to_owned(),
                problem: format!(
                    "not JSON, at line {} column {}",
                    error.line(),
                    error.column()
                ),
            });
            parsed.map(Some)
        }
        other => Ok(other),
    }
}

/// What becomes an argument of claude's must fit one.
fn fits_argv(options: &ClaudeSpec, checked: Option<&str>) -> Result<(), PlanError> {
    let append = options.append_system_prompt.as_deref().unwrap_or_default();
    let appended = format!("{append}\n\n{}", checked.unwrap_or_default());
    let schema = options.output_schema.as_ref().map(Value::to_string);
    let named = [
        ("systemPrompt", options.system_prompt.clone()),
        (
            "appendSystemPrompt, with the run's own system prompt",
            Some(appended),
        ),
        ("outputSchema", schema),
    ];
    for (name, text) in named {
        fits(
            format!("adapter.claude.{name}"),
            text.unwrap_or_default(),
            0,
        )?;
    }
    for (index, arg) in options.args.iter().flatten().enumerate() {
        fits(format!("adapter.claude.args[{index}]"), arg.clone(), 0)?;
    }
    Ok(())
}
