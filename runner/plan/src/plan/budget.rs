//! How the pod's grace period is divided (design §13).

use std::time::Duration;

/// The controller sets no `terminationGracePeriodSeconds`, so it is the kubelet's (contract §3.2).
pub const DEFAULT_GRACE: Duration = Duration::from_secs(30);

/// The shortest grace period that is divided as designed: the reserve, and a second to stop in.
const SHORTEST: Duration = Duration::from_secs(3);

/// Time for two writes of a small file on a slow volume, and for the kernel to end what is left.
const STATUS_RESERVE: Duration = Duration::from_secs(2);

/// What each step may take between SIGTERM to us and SIGKILL to us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    /// The pod's grace period.
    pub total: Duration,
    /// From TERM to KILL for the agent.
    pub stop: Duration,
    /// For draining output, flushing events and uploading artifacts.
    pub flush: Duration,
    /// For the status file.
    pub status: Duration,
}

/// Why the grace period cannot be divided.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum BudgetError {
    /// More is asked for than there is.
    #[error(
        "the agent is to have {asked} s of grace, but the pod's {total} s leave {left} s besides the status"
    )]
    TooShort {
        /// Seconds asked for.
        asked: f64,
        /// Seconds there are.
        total: f64,
        /// Seconds that can be given.
        left: f64,
    },
}

impl Budget {
    /// Divides `total`: 60 % stop, 30 % flush, the rest, but at least 2 s, for the status.
    ///
    /// `asked` replaces the agent's share; the flush then gets what is left. A total under 3 s
    /// gives the status a third: the pod has what it has, and a run that is stopped in a hurry is
    /// worth more than none ([`Self::complaint`] says so).
    ///
    /// # Errors
    ///
    /// Returns [`BudgetError::TooShort`] if the parts would need more than `total`.
    pub fn divide(total: Duration, asked: Option<Duration>) -> Result<Self, BudgetError> {
        let status = if total < SHORTEST {
            total / 3
        } else {
            STATUS_RESERVE.max(total / 10)
        };
        let left = total.saturating_sub(status);
        let stop = asked.unwrap_or(left / 3 * 2);
        if stop > left {
            return Err(BudgetError::TooShort {
                asked: stop.as_secs_f64(),
                total: total.as_secs_f64(),
                left: left.as_secs_f64(),
            });
        }
        let flush = left.saturating_sub(stop);
        Ok(Self {
            total,
            stop,
            flush,
            status,
        })
    }

    /// Says that the pod's grace period is too short, if it is.
    pub(super) fn complaint(&self) -> Option<String> {
        (self.total < SHORTEST).then(|| {
            format!(
                "the pod's grace period of {} s is too short for an orderly stop: the agent has {:.1} s of it, the status {:.1} s",
                self.total.as_secs_f64(),
                self.stop.as_secs_f64(),
                self.status.as_secs_f64()
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn thirty_seconds_are_eighteen_nine_and_three() {
        let budget = Budget::divide(DEFAULT_GRACE, None).expect("30 s are enough");
        assert_eq!(
            (budget.stop, budget.flush, budget.status),
            (seconds(18), seconds(9), seconds(3))
        );
    }

    #[test]
    fn a_spec_that_asks_for_more_than_there_is_is_refused() {
        let error = Budget::divide(seconds(30), Some(seconds(28))).expect_err("27 s are left");
        assert_eq!(
            error,
            BudgetError::TooShort {
                asked: 28.0,
                total: 30.0,
                left: 27.0
            }
        );
    }

    #[test]
    fn a_pod_with_hardly_any_grace_still_has_a_run() {
        for (total, stop, status) in [(0, 0, 0), (3, 666, 2000), (2, 888, 666), (1, 444, 333)] {
            let budget = Budget::divide(seconds(total), None).expect("nothing was asked for");
            assert_eq!(
                (budget.stop.as_millis(), budget.status.as_millis()),
                (stop, status),
                "{total} s"
            );
            assert_eq!(budget.complaint().is_some(), total < 3, "{total} s");
        }
        let error = Budget::divide(seconds(1), Some(seconds(1))).expect_err("a third is reserved");
        assert!(
            error.to_string().contains("to have 1 s of grace"),
            "{error}"
        );
    }

    proptest! {
        #[test]
        fn the_parts_never_exceed_the_whole(total in 0_u64..10_000_000, asked in proptest::option::of(0_u64..10_000_000)) {
            if let Ok(budget) = Budget::divide(Duration::from_millis(total), asked.map(Duration::from_millis)) {
                prop_assert!(budget.stop + budget.flush + budget.status <= budget.total);
                prop_assert!(budget.status >= STATUS_RESERVE || budget.total < SHORTEST);
            }
        }
    }
}
