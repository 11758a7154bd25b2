//! The byte path: from the agent's pipes, through the redactor, to the log and to our own stdout
//! and stderr; and beside the redactor, as lines, to the session.
//!
//! One plain thread per stream, reading and writing directly: hopping through an executor costs
//! 1.3 to 1.8 times as much (performance §3). Reading waits for writing, so a slow reader of ours
//! slows the agent and no queue grows. The log comes first: what somebody has seen, the log has.
//!
//! A thread ends at the end of its pipe, or soon after [`Pump::finish`]: then the mirror is given
//! up, what is in the pipe goes to the log, and nothing is waited for any more. What has been counted
//! is known at any time, because a thread that hangs in a write of the log never reports.

mod activity;
mod ear;
mod pieces;
mod record;
mod recorder;
mod sinks;

pub(super) use activity::Activity;
pub(super) use ear::{Ear, Unfinished};
pub(super) use recorder::{Recorder, Source};
pub(super) use sinks::{Mirror, Sinks};

use std::io::{self, PipeReader, Read};
use std::os::fd::{AsFd, BorrowedFd};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use agent_plan::secret::{End, Redactor, Stream};
use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::eventfd::EventFd;
use tokio::sync::oneshot;

use sinks::Out;

/// What one read takes at most: the usual size of a pipe, so that one call empties it.
const CHUNK: usize = 64 * 1024;

/// Pieces shorter than this are gathered; a redacted line is many pieces, one write each is slow.
const GATHER: usize = 4096;

/// Two short reads nearer together than this are a flood of small writes.
const FLOOD: Duration = Duration::from_micros(50);

/// How long such a flood may pile up before the next read, so that it costs three system calls per
/// some kilobytes instead of per line. With the kernel's timer slack it is about 100 us, in which
/// an agent that does nothing else writes 20 KB in lines of 100 bytes, a third of the pipe: it
/// never has to wait, and nobody sees the delay.
const PILE_UP: Duration = Duration::from_micros(50);

/// What became of one stream.
#[derive(Debug, Default)]
pub(super) struct StreamReport {
    /// Bytes that the agent wrote.
    pub bytes: u64,
    /// Bytes that our own stdout or stderr did not take.
    pub mirror_lost: u64,
    /// The last line with something in it, redacted.
    pub last_line: Option<String>,
    /// Replacements by name.
    pub redactions: Vec<(String, u64)>,
    /// Whether there may be bytes that were lost and are in no count.
    pub incomplete: bool,
}

/// The handle of one stream's thread.
#[derive(Debug)]
pub(super) struct Pump {
    receiver: oneshot::Receiver<StreamReport>,
    report: Option<StreamReport>,
    shared: Arc<Shared>,
}

/// What the thread and its handle have in common.
#[derive(Debug)]
struct Shared {
    asked: AtomicBool,
    wake: EventFd,
    bytes: AtomicU64,
    mirror_lost: AtomicU64,
}

impl Shared {
    fn finishing(&self) -> bool {
        self.asked.load(Ordering::Acquire)
    }

    /// Waits until a sink takes something, or until it is not to be waited for any more.
    fn await_room(&self, sink: BorrowedFd<'_>) {
        let mut fds = [
            PollFd::new(sink, PollFlags::POLLOUT),
            PollFd::new(self.wake.as_fd(), PollFlags::POLLIN),
        ];
        match poll(&mut fds, PollTimeout::NONE) {
            Ok(_) | Err(Errno::EINTR) => {}
            // Polling a valid descriptor fails for want of kernel memory only; do not spin.
            Err(_) => std::thread::sleep(Duration::from_millis(10)),
        }
    }
}

impl Pump {
    /// Starts the thread.
    pub(super) fn start(
        name: &str,
        pipe: PipeReader,
        ear: Option<Ear>,
        sinks: Sinks,
        redactor: &Redactor,
        activity: Arc<Activity>,
    ) -> io::Result<Self> {
        let flags = OFlag::from_bits_truncate(fcntl(&pipe, FcntlArg::F_GETFL)?);
        fcntl(&pipe, FcntlArg::F_SETFL(flags | OFlag::O_NONBLOCK))?;
        let shared = Arc::new(Shared {
            asked: AtomicBool::new(false),
            wake: EventFd::new()?,
            bytes: AtomicU64::new(0),
            mirror_lost: AtomicU64::new(0),
        });
        let (send, receiver) = oneshot::channel();
        let worker = Worker {
            buffer: vec![0; CHUNK + redactor.hold_max()],
            stream: (!redactor.is_empty()).then(|| redactor.stream()),
            pipe,
            ear,
            out: Out::new(sinks, Arc::clone(&shared), Arc::clone(&activity)),
            activity,
        };
        std::thread::Builder::new()
            .name(name.to_owned())
            .spawn(move || {
                // Nobody waits any more if the receiver is gone.
                drop(send.send(worker.work()));
            })?;
        Ok(Self {
            receiver,
            report: None,
            shared,
        })
    }

    /// Says whether the thread has ended; if not, the task is woken when it does.
    pub(super) fn poll(&mut self, context: &mut Context<'_>) -> Poll<()> {
        if self.report.is_none() {
            let report = std::task::ready!(Pin::new(&mut self.receiver).poll(context));
            // A thread that panicked has not told.
            self.report = Some(report.unwrap_or_else(|_| self.so_far()));
        }
        Poll::Ready(())
    }

    /// Whether [`Pump::poll`] has seen the thread's end.
    pub(super) fn ended(&self) -> bool {
        self.report.is_some()
    }

    /// What became of the stream, as far as it is known.
    pub(super) fn into_report(mut self) -> StreamReport {
        let report = self.report.take();
        report.unwrap_or_else(|| self.so_far())
    }

    /// Asks the thread to come to an end without waiting for anybody.
    pub(super) fn finish(&self) {
        self.shared.asked.store(true, Ordering::Release);
        // A small counter cannot overflow, and that is the only way for this to fail.
        let _: nix::Result<usize> = self.shared.wake.write(1);
    }

    /// What is known of a thread that does not report.
    fn so_far(&self) -> StreamReport {
        StreamReport {
            bytes: self.shared.bytes.load(Ordering::Relaxed),
            mirror_lost: self.shared.mirror_lost.load(Ordering::Relaxed),
            incomplete: true,
            ..StreamReport::default()
        }
    }
}

struct Worker {
    pipe: PipeReader,
    ear: Option<Ear>,
    buffer: Vec<u8>,
    stream: Option<Stream>,
    out: Out,
    activity: Arc<Activity>,
}

impl Worker {
    fn work(mut self) -> StreamReport {
        let mut left = None;
        let mut incomplete = false;
        let mut held = 0;
        let mut last_read = Instant::now();
        loop {
            let finishing = self.out.shared.finishing();
            if finishing && *left.get_or_insert_with(|| self.capacity()) == 0 {
                // The pipe held at most its size when we were asked; more comes from somebody who
                // outlives the agent and could go on for ever.
                incomplete = self.has_more();
                break;
            }
            match (&self.pipe).read(&mut self.buffer[held..held + CHUNK]) {
                Ok(0) => break,
                Ok(count) => {
                    self.activity.touch();
                    let bytes = &self.out.shared.bytes;
                    bytes.fetch_add(count as u64, Ordering::Relaxed);
                    left = left.map(|left| left.saturating_sub(count));
                    if let Some(ear) = &mut self.ear {
                        ear.push(&self.buffer[held..held + count]);
                    }
                    held = self.pass(held + count, End::No);
                    // The log has a line before anybody acts on it.
                    self.ear.iter_mut().for_each(Ear::tell);
                    if count < GATHER && last_read.elapsed() < FLOOD {
                        std::thread::sleep(PILE_UP);
                    }
                    last_read = Instant::now();
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    if finishing {
                        break;
                    }
                    self.wait();
                }
                Err(_) => {
                    incomplete = true;
                    break;
                }
            }
        }
        self.pass(held, End::Yes);
        self.out.end();
        if let Some(ear) = &mut self.ear {
            ear.end();
            ear.tell();
        }
        StreamReport {
            bytes: self.out.shared.bytes.load(Ordering::Relaxed),
            mirror_lost: self.out.shared.mirror_lost.load(Ordering::Relaxed),
            incomplete,
            last_line: self.out.last_line(),
            redactions: self
                .stream
                .map(|stream| stream.replaced().into_iter().collect())
                .unwrap_or_default(),
        }
    }

    /// Passes the first `filled` bytes of the buffer on; returns how many had to be held back.
    fn pass(&mut self, filled: usize, end: End) -> usize {
        let data = &self.buffer[..filled];
        let consumed = match &mut self.stream {
            None => {
                self.out.put(data);
                filled
            }
            Some(stream) => stream.scan(data, end, &mut |piece| self.out.put(piece)),
        };
        self.out.flush();
        self.buffer.copy_within(consumed..filled, 0);
        filled - consumed
    }

    /// How much the pipe can hold, which its writer may have changed.
    fn capacity(&self) -> usize {
        let size = fcntl(&self.pipe, FcntlArg::F_GETPIPE_SZ);
        size.ok()
            .and_then(|size| usize::try_from(size).ok())
            .unwrap_or(CHUNK)
    }

    fn has_more(&self) -> bool {
        let mut fds = [PollFd::new(self.pipe.as_fd(), PollFlags::POLLIN)];
        let _: nix::Result<i32> = poll(&mut fds, PollTimeout::ZERO);
        // What could not be asked may be.
        fds[0]
            .revents()
            .is_none_or(|events| events.contains(PollFlags::POLLIN))
    }

    fn wait(&self) {
        let mut fds = [
            PollFd::new(self.pipe.as_fd(), PollFlags::POLLIN),
            PollFd::new(self.out.shared.wake.as_fd(), PollFlags::POLLIN),
        ];
        // EINTR is another reason to look again.
        let _: nix::Result<i32> = poll(&mut fds, PollTimeout::NONE);
    }
}

#[cfg(test)]
mod tests;
