//! `claude`, stream-json both ways.
//!
//! The prompt is a line on stdin, which stays open until the result: it is the only way to an
//! interrupt that still tells what the run has cost. Claude may give several results, each after an
//! `init` of its own; the last one counts. Its exit code is never asked, because it is 0 after some
//! failures, and so is `subtype`, because it is `success` after most.

mod launch;
mod message;
mod prompt;
mod spending;
mod stop;
mod system;
mod tools;
mod verdict;

pub(crate) use launch::equip;

use agent_plan::event::{Event, EventKind, Role};
use agent_plan::outcome::{RetryAfter, Verdict};
use agent_plan::plan::{ClaudePlan, Prompt};
use agent_plan::provider::{Action, Report, Session, StopStep};
use serde_json::Value;

use crate::content;
use crate::dialogue::translated;
use spending::Spending;
use tools::Tools;

/// A conversation with claude.
#[derive(Debug, Default)]
pub(crate) struct Claude {
    prompt: Option<Prompt>,
    /// Whether the answer is to have a form.
    schema: bool,
    phase: Phase,
    stdin_closed: bool,
    stopping: bool,
    /// Why the conversation was given up, if it was.
    hopeless: Option<Verdict>,
    /// How often the credentials were refused.
    refusals: u32,
    /// How often they may be: a token that claude can renew by itself gets a second chance.
    refusals_allowed: u32,
    /// When a limit of the account ends.
    resets: Option<RetryAfter>,
    /// The class of the last failure, in claude's word.
    failure: Option<String>,
    tools: Tools,
    spending: Spending,
    report: Report,
}

/// Where the conversation stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Phase {
    /// Claude has not said that it began.
    #[default]
    Starting,
    /// It works.
    Working,
    /// It has given a result, and nothing after it.
    Ended,
}

/// Returns the session.
pub(crate) fn session(plan: &ClaudePlan) -> Claude {
    Claude {
        prompt: plan.prompt.clone(),
        schema: launch::asks_for_schema(plan),
        spending: Spending::new(plan.resume.is_some()),
        refusals_allowed: 1,
        ..Claude::default()
    }
}

impl Session for Claude {
    fn on_start(&mut self) -> Vec<Action> {
        let Some(prompt) = &self.prompt else {
            return Vec::new();
        };
        if let Some(warning) = prompt::warning(prompt) {
            self.report.warn(warning);
        }
        vec![prompt::ask(prompt)]
    }

    fn on_line(&mut self, line: &str) -> Vec<Action> {
        let actions = match serde_json::from_str::<Value>(line) {
            Ok(line) => self.on_value(&line),
            Err(_) => None,
        };
        match actions {
            Some(_) => self.report.known_events += 1,
            None => self.report.unknown_events += 1,
        }
        content::all_bounded(actions.unwrap_or_default())
    }

    fn on_stop(&mut self) -> Vec<StopStep> {
        self.stopping = true;
        stop::steps(self.prompt.is_some() && !self.stdin_closed)
    }

    translated!();
}

impl Claude {
    /// Takes one line of claude's; nothing if its type is not known.
    fn on_value(&mut self, line: &Value) -> Option<Vec<Action>> {
        match text(line, "/type")? {
            "system" => self.on_system(line),
            "assistant" => Some(self.on_assistant(line)),
            "user" => Some(self.on_user(line)),
            "stream_event" => Some(self.on_stream(line)),
            "rate_limit_event" => Some(self.on_rate_limit(line)),
            "control_request" => Some(self.on_request(line)),
            "control_response" | "control_cancel_request" | "keep_alive" => Some(Vec::new()),
            "result" => Some(self.on_result(line)),
            _ => None,
        }
    }

    /// Answers what nobody is there to be asked.
    fn on_request(&mut self, line: &Value) -> Vec<Action> {
        let Some(id) = text(line, "/request_id") else {
            return Vec::new();
        };
        if text(line, "/request/subtype") != Some("can_use_tool") {
            return vec![prompt::refuse(id)];
        }
        let tool = text(line, "/request/tool_name").unwrap_or("a tool");
        let warning = format!("the use of `{}` was refused", tools::one_line(tool));
        self.report.warn(&warning);
        let event = Event::new(EventKind::Status, Role::System, warning)
            .with("toolUseId", text(line, "/request/tool_use_id"));
        vec![prompt::deny(id), Action::Emit(event)]
    }

    fn on_result(&mut self, line: &Value) -> Vec<Action> {
        let verdict = self.verdict(line);
        self.phase = Phase::Ended;
        self.spending.settle(line);
        self.show_spending();
        if let Some(result) = verdict::answer(line) {
            self.report.result = Some(result);
        }
        for denial in list(line, "/permission_denials") {
            let tool = text(denial, "/tool_name").unwrap_or("a tool");
            let tool = tools::one_line(tool);
            self.report.warn(format!("the use of `{tool}` was refused"));
        }
        let mut event = Event::new(EventKind::Usage, Role::System, "");
        if let Ok(Value::Object(usage)) = serde_json::to_value(&self.report.usage) {
            event.attrs = usage;
        }
        let mut actions = vec![Action::Emit(event), Action::Finish(verdict)];
        if self.prompt.is_some() && !std::mem::replace(&mut self.stdin_closed, true) {
            actions.push(Action::CloseStdin);
        }
        actions
    }

    fn show_spending(&mut self) {
        let tool_calls = self.report.usage.tool_calls;
        self.report.usage = self.spending.usage();
        self.report.usage.tool_calls = tool_calls;
    }
}

/// The text at a place of a line.
fn text<'a>(line: &'a Value, place: &str) -> Option<&'a str> {
    line.pointer(place).and_then(Value::as_str)
}

/// The number at a place of a line; zero if there is none.
fn number(line: &Value, place: &str) -> u64 {
    line.pointer(place).and_then(Value::as_u64).unwrap_or(0)
}

/// The list at a place of a line; empty if there is none.
fn list<'a>(line: &'a Value, place: &str) -> &'a [Value] {
    let list = line.pointer(place).and_then(Value::as_array);
    list.map(Vec::as_slice).unwrap_or_default()
}

/// Keeps the id of the call of a subagent with what the subagent says.
fn of(line: &Value, event: Event) -> Event {
    event.with("parentToolUseId", text(line, "/parent_tool_use_id"))
}

#[cfg(test)]
mod tests;
