//! `codex app-server`: a JSON-RPC conversation over stdin and stdout (contract §5.2).
//!
//! `initialize` → `thread/start` or `thread/resume` → `thread/goal/set` → `turn/start` →
//! notifications → `turn/completed` → the thread stays idle for a while → stdin is closed. The exit
//! code says nothing: it is 0 after a failed turn, too.

mod answers;
mod clock;
mod conclusion;
mod failure;
mod fields;
mod idle;
mod items;
mod launch;
mod limits;
mod notifications;
mod requests;
mod responses;
mod stop;
mod tokens;
mod tools;
mod turns;

pub(crate) use launch::equip;

use super::offline::Offline;
use crate::content;
use crate::dialogue::translated;
use agent_plan::event::Event;
use agent_plan::plan::{CodexPlan, ProcessPlan};
use agent_plan::provider::{Action, Report, Session, StopStep, Timer};
use serde_json::Value;

use conclusion::Conclusion;
use idle::IdleWait;
use items::Items;
use limits::RateLimits;
use requests::{Asked, Requests};
use stop::Stopping;
use tokens::Tokens;
use turns::Turn;

/// The session.
#[derive(Debug)]
pub(crate) struct AppServer {
    plan: CodexPlan,
    cwd: String,
    report: Report,
    requests: Requests,
    /// Our thread; others belong to agents that it has started.
    thread: Option<String>,
    turn: Turn,
    idle: IdleWait,
    items: Items,
    tokens: Tokens,
    limits: RateLimits,
    offline: Offline,
    /// Codex renews its credentials: a refusal is not final.
    renewing: bool,
    /// The time of the last message that told one, the only clock that there is.
    time_ms: Option<u64>,
    stopping: Stopping,
    conclusion: Conclusion,
    /// What the supervisor is asked for, until the call returns.
    actions: Vec<Action>,
}

/// Returns the session of a process that [`equip`] has prepared.
pub(crate) fn session(plan: &CodexPlan, process: &ProcessPlan) -> AppServer {
    AppServer {
        plan: plan.clone(),
        cwd: process.cwd.to_string_lossy().into_owned(),
        report: Report {
            session_id: plan.thread_id.clone(),
            model: plan.model.clone(),
            effort: plan.effort.clone(),
            ..Report::default()
        },
        requests: Requests::default(),
        thread: None,
        turn: Turn::default(),
        idle: IdleWait::default(),
        items: Items::default(),
        tokens: Tokens::default(),
        limits: RateLimits::default(),
        offline: Offline::default(),
        renewing: false,
        time_ms: None,
        stopping: Stopping::default(),
        conclusion: Conclusion::default(),
        actions: Vec::new(),
    }
}

impl Session for AppServer {
    fn on_start(&mut self) -> Vec<Action> {
        self.ask(Asked::Initialize, requests::initialize());
        self.set_timer(Timer::Bootstrap, Some(self.plan.bootstrap));
        self.take_actions()
    }

    fn on_line(&mut self, line: &str) -> Vec<Action> {
        let message = serde_json::from_str::<Value>(line).unwrap_or_default();
        self.time_ms = clock::time_of(&message).or(self.time_ms);
        let params = message.get("params").unwrap_or(&Value::Null);
        match (fields::text(&message, "method"), message.get("id")) {
            (Some(method), Some(id)) => self.on_request(method, id),
            (Some(method), None) => self.on_notification(method, params),
            (None, Some(id)) => self.on_response(id, &message),
            (None, None) => self.report.unknown_events += 1,
        }
        self.take_actions()
    }

    fn on_timer(&mut self, timer: Timer) -> Vec<Action> {
        match timer {
            Timer::Bootstrap => self.on_late_bootstrap(),
            Timer::Quiet | Timer::Idle => self.on_idle_over(timer),
            _ => {}
        }
        self.take_actions()
    }

    fn on_end(&mut self) -> Vec<Action> {
        self.on_server_end();
        self.take_actions()
    }

    fn on_stop(&mut self) -> Vec<StopStep> {
        self.begin_stop()
    }

    // INT and HUP kill it, TERM ends it without `turn/completed`.
    translated!();
}

impl AppServer {
    fn take_actions(&mut self) -> Vec<Action> {
        content::all_bounded(std::mem::take(&mut self.actions))
    }

    fn emit(&mut self, event: Event) {
        self.actions.push(Action::Emit(event));
    }

    fn set_timer(&mut self, timer: Timer, after: Option<std::time::Duration>) {
        self.actions.push(Action::SetTimer(timer, after));
    }

    /// Writes a line, unless stdin is closed: what comes after that needs no answer.
    fn write(&mut self, line: String) {
        if !self.conclusion.closed {
            self.actions.push(Action::Write(line));
        }
    }

    fn ask(&mut self, asked: Asked, params: Value) {
        let line = self.requests.line(asked, params);
        self.write(line);
    }

    /// Says whether a notification is about our thread, as all are that name none.
    fn is_ours(&self, params: &Value) -> bool {
        match (fields::text(params, "threadId"), &self.thread) {
            (Some(named), Some(ours)) => named == ours,
            _ => true,
        }
    }
}

#[cfg(test)]
mod tests;
