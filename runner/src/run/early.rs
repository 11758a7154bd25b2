//! A run that ends before its agent does.

use agent_plan::outcome::{Facts, Failure, Outcome, StopCause};
use nix::sys::signal::Signal;

use crate::blocking::Interrupted;
use crate::report;

/// Why a run did not get as far as its agent's end.
pub(super) enum Early {
    /// Something failed.
    Failed(Failure),
    /// A signal asked to stop.
    Stopped(Signal),
}

impl From<Interrupted> for Early {
    fn from(interrupted: Interrupted) -> Self {
        match interrupted {
            Interrupted::Signal(signal) => Self::Stopped(signal),
            Interrupted::Panic(error) => Self::internal(&error),
        }
    }
}

impl Early {
    /// Everything that bears on how such a run ended.
    pub(super) fn facts(self) -> Facts {
        match self {
            Self::Failed(failure) => Facts {
                failure: Some(failure),
                ..Facts::default()
            },
            Self::Stopped(signal) => Facts {
                stopped: Some(StopCause::Signal(signal as i32)),
                ..Facts::default()
            },
        }
    }

    /// A bug of ours.
    pub(super) fn internal(error: &dyn std::error::Error) -> Self {
        Self::Failed(Failure {
            outcome: Outcome::Internal,
            reason: "RunnerFailed".to_owned(),
            message: report::sentence(error, None),
        })
    }
}
