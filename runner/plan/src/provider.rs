//! How to talk to an agent CLI, without IO.
//!
//! A [`Session`] is a state machine: text in, [`Action`]s out. The supervisor feeds it lines and
//! performs what it asks; it knows no protocol, and the session knows no process. So a whole
//! conversation is tested as text.

use crate::outcome::Verdict;

/// What a session asks the supervisor to do.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Action {
    /// A tool has started: silence is not idleness until it ends.
    ToolStarted,
    /// A tool has ended.
    ToolEnded,
    /// The agent has given its final result; a later one replaces it.
    Finish(Verdict),
}

/// One conversation with an agent CLI.
pub trait Session: std::fmt::Debug {
    /// Takes one line of the agent's stdout, without its line break, redacted.
    fn on_line(&mut self, line: &str) -> Vec<Action>;

    /// Says whether lines mean anything, and so whether a verdict is to be expected.
    fn reads_lines(&self) -> bool;
}
