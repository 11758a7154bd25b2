//! When to stop the agent without being asked.

use std::sync::Arc;
use std::time::{Duration, Instant};

use agent_plan::outcome::StopCause;
use agent_plan::plan::Timers;
use nix::sys::signal::Signal;
use tokio::time::sleep_until;

use super::output::Activity;

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
        // Whatever an agent does after its result, it does not wait for a tool whose end it forgot
        // to tell; such a tool must not keep a silence from being one for ever.
        self.running_tools = 0;
    }

    /// The agent goes on after its result, so that result was not the last.
    pub(super) fn on_resume(&mut self) {
        self.result = None;
        self.running_tools = 0;
        self.resumed = Instant::now();
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

    /// The timer that is over, if one is.
    pub(super) fn due(&self) -> Option<StopCause> {
        let (when, cause) = self.next()?;
        (when <= Instant::now()).then_some(cause)
    }

    /// Waits until a timer is over. Cancel safe.
    pub(super) async fn expired(&self) {
        loop {
            let next = self.next();
            if self.due().is_some() {
                return;
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
