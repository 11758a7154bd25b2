//! Listening on a free port of 127.0.0.1: a thread per connection, and nothing left when dropped.

use std::collections::{HashMap, HashSet};
use std::io;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill, killpg};
use nix::sys::wait::{Id, WaitPidFlag, waitid};
use nix::unistd::Pid;

use crate::processes::{descendants_of, wait_until};

/// A listening socket; its drop closes all connections, kills all children and joins all threads.
#[derive(Debug)]
pub(crate) struct Listener {
    address: SocketAddr,
    life: Life,
    accepting: Option<JoinHandle<Result<(), Panicked>>>,
}

/// A connection's thread panicked, which is a bug of the server and not of the test.
#[derive(Debug)]
struct Panicked;

impl Listener {
    /// Listens, and serves each connection on a thread of its own.
    pub(crate) fn new(serve: impl Fn(TcpStream, &Life) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("127.0.0.1 has a free port");
        let address = listener.local_addr().expect("the socket is bound");
        let life = Life::default();
        let accepting = {
            let life = life.clone();
            std::thread::spawn(move || accept(&listener, &life, &Arc::new(serve)))
        };
        Self {
            address,
            life,
            accepting: Some(accepting),
        }
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.life.end();
        // `accept` returns for a connection; if that is refused, it has returned already.
        drop(TcpStream::connect(self.address));
        let ended = self.accepting.take().map(JoinHandle::join);
        if !std::thread::panicking() {
            assert!(
                matches!(ended, Some(Ok(Ok(())))),
                "a thread of the server on {} panicked; its message is above",
                self.address
            );
        }
    }
}

/// A port that takes connections and never says a word, for whatever protocol.
///
/// ```no_run
/// let silent = agent_tests::Silent::new();
/// let url = format!("ssh://git@{}/owner/name.git", silent.address());
/// ```
#[derive(Debug)]
pub struct Silent {
    listener: Listener,
    connections: Arc<AtomicUsize>,
}

impl Default for Silent {
    fn default() -> Self {
        Self::new()
    }
}

impl Silent {
    /// Listens on a free port of 127.0.0.1.
    pub fn new() -> Self {
        let connections = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&connections);
        let listener = Listener::new(move |_stream, life| {
            count.fetch_add(1, Ordering::SeqCst);
            life.wait_for_end();
        });
        Self {
            listener,
            connections,
        }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.listener.address()
    }

    /// How many connections it has taken.
    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

fn accept<S>(listener: &TcpListener, life: &Life, serve: &Arc<S>) -> Result<(), Panicked>
where
    S: Fn(TcpStream, &Life) + Send + Sync + 'static,
{
    let mut threads: Vec<JoinHandle<()>> = Vec::new();
    let mut ended = Ok(());
    loop {
        let accepted = listener.accept();
        if life.has_ended() {
            break;
        }
        let Ok((stream, _)) = accepted else {
            // Too many open files, for one: others close theirs meanwhile.
            life.sleep(Duration::from_millis(10));
            continue;
        };
        let (done, running) = threads.into_iter().partition(JoinHandle::is_finished);
        threads = running;
        ended = ended.and(join(done));
        let (life, serve) = (life.clone(), Arc::clone(serve));
        threads.push(std::thread::spawn(move || {
            let Ok(held) = life.hold(&stream) else { return };
            // Small answers are not to wait for more to send.
            drop(stream.set_nodelay(true));
            serve(stream, &life);
            drop(held);
        }));
    }
    ended.and(join(threads))
}

fn join(threads: Vec<JoinHandle<()>>) -> Result<(), Panicked> {
    let mut ended = Ok(());
    for thread in threads {
        ended = thread.join().map_err(|_| Panicked).and(ended);
    }
    ended
}

/// The life of a server, as its threads see it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Life(Arc<(Mutex<State>, Condvar)>);

#[derive(Debug, Default)]
struct State {
    ended: bool,
    streams: HashMap<u64, TcpStream>,
    next_stream: u64,
    children: HashSet<i32>,
}

impl Life {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns whether the server is being dropped.
    pub(crate) fn has_ended(&self) -> bool {
        self.state().ended
    }

    /// Waits until the server is dropped.
    pub(crate) fn wait_for_end(&self) {
        let mut state = self.state();
        while !state.ended {
            state = self.0.1.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Waits so long, or until the server is dropped.
    pub(crate) fn sleep(&self, time: Duration) {
        let until = Instant::now() + time;
        let mut state = self.state();
        while !state.ended {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            state = self
                .0
                .1
                .wait_timeout(state, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
    }

    /// Closes a stream when the server is dropped, or with the guard, whichever comes first.
    pub(crate) fn hold(&self, stream: &TcpStream) -> io::Result<HeldStream> {
        let copy = stream.try_clone()?;
        let mut state = self.state();
        if state.ended {
            // It may be closed already, which is as good.
            drop(copy.shutdown(Shutdown::Both));
            return Err(io::Error::other("the server is being dropped"));
        }
        state.next_stream += 1;
        let number = state.next_stream;
        state.streams.insert(number, copy);
        Ok(HeldStream {
            number,
            life: self.clone(),
        })
    }

    /// Starts a child in its own group, killed with its descendants when the server is dropped.
    pub(crate) fn spawn(&self, command: &mut Command) -> io::Result<HeldChild> {
        // Under the lock, so that there is no child that the end does not see.
        let mut state = self.state();
        if state.ended {
            return Err(io::Error::other("the server is being dropped"));
        }
        let child = command.process_group(0).spawn()?;
        state.children.insert(child.id().cast_signed());
        Ok(HeldChild {
            child,
            life: self.clone(),
        })
    }

    fn end(&self) {
        let mut state = self.state();
        state.ended = true;
        for stream in state.streams.values() {
            // It may be closed already, which is as good.
            drop(stream.shutdown(Shutdown::Both));
        }
        for &child in &state.children {
            kill_tree(child);
        }
        self.0.1.notify_all();
    }
}

/// Closes its stream when dropped: a copy elsewhere does not keep the peer waiting.
#[derive(Debug)]
pub(crate) struct HeldStream {
    number: u64,
    life: Life,
}

impl Drop for HeldStream {
    fn drop(&mut self) {
        if let Some(stream) = self.life.state().streams.remove(&self.number) {
            // It may be closed already, which is as good.
            drop(stream.shutdown(Shutdown::Both));
        }
    }
}

/// A child of a server; killed with its descendants and reaped when dropped.
#[derive(Debug)]
pub(crate) struct HeldChild {
    /// The child, for its pipes.
    pub(crate) child: Child,
    life: Life,
}

impl HeldChild {
    /// Waits for its end.
    pub(crate) fn wait(&mut self) -> io::Result<ExitStatus> {
        let pid = self.child.id().cast_signed();
        // It is reaped only after it is off the list: no other process is killed for its pid.
        waitid(
            Id::Pid(Pid::from_raw(pid)),
            WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT,
        )?;
        self.life.state().children.remove(&pid);
        self.child.wait()
    }
}

impl Drop for HeldChild {
    fn drop(&mut self) {
        let pid = self.child.id().cast_signed();
        let mut state = self.life.state();
        if state.children.contains(&pid) {
            kill_tree(pid);
            state.children.remove(&pid);
            // It has been killed, so this does not wait for anybody.
            drop(self.child.wait());
        }
    }
}

/// Kills a process that is not reaped yet, its group and its descendants.
fn kill_tree(pid: i32) {
    // Children first, while their parent still tells whose they are. An error means that it is
    // gone, which is what is wanted.
    let gone = wait_until(crate::DEADLINE, || {
        let left = descendants_of(pid);
        for (descendant, _) in &left {
            let _ = kill(Pid::from_raw(*descendant), Signal::SIGKILL);
        }
        left.is_empty()
    });
    assert!(gone, "descendants of {pid} survive SIGKILL");
    let _ = killpg(Pid::from_raw(pid), Signal::SIGKILL);
    let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
}
