//! The conversation with the agent: its session, and everything that a session asks for.
//!
//! Lines come in, actions go out: to the agent's stdin, to the screen, to the timers, to whoever
//! watches for silence. Nothing here waits for anybody but [`Conversation::next`], and that may be
//! dropped at any time. While the screen has no room no line is taken, so that a slow reader of
//! ours slows the agent down, and no queue grows.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use agent_plan::event::{Event, EventKind};
use agent_plan::outcome::{Outcome, Verdict};
use agent_plan::provider::{Action, Report, Session, Signals, StopStep, Timer};
use agent_plan::secret::Redactor;
use nix::sys::signal::Signal;
use tokio::time::sleep_until;

use super::feed::Feed;
use super::lines;
use super::screen::Screen;
use super::watch::Watch;
use crate::events::Events;
use crate::shutdown::Request;
use crate::veil::Veil;

/// How much may wait for an agent that does not read, beyond what it is given by its start or in one
/// line.
const UNREAD: usize = 4 << 20;

/// Something for the session.
#[derive(Debug)]
pub(super) enum Turn {
    Line(String),
    Timer(Timer),
}

/// How far a conversation has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    Talking,
    /// The agent has ended, after which no timer matters; lines of it may still come.
    Ended,
    /// The session has said its last word.
    Silent,
}

/// A session and what it talks through.
#[derive(Debug)]
pub(super) struct Conversation {
    session: Box<dyn Session>,
    lines: lines::Receiver,
    stdin: Feed,
    screen: Screen,
    timers: BTreeMap<Timer, Instant>,
    verdict: Option<Verdict>,
    hopeless: bool,
    /// Whether lines are taken although the screen has no room for what they may show.
    hurried: bool,
    stage: Stage,
    veil: Veil,
    events: Events,
    /// How much may wait for the agent to read it.
    patience: usize,
    /// Whether the agent was found not to read.
    deaf: bool,
}

impl Conversation {
    pub(super) fn new(
        session: Box<dyn Session>,
        lines: lines::Receiver,
        stdin: Feed,
        screen: Screen,
        redactor: Redactor,
        events: Events,
    ) -> Self {
        Self {
            session,
            lines,
            stdin,
            screen,
            timers: BTreeMap::new(),
            verdict: None,
            hopeless: false,
            hurried: false,
            stage: Stage::Talking,
            veil: Veil::new(redactor),
            events,
            patience: UNREAD,
            deaf: false,
        }
    }

    /// Begins.
    pub(super) fn start(&mut self, watch: &mut Watch) {
        let actions = self.session.on_start();
        self.perform(actions, watch);
        self.patience = self.stdin.waiting() + UNREAD;
    }

    /// Waits for something that the session is to be told, and meanwhile writes what waits to be
    /// written. Cancel safe.
    pub(super) async fn next(&mut self) -> Turn {
        loop {
            let timer = self.timers.iter().min_by_key(|(_, when)| **when);
            let timer = timer.map(|(timer, when)| (*timer, *when));
            let until = timer.map_or_else(Instant::now, |(_, when)| when);
            let room = self.screen.has_room() && self.events.has_room();
            let open = !self.lines.ended() && (self.hurried || room);
            tokio::select! {
                biased;
                () = sleep_until(until.into()), if timer.is_some() => {
                    if let Some((timer, _)) = timer {
                        return Turn::Timer(timer);
                    }
                }
                () = self.stdin.progress() => {}
                () = self.screen.progress() => {}
                () = self.events.room(), if !self.events.has_room() => {}
                line = self.lines.recv(), if open => {
                    if let Some(line) = line {
                        return Turn::Line(line);
                    }
                }
            }
        }
    }

    /// Tells the session, and does what it asks for.
    pub(super) fn take(&mut self, turn: Turn, watch: &mut Watch) {
        let actions = match turn {
            Turn::Line(line) => self.session.on_line(&line),
            Turn::Timer(timer) => {
                // A line that has come and was not looked at yet may have set it anew.
                self.catch_up(watch);
                if self
                    .timers
                    .get(&timer)
                    .is_none_or(|when| *when > Instant::now())
                {
                    return;
                }
                self.timers.remove(&timer);
                self.session.on_timer(timer)
            }
        };
        self.perform(actions, watch);
    }

    /// Takes the lines that are there, and not those that come meanwhile.
    pub(super) fn catch_up(&mut self, watch: &mut Watch) {
        for _ in 0..self.lines.len() {
            if let Some(line) = self.lines.try_recv() {
                self.take(Turn::Line(line), watch);
            }
        }
    }

    fn perform(&mut self, actions: Vec<Action>, watch: &mut Watch) {
        for action in actions {
            match action {
                Action::Write(line) => self.write(&line),
                Action::CloseStdin => self.stdin.close(),
                Action::Emit(event) => self.emit(event, watch),
                Action::SetTimer(timer, after) => self.set(timer, after),
                Action::Finish(verdict) => {
                    watch.on_result();
                    self.conclude(verdict);
                }
                Action::Stop(verdict) => {
                    self.conclude(verdict);
                    self.hopeless = true;
                }
                Action::Resume => {
                    watch.on_resume();
                    if !self.deaf {
                        self.verdict = None;
                    }
                }
                // An action that this supervisor does not know asks for nothing that it could do.
                _ => {}
            }
        }
    }

    /// Notes a verdict. The session does not know of ours, and reports our stop as a failure.
    fn conclude(&mut self, mut verdict: Verdict) {
        self.veil.verdict(&mut verdict);
        if !self.deaf || verdict.outcome == Outcome::Completed {
            self.verdict = Some(verdict);
        }
    }

    fn emit(&mut self, event: Event, watch: &mut Watch) {
        match event.kind {
            EventKind::ToolCall => watch.tool_started(),
            EventKind::ToolResult => watch.tool_ended(),
            _ => {}
        }
        let event = self.veil.event(event);
        self.screen.show(&event);
        self.events.conversation(event);
    }

    fn set(&mut self, timer: Timer, after: Option<Duration>) {
        if self.stage > Stage::Talking {
            return;
        }
        // A timer that ends after the clock does has no end.
        match after.and_then(|after| Instant::now().checked_add(after)) {
            Some(when) => drop(self.timers.insert(timer, when)),
            None => drop(self.timers.remove(&timer)),
        }
    }

    /// Writes a line to the agent.
    pub(super) fn write(&mut self, line: &str) {
        if self.deaf {
            return;
        }
        // A prompt may be of any size, also one that is not the first line.
        self.patience = self.patience.max(line.len() + UNREAD);
        self.stdin.push(format!("{line}\n").as_bytes());
        let waiting = self.stdin.waiting();
        if waiting > self.patience {
            // What it asks for grows in our memory for as long as it does not read.
            let message = format!("the agent does not read its stdin: {waiting} bytes wait");
            self.conclude(Verdict::new(
                Outcome::AgentFailed,
                "NotReading",
                Some(message),
            ));
            self.deaf = true;
            self.hopeless = true;
        }
    }

    /// Ends the agent's stdin, behind what was written.
    pub(super) fn close_stdin(&mut self) {
        self.stdin.close();
    }

    /// Asks the session how its agent is to be stopped.
    pub(super) fn on_stop(&mut self) -> Vec<StopStep> {
        self.session.on_stop()
    }

    /// Is told that the agent has ended: nobody reads its stdin, and no timer matters.
    pub(super) fn on_end(&mut self) {
        self.stage = self.stage.max(Stage::Ended);
        self.stdin.abandon();
        self.timers.clear();
    }

    /// Is told that the agent said all that it will say.
    ///
    /// Its session's last word is shown, and behind it the final result; then the screen ends.
    /// Idempotent.
    pub(super) fn on_silence(&mut self, watch: &mut Watch) {
        if std::mem::replace(&mut self.stage, Stage::Silent) < Stage::Silent {
            let actions = self.session.on_end();
            self.perform(actions, watch);
            self.screen.close(self.report().result.as_deref());
        }
    }

    /// Whether the session has said that there is nothing to wait for.
    pub(super) fn is_hopeless(&self) -> bool {
        self.hopeless
    }

    /// What a signal to us means for this agent, if anything.
    pub(super) fn translate(&self, request: Request) -> Option<Request> {
        match self.session.signals() {
            Signals::Forwarded => Some(request),
            Signals::Translated => {
                let meant = request.translated();
                if meant.is_none() {
                    tracing::debug!(?request, "Signal kept from the agent.");
                }
                meant
            }
        }
    }

    /// The first signal of a stop whose session knows no better way.
    pub(super) fn first_signal(&self, asked: Signal) -> Signal {
        match (self.session.signals(), asked) {
            (Signals::Translated, Signal::SIGHUP | Signal::SIGQUIT) => Signal::SIGTERM,
            _ => asked,
        }
    }

    pub(super) fn verdict(&self) -> Option<&Verdict> {
        self.verdict.as_ref()
    }

    /// What the session knows, redacted.
    pub(super) fn report(&self) -> Report {
        self.veil.report(self.session.report())
    }

    /// Whether the agent can say nothing any more.
    pub(super) fn is_over(&self) -> bool {
        self.lines.ended()
    }

    /// Takes lines from here on also if nobody looks at the screen.
    pub(super) fn hurry(&mut self) {
        self.hurried = true;
    }

    pub(super) fn screen(&mut self) -> &mut Screen {
        &mut self.screen
    }
}

#[cfg(test)]
mod tests;
