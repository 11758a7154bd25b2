//! Exact secrets in all their forms.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE};
use std::borrow::Cow;

use super::{assert_redacted, exact, found};
use crate::secret::{Patterns, Redactor};

#[test]
fn a_secret_is_replaced_by_its_name() {
    assert_redacted(
        &exact(&["hunter22"]),
        "pass=hunter22;",
        "pass=[REDACTED:A];",
    );
}

#[test]
fn text_without_secrets_is_not_copied() {
    let redactor = exact(&["hunter22"]);
    for text in ["", "hunter2", "hunter hunter2"] {
        assert!(matches!(redactor.text(text), Cow::Borrowed(same) if same == text));
    }
}

#[test]
fn values_under_six_bytes_are_ignored() {
    assert!(exact(&["short", " short \n", ""]).is_empty());
    assert!(Redactor::none().is_empty());
    assert!(!exact(&["longer"]).is_empty());
}

#[test]
fn white_space_around_a_value_is_not_part_of_it() {
    assert_redacted(&exact(&[" hunter22\n"]), "hunter22\n", "[REDACTED:A]\n");
}

#[test]
fn secrets_side_by_side_have_a_marker_each() {
    let redactor = exact(&["abcdef", "uvwxyz"]);
    assert_redacted(&redactor, "abcdefuvwxyz", "[REDACTED:A][REDACTED:B]");
}

#[test]
fn overlapping_secrets_leak_nothing() {
    let redactor = exact(&["abcdef", "efghij", "ijklmn"]);
    assert_redacted(&redactor, "-abcdefghijklmn-", "-[REDACTED:A]-");
    assert_redacted(&redactor, "-abcdefghijk-", "-[REDACTED:A]k-");
    // The end of the first is the second, and only the end of that starts the third.
    let redactor = exact(&["0abcdef", "abcdef", "defghi"]);
    assert_redacted(&redactor, "0abcdefghi", "[REDACTED:A]");
}

#[test]
fn the_longer_of_two_secrets_names_the_span() {
    let redactor = exact(&["abcdef", "abcdefgh", "xxabcdefghyy"]);
    assert_redacted(&redactor, "abcdefg abcdefgh", "[REDACTED:A]g [REDACTED:B]");
    assert_redacted(&redactor, "xxabcdefghyy", "[REDACTED:C]");
    assert_redacted(&redactor, "xxabcdefghy", "xx[REDACTED:B]y");
}

#[test]
fn a_flood_is_one_marker() {
    let redactor = exact(&["aaaaaa"]);
    assert_redacted(&redactor, &"a".repeat(50), "[REDACTED:A]");
}

#[test]
fn base64_is_found_wherever_the_secret_stands_in_the_text() {
    let secret = "s3cr3t-Pa55/w0rd?>~";
    let redactor = exact(&[secret]);
    for before in ["", "u", "us", "user:", "user2:", "some.user:"] {
        for after in ["", "!", "!!", "!!!"] {
            for engine in [STANDARD, URL_SAFE, STANDARD_NO_PAD] {
                let form = engine.encode(format!("{before}{secret}{after}"));
                let out = redactor.text(&form);
                assert!(out.contains("[REDACTED:A]"), "{before}…{after}: {out}");
                // What is left of the secret is what shares a character with its neighbours.
                let beside = (before.len() + after.len() + 6).div_ceil(3) * 4;
                assert!(out.len() <= "[REDACTED:A]".len() + beside, "{out}");
            }
        }
    }
}

#[test]
fn base64_of_repetitive_secrets_does_not_eat_ordinary_base64() {
    let redactor = Redactor::new(vec![found("A", [0_u8; 6])], Patterns::Off);
    assert_eq!(redactor.text("AAAAAAAAAAAAAAAA"), "[REDACTED:A]");
    let redactor = Redactor::new(vec![found("A", [0_u8, 0, 0, 0, 0, 1])], Patterns::Off);
    assert_eq!(redactor.text("AAAAAAAAAAAAAAAA"), "AAAAAAAAAAAAAAAA");
}

#[test]
fn percent_encoding_is_found() {
    let redactor = exact(&["p@ss wörd/(1)~*"]);
    for form in [
        "p%40ss%20w%C3%B6rd%2F%281%29~%2A",
        "p%40ss%20w%c3%b6rd%2f%281%29~%2a",
        "p%40ss%20w%C3%B6rd%2F(1)~*",
        "p%40ss%20w%C3%B6rd/%281%29~%2A",
        "p%40ss+w%C3%B6rd%2F%281%29%7E*",
    ] {
        assert_redacted(&redactor, form, "[REDACTED:A]");
    }
}

#[test]
fn json_strings_are_found() {
    let redactor = exact(&["a\"b\\c/d<e>\nf\u{1}\u{1f}é\u{1f600}"]);
    for form in [
        "a\\\"b\\\\c/d<e>\\nf\\u0001\\u001fé\u{1f600}",
        "a\\\"b\\\\c/d<e>\\nf\\u0001\\u001Fé\u{1f600}",
        "a\\\"b\\\\c\\/d<e>\\nf\\u0001\\u001fé\u{1f600}",
        "a\\\"b\\\\c/d\\u003ce\\u003e\\nf\\u0001\\u001fé\u{1f600}",
        "a\\\"b\\\\c/d<e>\\nf\\u0001\\u001f\\u00e9\\ud83d\\ude00",
    ] {
        assert_redacted(&redactor, form, "[REDACTED:A]");
        let again = serde_json::to_string(&serde_json::json!({ "a": form })).expect("a string");
        assert!(!form.contains("<e>\\nf\\u0001\\u001fé") || redactor.text(&again).len() < 60);
    }
}

#[test]
fn a_long_secret_is_one_span_in_every_form() {
    let words: Vec<String> = (0..900_u32).map(|n| format!("{n:x}")).collect();
    let secret = words.join("?");
    assert!(secret.len() > 3000);
    let redactor = exact(&[&secret]);
    let json = format!("\"{secret}\"");
    assert_eq!(redactor.text(&json), "\"[REDACTED:A]\"");
    assert_eq!(
        redactor
            .text(&STANDARD_NO_PAD.encode(&secret))
            .matches("RED")
            .count(),
        1
    );
    assert_eq!(redactor.text(&secret.replace('?', "%3F")), "[REDACTED:A]");
    assert!(redactor.longest() <= 8 * 1024);
    let part = &secret[..2500];
    assert!(redactor.text(part).starts_with("[REDACTED:A]"));
}

#[test]
fn names_cannot_break_the_marker() {
    let redactor = Redactor::new(vec![found("a b]/é.json", "hunter22")], Patterns::Off);
    assert_eq!(redactor.text("hunter22"), "[REDACTED:a_b___.json]");
}

#[test]
fn json_values_are_clean_in_strings_and_keys() {
    let mut value = serde_json::json!({
        "keep": [1, true, null, "clean"],
        "key hunter22": {"deep": ["x hunter22"]},
        "last": 0,
    });
    exact(&["hunter22"]).value(&mut value);
    let expected =
        r#"{"keep":[1,true,null,"clean"],"key [REDACTED:A]":{"deep":["x [REDACTED:A]"]},"last":0}"#;
    assert_eq!(value.to_string(), expected);
}

#[test]
fn a_number_that_is_a_secret_is_replaced_and_one_that_has_it_in_it_is_not() {
    let mut value = serde_json::json!([123_456, -123_456, 1_234_567, [123_456], 123_456.5, 1]);
    exact(&["123456"]).value(&mut value);
    let expected = r#"["[REDACTED:A]",-123456,1234567,["[REDACTED:A]"],123456.5,1]"#;
    assert_eq!(value.to_string(), expected);
}

#[test]
fn a_secret_that_splits_a_character_leaves_text() {
    let redactor = Redactor::new(vec![found("A", b"\xa9abcdef")], Patterns::Off);
    assert_eq!(redactor.text("éabcdef"), "\u{fffd}[REDACTED:A]");
}
