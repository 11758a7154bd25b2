//! Delivery to a stream, with acknowledgements.
//!
//! Every message names a reply subject of its own below one inbox, which is the number of its place
//! in the window. So an acknowledgement is a lookup in a queue: no timer, channel or table entry per
//! message, as the library's own acknowledgements have.

use std::io;
use std::time::Duration;

use agent_plan::message::Message;
use async_nats::client::PublishErrorKind;
use async_nats::{Subject, Subscriber};
use futures_util::{FutureExt, StreamExt};
use tokio::time::{Instant, sleep_until, timeout};

use super::ack::Ack;
use super::connection::{Ending, Link, SHORTEST};
use super::outbox::headers;
use super::probe::{self, Answer};
use super::window::{End, Flight, Window};
use super::words;
use crate::events::backlog::Position;

/// Subjects that are remembered as refused; a run has one per kind, and there are 18.
const REFUSED: usize = 64;

/// How long others in flight are waited for when nobody answered for one: what is stored meanwhile
/// is what tells a subject that no stream takes from a stream without a leader.
const HEAR_OUT: Duration = Duration::from_millis(500);

/// Delivers until there is no more, or until something is not acknowledged. `is_taken` says that a
/// stream is known to take what is published, if not every kind of it.
///
/// # Errors
///
/// Fails if the journal cannot be read.
pub(super) async fn deliver(mut link: Link<'_>, is_taken: bool) -> io::Result<Ending> {
    let unheard = link.unheard(is_taken).await;
    let inbox = link.client.new_inbox();
    let mut replies = match link.client.subscribe(format!("{inbox}.*")).await {
        Ok(replies) => replies,
        Err(error) => return Ok(Ending::Failed(words::bounded(&error.to_string()))),
    };
    let mut sending = Sending {
        inbox: inbox + ".",
        window: Window::default(),
        progress: Instant::now(),
        unheard,
        owed: None,
    };
    let mut is_last = false;
    // One timer for the whole window: it looks at the oldest message when it rings.
    let mut overdue = std::pin::pin!(sleep_until(Instant::now() + link.acknowledge));
    loop {
        loop {
            // Before the look for room: if all that was in flight is acknowledged at once, no further
            // reply comes that would make the room be seen.
            sending.advance(&mut link);
            if !sending.window.has_room(&link.memory.width) {
                break;
            }
            let Some((end, messages)) = link.outbox.next()? else {
                break;
            };
            if let Err(problem) = sending.send(&link, end, messages).await {
                return Ok(Ending::Failed(problem));
            }
        }
        if is_last && sending.window.is_empty() {
            sending.confirm(&link).await;
            return Ok(Ending::Drained);
        }
        tokio::select! {
            biased;
            reply = replies.next() => {
                let mut reply = reply;
                loop {
                    let Some(message) = reply else {
                        return Ok(Ending::Failed("the connection was lost".to_owned()));
                    };
                    if let Err(problem) = sending.settle(&mut link, &message) {
                        if link.is_denied {
                            sending.hear_out(&mut link, &mut replies).await;
                        }
                        sending.advance(&mut link);
                        return Ok(Ending::Failed(problem));
                    }
                    match replies.next().now_or_never() {
                        Some(next) => reply = next,
                        None => break,
                    }
                }
            }
            more = link.outbox.more(), if !is_last && link.outbox.is_dry() => is_last = !more,
            () = &mut overdue, if !sending.window.is_empty() => {
                // Behind much else on a slow link it may take longer, as long as something arrives.
                let oldest = sending.window.oldest();
                let since = oldest.map(|flight| flight.sent.max(sending.progress));
                match since.map(|since| since + link.acknowledge) {
                    Some(due) if due <= Instant::now() => {
                        // Somebody who listens and does not answer keeps the server from saying
                        // that no stream does.
                        if let Some(flight) = oldest && link.is_denied {
                            link.memory.refusals.add(&flight.subject);
                        }
                        return Ok(Ending::Failed(format!(
                            "no acknowledgement within {} s",
                            link.acknowledge.as_secs_f32()
                        )));
                    }
                    Some(due) => overdue.as_mut().reset(due),
                    None => {}
                }
            }
        }
    }
}

/// What is being sent.
struct Sending {
    /// What reply subjects begin with.
    inbox: String,
    window: Window,
    /// When something was acknowledged last.
    progress: Instant,
    /// Subjects that no stream takes, beside others that one does.
    unheard: Vec<Subject>,
    /// The number and subject of the last message that no reply is expected to, unless one came to a
    /// later message: the server had it before that.
    owed: Option<(u64, Subject)>,
}

impl Sending {
    /// Sends the messages of a record; the error is in words.
    async fn send(
        &mut self,
        link: &Link<'_>,
        end: Position,
        messages: Vec<Message>,
    ) -> Result<(), String> {
        let last = messages.len().saturating_sub(1);
        let sent = Instant::now();
        let (mut stored, mut given_up) = (false, false);
        for (index, message) in messages.into_iter().enumerate() {
            let headers = headers(&message);
            let subject = Subject::from(message.subject);
            let is_heard = !self.unheard.contains(&subject);
            let bytes = message.payload.len();
            let payload = message.payload.into();
            let is_left_out = link.memory.refusals.is_left_out(&subject, index > 0);
            let done = if is_left_out {
                link.standing.give_up(&words::violation(&subject));
                given_up = true;
                Ok(())
            } else if is_heard {
                let reply = format!("{}{}", self.inbox, self.window.next());
                link.client
                    .publish_with_reply_and_headers(subject.clone(), reply, headers, payload)
                    .await
            } else {
                self.owed = Some((self.window.next(), subject.clone()));
                link.client
                    .publish_with_headers(subject.clone(), headers, payload)
                    .await
            };
            let mut is_sent = !is_left_out;
            match done {
                Ok(()) => {}
                Err(error) if error.kind() == PublishErrorKind::MaxPayloadExceeded => {
                    link.standing.give_up(&words::too_long(bytes));
                    (is_sent, given_up) = (false, true);
                }
                Err(error) => return Err(words::bounded(&error.to_string())),
            }
            stored |= is_heard && is_sent;
            let stored = stored && !given_up;
            self.window.push(Flight {
                subject,
                bytes,
                sent,
                done: !(is_heard && is_sent),
                end: (index == last).then_some(End { at: end, stored }),
            });
        }
        Ok(())
    }

    /// Takes a reply; the error is in words.
    fn settle(&mut self, link: &mut Link<'_>, message: &async_nats::Message) -> Result<(), String> {
        let number = message.subject.strip_prefix(self.inbox.as_str());
        let Some(number) = number.and_then(|number| number.parse().ok()) else {
            return Ok(());
        };
        let Some(flight) = self.window.get(number) else {
            return Ok(());
        };
        match Ack::read(message) {
            Ack::Stored => {
                if !link.memory.stored.contains(flight.subject.as_str()) {
                    link.memory.stored.insert(flight.subject.to_string());
                }
                link.memory.refusals.acknowledge();
                self.owed.take_if(|(owed, _)| *owed < number);
                self.window.settle(number);
                Ok(())
            }
            Ack::Strange => Ok(()),
            Ack::Nobody => {
                let subject = &flight.subject;
                let problem = format!("no stream takes `{subject}` at the moment");
                link.memory.refusals.add(subject);
                if link.memory.refused.len() < REFUSED {
                    link.memory.refused.insert(subject.to_string());
                }
                Err(words::bounded(&problem))
            }
            Ack::TooLong => {
                let bytes = flight.bytes;
                if link.outbox.limit() <= SHORTEST {
                    link.standing.give_up(&words::too_long(bytes));
                    self.window.give_up(number);
                    return Ok(());
                }
                link.memory.limit = Some((bytes / 4 * 3).max(SHORTEST));
                Err(format!("the stream takes no message of {bytes} bytes"))
            }
            Ack::Refused(why) => Err(words::bounded(&format!("the stream says: {why}"))),
        }
    }

    /// Takes the replies to what else is in flight, as far as they come soon.
    async fn hear_out(&mut self, link: &mut Link<'_>, replies: &mut Subscriber) {
        let until = Instant::now() + HEAR_OUT;
        while let Ok(Some(message)) = timeout(
            until.saturating_duration_since(Instant::now()),
            replies.next(),
        )
        .await
        {
            // The first problem counts.
            drop(self.settle(link, &message));
        }
    }

    /// Waits until the server has what no reply is expected to; what is sent is lost otherwise, when
    /// the runtime ends.
    ///
    /// If no answer comes, it remains what it is counted as: unconfirmed.
    async fn confirm(&self, link: &Link<'_>) {
        if let Some((_, subject)) = &self.owed {
            drop(link.client.flush().await);
            drop(probe::confirm(&link.client, subject, &link.denied).await);
        }
    }

    /// Notes what is delivered.
    fn advance(&mut self, link: &mut Link<'_>) {
        let delivered = self.window.advance(&mut link.memory.width);
        let Some(through) = delivered.through else {
            return;
        };
        self.progress = Instant::now();
        link.memory.delivered = Some(through);
        link.memory.backoff.reset();
        if delivered.acknowledged > 0 {
            link.memory.refusals.hear();
        }
        link.outbox.delivered(through);
        link.standing
            .deliver(through, delivered.acknowledged, delivered.unconfirmed);
    }
}

impl Link<'_> {
    /// Returns which of the subjects that were refused no stream takes.
    async fn unheard(&mut self, is_taken: bool) -> Vec<Subject> {
        let memory = &mut *self.memory;
        if self.is_denied {
            let mut nobodys = memory.refusals.nobodys(self.has_jetstream);
            nobodys.retain(|subject| !memory.stored.contains(subject.as_str()));
            say(&nobodys);
            return nobodys;
        }
        // What was stored once is not published to nobody, however long it takes.
        memory
            .refused
            .retain(|subject| !memory.stored.contains(subject));
        let mut unheard = Vec::new();
        if memory.stored.is_empty() && !is_taken {
            // None is known to be taken: the refusal was that of a cluster without a leader.
            return unheard;
        }
        for subject in &memory.refused {
            if let Answer::Nobody(_) = probe::ask(&self.client, subject, &self.denied).await {
                unheard.push(Subject::from(subject.as_str()));
            }
        }
        memory
            .refused
            .retain(|subject| unheard.iter().any(|it| it.as_str() == subject));
        say(&unheard);
        unheard
    }
}

fn say(unheard: &[Subject]) {
    if !unheard.is_empty() {
        let subjects: Vec<_> = unheard.iter().map(Subject::as_str).collect();
        tracing::warn!(
            ?subjects,
            "Some events are published, and nothing stores them."
        );
    }
}
