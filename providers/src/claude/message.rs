//! What the model says and what its tools answer, whole and in pieces.

use agent_plan::event::{Event, EventKind, Role};
use agent_plan::provider::Action;
use serde_json::Value;

use super::{Claude, list, of, text, tools};
use crate::content::INPUT;

impl Claude {
    pub(super) fn on_assistant(&mut self, line: &Value) -> Vec<Action> {
        let main = text(line, "/parent_tool_use_id").is_none();
        // Claude writes messages of its own, which no model has been asked for.
        if text(line, "/message/model") != Some("<synthetic>")
            && let Some(id) = text(line, "/message/id")
        {
            let usage = line.pointer("/message/usage").unwrap_or(&Value::Null);
            self.spending.message(id, usage, main);
            self.show_spending();
        }
        let failure = text(line, "/error");
        if main {
            self.failure = failure.map(str::to_owned);
        }
        let content = line.pointer("/message/content");
        let blocks = content.and_then(Value::as_array);
        let mut events = Vec::new();
        for block in blocks.into_iter().flatten() {
            let event = match (text(block, "/type"), failure) {
                (Some("text"), Some(failure)) => said(EventKind::Error, block, "/text")
                    .with("class", failure)
                    .with("httpStatus", line.get("api_error_status").cloned()),
                (Some("text"), None) => said(EventKind::Message, block, "/text"),
                (Some("thinking"), _) => said(EventKind::Reasoning, block, "/thinking"),
                (Some("tool_use"), _) => {
                    self.report.usage.tool_calls += 1;
                    let id = text(block, "/id").unwrap_or_default();
                    let name = text(block, "/name").unwrap_or("tool");
                    let input = block.get("input").unwrap_or(&Value::Null);
                    Event::tool_call(self.tools.call(id, name, input)).with(INPUT, input.clone())
                }
                _ => continue,
            };
            events.push(Action::Emit(of(line, event)));
        }
        events
    }

    pub(super) fn on_user(&mut self, line: &Value) -> Vec<Action> {
        let mut events = Vec::new();
        for block in list(line, "/message/content") {
            let event = match text(block, "/type") {
                Some("tool_result") => {
                    let id = text(block, "/tool_use_id").unwrap_or_default();
                    let failed = block.get("is_error").and_then(Value::as_bool);
                    let output = tools::output(block.get("content"));
                    let tool = self.tools.result(id, failed.unwrap_or(false), &output);
                    Event::tool_result(tool, output)
                }
                Some("text") => Event {
                    role: Role::System,
                    ..said(EventKind::Log, block, "/text")
                },
                _ => continue,
            };
            events.push(Action::Emit(of(line, event)));
        }
        events
    }

    pub(super) fn on_stream(&mut self, line: &Value) -> Vec<Action> {
        let main = text(line, "/parent_tool_use_id").is_none();
        let event = match text(line, "/event/type") {
            Some("message_start") => {
                let id = text(line, "/event/message/id").unwrap_or_default();
                let usage = line.pointer("/event/message/usage");
                let usage = usage.unwrap_or(&Value::Null);
                self.spending.message(id, usage, main);
                self.show_spending();
                None
            }
            Some("message_delta") => {
                if let (Some(id), Some(usage)) =
                    (text(line, "/api_message_id"), line.pointer("/event/usage"))
                {
                    self.spending.message(id, usage, main);
                    self.show_spending();
                }
                None
            }
            Some("content_block_delta") => match text(line, "/event/delta/type") {
                Some("text_delta") => {
                    Some(said(EventKind::MessageDelta, line, "/event/delta/text"))
                }
                Some("thinking_delta") => {
                    let place = "/event/delta/thinking";
                    Some(said(EventKind::ReasoningDelta, line, place))
                }
                _ => None,
            },
            _ => None,
        };
        let event = event.map(|event| Action::Emit(of(line, event)));
        event.into_iter().collect()
    }
}

fn said(kind: EventKind, line: &Value, place: &str) -> Event {
    let content = text(line, place).unwrap_or_default();
    Event::new(kind, Role::Assistant, content)
}
