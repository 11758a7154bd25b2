//! The sink that prints: this attempt's records, as JSON lines on our stdout.
//!
//! A thread of its own reads the backlog, so that a reader that stalls stops neither the journal
//! nor the agent; nobody who reads no more ends the run.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use std::os::fd::AsFd;
use tokio::sync::watch;

use super::backlog::Backlog;
use crate::outlet::Outlet;

/// How many records are read at once.
const BATCH: usize = 256;

/// How much is written at once, unless a record is longer.
const CHUNK: usize = 1 << 20;

/// How often a reader that stalls is given up, if that was asked for.
const LOOK: u16 = 50;

/// The thread that prints.
#[derive(Debug)]
pub(super) struct Printer {
    given_up: Arc<AtomicBool>,
    done: watch::Receiver<bool>,
    problem: Arc<OnceLock<String>>,
}

impl Printer {
    /// Starts the thread.
    pub(super) fn start(backlog: Backlog, outlet: io::Result<Outlet>) -> io::Result<Self> {
        let given_up = Arc::new(AtomicBool::new(false));
        let (all_done, done) = watch::channel(false);
        let runtime = tokio::runtime::Builder::new_current_thread().build()?;
        let work = Work {
            backlog,
            given_up: Arc::clone(&given_up),
        };
        let problem = Arc::new(OnceLock::new());
        let said = Arc::clone(&problem);
        let thread = std::thread::Builder::new().name("events-stdout".to_owned());
        drop(thread.spawn(move || {
            match outlet.and_then(|outlet| runtime.block_on(work.print(&outlet))) {
                Ok(()) => {}
                Err(error) => {
                    tracing::debug!(%error, "Events not printed.");
                    let why = match error.kind() {
                        io::ErrorKind::WouldBlock => "nobody reads them".to_owned(),
                        _ => error.to_string(),
                    };
                    // It ends once.
                    drop(said.set(format!("not all events are printed: {why}")));
                }
            }
            all_done.send_replace(true);
        })?);
        Ok(Self {
            given_up,
            done,
            problem,
        })
    }

    /// Waits until everything is printed that ever will be. Cancel safe.
    pub(super) async fn printed(&self) {
        let mut done = self.done.clone();
        // A thread that failed prints nothing either.
        drop(done.wait_for(|done| *done).await);
    }

    /// What kept it from printing everything.
    pub(super) fn problem(&self) -> Option<String> {
        self.problem.get().cloned()
    }

    /// Lets a reader that stalls miss the rest.
    pub(super) fn give_up(&self) {
        self.given_up.store(true, Ordering::Release);
    }
}

struct Work {
    backlog: Backlog,
    given_up: Arc<AtomicBool>,
}

impl Work {
    async fn print(&self, outlet: &Outlet) -> io::Result<()> {
        let mut position = self.backlog.own().await;
        while self.backlog.more(position).await {
            let mut lines = Vec::new();
            for entry in self.backlog.read(position, BATCH)? {
                position = entry.end;
                serde_json::to_writer(&mut lines, &*entry.record)?;
                lines.push(b'\n');
                if lines.len() >= CHUNK {
                    self.write(outlet, &lines)?;
                    lines.clear();
                }
            }
            self.write(outlet, &lines)?;
        }
        Ok(())
    }

    fn write(&self, outlet: &Outlet, mut lines: &[u8]) -> io::Result<()> {
        while !lines.is_empty() {
            match outlet.write_some(lines) {
                Ok(count) => lines = &lines[count..],
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    if self.given_up.load(Ordering::Acquire) {
                        return Err(error);
                    }
                    let mut fds = [PollFd::new(outlet.as_fd(), PollFlags::POLLOUT)];
                    // Whatever it says, the next write says it better.
                    let _: nix::Result<i32> = poll(&mut fds, PollTimeout::from(LOOK));
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
