//! The parts that are played in processes of their own: bare publishers, a forwarder, agents.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::fd::AsFd;
use std::thread::sleep;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use async_nats::header::NATS_MESSAGE_ID;
use async_nats::jetstream;
use async_nats::{Client, HeaderMap};
use futures_util::{FutureExt as _, StreamExt as _};

/// Messages in flight, as many as the runner has.
const IN_FLIGHT: usize = 256;

const USAGE: &str = "play publish-library|publish URL FILE, forward URL SUBJECT, \
                     say jsonl|raw COUNT BYTES PER_SECOND, began FILE";

/// Plays a part.
pub(crate) fn play(words: &[String]) -> io::Result<()> {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words[..] {
        ["publish-library", url, file] => publish(url, file, Acknowledged::ByTheLibrary),
        ["publish", url, file] => publish(url, file, Acknowledged::InOneInbox),
        ["forward", url, subject] => forward(url, subject),
        ["say", protocol, count, bytes, rate] => say(
            protocol == "jsonl",
            number(count)?,
            number(bytes)?,
            number(rate)?,
        ),
        ["began", file] => std::fs::write(file, now().to_string()),
        _ => Err(io::Error::other(USAGE)),
    }
}

/// Nanoseconds since 1970, the same for all processes of this machine.
pub(super) fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| {
        u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
    })
}

fn number(word: &str) -> io::Result<usize> {
    word.parse().map_err(io::Error::other)
}

/// How acknowledgements reach a bare publisher.
#[derive(Debug, Clone, Copy)]
enum Acknowledged {
    /// As the library does it for everybody: a channel and a timer each.
    ByTheLibrary,
    /// By counting replies.
    InOneInbox,
}

/// Appends a message to what [`publish`] reads.
pub(super) fn write(
    out: &mut impl Write,
    subject: &str,
    id: &str,
    payload: &[u8],
) -> io::Result<()> {
    writeln!(out, "{subject} {id} {}", payload.len())?;
    out.write_all(payload)
}

/// A message, ready to be sent.
struct Ready {
    subject: String,
    headers: HeaderMap,
    payload: Vec<u8>,
}

/// Ready-made messages.
struct Messages(BufReader<File>);

impl Messages {
    fn next(&mut self) -> io::Result<Option<Ready>> {
        let mut line = String::new();
        if self.0.read_line(&mut line)? == 0 {
            return Ok(None);
        }
        let mut words = line.split_whitespace();
        let mut word = || words.next().ok_or_else(|| io::Error::other("torn"));
        let (subject, id) = (word()?.to_owned(), word()?);
        let mut headers = HeaderMap::new();
        headers.insert(NATS_MESSAGE_ID, id);
        headers.insert("content-type", "application/json");
        let mut payload = vec![0; number(word()?)?];
        self.0.read_exact(&mut payload)?;
        Ok(Some(Ready {
            subject,
            headers,
            payload,
        }))
    }
}

fn publish(url: &str, file: &str, how: Acknowledged) -> io::Result<()> {
    let mut messages = Messages(BufReader::with_capacity(1 << 18, File::open(file)?));
    runtime()?.block_on(async {
        let client = async_nats::connect(url).await.map_err(io::Error::other)?;
        match how {
            Acknowledged::ByTheLibrary => by_the_library(client, &mut messages).await,
            Acknowledged::InOneInbox => in_one_inbox(&client, &mut messages).await,
        }
    })
}

async fn by_the_library(client: Client, messages: &mut Messages) -> io::Result<()> {
    let jetstream = jetstream::new(client);
    let mut waiting = VecDeque::with_capacity(IN_FLIGHT);
    loop {
        let next = messages.next()?;
        if waiting.len() == IN_FLIGHT || next.is_none() {
            let Some(oldest) = waiting.pop_front() else {
                return Ok(());
            };
            let oldest: jetstream::context::PublishAckFuture = oldest;
            oldest.await.map_err(io::Error::other)?;
        }
        if let Some(message) = next {
            let sent = jetstream.publish_with_headers(
                message.subject,
                message.headers,
                message.payload.into(),
            );
            waiting.push_back(sent.await.map_err(io::Error::other)?);
        }
    }
}

async fn in_one_inbox(client: &Client, messages: &mut Messages) -> io::Result<()> {
    let inbox = client.new_inbox();
    let replies = client.subscribe(format!("{inbox}.*")).await;
    let mut replies = replies.map_err(io::Error::other)?;
    let (mut waiting, mut sent) = (0, 0_u64);
    loop {
        while waiting < IN_FLIGHT
            && let Some(message) = messages.next()?
        {
            let reply = format!("{inbox}.{sent}");
            let Ready {
                subject,
                headers,
                payload,
            } = message;
            client
                .publish_with_reply_and_headers(subject, reply, headers, payload.into())
                .await
                .map_err(io::Error::other)?;
            (waiting, sent) = (waiting + 1, sent + 1);
        }
        if waiting == 0 {
            return Ok(());
        }
        let mut reply = replies.next().await;
        while let Some(message) = reply {
            if !message.payload.starts_with(b"{\"stream\":") {
                return Err(io::Error::other("not stored"));
            }
            waiting -= 1;
            reply = replies.next().now_or_never().flatten();
        }
    }
}

/// Publishes every line of stdin as it comes.
fn forward(url: &str, subject: &str) -> io::Result<()> {
    runtime()?.block_on(async {
        let client = async_nats::connect(url).await.map_err(io::Error::other)?;
        let (lines, mut read) = tokio::sync::mpsc::channel(1024);
        // As the runner does it: a thread that reads, and a runtime that sends.
        let reader = std::thread::spawn(move || -> io::Result<()> {
            for line in io::stdin().lock().lines() {
                if lines.blocking_send(line?).is_err() {
                    break;
                }
            }
            Ok(())
        });
        while let Some(line) = read.recv().await {
            let sent = client.publish(subject.to_owned(), line.into()).await;
            sent.map_err(io::Error::other)?;
        }
        client.flush().await.map_err(io::Error::other)?;
        reader
            .join()
            .map_err(|_| io::Error::other("the reader has panicked"))?
    })
}

/// Writes lines of `bytes` bytes of content, each with a system call of its own and beginning with
/// the time of it; `rate` in lines per second, 0 for as fast as it goes.
fn say(jsonl: bool, count: usize, bytes: usize, rate: usize) -> io::Result<()> {
    // The standard library's stdout would gather lines.
    let mut out = File::from(io::stdout().as_fd().try_clone_to_owned()?);
    let words = text(bytes);
    let begun = Instant::now();
    for at in 0..count {
        if rate > 0 {
            let due = Duration::from_secs_f64(at as f64 / rate as f64);
            sleep(due.saturating_sub(begun.elapsed()));
        }
        let time = now().to_string();
        let rest = words.get(time.len()..).unwrap_or_default();
        let line = if jsonl {
            format!("{{\"kind\":\"message\",\"content\":\"{time}{rest}\"}}\n")
        } else {
            format!("{time}{rest}\n")
        };
        out.write_all(line.as_bytes())?;
    }
    if jsonl {
        // Without a verdict the run would end as `NoResult`.
        out.write_all(b"{\"kind\":\"run-outcome\",\"status\":\"succeeded\"}\n")?;
    }
    Ok(())
}

/// So many bytes of words.
pub(super) fn text(bytes: usize) -> String {
    let mut text = String::new();
    let mut line = 0_u32;
    while text.len() < bytes {
        text.push_str(&format!(
            " Now let me look at the tests of module {line}, which fail."
        ));
        line += 1;
    }
    text.truncate(bytes);
    text
}

pub(super) fn runtime() -> io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
}
