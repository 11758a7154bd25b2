//! How long a provider asks to wait, told in words: `try again in 1m2.5s`, `retry-after: 30`.

use std::time::Duration;

use agent_plan::outcome::RetryAfter;

/// What comes before the time.
const CUES: [&str; 6] = [
    "try again in",
    "try again after",
    "retry after",
    "retry-after",
    "retry_after",
    "retry in",
];

/// Units and their seconds; without a unit, a number is seconds.
const UNITS: [(&str, f64); 20] = [
    ("ms", 0.001),
    ("millisecond", 0.001),
    ("milliseconds", 0.001),
    ("s", 1.0),
    ("sec", 1.0),
    ("secs", 1.0),
    ("second", 1.0),
    ("seconds", 1.0),
    ("m", 60.0),
    ("min", 60.0),
    ("mins", 60.0),
    ("minute", 60.0),
    ("minutes", 60.0),
    ("h", 3600.0),
    ("hr", 3600.0),
    ("hour", 3600.0),
    ("hours", 3600.0),
    ("d", 86400.0),
    ("day", 86400.0),
    ("days", 86400.0),
];

/// A year: whoever asks for more does not mean it.
const LONGEST: f64 = 366.0 * 86400.0;

/// Returns the wait that a message asks for.
pub(super) fn retry_after(message: &str) -> Option<RetryAfter> {
    let message = message.to_ascii_lowercase();
    CUES.iter().find_map(|cue| {
        let mut found = message.match_indices(cue);
        found.find_map(|(at, _)| duration(&message[at + cue.len()..]))
    })
}

/// Reads `30`, `: 1.2s`, ` 1m2.5s`, ` 2 days 3 hours and 5 minutes`.
fn duration(text: &str) -> Option<RetryAfter> {
    let mut rest = text.trim_start_matches([' ', ':', '=', '"']);
    let mut seconds = None;
    while let Some((number, after)) = number(rest) {
        let unit = after.trim_start();
        let end = unit.find(|letter: char| !letter.is_ascii_alphabetic());
        let (unit, after_unit) = unit.split_at(end.unwrap_or(unit.len()));
        let known = UNITS.iter().find(|(name, _)| *name == unit);
        match (known, seconds) {
            (Some((_, each)), _) => seconds = Some(seconds.unwrap_or(0.0) + number * each),
            (None, None) => seconds = Some(number),
            (None, Some(_)) => {}
        }
        if known.is_none() {
            break;
        }
        rest = after_unit.trim_start_matches([' ', ',']);
        rest = rest.strip_prefix("and ").unwrap_or(rest);
    }
    let seconds = seconds.filter(|seconds| *seconds <= LONGEST)?;
    Duration::try_from_secs_f64(seconds)
        .ok()
        .map(RetryAfter::In)
}

/// Splits a decimal number off; a full stop after it is not its point.
fn number(text: &str) -> Option<(f64, &str)> {
    let end = text.find(|letter: char| !letter.is_ascii_digit() && letter != '.');
    let digits = text[..end.unwrap_or(text.len())].trim_end_matches('.');
    let number = digits.parse().ok()?;
    Some((number, &text[digits.len()..]))
}

#[cfg(test)]
mod tests;
