//! A `nats-server` of a test's own, as `tests/install` puts it into `target/nats`.

use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};

use async_nats::jetstream::{self, consumer::pull, stream};
use async_nats::{Client, ConnectOptions};
use futures_util::StreamExt;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};

use super::PATIENCE;

/// The stream of the tests.
const STREAM: &str = "agent-comms";

/// Below the ports that the kernel gives to clients, so that nobody takes one while its server is
/// down.
static NEXT_PORT: AtomicU16 = AtomicU16::new(0);

pub(super) struct Server {
    dir: TempDir,
    pub(super) port: u16,
    child: Option<Child>,
}

impl Server {
    /// Starts one with JetStream in files.
    pub(super) fn new() -> Self {
        let mut server = Self::down();
        server.configure("jetstream { store_dir: \"DIR/store\" }");
        server.start();
        server
    }

    /// Starts one with a configuration, in which `DIR` is a directory of its own.
    pub(super) fn with(config: &str) -> Self {
        let mut server = Self::down();
        server.configure(config);
        server.start();
        server
    }

    /// Has a port, and does not run.
    pub(super) fn down() -> Self {
        Self {
            dir: tempfile::tempdir().expect("a temporary directory can be made"),
            port: free_port(),
            child: None,
        }
    }

    pub(super) fn configure(&self, config: &str) {
        let dir = self.dir.path().to_str().expect("it is text");
        let config = config.replace("DIR", dir);
        let config = format!("listen: \"127.0.0.1:{}\"\n{config}\n", self.port);
        std::fs::write(self.dir.path().join("nats.conf"), config).expect("it can be written");
    }

    pub(super) fn start(&mut self) {
        let bin = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/nats/bin/nats-server");
        let child = Command::new(bin)
            .arg("-c")
            .arg(self.dir.path().join("nats.conf"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("`nats-server` is installed: run `sh tests/install`");
        self.child = Some(child);
        let begin = Instant::now();
        while TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).is_err() {
            assert!(begin.elapsed() < PATIENCE, "the server does not start");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Kills it, without a chance to say goodbye.
    pub(super) fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            drop(child.kill());
            drop(child.wait());
        }
    }

    /// Stops it from doing anything, or lets it go on.
    pub(super) fn freeze(&self, is_frozen: bool) {
        let signal = if is_frozen {
            Signal::SIGSTOP
        } else {
            Signal::SIGCONT
        };
        let child = self.child.as_ref().expect("it runs");
        let pid = i32::try_from(child.id()).expect("it is a pid");
        kill(Pid::from_raw(pid), signal).expect("it runs");
    }

    /// Returns what it wrote to `DIR/log`.
    pub(super) fn log(&self) -> String {
        std::fs::read_to_string(self.dir.path().join("log")).expect("it writes a log")
    }

    pub(super) async fn client(&self) -> Client {
        self.client_as(ConnectOptions::new()).await
    }

    pub(super) async fn client_as(&self, options: ConnectOptions) -> Client {
        let address = format!("127.0.0.1:{}", self.port);
        options.connect(address).await.expect("the server is there")
    }

    /// Makes the stream of the contract.
    pub(super) fn make_stream(&self) {
        self.make_stream_with(stream::Config {
            subjects: vec!["agentrun.>".to_owned()],
            ..stream::Config::default()
        });
    }

    pub(super) fn make_stream_with(&self, config: stream::Config) {
        let config = stream::Config {
            name: STREAM.to_owned(),
            ..config
        };
        runtime().block_on(async {
            let context = jetstream::new(self.client().await);
            context.create_stream(config).await.expect("it can be made");
        });
    }

    pub(super) fn delete_stream(&self) {
        runtime().block_on(async {
            let context = jetstream::new(self.client().await);
            context.delete_stream(STREAM).await.expect("it is there");
        });
    }

    /// Returns what is in the stream.
    pub(super) fn stored(&self) -> Vec<async_nats::Message> {
        runtime().block_on(async {
            let context = jetstream::new(self.client().await);
            let stream = context.get_stream(STREAM).await.expect("it is there");
            let count = stream.cached_info().state.messages;
            let consumer = stream
                .create_consumer(pull::Config::default())
                .await
                .expect("it can be made");
            let mut found = Vec::new();
            while (found.len() as u64) < count {
                let mut batch = consumer
                    .fetch()
                    .max_messages(1000)
                    .messages()
                    .await
                    .expect("it can be read");
                while let Some(message) = batch.next().await {
                    let message = message.expect("it can be read");
                    message.ack().await.expect("it is taken");
                    found.push(message.message.clone());
                }
            }
            found
        })
    }

    /// Returns the ids of the messages on subjects that begin so, in order.
    pub(super) fn ids(&self, prefix: &str) -> Vec<String> {
        let stored = self.stored();
        let on_it = stored.iter().filter(|it| it.subject.starts_with(prefix));
        on_it.map(id).collect()
    }
}

pub(super) fn id(message: &async_nats::Message) -> String {
    let headers = message.headers.as_ref().expect("it has headers");
    let id = headers.get("Nats-Msg-Id").expect("it has an id");
    id.as_str().to_owned()
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

pub(super) fn runtime() -> Runtime {
    Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("there are descriptors")
}

fn free_port() -> u16 {
    // Two processes that test at once begin at different places.
    let begin = u16::try_from(std::process::id() % 199).expect("it is small") * 100;
    loop {
        let port = 11_000 + (begin + NEXT_PORT.fetch_add(1, Ordering::Relaxed)) % 20_000;
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return port;
        }
    }
}
