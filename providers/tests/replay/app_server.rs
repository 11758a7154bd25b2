//! `codex app-server`: 0.169.0.

use agent_plan::outcome::{Exit, Outcome as O, StopCause::*};

use super::Row;
use super::Stop::{At, Never};

#[rustfmt::skip]
pub(crate) const ROWS: &[Row] = &[
    ("approval", Exit::Code(0), Never, O::Completed, "Completed"),
    ("err-cutonce", Exit::Code(0), Never, O::Completed, "Completed"),
    ("err-e400", Exit::Code(0), Never, O::AgentFailed, "BadRequest"),
    ("err-e401", Exit::Code(0), Never, O::AuthFailed, "Auth"),
    ("err-e429", Exit::Code(0), Never, O::Completed, "Completed"),
    ("err-e500", Exit::Code(0), Never, O::ProviderUnavailable, "ServerError"),
    ("garbage", Exit::Code(0), Never, O::AgentFailed, "StartupFailed"),
    ("interrupt-deep-children", Exit::Code(0), At(11, Signal(15)), O::Cancelled, "SIGTERM"),
    ("interrupt-during-api-hang", Exit::Code(0), At(10, Signal(15)), O::Cancelled, "SIGTERM"),
    ("interrupt-during-tool", Exit::Code(0), At(11, Signal(15)), O::Cancelled, "SIGTERM"),
    ("resume", Exit::Code(0), Never, O::Completed, "Completed"),
    ("resume-part2", Exit::Code(0), Never, O::Completed, "Completed"),
    ("sighup-during-tool", Exit::Signal(1), At(11, Signal(1)), O::Cancelled, "SIGHUP"),
    ("sigint-during-tool", Exit::Signal(2), At(11, Signal(2)), O::Cancelled, "SIGINT"),
    ("sigkill-during-tool", Exit::Signal(9), Never, O::Killed, "Killed"),
    ("sigterm-during-api-hang", Exit::Code(0), At(10, Signal(15)), O::Cancelled, "SIGTERM"),
    ("sigterm-during-tool", Exit::Code(0), At(11, Signal(15)), O::Cancelled, "SIGTERM"),
    ("stdin-eof-during-api-hang", Exit::Code(0), Never, O::NoResult, "NoTerminalEvent"),
    ("stdin-eof-during-tool", Exit::Code(0), Never, O::NoResult, "NoTerminalEvent"),
    ("steer", Exit::Code(0), Never, O::Completed, "Completed"),
    ("text", Exit::Code(0), Never, O::Completed, "Completed"),
    ("tool", Exit::Code(0), Never, O::Completed, "Completed"),
];
