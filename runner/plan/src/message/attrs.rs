//! Attributes as they may be said: without NUL, and without names that are the message's own.

use std::borrow::Cow;

use serde_json::{Map, Value};

use crate::record::Record;

/// Attributes that are the message's own. One of the event by that name is called `event_…`.
const OWN: [&str; 3] = ["seq", "attempt", "truncated"];

/// Returns the attributes of a record as they may be said; owned only where they had to change.
pub(super) fn of(record: &Record) -> Cow<'_, Map<String, Value>> {
    let must_change = |(name, value): (&String, &Value)| {
        OWN.contains(&name.as_str())
            || (name == "input" && record.tool.is_some())
            || name.contains('\0')
            || has_nul(value)
    };
    if !record.attrs.iter().any(must_change) {
        return Cow::Borrowed(&record.attrs);
    }
    let mut attrs = Map::new();
    for (name, value) in &record.attrs {
        let mut name = stripped(name).into_owned();
        if OWN.contains(&name.as_str()) {
            name.insert_str(0, "event_");
        }
        put(&mut attrs, name, without_nul(value));
    }
    Cow::Owned(attrs)
}

/// Adds a member under a name that there is not yet.
fn put(map: &mut Map<String, Value>, mut name: String, value: Value) {
    while map.contains_key(&name) {
        name.push('_');
    }
    map.insert(name, value);
}

fn has_nul(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains('\0'),
        Value::Array(items) => items.iter().any(has_nul),
        Value::Object(map) => map
            .iter()
            .any(|(name, value)| name.contains('\0') || has_nul(value)),
        _ => false,
    }
}

fn without_nul(value: &Value) -> Value {
    match value {
        Value::String(text) => Value::String(stripped(text).into_owned()),
        Value::Array(items) => items.iter().map(without_nul).collect(),
        Value::Object(map) => {
            let mut clean = Map::new();
            for (name, value) in map {
                put(&mut clean, stripped(name).into_owned(), without_nul(value));
            }
            Value::Object(clean)
        }
        other => other.clone(),
    }
}

/// Returns a text without NUL, which Postgres refuses, with all else of its batch.
pub(super) fn stripped(text: &str) -> Cow<'_, str> {
    if text.contains('\0') {
        Cow::Owned(text.replace('\0', ""))
    } else {
        Cow::Borrowed(text)
    }
}
