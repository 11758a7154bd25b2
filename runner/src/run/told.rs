//! What the run says of itself: that it began, its phases, what it concluded.

use std::time::Duration;

use agent_plan::event::{Event, EventKind, Role};
use agent_plan::outcome::{Decision, Word};
use agent_plan::plan::{CheckoutPlan, Plan};
use serde_json::json;

/// The first event of every run (contract §8.6).
pub(super) fn started(plan: &Plan) -> Event {
    let speaker = &plan.events.speaker;
    let mut content = match &speaker.run_name {
        Some(name) => format!("Run {name} started with {}", speaker.agent_id),
        None => format!("A run started with {}", speaker.agent_id),
    };
    if let Some(repository) = &speaker.repository {
        content.push_str(&format!(" on {repository}"));
        if let Some(branch) = &speaker.branch {
            content.push_str(&format!("@{branch}"));
        }
    }
    said(EventKind::RunStarted, content)
        .with("provider", plan.identity.provider.clone())
        .with("adapter", plan.identity.adapter)
        .with("protocol", json!(plan.process.conversation.protocol()))
        .with("model", plan.process.conversation.model())
        .with("systemPromptHash", plan.events.system_prompt_hash.clone())
}

/// A phase begins.
pub(super) fn phase(name: &str, content: impl Into<String>) -> Event {
    said(EventKind::Status, content)
        .with("status", "running")
        .with("phase", name)
}

/// The checkout begins; its URL has no credentials.
pub(super) fn checkout(plan: &CheckoutPlan) -> Event {
    phase("checkout", format!("checking out {}", plan.remote))
}

/// What the run concluded, in order, after `took`: what went wrong, the outcome, the last status.
pub(super) fn ended(decision: &Decision, took: Duration) -> Vec<Event> {
    let word = decision.outcome.word();
    let status = json!(word);
    let after = spoken(took);
    let (verb, mark) = match word {
        Word::Succeeded => ("succeeded in", "pass"),
        Word::Failed => ("failed after", "fail"),
        Word::Cancelled => ("was cancelled after", "fail"),
    };
    let because = decision.error.as_deref();
    let because = because.map_or_else(String::new, |error| format!(": {error}"));
    let told = |event: Event| {
        event
            .with("status", status.clone())
            .with("exit_code", decision.exit_code)
            .with("outcome", json!(decision.outcome))
            .with("reason", decision.reason.clone())
    };
    let millis = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    let outcome = said(
        EventKind::RunOutcome,
        format!("Run {verb} {after}{because}"),
    );
    let last = said(EventKind::Status, format!("run {}", spelled(word)));
    let error = decision.error.as_ref().map(|error| {
        let event = said(EventKind::Error, error.clone());
        told(event)
    });
    let outcome = told(outcome)
        .with("decision", mark)
        .with("durationMs", millis);
    error
        .into_iter()
        .chain([outcome, told(last).with("phase", "end")])
        .collect()
}

fn said(kind: EventKind, content: impl Into<String>) -> Event {
    Event::new(kind, Role::System, content)
}

fn spelled(word: Word) -> &'static str {
    match word {
        Word::Succeeded => "succeeded",
        Word::Failed => "failed",
        Word::Cancelled => "cancelled",
    }
}

/// A duration as people say it: `26m 12s`, `3s`; milliseconds only of less than a second.
fn spoken(took: Duration) -> String {
    let whole = if took < Duration::from_secs(1) {
        Duration::from_millis(u64::from(took.subsec_millis()))
    } else {
        Duration::from_secs(took.as_secs())
    };
    humantime::format_duration(whole).to_string()
}

#[cfg(test)]
mod tests;
