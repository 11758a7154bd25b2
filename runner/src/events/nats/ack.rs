//! What a reply to a message says.

use async_nats::{Message, StatusCode};
use serde::Deserialize;

/// `JSStreamMessageExceedsMaximumErr`: longer than the stream takes.
const TOO_LONG: u64 = 10054;

/// What a reply to a message says.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Ack {
    /// It is stored, now or since it was sent before.
    Stored,
    /// Nobody answers for the subject: no stream takes it, or none has a leader.
    Nobody,
    /// It is longer than the stream takes.
    TooLong,
    /// It is refused, in the server's words.
    Refused(String),
    /// It is no acknowledgement: somebody who listens has answered.
    Strange,
}

#[derive(Deserialize)]
struct Reply {
    error: Option<ApiError>,
    stream: Option<String>,
}

/// An error of the JetStream API.
#[derive(Debug, Deserialize)]
pub(super) struct ApiError {
    /// What kind of, in numbers.
    #[serde(default)]
    pub(super) err_code: u64,
    /// In words.
    #[serde(default)]
    pub(super) description: String,
}

impl Ack {
    /// Reads a reply.
    pub(super) fn read(message: &Message) -> Self {
        if message.status == Some(StatusCode::NO_RESPONDERS) {
            return Self::Nobody;
        }
        Self::parse(&message.payload)
    }

    fn parse(payload: &[u8]) -> Self {
        match serde_json::from_slice(payload) {
            Ok(Reply {
                error: Some(error), ..
            }) if error.err_code == TOO_LONG => Self::TooLong,
            Ok(Reply {
                error: Some(error), ..
            }) => Self::Refused(format!("{} ({})", error.description, error.err_code)),
            Ok(Reply {
                stream: Some(stream),
                ..
            }) if !stream.is_empty() => Self::Stored,
            _ => Self::Strange,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_name_of_a_stream_is_an_acknowledgement() {
        for (payload, ack) in [
            (r#"{"stream":"agent-comms","seq":7}"#, Ack::Stored),
            (
                r#"{"stream":"agent-comms","seq":7,"duplicate":true}"#,
                Ack::Stored,
            ),
            (
                r#"{"error":{"code":400,"err_code":10054,"description":"message size exceeds maximum allowed"},"stream":"s","seq":0}"#,
                Ack::TooLong,
            ),
            (
                r#"{"error":{"code":503,"err_code":10077,"description":"maximum messages exceeded"},"stream":"s","seq":0}"#,
                Ack::Refused("maximum messages exceeded (10077)".to_owned()),
            ),
            ("", Ack::Strange),
            ("+OK", Ack::Strange),
            ("{}", Ack::Strange),
            (r#"{"stream":""}"#, Ack::Strange),
        ] {
            assert_eq!(Ack::parse(payload.as_bytes()), ack, "{payload}");
        }
    }
}
