//! What is known of a remote command while it runs.

use bytes::Bytes;
use russh::ChannelMsg;

use super::super::error::{RemoteEnd, SshError, one_line};

/// Extended data of this kind is standard error (RFC 4254, 5.2).
pub(super) const STDERR: u32 = 1;

/// What is kept of standard error: its end, where the reason is.
pub(super) const STDERR_LIMIT: usize = 4 * 1024;

/// What is known of the command so far.
#[derive(Default)]
pub(in super::super) struct State {
    /// Received and not read yet.
    pub(super) unread: Bytes,
    /// Whether anything was received.
    pub(super) answered: bool,
    pub(super) stderr: Vec<u8>,
    pub(super) end: Option<RemoteEnd>,
    pub(super) closed: bool,
}

impl State {
    /// Takes note of a message.
    pub(in super::super) fn note(&mut self, message: ChannelMsg) {
        match message {
            ChannelMsg::Data { data } => {
                self.answered |= !data.is_empty();
                self.unread = data;
            }
            ChannelMsg::ExtendedData { data, ext: STDERR } => {
                self.stderr.extend_from_slice(&data);
                let excess = self.stderr.len().saturating_sub(STDERR_LIMIT);
                self.stderr.drain(..excess);
            }
            ChannelMsg::ExitStatus { exit_status } => self.end = Some(RemoteEnd::Code(exit_status)),
            ChannelMsg::ExitSignal { .. } => self.end = Some(RemoteEnd::Signal),
            ChannelMsg::Close => self.closed = true,
            _ => {}
        }
    }

    /// Says whether the command did what it was asked.
    pub(super) fn ended(&self, host: &str) -> Result<(), SshError> {
        let end = match self.end {
            // Not every host says how a command ended.
            Some(RemoteEnd::Code(0)) | None if self.answered => return Ok(()),
            Some(RemoteEnd::Code(0)) | None => RemoteEnd::Silence,
            Some(end) => end,
        };
        Err(SshError::Remote {
            host: host.to_owned(),
            end,
            words: one_line(&self.stderr),
        })
    }
}
