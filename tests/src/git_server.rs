//! Smart HTTP around the real `git http-backend`, with faults on request.
//!
//! Blocking, with a thread per connection. It listens from `new` on; options may be added while
//! it runs, and hold from the next request on. Dropping it closes all and kills all.
//!
//! ```no_run
//! use agent_tests::{Fault, Git, GitServer, Repository};
//!
//! let repository = Repository::new().commit("main", [("README", "hello\n")]);
//! let server = GitServer::new()
//!     .serve("group/subgroup/name", &repository)
//!     .fault(Fault::answer(503).once());
//! let dir = tempfile::tempdir().unwrap();
//! let url = server.url("group/subgroup/name");
//! Git::new(dir.path()).fails(["clone", &url, "clone"]);
//! Git::new(dir.path()).run(["clone", &url, "clone"]);
//! assert_eq!(server.requests()[0].status, Some(503));
//! ```

mod backend;
mod fault;
pub(crate) mod http;
pub(crate) mod listener;
mod reply;
mod request;
pub(crate) mod tls;

use std::collections::VecDeque;
use std::io::{self, BufReader, Read, Seek, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustls::ServerConfig;
use tempfile::TempDir;

use crate::Repository;
use backend::Backend;
pub use fault::Fault;
use fault::What;
use http::Head;
pub use listener::Silent;
use listener::{Life, Listener};
use reply::Reply;
pub use request::Request;

/// A git server over HTTP or HTTPS; gone with all its connections and children when dropped.
#[derive(Debug)]
pub struct GitServer {
    // First, so that it ends before its directory goes.
    listener: Listener,
    shared: Arc<Shared>,
    repositories: Vec<Arc<TempDir>>,
    dir: TempDir,
}

/// What the threads of the connections look at.
#[derive(Debug)]
struct Shared {
    backend: Backend,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    tls: Option<Arc<ServerConfig>>,
    silent: bool,
    auth: Option<Auth>,
    faults: Vec<Fault>,
    connections: usize,
    requests: Vec<Request>,
}

/// Who is let in.
#[derive(Debug)]
struct Auth {
    user: String,
    /// In their order, with the requests that each is still good for; the last has no end.
    tokens: VecDeque<(String, Option<usize>)>,
}

impl Default for GitServer {
    fn default() -> Self {
        Self::new()
    }
}

impl GitServer {
    /// Listens on a free port of 127.0.0.1, serves nothing, and lets everybody in.
    pub fn new() -> Self {
        let dir = tempfile::tempdir().expect("a temporary directory can be made");
        let root = dir.path().join("repositories");
        std::fs::create_dir(&root).expect("a temporary directory is writable");
        let shared = Arc::new(Shared {
            backend: Backend::new(&root),
            state: Mutex::default(),
        });
        let listener = {
            let shared = Arc::clone(&shared);
            Listener::new(move |stream, life| shared.serve(stream, life))
        };
        Self {
            listener,
            shared,
            repositories: Vec::new(),
            dir,
        }
    }

    /// Serves a repository under `/<name>.git`, such as `owner/name` or `group/subgroup/name`.
    #[must_use]
    pub fn serve(mut self, name: &str, repository: &Repository) -> Self {
        let root = self.dir.path().join("repositories");
        self.repositories.push(repository.mount(&root, name));
        self
    }

    /// Wants this user and token from everybody, by `Basic`; 401 for all else.
    #[must_use]
    pub fn auth(self, user: &str, token: &str) -> Self {
        self.set_auth(user, token);
        self
    }

    /// Wants the first token for so many requests that have it, then only the second.
    ///
    /// Requests with anything else get 401 and do not count.
    #[must_use]
    pub fn expiring_token(self, user: &str, first: &str, requests: usize, second: &str) -> Self {
        assert!(requests > 0, "the first token is good for no request");
        let tokens = [
            (first.to_owned(), Some(requests)),
            (second.to_owned(), None),
        ];
        self.state().auth = Some(Auth::new(user, tokens));
        self
    }

    /// Wants this user and token from now on, such as in the middle of a test.
    pub fn set_auth(&self, user: &str, token: &str) {
        let tokens = [(token.to_owned(), None)];
        self.state().auth = Some(Auth::new(user, tokens));
    }

    /// Adds a fault; the ones before it strike first.
    #[must_use]
    pub fn fault(self, fault: Fault) -> Self {
        self.state().faults.push(fault);
        self
    }

    /// Has no fault any more from now on.
    pub fn heal(&self) {
        let mut state = self.state();
        state.silent = false;
        for fault in &mut state.faults {
            *fault = Fault::silence().times(0);
        }
    }

    /// Takes connections and never says a word on them, not even for TLS.
    #[must_use]
    pub fn stall_accept(self) -> Self {
        self.state().silent = true;
        self
    }

    /// Speaks TLS, with a certificate for 127.0.0.1 and `localhost` by a private authority.
    #[must_use]
    pub fn tls(self) -> Self {
        self.tls_as(&["127.0.0.1", "localhost"])
    }

    /// Speaks TLS, with a certificate for these names or addresses only.
    #[must_use]
    pub fn tls_as(self, names: &[&str]) -> Self {
        let (config, authority) = tls::certified(names);
        std::fs::write(self.ca_path(), authority).expect("a temporary directory is writable");
        self.state().tls = Some(config);
        self
    }

    /// The PEM file with the certificate of the authority; panics without `tls`.
    pub fn ca_file(&self) -> PathBuf {
        let path = self.ca_path();
        assert!(path.exists(), "this server speaks no TLS: call `.tls()`");
        path
    }

    /// Its own directory, which all that it starts has in its environment.
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.listener.address()
    }

    /// Scheme, host and port: what a clone base URL is, without a slash at its end.
    pub fn base(&self) -> String {
        let scheme = if self.state().tls.is_some() {
            "https"
        } else {
            "http"
        };
        format!("{scheme}://{}", self.address())
    }

    /// The URL of a repository, served or not: `http://127.0.0.1:<port>/owner/name.git`.
    pub fn url(&self, name: &str) -> String {
        format!("{}/{name}.git", self.base())
    }

    /// The requests so far in the order of their beginning.
    ///
    /// Status and bytes are noted before they are sent: who has them finds them here.
    pub fn requests(&self) -> Vec<Request> {
        self.state().requests.clone()
    }

    /// How many connections there have been.
    pub fn connections(&self) -> usize {
        self.state().connections
    }

    /// What the programs that serve wrote to stderr, to see why one failed.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.shared.backend.log_file()).unwrap_or_default()
    }

    fn ca_path(&self) -> PathBuf {
        self.dir.path().join("ca.pem")
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.shared.state()
    }
}

/// What a connection is read from and written to.
trait Wire: Read + Write {}
impl<T: Read + Write> Wire for T {}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn update(&self, entry: usize, change: impl FnOnce(&mut Request)) {
        change(&mut self.state().requests[entry]);
    }

    /// Returns what a fault is if it strikes.
    fn strikes(&self, fault: usize, target: &str) -> Option<What> {
        let fault = &mut self.state().faults[fault];
        fault.strikes(target).then(|| fault.what.clone())
    }

    fn serve(&self, stream: TcpStream, life: &Life) {
        let (connection, tls, silent) = {
            let mut state = self.state();
            state.connections += 1;
            (state.connections, state.tls.clone(), state.silent)
        };
        if silent {
            life.wait_for_end();
            return;
        }
        let stream: Box<dyn Wire> = match tls {
            Some(config) => Box::new(tls::accept(&config, stream)),
            None => Box::new(stream),
        };
        let mut stream = BufReader::with_capacity(1 << 16, stream);
        // An error means that the client has left, or that a fault has struck; either way this
        // connection is over.
        while let Ok(true) = self.exchange(&mut stream, connection, life) {}
    }

    /// Answers one request; returns whether there may be a further one.
    fn exchange(
        &self,
        stream: &mut BufReader<Box<dyn Wire>>,
        connection: usize,
        life: &Life,
    ) -> io::Result<bool> {
        let Some(head) = Head::read(stream)? else {
            return Ok(false);
        };
        let entry = {
            let mut state = self.state();
            state.requests.push(Request::new(connection, &head));
            state.requests.len() - 1
        };
        // To a file, so that neither side waits for the other to read first.
        let mut body = tempfile::tempfile()?;
        let length = head.read_body(stream, &mut body)?;
        body.rewind()?;
        self.update(entry, |request| request.body_bytes = length);

        let (decision, pace, limits) = self.state().decide(&head);
        let mut reply = Reply {
            shared: self,
            life,
            stream: stream.get_mut(),
            entry,
            target: &head.target,
            keeps_alive: head.keeps_alive(),
            has_body: head.method != "HEAD",
            pace,
            limits,
            sent: 0,
        };
        match decision {
            Decision::Silence => {
                life.wait_for_end();
                return Ok(false);
            }
            Decision::Answer(status, headers) => {
                let text = format!("status {status}, as the test wants it\n");
                reply.whole(status, &headers, text.as_bytes())?;
            }
            Decision::Serve(user) => {
                let mut answer =
                    self.backend
                        .answer(&head, (body, length), user.as_deref(), life)?;
                if head.method == "POST" && head.minor == 1 {
                    reply.chunked(answer.status, &answer.headers, &mut answer.body)?;
                } else {
                    let mut whole = Vec::new();
                    answer.body.read_to_end(&mut whole)?;
                    reply.whole(answer.status, &answer.headers, &whole)?;
                }
                answer.child.wait()?;
            }
        }
        Ok(head.keeps_alive())
    }
}

/// How a request is answered.
enum Decision {
    Silence,
    Answer(u16, http::Headers),
    /// By the backend, for this user.
    Serve(Option<String>),
}

impl State {
    /// Decides on an answer, the pace of its body, and the faults that may strike in it.
    fn decide(&mut self, head: &Head) -> (Decision, Option<u64>, Vec<(u64, usize)>) {
        let target = &head.target;
        let (mut pace, mut limits) = (None, Vec::new());
        for (number, fault) in self.faults.iter_mut().enumerate() {
            if let What::Stall(bytes) | What::Cut(bytes) = fault.what {
                limits.push((bytes, number));
                continue;
            }
            if !fault.strikes(target) {
                continue;
            }
            match &fault.what {
                What::Slow(bytes_per_second) => pace = Some(*bytes_per_second),
                What::Silence => return (Decision::Silence, pace, Vec::new()),
                What::Answer { status, headers } => {
                    let answer = Decision::Answer(*status, headers.clone());
                    return (answer, pace, Vec::new());
                }
                What::Redirect {
                    from_prefix,
                    to_url,
                } => {
                    let location = format!("{to_url}{}", &target[from_prefix.len()..]);
                    let headers = vec![("Location".to_owned(), location)];
                    return (Decision::Answer(301, headers), pace, Vec::new());
                }
                What::Stall(_) | What::Cut(_) => {}
            }
        }
        limits.sort_unstable();
        let decision = match self.admits(head) {
            Ok(user) => Decision::Serve(user),
            Err(()) => Decision::Answer(
                401,
                vec![(
                    "WWW-Authenticate".to_owned(),
                    "Basic realm=\"git\"".to_owned(),
                )],
            ),
        };
        (decision, pace, limits)
    }

    /// Returns the user that a request is from, if there are users; an error keeps it out.
    fn admits(&mut self, head: &Head) -> Result<Option<String>, ()> {
        let Some(auth) = &mut self.auth else {
            return Ok(None);
        };
        let given = head.header("authorization").and_then(http::credentials);
        if given.is_some_and(|(user, token)| auth.admits(&user, &token)) {
            Ok(Some(auth.user.clone()))
        } else {
            Err(())
        }
    }
}

impl Auth {
    fn new(user: &str, tokens: impl Into<VecDeque<(String, Option<usize>)>>) -> Self {
        Self {
            user: user.to_owned(),
            tokens: tokens.into(),
        }
    }

    /// Returns whether these are the user and the present token, and counts it if they are.
    fn admits(&mut self, user: &str, token: &str) -> bool {
        let Some((present, requests)) = self.tokens.front_mut() else {
            return false;
        };
        if user != self.user || token != present {
            return false;
        }
        if let Some(left) = requests {
            *left = left.saturating_sub(1);
            if *left == 0 {
                self.tokens.pop_front();
            }
        }
        true
    }
}
