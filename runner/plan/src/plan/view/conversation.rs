//! How the agent will be talked to, as others see it.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;

use crate::plan::{Conversation, CostLimits};

/// What a codex thread is started with.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CodexView {
    /// Model; absent: codex's own configuration says it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Reasoning effort; likewise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub effort: Option<String>,
    /// What its tools may touch.
    pub sandbox: &'static str,
    /// Configuration of the thread, rendered.
    pub thread_config: Value,
    /// The system prompt.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub base_instructions: Option<String>,
    /// What is added to it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub developer_instructions: Option<String>,
    /// What the thread is to achieve.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub goal: Option<String>,
}

impl CodexView {
    /// Returns the view of a conversation with codex's app server.
    pub(super) fn of(conversation: &Conversation, clean: &impl Fn(&str) -> String) -> Option<Self> {
        let Conversation::CodexAppServer(codex) = conversation else {
            return None;
        };
        let text = |text: &Option<String>| text.as_deref().map(clean);
        Some(Self {
            model: text(&codex.model),
            effort: text(&codex.effort),
            sandbox: codex.sandbox.word(),
            thread_config: cleaned(&codex.thread_config, clean),
            base_instructions: text(&codex.base_instructions),
            developer_instructions: text(&codex.developer_instructions),
            goal: codex.goal.as_ref().map(|goal| clean(&goal.objective)),
        })
    }
}

/// Keys are an author's words; only values may have been rendered.
fn cleaned(value: &Value, clean: &impl Fn(&str) -> String) -> Value {
    match value {
        Value::String(text) => Value::String(clean(text)),
        Value::Array(items) => items.iter().map(|item| cleaned(item, clean)).collect(),
        Value::Object(fields) => fields
            .iter()
            .map(|(key, value)| (key.clone(), cleaned(value, clean)))
            .collect(),
        other => other.clone(),
    }
}

/// What is limited, by the name of its setting; `wall` in seconds.
pub(super) fn budget(limits: &CostLimits) -> BTreeMap<String, f64> {
    #[expect(
        clippy::cast_precision_loss,
        reason = "a person reads it, and a budget of 2^53 tokens is none"
    )]
    let count = |limit: Option<u64>| limit.map(|limit| limit as f64);
    [
        ("tokens", count(limits.tokens)),
        ("costUsd", limits.cost_usd),
        ("turns", count(limits.turns)),
        ("toolCalls", count(limits.tool_calls)),
        ("wall", limits.wall.map(|wall| wall.as_secs_f64())),
    ]
    .into_iter()
    .filter_map(|(name, limit)| Some((name.to_owned(), limit?)))
    .collect()
}
