//! Texts of others, cut to what an event may carry and a session may remember.

use std::borrow::Cow;

use agent_plan::provider::Action;
use agent_plan::status::cut;
use serde_json::Value;

/// The longest text that is remembered, in bytes: an answer, a message in pieces.
pub(crate) const CONTENT: usize = 1 << 20;

/// The longest content of an event, in bytes: half of the longest line that a session hears. It is
/// a bound on memory, where an event is several times until it is in the journal.
pub(crate) const EVENT: usize = 8 << 20;

/// The longest attribute, in bytes of JSON.
const ATTRIBUTE: usize = 16 << 10;

/// The deepest attribute. A reader of JSON may well refuse what is nested deeper than 128, and what
/// an attribute is recorded and published in is nested itself.
const DEPTH: usize = 64;

/// The longest title of a tool, in characters: what fits two lines of a terminal.
const TITLE: usize = 200;

/// The longest id, in bytes. Real ones have a few dozen.
const ID: usize = 256;

/// Returns a text, cut to what is remembered of one.
pub(crate) fn bounded<'a>(text: impl Into<Cow<'a, str>>) -> String {
    shortened(text.into(), CONTENT)
}

/// Bounds all events among these. One whose content is cut has the attribute `cut`, the bytes that
/// it had. Attributes that are too long or too deep are left out and counted in `attrsDropped`; of
/// the input of a tool, `inputCut` says so.
pub(crate) fn all_bounded(mut actions: Vec<Action>) -> Vec<Action> {
    for action in &mut actions {
        let Action::Emit(event) = action else {
            continue;
        };
        let long: Vec<String> = event
            .attrs
            .iter()
            .filter(|(_, value)| !fits(value))
            .map(|(name, _)| name.clone())
            .collect();
        let mut dropped = 0;
        for name in long {
            event.attrs.shift_remove(&name);
            if name == INPUT {
                event.attrs.insert("inputCut".to_owned(), true.into());
            } else {
                dropped += 1;
            }
        }
        if dropped > 0 {
            event
                .attrs
                .insert("attrsDropped".to_owned(), dropped.into());
        }
        if event.content.len() > EVENT {
            let whole = event.content.len();
            event.content = shortened(Cow::Owned(std::mem::take(&mut event.content)), EVENT);
            event.attrs.insert("cut".to_owned(), whole.into());
        }
    }
    actions
}

/// The attribute of a call: what the tool was given, an object.
pub(crate) const INPUT: &str = "input";

/// Returns a text on one line, cut to what a title may be.
pub(crate) fn title(text: &str) -> String {
    let mut line = String::new();
    for word in text.split_whitespace() {
        if !line.is_empty() {
            line.push(' ');
        }
        let letters = word.chars().filter(|letter| !letter.is_control());
        // One more than fits, so that what is left out shows.
        line.extend(letters.take(TITLE + 1));
        if line.len() > 4 * TITLE {
            break;
        }
    }
    cut(&line, TITLE)
}

/// Returns an id, cut to what may be remembered a thousand times.
pub(crate) fn id(text: &str) -> String {
    text[..text.floor_char_boundary(ID)].to_owned()
}

fn shortened(text: Cow<'_, str>, bytes: usize) -> String {
    if text.len() <= bytes {
        return text.into_owned();
    }
    let kept = &text[..text.floor_char_boundary(bytes)];
    format!("{kept}\n[cut: {} bytes more]", text.len() - kept.len())
}

/// Says whether an attribute is neither too long nor too deep.
fn fits(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => true,
        Value::String(text) => text.len() <= ATTRIBUTE,
        value => !is_deeper(value, DEPTH) && value.to_string().len() <= ATTRIBUTE,
    }
}

/// Says whether arrays and objects are nested deeper than so many.
fn is_deeper(value: &Value, depth: usize) -> bool {
    let mut inner: Box<dyn Iterator<Item = &Value> + '_> = match value {
        Value::Array(items) => Box::new(items.iter()),
        Value::Object(map) => Box::new(map.values()),
        _ => return false,
    };
    depth == 0 || inner.any(|value| is_deeper(value, depth - 1))
}

#[cfg(test)]
mod tests;
