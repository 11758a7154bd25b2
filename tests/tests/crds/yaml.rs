//! JSON as YAML that a person reads: blocks, keywords of a schema in one order.

use serde_json::{Map, Value};

/// Keywords of a schema, as far as their order matters to a reader; the others come after.
const ORDER: [&str; 8] = [
    "description",
    "type",
    "format",
    "nullable",
    "default",
    "enum",
    "required",
    "x-kubernetes-validations",
];

/// Writes it, a definition with its schemas in order.
pub(crate) fn written(value: &Value) -> String {
    let mut lines = Vec::new();
    write(value, 0, false, &mut lines);
    lines.join("\n") + "\n"
}

/// Whether an object is one of names, none of keywords.
fn is_by_name(key: &str, value: &Value) -> bool {
    key == "properties"
        && value
            .as_object()
            .is_some_and(|it| it.values().all(Value::is_object))
}

fn write(value: &Value, indent: usize, is_by_name: bool, lines: &mut Vec<String>) {
    let space = " ".repeat(indent);
    match value {
        Value::Object(fields) => {
            for (key, value) in in_order(fields, is_by_name) {
                let key_text = scalar(&Value::from(key.as_str()));
                if is_block(value) {
                    lines.push(format!("{space}{key_text}:"));
                    let names = !is_by_name && self::is_by_name(key, value);
                    write(value, indent + 2, names, lines);
                } else {
                    lines.push(format!("{space}{key_text}: {}", scalar(value)));
                }
            }
        }
        Value::Array(items) => {
            for item in items {
                if is_block(item) {
                    let first = lines.len();
                    write(item, indent + 2, false, lines);
                    lines[first].replace_range(indent..=indent, "-");
                } else {
                    lines.push(format!("{space}- {}", scalar(item)));
                }
            }
        }
        other => lines.push(format!("{space}{}", scalar(other))),
    }
}

fn in_order(fields: &Map<String, Value>, is_by_name: bool) -> Vec<(&String, &Value)> {
    let mut fields: Vec<_> = fields.iter().collect();
    if !is_by_name {
        let place = |key: &str| ORDER.iter().position(|it| *it == key);
        fields.sort_by_key(|(key, _)| place(key).unwrap_or(ORDER.len()));
    }
    fields
}

fn is_block(value: &Value) -> bool {
    match value {
        Value::Object(fields) => !fields.is_empty(),
        Value::Array(items) => !items.is_empty(),
        _ => false,
    }
}

/// JSON is YAML; what cannot be anything but a text stands bare.
fn scalar(value: &Value) -> String {
    let Value::String(text) = value else {
        return value.to_string();
    };
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || " ._/-,'`()".contains(letter);
    let path = text.strip_prefix(['.', '/']).unwrap_or(text);
    let begins = path.starts_with(|letter: char| letter.is_ascii_alphabetic());
    let ends = text.ends_with(|letter: char| letter.is_ascii_alphanumeric() || letter == '.');
    let words = ["true", "false", "null", "yes", "no", "on", "off", "y", "n"];
    let is_word = words.iter().any(|word| text.eq_ignore_ascii_case(word));
    if begins && ends && !is_word && text.chars().all(is_plain) {
        text.clone()
    } else {
        value.to_string()
    }
}
