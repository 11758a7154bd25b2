use super::*;

#[test]
fn every_class_has_its_row() {
    for (index, (class, ..)) in VERDICTS.iter().enumerate() {
        assert_eq!(*class as usize, index);
    }
    assert_eq!(VERDICTS.len(), Class::Unknown as usize + 1);
}

#[test]
fn a_rate_limit_says_when_to_try_again() {
    let told = Some(RetryAfter::At(9));
    let said = Some("slow down, try again in 2s");
    let seconds = Some(RetryAfter::In(std::time::Duration::from_secs(2)));
    assert_eq!(Class::RateLimit.verdict(said, None).retry_after, seconds);
    assert_eq!(Class::RateLimit.verdict(said, told).retry_after, told);
    assert_eq!(Class::Auth.verdict(said, told).retry_after, None);
}

#[test]
fn a_rate_limit_has_words_that_the_controller_knows() {
    for (said, told) in [
        ("429 Too Many Requests", "rate limit: 429 Too Many Requests"),
        ("usage_limit_reached", "rate limit: usage_limit_reached"),
        ("rate limits", "rate limit: rate limits"),
        ("You hit your Usage Limit.", "You hit your Usage Limit."),
        ("You have been rate limited", "You have been rate limited"),
    ] {
        let verdict = Class::RateLimit.verdict(Some(said), None);
        assert_eq!(verdict.message.as_deref(), Some(told));
    }
    let verdict = Class::Auth.verdict(Some("no"), None);
    assert_eq!(verdict.message.as_deref(), Some("no"));
}

#[test]
fn a_verdict_speaks_in_the_providers_words() {
    let verdict = Class::Auth.verdict(Some(" no such key \n"), None);
    assert_eq!(verdict.outcome, Outcome::AuthFailed);
    assert_eq!(verdict.message.as_deref(), Some("no such key"));
    assert_eq!(Class::Auth.verdict(Some("  "), None).message, None);
    let long = Class::Unknown.verdict(Some(&"ä".repeat(9000)), None);
    assert!(long.message.expect("it has one").chars().count() <= MESSAGE_LIMIT);
}

#[test]
fn every_status_has_its_class() {
    for (status, class) in [
        (400, Class::BadRequest),
        (401, Class::Auth),
        (403, Class::Auth),
        (404, Class::ModelNotFound),
        (413, Class::BadRequest),
        (429, Class::RateLimit),
        (500, Class::Server),
        (502, Class::Server),
        (503, Class::Overloaded),
        (529, Class::Overloaded),
        (200, Class::Unknown),
        (600, Class::Unknown),
    ] {
        assert_eq!(Class::of_status(status), class, "{status}");
    }
}

#[test]
fn the_beginning_of_a_message_says_what_it_is_about() {
    let long = "word ".repeat(READ);
    let early = format!("usage limit reached, try again in 30 s {long}");
    assert_eq!(Class::of_text(&early), Class::RateLimit);
    let wait = Class::RateLimit.verdict(Some(&early), None).retry_after;
    assert_eq!(
        wait,
        Some(RetryAfter::In(std::time::Duration::from_secs(30)))
    );
    let late = format!("{long} usage limit reached");
    assert_eq!(Class::of_text(&late), Class::Unknown);
}
