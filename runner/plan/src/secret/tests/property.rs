//! Promises over random texts, secrets and reads.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use percent_encoding::{NON_ALPHANUMERIC, percent_encode};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::{exact, found, read, read_by};
use crate::secret::{Patterns, Redactor};

/// Secrets of few letters overlap with each other and with the text around them.
fn secret() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        vec(select(b"ab".to_vec()), 6..12),
        vec(select(b"abcAB12+/=%\"\\ -_".to_vec()), 8..40),
        vec(any::<u8>(), 8..40),
    ]
    .prop_filter("white space around a value is not part of it", |value| {
        value.trim_ascii().len() == value.len()
    })
}

/// How a secret is written, from plain to inside of something else.
fn written(secret: &[u8], how: usize) -> Vec<u8> {
    match how {
        1 => STANDARD.encode(secret).into_bytes(),
        2 => URL_SAFE_NO_PAD
            .encode([b"u:", secret].concat())
            .into_bytes(),
        3 => STANDARD
            .encode([b"user", secret, b"!"].concat())
            .into_bytes(),
        4 => percent_encode(secret, NON_ALPHANUMERIC)
            .to_string()
            .into_bytes(),
        5 => str::from_utf8(secret).map_or_else(
            |_| secret.to_vec(),
            |text| serde_json::json!(text).to_string().into_bytes(),
        ),
        _ => secret.to_vec(),
    }
}

/// A text with what is looked for in it, and the secrets.
fn haystack() -> impl Strategy<Value = (Vec<Vec<u8>>, Vec<u8>)> {
    let filler = prop_oneof![
        vec(select(b"ab \n".to_vec()), 0..8),
        vec(any::<u8>(), 0..8),
        select(vec![
            b"ghp_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa".to_vec(),
            b"\nsk-ant-aaaaaaaaaaaaaaaaaaaa-sk-".to_vec(),
            b" eyJaaaaaaaaaa.eyJbbbbbbbbbb.cc".to_vec(),
            b"-----BEGIN PRIVATE KEY-----\n".to_vec(),
            b"-----END PRIVATE KEY-----\n".to_vec(),
            b"-eyJ".to_vec(),
            b"aaaaaaaaa.eyJ".to_vec(),
            b"AKIAAAAAAAAAAAAAAAAA".to_vec(),
        ]),
    ];
    let parts = vec((filler, any::<Index>(), 0_usize..8), 1..10);
    (vec(secret(), 1..4), parts).prop_map(|(secrets, parts)| {
        let mut text = Vec::new();
        for (filler, index, how) in parts {
            text.extend_from_slice(&filler);
            text.extend_from_slice(&written(&secrets[index.index(secrets.len())], how));
        }
        (secrets, text)
    })
}

fn redactor(secrets: &[Vec<u8>], patterns: Patterns) -> Redactor {
    let secrets = secrets.iter().map(|value| found("_", value));
    Redactor::new(secrets.collect(), patterns)
}

/// The parts of `text` that no marker stands for.
fn between_markers(text: &[u8]) -> Vec<&[u8]> {
    let marker = b"[REDACTED:";
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some(at) = rest
        .windows(marker.len())
        .position(|window| window == marker)
    {
        parts.push(&rest[..at]);
        let end = rest[at..].iter().position(|&byte| byte == b']');
        rest = &rest[at + end.expect("a marker has an end") + 1..];
    }
    parts.push(rest);
    parts
}

fn has(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
}

/// The bytes that are covered if every occurrence of every secret is: the slow way.
fn covered(secrets: &[Vec<u8>], text: &[u8]) -> Vec<bool> {
    let mut covered = vec![false; text.len()];
    for secret in secrets {
        for at in 0..text.len() {
            if text[at..].starts_with(secret) {
                covered[at..at + secret.len()].fill(true);
            }
        }
    }
    covered
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn two_reads_are_one((secrets, text) in haystack(), with_tokens: bool) {
        let patterns = if with_tokens { Patterns::On } else { Patterns::Off };
        let redactor = redactor(&secrets, patterns);
        let whole = read(&redactor, &text, &[]);
        for cut in 0..=text.len() {
            prop_assert_eq!(&read(&redactor, &text, &[cut]), &whole, "cut at {}", cut);
        }
    }

    #[test]
    fn a_stream_of_exact_secrets_replaces_what_a_redactor_of_them_does(
        (secrets, text) in haystack(),
        cuts in vec(any::<Index>(), 0..10),
    ) {
        let known = redactor(&secrets, Patterns::On);
        let mut cuts: Vec<_> = cuts.iter().map(|cut| cut.index(text.len() + 1)).collect();
        cuts.sort_unstable();
        let out = read_by(&known, known.stream().exact(), &text, &cuts);
        prop_assert_eq!(out, read(&redactor(&secrets, Patterns::Off), &text, &[]));
    }

    #[test]
    fn many_reads_are_one((secrets, text) in haystack(), cuts in vec(any::<Index>(), 0..40)) {
        let redactor = redactor(&secrets, Patterns::On);
        let mut cuts: Vec<_> = cuts.iter().map(|cut| cut.index(text.len() + 1)).collect();
        cuts.sort_unstable();
        prop_assert_eq!(read(&redactor, &text, &cuts), read(&redactor, &text, &[]));
    }

    #[test]
    fn no_secret_comes_through((secrets, text) in haystack()) {
        for patterns in [Patterns::On, Patterns::Off] {
            let out = read(&redactor(&secrets, patterns), &text, &[]);
            for secret in &secrets {
                // A piece of text and a marker together are no secret of the text.
                for part in between_markers(&out) {
                    prop_assert!(!has(part, secret), "{:?}", String::from_utf8_lossy(&out));
                }
            }
        }
    }

    #[test]
    fn all_that_is_not_secret_comes_through((secrets, text) in haystack()) {
        let covered = covered(&secrets, &text);
        let out = read(&redactor(&secrets, Patterns::Off), &text, &[]);
        // Forms other than the plain one may cover more: what comes out is a subsequence.
        let mut kept = text.iter().zip(&covered).filter(|&(_, &covered)| !covered).map(|(byte, _)| byte);
        let mut rest = out.as_slice();
        while !rest.is_empty() {
            if let Some(after) = rest.strip_prefix(b"[REDACTED:_]") {
                rest = after;
            } else {
                prop_assert!(kept.any(|byte| *byte == rest[0]), "{:?}", String::from_utf8_lossy(rest));
                rest = &rest[1..];
            }
        }
    }

    #[test]
    fn clean_text_is_the_same_bytes(text in vec(any::<u8>(), 0..300), cuts in vec(any::<Index>(), 0..9)) {
        // Nothing random holds twelve given bytes, in any form.
        let redactor = Redactor::new(vec![found("A", b"hunter22hunter")], Patterns::On);
        let mut cuts: Vec<_> = cuts.iter().map(|cut| cut.index(text.len() + 1)).collect();
        cuts.sort_unstable();
        prop_assert_eq!(read(&redactor, &text, &cuts), text);
    }

    #[test]
    fn every_form_is_found(value in "[ -~]{10,40}", how in 0_usize..6, before in "[x-z]{0,5}") {
        let value = value.trim();
        prop_assume!(value.len() >= 10);
        let text = [before.as_bytes(), &written(value.as_bytes(), how)].concat();
        let out = read(&exact(&[value]), &text, &[]);
        prop_assert!(has(&out, b"[REDACTED:A]"), "{:?}", String::from_utf8_lossy(&out));
    }

    #[test]
    fn discovery_takes_any_bytes(name in ".{0,20}", content in vec(any::<u8>(), 0..200)) {
        let is_decoded = content.contains(&b'%') || serde_json::from_slice::<serde_json::Value>(&content).is_ok();
        for secret in crate::secret::in_file(&name, &content) {
            prop_assert!(is_decoded || has(&content, &secret.value));
        }
    }
}
