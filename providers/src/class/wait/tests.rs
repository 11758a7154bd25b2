use super::*;

#[test]
fn a_wait_in_words_is_found() {
    for (said, milliseconds) in [
        (
            "Rate limit reached. Please try again in 1.2s. Visit https://x",
            1200,
        ),
        ("try again in 5 minutes", 300_000),
        ("Try again in 1 minute.", 60_000),
        ("retry after 30", 30_000),
        ("retry-after: 30", 30_000),
        (r#"{"retry_after":7}"#, 7_000),
        ("Retry in 20 seconds.", 20_000),
        ("try again in 820ms", 820),
        ("try again in 1m2.5s", 62_500),
        ("try again in 6m0s.", 360_000),
        ("try again in 2 days 3 hours 5 minutes.", 183_900_000),
        ("try again in 1 hour and 1 minute", 3_660_000),
        ("retry after 30 attempts", 30_000),
        ("try again in 1 minute 2", 60_000),
        ("try again in a while, retry after 3", 3_000),
    ] {
        let found = RetryAfter::In(Duration::from_millis(milliseconds));
        assert_eq!(retry_after(said), Some(found), "{said}");
    }
}

#[test]
fn no_wait_is_made_up() {
    for said in [
        "",
        "try again later",
        "try again at 3:05 PM",
        "try again in a few minutes",
        "try again in .",
        "try again in 1.2.3s",
        "try again in 99999999999999999999 days",
        "try again in 367 days",
        "retry after",
        "30 seconds",
    ] {
        assert_eq!(retry_after(said), None, "{said}");
    }
}
