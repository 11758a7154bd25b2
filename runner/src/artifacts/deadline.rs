//! Until when something may take: a moment that a signal can bring nearer.

use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

/// Brings the moment nearer.
#[derive(Debug)]
pub(crate) struct Hurry(watch::Sender<Instant>);

/// The moment, as whoever works sees it. Clones share it.
#[derive(Debug, Clone)]
pub(crate) struct Deadline(watch::Receiver<Instant>);

/// Returns a deadline, and what brings it nearer.
pub(crate) fn deadline(until: Instant) -> (Hurry, Deadline) {
    let (sender, receiver) = watch::channel(until);
    (Hurry(sender), Deadline(receiver))
}

impl Hurry {
    /// Makes it `until`, unless it is nearer already.
    pub(crate) fn until(&self, until: Instant) {
        self.0.send_if_modified(|now| {
            let nearer = until < *now;
            if nearer {
                *now = until;
            }
            nearer
        });
    }
}

impl Deadline {
    /// Whether it has passed.
    pub(super) fn is_over(&self) -> bool {
        *self.0.borrow() <= Instant::now()
    }

    /// Waits until it has passed, wherever it is moved in the meantime. Cancel safe.
    pub(crate) async fn passed(&self) {
        let mut moved = self.0.clone();
        loop {
            let until = *moved.borrow_and_update();
            tokio::select! {
                () = sleep_until(until) => return,
                changed = moved.changed() => if changed.is_err() {
                    // Nobody can move it any more.
                    return sleep_until(until).await;
                },
            }
        }
    }

    /// Does something for as long as there is time. `None`: there was not enough.
    pub(super) async fn within<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            biased;
            () = self.passed() => None,
            done = work => Some(done),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::pending;
    use std::time::Duration;

    #[tokio::test(start_paused = true)]
    async fn a_deadline_comes_nearer_and_never_goes_away() {
        let start = Instant::now();
        let (hurry, deadline) = deadline(start + Duration::from_mins(1));
        hurry.until(start + Duration::from_hours(1));
        let also = deadline.clone();
        let hurried = async {
            tokio::time::sleep(Duration::from_secs(10)).await;
            assert!(!deadline.is_over());
            hurry.until(start + Duration::from_secs(20));
        };
        let (done, ()) = tokio::join!(also.within(pending::<()>()), hurried);
        assert_eq!(done, None);
        assert_eq!(start.elapsed(), Duration::from_secs(20));
        assert!(deadline.is_over());
    }
}
