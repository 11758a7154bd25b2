//! How the runner talks to the agent, as the controller writes it (contract §1.4).

mod codex;

pub(super) use codex::SYSTEM_PROMPT;

use serde_json::{Map, Value, json};

use crate::manifest::Found;
use crate::resource::AgentProvider;

use super::artifacts;
use super::field::Field;
use super::notes::Notes;
use super::refusal::Refusal;
use super::said;
use super::system_prompt::SystemPrompt;

/// Where the runner is in an image.
pub(super) const RUNNER: &str = "/usr/local/bin/agent-runner";

/// What adapters are called.
const CODEX: &str = "codex-app-server";
const EXEC: &str = "exec";
const CLAUDE: &str = "claude";

/// Makes the adapter of a provider; `payload` is `run.json`.
pub(super) fn adapter(
    provider: Found<'_, AgentProvider>,
    payload: &Value,
    prompt: &SystemPrompt,
    notes: &mut Notes,
) -> Result<Value, Refusal> {
    let spec = &provider.object.spec;
    let field = Field::of(provider.manifest, "spec.adapter");
    let written = spec.adapter.as_ref();
    let told = written.and_then(|adapter| said(adapter.get("type").and_then(Value::as_str)));
    if told == Some(CLAUDE) {
        notes.warn(
            &field.key("type"),
            "a controller that does not know `claude` makes something else of it",
        );
    }
    let is_runner = is_runner(spec.binary.as_deref());
    match (told, written) {
        (Some(EXEC | CLAUDE), Some(written)) => Ok(handed_on(written)),
        (Some(CODEX), _) => codex::adapter(written, &field, payload, prompt, notes),
        _ if is_runner => codex::adapter(written, &field, payload, prompt, notes),
        (_, Some(written)) => Ok(handed_on(written)),
        (_, None) => Ok(inferred(provider)),
    }
}

/// Says whether a provider's binary is the runner.
fn is_runner(binary: Option<&str>) -> bool {
    said(binary).is_none_or(|binary| binary.ends_with("/agent-runner"))
}

/// What was written, without what is for the controller only.
fn handed_on(written: &Map<String, Value>) -> Value {
    let mut adapter = written.clone();
    adapter.shift_remove("secretEnv");
    if let Some(Value::Object(mut codex)) = adapter.shift_remove("codex") {
        codex.shift_remove("secretEnv");
        adapter.insert("codex".to_owned(), codex.into());
    }
    Value::Object(adapter)
}

/// What a provider without an adapter stands for.
fn inferred(provider: Found<'_, AgentProvider>) -> Value {
    let binary = said(provider.object.spec.binary.as_deref());
    let mut exec = json!({ "binary": binary });
    for key in ["argsTemplate", "envTemplate", "inputFiles"] {
        let written = provider.manifest.written(&format!("spec.{key}"));
        if let Some(value) = written.filter(|value| !value.is_null()) {
            exec[key] = value;
        }
    }
    if provider.object.spec.output_artifacts.is_some() {
        exec["outputArtifacts"] = artifacts::declared(provider).into();
    }
    json!({ "type": EXEC, "exec": exec })
}
