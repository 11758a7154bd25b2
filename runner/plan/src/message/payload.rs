//! The payload: one JSON object, out of borrowed fields.

use std::borrow::Cow;

use serde::ser::{SerializeMap, SerializeStruct};
use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

use super::attrs::{self, stripped};
use super::cut::Rest;
use super::identity::Identity;
use super::{Format, Wire, cloud, content, cut};
use crate::event::{EventKind, Role, Tool};
use crate::record::{Header, Record};

/// What is said of an event.
#[derive(Debug)]
pub(super) struct Payload<'a> {
    pub(super) id: &'a str,
    pub(super) kind: EventKind,
    /// None if it is not a time: one row that a database refuses takes 249 others with it.
    pub(super) time: Option<&'a str>,
    pub(super) role: Cow<'a, str>,
    pub(super) identity: Identity<'a>,
    /// The whole text, maybe with NULs.
    pub(super) text: Cow<'a, str>,
    /// Where the rest of it is if it is cut.
    pub(super) rest: Rest,
    /// What is said of it.
    pub(super) content: Cow<'a, str>,
    pub(super) tool: Option<Said<'a>>,
    pub(super) seq: u64,
    pub(super) attempt: u32,
    pub(super) attrs: Cow<'a, Map<String, Value>>,
    pub(super) truncated: Truncated,
}

/// What is said of a tool.
#[derive(Debug)]
pub(super) struct Said<'a> {
    pub(super) id: Cow<'a, str>,
    pub(super) name: Cow<'a, str>,
    pub(super) title: Cow<'a, str>,
    pub(super) input: Option<Value>,
    ok: Option<bool>,
    exit_code: Option<i64>,
}

/// What is missing; the attribute `truncated`.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct Truncated {
    /// Bytes that the content had.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) content: Option<usize>,
    /// Whether the tool is not whole.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) tool: bool,
    /// How many attributes are left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) attrs: Option<usize>,
    /// Whether names of the run are cut.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) identity: bool,
}

/// Returns the payload of a message, cut so that it has at most `room` bytes.
pub(super) fn encoded(
    header: &Header,
    record: &Record,
    wire: &Wire,
    id: &str,
    room: usize,
) -> Vec<u8> {
    let mut payload = Payload::new(header, record, wire, id);
    let encode = |payload: &Payload<'_>| match wire.format {
        Format::Plain => json(payload),
        Format::CloudEvents => json(&cloud::Envelope::new(payload, super::traceparent(wire))),
    };
    let bytes = encode(&payload);
    if bytes.len() <= room {
        return bytes;
    }
    cut::fit(&mut payload, wire.max_content, room, |payload| {
        encode(payload).len()
    });
    encode(&payload)
}

/// Returns the JSON of a value.
pub(super) fn json<T: Serialize>(value: &T) -> Vec<u8> {
    serde_json::to_vec(value).expect("keys are strings, and nothing else can fail in memory")
}

impl<'a> Payload<'a> {
    /// Returns what is said of a record, with its content cut to what one message may have.
    fn new(header: &'a Header, record: &'a Record, wire: &Wire, id: &'a str) -> Self {
        let text = content::of(record);
        let rest = Rest::of(record);
        let (content, is_cut) = cut::content(&text, rest, wire.max_content, usize::MAX);
        let mut attrs = attrs::of(record);
        let tool = record.tool.as_ref().map(|tool| Said {
            // The input is said of the tool, so it is not said twice.
            input: match &attrs {
                Cow::Borrowed(_) => None,
                Cow::Owned(_) => attrs.to_mut().shift_remove("input"),
            },
            ..Said::new(tool)
        });
        Self {
            id,
            kind: record.kind,
            time: Some(record.time.as_str()).filter(|time| is_time(time)),
            role: role(header, record),
            identity: Identity::new(&header.speaker, wire),
            truncated: Truncated {
                content: is_cut.then_some(text.len()),
                ..Truncated::default()
            },
            content,
            text,
            rest,
            tool,
            seq: record.seq,
            attempt: header.attempt,
            attrs,
        }
    }
}

impl<'a> Said<'a> {
    fn new(tool: &'a Tool) -> Self {
        Self {
            id: stripped(&tool.id),
            name: stripped(&tool.name),
            title: stripped(&tool.title),
            input: None,
            ok: tool.ok,
            exit_code: tool.exit_code,
        }
    }
}

/// Returns what an event is said as. Calls are a tool's, which is where readers look for them.
fn role<'a>(header: &'a Header, record: &Record) -> Cow<'a, str> {
    let own = header.speaker.agent_role.as_deref().map(stripped);
    let own = own.filter(|role| !role.trim().is_empty());
    match (record.kind, record.role) {
        (EventKind::ToolCall | EventKind::ToolResult, _) | (_, Role::Tool) => Cow::Borrowed("tool"),
        (_, Role::Assistant) => own.unwrap_or(Cow::Borrowed("assistant")),
        (_, Role::System) => Cow::Borrowed("system"),
    }
}

/// Says whether a database takes a text for a time: RFC 3339, UTC, and a day that there is.
fn is_time(text: &str) -> bool {
    text.len() <= 35 && humantime::parse_rfc3339(text).is_ok()
}

impl Serialize for Payload<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("message_id", self.id)?;
        if let Some(time) = self.time {
            map.serialize_entry("timestamp", time)?;
            map.serialize_entry("sent_at", time)?;
        }
        map.serialize_entry("kind", self.kind.name())?;
        map.serialize_entry("role", &self.role)?;
        let channel = if self.kind.is_general() {
            "general"
        } else {
            "run"
        };
        map.serialize_entry("channel", channel)?;
        map.serialize_entry("content", &self.content)?;
        self.identity.write(&mut map)?;
        if let Some(Value::String(status)) = self.attrs.get("status") {
            map.serialize_entry("status", status)?;
        }
        if let Some(Value::Number(code)) = self.attrs.get("exit_code") {
            map.serialize_entry("exit_code", code)?;
        }
        if let Some(tool) = &self.tool {
            map.serialize_entry("tool", tool)?;
        }
        map.serialize_entry("attrs", &Attrs(self))?;
        map.end()
    }
}

/// The attributes, with number and attempt, which sort messages of the same time.
struct Attrs<'a>(&'a Payload<'a>);

impl Serialize for Attrs<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("seq", &self.0.seq)?;
        map.serialize_entry("attempt", &self.0.attempt)?;
        for (name, value) in self.0.attrs.as_ref() {
            map.serialize_entry(name, value)?;
        }
        if self.0.truncated != Truncated::default() {
            map.serialize_entry("truncated", &self.0.truncated)?;
        }
        map.end()
    }
}

impl Serialize for Said<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_struct("Tool", 6)?;
        map.serialize_field("id", &self.id)?;
        map.serialize_field("name", &self.name)?;
        if !self.title.is_empty() {
            map.serialize_field("title", &self.title)?;
        }
        if let Some(input) = &self.input {
            map.serialize_field("input", input)?;
        }
        if let Some(ok) = self.ok {
            map.serialize_field("isError", &!ok)?;
        }
        if let Some(code) = self.exit_code {
            map.serialize_field("exitCode", &code)?;
        }
        map.end()
    }
}
