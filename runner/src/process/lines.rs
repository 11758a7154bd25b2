//! Lines on their way to the session: a channel whose bound is bytes, not messages.
//!
//! A line has a few bytes or some megabytes, and a session takes microseconds or milliseconds for
//! it; a bound in lines would be too small for the ones or far too large for the others. The
//! sender is a thread, which waits for room; the receiver is the supervisor, which must not.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

/// How far an agent may run ahead of its session: sixteen times what its pipe holds. A single
/// line may be longer, and then is alone.
pub(super) const BOUND: usize = 1 << 20;

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    room: Condvar,
    ready: Notify,
}

#[derive(Debug, Default)]
struct State {
    queue: VecDeque<String>,
    weight: usize,
    sender_gone: bool,
    receiver_gone: bool,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        // Nobody panics while holding it; if somebody did, the queue would still be whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What an entry costs: an empty line is not free.
fn weight(line: &str) -> usize {
    line.len() + size_of::<String>()
}

/// The thread's end.
#[derive(Debug)]
pub(super) struct Sender {
    shared: Arc<Shared>,
    bound: usize,
}

/// The supervisor's end.
#[derive(Debug)]
pub(super) struct Receiver {
    shared: Arc<Shared>,
}

/// Makes a channel that holds lines of so many bytes, or one line.
pub(super) fn channel(bound: usize) -> (Sender, Receiver) {
    let shared = Arc::new(Shared::default());
    let sender = Sender {
        shared: Arc::clone(&shared),
        bound,
    };
    (sender, Receiver { shared })
}

impl Sender {
    /// Waits for room; drops the line if nobody will ever take it.
    pub(super) fn send(&self, line: String) {
        let weight = weight(&line);
        let mut state = self.shared.state();
        while !state.receiver_gone && !state.queue.is_empty() && state.weight + weight > self.bound
        {
            let waited = self.shared.room.wait(state);
            state = waited.unwrap_or_else(PoisonError::into_inner);
        }
        if !state.receiver_gone {
            state.weight += weight;
            state.queue.push_back(line);
            drop(state);
            self.shared.ready.notify_one();
        }
    }
}

impl Drop for Sender {
    fn drop(&mut self) {
        self.shared.state().sender_gone = true;
        self.shared.ready.notify_one();
    }
}

impl Receiver {
    /// Waits for a line; `None` if there will be none. Cancel safe.
    pub(super) async fn recv(&mut self) -> Option<String> {
        // A flood of lines must leave the runtime time to hear of signals.
        tokio::task::consume_budget().await;
        loop {
            if let Some(line) = self.try_recv() {
                return Some(line);
            }
            if self.ended() {
                return None;
            }
            self.shared.ready.notified().await;
        }
    }

    /// Takes a line that is there.
    pub(super) fn try_recv(&mut self) -> Option<String> {
        let mut state = self.shared.state();
        let line = state.queue.pop_front()?;
        state.weight -= weight(&line);
        drop(state);
        self.shared.room.notify_one();
        Some(line)
    }

    /// Lines that are there.
    pub(super) fn len(&self) -> usize {
        self.shared.state().queue.len()
    }

    /// Whether the last line has been taken.
    pub(super) fn ended(&self) -> bool {
        let state = self.shared.state();
        state.sender_gone && state.queue.is_empty()
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        let mut state = self.shared.state();
        state.receiver_gone = true;
        state.queue.clear();
        drop(state);
        self.shared.room.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_waits_for_room_and_none_is_lost() {
        let (sender, mut receiver) = channel(100);
        let thread = std::thread::spawn(move || {
            for number in 0..1000 {
                sender.send(format!("line {number}"));
            }
            // Longer than the bound, so that it is alone.
            sender.send("x".repeat(1000));
        });
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .expect("a runtime can be made");
        runtime.block_on(async {
            for number in 0..1000 {
                assert!(receiver.len() <= 100 / size_of::<String>());
                assert_eq!(receiver.recv().await, Some(format!("line {number}")));
            }
            assert_eq!(receiver.recv().await.map(|line| line.len()), Some(1000));
            assert_eq!(receiver.recv().await, None);
        });
        thread.join().expect("it has sent everything");
    }

    #[test]
    fn a_receiver_that_goes_frees_the_thread() {
        let (sender, receiver) = channel(1);
        sender.send("first".to_owned());
        let thread = std::thread::spawn(move || sender.send("second".to_owned()));
        drop(receiver);
        thread.join().expect("it does not wait for ever");
    }
}
