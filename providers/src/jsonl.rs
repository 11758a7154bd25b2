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

use crate::content::{self, INPUT};

/// The kinds that there are.
const KINDS: [&str; 4] = ["tool_call", "tool_result", "message", "run-outcome"];

/// The longest name of a tool, in characters.
const NAME: usize = 200;

/// The session of an agent that writes our events.
#[derive(Debug, Clone, Default)]
pub struct Jsonl {
    running_tools: u32,
    report: Report,
}

impl Session for Jsonl {
    fn on_line(&mut self, line: &str) -> Vec<Action> {
        content::all_bounded(self.take(line))
    }

    fn reads_lines(&self) -> bool {
        true
    }

    fn report(&self) -> &Report {
        &self.report
    }
}

impl Jsonl {
    fn take(&mut self, line: &str) -> Vec<Action> {
        let Ok(event) = serde_json::from_str::<Value>(line) else {
            return Vec::new();
        };
        match event.get("kind").and_then(Value::as_str) {
            Some("tool_call") => {
                self.running_tools += 1;
                self.report.usage.tool_calls += 1;
                vec![Action::Emit(call(&event))]
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
}

/// Says whether a line is one of the events of [`Jsonl`].
pub fn is_event(line: &str) -> bool {
    // The first letter tells nearly all other lines apart.
    if !line.starts_with('{') {
        return false;
    }
    let event = serde_json::from_str::<Value>(line).unwrap_or_default();
    let kind = event.get("kind").and_then(Value::as_str);
    kind.is_some_and(|kind| KINDS.contains(&kind))
}

fn content(event: &Value) -> String {
    text(event, "content").unwrap_or_default().to_owned()
}

fn text<'a>(event: &'a Value, name: &str) -> Option<&'a str> {
    event.get(name).and_then(Value::as_str)
}

/// Returns the start of a tool: its title is told, or else the first line of what is said of it.
fn call(event: &Value) -> Event {
    let said = text(event, "content").unwrap_or_default();
    let mut tool = tool(event);
    if tool.title.is_empty() {
        tool.title = content::title(said.trim_start().lines().next().unwrap_or_default());
    }
    let input = event.get("input").filter(|input| input.is_object());
    // What the title says is not said twice.
    let content = if tool.title == said { "" } else { said };
    Event {
        content: content.to_owned(),
        ..Event::tool_call(tool).with(INPUT, input.cloned())
    }
}

fn tool(event: &Value) -> Tool {
    Tool {
        name: cut(text(event, "tool").unwrap_or("tool"), NAME),
        // Its lines stay apart until it is redacted: a secret may be of several.
        title: cut(text(event, "title").unwrap_or_default().trim(), NAME),
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
