//! Items: messages, reasoning and tools, from start to end.

use agent_plan::event::{Event, EventKind, Role, Tool};
use serde_json::{Value, json};

use super::{AppServer, fields, tools};
use crate::content::{self, INPUT};
use crate::memory::Memory;

/// The tools of all threads.
#[derive(Debug, Default)]
pub(super) struct Items {
    /// Those that run, by id, with their thread.
    open: Memory<(String, Tool)>,
    /// Those whose results were told although the server had not told them.
    left: Memory<()>,
}

impl AppServer {
    /// A piece of a message or of reasoning. Equal pieces may follow each other.
    pub(super) fn on_piece(&mut self, kind: EventKind, params: &Value) {
        let delta = fields::text(params, "delta").unwrap_or_default();
        let piece = Event::new(kind, Role::Assistant, delta);
        let piece = piece.with("itemId", fields::text(params, "itemId"));
        self.emit_of(params, piece);
    }

    pub(super) fn on_item_started(&mut self, params: &Value) {
        let item = params.get("item").unwrap_or(&Value::Null);
        if let Some(tool) = tools::tool(item) {
            self.open_tool(params, item, tool);
        }
    }

    fn open_tool(&mut self, params: &Value, item: &Value, tool: Tool) {
        let entry = (thread_of(params), tool.clone());
        let known = self.items.open.get_mut(&tool.id).is_some();
        if let Some((_, (thread, forgotten))) = self.items.open.insert(&tool.id, entry) {
            self.leave_tool(
                &json!({"threadId": thread}),
                forgotten,
                "Too many tools run.",
            );
        }
        if !known {
            self.tell_call(params, item, tool);
        }
    }

    fn tell_call(&mut self, params: &Value, item: &Value, tool: Tool) {
        self.report.usage.tool_calls += 1;
        let call = Event::tool_call(tool).with(INPUT, tools::input(item));
        self.emit_of(params, call);
    }

    pub(super) fn on_item_completed(&mut self, params: &Value) {
        let item = params.get("item").unwrap_or(&Value::Null);
        if let Some(tool) = tools::tool(item) {
            return self.on_tool_completed(params, item, tool);
        }
        let said = |kind, role, text: String| Event::new(kind, role, text);
        let event = match fields::text(item, "type").unwrap_or_default() {
            "agentMessage" => {
                let text = fields::text(item, "text").unwrap_or_default().to_owned();
                if self.is_ours(params) {
                    self.report.result = Some(content::bounded(text.as_str()));
                }
                let message = said(EventKind::Message, Role::Assistant, text);
                message.with("phase", fields::text(item, "phase"))
            }
            "reasoning" => {
                let summary = fields::joined(item, "summary", "\n\n");
                let text = if summary.is_empty() {
                    fields::joined(item, "content", "\n\n")
                } else {
                    summary
                };
                said(EventKind::Reasoning, Role::Assistant, text)
            }
            "plan" => {
                let text = fields::text(item, "text").unwrap_or_default().to_owned();
                said(EventKind::Status, Role::Assistant, text)
            }
            "contextCompaction" => said(
                EventKind::Status,
                Role::System,
                "Context compacted.".to_owned(),
            ),
            kind @ ("enteredReviewMode" | "exitedReviewMode" | "subAgentActivity") => {
                said(EventKind::Log, Role::System, kind.to_owned())
            }
            // What we or a hook have said, and outputs of calls that are told as tools.
            "userMessage" | "hookPrompt" | "functionCallOutput" => return,
            _ => {
                self.report.unknown_events += 1;
                return;
            }
        };
        if !event.content.is_empty() {
            let event = event.with("itemId", fields::text(item, "id"));
            self.emit_of(params, event);
        }
    }

    fn on_tool_completed(&mut self, params: &Value, item: &Value, tool: Tool) {
        let output = tools::output(item);
        if self.items.left.remove(&tool.id).is_some() {
            // Its result was told; a second one would belong to no call.
            let late = Event::new(EventKind::Log, Role::Tool, output);
            return self.emit_of(params, late.with("itemId", tool.id));
        }
        if self.items.open.remove(&tool.id).is_none() {
            self.tell_call(params, item, tool.clone());
        }
        let result = Event::tool_result(tools::ended(tool, item), output);
        self.emit_of(params, result);
    }

    /// The turn of a thread is over, and with it the tools that nobody will hear of again.
    pub(super) fn close_tools(&mut self, params: &Value) {
        let thread = thread_of(params);
        for (_, (_, tool)) in self.items.open.take(|(of, _)| *of == thread) {
            self.leave_tool(params, tool, "The turn ended before this tool did.");
        }
    }

    fn leave_tool(&mut self, params: &Value, mut tool: Tool, why: &str) {
        tool.ok = Some(false);
        self.items.left.insert(&tool.id, ());
        self.emit_of(params, Event::tool_result(tool, why));
    }

    /// Emits what a thread says; that of an agent says whose it is.
    pub(super) fn emit_of(&mut self, params: &Value, event: Event) {
        let event = match fields::text(params, "threadId") {
            Some(thread) if !self.is_ours(params) => event.with("threadId", thread),
            _ => event,
        };
        self.emit(event);
    }
}

/// The thread that a notification is about; empty if it names none.
pub(super) fn thread_of(params: &Value) -> String {
    content::id(fields::text(params, "threadId").unwrap_or_default())
}
