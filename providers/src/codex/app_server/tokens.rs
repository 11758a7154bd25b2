//! Tokens: codex tells what a thread has cost in its whole life; a run is charged for its share.

use std::ops::{Add, Sub};

use agent_plan::event::{Event, EventKind, Role};
use serde_json::Value;

use super::items::thread_of;
use super::{AppServer, fields};
use crate::memory::Memory;

/// Tokens of one kind each.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Counts {
    input: u64,
    cached: u64,
    output: u64,
    reasoning: u64,
}

impl Counts {
    fn of(value: &Value) -> Self {
        let count = |key| fields::number(value, key).unwrap_or(0);
        Self {
            input: count("inputTokens"),
            cached: count("cachedInputTokens"),
            output: count("outputTokens"),
            reasoning: count("reasoningOutputTokens"),
        }
    }
}

impl Add for Counts {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            input: self.input.saturating_add(other.input),
            cached: self.cached.saturating_add(other.cached),
            output: self.output.saturating_add(other.output),
            reasoning: self.reasoning.saturating_add(other.reasoning),
        }
    }
}

impl Sub for Counts {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self {
            input: self.input.saturating_sub(other.input),
            cached: self.cached.saturating_sub(other.cached),
            output: self.output.saturating_sub(other.output),
            reasoning: self.reasoning.saturating_sub(other.reasoning),
        }
    }
}

/// What each thread had cost before this run, and has cost.
#[derive(Debug, Default)]
pub(super) struct Tokens {
    threads: Memory<(Counts, Counts)>,
    /// What threads have cost that are not remembered.
    forgotten: Counts,
}

impl Tokens {
    /// Takes what a thread has cost in all, and had cost before if it is not known yet.
    fn tell(&mut self, thread: &str, past: Counts, total: Counts) {
        if let Some((_, current)) = self.threads.get_mut(thread) {
            *current = total;
        } else if let Some((_, (past, current))) = self.threads.insert(thread, (past, total)) {
            self.forgotten = self.forgotten + (current - past);
        }
    }

    fn spent(&self) -> Counts {
        let shares = self.threads.values().map(|(past, total)| *total - *past);
        shares.fold(self.forgotten, Add::add)
    }
}

impl AppServer {
    pub(super) fn on_token_usage(&mut self, params: &Value) {
        let usage = params.get("tokenUsage").unwrap_or(&Value::Null);
        let total = Counts::of(usage.get("total").unwrap_or(&Value::Null));
        let last = Counts::of(usage.get("last").unwrap_or(&Value::Null));
        // A resumed thread tells its past first, as the state after a turn that was not ours; an
        // agent's thread may have inherited one.
        let turn = fields::text(params, "turnId");
        let past = if self.is_ours(params) && turn != self.report.turn_id.as_deref() {
            total
        } else {
            total - last
        };
        self.tokens.tell(&thread_of(params), past, total);
        let spent = self.tokens.spent();
        let (input, cached) = (spent.input, spent.cached);
        let (output, reasoning) = (spent.output, spent.reasoning);
        let usage = &mut self.report.usage;
        usage.input_tokens = input;
        usage.cached_input_tokens = cached;
        usage.output_tokens = output;
        usage.reasoning_tokens = reasoning;
        let event = Event::new(EventKind::Usage, Role::System, "")
            .with("inputTokens", input)
            .with("cachedInputTokens", cached)
            .with("outputTokens", output)
            .with("reasoningTokens", reasoning);
        self.emit(event);
    }
}
