//! Supervising the agent: one loop that owns its life.
//!
//! # Theory of operation
//!
//! [`supervise`] starts the agent in a process group of its own and then does one thing at a
//! time, in one `select!`: a signal to us, the agent's end, a line for the session, a child that
//! lost its parent, a timer. What the agent says and what it is told goes through one
//! [`Conversation`], which owns the session. Everything that ends the run goes through [`Stop`]:
//! what the session knows to work, or TERM or INT to the group; at the latest after the grace, KILL
//! to the group and to every descendant.
//!
//! After the agent's end its output is drained: what it wrote is in the pipes and is read to the
//! last byte. A pipe that stays open is held by a process that outlives the agent; it gets a
//! second to finish, then what is left is stopped, counted and named. Only a sink of ours that
//! takes nothing any more is given up, and its bytes are counted.
//!
//! The byte path is in [`output`], on threads of its own; this loop never touches output. What it
//! does not do: decide what the end means. That is `agent_plan::outcome::decide`.

mod spawn;
mod wiring;

mod conversation;
mod feed;
mod screen;

mod stop;
mod watch;

mod drain;
mod group;
mod memory;

mod lines;
mod log;
mod output;
mod tail;

pub use group::Process;
pub use log::Log;
pub use spawn::SpawnError;

use std::io;
use std::sync::Arc;

use agent_plan::outcome::{Exit, StopCause, Verdict};
use agent_plan::plan::{Budget, ProcessPlan};
use agent_plan::provider::{Report, Session};
use agent_plan::secret::Redactor;
use nix::sys::signal::Signal;
use nix::unistd::Pid;
use tokio::process::Child;
use tokio::signal::unix::{SignalKind, signal};

use crate::events::Events;
use crate::fault;
use crate::shutdown::{Request, Shutdown};
use conversation::Conversation;
use output::Activity;
use stop::Stop;
use watch::Watch;
use wiring::Wiring;

/// Everything that [`supervise`] needs besides the plan.
#[derive(Debug)]
pub struct Surroundings {
    /// How the pod's grace is divided.
    pub budget: Budget,
    /// Keeps secrets out of the output.
    pub redactor: Redactor,
    /// The log of the output.
    pub log: Arc<Log>,
    /// The conversation.
    pub session: Box<dyn Session>,
    /// Where events go.
    pub events: Events,
}

/// What became of the agent.
#[derive(Debug, Default)]
pub struct Supervised {
    /// How it ended.
    pub exit: Option<Exit>,
    /// Why we stopped it, if we did.
    pub stopped: Option<StopCause>,
    /// What its session concluded.
    pub verdict: Option<Verdict>,
    /// What its session knows.
    pub report: Report,
    /// Whether we had to kill.
    pub killed: bool,
    /// Processes that outlived it, and were stopped.
    pub leftovers: Vec<Process>,
    /// Whether such processes could not be listed; they may still be there.
    pub leftovers_unknown: bool,
    /// Processes that the kernel killed for want of memory.
    pub oom_kills: u64,
    /// The signals that were passed on, each once.
    pub forwarded: Vec<i32>,
    /// Bytes of output.
    pub output_bytes: u64,
    /// Bytes of output that our stdout or stderr did not take.
    pub mirror_lost: u64,
    /// The last line, of stderr rather than stdout.
    pub last_line: Option<String>,
    /// Replacements by name.
    pub redactions: Vec<(String, u64)>,
    /// Whether output may be lost beyond what is counted: there was more when we gave up reading,
    /// or a thread that reads hung in a write to the log, or failed.
    pub output_incomplete: bool,
}

/// Runs the agent to its end, and what it left behind to theirs.
///
/// `on_stop` is called once, when a stop begins, after the agent has had its signal, because it may
/// wait for a disk; with the verdict, if the session has one already, and with what it knows.
///
/// Not cancel safe: dropping the future kills the agent and every descendant.
///
/// # Errors
///
/// Returns [`SpawnError`] if the agent could not be started; then there are no processes.
pub async fn supervise(
    plan: &ProcessPlan,
    surroundings: Surroundings,
    shutdown: &mut Shutdown,
    on_stop: &mut dyn FnMut(StopCause, Option<&Verdict>, &Report),
) -> Result<Supervised, SpawnError> {
    let Surroundings {
        budget,
        redactor,
        log,
        session,
        events,
    } = surroundings;
    let failed = |source| SpawnError::Start {
        program: plan.program.clone(),
        source,
    };
    // Whoever loses a parent becomes our child, so that we can find, stop and reap them all.
    let _: nix::Result<()> = nix::sys::prctl::set_child_subreaper(true);
    let mut orphans = signal(SignalKind::child()).map_err(failed)?;
    let memory = memory::OomKills::watch();
    let activity = Arc::new(Activity::new());
    // Everything else that can fail comes before the spawn; its threads end with the pipes.
    let Wiring {
        agent,
        shown,
        mut conversation,
        ends,
    } = wiring::wire(plan, session, &redactor, &log, &activity, &events).map_err(failed)?;
    let mut guard = KillOnDrop { group: None };
    let mut child = spawn::spawn(plan, ends)?;
    let pid = pid(&child);
    guard.group = Some(pid);

    let mut result = Supervised::default();
    let mut stop = Stop::new(pid, budget.stop);
    let mut watch = Watch::new(plan.timers, Arc::clone(&activity));
    conversation.start(&mut watch);
    let status = loop {
        if conversation.is_hopeless() {
            let cause = StopCause::Hopeless;
            begin(
                cause,
                Signal::SIGTERM,
                &mut stop,
                &mut conversation,
                on_stop,
            );
        }
        tokio::select! {
            biased;
            request = shutdown.recv() => match conversation.translate(request) {
                Some(Request::Forward(signal)) => {
                    group::signal(pid, signal);
                    watch.on_forwarded(signal);
                    result.note_forwarded(signal);
                }
                Some(Request::Stop(signal)) => {
                    if let Ok(Some(status)) = child.try_wait() {
                        // It has ended by itself; only the clock of the pod is new.
                        stop.start_clock();
                        break Ok(status);
                    }
                    // What the agent said before the signal came counts.
                    conversation.catch_up(&mut watch);
                    let first = conversation.first_signal(signal);
                    let cause = StopCause::Signal(signal as i32);
                    begin(cause, first, &mut stop, &mut conversation, on_stop);
                }
                Some(Request::StopNow(_)) => stop.at_once(),
                None => {}
            },
            status = child.wait() => break status,
            _ = orphans.recv() => drop(group::reap(Some(pid))),
            () = watch.expired(), if !stop.begun() => {
                // A line that has come and was not looked at yet may have ended the silence.
                conversation.catch_up(&mut watch);
                if let Some(cause) = watch.due() {
                    begin(cause, Signal::SIGTERM, &mut stop, &mut conversation, on_stop);
                }
            },
            () = stop.escalation() => stop.escalate(&mut conversation),
            // Last, because a flood of lines must not keep any of the others from its turn.
            turn = conversation.next() => conversation.take(turn, &mut watch),
        }
    };
    result.exit = Some(exit_of(status));
    result.stopped = stop.cause();

    let remains = drain::Remains {
        group: pid,
        agent,
        shown,
        activity: &activity,
        budget,
    };
    drain::drain(
        &mut result,
        remains,
        &mut conversation,
        &mut watch,
        &mut stop,
        shutdown,
        &mut orphans,
    )
    .await;
    result.killed |= stop.killed();
    result.oom_kills = memory.since();
    result.verdict = conversation.verdict().cloned();
    result.report = last_report(&conversation, plan);
    std::mem::forget(guard);
    Ok(result)
}

/// Begins a stop, if none has begun, and says so; what was to end anyway is no news.
fn begin(
    cause: StopCause,
    signal: Signal,
    stop: &mut Stop,
    conversation: &mut Conversation,
    on_stop: &mut dyn FnMut(StopCause, Option<&Verdict>, &Report),
) {
    if stop.begun() {
        // TERM after a timeout: the agent has been asked.
        return;
    }
    let steps = conversation.on_stop();
    stop.begin(cause, signal, steps, conversation);
    if cause != StopCause::AfterResultTimeout {
        on_stop(cause, conversation.verdict(), &conversation.report());
    }
}

/// What the session knows at the end; a CLI that spoke of things that it does not know is perhaps of
/// another version, which is worth a warning.
fn last_report(conversation: &Conversation, plan: &ProcessPlan) -> Report {
    let mut report = conversation.report();
    if plan.conversation.is_cli() {
        match report.unknown_events {
            0 => {}
            1 => report.warn("1 event of the agent was not understood"),
            count => report.warn(format!("{count} events of the agent were not understood")),
        }
    }
    report
}

impl Supervised {
    fn note_forwarded(&mut self, signal: Signal) {
        if !self.forwarded.contains(&(signal as i32)) {
            self.forwarded.push(signal as i32);
        }
        fault::point("forwarded");
    }
}

fn pid(child: &Child) -> Pid {
    let id = child
        .id()
        .expect("a child that was not waited for has an id");
    Pid::from_raw(i32::try_from(id).expect("the kernel's ids are i32"))
}

fn exit_of(status: io::Result<std::process::ExitStatus>) -> Exit {
    use std::os::unix::process::ExitStatusExt;
    match status.map(|status| (status.code(), status.signal())) {
        Ok((Some(code), _)) => Exit::Code(u8::try_from(code).unwrap_or(u8::MAX)),
        Ok((None, Some(signal))) => Exit::Signal(signal),
        // Somebody else took the status, which only a bug of ours can do; it is a failure.
        Ok((None, None)) | Err(_) => Exit::Code(u8::MAX),
    }
}

/// Kills every descendant, unless it is forgotten: neither a panic of ours nor a start that fails
/// halfway must leave an agent running.
struct KillOnDrop {
    group: Option<Pid>,
}

impl Drop for KillOnDrop {
    fn drop(&mut self) {
        // Whoever cannot be found is out of reach.
        let _: stop::Found = stop::kill_all(self.group);
        group::reap(None);
    }
}
