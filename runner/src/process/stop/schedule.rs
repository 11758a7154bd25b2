//! When which step of a stop is done. Pure.

use std::time::Duration;

use agent_plan::provider::{Means, StopStep};
use nix::sys::signal::Signal;

/// One act of a stop.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Act {
    /// Ask the agent to end.
    Ask(Means),
    /// End it, and every descendant.
    Kill,
}

/// Returns the acts of a stop and how long after its beginning each is due, in order.
///
/// Without steps, `signal` goes to the group and has the whole grace. The patience of the steps is
/// squeezed into the grace if there is more of it, each in proportion; the last act is KILL.
pub(super) fn schedule(
    steps: Vec<StopStep>,
    signal: Signal,
    grace: Duration,
) -> Vec<(Duration, Act)> {
    let group = |signal: Signal| Act::Ask(Means::GroupSignal(signal as i32));
    if steps.is_empty() {
        let mut acts = vec![(Duration::ZERO, group(signal))];
        if signal == Signal::SIGINT {
            // INT is a request; half of the grace later TERM is an order.
            acts.push((grace / 2, group(Signal::SIGTERM)));
        }
        acts.push((grace, Act::Kill));
        return acts;
    }
    let wanted = steps.iter().fold(Duration::ZERO, |sum, step| {
        sum.saturating_add(step.patience)
    });
    let mut acts = Vec::new();
    let mut passed = Duration::ZERO;
    for step in steps {
        acts.push((squeezed(passed, wanted, grace), Act::Ask(step.means)));
        passed = passed.saturating_add(step.patience);
    }
    acts.push((squeezed(passed, wanted, grace), Act::Kill));
    acts
}

/// The part of `grace` that `passed` is of `wanted`, if there is less grace than is wanted.
fn squeezed(passed: Duration, wanted: Duration, grace: Duration) -> Duration {
    if wanted <= grace {
        return passed;
    }
    // `wanted` is more than a grace, and so not zero; a product beyond u128 would be a grace of
    // billions of years.
    let nanos = passed.as_nanos().saturating_mul(grace.as_nanos()) / wanted.as_nanos();
    u64::try_from(nanos)
        .map_or(grace, Duration::from_nanos)
        .min(grace)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(means: Means, seconds: u64) -> StopStep {
        let patience = Duration::from_secs(seconds);
        StopStep { means, patience }
    }

    fn claude() -> Vec<StopStep> {
        vec![
            step(Means::Write("interrupt".to_owned()), 5),
            step(Means::CloseStdin, 4),
            step(Means::Signal(15), 3),
        ]
    }

    /// When each act is due, in milliseconds.
    fn due(acts: &[(Duration, Act)]) -> Vec<u128> {
        acts.iter().map(|(after, _)| after.as_millis()).collect()
    }

    #[test]
    fn steps_follow_each_other_and_then_comes_kill() {
        let acts = schedule(claude(), Signal::SIGTERM, Duration::from_mins(1));
        assert_eq!(due(&acts), [0, 5000, 9000, 12_000]);
        assert_eq!(acts[0].1, Act::Ask(Means::Write("interrupt".to_owned())));
        assert_eq!(acts[1].1, Act::Ask(Means::CloseStdin));
        assert_eq!(acts[2].1, Act::Ask(Means::Signal(15)));
        assert_eq!(acts[3].1, Act::Kill);
    }

    #[test]
    fn patience_is_squeezed_into_the_grace_in_proportion() {
        let acts = schedule(claude(), Signal::SIGTERM, Duration::from_secs(6));
        assert_eq!(due(&acts), [0, 2500, 4500, 6000]);
        let endless = vec![
            step(Means::CloseStdin, u64::MAX),
            step(Means::Signal(2), u64::MAX),
        ];
        let acts = schedule(endless, Signal::SIGTERM, Duration::from_secs(6));
        let last = acts.last().expect("there is always a last act");
        assert_eq!(last, &(Duration::from_secs(6), Act::Kill));
        let none = schedule(claude(), Signal::SIGTERM, Duration::ZERO);
        assert_eq!(due(&none), [0, 0, 0, 0]);
    }

    #[test]
    fn without_steps_the_group_gets_the_signal() {
        let grace = Duration::from_secs(8);
        let group = |signal| Act::Ask(Means::GroupSignal(signal));
        let acts = schedule(Vec::new(), Signal::SIGTERM, grace);
        assert_eq!(acts, [(Duration::ZERO, group(15)), (grace, Act::Kill)]);
        let acts = schedule(Vec::new(), Signal::SIGINT, grace);
        let half = grace / 2;
        assert_eq!(
            acts,
            [
                (Duration::ZERO, group(2)),
                (half, group(15)),
                (grace, Act::Kill)
            ]
        );
    }
}
