//! The pipes between the agent and us, and the threads at our ends of them.
//!
//! What an agent writes is its own affair, byte for byte, unless it is a CLI whose events are
//! understood: then the log has an object per line, and people see a transcript.

use std::io;
use std::sync::Arc;

use agent_plan::plan::{Conversation as Plan, ProcessPlan, Stdin};
use agent_plan::provider::Session;
use agent_plan::secret::Redactor;
use agent_providers::is_jsonl_event;

use super::conversation::Conversation;
use super::feed::Feed;
use super::output::{Activity, Ear, Mirror, Pump, Recorder, Sinks, Source, Unfinished};
use super::screen::Screen;
use super::{Log, lines, spawn};
use crate::events::Events;
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
    events: &Events,
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
    // Records on stdout are for programs, which want nothing else there.
    let people = if events.own_stdout() {
        Outlet::stderr
    } else {
        Outlet::stdout
    };
    let unfinished = if is_shown {
        Unfinished::Dropped
    } else {
        Unfinished::Said
    };
    let ear = session.reads_lines().then(|| Ear::new(send, unfinished));
    let (screen, shown) = if is_shown {
        let (screen, shown) =
            Screen::start(redactor, plan.reasoning, [people(), Outlet::stderr()])?;
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
            Mirror::to(people())
        },
        recorder: recorder(Source::Stdout(Arc::new(plan.conversation.clone()))),
        tap: events.output("stdout", is_event(&plan.conversation)),
    };
    let second = Sinks {
        log: Arc::clone(log),
        mirror: Mirror::to(Outlet::stderr()),
        recorder: recorder(Source::Stderr),
        tap: events.output("stderr", |_| false),
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
        conversation: Conversation::new(
            session,
            lines,
            stdin,
            screen,
            redactor.clone(),
            events.clone(),
        ),
        ends: spawn::Ends {
            stdin: stdin_end,
            stdout: stdout_end,
            stderr: stderr_end,
        },
    })
}

/// No text for people begins like an object and has so many bytes.
const LONG: usize = 60 << 10;

/// Says which lines of stdout the session makes events of; the CLIs' recorder knows by itself.
fn is_event(conversation: &Plan) -> fn(&str) -> bool {
    match conversation {
        // Of a longer line only the first piece is looked at, which is no JSON by itself.
        Plan::Jsonl => |line| (line.len() >= LONG && line.starts_with('{')) || is_jsonl_event(line),
        _ => |_| false,
    }
}
