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

use agent_plan::outcome::{Outcome, Verdict};
use agent_plan::provider::{Action, Session};
use agent_plan::status::cut;
use serde_json::Value;

/// The session of an agent that writes our events.
#[derive(Debug, Clone, Copy, Default)]
pub struct Jsonl {
    running_tools: u32,
}

impl Session for Jsonl {
    fn on_line(&mut self, line: &str) -> Vec<Action> {
        let Ok(event) = serde_json::from_str::<Value>(line) else {
            return Vec::new();
        };
        match event.get("kind").and_then(Value::as_str) {
            Some("tool_call") => {
                self.running_tools += 1;
                vec![Action::ToolStarted]
            }
            Some("tool_result") if self.running_tools > 0 => {
                self.running_tools -= 1;
                vec![Action::ToolEnded]
            }
            Some("run-outcome") => vec![Action::Finish(verdict(&event))],
            _ => Vec::new(),
        }
    }

    fn reads_lines(&self) -> bool {
        true
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
    }
}

/// Says whether a reason is a `CamelCase` word; anything else may be a secret or a novel.
fn is_word(reason: &str) -> bool {
    reason.len() <= REASON_LIMIT
        && reason.starts_with(|first: char| first.is_ascii_uppercase())
        && reason.chars().all(|letter| letter.is_ascii_alphanumeric())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finish(line: &str) -> Verdict {
        match Jsonl::default().on_line(line).as_slice() {
            [Action::Finish(verdict)] => verdict.clone(),
            other => panic!("no verdict in {other:?}"),
        }
    }

    #[test]
    fn the_outcome_line_is_the_verdict() {
        assert_eq!(
            finish(r#"{"kind":"run-outcome","status":"succeeded"}"#).outcome,
            Outcome::Completed
        );
        let limited = finish(
            r#"{"kind":"run-outcome","status":"failed","outcome":"RateLimited","content":"usage limit"}"#,
        );
        assert_eq!(
            (limited.outcome, limited.message.as_deref()),
            (Outcome::RateLimited, Some("usage limit"))
        );
    }

    #[test]
    fn a_failure_cannot_call_itself_completed() {
        assert_eq!(
            finish(r#"{"kind":"run-outcome","outcome":"Completed"}"#).outcome,
            Outcome::AgentFailed
        );
        assert_eq!(
            finish(r#"{"kind":"run-outcome","status":"failed","outcome":"Nonsense"}"#).outcome,
            Outcome::AgentFailed
        );
    }

    #[test]
    fn an_agent_claims_only_what_it_can_know() {
        let claimed = |outcome: &str| {
            let line = format!(
                r#"{{"kind":"run-outcome","status":"failed","outcome":"{outcome}","reason":"Said"}}"#
            );
            finish(&line).outcome
        };
        for known in CLAIMABLE {
            assert_eq!(claimed(&format!("{known:?}")), known);
        }
        for other in agent_plan::outcome::ENDINGS {
            if !CLAIMABLE.contains(&other.outcome) {
                let name = format!("{:?}", other.outcome);
                assert_eq!(claimed(&name), Outcome::AgentFailed, "{name}");
            }
        }
    }

    #[test]
    fn a_reason_is_a_camel_case_word_or_ours() {
        let reason = |reason: &str| {
            finish(&serde_json::json!({ "kind": "run-outcome", "reason": reason }).to_string())
                .reason
        };
        let longest = "R".repeat(REASON_LIMIT);
        for good in ["UsageLimit5h", "X", &longest] {
            assert_eq!(reason(good), good);
        }
        let longer = "R".repeat(REASON_LIMIT + 1);
        for bad in [
            "",
            "two words",
            "lower",
            "snake_case",
            "Ümlaut",
            "Line\n",
            &longer,
        ] {
            assert_eq!(reason(bad), "Reported", "{bad}");
        }
    }

    #[test]
    fn a_message_is_bounded() {
        let content = "ü".repeat(MESSAGE_LIMIT + 1);
        let line = serde_json::json!({ "kind": "run-outcome", "content": content }).to_string();
        let message = finish(&line).message.expect("there is one");
        assert_eq!(message.chars().count(), MESSAGE_LIMIT);
        assert!(message.ends_with("..."));
    }

    #[test]
    fn tools_are_counted_and_other_lines_are_ordinary_output() {
        let mut session = Jsonl::default();
        assert_eq!(session.on_line(r#"{"kind":"tool_result"}"#), []);
        assert_eq!(
            session.on_line(r#"{"kind":"tool_call"}"#),
            [Action::ToolStarted]
        );
        assert_eq!(
            session.on_line(r#"{"kind":"tool_result"}"#),
            [Action::ToolEnded]
        );
        for line in [
            "",
            "plain",
            "[1]",
            r#"{"kind":"new"}"#,
            r#"{"kind":5}"#,
            "{",
        ] {
            assert_eq!(session.on_line(line), [], "{line}");
        }
    }
}
