//! What the status says of the conversation with the agent.

use std::time::SystemTime;

use agent_plan::outcome::{Decision, Outcome, RetryAfter};
use agent_plan::plan::{Conversation, Plan};
use agent_plan::provider::{Report, Usage};
use agent_plan::status::{RetrySeconds, RunStatus};

/// What is known before the agent says anything.
pub(super) fn planned(draft: &mut RunStatus, plan: &Plan) {
    draft.run_uid.clone_from(&plan.identity.uid);
    match &plan.process.conversation {
        Conversation::CodexAppServer(codex) => {
            draft.model.clone_from(&codex.model);
            draft.effort.clone_from(&codex.effort);
            draft.thread_id.clone_from(&codex.thread_id);
            draft.session_id.clone_from(&codex.thread_id);
        }
        Conversation::Claude(claude) => {
            let options = claude.options.as_ref();
            draft.model = options.and_then(|options| options.model.clone());
            draft.effort = options.and_then(|options| options.effort.clone());
            draft.session_id.clone_from(&claude.resume);
        }
        Conversation::CodexExec(codex) => {
            draft.session_id.clone_from(&codex.resume);
            draft.usage_before.clone_from(&codex.usage_before);
        }
        _ => {}
    }
}

/// What the session knows; what it does not know stays as it was.
pub(super) fn reported(draft: &mut RunStatus, report: &Report) {
    let fill = |field: &mut Option<String>, known: &Option<String>| {
        if known.is_some() {
            field.clone_from(known);
        }
    };
    if draft.adapter.as_deref() == Some("codex-app-server") {
        fill(&mut draft.thread_id, &report.session_id);
    }
    fill(&mut draft.session_id, &report.session_id);
    fill(&mut draft.turn_id, &report.turn_id);
    fill(&mut draft.turn_status, &report.turn_status);
    fill(&mut draft.turn_error, &report.turn_error);
    fill(&mut draft.model, &report.model);
    fill(&mut draft.effort, &report.effort);
    if report.usage != Usage::default() {
        draft.usage = Some(report.usage.clone());
    }
    for warning in &report.warnings {
        // Asked when a stop begins and at the end.
        if !draft.warnings.contains(warning) {
            draft.warnings.push(warning.clone());
        }
    }
}

/// In how many seconds the provider wants to be asked again, of a run that it turned away.
pub(super) fn retry_after(decision: &Decision) -> Option<RetrySeconds> {
    let seconds = || match decision.retry_after? {
        // What is cut off could only be too early.
        RetryAfter::In(span) => Some(span.as_secs() + u64::from(span.subsec_nanos() > 0)),
        RetryAfter::At(then) => {
            let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
            Some(then.saturating_sub(now.map_or(0, |now| now.as_secs())))
        }
    };
    (decision.outcome == Outcome::RateLimited).then(|| RetrySeconds(seconds()))
}
