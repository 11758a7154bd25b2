//! What claude says of itself.

use agent_plan::event::{Event, EventKind, Role};
use agent_plan::outcome::RetryAfter;
use agent_plan::provider::Action;
use serde_json::{Value, json};

use super::{Claude, Phase, list, number, of, text, tools};
use crate::class::Class;

/// Beyond this, a time is in milliseconds: as seconds it is the year 5138.
const SECONDS: u64 = 100_000_000_000;

impl Claude {
    /// Takes a line of type `system`; nothing if its subtype is not known.
    pub(super) fn on_system(&mut self, line: &Value) -> Option<Vec<Action>> {
        let event = match text(line, "/subtype")? {
            "init" => return Some(self.on_init(line)),
            "api_retry" => return Some(self.on_retry(line)),
            "permission_denied" => self.on_denied(line),
            "compact_boundary" => status("the conversation was compacted"),
            "task_started" => task(line, "started", "/description"),
            "task_notification" => task(line, text(line, "/status").unwrap_or("over"), "/summary"),
            "status"
            | "thinking_tokens"
            | "task_updated"
            | "task_progress"
            | "background_tasks_changed"
            | "ui_invalidate" => return Some(Vec::new()),
            _ => return None,
        };
        Some(vec![Action::Emit(of(line, event))])
    }

    fn on_init(&mut self, line: &Value) -> Vec<Action> {
        let said = |place: &str| text(line, place).map(tools::one_line);
        self.report.session_id = said("/session_id").or(self.report.session_id.take());
        self.report.model = said("/model").or(self.report.model.take());
        self.report.version = said("/claude_code_version").or(self.report.version.take());
        if text(line, "/apiKeySource") == Some("none") {
            self.refusals_allowed = 2;
        }
        let mut servers = Vec::new();
        for server in list(line, "/mcp_servers") {
            let name = tools::one_line(text(server, "/name").unwrap_or_default());
            let state = tools::one_line(text(server, "/status").unwrap_or_default());
            if matches!(state.as_str(), "failed" | "needs-auth") {
                let warning = format!("the MCP server `{name}` cannot be used: {state}");
                self.report.warn(warning);
            }
            servers.push(json!({"name": name, "status": state}));
        }
        self.miss_skill(line);
        let mut actions = Vec::new();
        if std::mem::replace(&mut self.phase, Phase::Working) == Phase::Ended {
            actions.push(Action::Resume);
        }
        let event = status("the conversation began")
            .with("sessionId", said("/session_id"))
            .with("model", said("/model"))
            .with("version", said("/claude_code_version"))
            .with("cwd", said("/cwd"))
            .with("permissionMode", said("/permissionMode"))
            .with("apiKeySource", said("/apiKeySource"))
            .with("mcpServers", servers);
        actions.push(Action::Emit(event));
        actions
    }

    /// A command that claude does not know reaches the model as text.
    fn miss_skill(&mut self, line: &Value) {
        let known = list(line, "/slash_commands");
        let skill = self
            .prompt
            .as_ref()
            .and_then(|prompt| prompt.skill.as_ref());
        if let Some(skill) = skill
            && !known.is_empty()
            && !known
                .iter()
                .any(|name| *name == skill.trim_start_matches('/'))
        {
            let warning = format!("claude does not list a skill `{}`", tools::one_line(skill));
            self.report.warn(warning);
        }
    }

    fn on_retry(&mut self, line: &Value) -> Vec<Action> {
        let error = tools::one_line(text(line, "/error").unwrap_or("unknown"));
        let http = number(line, "/error_status");
        let what = match http {
            0 => error.clone(),
            http => format!("{error}, HTTP status {http}"),
        };
        let (attempt, max) = (number(line, "/attempt"), number(line, "/max_retries"));
        let said = format!("a request failed: {what}; try {attempt} of {max}");
        let event = Event::new(EventKind::Error, Role::System, said)
            .with("retry", attempt)
            .with("max", max)
            .with("class", error.as_str())
            .with("httpStatus", line.get("error_status").cloned())
            .with("delayMs", line.get("retry_delay_ms").cloned());
        let mut actions = vec![Action::Emit(of(line, event))];
        if error == "authentication_failed" {
            self.refusals += 1;
            // Claude would ask ten times, for minutes.
            if self.refusals >= self.refusals_allowed && self.hopeless.is_none() {
                let message = format!("the provider refused the credentials: {what}");
                let verdict = Class::Auth.verdict(Some(&message), None);
                self.hopeless = Some(verdict.clone());
                actions.push(Action::Stop(verdict));
            }
        }
        actions
    }

    fn on_denied(&mut self, line: &Value) -> Event {
        let tool = tools::one_line(text(line, "/tool_name").unwrap_or("a tool"));
        self.report.warn(format!("the use of `{tool}` was refused"));
        status(text(line, "/message").unwrap_or_default())
            .with("toolUseId", text(line, "/tool_use_id"))
            .with("tool", tool)
            .with("denied", text(line, "/decision_reason_type"))
    }

    pub(super) fn on_rate_limit(&mut self, line: &Value) -> Vec<Action> {
        let info = line.get("rate_limit_info").unwrap_or(&Value::Null);
        let state = tools::one_line(text(info, "/status").unwrap_or("unknown"));
        // The end of a limit that does not hold says nothing about a later refusal.
        if let resets @ 1.. = number(info, "/resetsAt")
            && state != "allowed"
        {
            let seconds = if resets > SECONDS {
                resets / 1000
            } else {
                resets
            };
            self.resets = Some(RetryAfter::At(seconds));
        }
        let said = format!("the account's limit: {state}");
        let event = Event::new(EventKind::RateLimit, Role::System, said)
            .with("status", state)
            .with("resetsAt", info.get("resetsAt").cloned())
            .with("limit", info.get("rateLimitType").cloned())
            .with("utilization", info.get("utilization").cloned());
        vec![Action::Emit(event)]
    }
}

fn status(said: &str) -> Event {
    Event::new(EventKind::Status, Role::System, said)
}

/// Something that runs besides: a subagent, a command in the background.
fn task(line: &Value, state: &str, place: &str) -> Event {
    let what = text(line, place).map(tools::one_line).unwrap_or_default();
    let state = tools::one_line(state);
    status(&format!("task {state}: {what}"))
        .with("taskId", text(line, "/task_id"))
        .with("toolUseId", text(line, "/tool_use_id"))
        .with("taskStatus", state)
}
