//! Why a repository cannot be reached by ssh.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use agent_plan::outcome::Outcome;

/// Why a repository cannot be reached by ssh. Nothing in it is secret, or more than a line.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SshError {
    /// Nobody could say whether the host is the right one.
    #[error("no known_hosts file says which key `{host}` has")]
    NoKnownHosts {
        /// The host.
        host: String,
    },
    /// The file of known hosts cannot be read.
    #[error("failed to read the known hosts in `{}`", path.display())]
    KnownHosts {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The file of known hosts has nothing about the host.
    #[error("{offered} is not in `{}`", path.display())]
    UnknownHost {
        /// What the host offers.
        offered: OfferedKey,
        /// The file.
        path: PathBuf,
    },
    /// The file of known hosts says that the host has other keys.
    #[error("{offered} is not the one in `{}`, line {line}", path.display())]
    ChangedHost {
        /// What the host offers.
        offered: OfferedKey,
        /// The file.
        path: PathBuf,
        /// The line of the key that was expected.
        line: usize,
    },
    /// The file of known hosts says that the key must not be used.
    #[error("{offered} is revoked by `{}`, line {line}", path.display())]
    RevokedHost {
        /// What the host offers.
        offered: OfferedKey,
        /// The file.
        path: PathBuf,
        /// The line that revokes it.
        line: usize,
    },
    /// There is no private key to show.
    #[error("no private key to show to `{host}`")]
    NoKey {
        /// The host.
        host: String,
    },
    /// The private key cannot be read.
    #[error("failed to read the private key in `{}`", path.display())]
    Key {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// What is in the file of the private key cannot be used.
    #[error("`{}` {problem}", path.display())]
    BadKey {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: KeyProblem,
    },
    /// There is no connection.
    #[error("failed to connect to `{host}` port {port}")]
    Connect {
        /// The host.
        host: String,
        /// Its port.
        port: u16,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Connecting, the key exchange and the login took too long.
    #[error("`{host}` port {port} did not let us in within {limit:?}")]
    Timeout {
        /// The host.
        host: String,
        /// Its port.
        port: u16,
        /// How long it had.
        limit: Duration,
    },
    /// There is no agreement on how to talk.
    #[error("the key exchange with `{host}` port {port} failed")]
    Handshake {
        /// The host.
        host: String,
        /// Its port.
        port: u16,
        /// Why.
        #[source]
        source: Farewell,
    },
    /// The host does not want this key for this user.
    #[error("`{host}` refused the key for user `{user}`: {answer}")]
    Refused {
        /// The host.
        host: String,
        /// Who we said that we are.
        user: String,
        /// The ways of authentication that it accepts, or its own words.
        answer: String,
    },
    /// The host does not run commands for this user.
    #[error("`{host}` refused to run `git-upload-pack`")]
    Exec {
        /// The host.
        host: String,
        /// Why, if it said so.
        #[source]
        source: Option<russh::Error>,
    },
    /// The remote's git ended with an error.
    #[error("`git-upload-pack` on `{host}` {end}{}", said(words))]
    Remote {
        /// The host.
        host: String,
        /// How it ended.
        end: RemoteEnd,
        /// What it wrote to its standard error, on one line.
        words: String,
    },
    /// The connection was lost.
    #[error("lost the connection to `{host}`")]
    Lost {
        /// The host.
        host: String,
        /// How.
        #[source]
        source: Farewell,
    },
}

/// A key that a host offers: what can be compared with what its owner publishes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OfferedKey {
    /// The host.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// `ssh-ed25519` and the like.
    pub key_type: String,
    /// `SHA256:` and the rest, as `ssh-keygen -l` prints it.
    pub fingerprint: String,
}

impl fmt::Display for OfferedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            host,
            port,
            key_type,
            fingerprint,
        } = self;
        write!(
            f,
            "the {key_type} key `{fingerprint}` of `{host}` port {port}"
        )
    }
}

/// What is wrong with the file of a private key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyProblem {
    /// There is nothing in it.
    Empty,
    /// It is the other half.
    Public,
    /// It needs a passphrase.
    Encrypted,
    /// It begins like a private key and is none, or one of a kind that cannot be used.
    Unusable,
    /// It is something else.
    NotAKey,
}

impl fmt::Display for KeyProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "is empty",
            Self::Public => "holds a public key, not the private one",
            Self::Encrypted => "holds a private key with a passphrase",
            Self::Unusable => {
                "holds a private key that is damaged or of a kind that is not supported"
            }
            Self::NotAKey => "holds no private key",
        })
    }
}

/// How a command on the remote ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RemoteEnd {
    /// With this code.
    Code(u32),
    /// By a signal.
    Signal,
    /// Without saying how, and without an answer.
    Silence,
}

impl fmt::Display for RemoteEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code(code) => write!(f, "exited with code {code}"),
            Self::Signal => f.write_str("was ended by a signal"),
            Self::Silence => f.write_str("ended without an answer"),
        }
    }
}

/// How a connection ended.
#[derive(Debug, thiserror::Error)]
pub enum Farewell {
    /// The host took leave.
    #[error("the host said: {words}")]
    Said {
        /// Its words, on one line.
        words: String,
        /// Whether they are about our credentials.
        refusal: bool,
    },
    /// Something broke, or the two sides do not understand each other.
    #[error("the protocol was broken off")]
    Broken(#[source] russh::Error),
    /// The host closed it without a word.
    #[error("the host closed the connection")]
    Closed,
}

impl SshError {
    /// Returns the outcome of a run that fails of this.
    pub fn outcome(&self) -> Outcome {
        match self {
            Self::NoKnownHosts { .. }
            | Self::UnknownHost { .. }
            | Self::ChangedHost { .. }
            | Self::RevokedHost { .. } => Outcome::PolicyRefused,
            Self::KnownHosts { .. } | Self::Key { .. } => Outcome::InputMissing,
            Self::NoKey { .. } | Self::BadKey { .. } | Self::Refused { .. } => Outcome::AuthFailed,
            Self::Connect { .. }
            | Self::Timeout { .. }
            | Self::Handshake { .. }
            | Self::Exec { .. }
            | Self::Remote { .. }
            | Self::Lost { .. } => Outcome::WorkspaceFailed,
        }
    }

    /// Returns the word below the outcome.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::NoKnownHosts { .. } => "NoKnownHosts",
            Self::KnownHosts { .. } => "KnownHostsUnreadable",
            Self::UnknownHost { .. } => "HostKeyUnknown",
            Self::ChangedHost { .. } => "HostKeyChanged",
            Self::RevokedHost { .. } => "HostKeyRevoked",
            Self::NoKey { .. } => "NoSshKey",
            Self::Key { .. } => "SshKeyUnreadable",
            Self::BadKey { .. } => "BadSshKey",
            // One word for it, whatever is spoken afterwards.
            Self::Connect { .. } | Self::Timeout { .. } | Self::Lost { .. } => "Unreachable",
            Self::Handshake { .. } => "SshHandshakeFailed",
            Self::Refused { .. } => "SshKeyRefused",
            Self::Exec { .. } => "SshExecRefused",
            Self::Remote { .. } => "RemoteFailed",
        }
    }

    /// Returns what to do about it.
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::NoKnownHosts { .. } => {
                "mount a known_hosts file and name it in `VCS_SSH_KNOWN_HOSTS_PATH`, or set \
                 `workspace.hostKeys` to `accept-new`"
            }
            Self::UnknownHost { .. } => {
                "compare the fingerprint with the one that the host's owner publishes, then add the \
                 key to that file"
            }
            Self::ChangedHost { .. } => {
                "somebody may be listening in, or the host has a new key: ask its owner before you \
                 replace the line"
            }
            Self::RevokedHost { .. } => {
                "do not trust this host until its owner has replaced the key"
            }
            Self::KnownHosts { .. } | Self::Key { .. } => {
                "check that the secret is mounted there and can be read by the runner's user"
            }
            Self::NoKey { .. } => "mount a deploy key and name it in `VCS_SSH_KEY_PATH`",
            Self::BadKey { problem, .. } => match problem {
                KeyProblem::Encrypted => "store the key without its passphrase in the secret",
                KeyProblem::Public => "store the file without `.pub` in the secret",
                KeyProblem::Empty | KeyProblem::Unusable | KeyProblem::NotAKey => {
                    "store an ed25519, ECDSA or RSA key in the form of OpenSSH or PEM in the secret"
                }
            },
            Self::Refused { .. } => {
                "check that the key is registered for this repository and that the user is right"
            }
            Self::Remote { .. } => {
                "check the path, and that the key may read this repository: hosts say `not found` \
                 for both"
            }
            Self::Exec { .. }
            | Self::Connect { .. }
            | Self::Timeout { .. }
            | Self::Handshake { .. }
            | Self::Lost { .. } => return None,
        };
        Some(hint.to_owned())
    }

    /// Says whether another attempt may well succeed.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Connect { source, .. } => !matches!(
                source.kind(),
                io::ErrorKind::PermissionDenied | io::ErrorKind::InvalidInput
            ),
            // An overloaded server closes connections before the key exchange.
            Self::Handshake { source, .. } => source.is_loss(),
            Self::Timeout { .. } | Self::Lost { .. } => true,
            _ => false,
        }
    }
}

impl Farewell {
    /// Says whether the connection was lost, rather than that the two sides do not fit.
    fn is_loss(&self) -> bool {
        match self {
            Self::Closed => true,
            Self::Said { .. } => false,
            Self::Broken(error) => matches!(
                error,
                russh::Error::IO(_)
                    | russh::Error::HUP
                    | russh::Error::Disconnect
                    | russh::Error::KeepaliveTimeout
            ),
        }
    }
}

fn said(words: &str) -> String {
    if words.is_empty() {
        String::new()
    } else {
        format!(": {words}")
    }
}

/// The longest that somebody else may say in an error.
const WORDS_LIMIT: usize = 400;

/// Makes one harmless line of what somebody else wrote: a terminal must not obey it.
pub(super) fn one_line(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text);
    let lines = text.split(['\n', '\r']).map(str::trim);
    let mut line = lines
        .filter(|line| !line.is_empty())
        .collect::<Vec<_>>()
        .join("; ");
    line.retain(|letter| !letter.is_control() && !is_invisible(letter));
    // The end says why; what comes before is often a greeting.
    if let Some((start, _)) = line.char_indices().rev().nth(WORDS_LIMIT) {
        line.replace_range(..start, "…");
    }
    line
}

/// Zero-width and direction marks, with which a text reads otherwise than it is.
fn is_invisible(letter: char) -> bool {
    matches!(letter, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}
