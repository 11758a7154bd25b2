//! Bytes into a pipe whose reader may be slow, gone, or deaf.
//!
//! A queue and a descriptor that never blocks. Who feeds never waits: it asks for room where that
//! matters. A reader that is gone is no failure of the run, so the rest is dropped, and said once.

use std::collections::VecDeque;
use std::io::{self, PipeWriter};
use std::os::fd::AsFd;

use nix::errno::Errno;
use tokio::net::unix::pipe::Sender;

/// More than this waiting means that the reader does not keep up: the usual size of a pipe.
const ROOM: usize = 64 * 1024;

/// A queue in front of a pipe.
#[derive(Debug)]
pub(super) struct Feed {
    /// What it is called in the log.
    name: &'static str,
    pipe: Option<Sender>,
    queue: VecDeque<u8>,
    closing: bool,
    pushed: u64,
}

impl Feed {
    /// Returns one that leads nowhere.
    pub(super) fn none(name: &'static str) -> Self {
        Self {
            name,
            pipe: None,
            queue: VecDeque::new(),
            closing: true,
            pushed: 0,
        }
    }

    /// Takes the writing end of a pipe; must be called inside the runtime.
    pub(super) fn to(name: &'static str, pipe: PipeWriter) -> io::Result<Self> {
        Ok(Self {
            pipe: Some(Sender::from_owned_fd(pipe.into())?),
            closing: false,
            ..Self::none(name)
        })
    }

    /// Queues bytes, and writes what fits at once; what comes after the end is dropped.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        if self.closing {
            return;
        }
        self.pushed += bytes.len() as u64;
        let Some(pipe) = &self.pipe else { return };
        let mut done = 0;
        if self.queue.is_empty() {
            match nix::unistd::write(pipe.as_fd(), bytes) {
                Ok(count) => done = count,
                Err(Errno::EAGAIN | Errno::EINTR) => {}
                Err(error) => return self.give_up(&error.into()),
            }
        }
        self.queue.extend(&bytes[done..]);
    }

    /// Ends the stream behind what is queued.
    pub(super) fn close(&mut self) {
        self.closing = true;
        if self.queue.is_empty() {
            self.pipe = None;
        }
    }

    /// Ends the stream at once; nobody is left to read it.
    pub(super) fn abandon(&mut self) {
        self.closing = true;
        self.pipe = None;
        self.queue = VecDeque::new();
    }

    /// Whether the reader keeps up.
    pub(super) fn has_room(&self) -> bool {
        self.queue.len() < ROOM
    }

    /// Bytes that wait for the reader.
    pub(super) fn waiting(&self) -> usize {
        self.queue.len()
    }

    /// Bytes that were pushed, whatever became of them.
    pub(super) fn pushed(&self) -> u64 {
        self.pushed
    }

    /// Waits until some of the queue is written; for ever if nothing is queued. Cancel safe.
    pub(super) async fn progress(&mut self) {
        let Some(pipe) = self.pipe.as_ref().filter(|_| !self.queue.is_empty()) else {
            return std::future::pending().await;
        };
        let written = match pipe.writable().await {
            Ok(()) => pipe.try_write(self.queue.as_slices().0),
            Err(error) => Err(error),
        };
        match written {
            Ok(count) => drop(self.queue.drain(..count)),
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted
                ) => {}
            Err(error) => self.give_up(&error),
        }
        if self.queue.is_empty() {
            // The memory of a long prompt is not needed again.
            self.queue = VecDeque::new();
            if self.closing {
                self.pipe = None;
            }
        }
    }

    fn give_up(&mut self, error: &io::Error) {
        tracing::warn!(pipe = self.name, left = self.queue.len(), %error, "A pipe takes nothing any more.");
        self.pipe = None;
        self.queue = VecDeque::new();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;

    fn in_runtime(work: impl Future<Output = ()>) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        runtime.expect("a runtime can be made").block_on(work);
    }

    #[test]
    fn a_prompt_of_megabytes_goes_through_a_pipe_of_kilobytes() {
        let (mut reader, writer) = io::pipe().expect("a pipe can be made");
        let prompt: Vec<u8> = (0..=250).cycle().take(4 << 20).collect();
        in_runtime(async {
            let mut feed = Feed::to("stdin", writer).expect("it is a pipe");
            feed.push(&prompt);
            feed.push(b"end");
            feed.close();
            feed.push(b"dropped");
            assert!(!feed.has_room());
            let thread = std::thread::spawn(move || {
                let mut text = Vec::new();
                reader.read_to_end(&mut text).expect("it can be read");
                text
            });
            while feed.pipe.is_some() {
                feed.progress().await;
            }
            let text = thread.join().expect("it ends with the pipe");
            assert!(text == [&prompt[..], b"end"].concat());
            assert_eq!(feed.pushed(), text.len() as u64);
        });
    }

    #[test]
    fn a_reader_that_is_gone_costs_only_the_rest() {
        let (reader, writer) = io::pipe().expect("a pipe can be made");
        in_runtime(async {
            let mut feed = Feed::to("stdin", writer).expect("it is a pipe");
            feed.push(&vec![b'x'; 1 << 20]);
            assert!(!feed.has_room());
            drop(reader);
            while !feed.has_room() {
                feed.progress().await;
            }
            feed.push(b"more");
            assert!(feed.pipe.is_none());
        });
    }

    #[test]
    fn an_abandoned_feed_takes_and_waits_for_nothing() {
        let (_reader, writer) = io::pipe().expect("a pipe can be made");
        in_runtime(async {
            let mut feed = Feed::to("stdin", writer).expect("it is a pipe");
            feed.push(&vec![b'x'; 1 << 20]);
            feed.abandon();
            feed.push(b"more");
            assert!(feed.has_room());
            assert_eq!(feed.pushed(), 1 << 20);
        });
    }
}
