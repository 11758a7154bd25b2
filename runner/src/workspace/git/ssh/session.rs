//! The connection below a channel: whose keys are good, why it ended, and when it has to.

use std::io;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use russh::client::{DisconnectReason, Handler};
use russh::keys::{HashAlg, PublicKey, PublicKeyOrCertificate};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tracing::warn;

use super::super::known_hosts::{HostKeys, Standing};
use super::error::{Farewell, OfferedKey, SshError, one_line};

/// Decides about the host's key, and remembers how the connection ended.
pub(in super::super) struct Verifier {
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) keys: HostKeys,
    /// Where the keys are from; `None` only if every host is accepted.
    pub(super) path: Option<PathBuf>,
    pub(super) accept_new: bool,
    pub(super) parting: Parting,
}

/// Why a handshake failed.
#[derive(Debug)]
pub(in super::super) enum Fault {
    /// Not the host that was expected.
    Host(SshError),
    /// Anything else.
    Protocol(russh::Error),
}

impl From<russh::Error> for Fault {
    fn from(error: russh::Error) -> Self {
        Self::Protocol(error)
    }
}

impl Verifier {
    fn check(&self, key: &PublicKey) -> Result<(), SshError> {
        let offered = OfferedKey {
            host: self.host.clone(),
            port: self.port,
            key_type: key.algorithm().to_string(),
            fingerprint: key.fingerprint(HashAlg::Sha256).to_string(),
        };
        // A key that cannot be written down is in no file either.
        let blob = key.to_bytes().unwrap_or_default();
        let standing = self.keys.standing(&offered.key_type, &blob);
        let path = self.path.clone().unwrap_or_default();
        match standing {
            Standing::Known => Ok(()),
            Standing::Changed(line) => Err(SshError::ChangedHost {
                offered,
                path,
                line,
            }),
            Standing::Revoked(line) => Err(SshError::RevokedHost {
                offered,
                path,
                line,
            }),
            Standing::Unknown if !self.accept_new => Err(SshError::UnknownHost { offered, path }),
            Standing::Unknown => {
                let OfferedKey {
                    host,
                    port,
                    key_type,
                    fingerprint,
                } = offered;
                warn!(host, port, key_type, fingerprint, "Unknown host accepted.");
                Ok(())
            }
        }
    }
}

impl Handler for Verifier {
    type Error = Fault;

    async fn check_server_key(&mut self, offered: &PublicKeyOrCertificate) -> Result<bool, Fault> {
        match offered {
            PublicKeyOrCertificate::PublicKey { key, .. } => {
                self.check(key).map(|()| true).map_err(Fault::Host)
            }
            // Never asked for, so never to be accepted.
            PublicKeyOrCertificate::Certificate(_) => Ok(false),
        }
    }

    async fn disconnected(&mut self, reason: DisconnectReason<Fault>) -> Result<(), Fault> {
        self.parting.note(match reason {
            DisconnectReason::ReceivedDisconnect(info) => {
                let refusal = matches!(
                    info.reason_code,
                    russh::Disconnect::NoMoreAuthMethodsAvailable
                ) || info.message.contains("authentication");
                Farewell::Said {
                    words: one_line(info.message.as_bytes()),
                    refusal,
                }
            }
            DisconnectReason::Error(Fault::Protocol(error)) => Farewell::Broken(error),
            // Only the handshake checks the host, and that returns its error.
            DisconnectReason::Error(Fault::Host(_)) => return Ok(()),
        });
        Ok(())
    }
}

/// Why a connection ended: written by its task, read by whoever misses an answer.
#[derive(Debug, Clone, Default)]
pub(super) struct Parting(Arc<Mutex<Option<Farewell>>>);

impl Parting {
    fn note(&self, farewell: Farewell) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(farewell);
    }

    /// Takes what is known.
    pub(super) fn take(&self) -> Option<Farewell> {
        let mut parting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        parting.take()
    }
}

/// A socket that breaks when whoever holds the other end of its leash is gone.
///
/// The task that reads from it is the library's, and would otherwise wait for a host that stalls
/// long after the run has given up.
pub(super) struct Leashed {
    socket: TcpStream,
    leash: Option<oneshot::Receiver<()>>,
}

impl Leashed {
    pub(super) fn new(socket: TcpStream) -> (Self, oneshot::Sender<()>) {
        let (held, leash) = oneshot::channel();
        let leash = Some(leash);
        (Self { socket, leash }, held)
    }

    fn check(&mut self, context: &mut Context<'_>) -> io::Result<()> {
        let Some(leash) = &mut self.leash else {
            return Err(io::ErrorKind::ConnectionAborted.into());
        };
        if Pin::new(leash).poll(context).is_ready() {
            self.leash = None;
            return Err(io::ErrorKind::ConnectionAborted.into());
        }
        Ok(())
    }
}

impl AsyncRead for Leashed {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.check(context)?;
        Pin::new(&mut self.socket).poll_read(context, buffer)
    }
}

impl AsyncWrite for Leashed {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.check(context)?;
        Pin::new(&mut self.socket).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_shutdown(context)
    }
}
