//! The API of a model that plays a script: Anthropic Messages and `OpenAI` Responses.
//!
//! Blocking, with a thread per connection. The n-th request for the model gets the n-th step of
//! the script; the last step is repeated. A server serves one script, so a test starts its own.
//!
//! ```no_run
//! use agent_tests::{ModelApi, Step};
//!
//! let api = ModelApi::start([
//!     Step::http(429, "rate_limit_error", "slow down").header("retry-after", "1"),
//!     Step::shell("printf hello > out.txt").say("I will write the file."),
//!     Step::text("Done.").usage(1000, 20),
//! ]);
//! // ANTHROPIC_BASE_URL=api.url(), or `agents::codex_home`.
//! assert_eq!(api.await_request(1).body["stream"], true);
//! ```

mod anthropic;
mod event;
mod openai;
mod reply;
mod step;

use std::collections::{BTreeMap, HashSet};
use std::io::{self, BufReader};
use std::net::TcpStream;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use serde_json::{Value, json};

use crate::git_server::http::Head;
use crate::git_server::listener::{Life, Listener};
use crate::{DEADLINE, wait_until};
use event::{Event, offered};
use reply::Reply;
use step::What;
pub use step::{Call, Step};

/// Tokens that every answer of the Messages API reports as written to the cache.
pub const CACHE_WRITTEN: u64 = 10;

/// Tokens that every answer reports as read from the cache.
pub const CACHE_READ: u64 = 20;

/// Tokens of the output that every answer of the Responses API reports as reasoning.
pub const REASONING: u64 = 7;

/// A model on 127.0.0.1; gone with all its connections when dropped.
#[derive(Debug)]
pub struct ModelApi {
    listener: Listener,
    shared: Arc<Shared>,
}

/// A request, as it came.
#[derive(Debug, Clone)]
pub struct ModelRequest {
    /// Its method.
    pub method: String,
    /// Its path, with the query.
    pub path: String,
    /// Its headers by their names in lower case; of several, the last.
    pub headers: BTreeMap<String, String>,
    /// Its body; null if it is not JSON.
    pub body: Value,
}

#[derive(Debug)]
struct Shared {
    script: Vec<Step>,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    requests: Vec<ModelRequest>,
    others: Vec<ModelRequest>,
    released: HashSet<String>,
    ended: bool,
}

/// Which of the two APIs a request is for.
#[derive(Debug, Clone, Copy)]
enum Api {
    Messages,
    Responses,
}

impl ModelApi {
    /// Listens on a free port of 127.0.0.1, and plays these steps.
    pub fn start(script: impl IntoIterator<Item = Step>) -> Self {
        let script: Vec<Step> = script.into_iter().collect();
        assert!(!script.is_empty(), "a script has a step");
        let shared = Arc::new(Shared {
            script,
            state: Mutex::default(),
            changed: Condvar::new(),
        });
        let listener = {
            let shared = Arc::clone(&shared);
            // An error means that the client has left, or that the script wants the end.
            Listener::new(move |stream, life| drop(shared.serve(stream, life)))
        };
        Self { listener, shared }
    }

    /// The base URL, without a slash at its end and without `/v1`, which both APIs may have.
    pub fn url(&self) -> String {
        format!("http://{}", self.listener.address())
    }

    /// The requests so far that got a step of the script, in their order.
    pub fn requests(&self) -> Vec<ModelRequest> {
        self.shared.state().requests.clone()
    }

    /// All other requests so far: for models, for counts of tokens, for what there is not.
    pub fn other_requests(&self) -> Vec<ModelRequest> {
        self.shared.state().others.clone()
    }

    /// Waits for the n-th request that gets a step of the script; the first is 1.
    #[track_caller]
    pub fn await_request(&self, n: usize) -> ModelRequest {
        let came = wait_until(DEADLINE, || self.shared.state().requests.len() >= n);
        let requests = self.requests();
        assert!(came, "request {n} never came, only {}", requests.len());
        requests[n - 1].clone()
    }

    /// Lets the steps go on that are held by this name, from now on.
    pub fn release(&self, name: &str) {
        self.shared.state().released.insert(name.to_owned());
        self.shared.changed.notify_all();
    }
}

impl Drop for ModelApi {
    fn drop(&mut self) {
        // The listener joins its threads, and some may wait to be released.
        self.shared.state().ended = true;
        self.shared.changed.notify_all();
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn serve(&self, stream: TcpStream, life: &Life) -> io::Result<()> {
        let mut stream = BufReader::new(stream);
        while let Some(head) = Head::read(&mut stream)? {
            let mut body = Vec::new();
            head.read_body(&mut stream, &mut body)?;
            let request = ModelRequest::new(&head, &body);
            let mut reply = Reply {
                stream: &mut stream,
                life,
                has_body: head.method != "HEAD",
            };
            match request.api() {
                Some(api) => {
                    let step = self.next_step(&request);
                    self.await_release(&step)?;
                    play(&step.what, api, &request.body, &mut reply)?;
                }
                None => self.answer_other(request, &mut reply)?,
            }
            if !head.keeps_alive() {
                break;
            }
        }
        Ok(())
    }

    /// Notes a request and returns its step.
    fn next_step(&self, request: &ModelRequest) -> Step {
        let mut state = self.state();
        let place = state.requests.len().min(self.script.len() - 1);
        state.requests.push(request.clone());
        self.script[place].clone()
    }

    fn await_release(&self, step: &Step) -> io::Result<()> {
        let Some(name) = &step.held_by else {
            return Ok(());
        };
        let mut state = self.state();
        while !state.released.contains(name) {
            if state.ended {
                return Err(io::ErrorKind::ConnectionAborted.into());
            }
            state = (self.changed.wait(state)).unwrap_or_else(PoisonError::into_inner);
        }
        Ok(())
    }

    /// Answers what is no part of a script, and what clients may ask at any time.
    fn answer_other(&self, request: ModelRequest, reply: &mut Reply<'_>) -> io::Result<()> {
        let path = request.route().to_owned();
        let probe = request.is_probe();
        let (method, body) = (request.method.clone(), request.body.clone());
        self.state().others.push(request);
        if probe {
            return play(&Step::text("ok").what, Api::Messages, &body, reply);
        }
        let (status, answer) = if path.ends_with("/count_tokens") {
            (200, json!({ "input_tokens": 1200 }))
        } else if path.ends_with("/models") {
            (200, json!({ "data": [], "models": [], "object": "list" }))
        } else if method == "HEAD" {
            (200, json!({}))
        } else {
            (404, anthropic::error("not_found_error", "no such path"))
        };
        reply.json(status, &[], &answer)
    }
}

impl ModelRequest {
    fn new(head: &Head, body: &[u8]) -> Self {
        let headers = head.headers.iter();
        Self {
            method: head.method.clone(),
            path: head.target.clone(),
            headers: headers
                .map(|(name, value)| (name.to_lowercase(), value.clone()))
                .collect(),
            body: serde_json::from_slice(body).unwrap_or_default(),
        }
    }

    /// The path without the query.
    fn route(&self) -> &str {
        self.path.split('?').next().unwrap_or_default()
    }

    /// Returns whose model is asked, if one is.
    fn api(&self) -> Option<Api> {
        if self.method != "POST" || self.is_probe() {
            None
        } else if self.route().ends_with("/v1/messages") {
            Some(Api::Messages)
        } else if self.route().ends_with("/responses") {
            Some(Api::Responses)
        } else {
            None
        }
    }

    /// Returns whether it asks for one token, as claude does to see whether a key is good.
    fn is_probe(&self) -> bool {
        self.method == "POST"
            && self.route().ends_with("/v1/messages")
            && self.body["max_tokens"] == 1
            && offered(&self.body).next().is_none()
    }
}

/// Answers a request as a step wants.
fn play(what: &What, api: Api, request: &Value, reply: &mut Reply<'_>) -> io::Result<()> {
    let whole = matches!(api, Api::Messages) && request["stream"] != true;
    match (what, api) {
        (What::Answer(answer), _) if whole => {
            reply.document(answer, &anthropic::message(answer, request))
        }
        (What::Answer(answer), Api::Messages) => {
            reply.stream(answer, &anthropic::events(answer, request))
        }
        (What::Answer(answer), Api::Responses) => {
            reply.stream(answer, &openai::events(answer, request))
        }
        (
            What::Refusal {
                status,
                kind,
                message,
                headers,
            },
            _,
        ) => reply.json(*status, headers, &api.error(kind, message)),
        // 529 is how the API refuses outside of a stream what it could not finish in one.
        (What::StreamError { kind, message }, _) if whole => {
            reply.json(529, &[], &api.error(kind, message))
        }
        (What::StreamError { kind, message }, Api::Messages) => {
            reply.stream_of(&Event::new("error", api.error(kind, message)))
        }
        (What::StreamError { kind, message }, Api::Responses) => {
            reply.stream_of(&openai::failed(kind, message))
        }
        (What::Silence, _) => reply.silence(),
        (What::Reset, _) => reply.reset(),
    }
}

impl Api {
    fn error(self, kind: &str, message: &str) -> Value {
        match self {
            Self::Messages => anthropic::error(kind, message),
            Self::Responses => openai::error(kind, message),
        }
    }
}
