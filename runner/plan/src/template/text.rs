//! The text JavaScript gives a JSON value, which is what the incumbent inserts.

use std::fmt::Write as _;

use serde_json::{Map, Number, Value};

/// The JSON text JavaScript prints: compact, keys in document order with integer-like keys first,
/// non-ASCII as is, numbers as JavaScript writes them.
pub fn json_text(value: &Value) -> String {
    let mut text = String::new();
    write_json(&mut text, value);
    text
}

/// The text a tag inserts: a string as it is, nothing for `null`, [`json_text`] for all else.
pub fn tag_text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => json_text(other),
    }
}

/// Whether JavaScript's `trim` removes `c`: it knows the byte order mark, and not U+0085.
pub(crate) fn is_blank(c: char) -> bool {
    (c.is_whitespace() && c != '\u{85}') || c == '\u{feff}'
}

/// `text` without what JavaScript's `trim` removes.
pub(crate) fn trim(text: &str) -> &str {
    text.trim_matches(is_blank)
}

fn write_json(text: &mut String, value: &Value) {
    match value {
        Value::Null => text.push_str("null"),
        Value::Bool(true) => text.push_str("true"),
        Value::Bool(false) => text.push_str("false"),
        Value::Number(number) => text.push_str(&number_text(number)),
        Value::String(string) => write_string(text, string),
        Value::Array(items) => {
            text.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    text.push(',');
                }
                write_json(text, item);
            }
            text.push(']');
        }
        Value::Object(map) => write_object(text, map),
    }
}

/// The entries of an object in JavaScript's order.
pub(super) fn ordered(map: &Map<String, Value>) -> impl Iterator<Item = (&String, &Value)> {
    let mut entries: Vec<(Option<u32>, &String, &Value)> = map
        .iter()
        .map(|(key, value)| (array_index(key), key, value))
        .collect();
    // Stable, so that the other keys keep the order of the document.
    entries.sort_by_key(|(index, _, _)| index.map_or(u64::MAX, u64::from));
    entries.into_iter().map(|(_, key, value)| (key, value))
}

fn write_object(text: &mut String, map: &Map<String, Value>) {
    text.push('{');
    for (position, (key, value)) in ordered(map).enumerate() {
        if position > 0 {
            text.push(',');
        }
        write_string(text, key);
        text.push(':');
        write_json(text, value);
    }
    text.push('}');
}

/// The key as an array index, which JavaScript orders before all other keys.
fn array_index(key: &str) -> Option<u32> {
    let canonical = key == "0" || !key.starts_with(['0', '+']);
    // 2^32 - 1 is the length of the longest array, not an index.
    key.parse()
        .ok()
        .filter(|index| canonical && *index != u32::MAX)
}

pub(super) fn write_string(text: &mut String, string: &str) {
    text.push('"');
    for c in string.chars() {
        match c {
            '"' => text.push_str("\\\""),
            '\\' => text.push_str("\\\\"),
            '\u{8}' => text.push_str("\\b"),
            '\u{c}' => text.push_str("\\f"),
            '\n' => text.push_str("\\n"),
            '\r' => text.push_str("\\r"),
            '\t' => text.push_str("\\t"),
            c if c < ' ' => {
                write!(text, "\\u{:04x}", u32::from(c)).expect("a string takes all text");
            }
            c => text.push(c),
        }
    }
    text.push('"');
}

/// `Number.prototype.toString` of ECMA-262, radix 10.
fn number_text(number: &Number) -> String {
    // JavaScript has no integers: large ones are rounded before they are printed.
    let Some(number) = number.as_f64() else {
        return number.to_string();
    };
    if number == 0.0 {
        return "0".to_owned();
    }
    let scientific = format!("{:e}", number.abs());
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let digits = mantissa.replace('.', "");
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let sign = if number < 0.0 { "-" } else { "" };
    format!("{sign}{}", place_point(&digits, exponent))
}

/// Writes 0.d₁d₂… × 10^(exponent + 1), where `digits` are the shortest that give the number back.
fn place_point(digits: &str, exponent: i32) -> String {
    let count = digits.len();
    match exponent {
        0..=20 => {
            let whole = usize::try_from(exponent).unwrap_or(0) + 1;
            if count <= whole {
                format!("{digits}{}", "0".repeat(whole - count))
            } else {
                format!("{}.{}", &digits[..whole], &digits[whole..])
            }
        }
        -6..=-1 => {
            let zeros = usize::try_from(-exponent - 1).unwrap_or(0);
            format!("0.{}{digits}", "0".repeat(zeros))
        }
        _ => {
            let (first, rest) = digits.split_at(1);
            let point = if rest.is_empty() { "" } else { "." };
            let sign = if exponent < 0 { "-" } else { "+" };
            format!("{first}{point}{rest}e{sign}{}", exponent.unsigned_abs())
        }
    }
}
