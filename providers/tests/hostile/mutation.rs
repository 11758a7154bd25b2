//! How a line is changed.

use prop::sample::Index;
use proptest::prelude::*;
use serde_json::{Value, json};

/// A change of a line.
#[derive(Debug, Clone)]
pub(crate) enum Edit {
    /// It ends early, as the last line of a killed agent does.
    Cut(Index),
    /// Its head and the tail of another.
    Splice(Index, Index, Index),
    /// Bytes become others; what is no text any more is shown as such.
    Flip(Vec<(Index, u8)>),
    /// One of its values becomes another.
    Retype(Index, Value),
    /// One of its values goes deeper.
    Nest(Index, usize),
    /// One of its values is left out.
    Drop(Index),
    /// One of its texts is told so many times.
    Repeat(Index, usize),
    /// Another line of the recording.
    Other(Index),
}

pub(crate) fn edits() -> impl Strategy<Value = Edit> {
    let index = any::<Index>;
    prop_oneof![
        1 => index().prop_map(Edit::Cut),
        1 => (index(), index(), index()).prop_map(|(other, head, tail)| Edit::Splice(other, head, tail)),
        1 => proptest::collection::vec((index(), any::<u8>()), 1..6).prop_map(Edit::Flip),
        4 => (index(), values()).prop_map(|(at, value)| Edit::Retype(at, value)),
        1 => (index(), 1..300_usize).prop_map(|(at, depth)| Edit::Nest(at, depth)),
        2 => index().prop_map(Edit::Drop),
        1 => (index(), 2..2000_usize).prop_map(|(at, times)| Edit::Repeat(at, times)),
        1 => index().prop_map(Edit::Other),
    ]
}

/// Values that a protocol does not expect.
fn values() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        Just(json!(u64::MAX)),
        Just(json!(i64::MIN)),
        Just(json!(1e308)),
        Just(json!(-1e308)),
        Just(json!([])),
        Just(json!({})),
        Just(json!([[["deep"]], null, {"text": 1}])),
        words().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ]
}

/// Words that mean something to one session or another, where they are not expected.
fn words() -> impl Strategy<Value = String> {
    prop::sample::select(vec![
        "result",
        "success",
        "error_max_turns",
        "aborted_tools",
        "init",
        "api_retry",
        "authentication_failed",
        "turn.failed",
        "turn.completed",
        "turn.started",
        "item.started",
        "turn/completed",
        "turn/started",
        "error",
        "interrupted",
        "failed",
        "completed",
        "active",
        "idle",
        "Reconnecting... 1/5 (401 Unauthorized)",
        "Reconnecting... 99999999999999999999/1",
        "usage limit reached|1767225600",
        "try again in 99999999999999999999 days",
        "\u{0}",
        "run-outcome",
        "tool_call",
    ])
    .prop_map(str::to_owned)
}

pub(crate) fn garbage() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        "[\\[{\":,\\\\]{0,60}",
        proptest::collection::vec(any::<u8>(), 0..200)
            .prop_map(|bytes| String::from_utf8_lossy(&bytes).into_owned()),
        values().prop_map(|value| value.to_string()),
        Just(String::new()),
    ]
}

impl Edit {
    /// Returns a line with this change.
    pub(crate) fn of(&self, line: &str, others: &[String]) -> String {
        match self {
            Self::Cut(at) => head(line, *at).to_owned(),
            Self::Splice(other, first, second) => {
                let other = other.get(others);
                let tail = &other[head(other, *second).len()..];
                format!("{}{tail}", head(line, *first))
            }
            Self::Flip(flips) => {
                let mut bytes = line.as_bytes().to_vec();
                for (at, byte) in flips.iter().filter(|_| !line.is_empty()) {
                    bytes[at.index(line.len())] = *byte;
                }
                String::from_utf8_lossy(&bytes).into_owned()
            }
            Self::Retype(at, value) => changed(line, *at, |old| *old = value.clone()),
            Self::Nest(at, depth) => changed(line, *at, |old| {
                for level in 0..*depth {
                    let inner = old.take();
                    *old = if level % 2 == 0 {
                        json!([inner])
                    } else {
                        json!({"text": inner})
                    };
                }
            }),
            Self::Drop(at) => changed(line, *at, |old| match old {
                Value::Object(fields) => {
                    let last = fields.keys().next_back().cloned();
                    last.and_then(|last| fields.remove(&last));
                }
                Value::Array(values) => drop(values.pop()),
                other => *other = Value::Null,
            }),
            Self::Repeat(at, times) => changed(line, *at, |old| {
                if let Value::String(text) = old {
                    *text = text.repeat(*times);
                }
            }),
            Self::Other(other) => other.get(others).clone(),
        }
    }
}

fn head(line: &str, at: Index) -> &str {
    let end = at.index(line.len() + 1);
    &line[..line.floor_char_boundary(end)]
}

/// Returns a line with one of its values changed, the whole included; or the line, if it is none.
fn changed(line: &str, at: Index, change: impl FnOnce(&mut Value)) -> String {
    let Ok(mut value) = serde_json::from_str::<Value>(line) else {
        return line.to_owned();
    };
    let mut places = Vec::new();
    note_places(&value, String::new(), &mut places);
    if let Some(place) = value.pointer_mut(at.get::<String>(&places)) {
        change(place);
    }
    value.to_string()
}

/// Notes the JSON pointers of a value and of all in it.
fn note_places(value: &Value, at: String, places: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                let key = key.replace('~', "~0").replace('/', "~1");
                note_places(value, format!("{at}/{key}"), places);
            }
        }
        Value::Array(values) => {
            for (index, value) in values.iter().enumerate() {
                note_places(value, format!("{at}/{index}"), places);
            }
        }
        _ => {}
    }
    places.push(at);
}
