//! When to stop the agent, and how.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use agent_plan::outcome::StopCause;
use agent_plan::plan::Timers;
use nix::sys::signal::Signal;
use nix::unistd::Pid;
use tokio::time::sleep_until;

use super::group;
use super::output::Activity;

/// How long killing may take: a process that the kernel cannot end (a hung disk) is left to it.
const KILL_PATIENCE: Duration = Duration::from_secs(2);

/// The stop sequence: a signal to the group, after the grace KILL to everything.
#[derive(Debug)]
pub(super) struct Stop {
    group: Pid,
    grace: Duration,
    cause: Option<StopCause>,
    begun: Option<Instant>,
    steps: VecDeque<(Instant, Signal)>,
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
            steps: VecDeque::new(),
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

    /// Sends the first signal and arranges for the rest; returns whether the stop begins with that.
    /// A later cause changes nothing: a stop that has begun stays what it is.
    pub(super) fn begin(&mut self, cause: StopCause, first: Signal) -> bool {
        if self.begun() {
            // TERM after a timeout: the agent has had its signal.
            return false;
        }
        let now = Instant::now();
        self.begun = Some(now);
        self.cause = Some(cause);
        self.send(first);
        // A grace that ends after the clock does has no end.
        let step = |after: Duration, signal| Some((now.checked_add(after)?, signal));
        if first == Signal::SIGINT {
            // INT is a request; half of the grace later TERM is an order.
            self.steps.extend(step(self.grace / 2, Signal::SIGTERM));
        }
        self.steps.extend(step(self.grace, Signal::SIGKILL));
        true
    }

    /// Lets the pod's clock run, for an agent that has ended by itself.
    pub(super) fn start_clock(&mut self) {
        self.begun.get_or_insert_with(Instant::now);
    }

    /// Waits for the next step; for ever if there is none. Cancel safe.
    pub(super) async fn escalation(&self) {
        match self.steps.front() {
            Some((when, _)) => sleep_until((*when).into()).await,
            None => std::future::pending().await,
        }
    }

    /// Does the step that is due.
    pub(super) fn escalate(&mut self) {
        match self.steps.pop_front() {
            Some((_, Signal::SIGKILL)) => self.kill(),
            Some((_, signal)) => self.send(signal),
            None => {}
        }
    }

    /// Kills, and has nobody waited for any more.
    pub(super) fn at_once(&mut self) {
        self.urgent = true;
        self.kill();
    }

    /// Kills the group and every descendant.
    fn kill(&mut self) {
        self.steps.clear();
        self.killed = true;
        // Whoever is not found now is looked for again when the agent has ended.
        let _: Found = kill_all(Some(self.group));
    }

    fn send(&self, signal: Signal) {
        group::signal(self.group, signal);
        // A stopped process cannot act on a signal before it is continued.
        group::signal(self.group, Signal::SIGCONT);
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

/// The timers of a run: which of them is over first.
#[derive(Debug)]
pub(super) struct Watch {
    timers: Timers,
    activity: Arc<Activity>,
    start: Instant,
    result: Option<Instant>,
    running_tools: u32,
    /// When a tool last ended or a stopped agent went on: idleness begins anew there.
    resumed: Instant,
    suspended: bool,
}

impl Watch {
    pub(super) fn new(timers: Timers, activity: Arc<Activity>) -> Self {
        let start = Instant::now();
        Self {
            timers,
            activity,
            start,
            result: None,
            running_tools: 0,
            resumed: start,
            suspended: false,
        }
    }

    pub(super) fn tool_started(&mut self) {
        self.running_tools += 1;
    }

    pub(super) fn tool_ended(&mut self) {
        self.running_tools = self.running_tools.saturating_sub(1);
        self.resumed = Instant::now();
    }

    pub(super) fn on_result(&mut self) {
        // An agent that repeats itself gets no more time for it.
        self.result.get_or_insert_with(Instant::now);
    }

    /// A stopped agent is silent because it was told to be.
    pub(super) fn on_forwarded(&mut self, signal: Signal) {
        match signal {
            Signal::SIGTSTP => self.suspended = true,
            Signal::SIGCONT => {
                self.suspended = false;
                self.resumed = Instant::now();
            }
            _ => {}
        }
    }

    /// Waits until a timer is over, and says which. Cancel safe.
    pub(super) async fn expired(&self) -> StopCause {
        loop {
            let next = self.next();
            if let Some((when, cause)) = next
                && when <= Instant::now()
            {
                return cause;
            }
            // Later output moves the idle timer away, so looking when it is over is enough; only
            // the first output brings it near. All else that moves a timer polls this anew.
            tokio::select! {
                () = sleep_until(next.map_or(Instant::now(), |(when, _)| when).into()), if next.is_some() => {}
                () = self.activity.begun() => {}
            }
        }
    }

    fn next(&self) -> Option<(Instant, StopCause)> {
        let last = self.activity.last();
        let after = |from: Option<Instant>, timer: Option<Duration>, cause| {
            Some((from?.checked_add(timer?)?, cause))
        };
        let silent = last.is_none() && self.result.is_none();
        let busy = self.running_tools > 0 || self.suspended || self.result.is_some();
        [
            after(Some(self.start), self.timers.total, StopCause::TotalTimeout),
            after(
                Some(self.start).filter(|_| silent && !self.suspended),
                self.timers.first_event,
                StopCause::FirstEventTimeout,
            ),
            after(
                last.map(|last| last.max(self.resumed)).filter(|_| !busy),
                self.timers.idle,
                StopCause::IdleTimeout,
            ),
            after(
                self.result,
                self.timers.after_result,
                StopCause::AfterResultTimeout,
            ),
        ]
        .into_iter()
        .flatten()
        .min_by_key(|(when, _)| *when)
    }
}
