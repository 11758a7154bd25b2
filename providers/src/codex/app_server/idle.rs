//! The wait after a turn: goals and continuations start further turns on their own.

use std::time::Duration;

use agent_plan::outcome::Verdict;
use agent_plan::provider::Timer;

use super::AppServer;

/// What the wait knows.
#[derive(Debug, Default)]
pub(super) struct IdleWait {
    /// The thread says that it is at work. It says so apart from its turns, before or after them.
    active: bool,
    /// The result of the last turn, which stands if no other follows.
    result: Option<Verdict>,
    quiet_runs: bool,
    limit_runs: bool,
}

impl AppServer {
    /// A turn has succeeded: its result stands once the thread was idle for long enough.
    pub(super) fn await_idle(&mut self, result: Verdict) {
        self.idle.result = Some(result);
        self.set_quiet(!self.idle.active);
        // The limit is for the whole wait, turns that follow included.
        if let Some(limit) = self.plan.idle_timeout
            && !self.idle.limit_runs
        {
            self.idle.limit_runs = true;
            self.set_timer(Timer::Idle, Some(limit));
        }
    }

    pub(super) fn on_thread_activity(&mut self, active: bool) {
        self.idle.active = active;
        if self.idle.result.is_some() {
            self.set_quiet(!active && !self.turn.is_running());
        }
    }

    /// Another turn has begun.
    pub(super) fn leave_quiet(&mut self) {
        self.set_quiet(false);
    }

    /// Nothing is waited for any more.
    pub(super) fn end_idle_wait(&mut self) {
        self.idle.result = None;
        self.set_quiet(false);
        if std::mem::take(&mut self.idle.limit_runs) {
            self.set_timer(Timer::Idle, None);
        }
    }

    /// The server has ended instead of staying idle; what it had finished is finished.
    pub(super) fn on_server_end(&mut self) {
        if self.stopping.begun() || self.turn.is_running() {
            return;
        }
        if let Some(result) = self.idle.result.take() {
            self.conclude(result);
        }
    }

    fn set_quiet(&mut self, run: bool) {
        if run || self.idle.quiet_runs {
            self.idle.quiet_runs = run;
            self.set_timer(Timer::Quiet, run.then_some(self.plan.idle_quiet));
        }
    }

    pub(super) fn on_idle_over(&mut self, timer: Timer) {
        let runs = match timer {
            Timer::Quiet => &mut self.idle.quiet_runs,
            _ => &mut self.idle.limit_runs,
        };
        // A timer that was stopped may be on its way; a stop makes of a wait a cancelled run.
        if !std::mem::take(runs) || self.stopping.begun() {
            return;
        }
        let Some(result) = self.idle.result.take() else {
            return;
        };
        if timer == Timer::Idle {
            let limit = self.plan.idle_timeout.unwrap_or(Duration::ZERO);
            self.report.warn(format!(
                "the thread was not idle within {} s after a turn; the result of that turn stands",
                limit.as_secs_f64()
            ));
        }
        self.conclude(result);
    }
}
