//! `git daemon` on a free port: the git protocol, without authentication.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use agent_tests::Repository;

/// Serves one repository; gone with its connections when dropped.
pub(crate) struct Daemon {
    address: SocketAddr,
    url: String,
    over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Daemon {
    /// Serves a repository under its own path.
    pub(crate) fn new(repository: &Repository) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let address = listener.local_addr().expect("it listens");
        let over = Arc::new(AtomicBool::new(false));
        let ends = Arc::clone(&over);
        let dir = repository.dir().to_owned();
        let thread = std::thread::spawn(move || {
            let mut children = Vec::new();
            while let Ok((stream, _)) = listener.accept() {
                if ends.load(Ordering::SeqCst) {
                    break;
                }
                let input = OwnedFd::from(stream.try_clone().expect("there are descriptors"));
                let child = Command::new("git")
                    .args(["daemon", "--inetd", "--export-all", "--strict-paths"])
                    .arg(&dir)
                    .env("GIT_CONFIG_GLOBAL", "/dev/null")
                    .env("GIT_CONFIG_NOSYSTEM", "1")
                    .stdin(Stdio::from(input))
                    .stdout(Stdio::from(OwnedFd::from(stream)))
                    .stderr(Stdio::null())
                    .spawn();
                children.push(child.expect("git can be started"));
            }
            for mut child in children {
                // It may have ended, which is as good.
                drop(child.kill());
                drop(child.wait());
            }
        });
        Self {
            url: format!("git://{address}{}", repository.dir().display()),
            address,
            over,
            thread: Some(thread),
        }
    }

    /// The URL of the repository.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        self.over.store(true, Ordering::SeqCst);
        // Wakes it up.
        drop(TcpStream::connect(self.address));
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}
