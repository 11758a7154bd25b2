//! How the server is asked to end before it does.

use std::time::Duration;

use agent_plan::provider::{Means, StopStep};

use super::AppServer;
use super::requests::{self, Asked};

/// How long each step may take: the server needs 0.13 s.
const PATIENCE: Duration = Duration::from_secs(3);

/// Ends the server with code 0 and takes its tools with it.
const TERM: i32 = 15;

/// Whether the run is being stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Stopping {
    #[default]
    No,
    /// In the middle of a turn.
    Turn,
    /// In the middle of a turn whose id is not known yet.
    UnnamedTurn,
    /// Between turns: what happens from here on is of no account.
    Between,
}

impl Stopping {
    pub(super) fn begun(self) -> bool {
        self != Self::No
    }
}

impl AppServer {
    pub(super) fn begin_stop(&mut self) -> Vec<StopStep> {
        let mut means = Vec::new();
        let requested = self.requests.awaits(Asked::Turn);
        let thread = self.thread.clone().filter(|_| !self.conclusion.closed);
        match (self.turn.running(), thread) {
            (Some(turn), Some(thread)) => {
                let params = requests::interrupt(&thread, turn);
                means.push(Means::Write(self.requests.line(Asked::Interrupt, params)));
                self.stopping = Stopping::Turn;
            }
            (None, Some(thread)) if requested => {
                // Codex takes an empty id for the turn that is about to begin; a version that does
                // not is asked again when the id is known.
                let params = requests::interrupt(&thread, "");
                means.push(Means::Write(self.requests.line(Asked::Interrupt, params)));
                self.stopping = Stopping::UnnamedTurn;
            }
            _ => self.stopping = Stopping::Between,
        }
        means.extend([Means::CloseStdin, Means::Signal(TERM)]);
        let step = |means| StopStep {
            means,
            patience: PATIENCE,
        };
        means.into_iter().map(step).collect()
    }

    /// Interrupts the turn whose name was not known when the stop came.
    pub(super) fn interrupt_if_owed(&mut self, turn: &str) {
        if self.stopping == Stopping::UnnamedTurn
            && let Some(thread) = self.thread.clone()
        {
            self.stopping = Stopping::Turn;
            self.ask(Asked::Interrupt, requests::interrupt(&thread, turn));
        }
    }
}
