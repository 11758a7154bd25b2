//! The two directions of a running `git-upload-pack`.

use std::time::Duration;

use russh::Disconnect;
use russh::client::{Handle, Msg};
use tokio::sync::oneshot;

use super::error::SshError;
use super::session::{Parting, Verifier};

pub(super) use state::State;

mod state;

/// How long taking leave may take; nothing depends on it.
const LEAVE: Duration = Duration::from_millis(500);

/// A running `git-upload-pack`. Dropping it closes the connection.
pub(in super::super) struct Channel {
    pub(super) host: String,
    pub(super) remote: russh::Channel<Msg>,
    pub(super) session: Handle<Verifier>,
    /// Why the connection ended, if it did.
    pub(super) parting: Parting,
    /// Ends the connection when it is dropped.
    pub(super) leash: oneshot::Sender<()>,
    pub(super) state: State,
}

impl Channel {
    /// Reads some bytes; 0 is the end of a command that ended well.
    ///
    /// Cancel safe: nothing is lost. Waits without end: the caller has the deadline.
    ///
    /// # Errors
    ///
    /// [`SshError::Remote`] if the command failed, or ended without having said anything;
    /// [`SshError::Lost`] if the connection ended before the command did.
    pub(in super::super) async fn read(&mut self, buffer: &mut [u8]) -> Result<usize, SshError> {
        loop {
            let unread = &mut self.state.unread;
            if !unread.is_empty() {
                let length = unread.len().min(buffer.len());
                buffer[..length].copy_from_slice(&unread.split_to(length));
                return Ok(length);
            }
            if self.state.closed {
                return self.state.ended(&self.host).map(|()| 0);
            }
            match self.remote.wait().await {
                Some(message) => self.state.note(message),
                None => return Err(self.lost()),
            }
        }
    }

    /// Writes all of `bytes`.
    ///
    /// Not cancel safe: a part may have been written. Waits without end: the caller has the
    /// deadline.
    ///
    /// # Errors
    ///
    /// [`SshError::Lost`] if the connection has ended.
    pub(in super::super) async fn write_all(&mut self, bytes: &[u8]) -> Result<(), SshError> {
        match self.remote.data(bytes).await {
            Ok(()) => Ok(()),
            Err(_) => Err(self.lost()),
        }
    }

    /// Takes leave of the host, which would otherwise log a broken connection.
    pub(in super::super) async fn finish(self) {
        let Self {
            remote,
            session,
            leash,
            ..
        } = self;
        let leave = async {
            // A host that is gone needs no farewell.
            if remote.eof().await.is_ok() && remote.close().await.is_ok() {
                drop(session.disconnect(Disconnect::ByApplication, "", "").await);
            }
            drop(remote);
            drop(session.await);
        };
        drop(tokio::time::timeout(LEAVE, leave).await);
        drop(leash);
    }

    fn lost(&self) -> SshError {
        // The command may have ended before the connection: that says more.
        match self.state.ended(&self.host) {
            Err(error) if self.state.end.is_some() => error,
            _ => super::lost(&self.host, &self.parting),
        }
    }
}

impl std::fmt::Debug for Channel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Channel")
            .field("host", &self.host)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
