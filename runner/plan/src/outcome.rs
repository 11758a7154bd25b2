//! How a run ended, and the one table from ending to exit code (design §12).
//!
//! [`ENDINGS`] is used by the code, by `--help`, by `explain`, by the reference page and by the
//! tests. Its numbers are a contract with pod failure policies: add, never change.

mod decide;
mod exit;

pub use decide::{decide, exit_code};
pub use exit::{Exit, signal_name};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What the run concluded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize, Serialize, JsonSchema)]
#[non_exhaustive]
pub enum Outcome {
    /// The agent did what it was asked, as far as it says.
    Completed,
    /// The agent ended with a failure of its own.
    AgentFailed,
    /// The command line could not be understood.
    Usage,
    /// Spec, settings or templates are wrong.
    SpecInvalid,
    /// A file or executable that the spec names is not there or cannot be used.
    InputMissing,
    /// What the agent depends on is not there.
    ProviderUnavailable,
    /// A bug of ours.
    Internal,
    /// The agent succeeded, but an artifact could not be delivered.
    ArtifactFailed,
    /// The workspace could not be prepared.
    WorkspaceFailed,
    /// The provider asked to come back later.
    RateLimited,
    /// The provider refused our credentials.
    AuthFailed,
    /// A policy of the run forbids it.
    PolicyRefused,
    /// The run cost more than it may.
    BudgetExceeded,
    /// The agent stopped before it was done.
    Incomplete,
    /// The agent went silent.
    Stalled,
    /// The agent ended without saying how it went.
    NoResult,
    /// The agent took longer than it may.
    Timeout,
    /// Somebody stopped the run.
    Cancelled,
    /// The kernel killed the agent for want of memory.
    OomKilled,
    /// Something other than the runner killed the agent with SIGKILL.
    Killed,
}

/// The contract's word for an outcome; the controller ignores a file with any other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Word {
    /// Outcome Completed.
    Succeeded,
    /// Every other outcome but Cancelled.
    Failed,
    /// Outcome Cancelled.
    Cancelled,
}

/// Which number the process exits with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Code {
    /// Always this one.
    Fixed(u8),
    /// The agent's own, or 128 + its signal.
    Agents,
    /// 128 + the signal that stopped the run.
    Signal,
}

/// One row of the table.
#[derive(Debug, Clone, Copy)]
pub struct Ending {
    /// The outcome.
    pub outcome: Outcome,
    /// The process exit code.
    pub code: Code,
    /// Whether the same run may well succeed later.
    pub retryable: bool,
    /// What happened, for a person.
    pub meaning: &'static str,
    /// What to do, for a person.
    pub next_step: &'static str,
}

macro_rules! endings {
    ($($outcome:ident $code:expr, $retryable:literal, $meaning:literal, $next_step:literal;)*) => {
        /// Every outcome, in the order of its exit code.
        pub const ENDINGS: &[Ending] = &[$(Ending {
            outcome: Outcome::$outcome, code: $code, retryable: $retryable, meaning: $meaning, next_step: $next_step,
        }),*];
    };
}

use Code::{Agents, Fixed, Signal};
endings! {
    Completed Fixed(0), false, "The agent ended well and its artifacts were delivered.", "Nothing.";
    AgentFailed Agents, false, "The agent ended with a code or signal of its own.", "Read the last lines of the log; the agent says why.";
    Usage Fixed(64), false, "The command line could not be understood.", "Compare it with `agent-runner --help`; a provider's `argsTemplate` becomes our command line.";
    SpecInvalid Fixed(65), false, "The spec, a setting or a template is wrong.", "Correct the place that `error` names; `agent-runner validate` checks it without a run.";
    InputMissing Fixed(66), false, "A spec, file or executable is missing or cannot be used.", "Put the file that `error` names into the image or mount it.";
    ProviderUnavailable Fixed(69), true, "What the agent depends on does not answer.", "Try again later; look at the provider's own status.";
    Internal Fixed(70), true, "The runner failed; this is a bug of ours.", "Report it with the status file.";
    ArtifactFailed Fixed(73), false, "The agent succeeded, but a required artifact was not delivered.", "Look at the artifact that `error` names, then at the store's settings.";
    WorkspaceFailed Fixed(74), true, "The workspace could not be prepared.", "Look at the path and the reason in `error`: space, permissions, or a name that is taken.";
    RateLimited Fixed(75), true, "The provider asked to come back later.", "Try again after the time that the provider names.";
    AuthFailed Fixed(77), false, "The provider, or the git server, refused the credentials.", "Renew the secret that `error` speaks of, or the one that the provider uses.";
    PolicyRefused Fixed(78), false, "A policy of the run forbids it.", "Change the setting that `error` names, or the run.";
    BudgetExceeded Fixed(79), false, "The run cost more than its budget.", "Raise the budget or make the task smaller.";
    Incomplete Fixed(80), false, "The agent stopped before it was done.", "Raise its limit of turns or make the task smaller.";
    Stalled Fixed(81), true, "The agent gave no output for longer than it may.", "Read the end of the log; raise `timeouts.firstEvent` or `timeouts.idle` if the silence is normal.";
    NoResult Fixed(82), true, "The agent exited 0 without saying how the run went.", "Read the end of the log; the agent's protocol may have changed.";
    Timeout Fixed(124), false, "The agent took longer than `timeouts.total`.", "Raise the limit or make the task smaller.";
    Cancelled Signal, true, "Somebody stopped the run: 130 for INT, 143 for TERM.", "See who deleted the Job or drained the node.";
    OomKilled Fixed(137), true, "The kernel killed the agent for want of memory.", "Raise the container's memory limit or lower the agent's parallelism.";
    Killed Fixed(137), true, "Something other than the runner killed the agent with SIGKILL.", "See what else in the pod may kill processes.";
}

/// Reasons below a retryable outcome for which the same run fails again, whenever it is tried.
const PERMANENT: [&str; 23] = [
    "SymbolicLink",
    "ReadOnly",
    "NotAFile",
    // Of a checkout: what it is to be put into, what is to be fetched, whom from.
    "NotEmpty",
    "NotADirectory",
    "RepositoryNotFound",
    "EmptyRepository",
    "NotGit",
    "TlsFailed",
    "BadTlsOrProxy",
    "ProxyRefused",
    "UnsupportedRepository",
    "RefNotFound",
    "PathNotFound",
    "PathInSubmodule",
    "BadSubmodule",
    "HostileName",
    "TooManyNames",
    "NoKnownHosts",
    "HostKeyUnknown",
    "HostKeyChanged",
    "HostKeyRevoked",
    "BadSshKey",
];

/// Says whether the same run may well succeed later.
pub fn retryable(outcome: Outcome, reason: &str) -> bool {
    outcome.ending().retryable && !PERMANENT.contains(&reason)
}

/// Says what to do about an ending, for a person.
pub fn next_step(outcome: Outcome, reason: &str) -> &'static str {
    match outcome.ending() {
        ending if ending.retryable && PERMANENT.contains(&reason) => {
            "Change what `error` names; the same run fails again."
        }
        _ if reason.starts_with("Events") || reason == "ContextUnavailable" => {
            "Look at `NATS_URL`, the login, the stream and its server; what was said is in the journal."
        }
        ending => ending.next_step,
    }
}

impl Outcome {
    /// Returns this outcome's row.
    pub fn ending(self) -> &'static Ending {
        // The rows stand in the order of the variants; a test holds them to it.
        &ENDINGS[self as usize]
    }

    /// Returns the contract's word.
    pub fn word(self) -> Word {
        match self {
            Self::Completed => Word::Succeeded,
            Self::Cancelled => Word::Cancelled,
            _ => Word::Failed,
        }
    }
}

/// Why the runner stopped the agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StopCause {
    /// A signal reached the runner.
    Signal(i32),
    /// `timeouts.total` was over.
    TotalTimeout,
    /// `timeouts.firstEvent` was over.
    FirstEventTimeout,
    /// `timeouts.idle` was over.
    IdleTimeout,
    /// `timeouts.afterResult` was over.
    AfterResultTimeout,
    /// Its session said that there is nothing to wait for; the verdict says why.
    Hopeless,
}

/// What a session concluded from the event stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// The outcome that the agent itself reported.
    pub outcome: Outcome,
    /// A CamelCase word below the outcome.
    pub reason: String,
    /// In the agent's or provider's own words.
    pub message: Option<String>,
    /// When it may be tried again, if the provider says it.
    pub retry_after: Option<RetryAfter>,
}

/// When the provider says that it may be asked again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RetryAfter {
    /// So long after it said so.
    In(std::time::Duration),
    /// At this time, in seconds since 1970.
    At(u64),
}

/// The reason of a verdict of an agent that was interrupted: whoever interrupted it decides.
pub const INTERRUPTED: &str = "Interrupted";

impl Verdict {
    /// Returns the verdict of an agent that did what it was asked.
    pub fn completed() -> Self {
        Self::new(Outcome::Completed, "Completed", None)
    }

    /// Returns a verdict without a time for another try.
    pub fn new(outcome: Outcome, reason: &str, message: Option<String>) -> Self {
        Self {
            outcome,
            reason: reason.to_owned(),
            message,
            retry_after: None,
        }
    }
}

/// Everything that bears on how a run ended.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    /// The run could not go on, and why: outcome, reason, message.
    pub failure: Option<Failure>,
    /// Name of the agent's binary, for messages.
    pub agent: String,
    /// How the agent ended, if it was started.
    pub exit: Option<Exit>,
    /// Why the runner stopped it, if it did.
    pub stopped: Option<StopCause>,
    /// What its session concluded.
    pub verdict: Option<Verdict>,
    /// Whether the protocol has a terminal event at all.
    pub expects_verdict: bool,
    /// Whether the agent said anything that its protocol knows.
    pub began: bool,
    /// Processes of the run that the kernel killed for want of memory.
    pub oom_kills: u64,
    /// The last line of output, redacted.
    pub last_line: Option<String>,
    /// The signals that were forwarded to the agent, for messages.
    pub forwarded: Vec<i32>,
    /// Why an artifact was not delivered.
    pub undelivered: Option<String>,
    /// Why events were not stored that have to be.
    pub unpublished: Option<String>,
}

/// Why a run could not go on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The outcome.
    pub outcome: Outcome,
    /// A CamelCase word below the outcome.
    pub reason: String,
    /// In words, with the hint.
    pub message: String,
}

/// What follows from the facts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// The outcome.
    pub outcome: Outcome,
    /// A CamelCase word below it.
    pub reason: String,
    /// The process exit code.
    pub exit_code: u8,
    /// Why, unless all went well.
    pub error: Option<String>,
    /// When the provider wants to be asked again, if it says so; only of `RateLimited`.
    pub retry_after: Option<RetryAfter>,
}

#[cfg(test)]
mod tests;
