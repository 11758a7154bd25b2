//! How to stop the agent.
//!
//! A stop is a schedule, made when it begins: what the session says works for its agent, or the
//! signal that we were sent; after that KILL. Nothing is added to it later, and a second request
//! skips to its end.

mod schedule;

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use agent_plan::outcome::StopCause;
use agent_plan::provider::{Means, StopStep};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::time::sleep_until;

use super::conversation::Conversation;
use super::group;
use schedule::{Act, schedule};

/// How long killing may take: a process that the kernel cannot end (a hung disk) is left to it.
const KILL_PATIENCE: Duration = Duration::from_secs(2);

/// The stop of one agent.
#[derive(Debug)]
pub(super) struct Stop {
    /// The agent's own id, and its group's.
    group: Pid,
    grace: Duration,
    cause: Option<StopCause>,
    begun: Option<Instant>,
    acts: VecDeque<(Instant, Act)>,
    killed: bool,
    urgent: bool,
}

impl Stop {
    pub(super) fn new(group: Pid, grace: Duration) -> Self {
        Self {
            group,
            grace,
            cause: None,
            begun: None,
            acts: VecDeque::new(),
            killed: false,
            urgent: false,
        }
    }

    pub(super) fn begun(&self) -> bool {
        self.begun.is_some()
    }

    /// When it began.
    pub(super) fn since(&self) -> Option<Instant> {
        self.begun
    }

    pub(super) fn cause(&self) -> Option<StopCause> {
        self.cause
    }

    pub(super) fn killed(&self) -> bool {
        self.killed
    }

    /// Whether it was to be over at once.
    pub(super) fn urgent(&self) -> bool {
        self.urgent
    }

    /// Does the first step and arranges for the rest. Without steps, `signal` goes to the group.
    ///
    /// Nothing begins twice: a stop that has begun stays what it is, whatever else would be a cause.
    pub(super) fn begin(
        &mut self,
        cause: StopCause,
        signal: Signal,
        steps: Vec<StopStep>,
        conversation: &mut Conversation,
    ) {
        let now = Instant::now();
        self.begun = Some(now);
        self.cause = Some(cause);
        // A grace that ends after the clock does has no end.
        self.acts = schedule(steps, signal, self.grace)
            .into_iter()
            .filter_map(|(after, act)| Some((now.checked_add(after)?, act)))
            .collect();
        self.escalate(conversation);
    }

    /// Lets the pod's clock run, for an agent that has ended by itself.
    pub(super) fn start_clock(&mut self) {
        self.begun.get_or_insert_with(Instant::now);
    }

    /// Waits for the next step; for ever if there is none. Cancel safe.
    pub(super) async fn escalation(&self) {
        match self.acts.front() {
            Some((when, _)) => sleep_until((*when).into()).await,
            None => std::future::pending().await,
        }
    }

    /// Does the step that is due.
    pub(super) fn escalate(&mut self, conversation: &mut Conversation) {
        match self.acts.pop_front() {
            Some((_, Act::Ask(means))) => {
                self.ask(&means, conversation);
                // A suspended process acts on nothing before it is continued.
                group::signal(self.group, Signal::SIGCONT);
            }
            Some((_, Act::Kill)) => self.kill(),
            None => {}
        }
    }

    fn ask(&self, means: &Means, conversation: &mut Conversation) {
        tracing::debug!(?means, "Asking the agent to stop.");
        match means {
            Means::Write(line) => conversation.write(line),
            Means::CloseStdin => conversation.close_stdin(),
            Means::Signal(signal) => {
                if let Ok(signal) = Signal::try_from(*signal) {
                    // The agent was not waited for yet, so that its id is its own.
                    let _: nix::Result<()> = kill(self.group, signal);
                }
            }
            Means::GroupSignal(signal) => {
                if let Ok(signal) = Signal::try_from(*signal) {
                    group::signal(self.group, signal);
                }
            }
            // What this supervisor cannot do is over at the end of its patience.
            _ => {}
        }
    }

    /// Kills, and has nobody waited for any more.
    pub(super) fn at_once(&mut self) {
        self.urgent = true;
        self.kill();
    }

    /// Kills the group and every descendant.
    fn kill(&mut self) {
        self.acts.clear();
        self.killed = true;
        // Whoever is not found now is looked for again when the agent has ended.
        let _: Found = kill_all(Some(self.group));
    }
}

/// Whether the processes of the run could be found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Found {
    All,
    /// Only the group could be reached.
    GroupOnly,
}

/// Kills the group and every descendant, again and again while they fork; bounded.
///
/// The supervised child is left as a zombie for its owner to reap.
pub(super) fn kill_all(group: Option<Pid>) -> Found {
    let deadline = Instant::now() + KILL_PATIENCE;
    loop {
        match group::sweep(group, Signal::SIGKILL) {
            None => return Found::GroupOnly,
            Some(left) if left.is_empty() || Instant::now() >= deadline => return Found::All,
            // The kernel needs a moment to end them; the sleep is bounded by the patience above.
            Some(_) => std::thread::sleep(Duration::from_millis(1)),
        }
    }
}
