//! Context in: what others said about the same work, fetched before the run (contract §8.4).
//!
//! # Theory of operation
//!
//! A plan that wants others' words is made without them first; it says where they are and about
//! what they must be. [`fetch`] gets them, and the plan is made again with them as the template
//! root `context`. The stream is read from its end backwards ([`window`]), because the newest count
//! and a stream may have ten gigabytes; nothing is created in it but readers that the server
//! forgets by itself. What was said is text of strangers: each message is bounded and freed of what
//! no argument may hold ([`message`]), and nothing in it is ever rendered again.

mod connection;
mod message;
mod window;

use std::io;
use std::time::Duration;

use agent_plan::plan::{ContextPlan, NatsPlan};
use async_nats::ConnectError;
use async_nats::jetstream::ErrorCode;
use async_nats::jetstream::consumer::pull::BatchError;
use async_nats::jetstream::context::{GetStreamError, GetStreamErrorKind};
use async_nats::jetstream::stream::ConsumerError;
use serde_json::{Value, json};
use tokio::runtime::Builder;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::cancel::Cancel;
use crate::nats::{self, LoginError};
use window::Found;

/// What others said.
#[derive(Debug)]
pub struct Said {
    /// The template root `context`: `stream`, `subject`, `count`, `fetched`, `filtered`, and
    /// `messages`, the oldest first.
    pub root: Value,
    /// Why there may be more than is in it.
    pub warning: Option<String>,
}

/// Why it cannot be known what others said.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ContextError {
    /// There is no runtime to wait on.
    #[error("the fetch cannot be started")]
    Start(#[source] io::Error),
    /// What logs in, or an authority, cannot be used.
    #[error("the login for NATS cannot be used")]
    Login(#[source] LoginError),
    /// No server took the connection.
    #[error("no NATS server at {servers} takes the connection")]
    Connect {
        /// Which were tried.
        servers: String,
        /// Why.
        #[source]
        source: ConnectError,
    },
    /// The server does not know the stream.
    #[error("the stream `{stream}` cannot be looked at")]
    Stream {
        /// Its name.
        stream: String,
        /// Why.
        #[source]
        source: GetStreamError,
    },
    /// The stream cannot be read from.
    #[error("the stream `{stream}` cannot be read on `{subject}`")]
    Reader {
        /// Its name.
        stream: String,
        /// The subject.
        subject: String,
        /// Why.
        #[source]
        source: ConsumerError,
    },
    /// The server does not hand out messages.
    #[error("messages of the stream `{stream}` cannot be had")]
    Batch {
        /// Its name.
        stream: String,
        /// Why.
        #[source]
        source: BatchError,
    },
    /// Handing out ended with an error.
    #[error("the stream `{stream}` ended early: {problem}")]
    Torn {
        /// Its name.
        stream: String,
        /// The server's words.
        problem: String,
    },
    /// The account may not do it.
    #[error("the NATS account may not read the stream `{stream}`: {problem}")]
    Denied {
        /// Its name.
        stream: String,
        /// The server's words, which name the subject.
        problem: String,
    },
    /// It took longer than it may.
    #[error("NATS did not answer within {} while {doing}", humantime::format_duration(*timeout))]
    Timeout {
        /// How long it may take.
        timeout: Duration,
        /// What was waited for.
        doing: &'static str,
    },
    /// Somebody asked for the end.
    #[error("the fetch was interrupted")]
    Interrupted,
}

impl ContextError {
    /// Returns what to do about it.
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Stream { source, .. } => match source.kind() {
                GetStreamErrorKind::JetStream(error)
                    if error.error_code() == ErrorCode::STREAM_NOT_FOUND =>
                {
                    "make it, or name another in `NATS_STREAM`"
                }
                _ => "the server, or the account, may have no JetStream",
            },
            Self::Denied { .. } => "docs/events.md lists the permissions that it needs",
            Self::Connect { .. } | Self::Login(_) => "see `NATS_URL` and the login in its place",
            Self::Timeout { .. } => "`NATS_CONTEXT_TIMEOUT_MS` gives it longer",
            _ => return None,
        };
        Some(hint.to_owned())
    }
}

/// Fetches what others said.
///
/// Blocks for as long as the plan allows, and not at all after `cancel` was asked. Creates nothing
/// in the stream that the server does not forget within [`window::FORGOTTEN_AFTER`].
///
/// # Errors
///
/// Returns [`ContextError`]; it holds no credential.
pub fn fetch(plan: &ContextPlan, nats: &NatsPlan, cancel: &Cancel) -> Result<Said, ContextError> {
    tracing::dispatcher::with_default(&nats::quiet(), || wait(plan, nats, cancel))
}

fn wait(plan: &ContextPlan, nats: &NatsPlan, cancel: &Cancel) -> Result<Said, ContextError> {
    let runtime = Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(ContextError::Start)?;
    let said = runtime.block_on(async {
        tokio::select! {
            biased;
            () = cancel.asked() => Err(ContextError::Interrupted),
            found = find(plan, nats) => found.map(|found| said(plan, &found)),
        }
    });
    // A name that is being looked up must not keep us.
    runtime.shutdown_background();
    said
}

/// Returns the root of a fetch that gave nothing.
pub fn nothing(plan: &ContextPlan) -> Value {
    root(plan, &Found::default())
}

async fn find(plan: &ContextPlan, nats: &NatsPlan) -> Result<Found, ContextError> {
    let deadline = Instant::now() + plan.timeout;
    let (tell, mut denied) = watch::channel(None);
    let look = async {
        let client = connection::connect(nats, plan.timeout, tell);
        let client = in_time(plan, deadline, "connecting", client).await?;
        window::look_back(&client, plan, deadline).await
    };
    tokio::select! {
        biased;
        found = look => found,
        // The server says so beside the request, which it never answers.
        problem = first(&mut denied) => Err(ContextError::Denied {
            stream: plan.stream.clone(),
            problem,
        }),
    }
}

/// Waits for the first thing that is said; for ever if nothing is.
async fn first(denied: &mut watch::Receiver<Option<String>>) -> String {
    let told = denied.wait_for(Option::is_some).await;
    if let Some(problem) = told.ok().and_then(|problem| problem.clone()) {
        return problem;
    }
    std::future::pending().await
}

/// Does something before the deadline, or says what was not done by then.
async fn in_time<T>(
    plan: &ContextPlan,
    deadline: Instant,
    doing: &'static str,
    work: impl Future<Output = Result<T, ContextError>>,
) -> Result<T, ContextError> {
    let timeout = || ContextError::Timeout {
        timeout: plan.timeout,
        doing,
    };
    tokio::time::timeout_at(deadline, work)
        .await
        .map_err(|_| timeout())?
}

fn said(plan: &ContextPlan, found: &Found) -> Said {
    let warning = found.cut_short.as_ref().map(|cause| {
        format!(
            "`events.context` found {} of {} messages, and looked no further back than {}: {cause}",
            found.messages.len(),
            plan.count,
            found.fetched,
        )
    });
    Said {
        root: root(plan, found),
        warning,
    }
}

fn root(plan: &ContextPlan, found: &Found) -> Value {
    json!({
        "stream": plan.stream,
        "subject": plan.subject,
        "count": plan.count,
        "fetched": found.fetched,
        "filtered": found.filtered,
        "messages": found.messages,
    })
}
