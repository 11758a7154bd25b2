//! What is given up so that a message fits, measured in bytes of JSON: an escaped letter may take
//! six of them.

use std::borrow::Cow;
use std::cmp::Reverse;
use std::mem;

use serde_json::Value;

use super::attrs::stripped;
use super::payload::{Payload, json};
use crate::record::Record;

/// Bytes of content that are kept before anything else is given up.
const KEPT: usize = 128;

/// Bytes of a tool's id, name and title that are kept.
const TOOL: usize = 64;

/// Bytes of a name of the run that are kept, at first and at last.
const NAMES: [usize; 2] = [96, 12];

/// Attributes that stay, as long as they are numbers.
const STAYS: &str = "exit_code";

/// What `,"attrs":` and its number take.
const MARGIN: usize = 32;

/// Where a reader finds what a message leaves out of its content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rest {
    /// The journal has the content whole.
    InJournal,
    /// The journal's own was cut before; the log has the lines that it was made of.
    InLog,
}

impl Rest {
    /// Says where the whole content of a record is: the session that cut it says how long it was,
    /// and a journal that is full that it was cut.
    pub(super) fn of(record: &Record) -> Self {
        let told = record.attrs.get("cut").and_then(Value::as_u64);
        let was_longer = told.is_some_and(|bytes| bytes > record.content.len() as u64);
        let is_full = record.attrs.get("truncated") == Some(&Value::Bool(true));
        if was_longer || is_full {
            Self::InLog
        } else {
            Self::InJournal
        }
    }
}

/// Gives something up; takes how many bytes there are too many.
type Step = fn(&mut Payload<'_>, usize);

/// What is given up, in order, after the content is down to [`KEPT`] bytes.
const STEPS: [Step; 4] = [
    |payload, _| shrink_tool(payload),
    drop_attrs,
    |payload, _| shrink_names(payload, NAMES[0]),
    |payload, _| shrink_names(payload, NAMES[1]),
];

/// Makes a payload fit into `room` bytes; `length` measures it.
///
/// Content gets all that the rest leaves, but no more than `max_content`.
pub(super) fn fit(
    payload: &mut Payload<'_>,
    max_content: usize,
    room: usize,
    length: impl Fn(&Payload<'_>) -> usize,
) {
    let needed = escaped(&mem::take(&mut payload.content)).min(KEPT);
    payload.truncated.content = Some(payload.text.len());
    for step in STEPS {
        let excess = (length(payload) + needed).saturating_sub(room);
        if excess == 0 {
            break;
        }
        step(payload, excess);
    }
    let left = room.saturating_sub(length(payload));
    let (cut, is_cut) = content(&payload.text, payload.rest, max_content, left);
    payload.content = cut;
    if !is_cut {
        payload.truncated.content = None;
    }
}

/// Returns as much of a text as `raw` bytes, and `in_json` of them once escaped, can hold, with a
/// mark and `true` if that is not all. There are no NULs in it.
pub(super) fn content<'a>(
    text: &Cow<'a, str>,
    rest: Rest,
    raw: usize,
    in_json: usize,
) -> (Cow<'a, str>, bool) {
    let is_short = text.len() <= raw && in_json == usize::MAX;
    if is_short || prefix(text, raw, in_json) == text.len() {
        let whole = match text {
            Cow::Borrowed(text) => stripped(text),
            Cow::Owned(text) => Cow::Owned(stripped(text).into_owned()),
        };
        return (whole, false);
    }
    // What is kept has no influence on the length of this, and what is missing makes it shorter.
    let longest = mark(text.len(), rest).len();
    let (raw, in_json) = (raw.saturating_sub(longest), in_json.saturating_sub(longest));
    let kept = prefix(text, raw, in_json);
    let kept_text = stripped(&text[..kept]);
    (
        Cow::Owned(format!("{kept_text}{}", mark(text.len() - kept, rest))),
        true,
    )
}

/// Cuts a text to so many bytes of JSON, with `…` at its end.
pub(super) fn shorten(text: &mut Cow<'_, str>, in_json: usize) {
    if prefix(text, usize::MAX, in_json) < text.len() {
        let kept = prefix(text, usize::MAX, in_json.saturating_sub("…".len()));
        *text = Cow::Owned(format!("{}…", &text[..kept]));
    }
}

fn mark(missing: usize, rest: Rest) -> String {
    let place = match rest {
        Rest::InJournal => "whole in the journal",
        Rest::InLog => "whole in the log only",
    };
    format!("… [cut: {missing} bytes, {place}]")
}

/// Returns where the longest beginning ends that has so many bytes, as they are and in JSON.
fn prefix(text: &str, raw: usize, in_json: usize) -> usize {
    let (mut bytes, mut wide) = (0, 0);
    for (at, letter) in text.char_indices() {
        let width = width(letter);
        // A NUL is not kept, so it takes no room.
        bytes += letter.len_utf8().min(width);
        wide += width;
        if bytes > raw || wide > in_json {
            return at;
        }
    }
    text.len()
}

/// Returns the bytes of a text in JSON, without quotes.
fn escaped(text: &str) -> usize {
    text.chars().map(width).sum()
}

/// Returns the bytes of a letter in JSON.
fn width(letter: char) -> usize {
    match letter {
        '\0' => 0,
        '"' | '\\' | '\n' | '\r' | '\t' | '\u{8}' | '\u{c}' => 2,
        '\u{1}'..='\u{1f}' => 6,
        _ => letter.len_utf8(),
    }
}

fn shrink_tool(payload: &mut Payload<'_>) {
    let Some(tool) = &mut payload.tool else {
        return;
    };
    let long_input = tool.input.take_if(|input| json(input).len() > TOOL);
    let mut is_cut = long_input.is_some();
    for text in [&mut tool.id, &mut tool.name, &mut tool.title] {
        let before = text.len();
        shorten(text, TOOL);
        is_cut |= text.len() != before;
    }
    payload.truncated.tool = is_cut;
}

/// Drops the largest attributes until `excess` bytes are won, or none is left.
fn drop_attrs(payload: &mut Payload<'_>, excess: usize) {
    let size = |name: &str, value: &Value| escaped(name) + json(value).len() + r#""":,"#.len();
    let mut sizes: Vec<(usize, String)> = payload
        .attrs
        .iter()
        .filter(|(name, value)| name.as_str() != STAYS || !value.is_number())
        .map(|(name, value)| (size(name, value), name.clone()))
        .collect();
    sizes.sort_by_key(|(size, _)| Reverse(*size));
    let (mut won, mut dropped) = (0, 0);
    for (size, name) in sizes {
        if won >= excess + MARGIN {
            break;
        }
        payload.attrs.to_mut().shift_remove(&name);
        won += size;
        dropped += 1;
    }
    payload.truncated.attrs = Some(dropped).filter(|dropped| *dropped > 0);
}

fn shrink_names(payload: &mut Payload<'_>, bytes: usize) {
    payload.identity.shrink(bytes);
    shorten(&mut payload.role, bytes);
    payload.truncated.identity = true;
}
