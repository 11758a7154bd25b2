//! Where AWS's clients get temporary keys from, each on a free port of 127.0.0.1: a token service, the
//! endpoint beside a container, and instance metadata.
//!
//! What they give out is let in by an [`crate::S3Server`], with its session token only.
//!
//! ```no_run
//! use agent_tests::{Run, S3Server, TokenService};
//!
//! let server = S3Server::new();
//! let role = "arn:aws:iam::123456789012:role/runner";
//! let service = TokenService::new(&server, role, "the token of the service account");
//! let run = Run::new();
//! std::fs::write(run.path("token"), "the token of the service account").unwrap();
//! run.env("AWS_ENDPOINT_URL_STS", service.url()).end();
//! assert_eq!(service.given(), 1);
//! ```

mod container;
mod instance;
mod token_service;

use std::io::{self, BufReader, Write};
use std::net::TcpStream;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

pub use container::ContainerCredentials;
pub use instance::InstanceMetadata;
pub use token_service::TokenService;

use crate::S3Server;
use crate::git_server::http::Head;
use crate::git_server::listener::Listener;
use crate::s3_server::{Keyring, S3Keys};

/// What all three have.
#[derive(Debug)]
struct Endpoint {
    listener: Listener,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    keyring: Keyring,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    lifetime: Duration,
    /// Requests that are still to fail.
    failing: usize,
    asked: usize,
    given: usize,
}

/// An answer to a request.
struct Answer {
    status: u16,
    content_type: &'static str,
    header: Option<(&'static str, String)>,
    body: String,
}

impl Endpoint {
    fn new(
        server: &S3Server,
        answer: impl Fn(&Head, &[u8], &Shared) -> Answer + Send + Sync + 'static,
    ) -> Self {
        let shared = Arc::new(Shared {
            keyring: server.keyring(),
            state: Mutex::new(State {
                lifetime: Duration::from_hours(1),
                failing: 0,
                asked: 0,
                given: 0,
            }),
        });
        let listener = {
            let shared = Arc::clone(&shared);
            Listener::new(move |stream, _| {
                // A peer that goes away in the middle has not asked for anything.
                drop(serve(stream, &shared, &answer));
            })
        };
        Self { listener, shared }
    }

    fn url(&self) -> String {
        format!("http://{}", self.listener.address())
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes keys, and says until when they are good, as text.
    fn give(&self) -> (S3Keys, String) {
        let mut state = self.state();
        state.given += 1;
        let until = SystemTime::now() + state.lifetime;
        let until = humantime::format_rfc3339_seconds(until);
        (self.keyring.issue(), until.to_string())
    }
}

fn serve(
    stream: TcpStream,
    shared: &Shared,
    answer: &impl Fn(&Head, &[u8], &Shared) -> Answer,
) -> io::Result<()> {
    let mut client = BufReader::new(stream);
    while let Some(head) = Head::read(&mut client)? {
        let mut body = Vec::new();
        head.read_body(&mut client, &mut body)?;
        let fails = {
            let mut state = shared.state();
            state.asked += 1;
            let fails = state.failing > 0;
            state.failing = state.failing.saturating_sub(1);
            fails
        };
        let answer = if fails {
            Answer::text(500, "it fails, as the test wants it")
        } else {
            answer(&head, &body, shared)
        };
        let client = client.get_mut();
        let mut text = format!(
            "HTTP/1.1 {} \r\nContent-Type: {}\r\nContent-Length: {}\r\n",
            answer.status,
            answer.content_type,
            answer.body.len()
        );
        if let Some((name, value)) = answer.header {
            text.push_str(&format!("{name}: {value}\r\n"));
        }
        text.push_str("\r\n");
        text.push_str(&answer.body);
        client.write_all(text.as_bytes())?;
    }
    Ok(())
}

impl Answer {
    fn new(status: u16, content_type: &'static str, body: impl Into<String>) -> Self {
        Self {
            status,
            content_type,
            header: None,
            body: body.into(),
        }
    }

    fn text(status: u16, body: impl Into<String>) -> Self {
        Self::new(status, "text/plain", body)
    }
}

/// Gives each of them what all of them have.
macro_rules! endpoint {
    ($name:ident) => {
        impl $name {
            /// The keys that it gives are said to be good so long; the default is an hour.
            #[must_use]
            pub fn lifetime(self, lifetime: Duration) -> Self {
                self.endpoint.shared.state().lifetime = lifetime;
                self
            }

            /// Answers its next requests with 500, so many of them.
            #[must_use]
            pub fn failing(self, requests: usize) -> Self {
                self.endpoint.shared.state().failing = requests;
                self
            }

            /// How many requests there have been.
            pub fn asked(&self) -> usize {
                self.endpoint.shared.state().asked
            }

            /// How often it has given keys.
            pub fn given(&self) -> usize {
                self.endpoint.shared.state().given
            }
        }
    };
}

endpoint!(TokenService);
endpoint!(ContainerCredentials);
endpoint!(InstanceMetadata);
