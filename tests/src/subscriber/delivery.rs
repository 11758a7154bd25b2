//! Everything once, and in order.

use std::collections::HashMap;

use serde_json::Value;

use crate::StoredMessage;

/// Returns what is left when a `message_id` that was there before is not counted again.
///
/// A copy must be the same message; a message without an id fails the test.
#[track_caller]
pub fn after_dedup(messages: &[StoredMessage]) -> Vec<&StoredMessage> {
    let mut first: HashMap<&str, &StoredMessage> = HashMap::new();
    let mut left = Vec::new();
    for message in messages {
        let id = message.payload["message_id"].as_str();
        let id = id.unwrap_or_else(|| panic!("a message without an id: {message:?}"));
        if let Some(before) = first.get(id) {
            assert!(
                before.subject == message.subject && before.bytes == message.bytes,
                "`{id}` is two messages, at {} and {} of the stream:\n{before:?}\n{message:?}",
                before.stream_sequence,
                message.stream_sequence
            );
        } else {
            first.insert(id, message);
            left.push(message);
        }
    }
    left
}

/// Checks that every attempt's events are there once, from 1 on, without a gap and in order, and
/// returns the attempts, each with its last number.
///
/// What is of everybody (`agentrun.general`) is a copy and not looked at. The subject tells; its
/// prefix does not matter.
#[track_caller]
pub fn attempts(messages: &[StoredMessage]) -> Vec<(u64, u64)> {
    let mut attempts: Vec<(u64, u64)> = Vec::new();
    for message in after_dedup(messages) {
        if is_general(&message.subject) {
            continue;
        }
        let number = |name: &str| {
            let number = message.payload["attrs"][name].as_u64();
            number.unwrap_or_else(|| panic!("a message without `attrs.{name}`: {message:?}"))
        };
        let (attempt, seq) = (number("attempt"), number("seq"));
        let at = message.stream_sequence;
        match attempts.last_mut() {
            Some((current, last)) if *current == attempt => {
                assert!(
                    seq == *last + 1,
                    "attempt {attempt} has {seq} behind {last}, at {at} of the stream"
                );
                *last = seq;
            }
            before => {
                let earlier = before.map_or(0, |(attempt, _)| *attempt);
                assert!(
                    attempt > earlier && seq == 1,
                    "{seq} of attempt {attempt} comes behind attempt {earlier}, at {at} of the stream"
                );
                attempts.push((attempt, seq));
            }
        }
    }
    attempts
}

/// Checks that these attempts, each with its last number, have arrived: everything once after the
/// duplicates are gone, in order of attempt and number, and nothing else.
#[track_caller]
pub fn assert_complete(messages: &[StoredMessage], expected: &[(u64, u64)]) {
    assert_eq!(
        attempts(messages),
        expected,
        "attempts, each with its last number"
    );
}

/// Reads the attempts from a journal, each with its last number; a torn line counts for nothing.
pub fn attempts_of_journal(journal: &[u8]) -> Vec<(u64, u64)> {
    let mut attempts: Vec<(u64, u64)> = Vec::new();
    for line in journal.split(|&byte| byte == b'\n') {
        let Ok(line) = serde_json::from_slice::<Value>(line) else {
            continue;
        };
        if let (Some(_), Some(attempt)) = (line.get("journal"), line["attempt"].as_u64()) {
            attempts.push((attempt, 0));
        } else if let (Some((_, last)), Some(seq)) = (attempts.last_mut(), line["seq"].as_u64()) {
            *last = seq;
        }
    }
    // An attempt that was killed before it could say anything has nothing to deliver.
    attempts.retain(|&(_, last)| last > 0);
    attempts
}

/// Only subjects of runs say of which agent they are, whatever their prefix.
fn is_general(subject: &str) -> bool {
    !subject.split('.').any(|token| token == "agent")
}
