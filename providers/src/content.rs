//! Texts of others, cut to what an event may carry and a session may remember.

use std::borrow::Cow;

use agent_plan::provider::Action;

/// The longest text of an event, in bytes: what a message of most brokers may hold.
pub(crate) const CONTENT: usize = 1 << 20;

/// The longest id, in bytes. Real ones have a few dozen.
const ID: usize = 256;

/// Returns a text, cut to what an event may hold.
pub(crate) fn bounded<'a>(text: impl Into<Cow<'a, str>>) -> String {
    let text = text.into();
    if text.len() <= CONTENT {
        return text.into_owned();
    }
    let kept = &text[..text.floor_char_boundary(CONTENT)];
    format!("{kept}\n[cut: {} bytes more]", text.len() - kept.len())
}

/// Cuts the texts of all events among these.
pub(crate) fn all_bounded(mut actions: Vec<Action>) -> Vec<Action> {
    for action in &mut actions {
        if let Action::Emit(event) = action {
            event.content = bounded(std::mem::take(&mut event.content));
        }
    }
    actions
}

/// Returns an id, cut to what may be remembered a thousand times.
pub(crate) fn id(text: &str) -> String {
    text[..text.floor_char_boundary(ID)].to_owned()
}
