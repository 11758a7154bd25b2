//! What the scripted agent plays.

use std::path::PathBuf;

use agent_plan::settings::Protocol;
use serde::{Deserialize, Serialize};

/// Name of the script, beside the link.
pub const SCRIPT: &str = "script.json";

/// Name of the file that appears when the agent hangs; its own id is in it.
pub const HANGING: &str = "hanging";

/// Name of the file with the id of the process that outlives the agent.
pub const LINGERING: &str = "lingering";

/// The answer of an agent that succeeds.
pub const ANSWER: &str = "The work is done, and all 42 checks pass.";

/// The id of its conversation.
pub const SESSION: &str = "5c217ed0-6b41-4850-bfd5-e0b69cb8896e";

/// Bytes of a big line: one answer of a model fills 1 MiB.
pub(super) const BIG: usize = 2 << 20;

/// A script.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Script {
    /// How it speaks.
    pub protocol: Protocol,
    /// What it does.
    pub act: Act,
    /// Whether it records how it was called: with it go the secrets that it was given.
    pub records: bool,
    /// What it says aloud, for the act `Leak`.
    #[serde(default)]
    pub leaks: Vec<String>,
    /// What it writes, for the act `WriteFiles`.
    #[serde(default)]
    pub files: Vec<PathBuf>,
}

/// What an agent does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Act {
    /// Answers.
    Answer,
    /// Uses a tool, then answers.
    Tool,
    /// Fails as its provider does.
    Fail(Failure),
    /// Ends with code 3 before it reads or says anything.
    CrashAtOnce,
    /// Is killed in the middle.
    CrashMidway,
    /// Ends with code 0 in the middle.
    NoResult,
    /// Ends with code 7.
    OwnCode,
    /// Hangs until it is stopped, and then ends as its CLI does.
    Hang,
    /// Hangs and does not listen, nor does its child.
    Stubborn,
    /// Answers and hangs.
    HangAfterResult,
    /// Answers and leaves a process behind.
    LeaveChild,
    /// Says a line of 2 MiB, then answers.
    BigLine,
    /// Prints bytes that are no UTF-8, then answers.
    InvalidUtf8,
    /// Says what nobody knows, then answers.
    UnknownEvents,
    /// Answers, and is cut off in the line after.
    PartialLine,
    /// Says its secrets aloud, then answers.
    Leak,
    /// Writes files, then answers.
    WriteFiles,
}

/// How a provider fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Failure {
    /// Refuses the credentials, again and again.
    Auth,
    /// Has given enough for today.
    RateLimit,
    /// Has too much to do.
    Overloaded,
    /// Fails.
    Server,
    /// Does not like the request.
    BadRequest,
    /// Has no such model.
    ModelNotFound,
    /// The agent reaches its own limit of turns.
    MaxTurns,
}

impl Failure {
    /// The HTTP status that says it.
    pub(super) fn status(self) -> u16 {
        match self {
            Self::Auth => 401,
            Self::RateLimit => 429,
            Self::Overloaded => 529,
            Self::Server => 500,
            Self::BadRequest | Self::MaxTurns => 400,
            Self::ModelNotFound => 404,
        }
    }

    /// The provider's words.
    pub fn words(self) -> &'static str {
        match self {
            Self::Auth => "unexpected status 401 Unauthorized: invalid x-api-key",
            Self::RateLimit => "You've hit your usage limit, try again later",
            Self::Overloaded => "unexpected status 529: the provider is overloaded",
            Self::Server => "unexpected status 500 Internal Server Error",
            Self::BadRequest => "unexpected status 400 Bad Request: the request is malformed",
            Self::ModelNotFound => "unexpected status 404 Not Found: the model does not exist",
            Self::MaxTurns => "Reached maximum number of turns (3)",
        }
    }
}
