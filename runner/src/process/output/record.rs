//! One line of a log of JSON lines. Pure.
//!
//! ```json
//! {"ts":"2026-03-01T12:00:00.000Z","event":{"type":"result"}}
//! {"ts":"2026-03-01T12:00:00.000Z","stdout":"no JSON"}
//! {"ts":"2026-03-01T12:00:00.000Z","stderr":"a warning"}
//! {"ts":"2026-03-01T12:00:00.000Z","stdout":"not UTF-8: \ufffd","base64":"bm90IFVURi04OiD/"}
//! {"ts":"2026-03-01T12:00:00.000Z","part":"of a line that is too long","of":"stdout"}
//! {"ts":"2026-03-01T12:00:00.000Z","part":" to be kept","of":"stdout","last":true}
//! {"ts":"2026-03-01T12:00:00.000Z","pieces":"of a message that nobody finis"}
//! {"ts":"2026-03-01T12:00:00.000Z","pieces":"of one that is too long","leftOut":70000}
//! ```

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::de::IgnoredAny;

use super::pieces::Joined;

/// Which part of a line that is logged in parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    More,
    Last,
}

/// Says whether a line is JSON, and so can be a value of the log as it is.
pub(super) fn is_json(line: &str) -> bool {
    serde_json::from_str::<IgnoredAny>(line).is_ok()
}

/// Appends a line of the agent that is JSON.
pub(super) fn event(log: &mut Vec<u8>, time: &str, line: &str) {
    begin(log, time);
    log.extend_from_slice(b",\"event\":");
    log.extend_from_slice(line.as_bytes());
    log.extend_from_slice(b"}\n");
}

/// Appends any other line of a stream.
pub(super) fn text(log: &mut Vec<u8>, time: &str, stream: &str, line: &[u8]) {
    begin(log, time);
    field(log, stream, line);
    log.extend_from_slice(b"}\n");
}

/// Appends a part of a line of a stream.
pub(super) fn part(log: &mut Vec<u8>, time: &str, stream: &str, bytes: &[u8], part: Part) {
    begin(log, time);
    field(log, "part", bytes);
    field(log, "of", stream.as_bytes());
    if part == Part::Last {
        log.extend_from_slice(b",\"last\":true");
    }
    log.extend_from_slice(b"}\n");
}

/// Appends pieces of a text that was not told whole.
pub(super) fn pieces(log: &mut Vec<u8>, time: &str, joined: &Joined) {
    begin(log, time);
    field(log, "pieces", joined.text.as_bytes());
    if joined.left_out > 0 {
        log.extend_from_slice(format!(",\"leftOut\":{}", joined.left_out).as_bytes());
    }
    log.extend_from_slice(b"}\n");
}

fn begin(log: &mut Vec<u8>, time: &str) {
    log.extend_from_slice(b"{\"ts\":\"");
    log.extend_from_slice(time.as_bytes());
    log.push(b'"');
}

fn field(log: &mut Vec<u8>, name: &str, bytes: &[u8]) {
    log.extend_from_slice(b",\"");
    log.extend_from_slice(name.as_bytes());
    log.extend_from_slice(b"\":");
    let text = String::from_utf8_lossy(bytes);
    serde_json::to_writer(&mut *log, &text).expect("text is JSON, and memory takes it");
    if matches!(text, std::borrow::Cow::Owned(_)) {
        log.extend_from_slice(b",\"base64\":\"");
        log.extend_from_slice(STANDARD.encode(bytes).as_bytes());
        log.push(b'"');
    }
}
