//! Git over ssh: one connection, one channel, one `git-upload-pack`.
//!
//! *Theory of operation.* [`open`] reads the known hosts and the key, connects, checks the host
//! before it says who we are, shows the one key there is and starts the command. The connection
//! itself is a task of the library, in the runtime of whoever calls; [`Channel`] holds its leash, so
//! that dropping it, or the future of [`open`], ends that task at once. Memory is bounded by
//! [`PACKETS`], not by the window: the task does not read on while the channel is full.
//!
//! Deliberately absent: agents, passwords, certificates, a configuration file, `$HOME`, jumps through
//! other hosts, and writing down whom we met.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use agent_plan::plan::{Remote, SshAccess};
use russh::client::{self, AuthResult, Handle, Msg};
use russh::keys::{Algorithm, EcdsaCurve, HashAlg, PrivateKey, PrivateKeyWithHashAlg};
use russh::{ChannelMsg, MethodKind, Preferred, cipher, compression};
use tokio::net::TcpStream;
use tracing::{debug, warn};

use crate::short_file;

use super::known_hosts::{DEFAULT_PORT, HostKeys};
use channel::State;
use session::{Fault, Leashed, Parting, Verifier};

mod channel;
mod error;
mod key;
mod session;

pub(super) use channel::Channel;
use error::Farewell;
pub(super) use error::SshError;

/// What the host may send ahead of what we have read: at 100 ms there and back, 80 MB/s.
const WINDOW: u32 = 8 * 1024 * 1024;

/// The largest that OpenSSH sends.
const PACKET: u32 = 32 * 1024;

/// Packets between the connection and the reader: 4 MiB.
const PACKETS: usize = 128;

/// A host that answers neither data nor three questions is gone: after a minute.
const KEEPALIVE: Duration = Duration::from_secs(15);

/// The keys of a few hundred hosts have 100 KB; what is much larger is another file.
const KNOWN_HOSTS_LIMIT: u64 = 8 * 1024 * 1024;

/// Starts `git-upload-pack` for `remote` and gives the two directions of its channel.
///
/// `connect` is for all of it: the connection, the key exchange, the login and the start. Reads the
/// files that `access` names, so it is for a thread that may wait for a disk. Must be polled inside
/// a runtime with time and IO, which has to be driven for as long as the channel lives.
///
/// Cancel safe: dropped, it closes the connection.
///
/// # Errors
///
/// [`SshError`]; nothing that identifies us was sent before the host's key was found good.
pub(super) async fn open(
    remote: &Remote,
    access: &SshAccess,
    connect: Duration,
) -> Result<Channel, SshError> {
    let opening = establish(remote, access);
    match tokio::time::timeout(connect, opening).await {
        Ok(channel) => channel,
        Err(_) => Err(SshError::Timeout {
            host: remote.host.clone(),
            port: remote.port.unwrap_or(DEFAULT_PORT),
            limit: connect,
        }),
    }
}

async fn establish(remote: &Remote, access: &SshAccess) -> Result<Channel, SshError> {
    let host = remote.host.as_str();
    let port = remote.port.unwrap_or(DEFAULT_PORT);
    let keys = known_hosts(host, port, access)?;
    let key = match &access.key {
        Some(path) => key::read(path)?,
        None => {
            return Err(SshError::NoKey {
                host: host.to_owned(),
            });
        }
    };

    let failed = |source| SshError::Connect {
        host: host.to_owned(),
        port,
        source,
    };
    let socket = TcpStream::connect((host, port)).await.map_err(failed)?;
    // Negotiation is short questions and answers; nobody gains by collecting them.
    socket.set_nodelay(true).map_err(failed)?;
    let (socket, leash) = Leashed::new(socket);
    let config = Arc::new(config(&keys));
    let parting = Parting::default();
    let verifier = Verifier {
        host: host.to_owned(),
        port,
        keys,
        path: access.known_hosts.clone(),
        accept_new: access.accept_new,
        parting: parting.clone(),
    };
    let mut session = client::connect_stream(config, socket, verifier)
        .await
        .map_err(|fault| match fault {
            Fault::Host(error) => error,
            Fault::Protocol(error) => SshError::Handshake {
                host: host.to_owned(),
                port,
                source: parting.take().unwrap_or(Farewell::Broken(error)),
            },
        })?;

    let user = match remote.user.as_deref().unwrap_or(&access.user) {
        "" => "git",
        user => user,
    };
    log_in(&mut session, host, user, key, &parting).await?;
    let (channel, state) = start(&session, host, &remote.path, &parting).await?;
    Ok(Channel {
        host: host.to_owned(),
        remote: channel,
        session,
        parting,
        leash,
        state,
    })
}

/// Reads what is known about the host.
fn known_hosts(host: &str, port: u16, access: &SshAccess) -> Result<HostKeys, SshError> {
    let Some(path) = &access.known_hosts else {
        return if access.accept_new {
            Ok(HostKeys::default())
        } else {
            Err(SshError::NoKnownHosts {
                host: host.to_owned(),
            })
        };
    };
    let text =
        short_file::read(path, KNOWN_HOSTS_LIMIT).map_err(|source| SshError::KnownHosts {
            path: path.clone(),
            source,
        })?;
    let keys = HostKeys::read(&text, host, port);
    let file = path.display();
    if keys.skipped() > 0 {
        warn!(%file, lines = keys.skipped(), "Unreadable lines in known hosts skipped.");
    }
    if keys.authorities() > 0 {
        warn!(%file, lines = keys.authorities(), "Authorities in known hosts ignored.");
    }
    Ok(keys)
}

fn config(keys: &HostKeys) -> client::Config {
    client::Config {
        window_size: WINDOW,
        maximum_packet_size: PACKET,
        channel_buffer_size: PACKETS,
        keepalive_interval: Some(KEEPALIVE),
        preferred: Preferred {
            key: Cow::Owned(host_key_algorithms(keys)),
            // AES is in every processor that clones at speed.
            cipher: Cow::Borrowed(&[
                cipher::AES_256_GCM,
                cipher::CHACHA20_POLY1305,
                cipher::AES_256_CTR,
                cipher::AES_192_CTR,
                cipher::AES_128_CTR,
            ]),
            // A pack is compressed already.
            compression: Cow::Borrowed(&[compression::NONE]),
            ..Preferred::DEFAULT
        },
        ..client::Config::default()
    }
}

/// Lists the algorithms to ask for: those of known keys first, so that a host that has several shows
/// the one that can be checked. Nothing is signed with SHA-1.
fn host_key_algorithms(keys: &HostKeys) -> Vec<Algorithm> {
    let ecdsa = |curve| Algorithm::Ecdsa { curve };
    let rsa = |hash| Algorithm::Rsa { hash: Some(hash) };
    let mut algorithms = vec![
        Algorithm::Ed25519,
        ecdsa(EcdsaCurve::NistP256),
        ecdsa(EcdsaCurve::NistP384),
        ecdsa(EcdsaCurve::NistP521),
        rsa(HashAlg::Sha512),
        rsa(HashAlg::Sha256),
    ];
    let known: Vec<&str> = keys.key_types().collect();
    // Stable: the order above is kept within both halves.
    algorithms.sort_by_key(|algorithm| {
        let name = match algorithm {
            Algorithm::Rsa { .. } => "ssh-rsa",
            other => other.as_str(),
        };
        !known.contains(&name)
    });
    algorithms
}

/// Shows the key.
async fn log_in(
    session: &mut Handle<Verifier>,
    host: &str,
    user: &str,
    key: PrivateKey,
    parting: &Parting,
) -> Result<(), SshError> {
    // RSA keys sign with SHA-2 or not at all. What a host says that it takes is what it was built
    // with, not what it is set up for: so both are tried.
    let hashes = if key.algorithm().is_rsa() {
        [Some(HashAlg::Sha512), Some(HashAlg::Sha256)].as_slice()
    } else {
        &[None]
    };
    let key = Arc::new(key);
    let mut answer = String::new();
    for &hash in hashes {
        let key = PrivateKeyWithHashAlg::new(Arc::clone(&key), hash);
        answer = match session.authenticate_publickey(user, key).await {
            Ok(AuthResult::Success) => {
                debug!(host, user, "Logged in.");
                return Ok(());
            }
            // A lost connection looks like a failure without methods.
            Ok(AuthResult::Failure {
                remaining_methods, ..
            }) if !remaining_methods.is_empty() || !session.is_closed() => {
                accepted(&remaining_methods)
            }
            Ok(AuthResult::Failure { .. }) | Err(_) => match lost(host, parting) {
                SshError::Lost {
                    source:
                        Farewell::Said {
                            words,
                            refusal: true,
                        },
                    ..
                } => {
                    answer = words;
                    break;
                }
                error => return Err(error),
            },
        };
    }
    Err(SshError::Refused {
        host: host.to_owned(),
        user: user.to_owned(),
        answer,
    })
}

fn accepted(methods: &[MethodKind]) -> String {
    if methods.is_empty() {
        return "it accepts nothing".to_owned();
    }
    let names: Vec<&str> = methods.iter().map(<&str>::from).collect();
    format!("it accepts {}", names.join(", "))
}

/// Starts the command.
async fn start(
    session: &Handle<Verifier>,
    host: &str,
    path: &str,
    parting: &Parting,
) -> Result<(russh::Channel<Msg>, State), SshError> {
    let refused = |source| SshError::Exec {
        host: host.to_owned(),
        source,
    };
    let mut channel = match session.channel_open_session().await {
        Ok(channel) => channel,
        Err(error @ russh::Error::ChannelOpenFailure(_)) => return Err(refused(Some(error))),
        Err(_) => return Err(lost(host, parting)),
    };
    if channel.exec(true, command(path)).await.is_err() {
        return Err(lost(host, parting));
    }
    let mut state = State::default();
    loop {
        match channel.wait().await {
            Some(ChannelMsg::Success) => return Ok((channel, state)),
            Some(ChannelMsg::Failure) => return Err(refused(None)),
            Some(message) => state.note(message),
            None => return Err(lost(host, parting)),
        }
    }
}

fn lost(host: &str, parting: &Parting) -> SshError {
    SshError::Lost {
        host: host.to_owned(),
        source: parting.take().unwrap_or(Farewell::Closed),
    }
}

/// Returns the command line for the shell of the remote, as git writes it.
fn command(path: &str) -> Vec<u8> {
    let path = percent_decoded(path.as_bytes());
    // `/~user/repository` is below that user's home.
    let path = match path.as_slice() {
        [b'/', b'~', ..] => &path[1..],
        path => path,
    };
    let mut command = b"git-upload-pack '".to_vec();
    for &byte in path {
        match byte {
            // `!` too: the shell of the remote may be a csh.
            b'\'' | b'!' => command.extend_from_slice(&[b'\'', b'\\', byte, b'\'']),
            byte => command.push(byte),
        }
    }
    command.push(b'\'');
    command
}

/// Decodes `%20` and the like; what is none of them stays, as does `%00`.
fn percent_decoded(text: &[u8]) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&byte, after)) = rest.split_first() {
        let escaped = (byte == b'%').then(|| after.first_chunk()).flatten();
        match escaped.and_then(|&digits| hexadecimal(digits)) {
            Some(value) if value != 0 => {
                decoded.push(value);
                rest = &after[2..];
            }
            _ => {
                decoded.push(byte);
                rest = after;
            }
        }
    }
    decoded
}

fn hexadecimal(digits: [u8; 2]) -> Option<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let value = digit(digits[0])? * 16 + digit(digits[1])?;
    u8::try_from(value).ok()
}

#[cfg(test)]
mod tests;
