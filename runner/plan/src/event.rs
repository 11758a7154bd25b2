//! What an agent says, in words that are the same for every CLI (design §9).
//!
//! A [`Session`](crate::provider::Session) makes events out of lines; a transcript shows them to
//! people, a budget counts them, and sinks carry them further. Numbers, times and identity are
//! added by whoever carries them: [`crate::record`].

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// What kind of thing was said.
///
/// The names are a contract with subscribers (contract §8.4, §8.6): add, never change. Kinds of the
/// run have a hyphen, kinds of the conversation an underscore.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum EventKind {
    /// The run began; always the first.
    #[serde(rename = "run-started")]
    RunStarted,
    /// The state of the conversation changed: it began, retries, was compacted.
    Status,
    /// A whole message.
    Message,
    /// A piece of a message that is being written: shown, and never recorded; the whole follows.
    MessageDelta,
    /// A whole piece of reasoning.
    Reasoning,
    /// A piece of reasoning that is being written: likewise.
    ReasoningDelta,
    /// A tool has started.
    ToolCall,
    /// A tool has ended.
    ToolResult,
    /// A line of output, or what no other kind fits.
    Log,
    /// What the run has cost so far.
    Usage,
    /// The provider's limits.
    RateLimit,
    /// Something went wrong; the run may still go on.
    Error,
    /// What became of an output artifact.
    Artifact,
    /// What the agent did, in its own words; handed over by it.
    #[serde(rename = "run-summary")]
    RunSummary,
    /// What the agent did not do; handed over by it.
    #[serde(rename = "run-gaps")]
    RunGaps,
    /// What a next run should be asked; handed over by the agent.
    #[serde(rename = "run-next-prompt")]
    RunNextPrompt,
    /// A word to another agent; handed over by this one.
    #[serde(rename = "swarm-handoff")]
    SwarmHandoff,
    /// What the run concluded; only a last `status` follows.
    #[serde(rename = "run-outcome")]
    RunOutcome,
}

impl EventKind {
    /// Returns the name in journals, subjects and payloads.
    pub fn name(self) -> &'static str {
        match self {
            Self::RunStarted => "run-started",
            Self::Status => "status",
            Self::Message => "message",
            Self::MessageDelta => "message_delta",
            Self::Reasoning => "reasoning",
            Self::ReasoningDelta => "reasoning_delta",
            Self::ToolCall => "tool_call",
            Self::ToolResult => "tool_result",
            Self::Log => "log",
            Self::Usage => "usage",
            Self::RateLimit => "rate_limit",
            Self::Error => "error",
            Self::Artifact => "artifact",
            Self::RunSummary => "run-summary",
            Self::RunGaps => "run-gaps",
            Self::RunNextPrompt => "run-next-prompt",
            Self::SwarmHandoff => "swarm-handoff",
            Self::RunOutcome => "run-outcome",
        }
    }

    /// Says whether others than this run's own followers want it: it is published on the general
    /// subject too.
    pub fn is_general(self) -> bool {
        matches!(
            self,
            Self::RunStarted
                | Self::RunSummary
                | Self::RunGaps
                | Self::RunNextPrompt
                | Self::SwarmHandoff
                | Self::RunOutcome
        )
    }

    /// Says whether it is output, which may be dropped and counted where nothing else fits; what
    /// happened to the run, and its tools, never is.
    pub fn is_output(self) -> bool {
        matches!(self, Self::Log | Self::MessageDelta | Self::ReasoningDelta)
    }
}

/// Who said it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// The runner or the CLI.
    System,
    /// The model.
    Assistant,
    /// A tool.
    Tool,
}

/// The tool that a call or a result is about.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub struct Tool {
    /// The CLI's own id of the call; the same for call and result.
    pub id: String,
    /// Name, such as `Bash` or `shell`.
    pub name: String,
    /// What it is about, on one line: a command, a path. May be empty.
    pub title: String,
    /// Whether it went well; only of a result.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ok: Option<bool>,
    /// Its exit code; only of a result of a command.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<i64>,
}

/// One thing that an agent said.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
pub struct Event {
    /// What kind of thing.
    pub kind: EventKind,
    /// Who said it.
    pub role: Role,
    /// The text: a message, a command's output, a problem in words. May be empty.
    pub content: String,
    /// The tool, of `ToolCall` and `ToolResult`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tool: Option<Tool>,
    /// What else is known, by name.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub attrs: Map<String, Value>,
}

impl Event {
    /// Returns an event without tool and attributes.
    pub fn new(kind: EventKind, role: Role, content: impl Into<String>) -> Self {
        Self {
            kind,
            role,
            content: content.into(),
            tool: None,
            attrs: Map::new(),
        }
    }

    /// Returns the start of a tool.
    pub fn tool_call(tool: Tool) -> Self {
        Self {
            tool: Some(tool),
            ..Self::new(EventKind::ToolCall, Role::Assistant, "")
        }
    }

    /// Returns the end of a tool, with its output.
    pub fn tool_result(tool: Tool, output: impl Into<String>) -> Self {
        Self {
            tool: Some(tool),
            ..Self::new(EventKind::ToolResult, Role::Tool, output)
        }
    }

    /// Adds an attribute; null is no attribute.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        let value = value.into();
        if !value.is_null() {
            self.attrs.insert(name.to_owned(), value);
        }
        self
    }
}
