//! What the controller makes of a provider and a run: spec, payload, environment (contract §1.4).

use agent_plan::template::{Engine, UnknownRoot};
use serde_json::{Map, Value, json};

use crate::digest::sha256_hex;

use super::manifest::{Form, Manifest, Node};
use super::sample::{SYSTEM_PROMPT, Sample};

/// The fields of `adapter.codex` that the controller knows; it drops the rest.
const OF_CODEX: [&str; 15] = [
    "binaryPath",
    "cliConfigOverrides",
    "cwd",
    "model",
    "effort",
    "sandbox",
    "approval",
    "threadId",
    "threadConfig",
    "experimentalRawEvents",
    "persistExtendedHistory",
    "bootstrapTimeoutMs",
    "baseInstructions",
    "developerInstructions",
    "goal",
];

/// What a pod of the run gets.
#[derive(Debug, Clone)]
pub(super) struct Pod {
    /// `run.json`.
    pub(super) payload: Value,
    /// `agent-runner.json`.
    pub(super) spec: Value,
    /// The provider definition of an image, for a controller that sends none.
    pub(super) definition: Option<Value>,
    /// Variables, in the order of the pod.
    pub(super) env: Vec<(String, String)>,
}

impl Pod {
    pub(super) fn of(manifest: &Manifest, sample: &Sample) -> Self {
        let name = manifest.name();
        let declared = json_at(manifest, "outputArtifacts");
        let container = container_roots(sample);
        let artifacts = rendered(&declared.clone().unwrap_or(json!([])), &container);
        let payload = sample.payload(&name, artifacts);
        let mut spec = json!({
            "provider": name,
            "inputs": sample.parameters(),
            "payloads": {"eventFilePath": "/workspace/run.json"},
            "artifacts": {
                "statusPath": "/workspace/.agent/status.json",
                "logPath": "/workspace/.agent/runner.log",
                "logRetentionSeconds": 604_800,
            },
        });
        let mut definition = None;
        if manifest.form == Form::Definition {
            definition = Some(manifest.root.json());
        } else {
            spec["schemaVersion"] = agent_plan::spec::SCHEMA_VERSION.into();
            if let Some(declared) = declared {
                spec["providerSpec"] = json!({"outputArtifacts": declared});
            }
            spec["adapter"] = adapter(manifest, &payload);
        }
        Self {
            env: env(manifest, &name, &container),
            payload,
            spec,
            definition,
        }
    }
}

fn json_at(manifest: &Manifest, path: &str) -> Option<Value> {
    manifest
        .at(path)
        .map(Node::json)
        .filter(|value| !value.is_null())
}

fn adapter(manifest: &Manifest, payload: &Value) -> Value {
    if manifest.kind() == "exec" {
        let mut adapter = json_at(manifest, "adapter").unwrap_or_default();
        if let Value::Object(fields) = &mut adapter {
            fields.remove("secretEnv");
        }
        return adapter;
    }
    let mut roots = payload.clone();
    roots["run"] = payload.clone();
    roots["inputs"] = payload["parameters"].clone();
    let written = json_at(manifest, "adapter.codex").unwrap_or_default();
    let mut codex = json!({
        "model": "gpt-5.6-sol", "effort": "high", "sandbox": "danger-full-access",
        "approval": "never", "threadConfig": {"mcp_servers": {}, "web_search": "live"},
    });
    for field in OF_CODEX {
        if let Some(value) = written.get(field).filter(|value| !value.is_null()) {
            codex[field] = match field {
                // Not touched before it reaches the runner, which has `env` for it.
                "threadConfig" => value.clone(),
                _ => rendered(value, &roots),
            };
        }
    }
    let own = written.get("prompt").map(|own| rendered(own, &roots));
    let texts = [
        own.as_ref(),
        payload.get("prompt"),
        payload.pointer("/implementation/text"),
    ];
    let mut texts = texts.into_iter().flatten().filter_map(Value::as_str);
    codex["prompt"] = texts.find(|text| !text.trim().is_empty()).into();
    codex["systemPromptExpectedHash"] = sha256_hex(SYSTEM_PROMPT.as_bytes()).into();
    json!({"type": "codex-app-server", "codex": codex})
}

fn container_roots(sample: &Sample) -> Value {
    let payload = sample.payload("", json!([]));
    let mut roots = Map::new();
    for name in ["agentRun", "implementation", "parameters", "vcs"] {
        roots.insert(
            name.to_owned(),
            payload.get(name).cloned().unwrap_or(json!({})),
        );
    }
    roots.insert("inputs".to_owned(), payload["parameters"].clone());
    roots.insert("memory".to_owned(), json!({}));
    let agent = json!({"name": "sample-agent", "config": {}, "env": {}});
    roots.insert("agent".to_owned(), agent);
    Value::Object(roots)
}

fn env(manifest: &Manifest, name: &str, roots: &Value) -> Vec<(String, String)> {
    let mut env = Vec::new();
    let mut set = |name: &str, value: String| env.push((name.to_owned(), value));
    set("AGENT_RUN_SPEC", "/workspace/run.json".to_owned());
    set(
        "AGENT_RUNNER_SPEC_PATH",
        "/workspace/agent-runner.json".to_owned(),
    );
    if manifest.form == Form::Manifest {
        for (key, value) in manifest
            .at("envTemplate")
            .map(Node::fields)
            .unwrap_or_default()
        {
            let text = rendered(&value.json(), roots);
            set(
                &key.name,
                text.as_str()
                    .map_or_else(|| text.to_string(), str::to_owned),
            );
        }
        set(
            "CODEX_SYSTEM_PROMPT_EXPECTED_HASH",
            sha256_hex(SYSTEM_PROMPT.as_bytes()),
        );
        set("CODEX_SYSTEM_PROMPT_REQUIRED", "true".to_owned());
    }
    for secret in manifest.secrets() {
        let value = secret_of(&secret);
        set(&secret, value);
    }
    set("AGENT_PROVIDER", name.to_owned());
    env
}

/// The value that a secret has in every scenario: nothing that opens anything.
pub(super) fn secret_of(name: &str) -> String {
    format!(
        "sample-{}-7f3a9c51e2d84b06",
        name.to_lowercase().replace('_', "-")
    )
}

/// Renders every text as the controller does: paths only, trimmed.
fn rendered(value: &Value, roots: &Value) -> Value {
    match value {
        Value::String(text) => {
            let rendered = Engine::new().render(text, roots, UnknownRoot::Empty);
            // What it cannot render stays as it is; the checks have said so.
            rendered.map_or(Value::Null, |rendered| rendered.text.trim().into())
        }
        Value::Array(items) => items.iter().map(|item| rendered(item, roots)).collect(),
        Value::Object(fields) => {
            let fields = fields.iter();
            let fields = fields.map(|(key, value)| (key.clone(), rendered(value, roots)));
            Value::Object(fields.collect())
        }
        other => other.clone(),
    }
}
