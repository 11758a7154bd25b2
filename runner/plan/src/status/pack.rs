//! The short form: at most [`LIMIT`] bytes of valid JSON, whatever the status holds.
//!
//! The kubelet keeps the last 4096 bytes of the termination file; a longer file loses its `{`,
//! and the controller then ignores it altogether (contract §3.6). So fields are given up one by
//! one, in the order of [`STEPS`], until it fits; what the controller reads, and
//! what a person needs at 3 a.m., goes last.

use serde_json::{Map, Value};

use super::RunStatus;

/// The most bytes of the short form, its newline included: the kubelet's 4096 with a margin.
pub const LIMIT: usize = 4000;

/// What to give up, in order: the field's path and how.
const STEPS: &[(&[&str], Step)] = &[
    (&["args"], Step::CutItems(160)),
    (&["warnings"], Step::CutItems(160)),
    (&["warnings"], Step::Keep(8)),
    (&["process", "leftovers"], Step::Keep(4)),
    (&["git", "quarantined"], Step::CutItems(80)),
    (&["git", "quarantined"], Step::Keep(8)),
    (&["git", "error"], Step::Cut(200)),
    (&["events", "problem"], Step::Cut(200)),
    (&["artifacts", "uploads", "problem"], Step::Cut(200)),
    (&["args"], Step::Drop),
    (&["redactions"], Step::Drop),
    (&["timings"], Step::Drop),
    (&["warnings"], Step::Keep(3)),
    (&["process", "leftovers"], Step::Drop),
    (&["git", "quarantined"], Step::Drop),
    (&["artifacts", "outputArtifacts"], Step::Keep(12)),
    (&["warnings"], Step::Drop),
    (&["artifacts", "outputArtifacts"], Step::Drop),
    (&["git", "error"], Step::Drop),
    (&["events", "journal"], Step::Drop),
    (&["artifacts", "uploads", "manifest"], Step::Drop),
    (&["turnError"], Step::Cut(200)),
    (&["usageBefore"], Step::Drop),
    (&["git", "wip"], Step::Drop),
    (&["git", "path"], Step::Drop),
    (&["turnError"], Step::Drop),
    (&["model"], Step::Cut(100)),
    (&["effort"], Step::Cut(40)),
    (&["turnStatus"], Step::Cut(40)),
    (&["turnId"], Step::Cut(100)),
    (&["threadId"], Step::Cut(200)),
    (&["sessionId"], Step::Cut(200)),
    (&["runUid"], Step::Cut(60)),
    (&["git", "url"], Step::Cut(200)),
    (&["git", "branch"], Step::Cut(200)),
    (&["cwd"], Step::Cut(200)),
    (&["binary"], Step::Cut(200)),
    (&["artifacts", "logPath"], Step::Cut(200)),
    (&["artifacts", "statusPath"], Step::Cut(200)),
    (&["provider"], Step::Cut(200)),
    (&["adapter"], Step::Cut(60)),
    (&["reason"], Step::Cut(60)),
    (&["signal"], Step::Cut(60)),
    (&["startedAt"], Step::Cut(40)),
    (&["finishedAt"], Step::Cut(40)),
    (&["turnStatus"], Step::Drop),
    (&["turnId"], Step::Drop),
    (&["effort"], Step::Drop),
    (&["runUid"], Step::Drop),
    (&["events", "problem"], Step::Cut(80)),
    (&["artifacts", "uploads", "problem"], Step::Cut(80)),
    (&["process"], Step::Drop),
    (&["git"], Step::Drop),
    (&["usage"], Step::Drop),
    (&["events"], Step::Drop),
    (&["artifacts", "uploads"], Step::Drop),
    (&["error"], Step::Cut(320)),
    (&["artifacts"], Step::Drop),
    (&["cwd"], Step::Drop),
    (&["binary"], Step::Drop),
    (&["error"], Step::Cut(160)),
];

#[derive(Clone, Copy)]
enum Step {
    /// Shorten each string of a list to so many bytes of JSON.
    CutItems(usize),
    /// Keep so many items of a list.
    Keep(usize),
    /// Shorten a string to so many bytes of JSON.
    Cut(usize),
    /// Remove the field.
    Drop,
}

/// Returns compact JSON with a final newline, at most [`LIMIT`] bytes.
///
/// Fields that had to give are named in `truncated`.
pub fn pack(status: &RunStatus) -> Vec<u8> {
    // A status has only string keys, which is all that could fail.
    let mut value = serde_json::to_value(status).unwrap_or_default();
    let mut truncated: Vec<String> = status.truncated.clone();
    truncated.truncate(4);
    let mut bytes = bytes(&value);
    for (path, step) in STEPS {
        if bytes.len() <= LIMIT {
            break;
        }
        let name = path.join(".");
        if apply(&mut value, path, *step) && !truncated.contains(&name) {
            truncated.push(name);
        }
        value["truncated"] = truncated
            .iter()
            .map(|name| Value::from(cut(name, 40)))
            .collect();
        bytes = self::bytes(&value);
    }
    bytes
}

fn bytes(value: &Value) -> Vec<u8> {
    format!("{value}\n").into_bytes()
}

/// Applies one step; says whether it changed anything.
fn apply(value: &mut Value, path: &[&str], step: Step) -> bool {
    let Some((last, parents)) = path.split_last() else {
        return false;
    };
    let mut parent: &mut Map<String, Value> = match value.as_object_mut() {
        Some(map) => map,
        None => return false,
    };
    for key in parents {
        match parent.get_mut(*key).and_then(Value::as_object_mut) {
            Some(map) => parent = map,
            None => return false,
        }
    }
    match (step, parent.get_mut(*last)) {
        (Step::Drop, _) => parent.shift_remove(*last).is_some(),
        (Step::Cut(limit), Some(Value::String(text))) => shorten(text, limit),
        (Step::CutItems(limit), Some(Value::Array(items))) => {
            items.iter_mut().fold(false, |changed, item| match item {
                Value::String(text) => shorten(text, limit) || changed,
                _ => changed,
            })
        }
        (Step::Keep(limit), Some(Value::Array(items))) => {
            let changed = items.len() > limit;
            items.truncate(limit);
            changed
        }
        _ => false,
    }
}

fn shorten(text: &mut String, limit: usize) -> bool {
    let mut room = limit;
    let fits = |letter: char| {
        // What the letter costs in JSON, where control characters become `\\u0000`.
        let cost = match letter {
            '"' | '\\' => 2,
            letter if letter.is_control() => 6,
            letter => letter.len_utf8(),
        };
        room.checked_sub(cost).map(|left| room = left)
    };
    let kept = text.chars().map_while(fits).count();
    let shorter = cut(text, kept);
    let changed = kept < text.chars().count();
    *text = shorter;
    changed
}

/// Shortens `text` to at most `limit` characters, the last three then being `...`.
pub fn cut(text: &str, limit: usize) -> String {
    if text.chars().count() <= limit {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(limit.saturating_sub(3)).collect();
    short.push_str("...");
    short
}

#[cfg(test)]
mod tests;
