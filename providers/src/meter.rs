//! What a run may cost, counted as it is spent.
//!
//! A meter wraps any session. It looks at what the session knows after everything that the session
//! took: at four fifths of a limit it warns, over the limit it stops the agent, in the middle of a
//! tool if need be. What is used up exactly is not over: the last turn that is paid for may end.
//!
//! Some CLIs say what a turn cost only when it is over. A run that is found to be too expensive
//! when it has ended well is `BudgetExceeded` all the same: what it may cost is a promise to
//! whoever pays, not a hint.

mod limit;

use agent_plan::event::{Event, EventKind, Role};
use agent_plan::outcome::{Outcome, Verdict};
use agent_plan::plan::CostLimits;
use agent_plan::provider::{Action, Report, Session, Signals, StopStep, Timer};

use limit::{LIMITS, Limit, Standing};

/// Puts a meter on a session, if anything is limited.
pub(crate) fn metered(session: Box<dyn Session>, limits: CostLimits) -> Box<dyn Session> {
    if !limits.any() {
        return session;
    }
    Box::new(Metered {
        inner: session,
        limits,
        warnings: Vec::new(),
        warned: [false; LIMITS.len()],
        wall_over: false,
        over: None,
        agent: Agent::Running,
        merged: None,
    })
}

/// A session with a meter.
#[derive(Debug)]
struct Metered {
    inner: Box<dyn Session>,
    limits: CostLimits,
    /// Ours; they stand behind the session's own.
    warnings: Vec<String>,
    warned: [bool; LIMITS.len()],
    wall_over: bool,
    /// The limit that was passed, and how the run stood when it was.
    over: Option<(Limit, Agent)>,
    agent: Agent,
    /// The session's report with our warnings; `None`: there are none.
    merged: Option<Report>,
}

/// How the agent stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Agent {
    Running,
    /// It has given a result.
    Finished,
    /// It is being stopped.
    Stopping,
}

impl Session for Metered {
    fn on_start(&mut self) -> Vec<Action> {
        let mut actions = self.inner.on_start();
        if let Some(wall) = self.limits.wall {
            actions.push(Action::SetTimer(Timer::Wall, Some(wall)));
            actions.push(Action::SetTimer(Timer::WallWarning, Some(wall / 5 * 4)));
        }
        self.measured(actions)
    }

    fn on_line(&mut self, line: &str) -> Vec<Action> {
        let actions = self.inner.on_line(line);
        self.measured(actions)
    }

    fn on_timer(&mut self, timer: Timer) -> Vec<Action> {
        let actions = match timer {
            Timer::Wall => {
                self.wall_over = true;
                Vec::new()
            }
            Timer::WallWarning => self.wall_warning(),
            other => self.inner.on_timer(other),
        };
        self.measured(actions)
    }

    fn on_end(&mut self) -> Vec<Action> {
        let actions = self.inner.on_end();
        self.measured(actions)
    }

    fn on_stop(&mut self) -> Vec<StopStep> {
        self.agent = Agent::Stopping;
        self.inner.on_stop()
    }

    fn signals(&self) -> Signals {
        self.inner.signals()
    }

    fn reads_lines(&self) -> bool {
        self.inner.reads_lines()
    }

    fn report(&self) -> &Report {
        self.merged.as_ref().unwrap_or_else(|| self.inner.report())
    }
}

impl Metered {
    /// Lays the meter over what the session asks for.
    fn measured(&mut self, mut actions: Vec<Action>) -> Vec<Action> {
        let finished = actions
            .iter()
            .any(|action| matches!(action, Action::Finish(_)));
        let resumed = actions
            .iter()
            .any(|action| matches!(action, Action::Resume));
        match self.agent {
            Agent::Running if finished => self.agent = Agent::Finished,
            Agent::Finished if resumed && !finished => self.agent = Agent::Running,
            _ => {}
        }
        let was_over = self.over.is_some();
        // Whoever stops the agent has his own reason, and knows it better than we do.
        if !was_over && self.agent != Agent::Stopping {
            self.look(&mut actions);
        }
        if let Some((limit, when)) = self.over {
            let verdict = self.verdict(limit, when);
            for action in &mut actions {
                match action {
                    Action::Finish(said) | Action::Stop(said) => *said = verdict.clone(),
                    _ => {}
                }
            }
            let stops = actions
                .iter()
                .any(|action| matches!(action, Action::Stop(_)));
            match self.agent {
                Agent::Running if (!was_over || resumed) && !stops => {
                    actions.push(Action::Stop(verdict));
                }
                Agent::Finished if !was_over && !finished => actions.push(Action::Finish(verdict)),
                _ => {}
            }
        }
        if !self.warnings.is_empty() {
            let mut report = self.inner.report().clone();
            self.warnings
                .iter()
                .for_each(|warning| report.warn(warning.as_str()));
            self.merged = Some(report);
        }
        actions
    }

    /// Warns of limits that are near, and notes the first that is passed.
    fn look(&mut self, actions: &mut Vec<Action>) {
        let usage = self.inner.report().usage.clone();
        for (index, limit) in LIMITS.into_iter().enumerate() {
            match limit.standing(&usage, &self.limits) {
                Standing::Over => {
                    self.over = Some((limit, self.agent));
                    return;
                }
                Standing::Near if !self.warned[index] => {
                    self.warned[index] = true;
                    let warning = limit.used(&usage, &self.limits);
                    actions.push(self.warn(warning, limit));
                }
                Standing::Near | Standing::Far => {}
            }
        }
        // Time that passes after the result is the runner's to limit.
        if self.wall_over && self.agent == Agent::Running {
            self.over = Some((Limit::Wall, self.agent));
        }
    }

    fn wall_warning(&mut self) -> Vec<Action> {
        if self.agent != Agent::Running || self.over.is_some() {
            return Vec::new();
        }
        let wall = self.limits.wall.unwrap_or_default();
        let used = format!("used {:?} of {wall:?}", wall / 5 * 4);
        vec![self.warn(used, Limit::Wall)]
    }

    fn warn(&mut self, used: String, limit: Limit) -> Action {
        let said = Event::new(EventKind::Status, Role::System, used.as_str());
        self.warnings.push(used);
        Action::Emit(said.with("budget", limit.reason()))
    }

    /// Returns the verdict with what is used by the time that it is asked for.
    fn verdict(&self, limit: Limit, when: Agent) -> Verdict {
        let mut message = limit.used(&self.inner.report().usage, &self.limits);
        if when == Agent::Finished {
            message.push_str("; it had finished: its CLI tells the cost of a turn only at the end");
        }
        Verdict::new(Outcome::BudgetExceeded, limit.reason(), Some(message))
    }
}

#[cfg(test)]
mod tests;
