//! What we ask the server: every request and its parameters, field by field (contract §5.2).

use agent_plan::plan::{CodexPlan, Prompt, Sandbox, ThreadGoal};
use serde_json::{Value, json};

/// A request of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asked {
    Initialize,
    ThreadStart,
    ThreadResume,
    Goal,
    Turn,
    Interrupt,
}

impl Asked {
    pub(super) fn method(self) -> &'static str {
        match self {
            Self::Initialize => "initialize",
            Self::ThreadStart => "thread/start",
            Self::ThreadResume => "thread/resume",
            Self::Goal => "thread/goal/set",
            Self::Turn => "turn/start",
            Self::Interrupt => "turn/interrupt",
        }
    }
}

/// The requests that were made and not answered.
#[derive(Debug, Default)]
pub(super) struct Requests {
    last_id: u64,
    pending: Vec<(u64, Asked)>,
}

impl Requests {
    /// Numbers a request and returns its line.
    pub(super) fn line(&mut self, asked: Asked, params: Value) -> String {
        self.last_id += 1;
        self.pending.push((self.last_id, asked));
        // The server wants no `jsonrpc` member.
        let mut request = json!({"id": self.last_id, "method": asked.method()});
        request["params"] = params;
        request.to_string()
    }

    /// Returns the request that an answer is for.
    pub(super) fn answered(&mut self, id: &Value) -> Option<Asked> {
        let id = id.as_u64()?;
        let index = self.pending.iter().position(|(asked, _)| *asked == id)?;
        Some(self.pending.swap_remove(index).1)
    }

    /// Says whether such a request is not answered yet.
    pub(super) fn awaits(&self, asked: Asked) -> bool {
        self.pending.iter().any(|(_, pending)| *pending == asked)
    }
}

pub(super) fn initialize() -> Value {
    // The incumbent's name: codex tells its server which client it talks for.
    json!({
        "clientInfo": {"name": "lab", "title": "lab app-server client", "version": "0.0.0"},
        "capabilities": {"experimentalApi": true, "requestAttestation": false},
    })
}

pub(super) fn thread_start(plan: &CodexPlan, cwd: &str) -> Value {
    let mut params = thread(plan, cwd);
    for field in ["ephemeral", "historyMode", "dynamicTools"] {
        params[field] = Value::Null;
    }
    // Unlike its neighbours it may not be null.
    params["experimentalRawEvents"] = plan.experimental_raw_events.unwrap_or(false).into();
    params
}

pub(super) fn thread_resume(plan: &CodexPlan, thread_id: &str, cwd: &str) -> Value {
    let mut params = thread(plan, cwd);
    params["threadId"] = thread_id.into();
    params["excludeTurns"] = true.into();
    params
}

/// What every thread is given, whether it begins or goes on.
fn thread(plan: &CodexPlan, cwd: &str) -> Value {
    let mut params = json!({
        "model": plan.model,
        "modelProvider": null,
        "cwd": cwd,
        "approvalPolicy": "never",
        "sandbox": plan.sandbox.word(),
        "config": plan.thread_config,
        "baseInstructions": plan.base_instructions,
        "developerInstructions": plan.developer_instructions,
        "personality": null,
    });
    if let Some(persist) = plan.persist_extended_history {
        params["persistExtendedHistory"] = persist.into();
    }
    params
}

pub(super) fn goal(thread: &str, goal: &ThreadGoal) -> Value {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the server takes whole tokens only, and `as` saturates"
    )]
    let budget = goal.token_budget.map(|tokens| tokens as i64);
    json!({
        "threadId": thread,
        "objective": goal.objective,
        "status": goal.status,
        "tokenBudget": budget,
    })
}

pub(super) fn turn(plan: &CodexPlan, thread: &str, cwd: &str) -> Value {
    // No `summary`: the server refuses null there.
    json!({
        "threadId": thread,
        "input": [{"type": "text", "text": words(&plan.prompt), "text_elements": []}],
        "cwd": cwd,
        "approvalPolicy": "never",
        "sandboxPolicy": sandbox_policy(plan.sandbox),
        "model": plan.model,
        "effort": plan.effort,
        "personality": null,
        "outputSchema": null,
        "collaborationMode": null,
    })
}

pub(super) fn interrupt(thread: &str, turn: &str) -> Value {
    json!({"threadId": thread, "turnId": turn})
}

/// The prompt; `$name` in front of it makes codex take up a skill.
fn words(prompt: &Prompt) -> String {
    match &prompt.skill {
        Some(skill) => format!("${} {}", skill.trim_start_matches('$'), prompt.text),
        None => prompt.text.clone(),
    }
}

fn sandbox_policy(sandbox: Sandbox) -> Value {
    match sandbox {
        Sandbox::DangerFullAccess => json!({"type": "dangerFullAccess"}),
        // The defaults of codex, told in full because older versions wanted every field.
        Sandbox::WorkspaceWrite => json!({
            "type": "workspaceWrite",
            "writableRoots": [],
            "networkAccess": false,
            "excludeTmpdirEnvVar": false,
            "excludeSlashTmp": false,
        }),
        Sandbox::ReadOnly => json!({"type": "readOnly", "networkAccess": false}),
    }
}
