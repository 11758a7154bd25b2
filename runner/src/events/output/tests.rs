use proptest::prelude::*;

use super::*;
use crate::events::queue::{BOUND, Item};

/// What becomes of pieces, as text and whether it is a part.
fn heard<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Vec<(String, bool)> {
    let queue = Arc::new(Queue::new(BOUND));
    let mut tap = Tap::new(Arc::clone(&queue), "stderr", |_| false);
    for piece in pieces {
        tap.push(piece);
    }
    tap.end();
    queue.close();
    let mut all = Vec::new();
    loop {
        let batch = queue.take(None);
        for entry in batch.entries {
            let Item::Line(line) = entry.item else {
                panic!("only lines were pushed: {:?}", entry.item);
            };
            assert_eq!(line.stream, "stderr");
            all.push((line.text, line.part));
        }
        if batch.last {
            return all;
        }
    }
}

fn whole(lines: &[&str]) -> Vec<(String, bool)> {
    lines
        .iter()
        .map(|line| ((*line).to_owned(), false))
        .collect()
}

#[test]
fn blank_lines_are_no_events_and_the_last_needs_no_newline() {
    let bytes = b"one\r\n\n \t\r\ntwo \xff\nthree" as &[u8];
    assert_eq!(heard([bytes]), whole(&["one", "two \u{fffd}", "three"]));
}

#[test]
fn a_long_line_becomes_parts_and_no_character_is_cut() {
    for shift in 0..4 {
        let text = "x".repeat(shift) + &"€😀".repeat(LONGEST / 4);
        let bytes = format!("{text}\nshort\n");
        let mut lines = heard(bytes.as_bytes().chunks(1000));
        assert_eq!(lines.pop(), Some(("short".to_owned(), false)));
        assert!(lines.len() > 1);
        assert!(
            lines
                .iter()
                .all(|(part, is_part)| *is_part && part.len() <= LONGEST)
        );
        let joined = lines.into_iter().map(|(part, _)| part).collect::<String>();
        assert_eq!(joined, text);
    }
}

proptest! {
    #[test]
    fn lines_are_the_same_however_they_are_read(
        bytes in prop::collection::vec(prop_oneof![Just(b'\n'), Just(b'\r'), Just(b'a'), any::<u8>()], 0..200),
        size in 1..50_usize,
    ) {
        prop_assert_eq!(heard(bytes.chunks(size)), heard([bytes.as_slice()]));
    }
}

#[test]
fn a_line_that_is_an_event_of_its_own_is_none_in_any_of_its_pieces() {
    let queue = Arc::new(Queue::new(BOUND));
    let mut tap = Tap::new(Arc::clone(&queue), "stdout", |line| line.starts_with('{'));
    tap.push(format!("{{{}}}\nplain\n", "x".repeat(3 * LONGEST)).as_bytes());
    assert_eq!(queue.len(), 1);
    assert_eq!(queue.dropped(), 0);
}
