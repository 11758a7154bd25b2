//! Signals become values at the edge.
//!
//! The handlers are installed before anything else happens, so that no signal finds the default
//! action, which for PID 1 is to ignore it. TERM and INT ask the run to stop; a second one asks
//! to stop now. The others are only passed on. Signals that arrive between two calls of
//! [`Shutdown::recv`] are kept, one of each kind, as the kernel does.

use std::io;
use std::task::Poll;

use nix::sys::signal::{SigSet, Signal};
use tokio::signal::unix::{Signal as Stream, SignalKind, signal};
use tokio::time::Instant;

/// Every signal that reaches the agent as itself (design §7).
pub const FORWARDED: [Signal; 9] = [
    Signal::SIGTERM,
    Signal::SIGINT,
    Signal::SIGHUP,
    Signal::SIGQUIT,
    Signal::SIGUSR1,
    Signal::SIGUSR2,
    Signal::SIGWINCH,
    Signal::SIGCONT,
    Signal::SIGTSTP,
];

/// What a signal to us asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Request {
    /// TERM or INT for the first time, or what means the same to an agent: stop, with grace.
    Stop(Signal),
    /// TERM or INT again: stop at once.
    StopNow(Signal),
    /// Any other signal: the agent is to get it too.
    Forward(Signal),
}

impl Request {
    /// Returns what it means for an agent that is not to get our signals: HUP and QUIT ask to
    /// stop, too, and USR1 and USR2, of which such an agent would die, ask for nothing.
    pub fn translated(self) -> Option<Self> {
        match self {
            Self::Forward(signal @ (Signal::SIGHUP | Signal::SIGQUIT)) => Some(Self::Stop(signal)),
            Self::Forward(Signal::SIGUSR1 | Signal::SIGUSR2) => None,
            other => Some(other),
        }
    }
}

/// The signals that reach us.
#[derive(Debug)]
pub struct Shutdown {
    streams: Vec<(Signal, Stream)>,
    first: Option<Instant>,
    is_urgent: bool,
}

/// Holds every signal back until there is somebody to handle it; the first thing that a process
/// of ours does.
///
/// A signal that is held back stays pending, also for PID 1, for which the kernel would otherwise
/// drop it. SIGXFSZ stays held back for good: a write beyond the file size limit then fails with
/// EFBIG, like any other write that the disk refuses.
///
/// # Errors
///
/// Fails only if the kernel refuses the mask.
pub fn hold() -> io::Result<()> {
    let held: SigSet = FORWARDED.into_iter().chain([Signal::SIGXFSZ]).collect();
    Ok(held.thread_set_mask()?)
}

/// Lets the signals come that were held back, also those that our parent had blocked.
///
/// Threads take the mask of the one that starts them, so this comes before there are any.
///
/// # Errors
///
/// Fails only if the kernel refuses the mask.
pub fn release() -> io::Result<()> {
    Ok(SigSet::from(Signal::SIGXFSZ).thread_set_mask()?)
}

impl Shutdown {
    /// Installs the handlers and lets signals come; must be called inside the runtime.
    ///
    /// # Errors
    ///
    /// Fails only if the kernel refuses a handler.
    pub fn install() -> io::Result<Self> {
        let stream = |which: Signal| Ok((which, signal(SignalKind::from_raw(which as i32))?));
        let streams = FORWARDED
            .into_iter()
            .map(stream)
            .collect::<io::Result<_>>()?;
        release()?;
        Ok(Self {
            streams,
            first: None,
            is_urgent: false,
        })
    }

    /// Waits for the next signal.
    ///
    /// Cancel safe: a signal that was not returned is returned by the next call.
    pub async fn recv(&mut self) -> Request {
        let which = std::future::poll_fn(|context| {
            for (which, stream) in &mut self.streams {
                if let Poll::Ready(Some(())) = stream.poll_recv(context) {
                    return Poll::Ready(*which);
                }
            }
            Poll::Pending
        })
        .await;
        self.classify(which)
    }

    /// When the first signal to stop came, of those that [`Self::recv`] returned.
    pub fn asked_at(&self) -> Option<Instant> {
        self.first
    }

    /// Whether a second signal to stop came, of those that [`Self::recv`] returned.
    pub fn is_urgent(&self) -> bool {
        self.is_urgent
    }

    fn classify(&mut self, which: Signal) -> Request {
        if !matches!(which, Signal::SIGTERM | Signal::SIGINT) {
            return Request::Forward(which);
        }
        if self.first.is_some() {
            self.is_urgent = true;
            return Request::StopNow(which);
        }
        self.first = Some(Instant::now());
        Request::Stop(which)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_agent_that_gets_none_of_our_signals_is_stopped_by_those_that_would_end_it() {
        for signal in FORWARDED {
            let wanted = match signal {
                Signal::SIGHUP | Signal::SIGQUIT => Some(Request::Stop(signal)),
                Signal::SIGUSR1 | Signal::SIGUSR2 => None,
                _ => Some(Request::Forward(signal)),
            };
            assert_eq!(Request::Forward(signal).translated(), wanted, "{signal}");
        }
        let now = Request::StopNow(Signal::SIGTERM);
        assert_eq!(now.translated(), Some(now));
    }
}
