//! Whether a stream takes a subject.

use std::time::Duration;

use async_nats::client::{Request, RequestErrorKind};
use async_nats::{Client, Message};
use futures_util::FutureExt;
use serde::Deserialize;
use tokio::sync::Notify;
use tokio::time::sleep;

use super::ack::ApiError;

/// Where streams are asked for by subject; needs no permission to see what is in them.
const NAMES: &str = "$JS.API.STREAM.NAMES";

/// How long the answer may take: twice what the leader of a busy cluster needs.
const PATIENCE: Duration = Duration::from_secs(4);

/// How often nobody has to answer before there is no JetStream, and the pause between: a cluster
/// that elects its leader is back within.
const TRIES: u32 = 3;
const PAUSE: Duration = Duration::from_secs(1);

/// `JSNotEnabledForAccountErr` and `JSNotEnabledErr`.
const NOT_ENABLED: [u64; 2] = [10039, 10076];

/// Whether a stream takes a subject.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// One does.
    Taken,
    /// None does, in words.
    Nobody(String),
    /// It is not to be had: in words, why.
    Unknown(String),
    /// The account may not ask.
    Denied,
}

#[derive(Deserialize)]
struct Names {
    #[serde(default)]
    streams: Option<Vec<String>>,
    error: Option<ApiError>,
}

/// Asks whether a stream takes a subject. `denied` is notified when the account may not ask.
///
/// Not cancel safe, but harmless.
pub(super) async fn ask(client: &Client, subject: &str, denied: &Notify) -> Answer {
    let mut tries = 1;
    loop {
        match once(client, subject, denied).await {
            Once::Answer(answer) => return answer,
            Once::NoResponders if tries >= TRIES => {
                return Answer::Nobody("the server has no JetStream".to_owned());
            }
            Once::NoResponders => {
                tries += 1;
                sleep(PAUSE).await;
            }
        }
    }
}

/// Waits until the server has processed everything that was published before, and returns whether
/// a stream takes the subject meanwhile.
///
/// Where nothing stores messages this question is their confirmation: the server answers what a
/// connection sends in order, and the library cannot tell when its own PING is answered. That the
/// account may not ask is such an answer too.
///
/// Not cancel safe, but harmless.
pub(super) async fn confirm(client: &Client, subject: &str, denied: &Notify) -> Answer {
    match once(client, subject, denied).await {
        Once::Answer(answer) => answer,
        Once::NoResponders => Answer::Nobody("the server has no JetStream".to_owned()),
    }
}

enum Once {
    Answer(Answer),
    NoResponders,
}

async fn once(client: &Client, subject: &str, denied: &Notify) -> Once {
    // A refusal that came after its question was given up is not the answer to this one.
    let _stale = denied.notified().now_or_never();
    tokio::select! {
        answer = request(client, subject) => answer,
        () = denied.notified() => Once::Answer(Answer::Denied),
    }
}

async fn request(client: &Client, subject: &str) -> Once {
    let question = serde_json::json!({ "subject": subject }).to_string();
    let request = Request::new()
        .payload(question.into())
        .timeout(Some(PATIENCE));
    match client.send_request(NAMES, request).await {
        Ok(message) => Once::Answer(read(&message, subject)),
        Err(error) if error.kind() == RequestErrorKind::NoResponders => Once::NoResponders,
        Err(error) => Once::Answer(Answer::Unknown(format!("`{NAMES}`: {error}"))),
    }
}

fn read(message: &Message, subject: &str) -> Answer {
    match serde_json::from_slice(&message.payload) {
        Ok(Names {
            error: Some(error), ..
        }) if NOT_ENABLED.contains(&error.err_code) => Answer::Nobody(error.description),
        Ok(Names {
            error: Some(error), ..
        }) => Answer::Unknown(error.description),
        Ok(Names {
            streams: Some(streams),
            ..
        }) if !streams.is_empty() => Answer::Taken,
        Ok(_) => Answer::Nobody(format!("no stream takes `{subject}`")),
        Err(error) => Answer::Unknown(format!("`{NAMES}` is answered strangely: {error}")),
    }
}
