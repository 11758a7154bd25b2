//! The tools that claude calls, in one line each.

use agent_plan::event::Tool;
use serde_json::Value;

use crate::content;
pub(super) use crate::content::title as one_line;
use crate::memory::Memory;

/// Inputs that say what a call is about, the best first.
const TELLING: [&str; 11] = [
    "command",
    "file_path",
    "notebook_path",
    "pattern",
    "url",
    "query",
    "skill",
    "description",
    "path",
    "task_id",
    "prompt",
];

/// The calls that have no result yet.
#[derive(Debug, Default)]
pub(super) struct Tools {
    calls: Memory<(String, String)>,
}

impl Tools {
    /// Takes a call.
    pub(super) fn call(&mut self, id: &str, name: &str, input: &Value) -> Tool {
        let (name, title) = (one_line(name), title(input));
        let id = content::id(id);
        self.calls.insert(&id, (name.clone(), title.clone()));
        Tool {
            id,
            name,
            title,
            ..Tool::default()
        }
    }

    /// Takes a result.
    pub(super) fn result(&mut self, id: &str, failed: bool, output: &str) -> Tool {
        let id = content::id(id);
        let (name, title) = self.calls.remove(&id).unwrap_or_default();
        Tool {
            id,
            name,
            title,
            ok: Some(!failed),
            exit_code: failed.then(|| exit_code(output)).flatten(),
        }
    }
}

/// A failed command's output begins with `Exit code 3`.
fn exit_code(output: &str) -> Option<i64> {
    let first = output.lines().next()?;
    first.strip_prefix("Exit code ")?.trim().parse().ok()
}

fn title(input: &Value) -> String {
    let telling = TELLING.iter().find_map(|key| input.get(key)?.as_str());
    match (telling, input) {
        (Some(text), _) => one_line(text),
        (None, Value::Object(fields)) if !fields.is_empty() => one_line(&input.to_string()),
        _ => String::new(),
    }
}

/// Returns the text of a result: words, or blocks of which some are words.
pub(super) fn output(content: Option<&Value>) -> String {
    match content {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(blocks)) => {
            let texts = blocks.iter().map(|block| {
                let text = block.get("text").and_then(Value::as_str);
                text.map_or_else(|| format!("[{}]", kind(block)), str::to_owned)
            });
            texts.collect::<Vec<_>>().join("\n")
        }
        _ => String::new(),
    }
}

fn kind(block: &Value) -> String {
    let kind = block.get("type").and_then(Value::as_str);
    one_line(kind.unwrap_or("block"))
}
