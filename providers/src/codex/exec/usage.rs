//! What a run of a thread cost, out of what the thread has cost in all its runs.

use agent_plan::plan::CodexExecPlan;
use agent_plan::provider::{Report, Usage};
use serde_json::Value;

/// What is to be taken off.
#[derive(Debug, Default)]
pub(super) struct Meter {
    before: Usage,
    unknown_before: bool,
}

impl Meter {
    pub(super) fn new(plan: &CodexExecPlan) -> Self {
        Self {
            before: plan.usage_before.clone().unwrap_or_default(),
            unknown_before: plan.resume.is_some() && plan.usage_before.is_none(),
        }
    }

    /// Takes the total of a thread as `turn.completed` tells it. Turns and tools are counted by us,
    /// and so are this run's own.
    pub(super) fn read(&self, total: &Value, report: &mut Report) {
        let Value::Object(total) = total else {
            return;
        };
        let count = |name: &str| total.get(name).and_then(Value::as_u64).unwrap_or_default();
        let told = Usage {
            input_tokens: count("input_tokens"),
            cached_input_tokens: count("cached_input_tokens"),
            output_tokens: count("output_tokens"),
            reasoning_tokens: count("reasoning_output_tokens"),
            ..report.usage.clone()
        };
        if self.unknown_before {
            report.warn("the usage includes what the resumed thread had cost before");
        }
        report.usage = self.of_this_run(told);
    }

    fn of_this_run(&self, told: Usage) -> Usage {
        let before = &self.before;
        // A total can only grow: one that is smaller was counted from zero.
        if told.input_tokens < before.input_tokens || told.output_tokens < before.output_tokens {
            return told;
        }
        Usage {
            input_tokens: told.input_tokens - before.input_tokens,
            cached_input_tokens: told
                .cached_input_tokens
                .saturating_sub(before.cached_input_tokens),
            output_tokens: told.output_tokens - before.output_tokens,
            reasoning_tokens: told
                .reasoning_tokens
                .saturating_sub(before.reasoning_tokens),
            ..told
        }
    }
}
