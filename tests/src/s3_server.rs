//! An S3 server that looks at signatures, with faults on request.
//!
//! `s3s` speaks the protocol: it checks each signature (version 4, header or query, whole or
//! `aws-chunked` payloads) and the SHA-256 of each body that is signed. The buckets are ours
//! (`store.rs`), because `s3s-fs` takes puts into buckets that are not there, ignores the checksums of
//! parts, refuses most storage classes, cannot have the keys `a` and `a/b` at once, and none that are
//! longer than a file's name. In ours any key round-trips, up to the 1024 bytes of S3, and these hold
//! as they do at AWS: headers `x-amz-*` must be signed; checksums must be right, of the algorithm that
//! the upload was begun with, and named again when it is completed; parts but the last have at least
//! 5 MiB; a bucket has no access control lists; temporary keys need their token.
//!
//! Deliberately absent: versions, conditions (501), tags, copies, and a second page of uploads or
//! parts. It speaks HTTP/1.1 alone, as S3 does.
//!
//! Buckets are addressed by path, or by host as `<bucket>.localhost:<port>`. Few machines resolve
//! such names: [`S3Server::hosts`] is what a `/etc/hosts` needs, which a test can mount for a run
//! ([`crate::Run::mounting`]).
//!
//! ```no_run
//! use agent_tests::{S3Fault, S3Operation, S3Server};
//!
//! let server = S3Server::new().fault(S3Fault::slow_down().on(S3Operation::Put).once());
//! let mut run = agent_tests::Run::new();
//! for (name, value) in server.env() {
//!     run = run.env(name, value);
//! }
//! run.end();
//! assert_eq!(server.requests()[0].status, Some(503));
//! assert_eq!(server.object("notes/a.txt").unwrap().bytes(), b"hello\n");
//! assert_eq!(server.uploads_open(), 0);
//! ```

mod body;
mod connection;
mod exchange;
mod fault;
mod host;
mod keys;
mod log;
mod object;
mod reading;
mod receive;
mod request;
mod service;
mod store;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use rustls::ServerConfig;
use s3s::service::{S3Service, S3ServiceBuilder};
use tempfile::TempDir;

use connection::Listening;
pub use fault::S3Fault;
use host::Localhost;
pub(crate) use keys::Keyring;
pub use keys::S3Keys;
use log::Log;
pub use object::S3Object;
pub use request::{S3Operation, S3Request};
use service::Service;
use store::Store;

/// The one bucket that is there from the beginning.
const BUCKET: &str = "runs";

/// An S3 server; gone with all its connections and objects when dropped.
#[derive(Debug)]
pub struct S3Server {
    // First, so that it ends before its directory goes.
    listening: Listening,
    shared: Arc<Shared>,
    dir: TempDir,
}

/// What the connections look at.
#[derive(Debug)]
struct Shared {
    service: S3Service,
    store: Arc<Store>,
    keyring: Keyring,
    log: Arc<Log>,
    tls: Mutex<Option<Arc<ServerConfig>>>,
}

impl Shared {
    fn tls(&self) -> Option<Arc<ServerConfig>> {
        let tls = self.tls.lock().unwrap_or_else(PoisonError::into_inner);
        tls.clone()
    }
}

impl Default for S3Server {
    fn default() -> Self {
        Self::new()
    }
}

impl S3Server {
    /// Listens on a free port of 127.0.0.1, with one empty bucket, and lets one key in.
    pub fn new() -> Self {
        Self::of(tempfile::tempdir())
    }

    /// Keeps its objects in a directory that exists, such as `/dev/shm`; they are gone with it.
    pub fn at(dir: &Path) -> Self {
        Self::of(tempfile::tempdir_in(dir))
    }

    fn of(dir: std::io::Result<TempDir>) -> Self {
        let dir = dir.expect("a temporary directory can be made");
        let objects = dir.path().join("objects");
        std::fs::create_dir(&objects).expect("a temporary directory is writable");
        let store = Arc::new(Store::new(&objects));
        store.state().buckets.insert(BUCKET.to_owned());
        let keyring = Keyring::default();
        let mut service = S3ServiceBuilder::new(Service(Arc::clone(&store)));
        service.set_auth(keyring.clone());
        service.set_access(keyring.clone());
        service.set_host(Localhost);
        let shared = Arc::new(Shared {
            service: service.build(),
            store,
            keyring,
            log: Arc::default(),
            tls: Mutex::default(),
        });
        let listening = {
            let shared = Arc::clone(&shared);
            Listening::new(move |connection| exchange::serve(connection, Arc::clone(&shared)))
        };
        let server = Self {
            listening,
            shared,
            dir,
        };
        server.shared.keyring.add(S3Keys {
            access_key: server.access_key().to_owned(),
            secret_key: server.secret_key().to_owned(),
            session_token: None,
        });
        server
    }

    /// Has a further bucket.
    #[must_use]
    pub fn with_bucket(self, name: &str) -> Self {
        self.shared.store.state().buckets.insert(name.to_owned());
        self
    }

    /// Speaks TLS, with a certificate for 127.0.0.1, `localhost` and its names below it by a private
    /// authority: [`S3Server::ca_file`].
    #[must_use]
    pub fn tls(self) -> Self {
        let names = ["127.0.0.1", "localhost", "*.localhost", "runs.localhost"];
        let (config, authority) = crate::git_server::tls::certified(&names);
        std::fs::write(self.ca_path(), authority).expect("a temporary directory is writable");
        let mut tls = self
            .shared
            .tls
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        *tls = Some(config);
        drop(tls);
        self
    }

    /// The PEM file with the certificate of the authority; panics without `tls`.
    pub fn ca_file(&self) -> PathBuf {
        let path = self.ca_path();
        assert!(path.exists(), "this server speaks no TLS: call `.tls()`");
        path
    }

    /// Adds a fault; the ones before it strike first.
    #[must_use]
    pub fn fault(self, fault: S3Fault) -> Self {
        self.add_fault(fault);
        self
    }

    /// Keeps no checksums of uploads in parts, and does not say so, as some servers do.
    #[must_use]
    pub fn forgetting_checksums(self) -> Self {
        self.shared.store.state().forgets_checksums = true;
        self
    }

    /// Adds a fault in the middle of a test.
    pub fn add_fault(&self, fault: S3Fault) {
        if let fault::What::Slow(_) = fault.what {
            self.listening.keep_little();
        }
        self.shared.log.state().faults.push(fault);
    }

    /// Has no fault any more from the next request on.
    pub fn heal(&self) {
        self.shared.log.state().faults.clear();
    }

    /// The bucket that is there from the beginning: `runs`.
    pub fn bucket(&self) -> &'static str {
        BUCKET
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.listening.address()
    }

    /// Its endpoint, with the address of the machine: buckets are in paths.
    pub fn url(&self) -> String {
        format!("{}://{}", self.scheme(), self.address())
    }

    /// Its endpoint, with the name `localhost`: buckets may be in paths or in front of it.
    pub fn named_url(&self) -> String {
        format!("{}://localhost:{}", self.scheme(), self.address().port())
    }

    /// What a `/etc/hosts` needs for [`S3Server::named_url`] with the first bucket in front.
    pub fn hosts(&self) -> String {
        format!("127.0.0.1 localhost {BUCKET}.localhost\n")
    }

    /// The access key that needs no token.
    pub fn access_key(&self) -> &'static str {
        "AKIATESTSOFTHERUNNER"
    }

    /// Its secret.
    pub fn secret_key(&self) -> &'static str {
        "secret+of/the+tests+0123456789abcdefABCD"
    }

    /// The variables of the controller that name this server, its bucket, and its key.
    pub fn env(&self) -> [(&'static str, String); 4] {
        [
            ("AGENTS_ARTIFACTS_ENDPOINT", self.url()),
            (
                "AGENTS_ARTIFACTS_ACCESS_KEY_ID",
                self.access_key().to_owned(),
            ),
            (
                "AGENTS_ARTIFACTS_SECRET_ACCESS_KEY",
                self.secret_key().to_owned(),
            ),
            ("AGENTS_ARTIFACTS_BUCKET", BUCKET.to_owned()),
        ]
    }

    /// Makes temporary keys, which are let in only with their token.
    pub fn temporary_keys(&self) -> S3Keys {
        self.shared.keyring.issue()
    }

    /// Refuses all temporary keys so far from now on, as 400 `ExpiredToken`.
    pub fn expire_temporary_keys(&self) {
        self.shared.keyring.expire_issued();
    }

    /// Returns an object of the first bucket.
    pub fn object(&self, key: &str) -> Option<S3Object> {
        self.object_in(BUCKET, key)
    }

    /// Returns an object of a bucket.
    pub fn object_in(&self, bucket: &str, key: &str) -> Option<S3Object> {
        let place = (bucket.to_owned(), key.to_owned());
        let state = self.shared.store.state();
        state
            .objects
            .get(&place)
            .map(|entry| S3Object::new(key, entry))
    }

    /// The keys of the first bucket that begin with a text, in their order.
    pub fn keys(&self, prefix: &str) -> Vec<String> {
        let state = self.shared.store.state();
        let keys = state.objects.keys();
        keys.filter(|(bucket, key)| bucket == BUCKET && key.starts_with(prefix))
            .map(|(_, key)| key.clone())
            .collect()
    }

    /// Removes an object of the first bucket; returns whether it was there.
    pub fn remove(&self, key: &str) -> bool {
        let place = (BUCKET.to_owned(), key.to_owned());
        self.shared.store.state().objects.remove(&place).is_some()
    }

    /// The requests so far in the order of their beginning.
    ///
    /// Statuses are noted before they are sent: who has one finds it here.
    pub fn requests(&self) -> Vec<S3Request> {
        self.shared.log.state().requests.clone()
    }

    /// The requests so far for one operation.
    pub fn requests_for(&self, operation: S3Operation) -> Vec<S3Request> {
        let mut requests = self.requests();
        requests.retain(|request| request.operation == operation);
        requests
    }

    /// How many uploads in parts were begun and neither completed nor aborted.
    pub fn uploads_open(&self) -> usize {
        self.shared.store.state().uploads.len()
    }

    /// The most requests that ran at once.
    pub fn concurrent_max(&self) -> usize {
        self.shared.log.state().most
    }

    /// How many connections there have been.
    pub fn connections(&self) -> usize {
        self.shared.log.state().connections
    }

    pub(crate) fn keyring(&self) -> Keyring {
        self.shared.keyring.clone()
    }

    fn scheme(&self) -> &'static str {
        if self.shared.tls().is_some() {
            "https"
        } else {
            "http"
        }
    }

    fn ca_path(&self) -> PathBuf {
        self.dir.path().join("ca.pem")
    }
}

fn hex(bytes: &[u8]) -> String {
    let mut text = String::new();
    for byte in bytes {
        text.push_str(&format!("{byte:02x}"));
    }
    text
}
