//! A server of the Model Context Protocol on stdio, with one tool: `echo`.
//!
//! It answers what it was told, behind its arguments and the value of `ECHO_PREFIX`.

use std::io::{self, BufRead, Write};

use serde_json::{Value, json};

fn main() -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    for line in io::stdin().lock().lines() {
        let Ok(request) = serde_json::from_str::<Value>(&line?) else {
            continue;
        };
        // What has no id is a notification, and wants no answer.
        let Some(id) = request.get("id") else {
            continue;
        };
        let answer = match answer(&request) {
            Some(result) => json!({ "jsonrpc": "2.0", "id": id, "result": result }),
            None => json!({ "jsonrpc": "2.0", "id": id,
                "error": { "code": -32601, "message": "no such method" } }),
        };
        writeln!(stdout, "{answer}")?;
        stdout.flush()?;
    }
    Ok(())
}

fn answer(request: &Value) -> Option<Value> {
    let params = &request["params"];
    Some(match request["method"].as_str()? {
        "initialize" => json!({
            "protocolVersion": params["protocolVersion"],
            "capabilities": { "tools": {} },
            "serverInfo": { "name": "echo", "version": "1.0.0" },
        }),
        "ping" => json!({}),
        "tools/list" => json!({ "tools": [{
            "name": "echo",
            "description": "Says again what it was told.",
            "inputSchema": {
                "type": "object",
                "properties": { "text": { "type": "string" } },
                "required": ["text"],
            },
            "annotations": { "readOnlyHint": true },
        }] }),
        "tools/call" => {
            let text = params["arguments"]["text"].as_str()?;
            let mut words: Vec<String> = std::env::args().skip(1).collect();
            words.extend(
                std::env::vars().find_map(|(name, value)| (name == "ECHO_PREFIX").then_some(value)),
            );
            words.push(text.to_owned());
            json!({ "content": [{ "type": "text", "text": words.join(" ") }] })
        }
        _ => return None,
    })
}
