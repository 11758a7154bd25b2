//! What the server answers: each answer leads to the next request.

use agent_plan::event::{Event, EventKind, Role};
use agent_plan::provider::Timer;
use serde_json::Value;

use super::requests::{self, Asked};
use super::{AppServer, failure, fields};
use crate::Class;

impl AppServer {
    pub(super) fn on_response(&mut self, id: &Value, message: &Value) {
        let Some(asked) = self.requests.answered(id) else {
            self.report.unknown_events += 1;
            return;
        };
        self.report.known_events += 1;
        if let Some(error) = message.get("error") {
            return self.on_refusal(asked, error);
        }
        let result = message.get("result").unwrap_or(&Value::Null);
        match asked {
            Asked::Initialize => self.on_initialized(result),
            Asked::ThreadStart | Asked::ThreadResume => self.on_thread(asked, result),
            Asked::Goal => self.start_turn(),
            Asked::Turn => self.on_turn_accepted(result),
            Asked::Interrupt => {}
        }
    }

    fn on_initialized(&mut self, result: &Value) {
        self.set_timer(Timer::Bootstrap, None);
        // `lab/0.169.0 (Debian 12.0.0; x86_64) …`: our name, codex's version.
        self.report.version = fields::text(result, "userAgent")
            .and_then(|agent| agent.split_once('/'))
            .and_then(|(_, rest)| rest.split_whitespace().next())
            .map(str::to_owned);
        if self.stopping.begun() {
            return;
        }
        match self.plan.thread_id.clone() {
            Some(thread) => {
                let params = requests::thread_resume(&self.plan, &thread, &self.cwd);
                self.ask(Asked::ThreadResume, params);
            }
            None => self.ask(
                Asked::ThreadStart,
                requests::thread_start(&self.plan, &self.cwd),
            ),
        }
    }

    fn on_thread(&mut self, asked: Asked, result: &Value) {
        let thread = result.pointer("/thread/id").and_then(Value::as_str);
        let Some(thread) = thread.map(str::to_owned) else {
            let message = format!("codex answered `{}` without a thread", asked.method());
            return self.conclude(Class::Startup.verdict(Some(&message), None));
        };
        if let Some(model) = fields::text(result, "model") {
            self.report.model = Some(model.to_owned());
        }
        if self.report.effort.is_none() {
            self.report.effort = fields::text(result, "reasoningEffort").map(str::to_owned);
        }
        self.report.session_id = Some(thread.clone());
        let began = Event::new(EventKind::Status, Role::System, "Session started.")
            .with("sessionId", thread.clone())
            .with("model", self.report.model.clone())
            .with("cwd", self.cwd.clone());
        self.emit(began);
        self.thread = Some(thread.clone());
        if self.stopping.begun() {
            return;
        }
        match self.plan.goal.clone() {
            Some(goal) => self.ask(Asked::Goal, requests::goal(&thread, &goal)),
            None => self.start_turn(),
        }
    }

    fn start_turn(&mut self) {
        let Some(thread) = self.thread.clone() else {
            return;
        };
        if !self.stopping.begun() {
            let params = requests::turn(&self.plan, &thread, &self.cwd);
            self.ask(Asked::Turn, params);
        }
    }

    fn on_refusal(&mut self, asked: Asked, error: &Value) {
        if asked == Asked::Interrupt {
            // The turn was over already; its own notification says how.
            return;
        }
        let words = failure::words(error).unwrap_or_else(|| fields::plain(error));
        let class = match (Class::of_text(&words), asked) {
            (Class::Unknown, Asked::Turn) => Class::Unknown,
            (Class::Unknown, _) => Class::Startup,
            (class, _) => class,
        };
        let message = format!("codex refused `{}`: {words}", asked.method());
        self.set_timer(Timer::Bootstrap, None);
        self.conclude(class.verdict(Some(&message), self.limits.retry_after()));
    }

    pub(super) fn on_late_bootstrap(&mut self) {
        if self.requests.awaits(Asked::Initialize) && !self.stopping.begun() {
            let message = format!(
                "codex app-server did not answer `initialize` within {} s",
                self.plan.bootstrap.as_secs_f64()
            );
            self.give_up(Class::Startup.verdict(Some(&message), None));
        }
    }
}
