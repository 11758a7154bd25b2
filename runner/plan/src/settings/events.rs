//! Settings of events.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What is told of the conversation, and to whom.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct EventSettings {
    /// Where events go besides the journal; default: `nats`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sinks: Option<Vec<EventSink>>,
    /// Whether a run whose events cannot be delivered fails.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub required: Option<bool>,
    /// Whether the model's reasoning is shown, on stderr, and is an event.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reasoning: Option<bool>,
    /// Whether messages are shown while they are being written; default: on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deltas: Option<bool>,
    /// Whether lines of output become events; default: where there is a sink.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output: Option<bool>,
    /// Where the journal is; `off`: a private one, gone at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub journal: Option<String>,
    /// Bytes after which the journal takes no more output.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_bytes: Option<u64>,
    /// Bytes after which published content is cut.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_content: Option<u64>,
    /// Form of what is published.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub format: Option<EventFormat>,
    /// Whether messages of others are fetched before the run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub context: Option<Wanted>,
    /// Whether spans are exported.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub traces: Option<bool>,
}

/// Where events go besides the journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum EventSink {
    /// Published over NATS, where `NATS_URL` is set.
    Nats,
    /// Our stdout.
    Stdout,
    /// Nowhere.
    None,
}

/// Form of a published event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum EventFormat {
    /// As the controller's subscriber reads it.
    Plain,
    /// In a `CloudEvents` envelope.
    Cloudevents,
}

/// Whether something is wanted, and how much.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Wanted {
    /// No.
    Off,
    /// If it can be had.
    Optional,
    /// The run fails without.
    Required,
}
