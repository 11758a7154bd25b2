//! Tools: what an item of a thread says about the tool that it is.

use agent_plan::event::Tool;
use serde_json::{Value, json};

use super::fields::{self, plain, text};
use crate::content;

/// Returns the tool that an item is, if it is one.
pub(super) fn tool(item: &Value) -> Option<Tool> {
    let words = |key| text(item, key).unwrap_or_default().to_owned();
    let of = |owner| match text(item, owner) {
        Some(owner) => format!("{owner}.{}", words("tool")),
        None => words("tool"),
    };
    let arguments = || plain(item.get("arguments").unwrap_or(&Value::Null));
    let (name, title) = match text(item, "type")? {
        "commandExecution" => ("shell".to_owned(), words("command")),
        "fileChange" => ("apply_patch".to_owned(), changes(item, "path", ", ")),
        "mcpToolCall" => (of("server"), arguments()),
        "dynamicToolCall" => (of("namespace"), arguments()),
        "collabAgentToolCall" => (words("tool"), words("prompt")),
        "webSearch" => ("web_search".to_owned(), words("query")),
        "imageView" => ("view_image".to_owned(), words("path")),
        "imageGeneration" => ("image_generation".to_owned(), words("revisedPrompt")),
        "sleep" => {
            let span = fields::number(item, "durationMs").unwrap_or_default();
            ("sleep".to_owned(), format!("{span} ms"))
        }
        _ => return None,
    };
    Some(Tool {
        id: content::id(&words("id")),
        name: fields::title(&name),
        title: fields::title(&title),
        ..Tool::default()
    })
}

/// Returns what a tool was given, an object; null if nothing is told.
pub(super) fn input(item: &Value) -> Value {
    let arguments = item.get("arguments");
    if let Some(arguments) = arguments.filter(|arguments| arguments.is_object()) {
        return arguments.clone();
    }
    let name = match text(item, "type").unwrap_or_default() {
        "commandExecution" => "command",
        "fileChange" => "changes",
        "mcpToolCall" | "dynamicToolCall" => "arguments",
        "collabAgentToolCall" => "prompt",
        "webSearch" => "query",
        "imageView" => "path",
        "imageGeneration" => "revisedPrompt",
        _ => "durationMs",
    };
    match item.get(name) {
        None | Some(Value::Null) => Value::Null,
        Some(value) => json!({ name: value }),
    }
}

/// Adds to a tool how it ended.
pub(super) fn ended(mut tool: Tool, item: &Value) -> Tool {
    // Some have no status: what they do cannot fail.
    let completed = text(item, "status").is_none_or(|status| status == "completed");
    tool.exit_code = item.get("exitCode").and_then(Value::as_i64);
    let success = item.get("success").and_then(Value::as_bool);
    tool.ok = Some(completed && tool.exit_code.unwrap_or(0) == 0 && success != Some(false));
    tool
}

/// Returns what a tool gave back.
pub(super) fn output(item: &Value) -> String {
    match text(item, "type") {
        Some("commandExecution") => text(item, "aggregatedOutput")
            .unwrap_or_default()
            .to_owned(),
        Some("fileChange") => changes(item, "diff", "\n"),
        Some("mcpToolCall") => match item.pointer("/error/message").and_then(Value::as_str) {
            Some(error) => error.to_owned(),
            None => contents(item.get("result").unwrap_or(&Value::Null), "content"),
        },
        Some("dynamicToolCall") => contents(item, "contentItems"),
        _ => String::new(),
    }
}

fn changes(item: &Value, key: &str, separator: &str) -> String {
    let changes = fields::list(item, "changes").iter();
    let texts: Vec<&str> = changes.filter_map(|change| text(change, key)).collect();
    texts.join(separator)
}

/// The texts among parts of which some are images.
fn contents(value: &Value, key: &str) -> String {
    let parts = fields::list(value, key).iter();
    let texts: Vec<&str> = parts.filter_map(|part| text(part, "text")).collect();
    texts.join("\n")
}
