//! Agent: a provider with its defaults and what it may use (contract §3.5, §11.1).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{NameRef, PromptRef};

/// A provider with its defaults and what it may use.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AgentSpec {
    /// The `AgentProvider`.
    pub provider_ref: NameRef,
    /// Template root `agent.config` of what the controller renders.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub config: Option<Map<String, Value>>,
    /// Template root `agent.env` of what the controller renders. No variables of the container.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub env: Option<Vec<EnvEntry>>,
    /// Defaults of its runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub defaults: Option<AgentDefaults>,
    /// The Memory, unless a run names another.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory_ref: Option<NameRef>,
    /// The `VersionControlProvider`, unless a run or what is to be done names another.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vcs_ref: Option<NameRef>,
    /// What its runs may use.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub security: Option<AgentSecurity>,
    /// Defaults of a runtime; in the chart's design, read by no controller.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub runtime: Option<Value>,
    /// Defaults of compute resources; in the chart's design, read by no controller.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resources: Option<Value>,
}

/// A name and a value.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct EnvEntry {
    /// Name.
    pub name: String,
    /// Value.
    pub value: String,
}

/// Defaults of the runs of an agent.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AgentDefaults {
    /// System prompt, at most 16384 units of UTF-16; not beside `systemPromptRef`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub system_prompt: Option<String>,
    /// Where the system prompt is; wins.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub system_prompt_ref: Option<PromptRef>,
    /// Seconds; read by nobody (contract §7.4).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout_seconds: Option<i64>,
    /// Read by nobody (contract §7.4).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_limit: Option<i64>,
}

/// What the runs of an agent may use.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AgentSecurity {
    /// Names of Secrets; absent or empty: all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allowed_secrets: Option<Vec<String>>,
    /// Names of service accounts; absent or empty: all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allowed_service_accounts: Option<Vec<String>>,
}
