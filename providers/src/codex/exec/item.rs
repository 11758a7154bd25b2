//! Items: what happens in a turn. Messages come whole; tools come as a start and an end.

use agent_plan::event::{Event, EventKind, Role, Tool};
use agent_plan::provider::{Action, Report};
use agent_plan::status::cut;
use serde_json::{Value, json};

use crate::content::{self, INPUT};
use crate::memory::Memory;

/// The longest title of a tool, in characters: a few lines of a terminal.
const TITLE_LIMIT: usize = 400;

/// The items of a conversation.
#[derive(Debug, Default)]
pub(super) struct Items {
    running: Memory<Tool>,
    /// Those whose results were told although codex had not told them.
    left: Memory<()>,
    last_message: Option<String>,
}

impl Items {
    /// Returns the last message.
    pub(super) fn last_message(&self) -> Option<&str> {
        self.last_message.as_deref()
    }

    /// Takes `item.started`, `item.updated` or `item.completed`.
    pub(super) fn take(&mut self, event: &str, item: &Value, report: &mut Report) -> Vec<Action> {
        let completed = event == "item.completed";
        match text(item, "type") {
            "agent_message" if completed => self.message(text(item, "text")),
            "reasoning" if completed => {
                let said = Event::new(EventKind::Reasoning, Role::Assistant, text(item, "text"));
                vec![Action::Emit(said)]
            }
            "error" => {
                let message = text(item, "message");
                report.warn(message);
                vec![Action::Emit(Event::new(
                    EventKind::Status,
                    Role::System,
                    message,
                ))]
            }
            "todo_list" => vec![Action::Emit(todo_list(item))],
            "agent_message" | "reasoning" => Vec::new(),
            kind => {
                let Some(tool) = tool(kind, item) else {
                    report.known_events -= 1;
                    report.unknown_events += 1;
                    return Vec::new();
                };
                match event {
                    "item.started" => self.started(tool, item, report),
                    "item.completed" => self.completed(tool, item, report),
                    _ => Vec::new(),
                }
            }
        }
    }

    fn message(&mut self, text: &str) -> Vec<Action> {
        self.last_message = Some(content::bounded(text));
        vec![Action::Emit(Event::new(
            EventKind::Message,
            Role::Assistant,
            text,
        ))]
    }

    fn started(&mut self, tool: Tool, item: &Value, report: &mut Report) -> Vec<Action> {
        if self.running.get_mut(&tool.id).is_some() {
            return Vec::new();
        }
        report.usage.tool_calls += 1;
        let forgotten = self.running.insert(&tool.id, tool.clone());
        let forgotten = forgotten.map(|(_, tool)| self.leave(tool, "Too many tools run."));
        let mut actions: Vec<Action> = forgotten.into_iter().collect();
        actions.push(Action::Emit(call(tool, item)));
        actions
    }

    fn completed(&mut self, mut tool: Tool, item: &Value, report: &mut Report) -> Vec<Action> {
        if self.left.remove(&tool.id).is_some() {
            // Its result was told; a second one would belong to no call.
            let late = Event::new(EventKind::Log, Role::Tool, output(item));
            return vec![Action::Emit(late.with("itemId", tool.id))];
        }
        let mut actions = Vec::new();
        if self.running.remove(&tool.id).is_none() {
            // Some tools are told of only when they are done.
            report.usage.tool_calls += 1;
            actions.push(Action::Emit(call(tool.clone(), item)));
        }
        tool.exit_code = item["exit_code"].as_i64();
        tool.ok = Some(match item["status"].as_str() {
            Some(status) => status == "completed",
            None => item["error"].is_null(),
        });
        actions.push(Action::Emit(Event::tool_result(tool, output(item))));
        actions
    }

    /// Ends the tools that nobody will hear of again: while one runs, silence is not idleness.
    pub(super) fn close(&mut self, why: &str) -> Vec<Action> {
        let open = self.running.take(|_| true).into_iter();
        open.map(|(_, tool)| self.leave(tool, why)).collect()
    }

    fn leave(&mut self, mut tool: Tool, why: &str) -> Action {
        tool.ok = Some(false);
        self.left.insert(&tool.id, ());
        Action::Emit(Event::tool_result(tool, why))
    }
}

/// Returns the tool that an item is about; `None`: this kind of item is not known.
fn tool(kind: &str, item: &Value) -> Option<Tool> {
    let (name, title) = match kind {
        "command_execution" => ("shell".to_owned(), text(item, "command").to_owned()),
        "file_change" => ("apply_patch".to_owned(), changes(item).join(", ")),
        "mcp_tool_call" => {
            let name = format!("{}.{}", text(item, "server"), text(item, "tool"));
            (name, compact(&item["arguments"]))
        }
        "web_search" => ("web_search".to_owned(), text(item, "query").to_owned()),
        "collab_tool_call" => (
            text(item, "tool").to_owned(),
            text(item, "prompt").to_owned(),
        ),
        _ => return None,
    };
    let title: Vec<&str> = title.split_whitespace().collect();
    Some(Tool {
        id: content::id(text(item, "id")),
        name: cut(&name, TITLE_LIMIT),
        title: cut(&title.join(" "), TITLE_LIMIT),
        ..Tool::default()
    })
}

/// Returns the start of a tool, with what it was given.
fn call(tool: Tool, item: &Value) -> Event {
    let of = |name: &str| match &item[name] {
        Value::Null => Value::Null,
        value => json!({ name: value }),
    };
    let input = match text(item, "type") {
        "command_execution" => of("command"),
        "file_change" => of("changes"),
        "mcp_tool_call" if item["arguments"].is_object() => item["arguments"].clone(),
        "mcp_tool_call" => of("arguments"),
        "web_search" => of("query"),
        _ => of("prompt"),
    };
    Event::tool_call(tool).with(INPUT, input)
}

fn output(item: &Value) -> String {
    if let Some(output) = item["aggregated_output"].as_str() {
        return output.to_owned();
    }
    let error = item["error"]["message"].as_str();
    if let Some(error) = error.or_else(|| item["error"].as_str()) {
        return error.to_owned();
    }
    match &item["result"]["content"] {
        Value::Array(parts) => {
            let texts = parts.iter().filter_map(|part| part["text"].as_str());
            texts.collect::<Vec<_>>().join("\n")
        }
        _ => changes(item).join("\n"),
    }
}

/// Returns `kind path` of every file that was changed.
fn changes(item: &Value) -> Vec<String> {
    let changes = item["changes"].as_array().into_iter().flatten();
    let lines = changes.map(|change| format!("{} {}", text(change, "kind"), text(change, "path")));
    lines.collect()
}

fn todo_list(item: &Value) -> Event {
    let items = item["items"].as_array().map_or(&[][..], Vec::as_slice);
    let done = items
        .iter()
        .filter(|item| item["completed"] == true)
        .count();
    let said = format!("plan: {done} of {} done", items.len());
    Event::new(EventKind::Status, Role::Assistant, said).with("plan", items)
}

fn compact(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        value => value.to_string(),
    }
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_default()
}
