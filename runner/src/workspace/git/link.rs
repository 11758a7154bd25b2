//! What libgit2 speaks over: sockets behind blocking streams.
//!
//! # Theory of operation
//!
//! libgit2 brings no transport that fits: its own need OpenSSL and libssh2, read the process's
//! environment, and cannot be cancelled. It lets others be registered, though. [`register`] does so
//! once a process, for `http`, `https`, `ssh` and `git`; what they reach is the [`Link`] of the
//! thread that fetches ([`Link::during`]).
//!
//! libgit2 is blocking and has a thread of its own; the sockets are driven on that thread
//! ([`Sockets`]). Every wait ends when the run is cancelled, when nothing came for too long, and at
//! the deadline of the whole checkout.
//!
//! Through libgit2 an error becomes a text. [`Link::failure`] has it as it was.

use std::cell::RefCell;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, Once, PoisonError};
use std::time::{Duration, Instant};

use agent_plan::plan::{CheckoutPlan, Remote, Scheme, SshAccess};
use git2::transport::Transport;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use super::http::{Http, HttpError};
use super::sockets::Sockets;
use super::ssh::SshError;
use crate::cancel::Cancel;
use stream::Asked;

mod stream;

/// The port of the git protocol (git-daemon(1)).
const GIT_PORT: u16 = 9418;

/// Why nothing can be fetched over a link.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LinkError {
    /// HTTP.
    #[error(transparent)]
    Http(#[from] HttpError),
    /// SSH.
    #[error(transparent)]
    Ssh(Box<SshError>),
    /// The git protocol.
    #[error("no connection to `{host}`")]
    Tcp {
        /// The server.
        host: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Nothing came for too long.
    #[error("`{host}` sent nothing for {after:?}")]
    Stalled {
        /// The server.
        host: String,
        /// How long that is.
        after: Duration,
    },
    /// The checkout as a whole took too long.
    #[error("the time for the checkout, {0:?}, is over")]
    Late(Duration),
    /// The run is being stopped.
    #[error("the run is being stopped")]
    Cancelled,
}

impl From<SshError> for LinkError {
    fn from(error: SshError) -> Self {
        // By far the largest of them, and the rarest.
        Self::Ssh(Box::new(error))
    }
}

/// How one repository is reached, for one attempt.
#[derive(Debug)]
pub(super) struct Link {
    sockets: Arc<Sockets>,
    remote: Remote,
    limits: Limits,
    failure: Mutex<Option<LinkError>>,
    received: AtomicU64,
    way: Way,
}

/// What ends a wait.
#[derive(Debug, Clone)]
pub(super) struct Limits {
    /// The run is being stopped.
    pub(super) cancel: Cancel,
    /// Longest time for a connection.
    pub(super) connect: Duration,
    /// Longest silence.
    pub(super) transfer: Duration,
    /// The end of the whole checkout, and the time that it had.
    pub(super) deadline: Option<(Instant, Duration)>,
}

impl Limits {
    /// Returns why work that computes must end now, if it must.
    pub(super) fn over(&self) -> Option<LinkError> {
        if self.cancel.is_asked() {
            return Some(LinkError::Cancelled);
        }
        let (at, total) = self.deadline?;
        (Instant::now() >= at).then_some(LinkError::Late(total))
    }

    /// Says whether there is time for a pause and for something after it.
    pub(super) fn allow(&self, pause: Duration) -> bool {
        self.deadline
            .is_none_or(|(at, _)| Instant::now() + pause < at)
    }
}

#[derive(Debug)]
enum Way {
    Http(Box<Http>),
    Ssh(SshAccess),
    Tcp,
}

thread_local! {
    /// The link of the fetch that this thread is in: libgit2's factories get nothing from us.
    static CURRENT: RefCell<Option<Arc<Link>>> = const { RefCell::new(None) };
}

impl Link {
    /// Makes a link; connects to nothing.
    ///
    /// # Errors
    ///
    /// Returns [`LinkError`] if the plan's authorities or proxies cannot be used.
    pub(super) fn new(
        sockets: &Arc<Sockets>,
        plan: &CheckoutPlan,
        remote: &Remote,
        limits: Limits,
    ) -> Result<Arc<Self>, LinkError> {
        let way = match remote.scheme {
            Scheme::Ssh => Way::Ssh(ssh_for(&plan.access.ssh, remote)),
            // libgit2's own transport reads files; it never asks for a link.
            Scheme::Git | Scheme::File => Way::Tcp,
            Scheme::Http | Scheme::Https => {
                Way::Http(Box::new(Http::new(remote, &plan.access, limits.connect)?))
            }
        };
        Ok(Arc::new(Self {
            sockets: Arc::clone(sockets),
            remote: remote.clone(),
            limits,
            failure: Mutex::new(None),
            received: AtomicU64::new(0),
            way,
        }))
    }

    /// Does `work` on this thread with this link as what libgit2 speaks over.
    pub(super) fn during<T>(self: &Arc<Self>, work: impl FnOnce() -> T) -> T {
        register();
        CURRENT.set(Some(Arc::clone(self)));
        let done = work();
        CURRENT.set(None);
        done
    }

    /// Takes what went wrong, in our own words, if anything did.
    pub(super) fn failure(&self) -> Option<LinkError> {
        self.failure
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
    }

    /// Bytes that came so far.
    pub(super) fn received(&self) -> u64 {
        self.received.load(Ordering::Relaxed)
    }

    /// Waits for work of the sockets, as long as the limits allow, and remembers why it failed.
    fn wait<T>(&self, work: impl Future<Output = Result<T, LinkError>>) -> io::Result<T> {
        let done = match self.limits.over() {
            Some(over) => Err(over),
            None => self.sockets.wait(self.limited(work)),
        };
        done.map_err(|error| {
            let text = io::Error::other(error.to_string());
            *self.failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
            text
        })
    }

    async fn limited<T>(
        &self,
        work: impl Future<Output = Result<T, LinkError>>,
    ) -> Result<T, LinkError> {
        let Limits {
            cancel,
            transfer,
            deadline,
            ..
        } = &self.limits;
        let late = async {
            match deadline {
                Some((at, total)) => {
                    tokio::time::sleep_until((*at).into()).await;
                    LinkError::Late(*total)
                }
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            () = cancel.asked() => Err(LinkError::Cancelled),
            error = late => Err(error),
            done = work => done,
            () = tokio::time::sleep(*transfer) => Err(LinkError::Stalled {
                host: self.remote.authority(),
                after: *transfer,
            }),
        }
    }

    fn broken(&self, source: io::Error) -> LinkError {
        LinkError::Tcp {
            host: self.remote.authority(),
            source,
        }
    }

    async fn tcp(&self) -> Result<TcpStream, LinkError> {
        let failed = |source| self.broken(source);
        let address = (
            self.remote.host.as_str(),
            self.remote.port.unwrap_or(GIT_PORT),
        );
        let connecting = tokio::time::timeout(self.limits.connect, TcpStream::connect(address));
        let connected = connecting
            .await
            .unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()));
        let mut stream = connected.map_err(failed)?;
        let request = format!(
            "git-upload-pack {}\0host={}\0",
            self.remote.path,
            self.remote.authority()
        );
        let request = format!("{:04x}{request}", request.len() + 4);
        stream.write_all(request.as_bytes()).await.map_err(failed)?;
        Ok(stream)
    }
}

/// The key is for one host; a submodule may be on another.
fn ssh_for(access: &SshAccess, remote: &Remote) -> SshAccess {
    let mut access = access.clone();
    if access.host.as_deref() != Some(&remote.host) {
        access.key = None;
    }
    access
}

/// Tells libgit2, once a process, to ask us for everything that crosses a network.
fn register() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        for (scheme, rpc) in [
            ("http", true),
            ("https", true),
            ("ssh", false),
            ("git", false),
        ] {
            let factory = move |remote: &git2::Remote<'_>| {
                let link = CURRENT.with_borrow(Clone::clone);
                let link = link.ok_or_else(|| git2::Error::from_str("there is no link"))?;
                Transport::smart(remote, rpc, Asked(link))
            };
            #[expect(unsafe_code, reason = "registering is global in libgit2")]
            // SAFETY: `Once` keeps other registrations away, and every transport of this process is
            // made inside `Link::during`, which comes after.
            let registered = unsafe { git2::transport::register(scheme, factory) };
            registered.expect("a scheme is registered only here, and only once");
        }
    });
}
