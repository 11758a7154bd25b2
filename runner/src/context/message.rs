//! One message of others: whether it is about the same work, and as much of it as is kept.

use agent_plan::plan::ContextPlan;
use serde_json::{Map, Value};

/// The longest message that is taken apart: sixteen times what any sender of ours sends.
const LONGEST: usize = 1 << 20;

/// Bytes of content that are kept of a message.
pub(super) const CONTENT: usize = 16 << 10;

/// Bytes of all else that are kept of it; behind them only names and numbers are.
const ELSE: usize = 8 << 10;

/// Bytes of a name or a number, such as an id.
const SHORT: usize = 256;

/// Members of a message of which only names and numbers are kept; senders of ours have thirty.
const MEMBERS: usize = 48;

/// What content that was cut ends with.
const CUT: &str = " [cut]";

/// Where the text of a message may be, in the order of the subscriber (contract §8.5).
const TEXTS: [&str; 5] = ["content", "text", "message", "status", "error"];

/// Returns what a message says, bounded, if it says anything and is about what the plan wants.
///
/// It always has a `content`, which is not blank, and no NUL anywhere: an argument cannot have one,
/// and a stranger must not be able to fail a run.
pub(super) fn said(payload: &[u8], plan: &ContextPlan) -> Option<Value> {
    if payload.len() > LONGEST {
        return None;
    }
    let Value::Object(mut message) = serde_json::from_slice(payload).ok()? else {
        return None;
    };
    for envelope in ["message", "data"] {
        if let Some(Value::Object(inner)) = message.get_mut(envelope) {
            message = std::mem::take(inner);
        }
    }
    let text = |key: &&str| Some(message.get(*key)?.as_str()?.replace('\0', ""));
    let mut texts = TEXTS.iter().filter_map(text);
    let content = texts.find(|text| !text.trim().is_empty())?;
    if !is_wanted(&message, plan) {
        return None;
    }
    message.shift_remove("content");
    let mut kept = bounded(message);
    kept.insert("content".to_owned(), cut(&content, CONTENT).into());
    Some(Value::Object(kept))
}

/// The rules of the reader before ours: a filter counts only if this run knows the value.
fn is_wanted(message: &Map<String, Value>, plan: &ContextPlan) -> bool {
    let is = |key: &str, wanted: Option<&str>| {
        wanted.is_none_or(|wanted| message.get(key).and_then(Value::as_str) == Some(wanted))
    };
    let number = || match message.get("issueNumber")? {
        Value::String(text) => text.parse().ok(),
        other => other.as_u64(),
    };
    let channel = message.get("channel").is_none_or(|it| it == "general");
    channel
        && is("repository", plan.repository.as_deref())
        && is("branch", plan.branch.as_deref())
        && plan.issue_number.is_none_or(|it| number() == Some(it))
}

/// Returns the members of a message that are no content: all of them, or the short ones.
fn bounded(message: Map<String, Value>) -> Map<String, Value> {
    let whole = Value::Object(message);
    let fits = whole.to_string().len() <= ELSE;
    let Value::Object(message) = without_nul(whole) else {
        return Map::new();
    };
    if fits {
        return message;
    }
    let short = |value: &Value| match value {
        Value::String(text) => text.len() <= SHORT,
        other => !other.is_object() && !other.is_array(),
    };
    let members = message.into_iter();
    let short = members.filter(|(key, value)| key.len() <= SHORT && short(value));
    short.take(MEMBERS).collect()
}

fn without_nul(value: Value) -> Value {
    match value {
        Value::String(text) if text.contains('\0') => text.replace('\0', "").into(),
        Value::Array(items) => items.into_iter().map(without_nul).collect(),
        Value::Object(members) => {
            let members = members.into_iter();
            let clean = |(key, value): (String, _)| (key.replace('\0', ""), without_nul(value));
            Value::Object(members.map(clean).collect())
        }
        other => other,
    }
}

/// Shortens a text to at most `limit` bytes, and says so at its end.
fn cut(text: &str, limit: usize) -> String {
    if text.len() <= limit {
        return text.to_owned();
    }
    let kept = text.floor_char_boundary(limit - CUT.len());
    format!("{}{CUT}", &text[..kept])
}

#[cfg(test)]
mod tests;
