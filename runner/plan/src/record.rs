//! Events with number, time and identity: the lines of a journal (design §9).
//!
//! A journal is JSON lines: a [`Header`] for each attempt, which says who speaks, and behind it the
//! [`Record`]s of that attempt. So it can be published, replayed and read without anything else.
//! The names are a contract with whoever keeps journals: add, never change.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::event::{Event, EventKind, Role, Tool};

/// The version of the format, in every header.
pub const VERSION: u32 = 1;

/// Who speaks: what every message about a run says of it (contract §8.4, §8.6).
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Speaker {
    /// Uid of the `AgentRun`; one that is made up for a run without, beginning with `local-`.
    pub run_uid: String,
    /// Name of the `AgentRun`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run_name: Option<String>,
    /// Its namespace.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run_namespace: Option<String>,
    /// An id of the run by another name, if the environment has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run_id: Option<String>,
    /// The agent: `AGENT_ID`, or the provider's name.
    pub agent_id: String,
    /// What the agent's own words are said as; `assistant` unless told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent_role: Option<String>,
    /// Step of a larger flow, or the pod.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub step_id: Option<String>,
    /// Stage of a larger flow.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stage: Option<String>,
    /// `owner/repository`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub repository: Option<String>,
    /// The branch that is worked on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub branch: Option<String>,
    /// The issue that is worked on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub issue_number: Option<u64>,
}

/// The first line of an attempt.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub struct Header {
    /// The version of the format, which is 1.
    pub journal: u32,
    /// From 1.
    pub attempt: u32,
    /// What the ids of its records begin with.
    pub stem: String,
    /// Who speaks.
    pub speaker: Speaker,
}

/// An event with its number.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct Record {
    /// From 1 in every attempt, without gaps.
    pub seq: u64,
    /// The same wherever the event is published, however often.
    pub id: String,
    /// RFC 3339, UTC, milliseconds.
    pub time: String,
    /// What kind of thing.
    pub kind: EventKind,
    /// Who said it.
    pub role: Role,
    /// The text, whole and redacted. May be empty.
    pub content: String,
    /// The tool, of `tool_call` and `tool_result`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool: Option<Tool>,
    /// What else is known, by name.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub attrs: Map<String, Value>,
}

impl Speaker {
    /// Returns a copy whose texts have been through `change`.
    #[must_use]
    pub fn map(&self, change: &impl Fn(&str) -> String) -> Self {
        let some = |text: &Option<String>| text.as_deref().map(change);
        Self {
            run_uid: change(&self.run_uid),
            run_name: some(&self.run_name),
            run_namespace: some(&self.run_namespace),
            run_id: some(&self.run_id),
            agent_id: change(&self.agent_id),
            agent_role: some(&self.agent_role),
            step_id: some(&self.step_id),
            stage: some(&self.stage),
            repository: some(&self.repository),
            branch: some(&self.branch),
            issue_number: self.issue_number,
        }
    }
}

impl Header {
    /// Returns the record of an event, which must be redacted already.
    pub fn record(&self, seq: u64, time: String, event: Event) -> Record {
        Record {
            seq,
            id: format!("{}-{seq}", self.stem),
            time,
            kind: event.kind,
            role: event.role,
            content: event.content,
            tool: event.tool,
            attrs: event.attrs,
        }
    }
}

/// A line of a journal.
#[derive(Debug, Clone, PartialEq)]
pub enum Line {
    /// An attempt begins.
    Header(Header),
    /// An event of the attempt that began last.
    Record(Record),
}

impl Line {
    /// Takes a line apart; `None` if it is not one of ours, such as one that was cut by a crash.
    pub fn parse(line: &[u8]) -> Option<Self> {
        if line.starts_with(b"{\"journal\":") {
            return serde_json::from_slice(line).ok().map(Self::Header);
        }
        serde_json::from_slice(line).ok().map(Self::Record)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_come_back_as_they_were_written() {
        let header = Header {
            journal: VERSION,
            attempt: 2,
            stem: "u-2".to_owned(),
            speaker: Speaker {
                run_uid: "u".to_owned(),
                agent_id: "claude".to_owned(),
                ..Speaker::default()
            },
        };
        let event = Event::new(EventKind::RunStarted, Role::System, "a\nb").with("phase", "agent");
        let record = header.record(7, "2026-08-23T10:15:00.120Z".to_owned(), event);
        assert_eq!(record.id, "u-2-7");
        let text = serde_json::to_string(&header).expect("a header has only string keys");
        assert_eq!(Line::parse(text.as_bytes()), Some(Line::Header(header)));
        let text = serde_json::to_string(&record).expect("a record has only string keys");
        assert!(text.contains(r#""kind":"run-started""#), "{text}");
        assert_eq!(Line::parse(text.as_bytes()), Some(Line::Record(record)));
        for torn in [
            "",
            "{",
            &text[..text.len() - 1],
            "{\"journal\":1}",
            "\0\0\0",
        ] {
            assert_eq!(Line::parse(torn.as_bytes()), None, "{torn:?}");
        }
    }

    #[test]
    fn every_kind_is_called_as_it_is_written() {
        for kind in [
            EventKind::RunStarted,
            EventKind::MessageDelta,
            EventKind::ToolCall,
            EventKind::RateLimit,
            EventKind::Artifact,
            EventKind::RunNextPrompt,
            EventKind::SwarmHandoff,
            EventKind::RunOutcome,
        ] {
            assert_eq!(serde_json::json!(kind), kind.name());
        }
    }
}
