//! A server that was started.

use std::fs::OpenOptions;
use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tempfile::TempDir;

use super::config::Admin;
use super::spawn::spawn;
use super::{Certificates, Decentralized, Network, Port, nats_server};
use crate::{DEADLINE, wait_until};

/// What a server consists of.
#[derive(Debug)]
pub(super) struct Parts {
    /// Its own directory.
    pub(super) dir: TempDir,
    /// Where it listens.
    pub(super) address: SocketAddr,
    /// Holds the port.
    pub(super) port: Port,
    /// How the test's own questions get in.
    pub(super) admin: Admin,
    /// Its certificates.
    pub(super) tls: Option<Certificates>,
    /// Its operator.
    pub(super) decentralized: Option<Decentralized>,
    /// Where it is.
    pub(super) network: Option<Network>,
}

/// A server, running or stopped; killed when dropped.
#[derive(Debug)]
pub struct Nats {
    // First, so that it ends before its directory goes.
    process: Mutex<Option<Process>>,
    pub(super) parts: Parts,
}

impl Nats {
    pub(super) fn start(parts: Parts) -> Self {
        let nats = Self {
            process: Mutex::new(None),
            parts,
        };
        nats.restart();
        nats
    }

    /// Its URL: `nats://127.0.0.1:<port>`, also with TLS, which clients learn from the server.
    pub fn url(&self) -> String {
        format!("nats://{}", self.parts.address)
    }

    /// Its port, the same after a restart.
    pub fn port(&self) -> u16 {
        self.parts.port.number()
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.parts.address
    }

    /// The authority of [`super::NatsServer::tls`], PEM.
    pub fn ca_file(&self) -> &Path {
        &self.certificates().ca
    }

    /// A certificate that the server takes of a client, PEM.
    pub fn client_certificate_file(&self) -> &Path {
        &self.certificates().client_certificate
    }

    /// Its key, PEM.
    pub fn client_key_file(&self) -> &Path {
        &self.certificates().client_key
    }

    /// The credentials of [`super::NatsServer::creds`].
    pub fn creds_file(&self) -> &Path {
        let made = self.parts.decentralized.as_ref();
        &made.expect("the server was built with `creds`").creds
    }

    /// What it has logged so far, over all its starts.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.log_file()).unwrap_or_default()
    }

    /// Kills it, as a crash does; to be started again by [`Nats::restart`].
    pub fn stop(&self) {
        *self.process() = None;
    }

    /// Asks it to end, and waits until it has: it tells its clients, and closes its store.
    pub fn shut_down(&self) {
        let mut process = self.process();
        if let Some(process) = process.as_mut() {
            process.signal(Signal::SIGTERM);
            let ended = wait_until(DEADLINE, || process.has_ended());
            assert!(ended, "nats-server does not end; {}", self.log());
        }
        *process = None;
    }

    /// Starts it after killing it if it runs; same port, same store. Returns when it takes clients.
    pub fn restart(&self) {
        let mut process = self.process();
        *process = None;
        let mut command = Vec::new();
        if let Some(network) = &self.parts.network {
            command.extend(network.through_of_servers());
        }
        // What it executes keeps the order to die with us.
        command.extend(["setpriv", "--pdeathsig", "KILL", "--"].map(str::to_owned));
        command.push(nats_server().display().to_string());
        let log = OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.log_file())
            .expect("a temporary directory is writable");
        let mut server = Command::new(&command[0]);
        server
            .args(&command[1..])
            .arg("--config")
            .arg(self.parts.dir.path().join("nats.conf"))
            .env("TMPDIR", self.parts.dir.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log);
        let child = spawn(server).unwrap_or_else(|error| {
            panic!("`{}` cannot be started ({error})", command[0]);
        });
        let server = process.insert(Process(child));
        let mut ended = false;
        let ready = wait_until(DEADLINE, || {
            ended = server.has_ended();
            ended || self.greets()
        });
        assert!(
            ready && !ended,
            "nats-server does not start: {}",
            self.log()
        );
    }

    /// Holds it: connections stay open, and nothing is answered.
    pub fn pause(&self) {
        self.signal(Signal::SIGSTOP);
    }

    /// Lets it go on.
    pub fn resume(&self) {
        self.signal(Signal::SIGCONT);
    }

    /// Returns whether it is running or paused.
    pub fn is_running(&self) -> bool {
        self.process().is_some()
    }

    /// Its process.
    pub fn pid(&self) -> Pid {
        let process = self.process();
        process.as_ref().expect("the server is not stopped").pid()
    }

    /// Does something where the server is.
    pub(super) fn beside<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        match &self.parts.network {
            Some(network) => network.as_server(work),
            None => work(),
        }
    }

    /// The server speaks first, before TLS too, and only when it is ready.
    fn greets(&self) -> bool {
        self.beside(|| {
            let second = Duration::from_secs(1);
            let Ok(stream) = TcpStream::connect_timeout(&self.parts.address, second) else {
                return false;
            };
            let timed = stream.set_read_timeout(Some(second));
            timed.expect("a second is not nothing");
            let mut line = String::new();
            let read = BufReader::new(stream).read_line(&mut line);
            read.is_ok() && line.starts_with("INFO ")
        })
    }

    fn certificates(&self) -> &Certificates {
        let made = self.parts.tls.as_ref();
        made.expect("the server was built with `tls`")
    }

    fn log_file(&self) -> PathBuf {
        self.parts.dir.path().join("nats.log")
    }

    fn process(&self) -> MutexGuard<'_, Option<Process>> {
        self.process.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn signal(&self, signal: Signal) {
        let process = self.process();
        let process = process.as_ref().expect("the server is not stopped");
        process.signal(signal);
    }
}

/// Killed and reaped when dropped.
#[derive(Debug)]
struct Process(Child);

impl Process {
    fn pid(&self) -> Pid {
        Pid::from_raw(self.0.id().cast_signed())
    }

    fn signal(&self, signal: Signal) {
        kill(self.pid(), signal).expect("a process that is not reaped is there");
    }

    fn has_ended(&mut self) -> bool {
        self.0
            .try_wait()
            .expect("a child can be waited for")
            .is_some()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself and been reaped, which is as good.
        drop(self.0.kill());
        // It has been killed, so this does not wait for anybody.
        drop(self.0.wait());
    }
}
