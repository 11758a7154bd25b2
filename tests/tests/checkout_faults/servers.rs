//! Servers that do what no real one would, and one for the git protocol.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use agent_tests::Repository;

/// Answers every connection on a free port in a thread of its own, for as long as the test runs.
fn listen(serve: impl Fn(TcpStream) + Send + Sync + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("there is a free port");
    let address = listener.local_addr().expect("it is bound");
    accept_all(listener, serve);
    address
}

/// Answers every connection of a listener.
pub(crate) fn accept_all(listener: TcpListener, serve: impl Fn(TcpStream) + Send + Sync + 'static) {
    thread::spawn(move || {
        thread::scope(|scope| {
            for stream in listener.incoming().flatten() {
                scope.spawn(|| serve(stream));
            }
        });
    });
}

/// Takes a number of connections and resets them; the others go to `target`.
pub(crate) fn resetting(target: SocketAddr, resets: usize) -> SocketAddr {
    let left = std::sync::Mutex::new(resets);
    listen(move |stream| {
        let mut left = left.lock().expect("nobody panics with it");
        if *left > 0 {
            *left -= 1;
            // Closing with something unread is a reset.
            drop(stream.peek(&mut [0]));
            return;
        }
        drop(left);
        relay(&stream, target, u64::MAX);
    })
}

/// Passes everything on to `target`, but nothing after so many bytes from there.
pub(crate) fn stalling(target: SocketAddr, after: u64) -> SocketAddr {
    listen(move |stream| relay(&stream, target, after))
}

/// Passes bytes on in both directions; holds the connection when it stalls.
pub(crate) fn relay(stream: &TcpStream, target: SocketAddr, after: u64) {
    let Ok(server) = TcpStream::connect(target) else {
        return;
    };
    thread::scope(|scope| {
        scope.spawn(|| {
            drop(std::io::copy(&mut &*stream, &mut &server));
            drop(server.shutdown(Shutdown::Both));
        });
        let copied = std::io::copy(&mut (&server).take(after), &mut &*stream);
        if copied.is_ok_and(|copied| copied < after) {
            drop(stream.shutdown(Shutdown::Both));
        }
    });
}

/// Takes no further connection: whoever comes waits.
pub(crate) struct Blackhole {
    listener: TcpListener,
    _waiting: Vec<TcpStream>,
}

impl Blackhole {
    pub(crate) fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("there is a free port");
        let address = listener.local_addr().expect("it is bound");
        // Nobody accepts, so the queue of the kernel is full at some time.
        let mut waiting = Vec::new();
        let knock = || TcpStream::connect_timeout(&address, Duration::from_millis(200));
        while let Ok(stream) = knock() {
            waiting.push(stream);
        }
        Self {
            listener,
            _waiting: waiting,
        }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.listener.local_addr().expect("it is bound")
    }
}

/// Serves a repository by the git protocol; returns its URL.
pub(crate) fn daemon(repository: &Repository) -> SocketAddr {
    let base = repository.dir().to_owned();
    listen(move |stream| {
        let write: OwnedFd = stream.try_clone().expect("a socket can be cloned").into();
        let read: OwnedFd = stream.into();
        let served = Command::new("git")
            .args(["daemon", "--inetd", "--export-all", "--strict-paths"])
            .arg(&base)
            .stdin(Stdio::from(read))
            .stdout(Stdio::from(write))
            .stderr(Stdio::null())
            .status();
        served.expect("git is there");
    })
}

/// Serves a repository over HTTP, with every pack changed on its way; returns its URL.
pub(crate) fn tampering(
    repository: &Repository,
    change: impl Fn(Vec<u8>) -> Vec<u8> + Send + Sync + 'static,
) -> String {
    let dir = repository.dir().to_owned();
    let address = listen(move |stream| {
        let mut reader = BufReader::new(&stream);
        while let Some((is_post, body)) = request(&mut reader) {
            let (kind, answer) = if is_post {
                let answer = upload_pack(&dir, &["--stateless-rpc"], &body);
                ("result", tampered(&answer, &change))
            } else {
                let mut answer = b"001e# service=git-upload-pack\n0000".to_vec();
                answer.extend(upload_pack(&dir, &["--http-backend-info-refs"], &[]));
                ("advertisement", answer)
            };
            let head = format!(
                "HTTP/1.1 200 OK\r\nContent-Type: application/x-git-upload-pack-{kind}\r\n\
                 Content-Length: {}\r\n\r\n",
                answer.len()
            );
            let sent = (&stream).write_all(head.as_bytes());
            if sent.and_then(|()| (&stream).write_all(&answer)).is_err() {
                return;
            }
        }
    });
    format!("http://{address}/owner/name.git")
}

/// Reads a request; returns whether it is a POST, and its body.
fn request(reader: &mut impl BufRead) -> Option<(bool, Vec<u8>)> {
    let (mut head, mut length) = (String::new(), 0);
    loop {
        let from = head.len();
        if reader.read_line(&mut head).ok()? == 0 {
            return None;
        }
        let line = head[from..].trim().to_ascii_lowercase();
        if line.is_empty() {
            break;
        }
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse().ok()?;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some((head.starts_with("POST"), body))
}

fn upload_pack(dir: &Path, args: &[&str], input: &[u8]) -> Vec<u8> {
    let mut child = Command::new("git")
        .arg("upload-pack")
        .args(args)
        .arg(dir)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("git is there");
    let mut stdin = child.stdin.take().expect("it is piped");
    // A request is shorter than a pipe's buffer.
    stdin.write_all(input).expect("git reads it");
    drop(stdin);
    child.wait_with_output().expect("git ends").stdout
}

/// Changes the pack in an answer, which is in band 1 of lines with their length before them.
fn tampered(answer: &[u8], change: impl Fn(Vec<u8>) -> Vec<u8>) -> Vec<u8> {
    let (mut out, mut pack, mut rest) = (Vec::new(), Vec::new(), answer);
    while let Some((digits, after)) = rest.split_at_checked(4) {
        let digits = std::str::from_utf8(digits).expect("lengths are text");
        let length = usize::from_str_radix(digits, 16).expect("lengths are hexadecimal");
        let (line, after) = after.split_at(length.saturating_sub(4));
        match line.first() {
            Some(1) => pack.extend_from_slice(&line[1..]),
            // Progress, and the end.
            Some(2) => {}
            None if !pack.is_empty() => {}
            _ => out.extend_from_slice(&rest[..length.max(4)]),
        }
        rest = after;
    }
    if !pack.is_empty() {
        for part in change(pack).chunks(60_000) {
            out.extend(format!("{:04x}\u{1}", part.len() + 5).into_bytes());
            out.extend_from_slice(part);
        }
        out.extend_from_slice(b"0000");
    }
    out
}
