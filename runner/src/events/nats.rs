//! The sink that publishes: JetStream with acknowledgements, from the backlog.
//!
//! # Theory of operation
//!
//! A thread makes a connection, delivers over it until it ends ([`connection`]), and makes the next
//! one, for ever, with a growing pause while nothing gets through. Every connection has a runtime of
//! its own, because only the end of the runtime ends everything that the client library would still
//! send: its own reconnect, which is never used, would send what was left in its queue behind
//! messages that were lost in the old socket.
//!
//! **Invariant: what is sent on a connection is a contiguous run of the backlog, and it begins at or
//! before the first record that is not acknowledged.** So every record that is in the stream has all
//! its predecessors there before it, whatever happened to connections, and what was sent twice is
//! recognised by its `Nats-Msg-Id`. A refusal of single messages, as by a leader that steps down
//! with a window in flight, is the one thing that can store a later record before an earlier one:
//! nothing more is sent after it, and the run is sent again.
//!
//! | Module | What is in it |
//! |---|---|
//! | [`connection`] | one connection, from the pause before it to its end; as whom: `crate::nats` |
//! | [`probe`] | whether a stream takes a subject; [`refusals`] what an account knows that may not ask |
//! | [`outbox`] | records as messages |
//! | [`stream`], [`window`], [`ack`] | delivery with acknowledgements |
//! | [`plain`] | delivery to whoever listens |
//! | [`standing`] | what others may know; [`words`] in which it is said |
//!
//! A server's list of its neighbours is ignored: credentials go to the hosts that they are for.
//! Streams are never created.

mod ack;
mod backoff;
mod connection;
mod outbox;
mod plain;
mod probe;
mod refusals;
mod standing;
mod stream;
mod window;
mod words;

use std::io;
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use agent_plan::message::Wire;
use agent_plan::plan::NatsPlan;
use agent_plan::status::EventsMode;
use tokio::runtime::Builder;

use self::connection::{Ending, Memory};
use self::standing::Standing;
use super::backlog::Backlog;
use crate::cancel::Cancel;

/// How long the thread waits when the system has no descriptors for a runtime.
const NO_RUNTIME: Duration = Duration::from_millis(100);

/// What the sink knows of itself.
#[derive(Debug, Clone, Default)]
pub(super) struct State {
    /// How it publishes now, or did last.
    pub(super) mode: EventsMode,
    /// Events that the server has stored.
    pub(super) acknowledged: u64,
    /// Events that were published where nothing stores them.
    pub(super) unconfirmed: u64,
    /// Events that are recorded and not published yet, as far as is known.
    pub(super) pending: u64,
    /// What keeps it from publishing, or from being stored, without secrets.
    pub(super) problem: Option<String>,
}

/// The sink: a thread with a runtime for each connection.
#[derive(Debug)]
pub(super) struct Sink {
    standing: Standing,
    backlog: Backlog,
    cancel: Cancel,
    thread: Mutex<Option<Thread>>,
}

#[derive(Debug)]
struct Thread {
    /// Disconnects when the thread ends.
    ended: Receiver<()>,
    handle: JoinHandle<()>,
}

impl Sink {
    /// Starts the thread, which connects for as long as it takes; returns at once.
    ///
    /// # Errors
    ///
    /// Fails if the thread cannot be started.
    pub(super) fn start(plan: NatsPlan, wire: Wire, backlog: Backlog) -> io::Result<Self> {
        let standing = Standing::new();
        let cancel = Cancel::default();
        let (alive, ended) = channel();
        let quiet = crate::nats::quiet();
        let body = {
            let (standing, backlog, cancel) = (standing.clone(), backlog.clone(), cancel.clone());
            move || {
                tracing::dispatcher::with_default(&quiet, || {
                    deliver(&plan, &wire, &backlog, &standing, &cancel);
                });
                drop(alive);
            }
        };
        let handle = thread::Builder::new().name("nats".to_owned()).spawn(body)?;
        Ok(Self {
            standing,
            backlog,
            cancel,
            thread: Mutex::new(Some(Thread { ended, handle })),
        })
    }

    /// Says what it knows.
    pub(super) fn state(&self) -> State {
        self.standing
            .state(|delivered| self.backlog.pending(delivered))
    }

    /// Waits until a stream stores what is published. Cancel safe; on any runtime.
    ///
    /// # Errors
    ///
    /// Returns, in words, why that will not be: no stream takes the subject.
    pub(super) async fn stored(&self) -> Result<(), String> {
        self.standing.stored().await
    }

    /// Waits until everything that the backlog will ever have is delivered. Cancel safe; on any
    /// runtime.
    pub(super) async fn drained(&self) {
        self.standing.drained().await;
    }

    /// Ends the thread, and with it everything that the client library would still send; waits for
    /// that, but not longer than `patience`. Idempotent.
    pub(super) fn stop(&self, patience: Duration) {
        self.cancel.ask();
        let mut thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(running) = thread.take() else {
            return;
        };
        match running.ended.recv_timeout(patience) {
            Err(std::sync::mpsc::RecvTimeoutError::Timeout) => *thread = Some(running),
            // A thread that panicked has said so; what it did not deliver is counted as pending.
            _ => drop(running.handle.join()),
        }
    }
}

/// The thread.
fn deliver(plan: &NatsPlan, wire: &Wire, backlog: &Backlog, standing: &Standing, cancel: &Cancel) {
    let mut memory = Memory::default();
    while !cancel.is_asked() {
        let Ok(runtime) = Builder::new_current_thread().enable_all().build() else {
            thread::sleep(NO_RUNTIME);
            continue;
        };
        let life = connection::live(plan, wire, backlog, standing, &mut memory);
        let ending = runtime.block_on(async {
            tokio::select! {
                biased;
                () = cancel.asked() => None,
                ending = life => Some(ending),
            }
        });
        // Does not wait for a name that is still being looked up.
        runtime.shutdown_background();
        match ending {
            None => return,
            Some(Ending::Drained) => return standing.drain(),
            Some(Ending::Failed(problem)) => {
                memory.width.halve();
                standing.lose(&problem);
            }
        }
    }
}

#[cfg(test)]
mod tests;
