//! As `codex exec --json` speaks.

use nix::sys::signal::{SigSet, Signal};
use serde_json::{Value, json};

use super::script::{Failure, SESSION};
use super::stdio::{Stdin, Stdout};
use super::voice::Voice;

pub(super) struct CodexExec {
    stdin: Stdin,
}

impl CodexExec {
    pub(super) fn new(stdin: Stdin) -> Self {
        Self { stdin }
    }
}

fn item(event: &str, fields: &Value) {
    Stdout::json(&json!({"type": event, "item": fields}));
}

impl Voice for CodexExec {
    fn begin(&mut self) {
        self.stdin.end();
        Stdout::json(&json!({"type": "thread.started", "thread_id": SESSION}));
        Stdout::json(&json!({"type": "turn.started"}));
    }

    fn say(&mut self, text: &str) {
        let message = json!({"id": "item_1", "type": "agent_message", "text": text});
        item("item.completed", &message);
    }

    fn tool(&mut self, output: &str) {
        let command = |status: &str, output: &str, code: Value| {
            json!({
                "id": "item_0", "type": "command_execution", "command": "cargo test",
                "aggregated_output": output, "exit_code": code, "status": status,
            })
        };
        item("item.started", &command("in_progress", "", Value::Null));
        item("item.completed", &command("completed", output, json!(0)));
    }

    fn babble(&mut self) {
        Stdout::json(&json!({"type": "horoscope", "sign": "leo"}));
        let unheard = json!({"id": "item_9", "type": "seance"});
        item("item.completed", &unheard);
        Stdout::line("Reading additional input from stdin...");
    }

    fn succeed(&mut self, answer: &str) {
        self.say(answer);
        let usage = json!({"input_tokens": 1200, "cached_input_tokens": 20, "output_tokens": 34});
        Stdout::json(&json!({"type": "turn.completed", "usage": usage}));
    }

    fn fail(&mut self, failure: Failure) -> u8 {
        let words = failure.words();
        if failure == Failure::Auth {
            let message = format!("Reconnecting... 1/5 ({words})");
            Stdout::json(&json!({"type": "error", "message": message}));
            return self.stopped();
        }
        Stdout::json(&json!({"type": "error", "message": words}));
        Stdout::json(&json!({"type": "turn.failed", "error": {"message": words}}));
        1
    }

    fn stopped(&mut self) -> u8 {
        let mut stop = SigSet::empty();
        stop.add(Signal::SIGINT);
        // It is blocked, so it waits for us if it came before.
        let _ = stop.wait();
        1
    }

    fn leave(&mut self) -> u8 {
        0
    }
}
