//! The socket, its connections, and the thread that they run on.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::thread::JoinHandle;
use std::time::Duration;

use nix::sys::socket::{setsockopt, sockopt};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, oneshot};
use tokio::task::JoinSet;

/// A listening socket; its drop closes all connections and joins the thread.
#[derive(Debug)]
pub(super) struct Listening {
    address: SocketAddr,
    socket: std::net::TcpListener,
    end: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Listening {
    /// Listens on a free port of 127.0.0.1, and serves each connection as a task.
    pub(super) fn new<S, F>(serve: S) -> Self
    where
        S: Fn(Connection) -> F + Send + 'static,
        F: Future<Output = ()> + Send + 'static,
    {
        let socket = std::net::TcpListener::bind("127.0.0.1:0").expect("127.0.0.1 has a free port");
        let address = socket.local_addr().expect("the socket is bound");
        socket
            .set_nonblocking(true)
            .expect("the socket is one of TCP");
        let copy = socket.try_clone().expect("a descriptor can be copied");
        // Two, so that one can hash a body while the other reads the next.
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .expect("a runtime can be made");
        let (end, ended) = oneshot::channel();
        let thread = std::thread::spawn(move || {
            runtime.block_on(async {
                tokio::select! {
                    () = accept(copy, serve) => {}
                    // An error says the same: nobody has the server any more.
                    _ = ended => {}
                }
            });
            // With it go all connections.
            drop(runtime);
        });
        Self {
            address,
            socket,
            end: Some(end),
            thread: Some(thread),
        }
    }

    /// Where it listens.
    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Keeps little of what connections from now on have sent and nobody has read.
    pub(super) fn keep_little(&self) {
        // The kernel doubles it.
        setsockopt(&self.socket, sockopt::RcvBuf, &(1 << 16)).expect("a buffer can be small");
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        // An error means that the thread has ended already.
        let _ = self.end.take().map(|end| end.send(()));
        let ended = self.thread.take().map(JoinHandle::join);
        if !std::thread::panicking() {
            assert!(
                matches!(ended, Some(Ok(()))),
                "the server on {} panicked; its message is above",
                self.address
            );
        }
    }
}

async fn accept<S, F>(socket: std::net::TcpListener, serve: S)
where
    S: Fn(Connection) -> F,
    F: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::from_std(socket).expect("the runtime takes sockets");
    let mut connections = JoinSet::new();
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                // Small answers are not to wait for more to send.
                drop(stream.set_nodelay(true));
                connections.spawn(serve(Connection::new(stream)));
            }
            // Too many open files, for one: others close theirs meanwhile.
            Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
        }
        while let Some(ended) = connections.try_join_next() {
            ended.expect("a connection does not panic");
        }
    }
}

/// What becomes of a connection.
#[derive(Debug, Default)]
pub(super) struct Fate {
    reset: AtomicBool,
    changed: Notify,
}

impl Fate {
    /// Ends the connection with a reset, whatever is on its way.
    pub(super) fn reset(&self) {
        self.reset.store(true, Ordering::SeqCst);
        self.changed.notify_one();
    }

    /// Waits for that.
    pub(super) async fn is_reset(&self) {
        while !self.reset.load(Ordering::SeqCst) {
            self.changed.notified().await;
        }
    }
}

/// A connection, ended as its fate says.
#[derive(Debug)]
pub(super) struct Connection {
    stream: TcpStream,
    /// Shared with what decides it.
    pub(super) fate: Arc<Fate>,
}

impl Connection {
    fn new(stream: TcpStream) -> Self {
        Self {
            stream,
            fate: Arc::default(),
        }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        if self.fate.reset.load(Ordering::SeqCst) {
            self.stream
                .set_zero_linger()
                .expect("the socket is one of TCP");
        }
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
