//! What the agent hands over: lines of a file that it is told of by `AGENT_RUNNER_CONTEXT_FILE`.
//!
//! A thread looks at the file now and then, which costs less than it is worth to hear of a line
//! sooner. The agent may do anything with the file: append, write it anew, replace it by another,
//! by a link, by a FIFO. What it wrote before is heard once, however often it is there.

mod reader;

use std::fs::OpenOptions;
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::time::Duration;

use nix::fcntl::OFlag;
use tokio::sync::watch;

use super::queue::Queue;
use crate::veil::Veil;
use reader::Reader;

/// How often the file is looked at.
const LOOK: Duration = Duration::from_millis(200);

/// Its name in the scratch directory.
const NAME: &str = "context.ndjson";

/// The thread that listens.
#[derive(Debug)]
pub(super) struct Handover {
    path: PathBuf,
    /// Gone when the last look is asked for.
    more: Option<Sender<()>>,
    heard: watch::Receiver<bool>,
}

impl Handover {
    /// Makes the file in a directory, and starts the thread. May wait for a disk.
    pub(super) fn start(directory: &Path, queue: Arc<Queue>, veil: Veil) -> io::Result<Self> {
        let path = directory.join(NAME);
        OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .custom_flags(OFlag::O_NOFOLLOW.bits())
            .open(&path)?;
        let mut reader = Reader::new(path.clone(), queue, veil);
        let (more, asked) = mpsc::channel();
        let (heard_all, heard) = watch::channel(false);
        let thread = std::thread::Builder::new().name("hand-over".to_owned());
        drop(thread.spawn(move || {
            while asked.recv_timeout(LOOK) == Err(RecvTimeoutError::Timeout) {
                reader.look();
            }
            reader.last_look();
            heard_all.send_replace(true);
        })?);
        Ok(Self {
            path,
            more: Some(more),
            heard,
        })
    }

    /// Where the agent is to write.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Asks for the last look; what is returned is done when it has been taken.
    pub(super) fn last_look(&mut self) -> impl Future<Output = ()> + use<> {
        self.more = None;
        let mut heard = self.heard.clone();
        async move {
            // A thread that failed has nothing to say either.
            drop(heard.wait_for(|heard| *heard).await);
        }
    }
}

#[cfg(test)]
mod tests;
