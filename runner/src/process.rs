//! Supervising the agent: one loop that owns its life.
//!
//! # Theory of operation
//!
//! [`supervise`] starts the agent in a process group of its own and then does one thing at a
//! time, in one `select!`: a signal to us, the agent's end, a line for the session, a child that
//! lost its parent, a timer. Everything that ends the run goes through [`Stop`]: TERM or INT to
//! the group, after the grace KILL to the group and to every descendant.
//!
//! After the agent's end its output is drained: what it wrote is in the pipes and is read to the
//! last byte. A pipe that stays open is held by a process that outlives the agent; it gets a
//! second to finish, then what is left is stopped, counted and named. Only a sink of ours that
//! takes nothing any more is given up, and its bytes are counted.
//!
//! The byte path is in [`output`], on threads of its own; this loop never touches output. What it
//! does not do: decide what the end means. That is `agent_plan::outcome::decide`.

mod drain;
mod group;
mod log;
mod memory;
mod output;
mod spawn;
mod stop;
mod tail;

pub use group::Process;
pub use log::Log;
pub use spawn::SpawnError;

use std::io;
use std::sync::Arc;

use agent_plan::outcome::{Exit, StopCause, Verdict};
use agent_plan::plan::{Budget, ProcessPlan};
use agent_plan::provider::{Action, Session};
use agent_plan::secret::Redactor;
use nix::sys::signal::Signal;
use nix::unistd::Pid;
use tokio::process::Child;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;

use crate::fault;
use crate::outlet::Outlet;
use crate::shutdown::{Request, Shutdown};
use output::{Activity, Pump, Sinks};
use stop::{Stop, Watch};

/// Lines on their way to the session. A session handles one in microseconds; the bound only
/// decides how far the agent may run ahead of a busy supervisor.
const LINES: usize = 256;

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
/// wait for a disk; with the verdict, if the session has one already.
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
    on_stop: &mut dyn FnMut(StopCause, Option<&Verdict>),
) -> Result<Supervised, SpawnError> {
    let Surroundings {
        budget,
        redactor,
        log,
        mut session,
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
    let (send, mut lines) = mpsc::channel(LINES);
    let lines_wanted = session.reads_lines().then_some(send);
    // Everything else that can fail comes before the spawn; its threads end with the pipes.
    let (pumps, ends) = pumps(&redactor, &log, lines_wanted, &activity).map_err(failed)?;
    let mut guard = KillOnDrop { group: None };
    let mut child = spawn::spawn(plan, ends)?;
    let pid = pid(&child);
    guard.group = Some(pid);

    let mut result = Supervised::default();
    let mut stop = Stop::new(pid, budget.stop);
    let mut watch = Watch::new(plan.timers, Arc::clone(&activity));
    let status = loop {
        tokio::select! {
            biased;
            request = shutdown.recv() => match request {
                Request::Forward(signal) => {
                    group::signal(pid, signal);
                    watch.on_forwarded(signal);
                    if !result.forwarded.contains(&(signal as i32)) {
                        result.forwarded.push(signal as i32);
                    }
                    fault::point("forwarded");
                }
                Request::Stop(signal) => {
                    if let Ok(Some(status)) = child.try_wait() {
                        // It has ended by itself; only the clock of the pod is new.
                        stop.start_clock();
                        break Ok(status);
                    }
                    // What the agent said before the signal came counts.
                    while let Ok(line) = lines.try_recv() {
                        result.take(session.on_line(&line), &mut watch);
                    }
                    let cause = StopCause::Signal(signal as i32);
                    if stop.begin(cause, signal) {
                        on_stop(cause, result.verdict.as_ref());
                    }
                }
                Request::StopNow(_) => stop.at_once(),
            },
            status = child.wait() => break status,
            Some(line) = lines.recv() => result.take(session.on_line(&line), &mut watch),
            _ = orphans.recv() => drop(group::reap(Some(pid))),
            cause = watch.expired(), if !stop.begun() => {
                if stop.begin(cause, Signal::SIGTERM) && cause != StopCause::AfterResultTimeout {
                    on_stop(cause, result.verdict.as_ref());
                }
            },
            () = stop.escalation() => stop.escalate(),
        }
    };
    result.exit = Some(exit_of(status));
    result.stopped = stop.cause();

    drain::drain(
        &mut result,
        pumps,
        &mut lines,
        &mut *session,
        &mut watch,
        drain::Limits {
            group: pid,
            stop: &mut stop,
            budget,
            activity: &activity,
        },
        shutdown,
        &mut orphans,
    )
    .await;
    result.killed |= stop.killed();
    result.oom_kills = memory.since();
    std::mem::forget(guard);
    Ok(result)
}

impl Supervised {
    fn take(&mut self, actions: Vec<Action>, watch: &mut Watch) {
        for action in actions {
            match action {
                Action::ToolStarted => watch.tool_started(),
                Action::ToolEnded => watch.tool_ended(),
                Action::Finish(verdict) => {
                    watch.on_result();
                    self.verdict = Some(verdict);
                }
                _ => {}
            }
        }
    }
}

/// Makes the pipes and starts the threads that read them.
fn pumps(
    redactor: &Redactor,
    log: &Arc<Log>,
    lines: Option<mpsc::Sender<String>>,
    activity: &Arc<Activity>,
) -> io::Result<([Pump; 2], spawn::Ends)> {
    let (stdout, stdout_end) = io::pipe()?;
    let (stderr, stderr_end) = io::pipe()?;
    let pump = |name, pipe, mirror: io::Result<Outlet>, lines| {
        let sinks = Sinks {
            log: Arc::clone(log),
            mirror: mirror.ok(),
            lines,
        };
        Pump::start(name, pipe, sinks, redactor, Arc::clone(activity))
    };
    Ok((
        [
            pump("stdout", stdout, Outlet::stdout(), lines)?,
            pump("stderr", stderr, Outlet::stderr(), None)?,
        ],
        spawn::Ends {
            stdout: stdout_end,
            stderr: stderr_end,
        },
    ))
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
