//! What the subscriber stores.

use serde_json::{Map, Value, json};

use super::{Refused, Subject};

/// A row of the table of messages.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// What kind of message.
    pub kind: String,
    /// Who says it.
    pub role: String,
    /// RFC 3339, UTC; without one the subscriber takes its own time.
    pub timestamp: Option<String>,
    /// An id of the run by another name.
    pub run_id: Option<String>,
    /// Uid of the `AgentRun`.
    pub uid: Option<String>,
    /// Its name.
    pub name: Option<String>,
    /// Its namespace.
    pub namespace: Option<String>,
    /// Step of a larger flow, or the pod.
    pub step_id: Option<String>,
    /// The agent.
    pub agent_id: Option<String>,
    /// `run`, `general` or another.
    pub channel: Option<String>,
    /// Stage of a larger flow.
    pub stage: Option<String>,
    /// The text, trimmed, never blank.
    pub content: String,
    /// What else is known.
    pub attrs: Map<String, Value>,
    /// Subject and id of the message; without an id every delivery is a row of its own.
    pub dedupe_key: Option<String>,
}

/// The members of a payload.
struct Payload<'a>(&'a Map<String, Value>);

impl Row {
    pub(super) fn new(
        subject: &str,
        place: &Subject,
        object: &Map<String, Value>,
    ) -> Result<Self, Refused> {
        let payload = Payload(object);
        // What Postgres cannot read is worse than what is dropped.
        let timestamp = payload.text(&["timestamp", "sent_at", "created_at", "createdAt"])?;
        if let Some(time) = &timestamp
            && (!time.ends_with('Z') || humantime::parse_rfc3339(time).is_err())
        {
            return Err(Refused::Timestamp(time.clone()));
        }
        let kind = payload
            .text(&["kind"])?
            .or_else(|| place.kind.clone())
            .unwrap_or_else(|| "message".to_owned());
        // The first that is there decides, also if it is blank: nobody looks at the others then.
        let said = payload.text(&["content", "text", "message", "status", "error"])?;
        let content = match said.as_deref().map_or("", trimmed) {
            "" if kind == "status" => "status update",
            "" => return Err(Refused::Blank),
            content => content,
        }
        .to_owned();
        let by_kind = match kind.as_str() {
            "status" | "error" => "system",
            _ => "assistant",
        };
        let general = place.general.then(|| "general".to_owned());
        let agent = payload.text(&["agent_id", "agentId"])?;
        let known = agent.filter(|id| !trimmed(id).is_empty() && trimmed(id) != "unknown");
        let id = payload.text(&["message_id", "messageId", "id"])?;
        Ok(Self {
            role: payload
                .text(&["role"])?
                .unwrap_or_else(|| by_kind.to_owned()),
            timestamp,
            run_id: payload.text(&["run_id", "runId", "runID", "agent_run_id", "agentRunId"])?,
            uid: payload.identity("agent_run_uid", "agentRunUid", place.uid.as_ref())?,
            name: payload.identity("agent_run_name", "agentRunName", place.name.as_ref())?,
            namespace: payload.identity(
                "agent_run_namespace",
                "agentRunNamespace",
                place.namespace.as_ref(),
            )?,
            step_id: payload.text(&["step_id", "stepId", "agent_run_step"])?,
            agent_id: known.or_else(|| place.agent_id.clone()),
            channel: payload.text(&["channel"])?.or(general),
            stage: payload.text(&["stage", "agent_run_stage"])?,
            content,
            attrs: payload.attrs(subject),
            dedupe_key: id.map(|id| format!("{subject}:{id}")),
            kind,
        })
    }
}

impl Payload<'_> {
    /// Returns the first member that there is, which must be a text then.
    fn text(&self, names: &[&'static str]) -> Result<Option<String>, Refused> {
        for &name in names {
            match self.0.get(name) {
                None | Some(Value::Null) => {}
                Some(Value::String(text)) => return Ok(Some(text.clone())),
                Some(_) => return Err(Refused::NotText(name)),
            }
        }
        Ok(None)
    }

    /// Returns what the payload says, or else the subject.
    fn identity(
        &self,
        snake: &'static str,
        camel: &'static str,
        subject: Option<&String>,
    ) -> Result<Option<String>, Refused> {
        Ok(self.text(&[snake, camel])?.or_else(|| subject.cloned()))
    }

    fn attrs(&self, subject: &str) -> Map<String, Value> {
        let object = |name: &&str| self.0.get(*name).and_then(Value::as_object);
        let mut attrs = ["attrs", "attributes", "meta"]
            .iter()
            .find_map(object)
            .cloned()
            .unwrap_or_default();
        let mut add = |name: &str, value: Option<&Value>| {
            if let Some(value) = value {
                attrs.insert(name.to_owned(), value.clone());
            }
        };
        let tool = ["tool", "tool_call", "toolCall"].iter().find_map(object);
        add("tool", tool.cloned().map(Value::Object).as_ref());
        for name in ["status", "exit_code", "repository", "issueNumber", "branch"] {
            add(name, self.0.get(name).filter(|value| is_truthy(value)));
        }
        add("nats_subject", Some(&json!(subject)));
        let runtime = ["runtime", "runtime_type", "runtimeType"]
            .iter()
            .find_map(|name| self.0.get(*name));
        add("runtime", Some(runtime.unwrap_or(&json!("agents_comms"))));
        attrs
    }
}

/// Returns whether JavaScript takes it for true: an exit code of 0 is lost.
fn is_truthy(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(value) => *value,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !text.is_empty(),
        Value::Array(_) | Value::Object(_) => true,
    }
}

/// Returns a text as JavaScript trims it.
fn trimmed(text: &str) -> &str {
    text.trim_matches(|it: char| it == '\u{feff}' || (it.is_whitespace() && it != '\u{85}'))
}
