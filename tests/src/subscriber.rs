//! The real subscriber's rules (contract §8.5) as a checker of what we publish.
//!
//! ```no_run
//! use agent_tests::{NatsServer, subscriber};
//!
//! let nats = NatsServer::new().start();
//! let messages = nats.stream_messages("agent-comms");
//! let rows = subscriber::assert_accepted(&messages);
//! assert_eq!(rows[0].kind, "run-started");
//! subscriber::assert_complete(&messages, &[(1, 40), (2, 7)]);
//! ```
//!
//! Where the contract leaves open what the subscriber does with a thing, the checker refuses it:
//! what it accepts is accepted by any reading of the rules.

mod delivery;
mod row;
mod subject;

pub use delivery::{after_dedup, assert_complete, attempts, attempts_of_journal};
pub use row::Row;
pub use subject::Subject;

use serde_json::{Map, Value};

use crate::StoredMessage;

/// What a server takes at most unless it is told otherwise, in bytes.
pub const MAX_PAYLOAD: usize = 1 << 20;

/// Why a message does not become a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refused {
    /// The subject is not one that the subscriber reads. Dropped.
    Subject,
    /// The payload is not a JSON object. Dropped.
    NotJson,
    /// There is nothing to say. Dropped.
    Blank,
    /// What stands where a text belongs is not one.
    NotText(&'static str),
    /// U+0000, which Postgres does not store: the whole batch fails, for ever.
    Nul,
    /// A time that is not RFC 3339 in UTC: if Postgres cannot read it, the whole batch fails.
    Timestamp(String),
    /// More bytes than a server takes.
    TooLarge(usize),
}

impl Refused {
    /// Returns whether it takes the rest of the batch with it, which is other people's.
    pub fn is_poison(&self) -> bool {
        matches!(self, Self::Nul | Self::Timestamp(_))
    }
}

/// Returns what the subscriber stores of a message.
///
/// # Errors
///
/// Returns the first reason why it stores nothing, a poisonous one before others.
pub fn accept(subject: &str, payload: &[u8]) -> Result<Row, Refused> {
    if payload.len() > MAX_PAYLOAD {
        return Err(Refused::TooLarge(payload.len()));
    }
    let parsed: Value = serde_json::from_slice(payload).map_err(|_| Refused::NotJson)?;
    if has_nul(&parsed) {
        return Err(Refused::Nul);
    }
    let Value::Object(object) = parsed else {
        return Err(Refused::NotJson);
    };
    let place = Subject::parse(subject).ok_or(Refused::Subject)?;
    Row::new(subject, &place, unwrapped(&object))
}

/// Checks that the subscriber stores every message, and returns the rows.
#[track_caller]
pub fn assert_accepted(messages: &[StoredMessage]) -> Vec<Row> {
    let mut rows = Vec::new();
    let mut refused = String::new();
    for message in messages {
        match accept(&message.subject, &message.bytes) {
            Ok(row) => rows.push(row),
            Err(reason) => {
                refused += &format!(
                    "\n{} `{}`: {reason:?}: {:.300}",
                    message.stream_sequence,
                    message.subject,
                    String::from_utf8_lossy(&message.bytes)
                );
            }
        }
    }
    assert!(refused.is_empty(), "the subscriber refuses{refused}");
    rows
}

/// Returns the member that is taken for the whole payload, which loses everything beside it, or the
/// payload itself. What is inside is not unwrapped again.
fn unwrapped(object: &Map<String, Value>) -> &Map<String, Value> {
    let inner = ["message", "data"]
        .iter()
        .find_map(|name| object.get(*name)?.as_object());
    inner.unwrap_or(object)
}

fn has_nul(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains('\0'),
        Value::Array(items) => items.iter().any(has_nul),
        Value::Object(members) => members
            .iter()
            .any(|(name, value)| name.contains('\0') || has_nul(value)),
        _ => false,
    }
}

#[cfg(test)]
mod tests;
