//! JSON for people, as JavaScript writes it.

use serde_json::Value;

use super::text::{json_text, ordered, write_string};

/// The JSON text that JavaScript prints with an indent of two spaces; see
/// [`json_text`] for all else.
pub fn pretty_json(value: &Value) -> String {
    let mut text = String::new();
    write(&mut text, value, 0);
    text
}

fn write(text: &mut String, value: &Value, depth: usize) {
    match value {
        Value::Array(items) if !items.is_empty() => {
            text.push('[');
            for (position, item) in items.iter().enumerate() {
                line(text, position, depth + 1);
                write(text, item, depth + 1);
            }
            end(text, depth, ']');
        }
        Value::Object(map) if !map.is_empty() => {
            text.push('{');
            for (position, (key, value)) in ordered(map).enumerate() {
                line(text, position, depth + 1);
                write_string(text, key);
                text.push_str(": ");
                write(text, value, depth + 1);
            }
            end(text, depth, '}');
        }
        other => text.push_str(&json_text(other)),
    }
}

fn line(text: &mut String, position: usize, depth: usize) {
    text.push_str(if position == 0 { "\n" } else { ",\n" });
    indent(text, depth);
}

fn end(text: &mut String, depth: usize, bracket: char) {
    text.push('\n');
    indent(text, depth);
    text.push(bracket);
}

fn indent(text: &mut String, depth: usize) {
    for _ in 0..depth {
        text.push_str("  ");
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn it_is_laid_out_as_javascript_does() {
        let value = json!({
            "b": [], "a": {}, "10": [1.0, null, {"x": "é\n"}], "2": true,
        });
        let text = "{\n  \"2\": true,\n  \"10\": [\n    1,\n    null,\n    {\n      \"x\": \"é\\n\"\n    }\n  ],\n  \"b\": [],\n  \"a\": {}\n}";
        assert_eq!(pretty_json(&value), text);
        assert_eq!(pretty_json(&json!("x")), "\"x\"");
    }
}
