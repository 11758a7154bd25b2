//! As a program speaks that is no agent CLI: in words, or in our own events.

use serde_json::{Value, json};

use super::script::Failure;
use super::stdio::{Stdin, Stdout};
use super::voice::Voice;

pub(super) struct Plain {
    stdin: Stdin,
    /// Whether it says our own events.
    events: bool,
}

impl Plain {
    pub(super) fn words(stdin: Stdin) -> Self {
        Self {
            stdin,
            events: false,
        }
    }

    pub(super) fn events(stdin: Stdin) -> Self {
        Self {
            stdin,
            events: true,
        }
    }

    fn event(&self, event: &Value) {
        if self.events {
            Stdout::json(event);
        }
    }
}

impl Voice for Plain {
    fn begin(&mut self) {
        self.stdin.end();
    }

    fn say(&mut self, text: &str) {
        if self.events {
            self.event(&json!({"kind": "message", "content": text}));
        } else {
            Stdout::line(text);
        }
    }

    fn tool(&mut self, output: &str) {
        self.event(&json!({"kind": "tool_call", "content": "cargo test"}));
        Stdout::line(output.trim_end());
        self.event(&json!({"kind": "tool_result", "content": output}));
    }

    fn babble(&mut self) {
        Stdout::line(r#"{"kind":"horoscope","content":"leo"}"#);
        Stdout::line("{\"kind\":");
    }

    fn succeed(&mut self, answer: &str) {
        self.say(answer);
        self.event(&json!({"kind": "run-outcome", "status": "succeeded", "content": answer}));
    }

    fn fail(&mut self, failure: Failure) -> u8 {
        let outcome = match failure {
            Failure::Auth => "AuthFailed",
            Failure::RateLimit => "RateLimited",
            Failure::Overloaded | Failure::Server => "ProviderUnavailable",
            Failure::BadRequest | Failure::ModelNotFound => "AgentFailed",
            Failure::MaxTurns => "Incomplete",
        };
        let words = failure.words();
        self.event(&json!({
            "kind": "run-outcome", "status": "failed", "outcome": outcome, "content": words,
        }));
        Stdout::complain(words);
        1
    }

    fn stopped(&mut self) -> u8 {
        std::thread::sleep(super::LONGEST);
        0
    }

    fn leave(&mut self) -> u8 {
        0
    }
}
