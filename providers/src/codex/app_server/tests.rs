//! Text in, text out: what the session asks for when a server says this or that.

mod answering;
mod asking;
mod bounds;
mod ending;
mod failing;
mod replay;
mod stopping;
mod telling;

use std::path::PathBuf;
use std::time::Duration;

use agent_plan::env::Environment;
use agent_plan::event::Event;
use agent_plan::outcome::Verdict;
use agent_plan::plan::{
    CodexPlan, Conversation, CostLimits, ProcessPlan, Prompt, Sandbox, Stdin, Timers,
};
use agent_plan::provider::{Action, Session, Timer};
use serde_json::{Value, json};

use super::{AppServer, session};

const BOOTSTRAP: Duration = Duration::from_secs(10);
const QUIET: Duration = Duration::from_secs(1);

fn plan() -> CodexPlan {
    CodexPlan {
        prompt: Prompt {
            text: "do it".to_owned(),
            skill: None,
        },
        model: Some("gpt-5.5".to_owned()),
        effort: Some("high".to_owned()),
        sandbox: Sandbox::DangerFullAccess,
        overrides: Vec::new(),
        thread_id: None,
        thread_config: Value::Null,
        base_instructions: None,
        developer_instructions: None,
        goal: None,
        experimental_raw_events: None,
        persist_extended_history: None,
        bootstrap: BOOTSTRAP,
        idle_quiet: QUIET,
        idle_timeout: None,
    }
}

fn process(plan: &CodexPlan) -> ProcessPlan {
    ProcessPlan {
        program: PathBuf::from("codex"),
        args: Vec::new(),
        env: Environment::default(),
        rendered: Vec::new(),
        cwd: PathBuf::from("/ws"),
        stdin: Stdin::Empty,
        conversation: Conversation::CodexAppServer(Box::new(plan.clone())),
        limits: CostLimits::default(),
        reasoning: false,
        timers: Timers::default(),
    }
}

/// A session and all that it has asked for.
struct Talk {
    session: AppServer,
    actions: Vec<Action>,
}

impl Talk {
    /// A conversation that has only begun.
    fn new(plan: &CodexPlan) -> Self {
        let mut session = session(plan, &process(plan));
        let actions = session.on_start();
        Self { session, actions }
    }

    /// A conversation whose turn `u1` runs.
    fn in_turn(plan: &CodexPlan) -> Self {
        let mut talk = Self::new(plan);
        talk.hears(&json!({"id": 1, "result": {"userAgent": "lab/0.169.0 (Debian)"}}));
        talk.hears(&json!({"id": 2, "result": {"thread": {"id": "t1"}, "model": "gpt-5.5"}}));
        let turn_id = if plan.goal.is_some() { 4 } else { 3 };
        if plan.goal.is_some() {
            talk.hears(&json!({"id": 3, "result": {}}));
        }
        talk.hears(&json!({"id": turn_id, "result": {"turn": {"id": "u1"}}}));
        talk.notified(
            "thread/status/changed",
            json!({"status": {"type": "active"}}),
        );
        talk.notified("turn/started", json!({"turn": {"id": "u1"}}));
        talk.actions.clear();
        talk
    }

    /// A line; returns what it led to.
    fn reads(&mut self, line: &str) -> Vec<Action> {
        let actions = self.session.on_line(line);
        self.actions.extend(actions.clone());
        actions
    }

    fn hears(&mut self, message: &Value) -> Vec<Action> {
        self.reads(&message.to_string())
    }

    /// A notification about our thread, unless its parameters name another.
    fn notified(&mut self, method: &str, mut params: Value) -> Vec<Action> {
        if params.get("threadId").is_none() {
            params["threadId"] = "t1".into();
        }
        self.hears(
            &json!({"method": method, "params": params, "emittedAtMs": 1_795_231_345_448_u64}),
        )
    }

    fn turn_ends(&mut self, turn: &str, status: &str) -> Vec<Action> {
        self.notified(
            "turn/completed",
            json!({"turn": {"id": turn, "status": status}}),
        )
    }

    fn rings(&mut self, timer: Timer) -> Vec<Action> {
        let actions = self.session.on_timer(timer);
        self.actions.extend(actions.clone());
        actions
    }

    fn ends(&mut self) {
        let actions = self.session.on_end();
        self.actions.extend(actions);
    }

    /// The verdict that stands.
    fn verdict(&self) -> Option<&Verdict> {
        self.actions.iter().rev().find_map(|action| match action {
            Action::Finish(verdict) | Action::Stop(verdict) => Some(verdict),
            _ => None,
        })
    }

    /// Says whether a timer runs.
    fn runs(&self, timer: Timer) -> bool {
        let set = self.actions.iter().rev().find_map(|action| match action {
            Action::SetTimer(of, after) if *of == timer => Some(after.is_some()),
            _ => None,
        });
        set.unwrap_or(false)
    }
}

/// The messages that actions write.
fn written(actions: &[Action]) -> Vec<Value> {
    let line = |action: &Action| match action {
        Action::Write(line) => Some(serde_json::from_str(line).expect("we write JSON")),
        _ => None,
    };
    actions.iter().filter_map(line).collect()
}

/// The events that actions tell.
fn told(actions: &[Action]) -> Vec<&Event> {
    let mut events = Vec::new();
    for action in actions {
        if let Action::Emit(event) = action {
            events.push(event);
        }
    }
    events
}

fn reason(talk: &Talk) -> Option<&str> {
    talk.verdict().map(|verdict| verdict.reason.as_str())
}
