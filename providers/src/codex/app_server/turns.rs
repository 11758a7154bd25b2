//! Turns: how they begin and end, and what their end means for the run.

use agent_plan::event::{Event, EventKind, Role};
use agent_plan::outcome::Verdict;
use serde_json::Value;

use super::stop::Stopping;
use super::{AppServer, failure, fields};
use crate::Class;

/// The last turn of our thread.
#[derive(Debug, Default)]
pub(super) enum Turn {
    #[default]
    None,
    Running(String),
    Over(String),
}

impl Turn {
    pub(super) fn running(&self) -> Option<&str> {
        match self {
            Self::Running(id) => Some(id),
            Self::None | Self::Over(_) => None,
        }
    }

    pub(super) fn is_running(&self) -> bool {
        self.running().is_some()
    }
}

impl AppServer {
    /// The answer to `turn/start`; the notifications of that turn may be here already.
    pub(super) fn on_turn_accepted(&mut self, result: &Value) {
        let id = result.pointer("/turn/id").and_then(Value::as_str);
        let Some(id) = id else {
            let message = "codex answered `turn/start` without a turn";
            return self.conclude(Class::Unknown.verdict(Some(message), None));
        };
        if !matches!(&self.turn, Turn::Over(over) if over == id) {
            self.enter_turn(id);
        }
    }

    pub(super) fn on_turn_started(&mut self, params: &Value) {
        let id = params.pointer("/turn/id").and_then(Value::as_str);
        let Some(id) = id.filter(|_| self.is_ours(params)) else {
            return;
        };
        self.report.usage.turns += 1;
        self.enter_turn(id);
        let started = Event::new(EventKind::Status, Role::System, "Turn started.");
        self.emit(started.with("turnId", id));
    }

    fn enter_turn(&mut self, id: &str) {
        self.turn = Turn::Running(id.to_owned());
        self.report.turn_id = Some(id.to_owned());
        self.report.turn_status = Some("inProgress".to_owned());
        self.report.turn_error = None;
        self.leave_quiet();
        self.interrupt_if_owed(id);
    }

    pub(super) fn on_turn_completed(&mut self, params: &Value) {
        let turn = params.get("turn").unwrap_or(&Value::Null);
        self.close_tools(params);
        if !self.is_ours(params) {
            return;
        }
        let id = fields::text(turn, "id").unwrap_or_default();
        let status = fields::text(turn, "status").unwrap_or_default();
        self.turn = Turn::Over(id.to_owned());
        self.report.turn_id = Some(id.to_owned());
        self.report.turn_status = Some(status.to_owned());
        let ended = Event::new(EventKind::Status, Role::System, format!("Turn {status}."));
        self.emit(ended.with("turnId", id).with("turnStatus", status));
        match status {
            "completed" => self.on_turn_success(),
            "interrupted" => self.conclude(Class::Interrupted.verdict(None, None)),
            _ => {
                let verdict = self.failed(turn.get("error").unwrap_or(&Value::Null));
                self.conclude(verdict);
            }
        }
    }

    fn on_turn_success(&mut self) {
        match self.stopping {
            // It had come to its end before the interrupt reached it.
            Stopping::Turn | Stopping::UnnamedTurn => self.conclude(Verdict::completed()),
            Stopping::Between => {}
            Stopping::No if self.conclusion.reached() => self.conclude(Verdict::completed()),
            Stopping::No => self.await_idle(Verdict::completed()),
        }
    }

    /// An `error` notification: a hiccup, or the end of the turn.
    pub(super) fn on_error(&mut self, params: &Value) {
        let error = params.get("error").unwrap_or(&Value::Null);
        let will_retry = params.get("willRetry").and_then(Value::as_bool);
        let message = failure::message(error);
        let class = failure::class(error);
        let (_, _, reason) = crate::VERDICTS[class as usize];
        if will_retry != Some(true) {
            let event = Event::new(EventKind::Error, Role::System, message);
            self.emit(event.with("reason", reason));
            if self.is_ours(params) {
                self.report.turn_status = Some("failed".to_owned());
                let verdict = self.failed(error);
                self.conclude(verdict);
            }
            return;
        }
        let event = Event::new(EventKind::Status, Role::System, message.clone());
        self.emit(event.with("reason", reason).with("willRetry", true));
        if !self.is_ours(params) || self.stopping.begun() {
            return;
        }
        let refused = failure::is_unauthorized(error) && !self.renewing;
        if self.offline.on_retry(&message) || refused {
            // The message only says that codex tries again; the details say why.
            let cause = fields::text(error, "additionalDetails").unwrap_or(&message);
            self.report.turn_error = Some(cause.to_owned());
            let class = if refused { Class::Auth } else { Class::Network };
            self.give_up(class.verdict(Some(cause), None));
        }
    }

    fn failed(&mut self, error: &Value) -> Verdict {
        let message = failure::message(error);
        let verdict = failure::class(error).verdict(Some(&message), self.limits.retry_after());
        self.report.turn_error.clone_from(&verdict.message);
        verdict
    }
}
