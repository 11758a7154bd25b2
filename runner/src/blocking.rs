//! Blocking work on a thread of its own, so that a signal is never kept waiting by a disk or a
//! network.

use std::time::Duration;

use nix::sys::signal::Signal;
use tokio::task::{JoinError, JoinHandle, spawn_blocking};
use tokio::time::{Instant, sleep_until, timeout};

use crate::cancel::Cancel;
use crate::shutdown::{Request, Shutdown};

/// How long work that a signal interrupts may take to its end: reading a spec takes a millisecond,
/// and one that takes half a second may take for ever.
const NEARLY_DONE: Duration = Duration::from_millis(500);

/// Why work did not come to its end.
#[derive(Debug)]
pub enum Interrupted {
    /// A signal asked the run to stop.
    Signal(Signal),
    /// The work panicked.
    Panic(JoinError),
}

/// Does work that a signal to stop ends early, by way of `cancel`.
///
/// Not cancel safe: the work goes on without whoever waited.
///
/// # Errors
///
/// Returns [`Interrupted`]; after a signal the work may still be going on.
pub async fn interruptible<T: Send + 'static>(
    shutdown: &mut Shutdown,
    cancel: &Cancel,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Interrupted> {
    let mut work = spawn_blocking(work);
    loop {
        tokio::select! {
            biased;
            request = shutdown.recv() => match request {
                Request::Stop(signal) | Request::StopNow(signal) => {
                    cancel.ask();
                    // What is nearly done is worth its end: it may say where the status goes.
                    drop(timeout(NEARLY_DONE, &mut work).await);
                    return Err(Interrupted::Signal(signal));
                }
                // There is no agent yet to pass it on to.
                Request::Forward(_) => {}
            },
            done = &mut work => return done.map_err(Interrupted::Panic),
        }
    }
}

/// Does work that has until `until`, or `hurry` from a signal to stop; a second signal ends it.
///
/// Returns `None` if it did not come to its end in time. Not cancel safe.
///
/// # Errors
///
/// Fails if the work panicked.
pub async fn hurried<T: Send + 'static>(
    shutdown: &mut Shutdown,
    cancel: &Cancel,
    mut until: Instant,
    hurry: Duration,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<Option<T>, JoinError> {
    let mut work = spawn_blocking(work);
    loop {
        tokio::select! {
            biased;
            done = &mut work => return done.map(Some),
            request = shutdown.recv() => match request {
                Request::Stop(_) => until = until.min(Instant::now() + hurry),
                Request::StopNow(_) => return nearly_done(cancel, work).await,
                Request::Forward(_) => {}
            },
            () = sleep_until(until) => return nearly_done(cancel, work).await,
        }
    }
}

/// Waits for something that a signal to stop ends early by dropping it.
///
/// Cancel safe if `waiting` is.
///
/// # Errors
///
/// Returns [`Interrupted::Signal`].
pub async fn patient<T>(
    shutdown: &mut Shutdown,
    waiting: impl Future<Output = T>,
) -> Result<T, Interrupted> {
    tokio::select! {
        biased;
        signal = asked(shutdown, Urgency::Any) => Err(Interrupted::Signal(signal)),
        done = waiting => Ok(done),
    }
}

/// Waits for something that has a deadline of its own; only a second signal to stop ends it early.
///
/// Cancel safe if `waiting` is.
pub async fn waited_for(shutdown: &mut Shutdown, waiting: impl Future<Output = ()>) {
    tokio::select! {
        biased;
        () = waiting => {}
        _ = asked(shutdown, Urgency::Now) => {}
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Urgency {
    Any,
    Now,
}

/// Waits for a signal to stop. There is no agent to pass any other on to.
async fn asked(shutdown: &mut Shutdown, urgency: Urgency) -> Signal {
    loop {
        match shutdown.recv().await {
            Request::Stop(signal) if urgency == Urgency::Any => return signal,
            Request::StopNow(signal) => return signal,
            Request::Stop(_) | Request::Forward(_) => {}
        }
    }
}

async fn nearly_done<T>(cancel: &Cancel, work: JoinHandle<T>) -> Result<Option<T>, JoinError> {
    cancel.ask();
    match timeout(NEARLY_DONE, work).await {
        Ok(done) => done.map(Some),
        Err(_) => Ok(None),
    }
}
