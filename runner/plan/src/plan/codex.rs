//! What a `codex-app-server` adapter asks for (contract §1.2, §5.2).

use serde_json::{Map, Value};
use std::time::Duration;

use super::conversation::{CodexPlan, Conversation, Sandbox, ThreadGoal};
use super::roots::Templates;
use super::system_prompt::Own;
use super::{Inputs, PlanError, system_prompt, talk};
use crate::env::{self, Environment};
use crate::nearest::nearest;
use crate::settings::RunnerSettings;
use crate::spec::{CodexSpec, Goal};

/// The contract's default (§1.2).
const BOOTSTRAP: Duration = Duration::from_secs(10);

/// The contract's default (§5.2).
const IDLE_QUIET: Duration = Duration::from_secs(1);

/// The longest wait that a number of milliseconds may ask for: a year.
const LONGEST: Duration = Duration::from_hours(24 * 365);

pub(super) fn plan(
    spec: &CodexSpec,
    settings: &RunnerSettings,
    inputs: &Inputs<'_>,
    templates: &mut Templates,
) -> Result<Conversation, PlanError> {
    approval(spec.approval.as_deref())?;
    let mut render = |field: &str, template: &Option<String>| {
        let name = format!("adapter.codex.{field}");
        let text = template.as_deref();
        text.map(|text| templates.prompt(&name, text)).transpose()
    };
    let prompt = render("prompt", &spec.prompt)?.filter(|text| !text.trim().is_empty());
    let own = render("baseInstructions", &spec.base_instructions)?;
    let developer_instructions = render("developerInstructions", &spec.developer_instructions)?;
    let prompt = match (prompt, &settings.prompt) {
        (Some(prompt), _) => prompt,
        (None, Some(template)) => templates.prompt("runner.prompt", template)?,
        (None, None) => talk::of_run(inputs.payload).unwrap_or_default(),
    };
    let hash = spec.system_prompt_expected_hash.as_deref();
    let own = own.filter(|text| !text.trim().is_empty());
    let has_own = own.as_ref().map_or(Own::None, |_| Own::Some);
    let checked = system_prompt::checked(inputs, hash, has_own)?;
    let thread_config = match &spec.thread_config {
        Some(config) => leaves("adapter.codex.threadConfig", config, templates)?,
        None => Value::Null,
    };
    Ok(Conversation::CodexAppServer(Box::new(CodexPlan {
        prompt: talk::fitting("adapter.codex.prompt", prompt, settings)?,
        model: text_of(spec.model.as_deref()),
        effort: text_of(spec.effort.as_deref()),
        sandbox: sandbox(spec.sandbox.as_deref())?,
        overrides: spec.cli_config_overrides.clone().unwrap_or_default(),
        thread_id: text_of(spec.thread_id.as_deref()).or_else(|| talk::resume(settings, inputs)),
        thread_config,
        base_instructions: own.or(checked),
        developer_instructions: developer_instructions.filter(|text| !text.trim().is_empty()),
        goal: goal(spec.goal.as_ref(), inputs),
        experimental_raw_events: spec.experimental_raw_events,
        persist_extended_history: spec.persist_extended_history,
        bootstrap: milliseconds(spec.bootstrap_timeout_ms).unwrap_or(BOOTSTRAP),
        idle_quiet: of_variable(inputs.environment, env::THREAD_IDLE_QUIET).unwrap_or(IDLE_QUIET),
        idle_timeout: of_variable(inputs.environment, env::THREAD_IDLE_TIMEOUT)
            .filter(|timeout| !timeout.is_zero()),
    })))
}

/// Nobody is there to ask.
fn approval(approval: Option<&str>) -> Result<(), PlanError> {
    match approval {
        None | Some("never" | "") => Ok(()),
        Some(other) => Err(PlanError::BadWord {
            place: "adapter.codex.approval".to_owned(),
            word: other.to_owned(),
            words: "`never`",
            nearest: nearest(other, ["never"]),
        }),
    }
}

fn sandbox(word: Option<&str>) -> Result<Sandbox, PlanError> {
    const ALL: [Sandbox; 3] = [
        Sandbox::DangerFullAccess,
        Sandbox::WorkspaceWrite,
        Sandbox::ReadOnly,
    ];
    let Some(word) = word.filter(|word| !word.is_empty()) else {
        return Ok(Sandbox::default());
    };
    let found = ALL.into_iter().find(|sandbox| sandbox.word() == word);
    found.ok_or_else(|| PlanError::BadWord {
        place: "adapter.codex.sandbox".to_owned(),
        word: word.to_owned(),
        words: "`danger-full-access`, `workspace-write` or `read-only`",
        nearest: nearest(word, ALL.map(Sandbox::word)),
    })
}

fn text_of(text: Option<&str>) -> Option<String> {
    let text = text.map(str::trim).filter(|text| !text.is_empty());
    text.map(str::to_owned)
}

fn milliseconds(milliseconds: Option<f64>) -> Option<Duration> {
    let span = Duration::try_from_secs_f64(milliseconds? / 1000.0).ok()?;
    Some(span.min(LONGEST)).filter(|span| !span.is_zero())
}

fn of_variable(environment: &Environment, name: &str) -> Option<Duration> {
    let milliseconds = environment.get(name)?.trim().parse::<f64>().ok()?;
    let span = Duration::try_from_secs_f64(milliseconds / 1000.0).ok()?;
    Some(span.min(LONGEST))
}

/// Renders the string leaves, the only templates besides `envTemplate` that see `env`: they come
/// from the provider's author.
fn leaves(place: &str, value: &Value, templates: &mut Templates) -> Result<Value, PlanError> {
    Ok(match value {
        Value::String(text) => Value::String(templates.thread_config(place, text)?),
        Value::Array(items) => {
            let mut rendered = Vec::with_capacity(items.len());
            for (index, item) in items.iter().enumerate() {
                rendered.push(leaves(&format!("{place}[{index}]"), item, templates)?);
            }
            Value::Array(rendered)
        }
        Value::Object(fields) => {
            let mut rendered = Map::new();
            for (key, value) in fields {
                rendered.insert(
                    key.clone(),
                    leaves(&format!("{place}.{key}"), value, templates)?,
                );
            }
            Value::Object(rendered)
        }
        other => other.clone(),
    })
}

/// Field by field: the payload's goal, under the spec's, under the adapter's.
fn goal(of_adapter: Option<&Goal>, inputs: &Inputs<'_>) -> Option<ThreadGoal> {
    let of_run = inputs.payload.and_then(|payload| payload.get("goal"));
    let layers = [
        of_adapter.cloned(),
        inputs.spec.value.goal.clone(),
        of_run.map(goal_of_run),
    ];
    let mut objective = None;
    let mut status = None;
    let mut token_budget = None;
    for layer in layers.into_iter().flatten() {
        objective = objective.or_else(|| text_of(layer.objective.as_deref()));
        status = status.or_else(|| text_of(layer.status.as_deref()));
        token_budget = token_budget.or(layer.token_budget);
    }
    Some(ThreadGoal {
        objective: objective?,
        status: status.unwrap_or_else(|| "active".to_owned()),
        token_budget,
    })
}

/// A payload's goal may be a text, or say its objective under other names.
fn goal_of_run(goal: &Value) -> Goal {
    let text = |key: &str| goal.get(key).and_then(Value::as_str).map(str::to_owned);
    let named = ["objective", "text", "summary", "prompt"];
    Goal {
        objective: match goal {
            Value::String(text) => Some(text.clone()),
            _ => named.into_iter().find_map(text),
        },
        status: text("status"),
        token_budget: goal.get("tokenBudget").and_then(Value::as_f64),
    }
}

#[cfg(test)]
mod tests;
