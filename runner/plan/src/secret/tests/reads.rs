//! What one call to `scan` promises.

use std::collections::BTreeMap;

use super::{exact, read, tokens};
use crate::secret::{End, Redactor};

#[test]
fn clean_bytes_are_parts_of_the_data() {
    let data = b"one hunter22 two";
    let mut clean = Vec::new();
    exact(&["hunter22"])
        .stream()
        .scan(data, End::Yes, &mut |piece| {
            if data.as_ptr_range().contains(&piece.as_ptr()) {
                clean.push(piece.to_vec());
            }
        });
    assert_eq!(clean, [b"one ".to_vec(), b" two".to_vec()]);
}

#[test]
fn only_what_may_become_a_secret_is_held() {
    for (text, held) in [("clean\n", 0), ("a hunter2", 7), ("a hunter22", 0), ("", 0)] {
        let mut stream = exact(&["hunter22"]).stream();
        let consumed = stream.scan(text.as_bytes(), End::No, &mut |_| {});
        assert_eq!(text.len() - consumed, held, "{text}");
    }
}

#[test]
fn a_secret_is_held_while_it_may_be_a_longer_one() {
    let mut stream = exact(&["abcdef", "abcdefgh"]).stream();
    assert_eq!(stream.scan(b"-abcdef", End::No, &mut |_| {}), 1);
}

#[test]
fn a_secret_inside_the_start_of_another_is_hidden_not_held_twice() {
    let redactor = exact(&["abcdef", "cdefgh"]);
    let mut out = Vec::new();
    let mut stream = redactor.stream();
    let mut emit = |piece: &[u8]| out.extend_from_slice(piece);
    assert_eq!(stream.scan(b"abcdef", End::No, &mut emit), 2);
    assert_eq!(stream.scan(b"cdefgx", End::Yes, &mut emit), 6);
    assert_eq!(out, b"[REDACTED:A]gx");
}

#[test]
fn an_empty_redactor_holds_nothing() {
    let redactor = Redactor::none();
    assert_eq!(redactor.hold_max(), 0);
    assert_eq!(read(&redactor, b"anything", &[0, 3, 3, 8]), b"anything");
}

#[test]
fn floods_respect_the_bound_and_come_out_the_same() {
    let redactor = exact(&["aaaaaa", "aaaaaaaab", "aabaab"]);
    let text: Vec<u8> = b"aaaaaaaaaaaaaaaaaaaaab".repeat(200);
    let whole = read(&redactor, &text, &[]);
    for step in [1, 2, 5, 7, 100] {
        let cuts: Vec<usize> = (0..text.len()).step_by(step).collect();
        assert_eq!(read(&redactor, &text, &cuts), whole, "step {step}");
    }
    for flood in [
        "sk-",
        "eyJ",
        "-----BEGIN RSA PRIVATE KEY-----",
        "ghp_",
        "AKIA",
        "eyJaaaaaaaaaa.",
    ] {
        let text = flood.repeat(3000 / flood.len());
        let whole = read(&tokens(), text.as_bytes(), &[]);
        for step in [1, 64, 1000] {
            let cuts: Vec<usize> = (0..text.len()).step_by(step).collect();
            assert_eq!(read(&tokens(), text.as_bytes(), &cuts), whole, "{flood}");
        }
    }
}

#[test]
fn a_stream_counts_what_it_replaced() {
    let mut stream = exact(&["hunter22", "password1"]).stream();
    stream.scan(b"hunter22 hunter", End::No, &mut |_| {});
    stream.scan(b"hunter22", End::Yes, &mut |_| {});
    assert_eq!(stream.replaced(), BTreeMap::from([("A".to_owned(), 2)]));
}

#[test]
fn a_stream_can_move_to_another_thread() {
    fn assert_send<T: Send + 'static>(_: &T) {}
    assert_send(&exact(&["hunter22"]).stream());
}
