//! JSON values as YAML.
//!
//! Texts are in quotes, as JSON has them, unless they are words that no reader of any version takes
//! for something else; those of several lines are blocks where a block is exact. So nothing has to
//! be known of what readers make of `no`, `1e3` or `0o7`.

use serde_json::Value;

use crate::verbs;

/// Returns one document, without the line between documents.
pub(super) fn document(value: &Value) -> String {
    let mut text = String::new();
    put(value, 0, &mut text);
    // What stands at the beginning of a line is a block; everything else is behind something.
    let text = text.trim_start_matches([' ', '\n']);
    format!("{text}\n")
}

/// Adds a value behind a key or a dash: on the same line, or on lines of its own, indented.
fn put(value: &Value, depth: usize, text: &mut String) {
    match value {
        Value::Object(fields) if !fields.is_empty() => {
            for (key, value) in fields {
                line(depth, text);
                text.push_str(&word(key));
                text.push(':');
                put(value, depth + 1, text);
            }
        }
        Value::Array(items) if !items.is_empty() => {
            for item in items {
                line(depth, text);
                text.push('-');
                let mut inner = String::new();
                put(item, depth + 1, &mut inner);
                // The first field of an object stands beside the dash.
                let beside = inner.trim_start_matches(['\n', ' ']);
                text.push(' ');
                text.push_str(beside);
            }
        }
        Value::String(words) => match block(words, depth) {
            Some(block) => text.push_str(&block),
            None => push(text, &word(words)),
        },
        other => push(text, &other.to_string()),
    }
}

fn push(text: &mut String, words: &str) {
    text.push(' ');
    text.push_str(words);
}

fn line(depth: usize, text: &mut String) {
    text.push('\n');
    text.push_str(&"  ".repeat(depth));
}

/// A text of several lines as a block, if it comes out of that as it went in.
fn block(text: &str, depth: usize) -> Option<String> {
    let body = text.strip_suffix('\n').unwrap_or(text);
    let is_plain = |letter: char| {
        // Of what is no control character, these are line breaks to some readers, and the last
        // marks an order of bytes.
        let breaks = ['\u{2028}', '\u{2029}', '\u{feff}'].contains(&letter);
        letter == '\n' || !(letter.is_control() || breaks)
    };
    let is_exact = body.contains('\n')
        && !body.ends_with('\n')
        && !body.starts_with([' ', '\n'])
        && !body.lines().any(|line| line.ends_with(' '))
        && body.chars().all(is_plain);
    if !is_exact {
        return None;
    }
    let mark = if text.len() == body.len() { "|-" } else { "|" };
    let mut block = format!(" {mark}");
    for each in body.split('\n') {
        if each.is_empty() {
            block.push('\n');
        } else {
            line(depth.max(1), &mut block);
            block.push_str(each);
        }
    }
    Some(block)
}

/// A text on one line.
fn word(text: &str) -> String {
    if is_bare(text) {
        return text.to_owned();
    }
    let quoted = verbs::escaped(&Value::from(text).to_string());
    let mut safe = String::with_capacity(quoted.len());
    for letter in quoted.chars() {
        match letter {
            '\u{2028}' | '\u{2029}' | '\u{feff}' => {
                safe.push_str(&format!("\\u{:04x}", u32::from(letter)));
            }
            letter => safe.push(letter),
        }
    }
    safe
}

/// Says whether every reader takes it for the text that it is: a letter first, then what has no
/// meaning, and none of the words that mean something.
fn is_bare(text: &str) -> bool {
    const MEAN_SOMETHING: [&str; 9] = ["null", "true", "false", "yes", "no", "on", "off", "y", "n"];
    let is_inside = |letter: char| letter.is_ascii_alphanumeric() || "-_./".contains(letter);
    let mut letters = text.chars();
    letters
        .next()
        .is_some_and(|first| first.is_ascii_alphabetic() || first == '/')
        && letters.all(is_inside)
        && !MEAN_SOMETHING.contains(&text.to_ascii_lowercase().as_str())
}

#[cfg(test)]
mod tests {
    use agent_plan::manifest::{Manifests, read};
    use serde_json::json;

    use super::*;

    #[test]
    fn every_text_is_read_as_it_was() {
        let texts = [
            "",
            " ",
            "no",
            "NULL",
            "~",
            "0o7",
            "1e3",
            "a: b",
            "- a",
            "# a",
            "a #b",
            "{{x}}",
            "\"",
            "a\nb",
            "a\nb\n",
            "a\nb\n\n",
            "\na\nb",
            " a\nb",
            "a \nb",
            "a\n\n b\n",
            "a\tb\nc",
            "---\na",
            "a\n---\nb",
            "\u{85}",
            "a\u{2028}\nb",
            "\u{7f}\nx",
            "\u{feff}a\nb",
            "é\n€",
            "a\r\nb",
            "\\n",
            "/workspace/run.json",
            "12:30:00",
            "2026-01-01",
            "<<",
            "=",
        ];
        let data: serde_json::Map<_, _> = texts
            .iter()
            .enumerate()
            .map(|(index, text)| (format!("k{index}"), (*text).into()))
            .collect();
        let map = json!({
            "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "texts" }, "data": data,
        });
        let printed = document(&map);
        let reading = read(printed.as_bytes(), "printed");
        let manifests = Manifests::new([reading]).expect("it is YAML");
        let written = manifests.all()[0].written("data").expect("it is there");
        assert_eq!(written, map["data"], "{printed}");
    }

    #[test]
    fn structures_look_as_people_write_them() {
        let value = json!({
            "a": [{ "b": 1, "c": [] }, "two", [1, [2]]], "d": {}, "e": null, "f": "x\ny\n",
        });
        let expected = "a:\n  - b: 1\n    c: []\n  - two\n  - - 1\n    - - 2\nd: {}\ne: null\nf: |\n  x\n  y\n";
        assert_eq!(document(&value), expected);
    }
}
