//! The pipes between the agent and us, and the threads at our ends of them.
//!
//! What an agent writes is its own affair, byte for byte, unless it is a CLI whose events are
//! understood: then the log has an object per line, and people see a transcript.

use std::io;
use std::sync::Arc;

use agent_plan::plan::{ProcessPlan, Stdin};
use agent_plan::provider::Session;
use agent_plan::secret::Redactor;

use super::conversation::Conversation;
use super::feed::Feed;
use super::output::{Activity, Ear, Mirror, Pump, Recorder, Sinks, Source, Unfinished};
use super::screen::Screen;
use super::{Log, lines, spawn};
use crate::outlet::Outlet;

/// Everything between the agent's pipes and us.
pub(super) struct Wiring {
    pub(super) agent: [Pump; 2],
    pub(super) shown: Option<[Pump; 2]>,
    pub(super) conversation: Conversation,
    pub(super) ends: spawn::Ends,
}

/// Makes the pipes, and starts the threads that read them.
pub(super) fn wire(
    plan: &ProcessPlan,
    session: Box<dyn Session>,
    redactor: &Redactor,
    log: &Arc<Log>,
    activity: &Arc<Activity>,
) -> io::Result<Wiring> {
    let (stdout, stdout_end) = io::pipe()?;
    let (stderr, stderr_end) = io::pipe()?;
    let (stdin, stdin_end) = if plan.stdin == Stdin::Session {
        let (end, stdin) = io::pipe()?;
        (Feed::to("stdin", stdin)?, Some(end))
    } else {
        (Feed::none("stdin"), None)
    };
    let (send, lines) = lines::channel(lines::BOUND);
    let is_shown = plan.conversation.is_cli();
    let unfinished = if is_shown {
        Unfinished::Dropped
    } else {
        Unfinished::Said
    };
    let ear = session.reads_lines().then(|| Ear::new(send, unfinished));
    let (screen, shown) = if is_shown {
        let (screen, shown) = Screen::start(
            redactor,
            plan.reasoning,
            [Outlet::stdout(), Outlet::stderr()],
        )?;
        (screen, Some(shown))
    } else {
        (Screen::none(), None)
    };
    let recorder = |source| is_shown.then(|| Recorder::new(source, redactor.clone()));
    let first = Sinks {
        log: Arc::clone(log),
        mirror: if is_shown {
            Mirror::Unwanted
        } else {
            Mirror::to(Outlet::stdout())
        },
        recorder: recorder(Source::Stdout(Arc::new(plan.conversation.clone()))),
    };
    let second = Sinks {
        log: Arc::clone(log),
        mirror: Mirror::to(Outlet::stderr()),
        recorder: recorder(Source::Stderr),
    };
    let pump = |name, pipe, ear, sinks| {
        Pump::start(name, pipe, ear, sinks, redactor, Arc::clone(activity))
    };
    Ok(Wiring {
        agent: [
            pump("stdout", stdout, ear, first)?,
            pump("stderr", stderr, None, second)?,
        ],
        shown,
        conversation: Conversation::new(session, lines, stdin, screen, redactor.clone()),
        ends: spawn::Ends {
            stdin: stdin_end,
            stdout: stdout_end,
            stderr: stderr_end,
        },
    })
}
