//! What codex's errors mean: its typed codes as one table, its words otherwise.

use serde_json::Value;

use super::fields;
use crate::Class;

/// The codes of `codexErrorInfo` that say it all, as of codex 0.169.
const CODES: [(&str, Class); 15] = [
    ("unauthorized", Class::Auth),
    ("usageLimitExceeded", Class::RateLimit),
    ("rateLimitExceeded", Class::RateLimit),
    ("serverOverloaded", Class::Overloaded),
    ("flexUnavailable", Class::Overloaded),
    ("policyCapacityUnavailable", Class::Overloaded),
    ("internalServerError", Class::Server),
    ("contextWindowExceeded", Class::BadRequest),
    ("badRequest", Class::BadRequest),
    ("cyberPolicy", Class::BadRequest),
    ("misalignmentPolicyViolation", Class::BadRequest),
    ("inferenceHookDenied", Class::BadRequest),
    ("modelNotFound", Class::ModelNotFound),
    ("sessionBudgetExceeded", Class::Budget),
    ("activeTurnNotSteerable", Class::Unknown),
];

/// The codes that carry the HTTP status, if there was one.
const CONNECTIONS: [&str; 4] = [
    "httpConnectionFailed",
    "responseStreamConnectionFailed",
    "responseStreamDisconnected",
    "responseTooManyFailedAttempts",
];

/// Returns the class of a `TurnError`.
pub(super) fn class(error: &Value) -> Class {
    let by_words = || Class::of_text(&message(error));
    let info = error.get("codexErrorInfo").unwrap_or(&Value::Null);
    let (code, detail) = match info {
        Value::String(code) => (code.as_str(), &Value::Null),
        Value::Object(object) => match object.iter().next() {
            Some((code, detail)) => (code.as_str(), detail),
            None => return by_words(),
        },
        _ => return by_words(),
    };
    if CONNECTIONS.contains(&code) {
        let status = fields::number(detail, "httpStatusCode");
        let status = status.and_then(|status| u16::try_from(status).ok());
        return match status.map_or(Class::Unknown, Class::of_status) {
            Class::Unknown => match by_words() {
                Class::Unknown => Class::Network,
                class => class,
            },
            class => class,
        };
    }
    let known = CODES.iter().find(|(known, _)| *known == code);
    known.map_or_else(by_words, |(_, class)| *class)
}

/// Says whether the credentials were refused, so that trying again is no use.
pub(super) fn is_unauthorized(error: &Value) -> bool {
    const UNAUTHORIZED: u64 = 401;
    let info = error.get("codexErrorInfo").unwrap_or(&Value::Null);
    let status = |detail: &Value| fields::number(detail, "httpStatusCode") == Some(UNAUTHORIZED);
    match info {
        Value::String(code) => code == "unauthorized",
        Value::Object(object) => object.values().any(status),
        _ => false,
    }
}

/// Returns message and details of a `TurnError`, in the provider's own words.
pub(super) fn message(error: &Value) -> String {
    let words = words(error).unwrap_or_else(|| "codex gave no reason".to_owned());
    match fields::text(error, "additionalDetails").map(str::trim) {
        Some(details) if !details.is_empty() && !words.contains(details) => {
            format!("{words}: {details}")
        }
        _ => words,
    }
}

/// Returns the message of an error. Some are the provider's JSON answer as text: then its words,
/// and the type that says what kind they are.
pub(super) fn words(error: &Value) -> Option<String> {
    let text = fields::text(error, "message")?.trim();
    let inner = serde_json::from_str::<Value>(text).unwrap_or_default();
    let inner = inner.get("error").unwrap_or(&inner);
    let words = match (fields::text(inner, "message"), fields::text(inner, "type")) {
        (Some(message), Some(kind)) => format!("{message} ({kind})"),
        (Some(message), None) => message.to_owned(),
        (None, _) => text.to_owned(),
    };
    Some(words).filter(|words| !words.is_empty())
}
