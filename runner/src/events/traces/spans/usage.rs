//! What the run has cost, as it was told last.

use serde_json::{Map, Value};

use super::Open;

/// Counts of a `usage` record, and what the conventions call them.
const COUNTS: [(&str, &str); 3] = [
    ("inputTokens", "gen_ai.usage.input_tokens"),
    ("outputTokens", "gen_ai.usage.output_tokens"),
    ("cachedInputTokens", "gen_ai.usage.cache_read.input_tokens"),
];

/// The last count of each kind; every record has the sum so far.
#[derive(Debug, Default)]
pub(super) struct Usage([Option<i64>; COUNTS.len()]);

impl Usage {
    /// Takes the attributes of a `usage` record.
    pub(super) fn take(&mut self, attrs: &Map<String, Value>) {
        for (count, (name, _)) in self.0.iter_mut().zip(COUNTS) {
            *count = attrs.get(name).and_then(Value::as_i64).or(*count);
        }
    }

    /// Says it of a span.
    pub(super) fn tell(&self, span: &mut Open) {
        for (count, (_, name)) in self.0.iter().zip(COUNTS) {
            span.say_if(name, *count);
        }
    }
}
