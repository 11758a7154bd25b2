//! What a session knows of its conversation, at any moment.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::status::cut;

/// What a session knows so far.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Report {
    /// The id with which the conversation can be resumed.
    pub session_id: Option<String>,
    /// The id of the last turn, of a CLI that has turns.
    pub turn_id: Option<String>,
    /// How that turn stands, in the CLI's own word.
    pub turn_status: Option<String>,
    /// What went wrong in it, in the provider's own words.
    pub turn_error: Option<String>,
    /// The model that answers.
    pub model: Option<String>,
    /// The effort that it makes.
    pub effort: Option<String>,
    /// The CLI's version.
    pub version: Option<String>,
    /// The final text.
    pub result: Option<String>,
    /// What this run has cost; not what a resumed conversation had cost before.
    pub usage: Usage,
    /// What a person should know although the run goes on.
    pub warnings: Vec<String>,
    /// Events of the CLI that were understood.
    pub known_events: u64,
    /// Events of the CLI whose type is not known, and lines that are no event.
    pub unknown_events: u64,
}

/// The most warnings that a session keeps: what a person reads.
const WARNINGS: usize = 50;

/// The longest warning, in characters: agents tell whole stories, and a status is small.
const WARNING: usize = 500;

impl Report {
    /// Adds a warning, once, up to a bound, and no longer than a person reads.
    pub fn warn(&mut self, warning: impl Into<String>) {
        let warning = cut(&warning.into(), WARNING);
        if self.warnings.len() < WARNINGS && !self.warnings.contains(&warning) {
            self.warnings.push(warning);
        }
    }
}

/// What a run has cost.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Usage {
    /// Tokens that the model read, cached ones included.
    pub input_tokens: u64,
    /// Those of them that came from a cache.
    pub cached_input_tokens: u64,
    /// Tokens that the model wrote, reasoning included.
    pub output_tokens: u64,
    /// Those of them that were reasoning, if the CLI says it.
    pub reasoning_tokens: u64,
    /// List price in US dollars, if the CLI says it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost_usd: Option<f64>,
    /// Requests to the model, or turns, as the CLI counts them.
    pub turns: u64,
    /// Tools that were called.
    pub tool_calls: u64,
}

impl Usage {
    /// Tokens read and written.
    pub fn tokens(&self) -> u64 {
        self.input_tokens.saturating_add(self.output_tokens)
    }
}
