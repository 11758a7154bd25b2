//! What is published of an event: subject, headers and payload (contract §8.5, §8.6).
//!
//! A payload has identity in its members, because tokens of a subject are sanitised and a
//! subscriber that counts tokens is fooled by a dot. Everything is a function of the journal: the
//! same record gives the same bytes, so that whatever is sent twice is recognised by its id.
//!
//! The usual record is serialised once, out of borrowed fields. Only what is too long for the
//! server is measured and cut, by [`cut`].

mod attrs;
mod cloud;
mod content;
mod cut;
mod id;
mod identity;
mod payload;
mod subject;

use crate::event::EventKind;
use crate::record::{Header, Record, Speaker};

/// How events are worded on the wire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wire {
    /// What subjects begin with.
    pub prefix: Prefix,
    /// The form of the payload.
    pub format: Format,
    /// The `traceparent` header, if the run is part of a trace.
    pub traceparent: Option<String>,
    /// Bytes of content after which it is cut, with a mark that says where it is whole: in the
    /// journal, or only in the log if a session has cut it before (`attrs.cut`, its whole length).
    pub max_content: usize,
}

/// What subjects begin with.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Prefix {
    /// `agentrun`, which the controller's subscriber wants.
    #[default]
    AgentRun,
    /// `workflow`, of installations of 0.9.1.
    Workflow,
    /// Something else, sanitised.
    Other(String),
}

/// The form of a payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Format {
    /// The contract's own.
    #[default]
    Plain,
    /// A `CloudEvents` 1.0 envelope in structured mode around it.
    CloudEvents,
}

/// Something to publish.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Where.
    pub subject: String,
    /// `message_id` and `Nats-Msg-Id`; the same every time.
    pub id: String,
    /// Besides `Nats-Msg-Id`, as name and value.
    pub headers: Vec<(&'static str, String)>,
    /// JSON, no longer than what was allowed.
    pub payload: Vec<u8>,
}

/// Returns the subject that everything which a run publishes of itself matches.
pub fn subjects(prefix: &Prefix, speaker: &Speaker) -> String {
    let subject = subject::of_run(prefix, speaker, EventKind::Status);
    let stem = subject.strip_suffix(EventKind::Status.name());
    format!("{}>", stem.unwrap_or_default())
}

/// Returns the subject that all general copies match.
pub fn general_subjects(prefix: &Prefix) -> String {
    let subject = subject::general(prefix, EventKind::Status);
    let stem = subject.strip_suffix(EventKind::Status.name());
    format!("{}>", stem.unwrap_or_default())
}

/// Returns what is published of a record: on the run's subject, and for some kinds a copy on the
/// general one.
///
/// No payload, with its headers and `Nats-Msg-Id`, is longer than `max_payload` bytes if that is at
/// least 2048: content is cut first, then the tool, then attributes are left out, then identity is
/// cut. With less room it is cut as far as it goes, which may not be enough.
pub fn messages(header: &Header, record: &Record, wire: &Wire, max_payload: usize) -> Vec<Message> {
    let publish = |subject: String, id: String| {
        let headers = headers(wire);
        let room = max_payload.saturating_sub(framed(&headers, &id));
        let payload = payload::encoded(header, record, wire, &id, room);
        Message {
            subject,
            id,
            headers,
            payload,
        }
    };
    let id = id::of(&record.id);
    let kind = record.kind;
    let subject = subject::of_run(&wire.prefix, &header.speaker, kind);
    if !kind.is_general() {
        return vec![publish(subject, id.into_owned())];
    }
    // A subscriber that forgets what it has seen by id alone would drop one of two equal ids.
    let copy = publish(
        subject::general(&wire.prefix, kind),
        format!("{id}{}", id::GENERAL),
    );
    vec![publish(subject, id.into_owned()), copy]
}

/// Returns the headers besides `Nats-Msg-Id`.
fn headers(wire: &Wire) -> Vec<(&'static str, String)> {
    let content_type = match wire.format {
        Format::Plain => "application/json",
        Format::CloudEvents => "application/cloudevents+json",
    };
    let mut headers = vec![("content-type", content_type.to_owned())];
    if let Some(parent) = traceparent(wire) {
        headers.push(("traceparent", parent.to_owned()));
    }
    headers
}

/// Returns the `traceparent` if it may be one: hexadecimal digits and hyphens, as in the only form
/// there is, and no more than a later form may have.
fn traceparent(wire: &Wire) -> Option<&str> {
    let is_part = |byte: u8| byte.is_ascii_hexdigit() || byte == b'-';
    wire.traceparent
        .as_deref()
        .filter(|text| (55..=64).contains(&text.len()) && text.bytes().all(is_part))
}

/// Returns the bytes of all headers as the server counts them.
fn framed(headers: &[(&'static str, String)], id: &str) -> usize {
    let line = |name: &str, value: &str| name.len() + ": \r\n".len() + value.len();
    let lines: usize = headers.iter().map(|(name, value)| line(name, value)).sum();
    "NATS/1.0\r\n\r\n".len() + line("Nats-Msg-Id", id) + lines
}

#[cfg(test)]
mod tests;
