//! The rules of the controller's subscriber (contract §8.5), as it has them.

use serde_json::{Map, Value};

/// A row of its table.
#[derive(Debug, PartialEq)]
pub(super) struct Row {
    pub(super) uid: Option<String>,
    pub(super) name: Option<String>,
    pub(super) namespace: Option<String>,
    pub(super) run_id: Option<String>,
    pub(super) agent_id: Option<String>,
    pub(super) step_id: Option<String>,
    pub(super) stage: Option<String>,
    pub(super) channel: Option<String>,
    pub(super) kind: String,
    pub(super) role: String,
    pub(super) content: String,
    pub(super) timestamp: Option<String>,
    pub(super) attrs: Map<String, Value>,
    pub(super) dedupe: Option<String>,
}

/// Returns the row of a message; `None` if it would be dropped.
pub(super) fn row(subject: &str, payload: &[u8]) -> Option<Row> {
    let tokens: Vec<&str> = subject.split('.').collect();
    if tokens[0] != "agentrun" {
        return None;
    }
    let is_general = tokens.get(1) == Some(&"general");
    let agent = tokens.iter().skip(1).position(|token| *token == "agent");
    let agent = agent.map(|at| at + 1);
    if !is_general && agent.is_none() {
        return None;
    }
    let mut payload: Value = serde_json::from_slice(payload).ok()?;
    for wrapper in ["message", "data"] {
        if let Some(inner @ Value::Object(_)) = payload.get(wrapper) {
            payload = inner.clone();
            break;
        }
    }
    let text = |names: &[&str]| {
        let values = names.iter().filter_map(|name| payload.get(name)?.as_str());
        let mut trimmed = values.map(trim).filter(|text| !text.is_empty());
        trimmed.next().map(str::to_owned)
    };
    let token = |at: usize| {
        let tokens = (!is_general).then_some(&tokens)?;
        tokens.get(at).map(|token| (*token).to_owned())
    };
    let behind_agent = |steps: usize| token(agent? + steps);
    let kind_token = if is_general {
        tokens.get(2).map(|token| (*token).to_owned())
    } else {
        behind_agent(2)
    };
    let kind = text(&["kind"])
        .or(kind_token)
        .unwrap_or("message".to_owned());
    let content = text(&["content", "text", "message", "status", "error"]);
    let content = content.or((kind == "status").then(|| "status update".to_owned()))?;
    let system = matches!(kind.as_str(), "status" | "error");
    let mut attrs = ["attrs", "attributes", "meta"]
        .iter()
        .find_map(|name| payload.get(name)?.as_object().cloned())
        .unwrap_or_default();
    for name in [
        "tool",
        "status",
        "exit_code",
        "repository",
        "issueNumber",
        "branch",
    ] {
        let value = payload.get(name).cloned().unwrap_or_default();
        if value.as_i64() != Some(0) && !value.is_null() {
            attrs.insert(name.to_owned(), value);
        }
    }
    Some(Row {
        uid: text(&["agent_run_uid", "agentRunUid"]).or(token(3)),
        name: text(&["agent_run_name", "agentRunName"]).or(token(2)),
        namespace: text(&["agent_run_namespace", "agentRunNamespace"]).or(token(1)),
        run_id: text(&["run_id", "runId", "runID", "agent_run_id", "agentRunId"]),
        agent_id: text(&["agent_id", "agentId"])
            .filter(|id| id != "unknown")
            .or(behind_agent(1)),
        step_id: text(&["step_id", "stepId", "agent_run_step"]),
        stage: text(&["stage", "agent_run_stage"]),
        channel: text(&["channel"]).or(is_general.then(|| "general".to_owned())),
        role: text(&["role"]).unwrap_or(if system { "system" } else { "assistant" }.to_owned()),
        timestamp: text(&["timestamp", "sent_at", "created_at", "createdAt"]),
        dedupe: text(&["message_id", "messageId", "id"]).map(|id| format!("{subject}:{id}")),
        kind,
        content,
        attrs,
    })
}

/// Who a subject alone says it is: namespace, name, uid, agent, kind.
pub(super) fn told(subject: &str) -> Vec<&str> {
    let tokens: Vec<&str> = subject.split('.').skip(1).collect();
    let at = tokens.iter().position(|token| *token == "agent");
    let at = at.expect("the subject of a run has the token");
    let (before, behind) = (&tokens[..at], &tokens[at + 1..]);
    assert_eq!(before.len(), 3, "{subject}");
    [before, behind].concat()
}

/// Trims as JavaScript does.
fn trim(text: &str) -> &str {
    text.trim_matches(|letter: char| letter.is_whitespace() || letter == '\u{feff}')
}
