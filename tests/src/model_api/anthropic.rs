//! Anthropic Messages: answers as one object and as a stream.

use std::path::Path;

use serde_json::{Value, json};

use super::event::{Event, offered, unique};
use super::step::{Answer, Call, Tool};
use super::{CACHE_READ, CACHE_WRITTEN};

/// Returns the error that a refusal has as its body, and a stream as an event.
pub(super) fn error(kind: &str, message: &str) -> Value {
    json!({ "type": "error", "error": { "type": kind, "message": message } })
}

/// Returns an answer as one object.
pub(super) fn message(answer: &Answer, request: &Value) -> Value {
    let mut content = Vec::new();
    if let Some(thinking) = &answer.thinking {
        content.push(json!({ "type": "thinking", "thinking": thinking, "signature": "c2lnbmVk" }));
    }
    if let Some(text) = &answer.text {
        content.push(json!({ "type": "text", "text": text }));
    }
    for call in &answer.calls {
        let (name, input) = shaped(call, request);
        let id = unique("toolu_");
        content.push(json!({ "type": "tool_use", "id": id, "name": name, "input": input }));
    }
    let stop_reason = if answer.calls.is_empty() {
        "end_turn"
    } else {
        "tool_use"
    };
    json!({
        "id": unique("msg_"),
        "type": "message",
        "role": "assistant",
        "model": request["model"],
        "content": content,
        "stop_reason": stop_reason,
        "stop_sequence": null,
        "usage": {
            "input_tokens": answer.input_tokens,
            "output_tokens": answer.output_tokens,
            "cache_creation_input_tokens": CACHE_WRITTEN,
            "cache_read_input_tokens": CACHE_READ,
        },
    })
}

/// Returns an answer as a stream.
pub(super) fn events(answer: &Answer, request: &Value) -> Vec<Event> {
    let whole = message(answer, request);
    let mut begun = whole.clone();
    begun["content"] = json!([]);
    begun["stop_reason"] = Value::Null;
    // At its beginning a message has no more than this, which is why clients must not add it up.
    begun["usage"]["output_tokens"] = json!(1);
    let mut events = vec![
        event("message_start", json!({ "message": begun })),
        event("ping", json!({})),
    ];
    for (index, block) in whole["content"]
        .as_array()
        .into_iter()
        .flatten()
        .enumerate()
    {
        let (empty, deltas) = divided(answer, block);
        events.push(event(
            "content_block_start",
            json!({ "index": index, "content_block": empty }),
        ));
        events.extend(deltas.into_iter().map(|delta| {
            event(
                "content_block_delta",
                json!({ "index": index, "delta": delta }),
            )
            .piece()
        }));
        events.push(event("content_block_stop", json!({ "index": index })));
    }
    events.push(event(
        "message_delta",
        json!({
            "delta": { "stop_reason": whole["stop_reason"], "stop_sequence": null },
            "usage": { "output_tokens": answer.output_tokens },
        }),
    ));
    events.push(event("message_stop", json!({})));
    events
}

/// Returns a block as it begins, and what is added to it.
fn divided(answer: &Answer, block: &Value) -> (Value, Vec<Value>) {
    let mut empty = block.clone();
    let text = |key: &str| block[key].as_str().unwrap_or_default();
    let deltas = match text("type") {
        "text" => {
            empty["text"] = json!("");
            let pieces = answer.pieces(text("text"));
            (pieces.iter())
                .map(|piece| json!({ "type": "text_delta", "text": piece }))
                .collect()
        }
        "thinking" => {
            empty["thinking"] = json!("");
            empty["signature"] = json!("");
            let pieces = answer.pieces(text("thinking"));
            (pieces.iter())
                .map(|piece| json!({ "type": "thinking_delta", "thinking": piece }))
                .chain([json!({ "type": "signature_delta", "signature": block["signature"] })])
                .collect()
        }
        _ => {
            empty["input"] = json!({});
            let pieces = answer.pieces(&block["input"].to_string());
            (pieces.iter())
                .map(|piece| json!({ "type": "input_json_delta", "partial_json": piece }))
                .collect()
        }
    };
    (empty, deltas)
}

fn event(name: &'static str, mut data: Value) -> Event {
    data["type"] = json!(name);
    Event::new(name, data)
}

/// Returns name and input of a call, for the tools that a request offers.
fn shaped(call: &Call, request: &Value) -> (String, Value) {
    match &call.0 {
        Tool::Shell(command) => {
            let input = json!({ "command": command, "description": "a step of the script" });
            ("Bash".to_owned(), input)
        }
        Tool::Write { path, content } => {
            // Both tools want an absolute path.
            let path = Path::new(&working_directory(request)).join(path);
            if offered(request).any(|name| name == "Write") {
                let input = json!({ "file_path": path, "content": content });
                ("Write".to_owned(), input)
            } else {
                let input = json!({ "file_path": path, "old_string": "", "new_string": content });
                ("Edit".to_owned(), input)
            }
        }
        Tool::Named { name, input } => (name.clone(), input.clone()),
    }
}

/// Returns where the CLI works, which it tells the model; empty if it does not.
fn working_directory(request: &Value) -> String {
    let blocks = request["system"].as_array().into_iter().flatten();
    blocks
        .filter_map(|block| block["text"].as_str())
        .flat_map(str::lines)
        .find_map(|line| {
            // The second is what `--bare` says.
            ["Primary working directory: ", "CWD: "]
                .iter()
                .find_map(|mark| Some(line.split_once(mark)?.1.trim().to_owned()))
        })
        .unwrap_or_default()
}
