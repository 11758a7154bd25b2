//! What the server tells us: one line for each notification that means something.

use agent_plan::event::{Event, EventKind, Role};
use serde_json::Value;

use super::{AppServer, fields};

/// Notifications that are known and change nothing: the whole follows, or a person's screen is
/// meant.
const SILENT: [&str; 32] = [
    "account/login/completed",
    "account/updated",
    "app/list/updated",
    "command/exec/outputDelta",
    "fs/changed",
    "hook/completed",
    "hook/started",
    "item/autoApprovalReview/completed",
    "item/autoApprovalReview/started",
    "item/commandExecution/outputDelta",
    "item/fileChange/outputDelta",
    "item/fileChange/patchUpdated",
    "item/plan/delta",
    "item/reasoning/summaryPartAdded",
    "mcpServer/oauthLogin/completed",
    "model/safetyBuffering/updated",
    "model/verification",
    "process/exited",
    "process/outputDelta",
    "remoteControl/status/changed",
    "serverRequest/resolved",
    "skills/changed",
    "thread/environment/connected",
    "thread/environment/disconnected",
    "thread/goal/cleared",
    "thread/name/updated",
    "thread/queue/changed",
    "thread/readState/changed",
    "thread/settings/updated",
    "thread/started",
    "thread/unarchived",
    "turn/moderationMetadata",
];

impl AppServer {
    pub(super) fn on_notification(&mut self, method: &str, params: &Value) {
        self.report.known_events += 1;
        if method.starts_with("item/") {
            self.offline.on_progress();
        }
        match method {
            "item/agentMessage/delta" => self.on_piece(EventKind::MessageDelta, params),
            "item/reasoning/summaryTextDelta" | "item/reasoning/textDelta" => {
                self.on_piece(EventKind::ReasoningDelta, params);
            }
            "item/started" => self.on_item_started(params),
            "item/completed" => self.on_item_completed(params),
            "turn/started" => self.on_turn_started(params),
            "turn/completed" => self.on_turn_completed(params),
            "error" => self.on_error(params),
            "thread/status/changed" => self.on_thread_status(params),
            "thread/closed" if self.is_ours(params) => self.on_thread_activity(false),
            "thread/tokenUsage/updated" => self.on_token_usage(params),
            "account/rateLimits/updated" => self.on_rate_limits(params),
            "turn/plan/updated" => self.say(params, EventKind::Status, &plan(params)),
            "turn/diff/updated" => self.say(params, EventKind::Log, &diff(params)),
            "thread/compacted" => self.say(params, EventKind::Status, "Context compacted."),
            "thread/goal/updated" => self.on_goal(params),
            "item/mcpToolCall/progress" => self.say_field(params, EventKind::Log, "message"),
            "item/commandExecution/terminalInteraction" => {
                self.say_field(params, EventKind::Log, "stdin");
            }
            "warning" | "guardianWarning" => {
                self.report
                    .warn(fields::text(params, "message").unwrap_or_default());
                self.say_field(params, EventKind::Log, "message");
            }
            "configWarning" | "deprecationNotice" => {
                self.say_field(params, EventKind::Log, "summary");
            }
            "model/rerouted" => self.on_other_model(params),
            "mcpServer/startupStatus/updated" => self.on_mcp_server(params),
            "modelProvider/authRecoveryStarted" => {
                self.renewing = true;
                self.say_field(params, EventKind::Status, "message");
            }
            "modelProvider/authRecoveryCompleted" => {
                self.renewing = false;
                self.say_field(params, EventKind::Status, "message");
            }
            "thread/closed" => {}
            silent if SILENT.contains(&silent) => {}
            _ => {
                self.report.known_events -= 1;
                self.report.unknown_events += 1;
            }
        }
    }

    fn say(&mut self, params: &Value, kind: EventKind, text: &str) {
        if !text.is_empty() {
            self.emit_of(params, Event::new(kind, Role::System, text));
        }
    }

    fn say_field(&mut self, params: &Value, kind: EventKind, key: &str) {
        self.say(params, kind, fields::text(params, key).unwrap_or_default());
    }

    fn on_thread_status(&mut self, params: &Value) {
        let status = params.pointer("/status/type").and_then(Value::as_str);
        if let Some(status) = status.filter(|_| self.is_ours(params)) {
            self.on_thread_activity(status == "active");
        }
    }

    /// Told after every request; that it goes on is no news.
    fn on_goal(&mut self, params: &Value) {
        let status = params.pointer("/goal/status").and_then(Value::as_str);
        if let Some(status) = status.filter(|status| *status != "active") {
            self.say(params, EventKind::Status, &format!("Goal: {status}."));
        }
    }

    fn on_other_model(&mut self, params: &Value) {
        let Some(model) = fields::text(params, "toModel").map(str::to_owned) else {
            return;
        };
        let from = fields::text(params, "fromModel").unwrap_or("the model asked for");
        let warning = format!("{model} answers instead of {from}");
        self.say(params, EventKind::Status, &warning);
        self.report.warn(warning);
        if self.is_ours(params) {
            self.report.model = Some(model);
        }
    }

    fn on_mcp_server(&mut self, params: &Value) {
        if fields::text(params, "status") == Some("failed") {
            let name = fields::text(params, "name").unwrap_or_default();
            let error = fields::text(params, "error").unwrap_or("no reason given");
            let warning = format!("MCP server `{name}` did not start: {error}");
            self.say(params, EventKind::Log, &warning);
            self.report.warn(warning);
        }
    }
}

/// The plan as a list with marks.
fn plan(params: &Value) -> String {
    let line = |step: &Value| {
        let mark = match fields::text(step, "status") {
            Some("completed") => "[x]",
            Some("inProgress") => "[>]",
            _ => "[ ]",
        };
        format!("{mark} {}", fields::text(step, "step").unwrap_or_default())
    };
    let lines: Vec<String> = fields::list(params, "plan").iter().map(line).collect();
    lines.join("\n")
}

/// The size of a diff. The diff itself grows with every change and is told anew each time.
fn diff(params: &Value) -> String {
    let diff = fields::text(params, "diff").unwrap_or_default();
    let count = |start: &str| diff.lines().filter(|line| line.starts_with(start)).count();
    let files = count("+++ ");
    let added = count("+").saturating_sub(files);
    let removed = count("-").saturating_sub(count("--- "));
    format!("{files} files changed, {added} lines added, {removed} lines removed.")
}
