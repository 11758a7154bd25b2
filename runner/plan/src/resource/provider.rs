//! `AgentProvider`: how to run an agent CLI (contract §11.1, §1.4).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{ProviderWorkload, Strings};
use crate::spec::OutputArtifact;

/// How to run an agent CLI.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProviderSpec {
    /// The container's command. The runner itself if it is absent, empty, or ends with
    /// `/agent-runner` (contract §0, §1.4); never a template.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub binary: Option<String>,
    /// The container's arguments, each a template that the controller renders.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub args_template: Option<Vec<String>>,
    /// The container's variables, each value a template that the controller renders.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub env_template: Option<Strings>,
    /// Files mounted as they are: nobody renders them. One with a blank path or content is left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input_files: Option<Vec<FileSpec>>,
    /// Files to collect after the agent ended; templates that the controller renders.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output_artifacts: Option<Vec<OutputArtifact>>,
    /// Variables from Secrets; wins over `adapter.secretEnv` and `adapter.codex.secretEnv`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret_env: Option<Vec<SecretEnv>>,
    /// How to talk to the agent: `type`, and a body of that name. Any object to a cluster; one of
    /// type `exec` reaches the runner as it is, less its `secretEnv`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub adapter: Option<Map<String, Value>>,
    /// Defaults of the pods of its runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workload: Option<ProviderWorkload>,
    /// What its failures mean for later runs; read by a controller only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub health: Option<ProviderHealth>,
}

/// A file that the agent finds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct FileSpec {
    /// Absolute path in the pod.
    pub path: String,
    /// Content.
    pub content: String,
}

/// A variable whose value is in a Secret.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SecretEnv {
    /// Name of the variable.
    pub name: String,
    /// Name of the Secret.
    pub secret_name: String,
    /// Key in it.
    pub key: String,
    /// Whether a run may start without it; default: no.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub optional: Option<bool>,
}

/// What a provider's failures mean for later runs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProviderHealth {
    /// `degrade` or `block`, when it has no capacity (contract §7.3).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub capacity_failure_policy: Option<String>,
}
