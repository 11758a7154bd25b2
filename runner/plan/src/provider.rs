//! How to talk to an agent CLI, without IO.
//!
//! A [`Session`] is a state machine: text in, [`Action`]s out. The supervisor feeds it lines and
//! performs what it asks; it knows no protocol, and the session knows no process and no clock. So
//! a whole conversation is tested as text.
//!
//! The life of one: [`Session::on_start`] once the process runs, [`Session::on_line`] for every
//! line, [`Session::on_timer`] when a timer that it set is over, [`Session::on_stop`] when the run
//! is to end before the agent does, [`Session::on_end`] when the agent has ended, and
//! [`Session::report`] at any time for what is known.

mod report;

pub use report::{Report, Usage};

use std::time::Duration;

use crate::event::Event;
use crate::outcome::Verdict;

/// What a session asks the supervisor to do.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Action {
    /// Write this line to the agent's stdin; the line break is added.
    Write(String),
    /// Close the agent's stdin, after all that was written before.
    CloseStdin,
    /// Tell the world. A `ToolCall` also means that silence is not idleness until its `ToolResult`.
    Emit(Event),
    /// Set a timer anew, or stop it.
    SetTimer(Timer, Option<Duration>),
    /// The agent has given its final result; a later one replaces it.
    Finish(Verdict),
    /// Stop the agent: there is nothing to wait for any more. The verdict stands as if the agent
    /// had given it; a later `Finish` replaces it.
    Stop(Verdict),
    /// The agent goes on after a result, which is none any more: there is more to come.
    Resume,
}

/// The timers of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Timer {
    /// Until the agent answers for the first time.
    Bootstrap,
    /// Until it has been quiet for long enough.
    Quiet,
    /// Until waiting for that is given up.
    Idle,
    /// Until the run has used up its time.
    Wall,
    /// Until four fifths of its time are used up.
    WallWarning,
}

/// How a signal to the runner reaches the agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signals {
    /// As itself, to its whole group.
    Forwarded,
    /// TERM, INT, HUP and QUIT as the agent's own stop; USR1 and USR2 not at all; the rest as
    /// itself.
    Translated,
}

/// One step of a stop, and how long to wait for the agent's end before the next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StopStep {
    /// What to do.
    pub means: Means,
    /// How long it may take; all steps together are squeezed into the grace that there is.
    pub patience: Duration,
}

/// How an agent is asked to stop.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Means {
    /// A line on its stdin; the line break is added.
    Write(String),
    /// The end of its stdin.
    CloseStdin,
    /// A signal, by its number on Linux, to its process only.
    Signal(i32),
    /// A signal to its whole process group.
    GroupSignal(i32),
}

/// One conversation with an agent CLI.
pub trait Session: std::fmt::Debug + Send {
    /// Begins the conversation with an agent that was just started.
    fn on_start(&mut self) -> Vec<Action> {
        Vec::new()
    }

    /// Takes one line of the agent's stdout, without its line break, as the agent wrote it: a secret
    /// that is equal to a type or a number must not change what was said. So the line may have
    /// secrets in it; whoever carries what a session says redacts it.
    fn on_line(&mut self, line: &str) -> Vec<Action>;

    /// Is told that a timer is over.
    fn on_timer(&mut self, _timer: Timer) -> Vec<Action> {
        Vec::new()
    }

    /// Is told that the agent has ended by itself and all its lines were taken: the last chance for
    /// a verdict.
    fn on_end(&mut self) -> Vec<Action> {
        Vec::new()
    }

    /// Begins a stop: says how this agent is asked to end. After the last step comes KILL.
    ///
    /// Nothing: the signal that the runner was sent, or TERM, to the group.
    fn on_stop(&mut self) -> Vec<StopStep> {
        Vec::new()
    }

    /// How signals reach the agent.
    fn signals(&self) -> Signals {
        Signals::Forwarded
    }

    /// Says whether lines mean anything, and so whether a verdict is to be expected.
    fn reads_lines(&self) -> bool;

    /// What is known so far.
    fn report(&self) -> &Report;
}
