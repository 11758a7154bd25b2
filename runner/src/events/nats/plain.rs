//! Delivery to whoever listens, where no stream takes the subject.

use std::io;
use std::time::Duration;

use async_nats::client::PublishErrorKind;
use tokio::time::timeout;

use super::connection::{Ending, Link};
use super::outbox::headers;
use super::probe::{self, Answer};
use super::{stream, words};

/// Messages and bytes that are published before the server is asked whether it has them: what may
/// be in flight to a stream.
const MESSAGES: usize = 256;
const BYTES: usize = 4 * 1024 * 1024;

/// How often a server that is idle is asked whether there is a stream now.
/// An account that may not ask finds out on its next connection.
const AGAIN: Duration = Duration::from_secs(30);

/// Delivers until there is no more, or until a stream takes the subject.
///
/// # Errors
///
/// Fails if the journal cannot be read.
pub(super) async fn deliver(mut link: Link<'_>, subject: String) -> io::Result<Ending> {
    loop {
        // Asks again too where nothing is said.
        if let Ok(false) = timeout(AGAIN, link.outbox.more()).await {
            return Ok(Ending::Drained);
        }
        let (mut count, mut bytes, mut events, mut through) = (0, 0, 0, None);
        while count < MESSAGES
            && bytes < BYTES
            && let Some((end, messages)) = link.outbox.next()?
        {
            for (index, message) in messages.into_iter().enumerate() {
                count += 1;
                bytes += message.payload.len();
                let refusals = &link.memory.refusals;
                if refusals.is_left_out(&message.subject, index > 0) {
                    link.standing.give_up(&words::violation(&message.subject));
                    continue;
                }
                let (headers, bytes) = (headers(&message), message.payload.len());
                let done = link
                    .client
                    .publish_with_headers(message.subject, headers, message.payload.into())
                    .await;
                if let Err(error) = done {
                    if error.kind() == PublishErrorKind::MaxPayloadExceeded {
                        link.standing.give_up(&words::too_long(bytes));
                        continue;
                    }
                    return Ok(Ending::Failed(words::bounded(&error.to_string())));
                }
            }
            events += 1;
            through = Some(end);
        }
        let answer = probe::confirm(&link.client, &subject, &link.denied).await;
        if let Answer::Unknown(why) = answer {
            return Ok(Ending::Failed(words::bounded(&why)));
        }
        if let Some(through) = through {
            link.memory.delivered = Some(through);
            link.memory.backoff.reset();
            link.outbox.delivered(through);
            link.standing.deliver(through, 0, events);
        }
        if answer == Answer::Taken {
            link.announce(Ok(true));
            return stream::deliver(link, true).await;
        }
    }
}
