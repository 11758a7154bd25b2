//! `OpenAI` Responses: answers as a stream, which is all that codex asks for.

use serde_json::{Value, json};

use super::event::{Event, offered, unique};
use super::step::{Answer, Call, Tool};
use super::{CACHE_READ, REASONING};

/// Returns the body of a refusal.
pub(super) fn error(kind: &str, message: &str) -> Value {
    json!({ "error": { "type": kind, "code": kind, "message": message, "param": null } })
}

/// Returns the event of a response that fails after it has begun.
pub(super) fn failed(kind: &str, message: &str) -> Event {
    let code = match kind {
        "overloaded_error" => "server_is_overloaded",
        "rate_limit_error" => "rate_limit_exceeded",
        other => other,
    };
    let response = json!({
        "id": unique("resp_"),
        "status": "failed",
        "error": { "code": code, "message": message },
    });
    let data = json!({ "type": "response.failed", "response": response });
    Event::new("response.failed", data)
}

/// Returns an answer as a stream.
pub(super) fn events(answer: &Answer, request: &Value) -> Vec<Event> {
    let mut response = json!({
        "id": unique("resp_"),
        "object": "response",
        "created_at": 1_700_000_000,
        "model": request["model"],
        "status": "in_progress",
        "output": [],
    });
    let mut stream = Stream::default();
    stream.event("response.created", json!({ "response": response }));
    if let Some(thinking) = &answer.thinking {
        stream.reasoning(answer, thinking);
    }
    if let Some(text) = &answer.text {
        stream.message(answer, text);
    }
    for call in &answer.calls {
        stream.item(shaped(call, request));
    }
    response["status"] = json!("completed");
    response["output"] = json!(stream.items);
    response["usage"] = json!({
        "input_tokens": answer.input_tokens,
        "input_tokens_details": { "cached_tokens": CACHE_READ },
        "output_tokens": answer.output_tokens,
        "output_tokens_details": { "reasoning_tokens": REASONING },
        "total_tokens": answer.input_tokens + answer.output_tokens,
    });
    stream.event("response.completed", json!({ "response": response }));
    stream.events
}

#[derive(Default)]
struct Stream {
    events: Vec<Event>,
    items: Vec<Value>,
}

impl Stream {
    fn event(&mut self, name: &'static str, mut data: Value) {
        data["type"] = json!(name);
        data["sequence_number"] = json!(self.events.len());
        self.events.push(Event::new(name, data));
    }

    fn piece(&mut self, name: &'static str, data: Value) {
        self.event(name, data);
        let event = self.events.pop().expect("one has just been pushed");
        self.events.push(event.piece());
    }

    fn added(&mut self, item: &Value) {
        let index = self.items.len();
        self.event(
            "response.output_item.added",
            json!({ "output_index": index, "item": item }),
        );
    }

    fn done(&mut self, item: Value) {
        let index = self.items.len();
        self.event(
            "response.output_item.done",
            json!({ "output_index": index, "item": item }),
        );
        self.items.push(item);
    }

    fn reasoning(&mut self, answer: &Answer, text: &str) {
        let (id, index) = (unique("rs_"), self.items.len());
        let mut item = json!({
            "id": id, "type": "reasoning", "summary": [], "encrypted_content": "c2VhbGVk",
        });
        self.added(&item);
        let part = |text: &str| json!({ "type": "summary_text", "text": text });
        self.event(
            "response.reasoning_summary_part.added",
            json!({ "item_id": id, "output_index": index, "summary_index": 0, "part": part("") }),
        );
        for piece in answer.pieces(text) {
            self.piece(
                "response.reasoning_summary_text.delta",
                json!({ "item_id": id, "output_index": index, "summary_index": 0, "delta": piece }),
            );
        }
        item["summary"] = json!([part(text)]);
        self.done(item);
    }

    fn message(&mut self, answer: &Answer, text: &str) {
        let (id, index) = (unique("msg_"), self.items.len());
        let mut item = json!({
            "id": id, "type": "message", "role": "assistant", "status": "in_progress", "content": [],
        });
        self.added(&item);
        let part = |text: &str| json!({ "type": "output_text", "text": text, "annotations": [] });
        self.event(
            "response.content_part.added",
            json!({ "item_id": id, "output_index": index, "content_index": 0, "part": part("") }),
        );
        for piece in answer.pieces(text) {
            self.piece(
                "response.output_text.delta",
                json!({ "item_id": id, "output_index": index, "content_index": 0, "delta": piece }),
            );
        }
        self.event(
            "response.output_text.done",
            json!({ "item_id": id, "output_index": index, "content_index": 0, "text": text }),
        );
        item["status"] = json!("completed");
        item["content"] = json!([part(text)]);
        self.done(item);
    }

    fn item(&mut self, item: Value) {
        let mut begun = item.clone();
        begun["status"] = json!("in_progress");
        self.added(&begun);
        self.done(item);
    }
}

/// Returns the item of a call, for the tools that a request offers.
fn shaped(call: &Call, request: &Value) -> Value {
    let has = |tool: &str| offered(request).any(|name| name == tool);
    match &call.0 {
        Tool::Shell(command) if has("exec_command") => {
            // Long enough that a command is not taken for one in the background.
            function(
                "exec_command",
                &json!({ "cmd": command, "yield_time_ms": 30_000 }),
            )
        }
        Tool::Shell(command) if has("shell_command") => {
            function("shell_command", &json!({ "command": command }))
        }
        Tool::Shell(command) if has("exec") => {
            let cmd = json!(command);
            free_form(
                "exec",
                &format!("const r = await tools.exec_command({{cmd: {cmd}}}); text(r.output);"),
            )
        }
        Tool::Shell(command) => function("shell", &json!({ "command": ["bash", "-lc", command] })),
        Tool::Write { path, content } => {
            let mut patch = format!("*** Begin Patch\n*** Add File: {path}\n");
            for line in content.lines() {
                patch += &format!("+{line}\n");
            }
            patch += "*** End Patch";
            if has("apply_patch") {
                free_form("apply_patch", &patch)
            } else {
                let command = format!("apply_patch <<'END OF PATCH'\n{patch}\nEND OF PATCH");
                shaped(&Call::shell(command), request)
            }
        }
        Tool::Named {
            name,
            input: Value::String(input),
        } => free_form(name, input),
        Tool::Named { name, input } => function(name, input),
    }
}

fn function(name: &str, arguments: &Value) -> Value {
    let mut item = item("function_call", name);
    item["arguments"] = json!(arguments.to_string());
    item
}

fn free_form(name: &str, input: &str) -> Value {
    let mut item = item("custom_tool_call", name);
    item["input"] = json!(input);
    item
}

fn item(kind: &str, name: &str) -> Value {
    let mut item = json!({
        "id": unique("fc_"),
        "type": kind,
        "call_id": unique("call_"),
        "name": name,
        "status": "completed",
    });
    // codex keeps the tools of a server in a namespace of their own.
    if let Some((namespace, name)) = name.rsplit_once("__")
        && namespace.starts_with("mcp__")
    {
        item["namespace"] = json!(namespace);
        item["name"] = json!(name);
    }
    item
}
