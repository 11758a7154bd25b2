//! Records as messages, in order.

use std::collections::VecDeque;
use std::io;

use agent_plan::message::{Message, Wire, messages};
use async_nats::header::NATS_MESSAGE_ID;
use async_nats::{HeaderMap, HeaderValue};

use crate::events::backlog::{Backlog, Entry, Position};

/// Records that are read at once: as many as there are messages in flight.
const BATCH: usize = 256;

/// What remains to be published on a connection.
#[derive(Debug)]
pub(super) struct Outbox<'a> {
    backlog: &'a Backlog,
    wire: &'a Wire,
    /// Bytes of a message, with its headers.
    limit: usize,
    queue: VecDeque<Entry>,
    /// Behind what is in the queue.
    read: Position,
    /// Whether the backlog had no more when it was read last.
    is_dry: bool,
}

impl<'a> Outbox<'a> {
    /// Begins behind `from`, with messages of at most `limit` bytes.
    pub(super) fn new(backlog: &'a Backlog, wire: &'a Wire, from: Position, limit: usize) -> Self {
        Self {
            backlog,
            wire,
            limit,
            queue: VecDeque::with_capacity(BATCH),
            read: from,
            is_dry: false,
        }
    }

    /// Returns the end of the next record and its messages; `None` if there is none yet.
    ///
    /// # Errors
    ///
    /// Fails if the journal cannot be read.
    pub(super) fn next(&mut self) -> io::Result<Option<(Position, Vec<Message>)>> {
        self.fill()?;
        Ok(self.queue.pop_front().map(|entry| {
            let messages = self.messages(&entry);
            (entry.end, messages)
        }))
    }

    /// Returns where the next record is published; `None` if there is none yet.
    ///
    /// # Errors
    ///
    /// Fails if the journal cannot be read.
    pub(super) fn next_subject(&mut self) -> io::Result<Option<String>> {
        self.fill()?;
        let messages = self.queue.front().map(|entry| self.messages(entry));
        let first = messages.and_then(|messages| messages.into_iter().next());
        Ok(first.map(|message| message.subject))
    }

    /// Returns the bytes of a message, with its headers, that are the most.
    pub(super) fn limit(&self) -> usize {
        self.limit
    }

    /// Waits until there is another record. Cancel safe.
    ///
    /// Returns `false` if there never will be.
    pub(super) async fn more(&mut self) -> bool {
        if !self.queue.is_empty() || !self.is_dry {
            return true;
        }
        let more = self.backlog.more(self.read).await;
        self.is_dry = !more;
        more
    }

    /// Whether the last read found nothing, so that it takes [`more`](Self::more) to go on.
    pub(super) fn is_dry(&self) -> bool {
        self.is_dry && self.queue.is_empty()
    }

    /// Notes that everything before a position is delivered.
    pub(super) fn delivered(&self, through: Position) {
        self.backlog.delivered(through);
    }

    fn fill(&mut self) -> io::Result<()> {
        if self.queue.is_empty() && !self.is_dry {
            self.queue.extend(self.backlog.read(self.read, BATCH)?);
            match self.queue.back() {
                Some(last) => self.read = last.end,
                None => self.is_dry = true,
            }
        }
        Ok(())
    }

    fn messages(&self, entry: &Entry) -> Vec<Message> {
        messages(&entry.header, &entry.record, self.wire, self.limit)
    }
}

/// Returns the headers of a message. One that cannot be a header, such as a `traceparent` of two
/// lines, is left out.
pub(super) fn headers(message: &Message) -> HeaderMap {
    let mut headers = HeaderMap::new();
    if let Ok(id) = message.id.parse::<HeaderValue>() {
        headers.insert(NATS_MESSAGE_ID, id);
    }
    for (name, value) in &message.headers {
        if let Ok(value) = value.parse::<HeaderValue>() {
            headers.insert(*name, value);
        }
    }
    headers
}
