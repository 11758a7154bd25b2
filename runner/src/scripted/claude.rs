//! As `claude` speaks: stream-json both ways.

use serde_json::{Value, json};

use super::script::{Failure, SESSION};
use super::stdio::{Stdin, Stdout};
use super::voice::Voice;

const MODEL: &str = "claude-scripted";

pub(super) struct Claude {
    stdin: Stdin,
    /// Whether what is asked comes as lines of JSON, and stdin stays open.
    streams: bool,
    failed: bool,
}

impl Claude {
    pub(super) fn new(stdin: Stdin, streams: bool) -> Self {
        Self {
            stdin,
            streams,
            failed: false,
        }
    }

    fn result(&mut self, fields: Value) {
        let mut line = json!({
            "type": "result", "subtype": "success", "is_error": false, "num_turns": 1,
            "session_id": SESSION, "total_cost_usd": 0.01, "duration_ms": 5,
            "usage": {"input_tokens": 1200, "output_tokens": 34},
            "modelUsage": {}, "permission_denials": [], "terminal_reason": "completed",
        });
        if let Value::Object(fields) = fields {
            for (key, value) in fields {
                line[key] = value;
            }
        }
        self.failed = line["is_error"] == true;
        Stdout::json(&line);
    }
}

fn assistant(block: &Value) {
    Stdout::json(&json!({
        "type": "assistant", "session_id": SESSION, "parent_tool_use_id": null,
        "message": {"id": "msg_1", "role": "assistant", "model": MODEL, "content": [block]},
    }));
}

impl Voice for Claude {
    fn begin(&mut self) {
        if self.streams {
            self.stdin.line();
        } else {
            self.stdin.end();
        }
        Stdout::json(&json!({
            "type": "system", "subtype": "init", "session_id": SESSION, "model": MODEL,
            "permissionMode": "bypassPermissions", "mcp_servers": [], "tools": ["Bash"],
            "apiKeySource": "ANTHROPIC_API_KEY", "claude_code_version": "2.1.329",
        }));
    }

    fn say(&mut self, text: &str) {
        assistant(&json!({"type": "text", "text": text}));
    }

    fn tool(&mut self, output: &str) {
        let input = json!({"command": "cargo test"});
        assistant(&json!({"type": "tool_use", "id": "toolu_1", "name": "Bash", "input": input}));
        Stdout::json(&json!({
            "type": "user", "session_id": SESSION, "parent_tool_use_id": null,
            "message": {"role": "user", "content": [
                {"type": "tool_result", "tool_use_id": "toolu_1", "content": output, "is_error": false},
            ]},
        }));
    }

    fn babble(&mut self) {
        Stdout::json(&json!({"type": "horoscope", "sign": "leo"}));
        Stdout::json(&json!({"type": "system", "subtype": "weather"}));
        Stdout::line("Debugger attached.");
    }

    fn succeed(&mut self, answer: &str) {
        self.say(answer);
        self.result(json!({"result": answer}));
    }

    fn fail(&mut self, failure: Failure) -> u8 {
        let class = match failure {
            Failure::Auth => {
                Stdout::json(&json!({
                    "type": "system", "subtype": "api_retry", "attempt": 1, "max_retries": 10,
                    "retry_delay_ms": 60_000, "error_status": 401,
                    "error": "authentication_failed", "session_id": SESSION,
                }));
                return self.stopped();
            }
            Failure::MaxTurns => {
                self.result(json!({
                    "subtype": "error_max_turns", "is_error": true, "terminal_reason": "max_turns",
                    "errors": [failure.words()],
                }));
                return self.leave();
            }
            Failure::RateLimit => "rate_limit",
            Failure::Overloaded | Failure::Server => "server_error",
            Failure::BadRequest => "unknown",
            Failure::ModelNotFound => "model_not_found",
        };
        let (words, status) = (failure.words(), failure.status());
        Stdout::json(&json!({
            "type": "assistant", "session_id": SESSION, "parent_tool_use_id": null,
            "error": class, "api_error_status": status, "is_api_error_message": true,
            "message": {"id": "msg_1", "role": "assistant", "model": "<synthetic>",
                "content": [{"type": "text", "text": words}]},
        }));
        self.result(json!({
            "is_error": true, "terminal_reason": "api_error", "api_error_status": status,
            "result": words,
        }));
        self.leave()
    }

    fn stopped(&mut self) -> u8 {
        while let Some(line) = self.stdin.json() {
            if line.pointer("/request/subtype") == Some(&json!("interrupt")) {
                let response = json!({"subtype": "success", "request_id": line["request_id"]});
                Stdout::json(&json!({"type": "control_response", "response": response}));
                self.result(json!({
                    "subtype": "error_during_execution", "is_error": true,
                    "terminal_reason": "aborted_streaming",
                }));
                return self.leave();
            }
        }
        // Closed without an interrupt: it would finish its work, which never ends here.
        std::thread::sleep(super::LONGEST);
        0
    }

    fn leave(&mut self) -> u8 {
        self.stdin.end();
        u8::from(self.failed)
    }
}
