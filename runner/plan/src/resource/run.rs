//! `AgentRun`: one run of an agent (contract §11.1, §1.5).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Number, Value};

use super::{Implementation, NameRef, PromptRef, Strings, Verbatim, Workload};
use crate::settings::GitSettings;

/// One run of an agent.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RunResourceSpec {
    /// The Agent.
    pub agent_ref: NameRef,
    /// The `ImplementationSpec`: what is to be done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub implementation_spec_ref: Option<NameRef>,
    /// Another name of `implementationSpecRef`, of the chart's design; no controller reads it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub implementation_ref: Option<NameRef>,
    /// What is to be done, here rather than elsewhere.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub implementation: Option<RunImplementation>,
    /// What the run is to achieve.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub goal: Option<RunGoal>,
    /// How a controller runs it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub runtime: Option<Runtime>,
    /// Steps, for a runtime of type `workflow`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workflow: Option<Workflow>,
    /// Image, resources and volumes of the pod.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workload: Option<Workload>,
    /// Inputs of templates: at most 100, each of at most 2048 bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parameters: Option<Strings>,
    /// Secrets whose every key becomes a variable.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secrets: Option<Vec<String>>,
    /// The Memory; wins over the Agent's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory_ref: Option<NameRef>,
    /// The `VersionControlProvider`; wins over that of the task and of the Agent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vcs_ref: Option<NameRef>,
    /// What the run may do with a repository.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vcs_policy: Option<VcsPolicy>,
    /// Two runs with the same key are one; read by a controller only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub idempotency_key: Option<String>,
    /// Seconds that a cluster keeps it after its end; read by a controller only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ttl_seconds_after_finished: Option<i64>,
    /// Refused: a system prompt comes from the Agent (contract §3.5).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub system_prompt: Option<String>,
    /// Refused: a system prompt comes from the Agent (contract §3.5).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub system_prompt_ref: Option<PromptRef>,
    /// Where the work is; in the chart's design, read by no controller.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub execution: Option<RunExecution>,
    /// Settings of a runtime; in the chart's design, read by no controller.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub runtime_overrides: Option<Value>,
}

/// What is to be done, in the run itself.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RunImplementation {
    /// As in an `ImplementationSpec`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inline: Option<Verbatim<Implementation>>,
}

/// What the run is to achieve; counts only with an objective.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RunGoal {
    /// In words, at most 8192 characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub objective: Option<String>,
    /// Tokens that it may cost.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_budget: Option<Number>,
}

/// How a controller runs it.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Runtime {
    /// `job`, `workflow`, `temporal` or `custom`.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// For a job: `serviceAccount`, `serviceAccountName`, `nodeSelector`, `tolerations`,
    /// `topologySpreadConstraints`, `affinity`, `podSecurityContext`, `imagePullSecrets`,
    /// `priorityClassName`, `schedulerName`, `resources`, `backoffLimit`, `logRetentionSeconds`
    /// (contract §3.2, §3.5, §1.2).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub config: Option<Map<String, Value>>,
}

/// Steps of a workflow.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Workflow {
    /// In their order.
    pub steps: Vec<WorkflowStep>,
}

/// A step of a workflow; what it does not say is as in the run.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct WorkflowStep {
    /// Name.
    pub name: String,
    /// The `ImplementationSpec`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub implementation_spec_ref: Option<NameRef>,
    /// What is to be done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub implementation: Option<RunImplementation>,
    /// Laid over those of the run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parameters: Option<Strings>,
    /// Image, resources and volumes of its pod.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workload: Option<Workload>,
    /// How often a controller tries again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retries: Option<i64>,
    /// Seconds between two tries.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_backoff_seconds: Option<i64>,
    /// Seconds after which a controller takes it for failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout_seconds: Option<i64>,
    /// When and how often it is repeated; read by a controller only.
    #[serde(rename = "loop", skip_serializing_if = "Option::is_none")]
    pub repeat: Option<Value>,
}

/// What a run may do with a repository (contract §4.3).
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct VcsPolicy {
    /// Whether a run without a repository fails; default: it goes on without.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub required: Option<bool>,
    /// Default: `read-write`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mode: Option<VcsMode>,
}

/// What a run may do with a repository.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum VcsMode {
    /// Read and write.
    #[default]
    ReadWrite,
    /// Read.
    ReadOnly,
    /// Nothing.
    None,
}

/// Where the work is.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RunExecution {
    /// Where the work is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub coordinates: Option<RunCoordinates>,
}

/// Where the work is.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RunCoordinates {
    /// In which repository.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub git: Option<GitSettings>,
    /// Image, volume and the like; read by no controller.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workspace: Option<Value>,
}
