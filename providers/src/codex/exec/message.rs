//! Messages of errors: words, the provider's JSON as text, or a count of tries.

use serde_json::Value;

/// Returns the message of an error.
pub(super) fn message_of(error: &Value) -> String {
    error["message"].as_str().unwrap_or_default().to_owned()
}

/// Returns the words of a message that may be the provider's JSON as text.
pub(super) fn in_words(message: String) -> String {
    let parsed = serde_json::from_str::<Value>(&message).unwrap_or_default();
    let inner = ["/error/message", "/message", "/detail"];
    let mut inner = inner
        .iter()
        .filter_map(|path| parsed.pointer(path)?.as_str());
    inner.next().map_or(message, str::to_owned)
}

/// Returns why codex tries again, of `Reconnecting... 2/5 (why)`.
pub(super) fn reason_of(message: &str) -> &str {
    let reason = message.split_once(" (").map(|(_, reason)| reason);
    reason
        .and_then(|reason| reason.strip_suffix(')'))
        .unwrap_or(message)
}

/// Reads `Reconnecting... 2/5 (why)`.
pub(super) fn reconnect(message: &str) -> Option<(u64, u64)> {
    let counts = message.strip_prefix("Reconnecting...")?.trim_start();
    let (attempt, rest) = counts.split_once('/')?;
    let attempts = rest.split(|letter: char| !letter.is_ascii_digit()).next()?;
    Some((attempt.parse().ok()?, attempts.parse().ok()?))
}
