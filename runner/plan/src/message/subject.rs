//! Subjects: `<prefix>.<namespace>.<run>.<uid>.agent.<agent>.<kind>` and `<prefix>.general.<kind>`.
//!
//! The subscriber looks for the first token `agent` behind the prefix and counts from there, and
//! takes a subject for general by its second token. So those words never stand where a name does.

use super::Prefix;
use crate::event::EventKind;
use crate::record::Speaker;

/// The most bytes of a token: the longest name that Kubernetes allows.
const TOKEN: usize = 253;

/// The most tokens of a prefix. With all tokens at their longest a subject has 2.1 KiB, and a
/// server reads 4 KiB of a protocol line.
const PREFIX_TOKENS: usize = 4;

/// What a token is called that would be empty.
const UNKNOWN: &str = "unknown";

/// Returns the subject of a run's own event.
pub(super) fn of_run(prefix: &Prefix, speaker: &Speaker, kind: EventKind) -> String {
    let mut subject = beginning(prefix);
    let optional = |name: &'_ Option<String>| name.clone().unwrap_or_default();
    token(
        &mut subject,
        &optional(&speaker.run_namespace),
        &["agent", "general"],
    );
    token(&mut subject, &optional(&speaker.run_name), &["agent"]);
    token(&mut subject, &speaker.run_uid, &["agent"]);
    subject.push_str(".agent");
    token(&mut subject, &speaker.agent_id, &[]);
    subject.push('.');
    subject.push_str(kind.name());
    subject
}

/// Returns the subject of a general copy.
pub(super) fn general(prefix: &Prefix, kind: EventKind) -> String {
    let mut subject = beginning(prefix);
    subject.push_str(".general.");
    subject.push_str(kind.name());
    subject
}

/// Returns the prefix, with room for the rest.
fn beginning(prefix: &Prefix) -> String {
    let mut subject = String::with_capacity(160);
    let other = match prefix {
        Prefix::AgentRun => "",
        Prefix::Workflow => "workflow",
        Prefix::Other(other) => other,
    };
    let tokens = other.split('.').filter(|text| !text.trim().is_empty());
    for (index, text) in tokens.take(PREFIX_TOKENS).enumerate() {
        if index == 0 {
            // Subjects that begin with a dollar are the server's own.
            token(&mut subject, &text.trim().replacen('$', "_", 1), &[]);
        } else {
            token(&mut subject, text, &["agent", "general"]);
        }
    }
    if subject.is_empty() {
        subject.push_str("agentrun");
    }
    subject
}

/// Adds a token, with the dot before it if it is not the first.
///
/// No name in Kubernetes has the underscore that replaces letters and is put behind reserved words,
/// so two runs never get the same tokens by it.
fn token(subject: &mut String, text: &str, reserved: &[&str]) {
    if !subject.is_empty() {
        subject.push('.');
    }
    let start = subject.len();
    let text = text.trim();
    let safe = |letter: char| match letter {
        '.' | '*' | '>' => '_',
        _ if letter.is_ascii_graphic() => letter,
        _ => '_',
    };
    subject.extend(text.chars().take(TOKEN).map(safe));
    if subject.len() == start {
        subject.push_str(UNKNOWN);
    }
    if reserved.contains(&&subject[start..]) {
        subject.push('_');
    }
}
