//! The text of a message: the record's own, or words where there would be none.

use std::borrow::Cow;
use std::fmt::Write as _;

use serde_json::Value;

use crate::event::{EventKind, Tool};
use crate::record::Record;

/// How many attributes words are made of.
const FACTS: usize = 8;

/// Letters of a name or value among them.
const FACT_LETTERS: usize = 80;

/// Returns the text of a message, never blank: the subscriber drops what is.
///
/// A piece of a message stays as it is. It may well be one space, which its readers need, and the
/// whole follows.
pub(super) fn of(record: &Record) -> Cow<'_, str> {
    let is_piece = matches!(
        record.kind,
        EventKind::MessageDelta | EventKind::ReasoningDelta
    );
    if is_piece || !is_blank(&record.content) {
        return Cow::Borrowed(&record.content);
    }
    match (record.kind, &record.tool) {
        (EventKind::ToolCall, Some(tool)) => called(tool),
        (EventKind::ToolResult, _) => Cow::Borrowed("(no output)"),
        (EventKind::Log, _) => Cow::Borrowed("(empty line)"),
        _ => facts(record),
    }
}

/// Says whether nothing is left of a text once it is trimmed as JavaScript trims, and its NULs are
/// gone.
fn is_blank(text: &str) -> bool {
    let counts_not = |letter: char| letter.is_whitespace() || matches!(letter, '\0' | '\u{feff}');
    text.chars().all(counts_not)
}

/// Returns a call in words: `Bash: cargo test`.
fn called(tool: &Tool) -> Cow<'_, str> {
    match (is_blank(&tool.name), is_blank(&tool.title)) {
        (false, false) => Cow::Owned(format!("{}: {}", tool.name, tool.title)),
        (false, true) => Cow::Borrowed(&tool.name),
        (true, false) => Cow::Borrowed(&tool.title),
        (true, true) => Cow::Borrowed("a tool without a name"),
    }
}

/// Returns attributes in words: `usage: inputTokens 12, outputTokens 5`.
fn facts(record: &Record) -> Cow<'static, str> {
    let short = |text: &str| text.chars().take(FACT_LETTERS).collect::<String>();
    let words = |(name, value): (&String, &Value)| {
        let value = match value {
            Value::String(text) if !is_blank(text) => short(text.trim()),
            Value::Number(number) => number.to_string(),
            Value::Bool(truth) => truth.to_string(),
            _ => return None,
        };
        Some((short(name), value))
    };
    let mut text = record.kind.name().to_owned();
    let mut facts = record.attrs.iter().filter_map(words).take(FACTS).peekable();
    if facts.peek().is_none() {
        text.push_str(", without a word");
    }
    for (index, (name, value)) in facts.enumerate() {
        let mark = if index == 0 { ':' } else { ',' };
        // Writing to a string cannot fail.
        let _ = write!(text, "{mark} {name} {value}");
    }
    Cow::Owned(text)
}
