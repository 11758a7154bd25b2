use super::*;
use proptest::prelude::*;

#[test]
fn of_thirty_seconds_there_are_nineteen_for_artifacts_from_the_signal_on() {
    let budget = Budget::divide(Duration::from_secs(30), None).expect("it is enough");
    let slices = Slices::new(&budget, Duration::from_millis(4500));
    assert_eq!(slices.deliveries, Duration::from_secs(19));
    assert_eq!(slices.last, Duration::from_secs(26));
}

#[test]
fn what_nobody_can_wait_for_is_far_away_and_no_panic() {
    let now = Instant::now();
    assert_eq!(
        after(now, Duration::from_secs(5)),
        now + Duration::from_secs(5)
    );
    assert!(after(now, Duration::MAX) > now + Duration::from_hours(1000));
}

proptest! {
    #[test]
    fn artifacts_leave_time_to_clean_up_and_for_the_status(
        total in prop_oneof![0_u64..10_000, 0_u64..10_000_000, Just(u64::MAX)],
        asked in proptest::option::of(0_u64..10_000_000),
        flush in prop_oneof![0_u64..10_000_000, Just(u64::MAX)],
    ) {
        let asked = asked.map(Duration::from_millis);
        if let Ok(budget) = Budget::divide(Duration::from_millis(total), asked) {
            let slices = Slices::new(&budget, Duration::from_millis(flush));
            let most = budget.total.saturating_sub(budget.status);
            prop_assert!(slices.deliveries <= slices.last);
            prop_assert!(slices.last <= most);
            prop_assert!(slices.last.is_zero() || slices.last + CLEAN_UP <= most);
            let used = slices.deliveries + Duration::from_millis(flush) + CLEAN_UP;
            prop_assert!(slices.deliveries.is_zero() || used <= slices.last);
        }
    }
}
