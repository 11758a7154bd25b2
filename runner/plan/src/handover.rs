//! What an agent hands over: lines of the file that `AGENT_RUNNER_CONTEXT_FILE` names.
//!
//! The agent says what only it knows: what it did, what it did not do, what comes next. It cannot
//! say what only the runner knows, such as how the run ended: such a line is a message like any
//! other text.

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::event::{Event, EventKind, Role};

/// The most bytes of a line; who reads them drops and counts longer ones.
pub const MAX_LINE: usize = 1024 * 1024;

/// The most attributes.
pub const MAX_ATTRS: usize = 32;

/// The most bytes of all attributes, as JSON.
pub const MAX_ATTRS_BYTES: usize = 8 * 1024;

/// The deepest attribute: a reader of JSON may well refuse what is nested deeper than 128, and what
/// an attribute is published in is nested itself.
pub const MAX_DEPTH: usize = 64;

/// How many attributes were left out: an attribute itself.
const DROPPED: &str = "attrsDropped";

/// What a line may be; other members count for nothing.
#[derive(Deserialize)]
struct Line {
    kind: String,
    content: String,
    #[serde(default)]
    attrs: Value,
}

/// Returns what a line hands over, without its newline; `None` if it is blank.
///
/// An object with one of the kinds that an agent may say and with content is that event. Anything
/// else is a message with the line's text. Attributes beyond [`MAX_ATTRS`], [`MAX_ATTRS_BYTES`] or
/// [`MAX_DEPTH`] are left out and counted in the attribute `attrsDropped`.
pub fn event(line: &str) -> Option<Event> {
    let line = line.trim();
    if line.is_empty() {
        return None;
    }
    let event = |kind, content: &str| Event::new(kind, Role::Assistant, content);
    let said = object(line).and_then(|said| Some((kind(&said.kind)?, said)));
    Some(match said {
        Some((kind, said)) => Event {
            attrs: attrs(said.attrs),
            ..event(kind, &said.content)
        },
        None => event(EventKind::Message, line),
    })
}

/// Returns the object that a line is, if it has kind and content.
fn object(line: &str) -> Option<Line> {
    // A `Line` could be had from an array too.
    let is_object = line.starts_with('{');
    let said: Line = is_object
        .then(|| serde_json::from_str(line).ok())
        .flatten()?;
    Some(said).filter(|said| !said.content.trim().is_empty())
}

/// Returns the kind of a name, if an agent may say it.
fn kind(name: &str) -> Option<EventKind> {
    [
        EventKind::Message,
        EventKind::RunSummary,
        EventKind::RunGaps,
        EventKind::RunNextPrompt,
        EventKind::SwarmHandoff,
    ]
    .into_iter()
    .find(|kind| kind.name() == name)
}

/// Returns the attributes that there is room for, in their order.
fn attrs(given: Value) -> Map<String, Value> {
    let given = match given {
        Value::Null => return Map::new(),
        Value::Object(given) => given,
        // Not what was asked for, but the agent meant to say something.
        other => Map::from_iter([("attrs".to_owned(), other)]),
    };
    let (mut kept, mut bytes, mut dropped) = (Map::new(), "{}".len(), 0_usize);
    let mark = format!(r#""{DROPPED}":{},"#, given.len()).len();
    // Where there are too many, the count takes the place of one.
    let most = MAX_ATTRS - usize::from(given.len() > MAX_ATTRS);
    for (name, value) in given {
        let size = Value::from(name.as_str()).to_string().len() + value.to_string().len() + 2;
        let fits = bytes + size + mark <= MAX_ATTRS_BYTES && !is_deeper(&value, MAX_DEPTH);
        if kept.len() < most && fits && name != DROPPED {
            bytes += size;
            kept.insert(name, value);
        } else {
            dropped += 1;
        }
    }
    if dropped > 0 {
        kept.insert(DROPPED.to_owned(), dropped.into());
    }
    kept
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
