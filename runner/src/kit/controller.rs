//! What the controller makes of a provider and a run: spec, payload, variables, files (contract §1.4).

use agent_plan::manifest::{ManifestError, Manifests, read};
use agent_plan::resolve::{Controller, Refusal, Resolved, resolve};
use agent_plan::resource::AgentRun;
use serde_json::{Value, json};

use super::finding::Finding;
use super::manifest::{Form, Manifest};
use super::sample::Sample;

/// The provider in whose place a definition of an image is looked up.
const STAND_IN: &str = "sample-provider";

/// What messages call what comes with the provider.
const SAMPLE: &str = "sample";

/// Variables that are not sent to whom no adapter is sent, or are another's name.
const NEWER_VARIABLES: [&str; 4] = [
    "AGENT_PROVIDER",
    "CODEX_HOME",
    "CODEX_SYSTEM_PROMPT_EXPECTED_HASH",
    "CODEX_SYSTEM_PROMPT_REQUIRED",
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
    /// Arguments of the container.
    pub(super) arguments: Vec<String>,
    /// Variables, in the order of the pod.
    pub(super) env: Vec<(String, String)>,
    /// Input files that are mounted: path and content.
    pub(super) files: Vec<(String, String)>,
}

/// Why the controller starts no pod.
#[derive(Debug, thiserror::Error)]
pub(super) enum PodError {
    /// The provider is none that a cluster takes.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Provider(Vec<ManifestError>),
    /// No run of it is taken.
    #[error(transparent)]
    Run(#[from] Refusal),
}

impl PodError {
    /// Says so to the provider's author.
    pub(super) fn finding(&self) -> Finding {
        let change = match self {
            Self::Run(refusal) => refusal.hint.clone(),
            Self::Provider(_) => None,
        };
        let change = change.unwrap_or_else(|| "correct what it names".to_owned());
        Finding::new("a run that the controller takes", self.to_string(), change)
    }
}

impl Pod {
    pub(super) fn of(manifest: &Manifest, sample: &Sample) -> Result<Self, PodError> {
        match manifest.form {
            Form::Manifest => {
                let namespace = manifest.root.at("metadata.namespace");
                let namespace = namespace.map(super::manifest::Node::json);
                let all = sample.manifests(&manifest.name(), namespace.as_ref());
                let all = [
                    (manifest.file.as_str(), manifest.text.as_bytes()),
                    (SAMPLE, &all),
                ];
                Ok(Self::made(&resolved(all)?))
            }
            Form::Definition => {
                let stand_in = json!({
                    "apiVersion": "agents.proompteng.ai/v1alpha1",
                    "kind": "AgentProvider",
                    "metadata": {"name": STAND_IN},
                    "spec": {
                        "binary": "/usr/local/bin/agent-runner",
                        "adapter": {"type": "exec", "exec": {"binary": "/agent"}},
                    },
                });
                let all = sample.manifests(STAND_IN, None);
                let mut pod = Self::made(&resolved([
                    (SAMPLE, stand_in.to_string().as_bytes()),
                    (SAMPLE, &all),
                ])?);
                pod.define(manifest);
                Ok(pod)
            }
        }
    }

    fn made(resolved: &Resolved) -> Self {
        let container = &resolved.job["spec"]["template"]["spec"]["containers"][0];
        Self {
            payload: resolved.run.clone(),
            spec: resolved.spec.clone(),
            definition: None,
            arguments: items(&container["args"]).map(text).collect(),
            env: items(&container["env"]).map(variable).collect(),
            files: files(resolved),
        }
    }

    /// Leaves of it what a controller sends that knows no adapters.
    fn define(&mut self, manifest: &Manifest) {
        self.definition = Some(manifest.root.json());
        let name = manifest.name();
        if let Some(spec) = self.spec.as_object_mut() {
            for newer in ["schemaVersion", "adapter", "providerSpec"] {
                spec.remove(newer);
            }
        }
        self.payload["provider"] = name.as_str().into();
        self.spec["provider"] = name.as_str().into();
        self.env
            .retain(|(variable, _)| !NEWER_VARIABLES.contains(&variable.as_str()));
        self.env.push(("AGENT_PROVIDER".to_owned(), name));
        for name in manifest.secrets() {
            let value = secret_of(&name);
            self.env.push((name, value));
        }
    }
}

fn resolved<const N: usize>(texts: [(&str, &[u8]); N]) -> Result<Resolved, PodError> {
    let readings = texts.map(|(file, text)| read(text, file));
    // What is wrong with the provider may make the sample wrong, too.
    if let Some(wrong) = readings.iter().find(|reading| !reading.errors.is_empty()) {
        return Err(PodError::Provider(wrong.errors.clone()));
    }
    let manifests = Manifests::new(readings).map_err(PodError::Provider)?;
    let run = manifests.of::<AgentRun>().next();
    let run = run.expect("the sample is a run");
    Ok(resolve(
        &manifests,
        run,
        &Controller::default(),
        &[],
        &manifests,
    )?)
}

fn variable(entry: &Value) -> (String, String) {
    let name = text(&entry["name"]);
    let value = match &entry["value"] {
        Value::String(value) => value.clone(),
        _ => secret_of(&name),
    };
    (name, value)
}

/// The input files, by where they are mounted.
fn files(resolved: &Resolved) -> Vec<(String, String)> {
    let pod = &resolved.job["spec"]["template"]["spec"];
    let mut files = Vec::new();
    for mount in items(&pod["containers"][0]["volumeMounts"]) {
        let mut maps = resolved.config_maps.iter().skip(1);
        let content = maps.find_map(|map| map["data"].get(mount["subPath"].as_str()?));
        if let Some(content) = content {
            files.push((text(&mount["mountPath"]), text(content)));
        }
    }
    files
}

fn items(list: &Value) -> impl Iterator<Item = &Value> {
    list.as_array().into_iter().flatten()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// The value that a secret has in every scenario: nothing that opens anything.
pub(super) fn secret_of(name: &str) -> String {
    format!(
        "sample-{}-7f3a9c51e2d84b06",
        name.to_lowercase().replace('_', "-")
    )
}
