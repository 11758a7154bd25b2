//! A forward proxy: tunnels by `CONNECT`, and requests for whole URLs.
//!
//! ```no_run
//! use agent_tests::{Git, GitServer, Proxy, Repository};
//!
//! let repository = Repository::new().commit("main", [("README", "hello\n")]);
//! let server = GitServer::new().serve("owner/name", &repository).tls_as(&["github.com"]);
//! let proxy = Proxy::new().auth("user", "secret").resolve("github.com:443", server.address());
//! let dir = tempfile::tempdir().unwrap();
//! Git::new(dir.path())
//!     .env("HTTPS_PROXY", proxy.url_as("user", "secret"))
//!     .env("GIT_SSL_CAINFO", server.ca_file())
//!     .run(["clone", "https://github.com/owner/name.git", "clone"]);
//! assert_eq!(proxy.requests()[0].target, "github.com:443");
//! ```

use std::collections::HashMap;
use std::io::{self, BufReader, Seek, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::git_server::http::{Head, credentials};
use crate::git_server::listener::{Life, Listener};

/// A proxy on 127.0.0.1; gone with all its tunnels when dropped.
#[derive(Debug)]
pub struct Proxy {
    listener: Listener,
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    auth: Option<(String, String)>,
    addresses: HashMap<String, SocketAddr>,
    refuse: Option<u16>,
    requests: Vec<Proxied>,
}

/// What somebody wanted of the proxy.
#[derive(Debug, Clone)]
pub struct Proxied {
    /// `CONNECT`, or the method of the request.
    pub method: String,
    /// Host and port of a tunnel, or the whole URL.
    pub target: String,
    /// The value of `Proxy-Authorization`, as it was sent.
    pub authorization: Option<String>,
    /// What the proxy answered itself: 200 for a tunnel, 407, 502; `None` where it passed the
    /// request on and the server answered.
    pub status: Option<u16>,
}

impl Default for Proxy {
    fn default() -> Self {
        Self::new()
    }
}

impl Proxy {
    /// Listens on a free port of 127.0.0.1, and lets everybody through.
    pub fn new() -> Self {
        let state = Arc::<Mutex<State>>::default();
        let listener = {
            let state = Arc::clone(&state);
            // An error means that one of the sides has left.
            Listener::new(move |stream, life| drop(serve(stream, life, &state)))
        };
        Self { listener, state }
    }

    /// Wants this user and password; 407 for all else.
    #[must_use]
    pub fn auth(self, user: &str, password: &str) -> Self {
        self.state().auth = Some((user.to_owned(), password.to_owned()));
        self
    }

    /// Goes to an address for a host and port, such as `github.com:443`, that is not real here.
    #[must_use]
    pub fn resolve(self, target: &str, address: SocketAddr) -> Self {
        self.state().addresses.insert(target.to_owned(), address);
        self
    }

    /// Answers everything with a status and passes nothing on.
    #[must_use]
    pub fn refuse(self, status: u16) -> Self {
        self.state().refuse = Some(status);
        self
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.listener.address()
    }

    /// Its URL for `HTTPS_PROXY` and `HTTP_PROXY`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address())
    }

    /// Its URL with user and password, which are not escaped.
    pub fn url_as(&self, user: &str, password: &str) -> String {
        format!("http://{user}:{password}@{}", self.address())
    }

    /// What was wanted so far, in order.
    pub fn requests(&self) -> Vec<Proxied> {
        self.state().requests.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

fn serve(stream: TcpStream, life: &Life, state: &Mutex<State>) -> io::Result<()> {
    let mut client = BufReader::new(stream);
    while let Some(head) = Head::read(&mut client)? {
        let mut body = tempfile::tempfile()?;
        let length = head.read_body(&mut client, &mut body)?;
        let (host, path) = split(&head);
        let (entry, status, address) = lock(state).decide(&head, &host);
        if let Some(status) = status {
            let ask = match status {
                407 => "Proxy-Authenticate: Basic realm=\"proxy\"\r\n",
                _ => "",
            };
            write!(
                client.get_mut(),
                "HTTP/1.1 {status} \r\nContent-Length: 0\r\n{ask}\r\n"
            )?;
            continue;
        }
        let reached = address.map_or_else(|| TcpStream::connect(&host), TcpStream::connect);
        let tunnel = head.method == "CONNECT";
        let answer = match (&reached, tunnel) {
            (Err(_), _) => Some(502),
            (Ok(_), true) => Some(200),
            (Ok(_), false) => None,
        };
        // Before the peer can know, so that a test that has the answer finds it in the log.
        lock(state).requests[entry].status = answer;
        let Ok(mut server) = reached else {
            client
                .get_mut()
                .write_all(b"HTTP/1.1 502 \r\nContent-Length: 0\r\n\r\n")?;
            continue;
        };
        let held = life.hold(&server)?;
        if tunnel {
            client.get_mut().write_all(b"HTTP/1.1 200 \r\n\r\n")?;
            server.write_all(client.buffer())?;
        } else {
            body.rewind()?;
            server.write_all(passed_on(&head, path, length).as_bytes())?;
            io::copy(&mut body, &mut server)?;
        }
        both_ways(client.get_ref(), &server)?;
        drop(held);
        return Ok(());
    }
    Ok(())
}

/// Returns host and port, and the path of a request.
fn split(head: &Head) -> (String, &str) {
    let rest = head.target.strip_prefix("http://").unwrap_or(&head.target);
    let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let port = if host.contains(':') { "" } else { ":80" };
    (
        format!("{host}{port}"),
        if path.is_empty() { "/" } else { path },
    )
}

impl State {
    /// Notes a request; returns its place, the status that it gets at once, and where it goes if
    /// its host is not real.
    fn decide(&mut self, head: &Head, host: &str) -> (usize, Option<u16>, Option<SocketAddr>) {
        let authorization = head.header("proxy-authorization").map(str::to_owned);
        let given = authorization.as_deref().and_then(credentials);
        let status = if self.auth.is_some() && given != self.auth {
            Some(407)
        } else {
            self.refuse
        };
        self.requests.push(Proxied {
            method: head.method.clone(),
            target: head.target.clone(),
            authorization,
            status,
        });
        let address = self.addresses.get(host).copied();
        (self.requests.len() - 1, status, address)
    }
}

/// Returns the head of a request as the server gets it: one request on this connection.
fn passed_on(head: &Head, path: &str, length: u64) -> String {
    let mut text = format!("{} {path} HTTP/1.1\r\n", head.method);
    for (name, value) in &head.headers {
        let name_in_lower = name.to_ascii_lowercase();
        let hop = [
            "connection",
            "content-length",
            "transfer-encoding",
            "expect",
        ]
        .contains(&name_in_lower.as_str());
        if !hop && !name_in_lower.starts_with("proxy-") {
            text += &format!("{name}: {value}\r\n");
        }
    }
    text + &format!("Content-Length: {length}\r\nConnection: close\r\n\r\n")
}

/// Copies both ways until both sides have ended.
fn both_ways(client: &TcpStream, server: &TcpStream) -> io::Result<()> {
    let copy = |mut from: &TcpStream, mut to: &TcpStream| {
        let copied = io::copy(&mut from, &mut to);
        // It may be closed already, which is as good.
        drop(to.shutdown(Shutdown::Write));
        // Who reads no more must not keep the other side writing.
        if copied.is_err() {
            drop(from.shutdown(Shutdown::Both));
        }
        copied
    };
    std::thread::scope(|scope| {
        let up = scope.spawn(|| copy(client, server));
        copy(server, client)?;
        up.join().expect("copying does not panic").map(drop)
    })
}
