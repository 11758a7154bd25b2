//! One connection, from the pause before it to its end.

use std::collections::HashSet;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use agent_plan::message::Wire;
use agent_plan::plan::NatsPlan;
use agent_plan::status::EventsMode;
use async_nats::{Client, Event};
use tokio::sync::{Notify, mpsc};
use tokio::time::{sleep, timeout};

use super::backoff::Backoff;
use super::outbox::Outbox;
use super::probe::{self, Answer};
use super::refusals::Refusals;
use super::standing::Standing;
use super::window::Width;
use super::{plain, stream, words};
use crate::events::backlog::{Backlog, Position};
use crate::nats;

/// How often the server is asked for a sign of life; the library gives up when two are missing.
const PING: Duration = Duration::from_secs(10);

/// How long all servers of a list together may take, names that resolve slowly included.
const CONNECT_ALL: Duration = Duration::from_mins(1);

/// The library's own reconnect, which never comes: the runtime is gone by then.
const NEVER: Duration = Duration::from_hours(1);

/// The longest message: what a server takes unless told otherwise. A stream that is republished or
/// mirrored may be on one that was not told otherwise.
const MAX_PAYLOAD: usize = 1024 * 1024;

/// What room is left for headers that servers add when they republish or copy what is stored: names
/// of stream and subject, numbers and a time. Of a server that takes little, a sixteenth is left.
const MARGIN: usize = 1024;

/// The least that a message is cut to for who takes no long ones; less has no room for who says it.
pub(super) const SHORTEST: usize = 2048;

/// The library's queue: more than may be in flight, so that sending never waits for it.
const CAPACITY: usize = 1024;

/// How a connection ended.
#[derive(Debug)]
pub(super) enum Ending {
    /// Everything is delivered, and there will be no more.
    Drained,
    /// It could not be made, or was lost; in words, without secrets.
    Failed(String),
}

/// What is kept from connection to connection.
#[derive(Debug, Default)]
pub(super) struct Memory {
    /// Where delivery goes on; `None` until the backlog has said where it begins.
    pub(super) delivered: Option<Position>,
    /// Subjects of which something was acknowledged: they never are published to nobody.
    pub(super) stored: HashSet<String>,
    /// Subjects that were refused beside others that were not.
    pub(super) refused: HashSet<String>,
    /// What is refused to an account that may not ask for streams, or may not publish.
    pub(super) refusals: Refusals,
    /// Bytes of a message that a stream was found to take, if less than the server does.
    pub(super) limit: Option<usize>,
    /// How many messages may be in flight.
    pub(super) width: Width,
    /// The pause before the next connection.
    pub(super) backoff: Backoff,
}

/// What a delivery works with.
#[derive(Debug)]
pub(super) struct Link<'a> {
    /// The connection.
    pub(super) client: Client,
    /// The server's name, for the log.
    pub(super) server: String,
    /// What remains to be published on it.
    pub(super) outbox: Outbox<'a>,
    /// What others may know.
    pub(super) standing: &'a Standing,
    /// What is kept.
    pub(super) memory: &'a mut Memory,
    /// How long an acknowledgement may take.
    pub(super) acknowledge: Duration,
    /// Notified when the account may not use JetStream's API.
    pub(super) denied: Arc<Notify>,
    /// Whether it may not.
    pub(super) is_denied: bool,
    /// Whether the server has JetStream itself.
    pub(super) has_jetstream: bool,
}

/// Lives through one connection.
///
/// Not cancel safe: `memory` may be behind what the server has, which costs duplicates and no more.
pub(super) async fn live(
    plan: &NatsPlan,
    wire: &Wire,
    backlog: &Backlog,
    standing: &Standing,
    memory: &mut Memory,
) -> Ending {
    sleep(memory.backoff.next()).await;
    let (signals, mut ended) = Signals::new();
    let client = match connect(plan, &signals).await {
        Ok(client) => client,
        Err(problem) => return Ending::Failed(problem),
    };
    let from = if let Some(position) = memory.delivered {
        position
    } else {
        let start = backlog.start().await;
        standing.begin(start);
        *memory.delivered.insert(start)
    };
    let server = client.server_info();
    let limit = room(server.max_payload);
    let limit = memory.limit.map_or(limit, |found| found.min(limit));
    let link = Link {
        server: nats::names(plan),
        outbox: Outbox::new(backlog, wire, from, limit),
        standing,
        memory: &mut *memory,
        acknowledge: plan.acknowledge,
        denied: Arc::clone(&signals.denied),
        is_denied: false,
        has_jetstream: server.jetstream,
        client,
    };
    tokio::select! {
        // What was acknowledged before the end counts.
        biased;
        ending = link.deliver() => ending.unwrap_or_else(|error| {
            Ending::Failed(words::bounded(&format!("the journal cannot be read: {error}")))
        }),
        Some(end) = ended.recv() => {
            if let Some(subject) = end.forbidden
                && memory.refusals.forbid(subject)
            {
                // The next connection knows more than this one did.
                memory.backoff.reset();
            }
            Ending::Failed(end.why)
        }
    }
}

/// Returns how long a message may be for a server that takes so much.
fn room(max_payload: usize) -> usize {
    let most = max_payload.min(MAX_PAYLOAD);
    let room = most - MARGIN.min(most / 16);
    room.max(SHORTEST.min(most))
}

impl Link<'_> {
    /// Delivers until there is no more.
    async fn deliver(mut self) -> io::Result<Ending> {
        let subject = loop {
            if !self.outbox.more().await {
                return Ok(Ending::Drained);
            }
            if let Some(subject) = self.outbox.next_subject()? {
                break subject;
            }
        };
        match probe::ask(&self.client, &subject, &self.denied).await {
            Answer::Taken => {
                self.announce(Ok(true));
                stream::deliver(self, true).await
            }
            Answer::Unknown(why) => {
                tracing::debug!(why, "Whether a stream takes events is not known.");
                self.announce(Ok(false));
                stream::deliver(self, false).await
            }
            Answer::Denied => self.try_out(subject).await,
            Answer::Nobody(why) if self.memory.stored.contains(&subject) => {
                Ok(Ending::Failed(format!("{why}, and one did before")))
            }
            Answer::Nobody(_) if !self.memory.stored.is_empty() => {
                self.memory.refused.insert(subject);
                self.announce(Ok(true));
                stream::deliver(self, true).await
            }
            Answer::Nobody(why) => {
                self.standing
                    .publish(&self.server, EventsMode::Core, Err(why));
                plain::deliver(self, subject).await
            }
        }
    }

    /// Delivers for an account that may not ask: to a stream, until that was refused for too long.
    async fn try_out(mut self, subject: String) -> io::Result<Ending> {
        self.is_denied = true;
        self.memory.refusals.begin();
        let refusals = &mut self.memory.refusals;
        let is_nobodys = refusals.is_nobodys(&subject, self.has_jetstream);
        if is_nobodys && self.memory.stored.is_empty() {
            // After this connection it is tried anew: the next server may have a stream.
            refusals.forget(&subject);
            let why = if self.has_jetstream {
                format!("no stream answers for `{subject}`, and the account may not ask for one")
            } else {
                "the server has no JetStream".to_owned()
            };
            self.standing
                .publish(&self.server, EventsMode::Core, Err(words::bounded(&why)));
            return plain::deliver(self, subject).await;
        }
        self.announce(Ok(false));
        stream::deliver(self, false).await
    }

    /// Says that what is published from here on goes to a stream, which is known to take it or not.
    pub(super) fn announce(&self, stored: Result<bool, String>) {
        self.standing
            .publish(&self.server, EventsMode::Jetstream, stored);
    }
}

/// Why a connection ended.
#[derive(Debug)]
struct End {
    /// In words.
    why: String,
    /// The subject on which the server forbids to publish.
    forbidden: Option<String>,
}

/// What the library tells of a connection.
#[derive(Debug, Clone)]
struct Signals {
    /// Why it ended; the first reason is the one that counts.
    end: mpsc::Sender<End>,
    denied: Arc<Notify>,
    connected: Arc<AtomicBool>,
}

impl Signals {
    fn new() -> (Self, mpsc::Receiver<End>) {
        let (end, ended) = mpsc::channel(1);
        let signals = Self {
            end,
            denied: Arc::default(),
            connected: Arc::default(),
        };
        (signals, ended)
    }

    fn hear(&self, event: &Event) {
        let mut forbidden = None;
        let why = match event {
            Event::Connected | Event::LameDuckMode | Event::Draining | Event::ClientError(_) => {
                return;
            }
            Event::ServerError(error) => {
                let text = error.to_string();
                if text.contains("$JS.API.") {
                    // Nobody needs it: publishing and its acknowledgements do without.
                    self.denied.notify_one();
                    return;
                }
                forbidden = words::forbidden(&text).map(str::to_owned);
                let said = text.strip_prefix("nats: ").unwrap_or(&text);
                words::bounded(&format!("the server says: {said}"))
            }
            Event::SlowConsumer(_) => "acknowledgements came faster than they were read".to_owned(),
            Event::Disconnected | Event::Closed => "the connection was lost".to_owned(),
        };
        // The first reason counts.
        drop(self.end.try_send(End { why, forbidden }));
    }
}

/// Connects to one of the servers, or says in words why that cannot be.
async fn connect(plan: &NatsPlan, signals: &Signals) -> Result<Client, String> {
    let (heard, connected) = (signals.clone(), Arc::clone(&signals.connected));
    let options = nats::options(plan)
        .map_err(|error| words::bounded(&error.to_string()))?
        .name("agent-runner")
        .ping_interval(PING)
        .client_capacity(CAPACITY)
        .subscription_capacity(CAPACITY)
        .reconnect_delay_callback(move |_| {
            if connected.load(Ordering::Relaxed) {
                NEVER
            } else {
                Duration::ZERO
            }
        })
        .event_callback(move |event| {
            heard.hear(&event);
            std::future::ready(())
        });
    let client = match timeout(CONNECT_ALL, options.connect(nats::addresses(plan))).await {
        Ok(Ok(client)) => client,
        Ok(Err(error)) => return Err(words::unconnected(plan, &error)),
        Err(_) => return Err(format!("{}: no answer", nats::names(plan))),
    };
    signals.connected.store(true, Ordering::Relaxed);
    Ok(client)
}
