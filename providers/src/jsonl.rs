//! `jsonl`: one event a line, in our own words (design §9); `run-outcome` is the verdict.
//!
//! ```json
//! {"kind":"tool_call","content":"cargo test"}
//! {"kind":"tool_result","content":"42 passed"}
//! {"kind":"run-outcome","status":"failed","content":"usage limit reached","outcome":"RateLimited"}
//! ```
//!
//! A line that is not such an object is ordinary output; unknown kinds are tolerated. What an agent
//! says of itself is bounded: it reaches the status, and the exit code. See `docs/protocols.md`.

use agent_plan::event::{Event, EventKind, Role, Tool};
use agent_plan::outcome::{Outcome, Verdict};
use agent_plan::provider::{Action, Report, Session};
use agent_plan::status::cut;
use serde_json::Value;

use crate::content;

/// The session of an agent that writes our events.
#[derive(Debug, Clone, Default)]
pub struct Jsonl {
    running_tools: u32,
    report: Report,
}

impl Session for Jsonl {
    fn on_line(&mut self, line: &str) -> Vec<Action> {
        let Ok(event) = serde_json::from_str::<Value>(line) else {
            return Vec::new();
        };
        match event.get("kind").and_then(Value::as_str) {
            Some("tool_call") => {
                self.running_tools += 1;
                self.report.usage.tool_calls += 1;
                vec![Action::Emit(Event::tool_call(tool(&event)))]
            }
            Some("tool_result") if self.running_tools > 0 => {
                self.running_tools -= 1;
                let content = content(&event);
                vec![Action::Emit(Event::tool_result(tool(&event), content))]
            }
            Some("message") => {
                let said = Event::new(EventKind::Message, Role::Assistant, content(&event));
                vec![Action::Emit(said)]
            }
            Some("run-outcome") => vec![Action::Finish(verdict(&event))],
            _ => Vec::new(),
        }
    }

    fn reads_lines(&self) -> bool {
        true
    }

    fn report(&self) -> &Report {
        &self.report
    }
}

fn content(event: &Value) -> String {
    let content = event.get("content").and_then(Value::as_str);
    content::bounded(content.unwrap_or_default())
}

fn tool(event: &Value) -> Tool {
    let tool = event.get("tool").and_then(Value::as_str);
    Tool {
        name: tool.unwrap_or("tool").to_owned(),
        title: content(event),
        ..Tool::default()
    }
}

/// The failures that an agent can know of. That it was stopped, killed or too slow is for the
/// runner to say, who saw it.
const CLAIMABLE: [Outcome; 7] = [
    Outcome::AgentFailed,
    Outcome::ProviderUnavailable,
    Outcome::RateLimited,
    Outcome::AuthFailed,
    Outcome::PolicyRefused,
    Outcome::BudgetExceeded,
    Outcome::Incomplete,
];

/// The longest reason, in letters: twice the longest of ours.
const REASON_LIMIT: usize = 40;

/// The longest message, in characters: three times what a status shows, because redaction may
/// still change its length.
const MESSAGE_LIMIT: usize = 2000;

fn verdict(event: &Value) -> Verdict {
    let text = |key: &str| event.get(key).and_then(Value::as_str).map(str::to_owned);
    let succeeded = text("status").is_some_and(|status| status == "succeeded");
    let named = event
        .get("outcome")
        .and_then(|outcome| serde_json::from_value::<Outcome>(outcome.clone()).ok());
    let outcome = match (succeeded, named) {
        (true, _) => Outcome::Completed,
        (false, Some(outcome)) if CLAIMABLE.contains(&outcome) => outcome,
        (false, _) => Outcome::AgentFailed,
    };
    Verdict {
        outcome,
        reason: text("reason")
            .filter(|reason| is_word(reason))
            .unwrap_or_else(|| "Reported".to_owned()),
        message: text("content").map(|content| cut(&content, MESSAGE_LIMIT)),
        retry_after: None,
    }
}

/// Says whether a reason is a `CamelCase` word; anything else may be a secret or a novel.
fn is_word(reason: &str) -> bool {
    reason.len() <= REASON_LIMIT
        && reason.starts_with(|first: char| first.is_ascii_uppercase())
        && reason.chars().all(|letter| letter.is_ascii_alphanumeric())
}

#[cfg(test)]
mod tests;
