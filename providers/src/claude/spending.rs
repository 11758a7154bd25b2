//! What the run has cost: exact at every result, estimated in between.
//!
//! Claude's totals include what a resumed conversation had cost before, so only what a result adds
//! counts. Until it comes, each message counts with the largest numbers that were said of it; the
//! price is known at results only.

use agent_plan::provider::Usage;
use serde_json::Value;
use std::collections::BTreeMap;

use super::number;
use crate::content;

/// The most messages that are told apart between two results; more than a context window holds.
const MESSAGES: usize = 10_000;

#[derive(Debug, Default)]
pub(super) struct Spending {
    /// Up to the last result.
    settled: Usage,
    /// The messages since then.
    messages: BTreeMap<String, Usage>,
    /// The last total price, if it is known to be ours alone.
    last_total: Option<f64>,
}

impl Spending {
    /// Returns the spending of a run that goes on with a conversation or begins one.
    pub(super) fn new(resumed: bool) -> Self {
        Self {
            last_total: (!resumed).then_some(0.0),
            ..Self::default()
        }
    }

    /// Takes what is said of a message, which may be said several times.
    pub(super) fn message(&mut self, id: &str, usage: &Value, main: bool) {
        let id = content::id(id);
        if self.messages.len() >= MESSAGES && !self.messages.contains_key(&id) {
            return;
        }
        let known = self.messages.entry(id).or_default();
        let said = of_message(usage);
        known.input_tokens = known.input_tokens.max(said.input_tokens);
        known.cached_input_tokens = known.cached_input_tokens.max(said.cached_input_tokens);
        known.output_tokens = known.output_tokens.max(said.output_tokens);
        known.turns = u64::from(main);
    }

    /// Takes a result.
    pub(super) fn settle(&mut self, result: &Value) {
        self.messages.clear();
        let total = result.pointer("/total_cost_usd").and_then(Value::as_f64);
        let models = result.get("model_usage_since_last_result");
        if let Some(models) = models.and_then(Value::as_object) {
            for model in models.values() {
                add(&mut self.settled, &of_model(model));
            }
            // Nothing spent is a price, too.
            self.settled.cost_usd.get_or_insert(0.0);
        } else {
            // An older claude, or one that did not begin.
            let mut usage = of_message(result.get("usage").unwrap_or(&Value::Null));
            let cost = total.zip(self.last_total);
            usage.cost_usd = cost.map(|(now, then)| (now - then).max(0.0));
            add(&mut self.settled, &usage);
        }
        self.last_total = total.or(self.last_total);
        self.settled.turns = self
            .settled
            .turns
            .saturating_add(number(result, "/num_turns"));
    }

    /// Returns what is known.
    pub(super) fn usage(&self) -> Usage {
        let mut usage = self.settled.clone();
        for message in self.messages.values() {
            add(&mut usage, message);
        }
        usage
    }
}

fn of_message(usage: &Value) -> Usage {
    let cached = number(usage, "/cache_read_input_tokens");
    let input = number(usage, "/input_tokens")
        .saturating_add(number(usage, "/cache_creation_input_tokens"));
    Usage {
        input_tokens: input.saturating_add(cached),
        cached_input_tokens: cached,
        output_tokens: number(usage, "/output_tokens"),
        reasoning_tokens: number(usage, "/output_tokens_details/thinking_tokens"),
        ..Usage::default()
    }
}

fn of_model(model: &Value) -> Usage {
    let cached = number(model, "/cacheReadInputTokens");
    let input =
        number(model, "/inputTokens").saturating_add(number(model, "/cacheCreationInputTokens"));
    Usage {
        input_tokens: input.saturating_add(cached),
        cached_input_tokens: cached,
        output_tokens: number(model, "/outputTokens"),
        reasoning_tokens: number(model, "/thinkingTokens"),
        cost_usd: model.get("costUSD").and_then(Value::as_f64),
        ..Usage::default()
    }
}

fn add(sum: &mut Usage, more: &Usage) {
    let plus = |sum: &mut u64, more: u64| *sum = sum.saturating_add(more);
    plus(&mut sum.input_tokens, more.input_tokens);
    plus(&mut sum.cached_input_tokens, more.cached_input_tokens);
    plus(&mut sum.output_tokens, more.output_tokens);
    plus(&mut sum.reasoning_tokens, more.reasoning_tokens);
    plus(&mut sum.turns, more.turns);
    if let Some(cost) = more.cost_usd {
        *sum.cost_usd.get_or_insert(0.0) += cost;
    }
}
