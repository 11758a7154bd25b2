//! What becomes of pieces without a whole.

use super::*;
use agent_plan::secret::{Found, Patterns};

fn pieces() -> Pieces {
    let found = Found {
        name: "DB_PASSWORD".to_owned(),
        value: b"correct-horse".to_vec(),
    };
    Pieces::new(Redactor::new(vec![found], Patterns::On))
}

fn add(pieces: &mut Pieces, of: &str, text: &str) {
    pieces.add(of.to_owned(), text);
}

fn joined(text: &str, left_out: usize) -> Joined {
    let text = text.to_owned();
    Joined { text, left_out }
}

#[test]
fn pieces_are_joined_text_by_text_and_a_secret_in_two_is_found() {
    let mut pieces = pieces();
    add(&mut pieces, "a", "my correct-");
    add(&mut pieces, "b", "other");
    add(&mut pieces, "a", "horse is");
    let wanted = [
        joined("my [REDACTED:DB_PASSWORD] is", 0),
        joined("other", 0),
    ];
    assert_eq!(pieces.join(), wanted);
    assert_eq!(pieces.join(), []);
}

#[test]
fn what_was_told_whole_is_not_told_again() {
    let mut pieces = pieces();
    add(&mut pieces, "a", "one");
    add(&mut pieces, "b", "two");
    pieces.settle("a");
    assert_eq!(pieces.join(), [joined("two", 0)]);
}

#[test]
fn memory_has_a_bound_and_what_is_beyond_it_is_counted() {
    let mut pieces = pieces();
    let start = KEPT - ENTRY - 1 - "correct".len();
    add(&mut pieces, "a", &"x".repeat(start));
    add(&mut pieces, "a", "correct-horse");
    add(&mut pieces, "a", "more");
    add(&mut pieces, "b", "nothing of this");
    assert!(pieces.weight <= KEPT);
    // The half of the secret that was kept is left out with the rest.
    let all = [joined(&"x".repeat(start), 13 + 4), joined("", 15)];
    assert!(pieces.join() == all);
    // There is room again for other texts.
    add(&mut pieces, "c", "text");
    assert_eq!(pieces.join(), [joined("text", 0)]);
}
