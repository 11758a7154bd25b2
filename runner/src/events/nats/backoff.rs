//! How long to wait before the next connection.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

/// The first pause: a server that restarts is back within a few of them.
const FIRST: Duration = Duration::from_millis(50);

/// The longest: what a server that is back waits for at most.
const LONGEST: Duration = Duration::from_secs(2);

/// Pauses that double; none before the first connection.
#[derive(Debug, Default)]
pub(super) struct Backoff(Option<Duration>);

impl Backoff {
    /// Returns how long to wait now: between half and all of a time that doubles, so that a thousand
    /// runs do not come back in the same instant.
    pub(super) fn next(&mut self) -> Duration {
        let Some(now) = self.0 else {
            self.0 = Some(FIRST);
            return Duration::ZERO;
        };
        self.0 = Some((now * 2).min(LONGEST));
        // The keys of a hasher are the standard library's only random numbers.
        let random = RandomState::new().hash_one(()) % 1000;
        let thousandths = u32::try_from(500 + random / 2).unwrap_or(1000);
        now * thousandths / 1000
    }

    /// Begins anew with the shortest pause, because something got through.
    pub(super) fn reset(&mut self) {
        self.0 = Some(FIRST);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_two_seconds_and_begin_anew() {
        let mut backoff = Backoff::default();
        assert_eq!(backoff.next(), Duration::ZERO);
        for most in [50, 100, 200, 400, 800, 1600, 2000, 2000] {
            let pause = backoff.next().as_millis();
            assert!(pause >= most / 2 && pause <= most, "{pause} of {most}");
        }
        backoff.reset();
        assert!(backoff.next() <= FIRST);
    }
}
