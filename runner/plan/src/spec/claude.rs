//! The body of an adapter of type `claude`: what its command line says, in words of a spec.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::path::PathBuf;

use super::Texts;

/// Body of a `claude` adapter. Texts are templates.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ClaudeSpec {
    /// The claude executable; default: `claude` in `PATH`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub binary_path: Option<PathBuf>,
    /// What is asked; default: `runner.prompt`, then the run's own prompt.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prompt: Option<String>,
    /// Model, such as `sonnet` or a full name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Reasoning effort.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub effort: Option<String>,
    /// Turns after which claude stops by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_turns: Option<u64>,
    /// US dollars after which claude stops by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_budget_usd: Option<f64>,
    /// Default: `bypassPermissions`, because the pod is the sandbox and nobody is there to ask.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub permission_mode: Option<String>,
    /// Tools that need no permission.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allowed_tools: Option<Vec<String>>,
    /// Tools that are not there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disallowed_tools: Option<Vec<String>>,
    /// Replaces claude's own system prompt.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub system_prompt: Option<String>,
    /// Added to the system prompt.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub append_system_prompt: Option<String>,
    /// File with the text that is added to the system prompt.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub system_prompt_path: Option<PathBuf>,
    /// SHA-256 of that file or of the run's own system prompt, in hexadecimal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub system_prompt_expected_hash: Option<String>,
    /// MCP servers: the object `{"mcpServers": …}`, or a path. Others than these are not used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mcp_config: Option<Value>,
    /// Which settings files count: `user`, `project`, `local`, separated by commas; default `user`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub setting_sources: Option<String>,
    /// JSON Schema of the answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output_schema: Option<Value>,
    /// Further arguments.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub args: Option<Vec<String>>,
    /// Variables laid over the environment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub env: Option<Texts>,
}
