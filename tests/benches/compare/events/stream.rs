//! What a stream has after a run: all of it, in order, once.

use std::hash::{DefaultHasher, Hasher as _};
use std::io;
use std::time::Duration;

use agent_tests::Nats;
use async_nats::jetstream;
use async_nats::jetstream::consumer::pull::OrderedConfig;
use futures_util::StreamExt as _;
use tokio::time::timeout;

use super::{STREAM, peer};

/// What the server may take for its next message.
const PATIENCE: Duration = Duration::from_secs(30);

/// What is added to the id of a copy on the general subject.
const COPY: &str = "-general";

/// What a stream has.
#[derive(Debug, Default)]
pub(super) struct Stored {
    /// Seconds from when the first message of the kind was stored to the last.
    pub(super) seconds: f64,
    /// Messages of the kind.
    pub(super) of_kind: u64,
    /// Numbers of records that are missing.
    pub(super) lost: u64,
    /// Records that come after one that was said later.
    pub(super) out_of_order: u64,
    /// Records that are there more than once.
    pub(super) twice: u64,
    /// Of all payloads of the kind, in order.
    pub(super) digest: u64,
    /// The length of the last payload of the kind.
    pub(super) length: usize,
}

/// Reads all of a stream, which should have the records from 1 to `last`, and copies of some.
pub(super) fn read(nats: &Nats, kind: &str, last: u64) -> io::Result<Stored> {
    let url = nats.url();
    peer::runtime()?.block_on(async {
        let client = async_nats::connect(url).await.map_err(io::Error::other)?;
        let stream = jetstream::new(client).get_stream(STREAM).await;
        let stream = stream.map_err(io::Error::other)?;
        let consumer = stream.create_consumer(OrderedConfig::default()).await;
        let consumer = consumer.map_err(io::Error::other)?;
        let mut left = stream.cached_info().state.messages;
        let mut messages = consumer.messages().await.map_err(io::Error::other)?;
        let mut reader = Reader::new(kind, last);
        while left > 0 {
            let next = timeout(PATIENCE, messages.next()).await?;
            let message = next.ok_or_else(|| io::Error::other("the stream ends"))?;
            reader.take(&message.map_err(io::Error::other)?)?;
            left -= 1;
        }
        Ok(reader.end())
    })
}

struct Reader {
    kind: String,
    seen: Vec<bool>,
    latest: usize,
    first: Option<i128>,
    end: i128,
    digest: DefaultHasher,
    stored: Stored,
}

impl Reader {
    fn new(kind: &str, last: u64) -> Self {
        Self {
            kind: format!(".{kind}"),
            seen: vec![false; usize::try_from(last).unwrap_or(usize::MAX)],
            latest: 0,
            first: None,
            end: 0,
            digest: DefaultHasher::new(),
            stored: Stored::default(),
        }
    }

    fn take(&mut self, message: &jetstream::Message) -> io::Result<()> {
        let headers = message.headers.as_ref();
        let id = headers.and_then(|headers| headers.get("Nats-Msg-Id"));
        let id = id.map_or("", |id| id.as_str());
        if id.ends_with(COPY) {
            return Ok(());
        }
        let number = id
            .rsplit_once('-')
            .and_then(|(_, number)| number.parse().ok());
        let number: usize = number.ok_or_else(|| io::Error::other("a message without an id"))?;
        match self.seen.get_mut(number.wrapping_sub(1)) {
            Some(seen) if *seen => self.stored.twice += 1,
            Some(seen) => {
                *seen = true;
                self.stored.out_of_order += u64::from(number < self.latest);
                self.latest = self.latest.max(number);
            }
            None => return Err(io::Error::other(format!("nobody has said {id}"))),
        }
        if message.subject.ends_with(&self.kind) {
            let info = message.info().map_err(io::Error::other)?;
            self.end = info.published.unix_timestamp_nanos();
            self.first.get_or_insert(self.end);
            self.stored.of_kind += 1;
            self.digest.write(&message.payload);
            self.stored.length = message.payload.len();
        }
        Ok(())
    }

    fn end(mut self) -> Stored {
        let nanoseconds = self.end - self.first.unwrap_or(self.end);
        self.stored.seconds = nanoseconds as f64 / 1e9;
        self.stored.lost = self.seen.iter().filter(|seen| !**seen).count() as u64;
        self.stored.digest = self.digest.finish();
        self.stored
    }
}
