//! Fields of a message whose type nobody vouches for.

use agent_plan::status::cut;
use serde_json::Value;

/// The longest title of a tool, in characters: a line that a person reads.
const TITLE_LIMIT: usize = 400;

/// Returns a text that is there and is a text.
pub(super) fn text<'a>(value: &'a Value, key: &str) -> Option<&'a str> {
    value.get(key).and_then(Value::as_str)
}

/// Returns a whole number that is there and is one.
pub(super) fn number(value: &Value, key: &str) -> Option<u64> {
    value.get(key).and_then(Value::as_u64)
}

/// Returns the elements of a list; of anything else none.
pub(super) fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value
        .get(key)
        .and_then(Value::as_array)
        .map_or(&[], Vec::as_slice)
}

/// Returns the texts in a list, joined.
pub(super) fn joined(value: &Value, key: &str, separator: &str) -> String {
    let texts: Vec<&str> = list(value, key).iter().filter_map(Value::as_str).collect();
    texts.join(separator)
}

/// Returns a text on one line, cut to what a person reads.
pub(super) fn title(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    cut(&words.join(" "), TITLE_LIMIT)
}

/// Returns a value as text: a text as itself, nothing as nothing, the rest as JSON.
pub(super) fn plain(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
