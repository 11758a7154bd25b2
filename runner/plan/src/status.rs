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
use crate::provider::Usage;
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
    /// `exec`, `codex-app-server` or `claude`.
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
    /// The codex thread.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thread_id: Option<String>,
    /// Its last turn.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub turn_id: Option<String>,
    /// How that turn ended: `completed`, `interrupted` or `failed`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub turn_status: Option<String>,
    /// What went wrong in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub turn_error: Option<String>,
    /// The model that answered, or was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// The reasoning effort.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effort: Option<String>,
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
    /// Seconds after which the provider wants to be asked again; null if it does not say so. Only
    /// of the outcome `RateLimited`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<RetrySeconds>,
    /// From 1.
    pub attempt: u32,
    /// The uid of the `AgentRun`, if it is known: whose attempts these are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_uid: Option<String>,
    /// The conversation, which a later attempt can go on with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_id: Option<String>,
    /// What the run cost; absent for an agent that does not say it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usage: Option<Usage>,
    /// What the conversation that it went on with had cost before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usage_before: Option<Usage>,
    /// What became of the agent's processes and output.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub process: Option<ProcessStatus>,
    /// What became of the checkout; absent if there was none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub git: Option<GitStatus>,
    /// What became of the run's events; absent if there were none to be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub events: Option<EventsStatus>,
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

impl RunStatus {
    /// Returns the status of a run that begins at a time, and of which nothing else is known.
    pub fn begun(at: &str) -> Self {
        Self {
            status: Word::Failed,
            provider: String::new(),
            adapter: None,
            binary: None,
            args: None,
            exit_code: 0,
            signal: None,
            started_at: at.to_owned(),
            finished_at: at.to_owned(),
            cwd: None,
            thread_id: None,
            turn_id: None,
            turn_status: None,
            turn_error: None,
            model: None,
            effort: None,
            artifacts: StatusArtifacts::default(),
            error: None,
            outcome: Outcome::Internal,
            reason: String::new(),
            retryable: false,
            retry_after: None,
            attempt: 1,
            run_uid: None,
            session_id: None,
            usage: None,
            usage_before: None,
            process: None,
            git: None,
            events: None,
            timings: BTreeMap::new(),
            redactions: BTreeMap::new(),
            warnings: Vec::new(),
            truncated: Vec::new(),
        }
    }
}

/// Seconds, or null for "not known".
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(transparent)]
pub struct RetrySeconds(pub Option<u64>);

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
    /// The declared artifacts, and those of the settings that were stored; stored ones with their
    /// `url`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output_artifacts: Option<Vec<OutputArtifact>>,
    /// What became of what was to be stored; absent if nothing was to be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uploads: Option<UploadsStatus>,
}

/// What became of what was to be stored. Counts are of files, and of artifacts with a problem of
/// their own: nothing was there, or it must not or could not be looked at.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct UploadsStatus {
    /// The store: `s3://bucket` or `file:///directory`; empty if there is none.
    pub store: String,
    /// Objects that this attempt has stored.
    pub objects: u64,
    /// Objects that were there already, with the same content.
    pub unchanged: u64,
    /// Bytes that this attempt has stored.
    pub bytes: u64,
    /// What was not there.
    #[serde(skip_serializing_if = "is_zero")]
    pub missing: u64,
    /// What must not be stored: too large, secret, or no plain file of this run.
    #[serde(skip_serializing_if = "is_zero")]
    pub refused: u64,
    /// What could not be read, or that the store did not take.
    #[serde(skip_serializing_if = "is_zero")]
    pub failed: u64,
    /// What there was no time for.
    #[serde(skip_serializing_if = "is_zero")]
    pub pending: u64,
    /// Where the manifest is, if it was stored.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub manifest: Option<String>,
    /// The first thing that went wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

/// What became of the checkout. A field that is absent is not known.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct GitStatus {
    /// What was cloned, without credentials.
    pub url: String,
    /// The commit that is checked out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    /// The branch that is checked out; null when `HEAD` is detached.
    pub branch: Option<String>,
    /// The commit that the run started from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub base: Option<String>,
    /// Commits that `commit` has and no branch of the remote, as far as is known here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ahead: Option<u64>,
    /// Whether files differ from `commit`, untracked ones included.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dirty: Option<bool>,
    /// The directory in the repository that was the agent's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// What was saved of the agent's unpushed work.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wip: Option<WipStatus>,
    /// Paths that were moved aside or restored, because the repository is not trusted.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub quarantined: Vec<String>,
    /// Why the checkout could not be summarised or its work not be saved.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// What was saved of the agent's unpushed work.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct WipStatus {
    /// Where.
    pub directory: String,
    /// File with the commits that no branch of the remote has, if there are any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bundle: Option<String>,
    /// File with the changes of tracked files, if there are any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub patch: Option<String>,
    /// Untracked files, which are listed and not saved.
    #[serde(skip_serializing_if = "is_zero")]
    pub untracked: u64,
}

/// What became of the run's events. All counts are of events, not of messages: some are published
/// twice.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct EventsStatus {
    /// How they are published.
    pub mode: EventsMode,
    /// Events of this attempt, all of them in the journal.
    pub emitted: u64,
    /// Events that the server has stored, those of earlier attempts included.
    #[serde(skip_serializing_if = "is_zero")]
    pub acknowledged: u64,
    /// Events that were published where nothing stores them.
    #[serde(skip_serializing_if = "is_zero")]
    pub unconfirmed: u64,
    /// Events, those of earlier attempts included, that were to be published and are not, as far
    /// as is known.
    #[serde(skip_serializing_if = "is_zero")]
    pub pending: u64,
    /// Events of earlier attempts that were found in the journal and not yet published.
    #[serde(skip_serializing_if = "is_zero")]
    pub left_over: u64,
    /// Lines of output that became no events, because there was no room.
    #[serde(skip_serializing_if = "is_zero")]
    pub dropped: u64,
    /// The journal, unless it is gone with the run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub journal: Option<String>,
    /// What kept events from being recorded or published, as it was last said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

/// How events are published.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum EventsMode {
    /// They are not.
    #[default]
    Off,
    /// No server was reached.
    Unreachable,
    /// Into a stream, with acknowledgements.
    Jetstream,
    /// To whoever listens: no stream takes them.
    Core,
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
