//! The status: a run's last word, and its short form for the kubelet (contract §7.1, design §12).
//!
//! The field names up to `error` are the controller's; those after it are ours, and harmless to a
//! controller that does not know them. They are a contract: add, never change.

mod pack;

pub use pack::{LIMIT, cut, pack};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

use crate::outcome::{Outcome, Word};
use crate::spec::OutputArtifact;

/// The longest `error`, in characters; the controller cuts it there itself.
pub const ERROR_LIMIT: usize = 640;

/// What a status file holds.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(title = "Run status")]
pub struct RunStatus {
    /// `succeeded`, `failed` or `cancelled`.
    pub status: Word,
    /// Name of the provider; empty if the spec could not be read.
    pub provider: String,
    /// `exec` or `codex-app-server`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub adapter: Option<String>,
    /// The agent's executable.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub binary: Option<String>,
    /// Its arguments, redacted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub args: Option<Vec<String>>,
    /// The code that the runner exits with; the agent's own is `process.exitCode`.
    pub exit_code: u8,
    /// Name of the signal that ended the agent, or null.
    pub signal: Option<String>,
    /// RFC 3339, UTC, whole seconds.
    pub started_at: String,
    /// RFC 3339, UTC, whole seconds.
    pub finished_at: String,
    /// Working directory of the agent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cwd: Option<String>,
    /// Where status and log are, and what was collected.
    pub artifacts: StatusArtifacts,
    /// Why, unless the run succeeded; at most 640 characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// What the run concluded; the exit code table explains it.
    pub outcome: Outcome,
    /// A CamelCase word below the outcome.
    pub reason: String,
    /// Whether the same run may well succeed later.
    pub retryable: bool,
    /// From 1.
    pub attempt: u32,
    /// What became of the agent's processes and output.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub process: Option<ProcessStatus>,
    /// Milliseconds per phase.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub timings: BTreeMap<String, u64>,
    /// Replacements by name of the secret.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub redactions: BTreeMap<String, u64>,
    /// What the runner coped with.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
    /// Fields that were shortened to fit the kubelet's limit; `status.full.json` has them whole.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub truncated: Vec<String>,
}

/// Where the runner's own files are, and what was collected.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct StatusArtifacts {
    /// This file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status_path: Option<String>,
    /// The log of the agent's output.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log_path: Option<String>,
    /// The declared artifacts; uploaded ones with their `url`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output_artifacts: Option<Vec<OutputArtifact>>,
}

/// What became of the agent's processes and output.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ProcessStatus {
    /// The agent's own exit code; absent if a signal ended it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<u8>,
    /// Why the runner stopped the agent, if it did: a signal's name or a timeout's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stopped: Option<String>,
    /// Whether the runner had to kill.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub killed: bool,
    /// Processes that were still alive after the agent's end, and were stopped.
    #[serde(skip_serializing_if = "is_zero")]
    pub leftover_count: u64,
    /// The first of them, as `name (pid)`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub leftovers: Vec<String>,
    /// Processes that the kernel killed for want of memory.
    #[serde(skip_serializing_if = "is_zero")]
    pub oom_kills: u64,
    /// Bytes of output, stdout and stderr together.
    pub output_bytes: u64,
    /// Bytes of output that the log does not have.
    #[serde(skip_serializing_if = "is_zero")]
    pub log_bytes_lost: u64,
    /// Bytes of output that our stdout or stderr did not take.
    #[serde(skip_serializing_if = "is_zero")]
    pub mirror_bytes_lost: u64,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde asks for a reference"
)]
fn is_zero(count: &u64) -> bool {
    *count == 0
}
