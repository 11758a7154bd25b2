//! What can go wrong with a model, and what it means for the run: one table (design §8).

mod text;
mod wait;

use agent_plan::outcome::{INTERRUPTED, Outcome, RetryAfter, Verdict};

/// What kind of failure an agent or its provider reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Class {
    /// The credentials were refused, or there are none.
    Auth,
    /// Quota or rate limit.
    RateLimit,
    /// The provider has too much to do.
    Overloaded,
    /// The provider failed.
    Server,
    /// The provider could not be reached, or the connection broke.
    Network,
    /// The provider did not like the request.
    BadRequest,
    /// There is no such model, or not for these credentials.
    ModelNotFound,
    /// The agent's own limit of turns.
    MaxTurns,
    /// The agent's own limit of cost, or ours.
    Budget,
    /// Somebody interrupted it.
    Interrupted,
    /// It did not begin.
    Startup,
    /// It ended without a result.
    NoResult,
    /// Anything else.
    Unknown,
}

/// Outcome and reason of every class, in the order of the variants.
pub const VERDICTS: [(Class, Outcome, &str); 13] = [
    (Class::Auth, Outcome::AuthFailed, "Auth"),
    (Class::RateLimit, Outcome::RateLimited, "RateLimit"),
    (
        Class::Overloaded,
        Outcome::ProviderUnavailable,
        "Overloaded",
    ),
    (Class::Server, Outcome::ProviderUnavailable, "ServerError"),
    (Class::Network, Outcome::ProviderUnavailable, "Network"),
    (Class::BadRequest, Outcome::AgentFailed, "BadRequest"),
    (Class::ModelNotFound, Outcome::AgentFailed, "ModelNotFound"),
    (Class::MaxTurns, Outcome::Incomplete, "MaxTurns"),
    (Class::Budget, Outcome::BudgetExceeded, "Budget"),
    (Class::Interrupted, Outcome::Cancelled, INTERRUPTED),
    (Class::Startup, Outcome::AgentFailed, "StartupFailed"),
    (Class::NoResult, Outcome::NoResult, "NoTerminalEvent"),
    (Class::Unknown, Outcome::AgentFailed, "Failed"),
];

/// The longest message of a verdict, in characters: three times what a status shows, because
/// redaction may still change its length.
const MESSAGE_LIMIT: usize = 2000;

/// How much of a message is looked at, in bytes. A failure is told at its beginning, and every word
/// of it becomes a text of its own: those of a line as long as lines may be would fill the memory.
const READ: usize = 64 << 10;

impl Class {
    /// Returns the class of an HTTP status.
    pub fn of_status(status: u16) -> Self {
        match status {
            401 | 403 => Self::Auth,
            404 => Self::ModelNotFound,
            429 => Self::RateLimit,
            503 | 529 => Self::Overloaded,
            500..=599 => Self::Server,
            400..=499 => Self::BadRequest,
            _ => Self::Unknown,
        }
    }

    /// Returns the class that a message in words speaks of.
    pub fn of_text(message: &str) -> Self {
        text::class_of(beginning(message))
    }

    /// Returns the verdict of this class, in the provider's own words.
    ///
    /// A rate limit without a time for another try has the one that the message speaks of.
    pub fn verdict(self, message: Option<&str>, retry_after: Option<RetryAfter>) -> Verdict {
        // The rows stand in the order of the variants; a test holds them to it.
        let (_, outcome, reason) = VERDICTS[self as usize];
        let message = message.map(str::trim).filter(|message| !message.is_empty());
        Verdict {
            outcome,
            reason: reason.to_owned(),
            message: message.map(|message| {
                let cut = agent_plan::status::cut(message, MESSAGE_LIMIT);
                // The controller looks for words, and some refusals have none but a number.
                if self == Self::RateLimit && !text::names_capacity(&cut) {
                    format!("rate limit: {cut}")
                } else {
                    cut
                }
            }),
            retry_after: retry_after
                .or_else(|| message.map(beginning).and_then(wait::retry_after))
                .filter(|_| self == Self::RateLimit),
        }
    }
}

fn beginning(message: &str) -> &str {
    &message[..message.floor_char_boundary(READ)]
}

#[cfg(test)]
mod tests;
