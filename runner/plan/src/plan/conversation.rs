//! How the agent is talked to, and what the conversation may cost.

use serde_json::Value;
use std::path::PathBuf;
use std::time::Duration;

use crate::provider::Usage;
use crate::settings::Protocol;
use crate::spec::ClaudeSpec;

/// How the agent is talked to.
#[derive(Debug, Clone, PartialEq, Default)]
#[non_exhaustive]
pub enum Conversation {
    /// Its output means nothing to us.
    #[default]
    Raw,
    /// It writes our own events.
    Jsonl,
    /// `claude`, stream-json both ways.
    Claude(Box<ClaudePlan>),
    /// `codex exec --json`.
    CodexExec(CodexExecPlan),
    /// `codex app-server`.
    CodexAppServer(Box<CodexPlan>),
}

/// What is to be asked of an agent.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Prompt {
    /// The words, rendered.
    pub text: String,
    /// The skill that they are for: claude's `/name`, codex's `$name`.
    pub skill: Option<String>,
}

/// A conversation with `claude`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ClaudePlan {
    /// What is asked; `None`: the arguments say it, and stdin is empty.
    pub prompt: Option<Prompt>,
    /// The conversation to go on with.
    pub resume: Option<String>,
    /// What an adapter of type `claude` says; `None`: an exec adapter, whose arguments stand.
    pub options: Option<ClaudeSpec>,
    /// The text of the system prompt, checked; `None`: there is none besides `options`.
    pub system_prompt: Option<String>,
    /// Whether reasoning and pieces of messages are wanted as they come.
    pub live: bool,
}

/// A conversation with `codex exec`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct CodexExecPlan {
    /// What is asked; `None`: the arguments say it, and stdin is empty.
    pub prompt: Option<Prompt>,
    /// The thread to go on with.
    pub resume: Option<String>,
    /// What that thread had cost before, if it is known: `codex exec` only tells the sum.
    pub usage_before: Option<Usage>,
}

/// A conversation with `codex app-server` (contract §5.2); every text is rendered.
#[derive(Debug, Clone, PartialEq)]
pub struct CodexPlan {
    /// What is asked.
    pub prompt: Prompt,
    /// Model; `None`: codex's own configuration says it.
    pub model: Option<String>,
    /// Reasoning effort; likewise.
    pub effort: Option<String>,
    /// What its tools may touch.
    pub sandbox: Sandbox,
    /// Each becomes `-c <value>`.
    pub overrides: Vec<String>,
    /// A thread to go on with.
    pub thread_id: Option<String>,
    /// Configuration of the thread: an object or null.
    pub thread_config: Value,
    /// The system prompt, checked.
    pub base_instructions: Option<String>,
    /// What the provider's author adds to it.
    pub developer_instructions: Option<String>,
    /// What the thread is to achieve.
    pub goal: Option<ThreadGoal>,
    /// Passed through if it was given.
    pub experimental_raw_events: Option<bool>,
    /// Passed through if it was given.
    pub persist_extended_history: Option<bool>,
    /// Until `initialize` must be answered.
    pub bootstrap: Duration,
    /// How long the thread must be idle before the run is over.
    pub idle_quiet: Duration,
    /// How long that is waited for after a turn; `None`: for ever.
    pub idle_timeout: Option<Duration>,
}

/// What codex's tools may touch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Sandbox {
    /// Everything: the pod is the sandbox.
    #[default]
    DangerFullAccess,
    /// The working directory.
    WorkspaceWrite,
    /// Nothing.
    ReadOnly,
}

impl Sandbox {
    /// The word of the command line and of the spec.
    pub fn word(self) -> &'static str {
        match self {
            Self::DangerFullAccess => "danger-full-access",
            Self::WorkspaceWrite => "workspace-write",
            Self::ReadOnly => "read-only",
        }
    }
}

/// What a thread is to achieve.
#[derive(Debug, Clone, PartialEq)]
pub struct ThreadGoal {
    /// In words.
    pub objective: String,
    /// State when the run starts; the contract's default is `active`.
    pub status: String,
    /// Tokens that it may cost.
    pub token_budget: Option<f64>,
}

/// What a run may cost; `None`: as much as it wants.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct CostLimits {
    /// Tokens, read and written together.
    pub tokens: Option<u64>,
    /// US dollars at list price.
    pub cost_usd: Option<f64>,
    /// Turns, as the CLI counts them.
    pub turns: Option<u64>,
    /// Tools called.
    pub tool_calls: Option<u64>,
    /// Time from the agent's start.
    pub wall: Option<Duration>,
}

impl CostLimits {
    /// Says whether anything is limited.
    pub fn any(&self) -> bool {
        *self != Self::default()
    }
}

impl Conversation {
    /// The protocol in the settings' words.
    pub fn protocol(&self) -> Protocol {
        match self {
            Self::Raw => Protocol::Raw,
            Self::Jsonl => Protocol::Jsonl,
            Self::Claude(_) => Protocol::Claude,
            Self::CodexExec(_) => Protocol::CodexExec,
            Self::CodexAppServer(_) => Protocol::CodexAppServer,
        }
    }

    /// What is asked of the agent, if the runner asks it.
    pub fn prompt(&self) -> Option<&Prompt> {
        match self {
            Self::Raw | Self::Jsonl => None,
            Self::Claude(claude) => claude.prompt.as_ref(),
            Self::CodexExec(codex) => codex.prompt.as_ref(),
            Self::CodexAppServer(codex) => Some(&codex.prompt),
        }
    }

    /// The conversation that is gone on with.
    pub fn resume(&self) -> Option<&str> {
        match self {
            Self::Raw | Self::Jsonl => None,
            Self::Claude(claude) => claude.resume.as_deref(),
            Self::CodexExec(codex) => codex.resume.as_deref(),
            Self::CodexAppServer(codex) => codex.thread_id.as_deref(),
        }
    }

    /// Returns the model that is asked for, if one is.
    pub fn model(&self) -> Option<&str> {
        match self {
            Self::CodexAppServer(codex) => codex.model.as_deref(),
            Self::Claude(claude) => claude.options.as_ref()?.model.as_deref(),
            _ => None,
        }
    }

    /// Says whether the agent is to say how it went.
    pub fn concludes(&self) -> bool {
        !matches!(self, Self::Raw)
    }

    /// Says whether the agent is one of the CLIs whose events are shown as a transcript.
    pub fn is_cli(&self) -> bool {
        !matches!(self, Self::Raw | Self::Jsonl)
    }
}

/// A file that a run depends on and that only the shell can read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SystemPromptFile {
    /// Where.
    pub path: PathBuf,
    /// What it holds, or why it cannot be read.
    pub content: Result<String, String>,
}
