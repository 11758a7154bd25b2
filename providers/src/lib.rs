//! How to talk to each agent CLI: one module per protocol, pure.
//!
//! A session takes text and gives actions; it starts nothing, reads nothing and knows no clock.

mod class;
mod claude;
mod codex;
mod content;
mod dialogue;
mod jsonl;
mod memory;
mod meter;
mod piece;
mod raw;
mod transcript;

pub use class::{Class, VERDICTS};
pub use jsonl::{Jsonl, is_event as is_jsonl_event};
pub use piece::{Part, part};
pub use raw::Raw;
pub use transcript::{Shown, Stream, Transcript};

use agent_plan::plan::{Conversation, ProcessPlan};
use agent_plan::provider::Session;

/// Returns the session of a process that [`equip`] has prepared.
pub fn session(plan: &ProcessPlan) -> Box<dyn Session> {
    let inner: Box<dyn Session> = match &plan.conversation {
        Conversation::Claude(claude) => Box::new(claude::session(claude)),
        Conversation::CodexExec(codex) => Box::new(codex::exec::session(codex)),
        Conversation::CodexAppServer(codex) => Box::new(codex::app_server::session(codex, plan)),
        Conversation::Jsonl => Box::new(Jsonl::default()),
        _ => Box::new(Raw::default()),
    };
    meter::metered(inner, plan.limits)
}

/// Completes a process with what its CLI needs: arguments, environment, what it reads on stdin.
///
/// Returns warnings. Idempotent.
pub fn equip(plan: &mut ProcessPlan) -> Vec<String> {
    let conversation = std::mem::take(&mut plan.conversation);
    let warnings = match &conversation {
        Conversation::Claude(claude) => claude::equip(claude, plan),
        Conversation::CodexExec(codex) => codex::exec::equip(codex, plan),
        Conversation::CodexAppServer(codex) => codex::app_server::equip(codex, plan),
        _ => Vec::new(),
    };
    plan.conversation = conversation;
    warnings
}
