//! The verdict, and when a later one replaces it.

use agent_plan::outcome::{INTERRUPTED, Outcome, Verdict};
use agent_plan::provider::Action;

use super::AppServer;
use crate::Class;

/// How much a verdict says; only one that says more replaces it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Weight {
    Vague,
    Clear,
    Success,
}

/// What was concluded.
#[derive(Debug, Default)]
pub(super) struct Conclusion {
    given: Option<Weight>,
    /// Stdin is closed: the server ends.
    pub(super) closed: bool,
}

impl Conclusion {
    fn takes(&mut self, verdict: &Verdict) -> bool {
        let weight = weight(verdict);
        let takes = self.given.is_none_or(|given| given < weight);
        if takes {
            self.given = Some(weight);
        }
        takes
    }

    /// Says whether there is a verdict.
    pub(super) fn reached(&self) -> bool {
        self.given.is_some()
    }
}

fn weight(verdict: &Verdict) -> Weight {
    let (_, _, unknown) = crate::VERDICTS[Class::Unknown as usize];
    if verdict.outcome == Outcome::Completed {
        Weight::Success
    } else if [unknown, INTERRUPTED].contains(&verdict.reason.as_str()) {
        Weight::Vague
    } else {
        Weight::Clear
    }
}

impl AppServer {
    /// Gives the verdict and lets the server end.
    ///
    /// A failure after a stop is the stop's doing. So is a success that came before it, if it was
    /// still to be seen whether the thread stays idle: then this is not called.
    pub(super) fn conclude(&mut self, verdict: Verdict) {
        let verdict = if self.stopping.begun() && verdict.outcome != Outcome::Completed {
            Class::Interrupted.verdict(None, None)
        } else {
            verdict
        };
        if self.conclusion.takes(&verdict) {
            self.actions.push(Action::Finish(verdict));
        }
        self.end_idle_wait();
        if !self.conclusion.closed {
            self.conclusion.closed = true;
            self.actions.push(Action::CloseStdin);
        }
    }

    /// Gives the verdict although the server goes on: it is to be stopped.
    pub(super) fn give_up(&mut self, verdict: Verdict) {
        if self.conclusion.takes(&verdict) {
            self.actions.push(Action::Stop(verdict));
        }
    }
}
