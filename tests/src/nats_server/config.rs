//! The configuration file of a server.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::Certificates;

/// What a user may do.
#[derive(Debug, Clone, Default)]
pub struct Permissions {
    /// Subjects to publish to, and to subscribe to; everything without.
    pub(super) subjects: Option<(Vec<String>, Vec<String>)>,
}

impl Permissions {
    /// Everything.
    pub fn all() -> Self {
        Self::default()
    }

    /// Publishing and subscribing to these subjects, and nothing else.
    pub fn only(publish: &[&str], subscribe: &[&str]) -> Self {
        let owned = |subjects: &[&str]| subjects.iter().map(|&it| it.to_owned()).collect();
        Self {
            subjects: Some((owned(publish), owned(subscribe))),
        }
    }

    /// What the user `agents` of the real installation may do (contract §8.3).
    pub fn agents() -> Self {
        Self::only(
            &["$JS.API.>", "$JS.ACK.>", "agentrun.>"],
            &["_INBOX.>", "agentrun.>"],
        )
    }
}

/// One who is let in.
#[derive(Debug)]
pub(super) struct User {
    /// `user` and `password`, or `nkey`.
    pub(super) fields: Vec<(&'static str, String)>,
    /// What they may do.
    pub(super) permissions: Permissions,
}

impl User {
    fn entry(&self) -> Value {
        let mut entry: Value = self
            .fields
            .iter()
            .map(|(name, value)| ((*name).to_owned(), json!(value)))
            .collect();
        if let Some((publish, subscribe)) = &self.permissions.subjects {
            entry["permissions"] =
                json!({ "publish": { "allow": publish }, "subscribe": { "allow": subscribe } });
        }
        entry
    }
}

/// How the test's own questions get in.
#[derive(Debug)]
pub(super) enum Admin {
    /// As everybody.
    Nobody,
    /// As [`super::ADMIN`].
    User,
    /// With the token.
    Token(String),
    /// With the content of a credentials file.
    Creds(String),
}

/// What goes into the file.
#[derive(Debug)]
pub(super) struct Config {
    store: PathBuf,
    /// Whether there is JetStream.
    pub(super) jetstream: bool,
    /// Whether clients need a certificate.
    pub(super) verify: bool,
    /// The token.
    pub(super) token: Option<String>,
    /// Users and keys.
    pub(super) users: Vec<User>,
    /// Further lines.
    pub(super) lines: String,
}

impl Config {
    /// With JetStream in files below a directory.
    pub(super) fn new(dir: &Path) -> Self {
        Self {
            store: dir.join("store"),
            jetstream: true,
            verify: false,
            token: None,
            users: Vec::new(),
            lines: String::new(),
        }
    }

    /// Writes `nats.conf` into a directory.
    pub(super) fn write(&self, dir: &Path, address: SocketAddr, tls: Option<&Certificates>) {
        let mut text = format!("listen: \"{address}\"\nserver_name: \"tests\"\n");
        if self.jetstream {
            // The limits are what an account sees as its quota; nothing is taken before it is used.
            let jetstream = json!({
                "store_dir": self.store,
                "max_memory_store": 256 << 20,
                "max_file_store": 4_u64 << 30,
            });
            text += &format!("jetstream: {jetstream}\n");
        }
        if let Some(token) = &self.token {
            text += &format!("authorization: {}\n", json!({ "token": token }));
        }
        if !self.users.is_empty() {
            let users: Vec<Value> = self.users.iter().map(User::entry).collect();
            text += &format!("authorization: {}\n", json!({ "users": users }));
        }
        if let Some(tls) = tls {
            let tls = json!({
                "cert_file": tls.server_certificate,
                "key_file": tls.server_key,
                "ca_file": tls.ca,
                "verify": self.verify,
            });
            text += &format!("tls: {tls}\n");
        }
        text += &self.lines;
        std::fs::write(dir.join("nats.conf"), text).expect("a temporary directory is writable");
    }
}
