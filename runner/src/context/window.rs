//! Reading a stream from its end backwards.
//!
//! JetStream has no such thing. It has readers that begin at a number and go forwards on one
//! subject, and it says of a new one how many messages are before it. So the stream is looked at in
//! windows: the last thousand numbers, the eight thousand before, and so on until enough is found.
//! Most numbers are the lines of runs, on subjects that the server skips; where it says that a
//! window has too many messages for us, the window is made smaller.

use std::collections::VecDeque;
use std::time::Duration;

use agent_plan::plan::ContextPlan;
use async_nats::Client;
use async_nats::jetstream;
use async_nats::jetstream::consumer::pull::Config;
use async_nats::jetstream::consumer::{AckPolicy, Consumer, DeliverPolicy};
use async_nats::jetstream::stream::Stream;
use futures_util::StreamExt as _;
use serde_json::Value;
use tokio::time::{Instant, timeout_at};

use super::{ContextError, in_time, message};

/// How long a reader is remembered by the server after we are gone.
pub(super) const FORGOTTEN_AFTER: Duration = Duration::from_secs(10);

/// Numbers in the first window.
const FIRST: u64 = 1024;

/// How much longer each window is than the one after it: seven of them reach back a billion.
const GROWTH: u64 = 8;

/// Messages in one window. They are read forwards, so a window is read whole or not at all.
const WINDOW: u64 = 512;

/// Messages that are asked for at once: 64 MiB of the largest that a server takes by default.
const BATCH: usize = 64;

/// Messages that are looked at in all: some seconds of work.
const LOOKED_AT: u64 = 10_000;

/// Bytes of messages in all. As text they are a tenth of what a model takes.
const ALL: usize = 256 << 10;

/// Said where those bytes are full.
const LONG: &str = "they are long";

/// What was found.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// The newest that are wanted; the oldest of them first.
    pub(super) messages: VecDeque<Value>,
    /// How many were looked at.
    pub(super) fetched: u64,
    /// How many of those are wanted.
    pub(super) filtered: u64,
    /// Why it was not looked further back.
    pub(super) cut_short: Option<&'static str>,
}

/// Finds the newest messages that are wanted.
///
/// Running out of time is an error only before the first window was read: what is found by then is
/// the newest there is. Cancel safe.
pub(super) async fn look_back(
    client: &Client,
    plan: &ContextPlan,
    deadline: Instant,
) -> Result<Found, ContextError> {
    let stream = stream(client, plan);
    let stream = in_time(plan, deadline, "looking for the stream", stream).await?;
    let mut back = Back::new(client, plan, &stream);
    in_time(plan, deadline, "reading the stream", back.step()).await?;
    while back.goes_on() {
        let Ok(read) = timeout_at(deadline, back.step()).await else {
            back.found.cut_short = Some("the time for it is over");
            break;
        };
        read?;
    }
    Ok(back.found)
}

async fn stream(client: &Client, plan: &ContextPlan) -> Result<Stream, ContextError> {
    let jetstream = jetstream::new(client.clone());
    let stream = jetstream.get_stream(&plan.stream).await;
    stream.map_err(|source| ContextError::Stream {
        stream: plan.stream.clone(),
        source,
    })
}

/// The way back.
struct Back<'a> {
    client: &'a Client,
    plan: &'a ContextPlan,
    stream: &'a Stream,
    /// The first number that the stream still has.
    first: u64,
    /// The first number that was looked at.
    from: u64,
    /// How long the next window is.
    span: u64,
    /// How many messages there are from `from` on, as the server last said.
    behind: u64,
    /// Bytes of what was kept.
    bytes: usize,
    found: Found,
}

impl<'a> Back<'a> {
    fn new(client: &'a Client, plan: &'a ContextPlan, stream: &'a Stream) -> Self {
        let state = &stream.cached_info().state;
        Self {
            client,
            plan,
            stream,
            first: state.first_sequence.max(1),
            from: state.last_sequence + 1,
            span: FIRST,
            behind: 0,
            bytes: 0,
            found: Found::default(),
        }
    }

    /// Whether anything older is wanted; notes it if that is looked for no more.
    fn goes_on(&mut self) -> bool {
        if self.from <= self.first || self.found.messages.len() >= self.plan.count {
            return false;
        }
        if self.found.fetched >= LOOKED_AT {
            self.found.cut_short = Some("the others are about something else");
        }
        self.found.cut_short.is_none()
    }

    /// Reads the window before what was looked at, or finds that it must be smaller.
    ///
    /// A future that is dropped has taken nothing from the window.
    async fn step(&mut self) -> Result<(), ContextError> {
        if self.from <= self.first {
            return Ok(());
        }
        let start = self.from.saturating_sub(self.span).max(self.first);
        let reader = self.reader(start).await?;
        let pending = reader.cached_info().num_pending;
        let inside = pending.saturating_sub(self.behind);
        let length = self.from - start;
        if inside > WINDOW && length > 1 {
            self.span = (length.saturating_mul(WINDOW) / inside).clamp(1, length - 1);
            return Ok(());
        }
        let payloads = self.read(&reader, inside).await?;
        self.found.fetched += payloads.fetched;
        self.found.filtered += payloads.filtered;
        self.keep(payloads.wanted);
        self.from = start;
        self.behind = pending;
        self.span = length.saturating_mul(GROWTH);
        Ok(())
    }

    async fn reader(&self, start: u64) -> Result<Consumer<Config>, ContextError> {
        let inbox = self.client.new_inbox();
        let random = inbox.rsplit('.').next().unwrap_or_default();
        let config = Config {
            description: Some("agent-runner: context".to_owned()),
            deliver_policy: DeliverPolicy::ByStartSequence {
                start_sequence: start,
            },
            // Without acknowledgements nothing is ever sent twice, and no permission is needed.
            ack_policy: AckPolicy::None,
            // With a name both are in the subject of the request, so that permissions can be.
            name: Some(format!("agent-runner-context-{random}")),
            filter_subject: self.plan.subject.clone(),
            inactive_threshold: FORGOTTEN_AFTER,
            memory_storage: true,
            num_replicas: 1,
            ..Config::default()
        };
        let made = self.stream.create_consumer(config).await;
        made.map_err(|source| ContextError::Reader {
            stream: self.plan.stream.clone(),
            subject: self.plan.subject.clone(),
            source,
        })
    }

    /// Reads the messages of a window, the oldest first, and keeps of each what is wanted.
    async fn read(&self, reader: &Consumer<Config>, inside: u64) -> Result<Payloads, ContextError> {
        let mut read = Payloads::default();
        while read.fetched < inside {
            let left = usize::try_from(inside - read.fetched).unwrap_or(BATCH);
            let batch = reader.fetch().max_messages(left.min(BATCH)).messages();
            let mut batch = batch.await.map_err(|source| ContextError::Batch {
                stream: self.plan.stream.clone(),
                source,
            })?;
            let before = read.fetched;
            while let Some(message) = batch.next().await {
                let torn = |problem: String| ContextError::Torn {
                    stream: self.plan.stream.clone(),
                    problem,
                };
                let message = message.map_err(|error| torn(error.to_string()))?;
                let place = message.info().map_err(|error| torn(error.to_string()))?;
                if place.stream_sequence >= self.from {
                    return Ok(read);
                }
                read.fetched += 1;
                let said = message::said(&message.payload, self.plan);
                read.filtered += u64::from(said.is_some());
                read.wanted.extend(said);
                while read.wanted.len() > self.plan.count {
                    read.wanted.pop_front();
                }
            }
            if read.fetched == before {
                // What was there has been removed since.
                break;
            }
        }
        Ok(read)
    }

    /// Puts older messages before those that are there, as many as there is room for.
    fn keep(&mut self, older: VecDeque<Value>) {
        for message in older.into_iter().rev() {
            let bytes = message.to_string().len();
            if self.found.messages.len() >= self.plan.count {
                return;
            }
            if self.bytes + bytes > ALL {
                self.found.cut_short = Some(LONG);
                return;
            }
            self.bytes += bytes;
            self.found.messages.push_front(message);
        }
    }
}

/// What is in a window.
#[derive(Default)]
struct Payloads {
    fetched: u64,
    filtered: u64,
    wanted: VecDeque<Value>,
}
