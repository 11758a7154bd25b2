//! `codex exec --json`: one way, twelve shapes of events, real exit codes.
//!
//! [`command_line`] makes the arguments; the session reads what comes of them. A turn's terminal
//! event is the verdict; a top-level `error` is not terminal, because codex says one for every
//! reconnect. The one that ends it all comes again as `turn.failed`.

mod command_line;
mod item;
mod message;
mod usage;

use std::time::Duration;

use agent_plan::event::{Event, EventKind, Role};
use agent_plan::outcome::Verdict;
use agent_plan::plan::{CodexExecPlan, ProcessPlan, Prompt, Stdin};
use agent_plan::provider::{Action, Means, Report, Session, StopStep};
use serde_json::Value;

use super::offline::Offline;
use crate::class::Class;
use crate::content;
use crate::dialogue::translated;
use item::Items;
use message::{in_words, message_of, reason_of, reconnect};
use usage::Meter;

/// Codex's clean stop: the only signal after which no tool survives.
const INT: i32 = 2;

/// Codex dies of it at once, and its tools may survive.
const TERM: i32 = 15;

/// What is said of a tool whose end codex did not tell.
const TURN_ENDED: &str = "The turn ended before this tool did.";

/// What is said of one that ran when codex connected anew. Should it end after all, a log says so.
const CONNECTION_ENDED: &str = "The connection ended before this tool did.";

/// Completes the process. What is asked goes through stdin, because arguments have a bound and can
/// be read by every process.
pub(crate) fn equip(plan: &CodexExecPlan, process: &mut ProcessPlan) -> Vec<String> {
    process.stdin = match &plan.prompt {
        Some(prompt) => Stdin::Prompt(words(prompt)),
        None => Stdin::Empty,
    };
    let args = std::mem::take(&mut process.args);
    let (args, warnings) = command_line::complete(plan, args);
    process.args = args;
    warnings
}

/// Codex takes nothing but `$name` for more than text, and that wherever it stands.
fn words(prompt: &Prompt) -> String {
    match &prompt.skill {
        Some(skill) => format!("${} {}", skill.trim_start_matches('$'), prompt.text),
        None => prompt.text.clone(),
    }
}

/// The session.
#[derive(Debug, Default)]
pub(crate) struct CodexExec {
    items: Items,
    meter: Meter,
    offline: Offline,
    report: Report,
    phase: Phase,
    last_error: Option<String>,
}

/// How far the conversation is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Phase {
    /// Before the end of a turn.
    #[default]
    Open,
    /// After it.
    Ended,
    /// After a failure that no retry mends; its verdict stands.
    Hopeless,
    /// Somebody stops it.
    Stopping,
}

/// Returns the session.
pub(crate) fn session(plan: &CodexExecPlan) -> CodexExec {
    CodexExec {
        meter: Meter::new(plan),
        ..CodexExec::default()
    }
}

impl Session for CodexExec {
    fn on_line(&mut self, line: &str) -> Vec<Action> {
        content::all_bounded(self.take(line))
    }

    fn on_stop(&mut self) -> Vec<StopStep> {
        if self.phase != Phase::Hopeless {
            self.phase = Phase::Stopping;
        }
        let step = |signal, seconds| StopStep {
            means: Means::Signal(signal),
            patience: Duration::from_secs(seconds),
        };
        vec![step(INT, 5), step(TERM, 2)]
    }

    translated!();
}

impl CodexExec {
    fn take(&mut self, line: &str) -> Vec<Action> {
        let event = serde_json::from_str::<Value>(line).unwrap_or_default();
        let Some(kind) = event.get("type").and_then(Value::as_str) else {
            self.report.unknown_events += 1;
            return Vec::new();
        };
        self.report.known_events += 1;
        match kind {
            "thread.started" => self.on_thread(&event),
            "turn.started" => self.on_turn(),
            "item.started" | "item.updated" | "item.completed" => {
                self.offline.on_progress();
                self.items.take(kind, &event["item"], &mut self.report)
            }
            "error" => self.on_error(message_of(&event)),
            "turn.completed" => self.on_completed(&event["usage"]),
            "turn.failed" => self.on_failed(message_of(&event["error"])),
            _ => {
                self.report.known_events -= 1;
                self.report.unknown_events += 1;
                Vec::new()
            }
        }
    }

    fn on_thread(&mut self, event: &Value) -> Vec<Action> {
        let Some(id) = event["thread_id"].as_str() else {
            return Vec::new();
        };
        self.report.session_id = Some(id.to_owned());
        let said = Event::new(EventKind::Status, Role::System, "session started");
        vec![Action::Emit(said.with("session_id", id))]
    }

    fn on_turn(&mut self) -> Vec<Action> {
        self.report.usage.turns += 1;
        self.report.turn_status = Some("started".to_owned());
        self.report.turn_error = None;
        if self.phase == Phase::Ended {
            self.phase = Phase::Open;
            return vec![Action::Resume];
        }
        Vec::new()
    }

    fn on_completed(&mut self, total: &Value) -> Vec<Action> {
        self.report.turn_status = Some("completed".to_owned());
        self.report.result = self.items.last_message().map(str::to_owned);
        self.meter.read(total, &mut self.report);
        let mut said = Event::new(EventKind::Usage, Role::System, "");
        if let Ok(Value::Object(usage)) = serde_json::to_value(&self.report.usage) {
            said.attrs = usage;
        }
        self.end();
        let mut actions = self.items.close(TURN_ENDED);
        actions.extend([Action::Emit(said), Action::Finish(Verdict::completed())]);
        actions
    }

    fn on_failed(&mut self, message: String) -> Vec<Action> {
        let class = Class::of_text(&message);
        let words = in_words(message);
        self.report.turn_status = Some("failed".to_owned());
        self.report.turn_error = Some(words.clone());
        let mut actions = self.items.close(TURN_ENDED);
        if self.last_error.take().as_ref() != Some(&words) {
            actions.push(Action::Emit(problem(&words)));
        }
        let class = match self.phase {
            Phase::Stopping => Class::Interrupted,
            // What else fails while codex is being stopped says less than why it is.
            Phase::Hopeless if class != Class::Auth => return actions,
            _ => class,
        };
        self.end();
        actions.push(Action::Finish(class.verdict(Some(&words), None)));
        actions
    }

    fn on_error(&mut self, message: String) -> Vec<Action> {
        let class = Class::of_text(&message);
        let mut actions = if message.starts_with("Reconnecting...") {
            self.items.close(CONNECTION_ENDED)
        } else {
            Vec::new()
        };
        let offline = self.offline.on_retry(&message) && self.phase == Phase::Open;
        if offline {
            self.phase = Phase::Hopeless;
            let verdict = Class::Network.verdict(Some(reason_of(&message)), None);
            actions.extend([Action::Emit(problem(&message)), Action::Stop(verdict)]);
            return actions;
        }
        let Some((attempt, attempts)) = reconnect(&message) else {
            let words = in_words(message);
            let said = problem(&words);
            self.last_error = Some(words);
            actions.push(Action::Emit(said));
            return actions;
        };
        let said = Event::new(EventKind::Status, Role::System, message.as_str())
            .with("retry", attempt)
            .with("retries", attempts)
            .with("reason", class.verdict(None, None).reason);
        actions.push(Action::Emit(said));
        // Credentials that were refused once are refused five times more, at our expense.
        // Whoever refuses the upgrade to a web socket may take plain requests, which codex tries next.
        let socket = ["url: ws://", "url: wss://"]
            .iter()
            .any(|url| message.contains(url));
        if class == Class::Auth && self.phase == Phase::Open && !socket {
            self.phase = Phase::Hopeless;
            actions.push(Action::Stop(class.verdict(Some(reason_of(&message)), None)));
        }
        actions
    }

    fn end(&mut self) {
        if self.phase == Phase::Open {
            self.phase = Phase::Ended;
        }
    }
}

fn problem(words: &str) -> Event {
    Event::new(EventKind::Error, Role::System, words)
}

#[cfg(test)]
mod tests;
