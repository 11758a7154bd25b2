//! The run spec: what was asked, in the controller's own field names (contract §1.2).
//!
//! These types hold a spec as written. Only [`crate::plan`] reads them; nothing past the plan
//! does. They are a contract with the controller: add, never change. A field that they do not
//! know is not an error but a warning, because the controller may be newer than we are.

mod claude;
mod locate;
mod parse;

pub use claude::ClaudeSpec;

pub use parse::{
    Document, Located, MAX_BYTES, SpecError, Unknown, parse, parse_definition, parse_payload,
};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::path::PathBuf;

use crate::env::{self, Environment};
use crate::settings::{GitSettings, RunnerSettings};

/// The only schema version there is; a spec that names another is refused.
pub const SCHEMA_VERSION: &str = "agents.proompteng.ai/runner/v1";

/// Where the provider definitions of an image are, unless `AGENT_PROVIDER_DIR` says otherwise.
pub const PROVIDER_DIR: &str = "/etc/agent-providers";

/// `agent-runner.json`: the versioned contract between controller and runner.
#[derive(Debug, Clone, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[schemars(title = "Run spec", extend("$id" = SCHEMA_VERSION))]
pub struct RunSpec {
    /// `agents.proompteng.ai/runner/v1`, or absent in a spec of a 0.9 controller.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schema_version: Option<String>,
    /// Name of the `AgentProvider`. Required.
    pub provider: String,
    /// The run's parameters; template root `inputs`.
    #[serde(deserialize_with = "null_is_default")]
    pub inputs: Map<String, Value>,
    /// Where the run payload is.
    #[serde(deserialize_with = "null_is_default")]
    pub payloads: Payloads,
    /// Template root only.
    #[serde(deserialize_with = "null_is_default")]
    pub observability: Map<String, Value>,
    /// Where status and log go.
    #[serde(deserialize_with = "null_is_default")]
    pub artifacts: ArtifactPaths,
    /// The goal of the run; a template root, and an input of the codex adapter.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub goal: Option<Goal>,
    /// What `adapter.exec` is laid over, field by field.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provider_spec: Option<ExecSpec>,
    /// How to talk to the agent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub adapter: Option<Adapter>,
    /// Our own settings for this run; they win over `adapter.runner`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub runner: Option<RunnerSettings>,
    /// What to clone before the agent starts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub execution: Option<Execution>,
}

/// How the controller wants the run executed.
#[derive(Debug, Clone, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Execution {
    /// Where the work is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub coordinates: Option<Coordinates>,
}

/// Where the work is.
#[derive(Debug, Clone, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Coordinates {
    /// In which repository; as `runner.workspace.git`, but values rather than templates.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub git: Option<GitSettings>,
}

/// Files that the controller mounted beside the spec.
#[derive(Debug, Clone, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Payloads {
    /// Path of `run.json`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event_file_path: Option<PathBuf>,
}

/// Where the runner's own files go.
#[derive(Debug, Clone, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ArtifactPaths {
    /// The status file, which is the pod's termination message. Absent: none is written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status_path: Option<PathBuf>,
    /// The log of the agent's output. Absent: none is written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log_path: Option<PathBuf>,
    /// Seconds; read by the controller only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log_retention_seconds: Option<f64>,
}

/// What the run is to achieve.
#[derive(Debug, Clone, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Goal {
    /// In words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub objective: Option<String>,
    /// State of the goal when the run starts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// Tokens that it may cost.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_budget: Option<f64>,
}

/// How to talk to the agent: a union tagged by `type` (contract §1.3).
#[derive(Debug, Clone, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Adapter {
    /// `exec`, `codex-app-server` or `claude`.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// Body of an `exec` adapter.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exec: Option<ExecSpec>,
    /// Body of a `codex-app-server` adapter.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub codex: Option<Box<CodexSpec>>,
    /// Body of a `claude` adapter, which the controller does not know.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub claude: Option<Box<ClaudeSpec>>,
    /// Our own settings, written by the author of the provider.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub runner: Option<RunnerSettings>,
    /// Read by the controller only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret_env: Option<Value>,
}

impl Adapter {
    /// Says whether there is a body of any type.
    pub fn has_body(&self) -> bool {
        self.exec.is_some() || self.codex.is_some() || self.claude.is_some()
    }
}

/// A command with its templates; all but `binary` are rendered by the runner.
#[derive(Debug, Clone, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ExecSpec {
    /// Path or name of the executable. Never a template.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub binary: Option<PathBuf>,
    /// Arguments, each a template.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub args_template: Option<Vec<String>>,
    /// Variables laid over the environment, each value a template.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub env_template: Option<Texts>,
    /// Files written before the agent starts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input_files: Option<Vec<InputFile>>,
    /// Files collected after the agent ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output_artifacts: Option<Vec<OutputArtifact>>,
}

/// String to string, in the order of the document.
pub type Texts = Map<String, Value>;

/// A file to write before the agent starts.
#[derive(Debug, Clone, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct InputFile {
    /// A template. Parent directories are made.
    pub path: String,
    /// A template.
    pub content: String,
    /// Octal permissions such as `0600`; default `0644`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mode: Option<String>,
}

/// A file to collect after the agent ended (contract §6).
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct OutputArtifact {
    /// Name under which the controller shows it. A template.
    pub name: String,
    /// File. A template.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Key in the object store; without it nothing is uploaded. A template.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// Address. A template; replaced by the address of the upload.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

/// Body of a `codex-app-server` adapter (contract §1.2).
#[derive(Debug, Clone, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct CodexSpec {
    /// The codex executable.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub binary_path: Option<PathBuf>,
    /// Each becomes `-c <value>`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cli_config_overrides: Option<Vec<String>>,
    /// Working directory, and the reason to clone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cwd: Option<PathBuf>,
    /// Model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Reasoning effort.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub effort: Option<String>,
    /// `danger-full-access`, `workspace-write` or `read-only`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sandbox: Option<String>,
    /// `never`, or absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub approval: Option<String>,
    /// A thread to resume.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thread_id: Option<String>,
    /// Configuration of the thread; its string leaves are templates.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thread_config: Option<Value>,
    /// Passed through.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub experimental_raw_events: Option<bool>,
    /// Passed through.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub persist_extended_history: Option<bool>,
    /// Milliseconds until `initialize` must be answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bootstrap_timeout_ms: Option<f64>,
    /// A template.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub base_instructions: Option<String>,
    /// A template.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub developer_instructions: Option<String>,
    /// A template.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prompt: Option<String>,
    /// Wins over the spec's goal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub goal: Option<Goal>,
    /// File with the system prompt.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub system_prompt_path: Option<PathBuf>,
    /// SHA-256 of the system prompt, in hexadecimal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub system_prompt_expected_hash: Option<String>,
}

impl CodexSpec {
    /// Returns the working directory, if it is one: a blank one is none.
    pub fn cwd(&self) -> Option<&str> {
        let cwd = self.cwd.as_deref()?.to_str()?;
        Some(cwd).filter(|cwd| !cwd.trim().is_empty())
    }
}

/// An `AgentProvider` definition file: what the image knows about a provider when the spec says
/// nothing but its name (contract §1.3, specs of 0.9 controllers).
#[derive(Debug, Clone, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[schemars(title = "Provider definition")]
pub struct ProviderDefinition {
    /// Path or name of the executable.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub binary: Option<PathBuf>,
    /// Arguments, each a template.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub args_template: Option<Vec<String>>,
    /// Variables laid over the environment, each value a template.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub env_template: Option<Texts>,
    /// Files written before the agent starts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input_files: Option<Vec<InputFile>>,
    /// Files collected after the agent ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output_artifacts: Option<Vec<OutputArtifact>>,
    /// Wins over the fields above.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub adapter: Option<Adapter>,
}

impl ProviderDefinition {
    /// Returns the adapter that this definition stands for.
    pub fn into_adapter(self) -> Adapter {
        self.adapter.unwrap_or(Adapter {
            kind: Some("exec".to_owned()),
            exec: Some(ExecSpec {
                binary: self.binary,
                args_template: self.args_template,
                env_template: self.env_template,
                input_files: self.input_files,
                output_artifacts: self.output_artifacts,
            }),
            ..Adapter::default()
        })
    }
}

/// Takes `null` for absent: writers of this contract do not tell the two apart.
fn null_is_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: serde::Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    Option::<T>::deserialize(deserializer).map(Option::unwrap_or_default)
}

/// Where the spec comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// A file, and who named it: `argument` or the variable.
    File(PathBuf, &'static str),
    /// The text of `AGENT_RUNNER_SPEC`.
    Inline(String),
    /// No spec: the payload at this path, and the provider directory.
    Payload(PathBuf),
    /// Nothing names a spec.
    Nowhere,
}

impl Source {
    /// Decides by the contract's precedence: argument, `AGENT_RUNNER_SPEC_PATH`,
    /// `AGENT_RUNNER_SPEC`, `AGENT_RUN_SPEC` (design §3).
    pub fn find(argument: Option<PathBuf>, environment: &Environment) -> Self {
        if let Some(path) = argument.filter(|path| !path.as_os_str().is_empty()) {
            return Self::File(path, "argument");
        }
        if let Some(path) = environment.path(env::SPEC_PATH) {
            return Self::File(path, env::SPEC_PATH);
        }
        if let Some(text) = environment.get(env::SPEC_INLINE) {
            return Self::Inline(text.to_owned());
        }
        environment
            .path(env::RUN_PAYLOAD)
            .map_or(Self::Nowhere, Self::Payload)
    }

    /// Returns the name under which messages speak of it.
    pub fn origin(&self) -> String {
        match self {
            Self::File(path, _) | Self::Payload(path) => path.display().to_string(),
            Self::Inline(_) => format!("${}", env::SPEC_INLINE),
            Self::Nowhere => "no spec".to_owned(),
        }
    }
}

impl RunSpec {
    /// Builds the spec that a payload and a provider directory stand for.
    ///
    /// The file places are those that the incumbent used where a spec did not say them.
    pub fn of_payload(path: PathBuf, payload: &Value, environment: &Environment) -> Self {
        let text = |key: &str| payload.get(key).and_then(Value::as_str).map(str::to_owned);
        let provider =
            text("provider").or_else(|| environment.get(env::PROVIDER).map(str::to_owned));
        Self {
            provider: provider.unwrap_or_default(),
            inputs: payload
                .get("parameters")
                .and_then(Value::as_object)
                .cloned()
                .unwrap_or_default(),
            payloads: Payloads {
                event_file_path: Some(path),
            },
            artifacts: ArtifactPaths {
                status_path: Some("/workspace/.agent/status.json".into()),
                log_path: Some("/workspace/.agent/runner.log".into()),
                log_retention_seconds: None,
            },
            ..Self::default()
        }
    }
}

impl OutputArtifact {
    /// Says whether it is to be uploaded: only an entry with a key is (contract §6.1).
    pub fn has_key(&self) -> bool {
        self.key
            .as_deref()
            .is_some_and(|key| !crate::template::trim(key).is_empty())
    }

    /// Returns it with every text changed by `change`.
    #[must_use]
    pub fn map(&self, change: impl Fn(&str) -> String) -> Self {
        Self {
            name: change(&self.name),
            path: self.path.as_deref().map(&change),
            key: self.key.as_deref().map(&change),
            url: self.url.as_deref().map(&change),
        }
    }
}
