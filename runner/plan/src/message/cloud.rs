//! The envelope of `CloudEvents` 1.0, structured mode, around a payload.

use std::borrow::Cow;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;

use super::payload::Payload;

/// What a segment of a URI cannot have as it is.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// The envelope.
#[derive(Debug, Serialize)]
pub(super) struct Envelope<'a> {
    specversion: &'static str,
    id: &'a str,
    #[serde(rename = "type")]
    kind: String,
    source: String,
    subject: Cow<'a, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    time: Option<&'a str>,
    datacontenttype: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    traceparent: Option<&'a str>,
    data: &'a Payload<'a>,
}

impl<'a> Envelope<'a> {
    /// Returns the envelope of a payload.
    pub(super) fn new(data: &'a Payload<'a>, traceparent: Option<&'a str>) -> Self {
        let segment = |text: Option<&'a str>| {
            utf8_percent_encode(text.unwrap_or("unknown"), SEGMENT).to_string()
        };
        let identity = &data.identity;
        // A run without a name is known by its uid.
        let name = identity.name.as_deref().or(identity.uid.as_deref());
        Self {
            specversion: "1.0",
            id: data.id,
            kind: format!("ai.proompteng.agents.{}.v1", data.kind.name()),
            source: format!(
                "/namespaces/{}/agentruns/{}",
                segment(identity.namespace.as_deref()),
                segment(name)
            ),
            subject: printable(identity.agent.as_deref().unwrap_or("unknown")),
            time: data.time,
            datacontenttype: "application/json",
            traceparent,
            data,
        }
    }
}

/// Returns a text without the letters that no attribute of an envelope may have.
fn printable(text: &str) -> Cow<'_, str> {
    let is_barred = |letter: char| {
        letter.is_control()
            || matches!(letter, '\u{fdd0}'..='\u{fdef}')
            || u32::from(letter) & 0xfffe == 0xfffe
    };
    if text.contains(is_barred) {
        Cow::Owned(text.replace(is_barred, "_"))
    } else {
        Cow::Borrowed(text)
    }
}
