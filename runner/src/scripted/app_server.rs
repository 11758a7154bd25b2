//! As `codex app-server` speaks: JSON-RPC.

use serde_json::{Value, json};

use super::script::{Failure, SESSION};
use super::stdio::{Stdin, Stdout};
use super::voice::Voice;

const TURN: &str = "7d3f1c52-8ee2-4880-9c98-76f8ce4943fc";

pub(super) struct AppServer {
    stdin: Stdin,
}

impl AppServer {
    pub(super) fn new(stdin: Stdin) -> Self {
        Self { stdin }
    }

    fn complete(status: &str, error: &Value) {
        notify("thread/status/changed", json!({"status": {"type": "idle"}}));
        let turn = json!({"id": TURN, "items": [], "status": status, "error": error});
        notify("turn/completed", json!({"turn": turn}));
    }
}

fn notify(method: &str, mut params: Value) {
    params["threadId"] = SESSION.into();
    params["turnId"] = TURN.into();
    Stdout::json(&json!({"method": method, "params": params}));
}

fn answer(request: &Value, result: &Value) {
    Stdout::json(&json!({"id": request["id"], "result": result}));
}

fn item(event: &str, item: &Value) {
    notify(event, json!({"item": item}));
}

impl Voice for AppServer {
    fn begin(&mut self) {
        while let Some(request) = self.stdin.json() {
            match request["method"].as_str().unwrap_or_default() {
                "initialize" => answer(&request, &json!({"userAgent": "lab/0.169.0 (scripted)"})),
                "thread/start" | "thread/resume" => {
                    let model = &request["params"]["model"];
                    let thread = json!({"id": SESSION, "status": {"type": "idle"}, "turns": []});
                    answer(&request, &json!({"thread": thread, "model": model}));
                    notify("thread/started", json!({"thread": {"id": SESSION}}));
                }
                "turn/start" => {
                    let turn = json!({"id": TURN, "items": [], "status": "inProgress"});
                    answer(&request, &json!({"turn": turn}));
                    let active = json!({"type": "active", "activeFlags": []});
                    notify("thread/status/changed", json!({"status": active}));
                    return notify("turn/started", json!({"turn": turn}));
                }
                _ => answer(&request, &json!({})),
            }
        }
    }

    fn say(&mut self, text: &str) {
        let delta = json!({"itemId": "msg_1", "delta": text});
        notify("item/agentMessage/delta", delta);
        let message = json!({"type": "agentMessage", "id": "msg_1", "text": text});
        item("item/completed", &message);
    }

    fn tool(&mut self, output: &str) {
        let command = |status: &str, output: Value, code: Value| {
            json!({
                "type": "commandExecution", "id": "call_1", "command": "cargo test",
                "status": status, "aggregatedOutput": output, "exitCode": code,
            })
        };
        item(
            "item/started",
            &command("inProgress", Value::Null, Value::Null),
        );
        item(
            "item/completed",
            &command("completed", json!(output), json!(0)),
        );
    }

    fn babble(&mut self) {
        notify("horoscope/updated", json!({"sign": "leo"}));
        item("item/completed", &json!({"type": "seance", "id": "call_9"}));
        Stdout::line("a line that is no JSON");
    }

    fn succeed(&mut self, answer: &str) {
        self.say(answer);
        let tokens = json!({
            "totalTokens": 1234, "inputTokens": 1200, "cachedInputTokens": 20,
            "outputTokens": 34, "reasoningOutputTokens": 7,
        });
        let usage = json!({"total": tokens, "last": tokens});
        notify("thread/tokenUsage/updated", json!({"tokenUsage": usage}));
        Self::complete("completed", &Value::Null);
    }

    fn fail(&mut self, failure: Failure) -> u8 {
        let code = match failure {
            Failure::Auth => json!({"responseStreamDisconnected": {"httpStatusCode": 401}}),
            Failure::RateLimit => json!("usageLimitExceeded"),
            Failure::Overloaded => json!("serverOverloaded"),
            Failure::Server => json!("internalServerError"),
            Failure::ModelNotFound => json!("modelNotFound"),
            Failure::BadRequest | Failure::MaxTurns => json!("badRequest"),
        };
        let error = json!({"message": failure.words(), "codexErrorInfo": code});
        if failure == Failure::Auth {
            notify("error", json!({"error": error, "willRetry": true}));
            return self.stopped();
        }
        Self::complete("failed", &error);
        self.leave()
    }

    fn stopped(&mut self) -> u8 {
        while let Some(request) = self.stdin.json() {
            if request["method"] == "turn/interrupt" {
                answer(&request, &json!({}));
                Self::complete("interrupted", &Value::Null);
            }
        }
        0
    }

    fn leave(&mut self) -> u8 {
        self.stdin.end();
        0
    }
}
