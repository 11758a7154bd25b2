//! What a test asks of a server: streams, and what is in them.

use std::time::Duration;

use async_nats::jetstream::consumer::pull::OrderedConfig;
use async_nats::jetstream::stream::Config;
use async_nats::jetstream::{self, Context};
use async_nats::{Client, ConnectOptions, HeaderMap};
use futures_util::StreamExt as _;
use serde_json::Value;
use tokio::time::timeout;

use super::config::Admin;
use super::{ADMIN, Nats};
use crate::{DEADLINE, wait_until};

/// A message, as the server has it.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredMessage {
    /// Its subject.
    pub subject: String,
    /// Its headers, in no order.
    pub headers: Vec<(String, String)>,
    /// What was published, taken apart; null if it is not JSON.
    pub payload: Value,
    /// What was published.
    pub bytes: Vec<u8>,
    /// Its place in the stream, from 1; 0 if it has not been in one.
    pub stream_sequence: u64,
}

impl StoredMessage {
    pub(super) fn new(
        subject: &str,
        headers: Option<&HeaderMap>,
        payload: &[u8],
        stream_sequence: u64,
    ) -> Self {
        let all = headers.into_iter().flat_map(HeaderMap::iter);
        Self {
            subject: subject.to_owned(),
            headers: all
                .flat_map(|(name, values)| {
                    let pair = move |value: &_| (name.to_string(), ToString::to_string(value));
                    values.iter().map(pair)
                })
                .collect(),
            payload: serde_json::from_slice(payload).unwrap_or_default(),
            bytes: payload.to_vec(),
            stream_sequence,
        }
    }

    /// The value of a header; the case of names does not count.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        let found = headers.find(|(it, _)| it.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }
}

impl Nats {
    /// Makes a stream in files for these subjects.
    pub fn make_stream(&self, name: &str, subjects: &[&str]) {
        self.make_stream_with(Config {
            name: name.to_owned(),
            subjects: subjects.iter().map(|&it| it.to_owned()).collect(),
            ..Config::default()
        });
    }

    /// Makes a stream with limits, another window for duplicates, and the like.
    pub fn make_stream_with(&self, config: Config) {
        self.ask_jetstream(async |jetstream| {
            let made = jetstream.create_stream(config).await;
            made.expect("the server makes the stream");
        });
    }

    /// Deletes a stream with all that is in it.
    pub fn delete_stream(&self, name: &str) {
        self.ask_jetstream(async |jetstream| {
            let deleted = jetstream.delete_stream(name).await;
            deleted.expect("the stream can be deleted");
        });
    }

    /// How many messages a stream has.
    pub fn count(&self, stream: &str) -> u64 {
        self.ask_jetstream(async |jetstream| state(&jetstream, stream).await.messages)
    }

    /// Waits until a stream has so many messages or more.
    #[track_caller]
    pub fn await_count(&self, stream: &str, count: u64) {
        let mut seen = 0;
        let reached = wait_until(DEADLINE, || {
            seen = self.count(stream);
            seen >= count
        });
        assert!(reached, "`{stream}` has {seen} messages, not {count}");
    }

    /// Everything that a stream has, in order.
    pub fn stream_messages(&self, stream: &str) -> Vec<StoredMessage> {
        self.ask_jetstream(async |jetstream| {
            let count = state(&jetstream, stream).await.messages;
            let count = usize::try_from(count).expect("a test's stream fits into memory");
            if count == 0 {
                return Vec::new();
            }
            let stream = jetstream.get_stream(stream).await;
            let stream = stream.expect("the stream is there");
            let consumer = stream.create_consumer(OrderedConfig::default()).await;
            let messages = consumer.expect("a consumer can be made").messages().await;
            let mut messages = messages.expect("messages can be asked for").take(count);
            let mut all = Vec::new();
            while let Some(message) = messages.next().await {
                let message = message.expect("the server gives what it has");
                let sequence = message
                    .info()
                    .expect("a message of a stream says where it was")
                    .stream_sequence;
                all.push(StoredMessage::new(
                    &message.subject,
                    message.headers.as_ref(),
                    &message.payload,
                    sequence,
                ));
            }
            all
        })
    }

    /// Publishes a message as it is, without JetStream's answer; returns when the server has it.
    pub fn publish(&self, subject: &str, payload: &[u8]) {
        let (subject, payload) = (subject.to_owned(), payload.to_vec());
        self.ask(async |client| {
            let published = client.publish(subject, payload.into()).await;
            published.expect("the subject is one");
            // The answer to a ping comes after everything before it has been taken.
            client.flush().await.expect("the server answers");
        });
    }

    /// Does something with a connection of the test's own.
    pub(super) fn ask<T: Send>(&self, question: impl AsyncFnOnce(Client) -> T + Send) -> T {
        self.asking(async |options: ConnectOptions, url: String| {
            let client = timeout(DEADLINE, options.connect(url)).await;
            let client = client.expect("the server greets in time");
            let client = client.expect("the test's own user is let in");
            let answer = timeout(DEADLINE, question(client)).await;
            answer.expect("the server answers in time")
        })
    }

    /// Does something with a runtime of the test's own, where the server is.
    pub(super) fn asking<T: Send>(
        &self,
        work: impl AsyncFnOnce(ConnectOptions, String) -> T + Send,
    ) -> T {
        let (options, url) = (self.options(), self.url());
        self.beside(|| runtime().block_on(work(options, url)))
    }

    /// How the test's own connections get in.
    pub(super) fn options(&self) -> ConnectOptions {
        let mut options = ConnectOptions::new()
            .connection_timeout(DEADLINE)
            .request_timeout(Some(DEADLINE))
            .reconnect_delay_callback(|_| Duration::from_millis(20));
        options = match &self.parts.admin {
            Admin::Nobody => options,
            Admin::User => options.user_and_password(ADMIN.to_owned(), ADMIN.to_owned()),
            Admin::Token(token) => options.token(token.clone()),
            Admin::Creds(creds) => options
                .credentials(creds)
                .expect("the credentials are our own"),
        };
        if let Some(tls) = &self.parts.tls {
            options = options
                .add_root_certificates(tls.ca.clone())
                .add_client_certificate(tls.client_certificate.clone(), tls.client_key.clone())
                .require_tls(true);
        }
        options
    }

    fn ask_jetstream<T: Send>(&self, question: impl AsyncFnOnce(Context) -> T + Send) -> T {
        self.ask(async |client| question(jetstream::new(client)).await)
    }
}

async fn state(jetstream: &Context, stream: &str) -> jetstream::stream::State {
    let stream = jetstream.get_stream(stream).await;
    let stream = stream.expect("the stream is there");
    stream.cached_info().state.clone()
}

pub(super) fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime can be made")
}
