//! A real `nats-server`, as `tests/install` puts it into `target/nats`; one per test.
//!
//! ```no_run
//! use agent_tests::{NatsServer, Permissions};
//!
//! let nats = NatsServer::new().user("agents", "secret", Permissions::agents()).start();
//! nats.make_stream("agent-comms", &["agentrun.>"]);
//! // … something publishes to `nats.url()` …
//! nats.restart();
//! for message in nats.stream_messages("agent-comms") {
//!     assert_eq!(message.payload["kind"], "message");
//! }
//! ```
//!
//! Theory of operation: the builder writes a configuration into a directory of the server's own and
//! takes a port that no other server of any test has, below the ports that the kernel gives to
//! clients. So the server has the same port after a restart, and a client that tries it meanwhile
//! never meets somebody else, nor itself. The server is killed when dropped, and by the kernel if
//! the test dies first. What a test asks of it goes over a connection of its own, as a user of its
//! own who may do everything, on a runtime of its own: the interface is synchronous and every
//! question has a deadline. In a [`Network`] the server and what is tested are in namespaces with a
//! router between them, which can stop forwarding; the test's own questions do not pass it.

mod certificates;
mod config;
mod decentralized;
mod heard;
mod network;
mod port;
mod running;
mod spawn;
mod stream;

use std::path::{Path, PathBuf};

use tempfile::TempDir;

use certificates::Certificates;
pub use config::Permissions;
use config::{Admin, Config};
use decentralized::Decentralized;
pub use heard::Heard;
pub use network::Network;
use port::Port;
pub use running::Nats;
pub use stream::StoredMessage;

/// Version and hashes, of which `tests/install` leaves a copy when it is done.
const PINNED: &str = include_str!("../nats/requirements.txt");

/// The user that the test's own questions come from, where there are users.
const ADMIN: &str = "admin-of-the-tests";

/// Builds a server: JetStream in files, no authentication, no TLS.
#[derive(Debug)]
pub struct NatsServer {
    dir: TempDir,
    config: Config,
    tls: Option<Certificates>,
    decentralized: Option<Decentralized>,
    network: Option<Network>,
}

impl Default for NatsServer {
    fn default() -> Self {
        Self::new()
    }
}

impl NatsServer {
    /// Starts from JetStream in files and nothing else.
    pub fn new() -> Self {
        let dir = tempfile::tempdir().expect("a temporary directory can be made");
        let config = Config::new(dir.path());
        Self {
            dir,
            config,
            tls: None,
            decentralized: None,
            network: None,
        }
    }

    /// Has no JetStream: messages reach who listens, and nobody else.
    #[must_use]
    pub fn without_jetstream(mut self) -> Self {
        self.config.jetstream = false;
        self
    }

    /// Lets a user in who has this password.
    #[must_use]
    pub fn user(mut self, user: &str, password: &str, permissions: Permissions) -> Self {
        self.config.users.push(config::User {
            fields: vec![("user", user.to_owned()), ("password", password.to_owned())],
            permissions,
        });
        self
    }

    /// Lets in who has the seed of this public key, which begins with `U`.
    #[must_use]
    pub fn nkey(mut self, public: &str, permissions: Permissions) -> Self {
        self.config.users.push(config::User {
            fields: vec![("nkey", public.to_owned())],
            permissions,
        });
        self
    }

    /// Lets in who has this token. The server takes no users beside it.
    #[must_use]
    pub fn token(mut self, token: &str) -> Self {
        self.config.token = Some(token.to_owned());
        self
    }

    /// Lets in who has the credentials file of [`Nats::creds_file`]: an operator, an account and a
    /// user, each signed by the one before. The server takes neither users nor tokens beside it.
    #[must_use]
    pub fn creds(mut self, permissions: &Permissions) -> Self {
        let made = Decentralized::new(self.dir.path(), permissions);
        self.config.lines.push_str(&made.config);
        self.decentralized = Some(made);
        self
    }

    /// Wants TLS, with a certificate for 127.0.0.1, `localhost` and the address in a network by an
    /// authority of its own: [`Nats::ca_file`].
    #[must_use]
    pub fn tls(mut self) -> Self {
        self.tls = Some(Certificates::new(self.dir.path()));
        self
    }

    /// Wants TLS, and a certificate of the client by the same authority:
    /// [`Nats::client_certificate_file`].
    #[must_use]
    pub fn tls_with_client_certificates(mut self) -> Self {
        self = self.tls();
        self.config.verify = true;
        self
    }

    /// Adds lines to the configuration: `max_payload: 4096`.
    #[must_use]
    pub fn config(mut self, lines: &str) -> Self {
        self.config.lines.push_str(lines);
        self.config.lines.push('\n');
        self
    }

    /// Is in a network, on the other side of its router.
    #[must_use]
    pub fn in_network(mut self, network: &Network) -> Self {
        self.network = Some(network.clone());
        self
    }

    /// Starts it, and returns when it takes clients.
    pub fn start(mut self) -> Nats {
        let port = if self.network.is_some() {
            Port::of_a_namespace()
        } else {
            Port::reserve()
        };
        let host = self
            .network
            .as_ref()
            .map_or(std::net::Ipv4Addr::LOCALHOST, Network::server_address);
        let address = (host, port.number()).into();
        let admin = self.admin();
        self.config
            .write(self.dir.path(), address, self.tls.as_ref());
        Nats::start(running::Parts {
            dir: self.dir,
            address,
            port,
            admin,
            tls: self.tls,
            decentralized: self.decentralized,
            network: self.network,
        })
    }

    /// How the test's own questions get in; adds the user if it takes one.
    fn admin(&mut self) -> Admin {
        if let Some(made) = &self.decentralized {
            return Admin::Creds(made.admin_creds.clone());
        }
        if let Some(token) = &self.config.token {
            return Admin::Token(token.clone());
        }
        if self.config.users.is_empty() {
            return Admin::Nobody;
        }
        self.config.users.push(config::User {
            fields: vec![("user", ADMIN.to_owned()), ("password", ADMIN.to_owned())],
            permissions: Permissions::all(),
        });
        Admin::User
    }
}

/// Returns the executable.
fn nats_server() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/nats");
    let path = root.join("bin/nats-server");
    // Another version than the pinned one would prove nothing.
    let pinned = std::fs::read_to_string(root.join("installed.txt")).is_ok_and(|it| it == PINNED);
    assert!(
        pinned && path.exists(),
        "`nats-server` is not installed: run `sh tests/install`"
    );
    path.canonicalize().expect("what exists has a path")
}
