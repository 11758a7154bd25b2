//! The byte path: from the agent's pipes, through the redactor, to the log and to our own stdout
//! and stderr.
//!
//! One plain thread per stream, reading and writing directly: hopping through an executor costs
//! 1.3 to 1.8 times as much (performance §3). Reading waits for writing, so a slow reader of ours
//! slows the agent and no queue grows. The log comes first: what somebody has seen, the log has.
//!
//! A thread ends at the end of its pipe, or soon after [`Pump::finish`]: then the mirror is given
//! up, what is in the pipe goes to the log, and nothing is waited for any more. What has been counted
//! is known at any time, because a thread that hangs in a write of the log never reports.

use std::io::{self, PipeReader, Read};
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use agent_plan::secret::{End, Redactor, Stream};
use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::eventfd::EventFd;
use tokio::sync::{Notify, mpsc, oneshot};

use super::log::{Log, Wait};
use super::tail::{Lines, Tail};
use crate::outlet::Outlet;

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

/// When the agent last said something, on either stream.
#[derive(Debug)]
pub(super) struct Activity {
    start: Instant,
    /// Milliseconds after `start`, plus one; 0: never.
    last: AtomicU64,
    /// Told of the first output, from which on silence is idleness.
    first: Notify,
    /// Bytes that have left us, for telling a slow sink from a dead one.
    delivered: AtomicU64,
}

impl Activity {
    pub(super) fn new() -> Self {
        Self {
            start: Instant::now(),
            last: AtomicU64::new(0),
            first: Notify::new(),
            delivered: AtomicU64::new(0),
        }
    }

    fn touch(&self) {
        let now = u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX - 1);
        if self.last.swap(now + 1, Ordering::Relaxed) == 0 {
            self.first.notify_one();
        }
    }

    /// Waits for the first output. Cancel safe; returns once.
    pub(super) async fn begun(&self) {
        self.first.notified().await;
    }

    /// When the last output came, if any did.
    pub(super) fn last(&self) -> Option<Instant> {
        let last = self.last.load(Ordering::Relaxed).checked_sub(1)?;
        Some(self.start + Duration::from_millis(last))
    }

    pub(super) fn delivered(&self) -> u64 {
        self.delivered.load(Ordering::Relaxed)
    }
}

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

/// Where the bytes of one stream go.
#[derive(Debug)]
pub(super) struct Sinks {
    pub(super) log: Arc<Log>,
    pub(super) mirror: Option<Outlet>,
    pub(super) lines: Option<mpsc::Sender<String>>,
}

/// The handle of one stream's thread.
#[derive(Debug)]
pub(super) struct Pump {
    pub(super) report: oneshot::Receiver<StreamReport>,
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
        let (send, report) = oneshot::channel();
        let worker = Worker {
            buffer: vec![0; CHUNK + redactor.hold_max()],
            stream: (!redactor.is_empty()).then(|| redactor.stream()),
            pipe,
            out: Out {
                sinks,
                gathered: Vec::new(),
                tail: Tail::default(),
                split: Lines::default(),
                shared: Arc::clone(&shared),
                activity: Arc::clone(&activity),
            },
            activity,
        };
        std::thread::Builder::new()
            .name(name.to_owned())
            .spawn(move || {
                // Nobody waits any more if the receiver is gone.
                drop(send.send(worker.work()));
            })?;
        Ok(Self { report, shared })
    }

    /// Asks the thread to come to an end without waiting for anybody.
    pub(super) fn finish(&self) {
        self.shared.asked.store(true, Ordering::Release);
        // A small counter cannot overflow, and that is the only way for this to fail.
        let _: nix::Result<usize> = self.shared.wake.write(1);
    }

    /// What is known of a thread that does not report.
    pub(super) fn so_far(&self) -> StreamReport {
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
                    held = self.pass(held + count, End::No);
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
        StreamReport {
            bytes: self.out.shared.bytes.load(Ordering::Relaxed),
            mirror_lost: self.out.shared.mirror_lost.load(Ordering::Relaxed),
            incomplete,
            last_line: self.out.tail.last_line(),
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

/// Everything behind the redactor.
struct Out {
    sinks: Sinks,
    gathered: Vec<u8>,
    tail: Tail,
    split: Lines,
    shared: Arc<Shared>,
    activity: Arc<Activity>,
}

impl Out {
    /// Takes a piece; short ones wait for [`Out::flush`].
    fn put(&mut self, piece: &[u8]) {
        if piece.len() < GATHER {
            self.gathered.extend_from_slice(piece);
            return;
        }
        self.flush();
        self.deliver(piece);
    }

    fn flush(&mut self) {
        if !self.gathered.is_empty() {
            let gathered = std::mem::take(&mut self.gathered);
            self.deliver(&gathered);
            self.gathered = gathered;
            self.gathered.clear();
        }
    }

    fn deliver(&mut self, bytes: &[u8]) {
        self.sinks.log.append(bytes, &|log| {
            if self.shared.finishing() {
                return Wait::Over;
            }
            // It took something since the last time, or this is the first.
            self.activity.delivered.fetch_add(1, Ordering::Relaxed);
            self.shared.await_room(log);
            Wait::Retry
        });
        self.mirror(bytes);
        self.tail.push(bytes);
        if let Some(lines) = &self.sinks.lines {
            // The supervisor has gone only when nothing it could learn matters any more.
            self.split
                .push(bytes, |line| drop(lines.blocking_send(line)));
        }
        self.activity
            .delivered
            .fetch_add(bytes.len() as u64, Ordering::Relaxed);
    }

    fn end(&mut self) {
        if let Some(lines) = &self.sinks.lines {
            self.split.end(|line| drop(lines.blocking_send(line)));
        }
    }

    /// Writes to our own stdout or stderr; a reader that is gone is not asked again.
    fn mirror(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let Some(outlet) = &self.sinks.mirror else {
                let lost = &self.shared.mirror_lost;
                lost.fetch_add(bytes.len() as u64, Ordering::Relaxed);
                return;
            };
            match outlet.write_some(bytes) {
                Ok(count) => {
                    bytes = &bytes[count..];
                    self.activity.delivered.fetch_add(1, Ordering::Relaxed);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error)
                    if error.kind() == io::ErrorKind::WouldBlock && !self.shared.finishing() =>
                {
                    self.shared.await_room(outlet.as_fd());
                }
                Err(_) => self.sinks.mirror = None,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A pump whose session takes no line, and the pipe that it reads.
    fn pump() -> (Pump, mpsc::Receiver<String>, io::PipeWriter) {
        let (pipe, writer) = io::pipe().expect("a pipe can be made");
        let (send, lines) = mpsc::channel(1);
        let sinks = Sinks {
            log: Arc::new(Log::none()),
            mirror: None,
            lines: Some(send),
        };
        let pump = Pump::start(
            "stdout",
            pipe,
            sinks,
            &Redactor::none(),
            Arc::new(Activity::new()),
        );
        (pump.expect("it can be started"), lines, writer)
    }

    #[test]
    fn the_counts_of_a_thread_that_hangs_are_known() {
        use std::io::Write;
        let (pump, _lines, mut writer) = pump();
        writer.write_all(&[b'\n'; 1000]).expect("it is open");
        let until = Instant::now() + Duration::from_mins(1);
        while pump.so_far().mirror_lost < 1000 && Instant::now() < until {
            std::thread::yield_now();
        }
        pump.finish();
        let report = pump.so_far();
        assert_eq!((report.bytes, report.mirror_lost), (1000, 1000));
        assert!(report.incomplete);
    }

    #[test]
    fn more_than_the_pipe_held_is_told_and_not_read() {
        use std::io::Write;
        use std::sync::atomic::AtomicUsize;
        let (pump, mut lines, mut writer) = pump();
        let read = |bytes: usize| {
            while pump.so_far().bytes < bytes as u64 {
                std::thread::yield_now();
            }
        };
        writer.write_all(b"\n\n\n").expect("it is open");
        read(3);
        // The thread waits for the session, and the pipe is full when it is asked to finish.
        writer.write_all(&vec![b'\n'; CHUNK]).expect("it is open");
        pump.finish();
        for _ in 0..3 {
            lines.blocking_recv().expect("there are three");
        }
        read(3 + CHUNK);
        // It waits for the session again; meanwhile somebody goes on writing.
        let written = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&written);
        let flood = std::thread::spawn(move || {
            while writer.write_all(&[b'\n'; GATHER]).is_ok() {
                count.fetch_add(GATHER, Ordering::Relaxed);
            }
        });
        while written.load(Ordering::Relaxed) == 0 {
            std::thread::yield_now();
        }
        while lines.blocking_recv().is_some() {}
        let report = pump.report.blocking_recv().expect("it ends");
        assert!(report.incomplete);
        assert_eq!(report.bytes, 3 + CHUNK as u64);
        flood.join().expect("it ends with the pipe");
    }
}
