//! Events on their way out: numbered, redacted, journalled, delivered (design §9).
//!
//! # Theory of operation
//!
//! Whoever has something to say says it to [`Events`], which never waits: the event is redacted,
//! gets its time and goes into a bounded queue. A thread takes it from there, numbers it, appends it
//! to the journal ([`journal`]) and so to the [`backlog`], from which sinks read in order, each at
//! its own pace. The NATS sink ([`nats`]) has a thread and a runtime of its own. So neither a slow
//! disk nor a slow server holds up the agent, and what a sink has not delivered is on disk.
//!
//! What happens when there is no room: a line of output is dropped and counted, and a record says
//! how many were, before the next that is kept; anything else is kept, and the conversation takes no
//! line from the agent until there is room again ([`Events::has_room`]), or until the writer has taken
//! nothing for five seconds: a disk that hangs never holds up the agent for ever. Output is dropped
//! and counted then as before.
//!
//! Numbers are given behind the queue, so that they have no gaps whatever was dropped.
//!
//! | Module | What is in it |
//! |---|---|
//! | [`queue`] | what was said and is not recorded yet |
//! | [`writer`] | the thread: numbers, the journal, the backlog |
//! | [`journal`] | the file, and what a predecessor left in it |
//! | [`backlog`] | records in order, from memory or from the journal |
//! | [`nats`], [`stdout`] | sinks |
//! | [`output`], [`handover`] | lines of output, and what the agent hands over, as events |
//! | [`traces`] | spans, made out of records |

mod backlog;
mod handover;
mod journal;
mod nats;
mod output;
mod queue;
mod replay;
mod stdout;
mod traces;
mod writer;

use std::io;
use std::path::PathBuf;
use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use agent_plan::env::Environment;
use agent_plan::event::{Event, EventKind};
use agent_plan::plan::{EventsPlan, Plan};
use agent_plan::record::Speaker;
use agent_plan::secret::Redactor;
use agent_plan::status::{EventsMode, EventsStatus};
use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};

use crate::outlet::Outlet;
use crate::veil::{Clean, Veil};
use backlog::Backlog;
use handover::Handover;
use journal::{Asked, Wanted};
pub(crate) use output::Tap;
use queue::Queue;
pub(crate) use replay::Again;
pub use replay::Republished;
use stdout::Printer;
use traces::Traces;

/// How long the last look at what the agent handed over may take: a file of some megabytes that is
/// in memory anyway.
const LAST_LOOK: Duration = Duration::from_secs(1);

/// How long threads have to end when there is no time left: they have nothing to wait for but a
/// disk that hangs.
const END: Duration = Duration::from_millis(50);

/// Where events go. Clones share it; one that is [`none`](Events::none) forgets them all.
#[derive(Debug, Clone, Default)]
pub struct Events {
    shared: Option<Arc<Shared>>,
}

#[derive(Debug)]
struct Shared {
    queue: Arc<Queue>,
    backlog: Backlog,
    writer: Arc<writer::Shared>,
    veil: Veil,
    output: bool,
    reasoning: bool,
    nats: Option<Arc<nats::Sink>>,
    printer: Option<Printer>,
    handover: Mutex<Option<Handover>>,
    /// Gone when the writer is not needed any more.
    stay: Mutex<Option<Sender<()>>>,
}

impl Drop for Shared {
    fn drop(&mut self) {
        // Nobody waits for the threads: they end by themselves when they see it.
        self.queue.close();
        if let Some(printer) = &self.printer {
            printer.give_up();
        }
    }
}

impl Events {
    /// Returns what forgets every event, for runs that never get as far as a plan.
    pub fn none() -> Self {
        Self::default()
    }

    /// Starts the threads; returns at once. `scratch` makes the run's private directory, which the
    /// journal is in if it can be nowhere else.
    ///
    /// # Errors
    ///
    /// Fails if a thread cannot be started.
    pub fn start(
        plan: &Plan,
        environment: &Environment,
        scratch: impl FnOnce() -> io::Result<PathBuf> + Send + 'static,
    ) -> io::Result<Self> {
        let events = &plan.events;
        let is_wanted =
            events.journal.is_some() || events.nats.is_some() || events.stdout || events.traces;
        if !is_wanted {
            return Ok(Self::none());
        }
        let mut speaker = clean(&events.speaker, &plan.redactor);
        if speaker.run_uid.is_empty() {
            speaker.run_uid = journal::made_up_uid();
        }
        let traces = Traces::start(plan, &speaker, environment);
        Self::with(
            events,
            Asked {
                speaker,
                attempt: plan.identity.attempt,
                is_told: events.attempt_is_told,
            },
            &plan.redactor,
            traces,
            scratch,
            Outlet::stdout,
        )
    }

    fn with(
        plan: &EventsPlan,
        asked: Asked,
        redactor: &Redactor,
        traces: Option<Traces>,
        scratch: impl FnOnce() -> io::Result<PathBuf> + Send + 'static,
        outlet: impl FnOnce() -> io::Result<Outlet>,
    ) -> io::Result<Self> {
        let queue = Arc::new(Queue::new(queue::BOUND));
        let backlog = Backlog::default();
        let writer = Arc::new(writer::Shared {
            queue: Arc::clone(&queue),
            backlog: backlog.clone(),
            traces,
            told: Mutex::default(),
            ended: watch::Sender::new(false),
        });
        let wanted = Wanted {
            path: plan.journal.clone(),
            is_asked: plan.journal_is_told || plan.nats.is_some(),
            is_published: plan.nats.is_some(),
            asked,
        };
        let (stay, stays) = mpsc::channel();
        // From here on, whatever fails, dropping it ends the threads that there are.
        let mut shared = Shared {
            queue,
            backlog,
            writer,
            veil: Veil::new(redactor.clone()),
            output: plan.output,
            reasoning: plan.reasoning,
            nats: None,
            printer: None,
            handover: Mutex::default(),
            stay: Mutex::new(Some(stay)),
        };
        let limit = plan.journal_limit;
        writer::start(Arc::clone(&shared.writer), wanted, limit, stays, scratch)?;
        if let Some(nats) = plan.nats.clone() {
            let mut wire = plan.wire.clone();
            if let Some(traces) = &shared.writer.traces {
                wire.traceparent = Some(traces.traceparent());
            }
            let sink = nats::Sink::start(nats, wire, shared.backlog.clone())?;
            shared.nats = Some(Arc::new(sink));
        }
        if plan.stdout {
            shared.printer = Some(Printer::start(shared.backlog.clone(), outlet())?);
        }
        Ok(Self {
            shared: Some(Arc::new(shared)),
        })
    }

    /// Makes the file that the agent may hand context over in; blocking. `None`: it cannot be made.
    pub fn hand_over(&self, scratch: impl FnOnce() -> io::Result<PathBuf>) -> Option<PathBuf> {
        let shared = self.shared.as_ref()?;
        let started = scratch().and_then(|directory| {
            Handover::start(&directory, Arc::clone(&shared.queue), shared.veil.clone())
        });
        match started {
            Ok(started) => {
                let path = started.path().to_owned();
                *shared.handover() = Some(started);
                Some(path)
            }
            Err(error) => {
                tracing::warn!(%error, "The agent can hand nothing over.");
                None
            }
        }
    }

    /// Returns the trace context that the agent goes on with, if spans are made.
    pub fn traceparent(&self) -> Option<String> {
        let traces = self.shared.as_ref()?.writer.traces.as_ref()?;
        Some(traces.traceparent_for_agent())
    }

    /// Waits until everything that the agent handed over is an event, but not longer than `until`;
    /// what it hands over later is not heard. Cancel safe; idempotent.
    ///
    /// For the time between the agent's end and the run's last words, which what the agent said is
    /// not to come after.
    pub async fn handed_over(&self, until: Instant) {
        let Some(shared) = &self.shared else { return };
        let last_look = shared.handover().as_mut().map(Handover::last_look);
        if let Some(last_look) = last_look {
            let until = until.min(Instant::now() + LAST_LOOK);
            if timeout_at(until, last_look).await.is_err() {
                tracing::warn!("What the agent handed over may not be whole.");
            }
        }
    }

    /// Says something of the runner's own. Never waits.
    pub fn emit(&self, event: Event) {
        if let Some(shared) = &self.shared {
            shared.queue.event(shared.veil.event(event));
        }
    }

    /// Says what an agent's session said, if that is to be an event. Never waits.
    pub(crate) fn conversation(&self, event: Clean) {
        let Some(shared) = &self.shared else { return };
        match event.kind {
            // Two pieces may have a half of a secret each, which nobody recognises; the whole
            // message follows, and is redacted as a whole.
            EventKind::MessageDelta | EventKind::ReasoningDelta => {}
            EventKind::Reasoning if !shared.reasoning => {}
            _ => shared.queue.event(event),
        }
    }

    /// Returns what makes events of the lines of a stream, `stdout` or `stderr`, if they are to be
    /// events; lines that `is_event` are not, because a session makes events of them.
    pub(crate) fn output(&self, stream: &'static str, is_event: fn(&str) -> bool) -> Option<Tap> {
        let shared = self.shared.as_ref().filter(|shared| shared.output)?;
        Some(Tap::new(Arc::clone(&shared.queue), stream, is_event))
    }

    /// Whether our stdout is for records, and nobody else's.
    pub(crate) fn own_stdout(&self) -> bool {
        let shared = self.shared.as_ref();
        shared.is_some_and(|shared| shared.printer.is_some())
    }

    /// Whether the conversation may go on, which never is kept from its end.
    pub(crate) fn has_room(&self) -> bool {
        let shared = self.shared.as_ref();
        shared.is_none_or(|shared| shared.queue.has_room())
    }

    /// Waits until there is room. Cancel safe.
    pub(crate) async fn room(&self) {
        if let Some(shared) = &self.shared {
            shared.queue.room().await;
        }
    }

    /// Waits until events are stored by the server.
    ///
    /// Cancel safe.
    ///
    /// # Errors
    ///
    /// Returns, in words, why they are not by then, or never will be.
    pub async fn stored(&self, until: Instant) -> Result<(), String> {
        let sink = self.shared.as_ref().and_then(|shared| shared.nats.as_ref());
        let Some(sink) = sink else {
            return Err("there is no server that would store them".to_owned());
        };
        if let Ok(stored) = timeout_at(until, sink.stored()).await {
            return stored;
        }
        let problem = sink.state().problem;
        Err(problem.unwrap_or_else(|| "no server has answered in time".to_owned()))
    }

    /// Says what became of the events so far.
    pub fn status(&self) -> Option<EventsStatus> {
        let shared = self.shared.as_ref()?;
        // What the writer has not recorded will be to be published too. Counted first: what it records
        // meanwhile may count twice, and never not at all.
        let waiting = shared.queue.len();
        let sink = shared.nats.as_ref().map(|sink| sink.state());
        let is_published = sink.is_some();
        let sink = sink.unwrap_or_default();
        let told = shared.writer.told();
        // A server that takes connections and never speaks is not known to be a problem before
        // seconds have passed, and the run may be over by then.
        let waits = is_published && sink.mode == EventsMode::Unreachable;
        let unanswered = waits.then(|| "no server has answered yet".to_owned());
        let unprinted = shared.printer.as_ref().and_then(Printer::problem);
        let problems = [told.problem(), sink.problem.or(unanswered), unprinted];
        let problems = problems.into_iter().flatten().collect::<Vec<_>>();
        let waiting = if is_published { waiting } else { 0 };
        Some(EventsStatus {
            mode: sink.mode,
            emitted: told.emitted,
            acknowledged: sink.acknowledged,
            unconfirmed: sink.unconfirmed,
            pending: sink.pending + waiting,
            left_over: told.left_over,
            dropped: shared.queue.dropped() + told.dropped + told.lost,
            journal: told.journal.as_ref().map(|path| path.display().to_string()),
            problem: (!problems.is_empty()).then(|| problems.join("; ")),
        })
    }

    /// Takes no more events, and waits until all are delivered, but not longer than `until`.
    ///
    /// The journal is whole and on disk then, unless the disk takes nothing. Cancel safe; idempotent.
    pub async fn finish(&self, until: Instant) {
        self.handed_over(until).await;
        let Some(shared) = &self.shared else { return };
        shared.queue.close();
        if timeout_at(until, shared.backlog.closed()).await.is_err() {
            let left = shared.queue.len();
            tracing::warn!(left, "Events not recorded in time.");
            let problem = "the journal's disk did not answer in time".to_owned();
            shared.writer.tell(|told| told.writing = Some(problem));
        }
        let delivered = async {
            if let Some(sink) = &shared.nats {
                sink.drained().await;
            }
            if let Some(printer) = &shared.printer {
                printer.printed().await;
            }
        };
        let traced = async {
            if let Some(traces) = &shared.writer.traces {
                traces.finish(until).await;
            }
        };
        // What is not delivered by then is counted, and said by the status.
        let both = async { tokio::join!(delivered, traced) };
        drop(timeout_at(until, both).await);
        shared.end(until).await;
    }
}

/// Returns who speaks without secrets. The names that Kubernetes gave stay: they are in subjects, and
/// a secret that is a common word must not change those.
fn clean(speaker: &Speaker, redactor: &Redactor) -> Speaker {
    Speaker {
        run_uid: speaker.run_uid.clone(),
        run_name: speaker.run_name.clone(),
        run_namespace: speaker.run_namespace.clone(),
        ..speaker.map(&|text: &str| redactor.text(text).into_owned())
    }
}

impl Shared {
    fn handover(&self) -> MutexGuard<'_, Option<Handover>> {
        let handover = self.handover.lock();
        handover.unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets the writer end.
    fn let_go(&self) {
        let stay = self.stay.lock();
        drop(stay.unwrap_or_else(PoisonError::into_inner).take());
    }

    /// Ends the threads, by `until` or a little later; one that hangs is left alone.
    async fn end(&self, until: Instant) {
        let now = Instant::now();
        let until = until.max(now + END);
        if let Some(printer) = &self.printer {
            printer.give_up();
        }
        if let Some(sink) = self.nats.clone() {
            let stop = tokio::task::spawn_blocking(move || sink.stop(until - now));
            // Not stopped in time, it ends with the process.
            drop(timeout_at(until, stop).await);
        }
        self.let_go();
        let mut ended = self.writer.ended.subscribe();
        // What it would still do is to keep what is delivered; without that some is sent twice.
        drop(timeout_at(until, ended.wait_for(|ended| *ended)).await);
    }
}

#[cfg(test)]
mod tests;
