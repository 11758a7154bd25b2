//! Tokens of known shapes.

use super::{assert_redacted, found, tokens};
use crate::secret::{Patterns, Redactor};

/// `count` characters that look random.
fn body(count: usize) -> String {
    "aB3dE5gH7jK9mN1pQ2rS4tU6vW8xY0zZ"
        .chars()
        .cycle()
        .take(count)
        .collect()
}

fn pem(end: &str) -> String {
    let line = body(64);
    format!(
        "-----BEGIN RSA PRIVATE KEY-----{end}{line}{end}{line}==\
         {end}-----END RSA PRIVATE KEY-----"
    )
}

#[test]
fn every_kind_has_its_name() {
    for (token, name) in [
        (format!("sk-ant-api03-{}", body(90)), "anthropic-key"),
        (format!("sk-proj-{}", body(40)), "openai-key"),
        (format!("sk-{}", body(48)), "openai-key"),
        (format!("ghs_{}", body(36)), "github-token"),
        (
            format!("github_pat_{}_{}", body(22), body(59)),
            "github-token",
        ),
        (format!("glpat-{}", body(20)), "gitlab-token"),
        (format!("xoxb-1234567890-{}", body(24)), "slack-token"),
        ("AKIAIOSFODNN7EXAMPLE".to_owned(), "aws-access-key"),
        (format!("AIza{}", body(35)), "google-key"),
        (format!("GOCSPX-{}", body(28)), "google-secret"),
        (format!("npm_{}", body(36)), "npm-token"),
        (format!("pypi-AgEIcHlwaS5vcmc{}", body(60)), "pypi-token"),
        (format!("hf_{}", body(34)), "huggingface-token"),
        (format!("sk_live_{}", body(24)), "stripe-key"),
        (format!("whsec_{}", body(32)), "stripe-key"),
        (
            format!("eyJ{}.eyJ{}.{}", body(33), body(90), body(43)),
            "jwt",
        ),
        (pem("\n"), "private-key"),
        (pem("\\n"), "private-key"),
    ] {
        let text = format!("a \"{token}\" b");
        assert_redacted(&tokens(), &text, &format!("a \"[REDACTED:{name}]\" b"));
        assert_redacted(&tokens(), &token, &format!("[REDACTED:{name}]"));
    }
}

#[test]
fn what_only_resembles_a_token_stays() {
    for text in [
        format!("ghp_{}", body(35)),
        format!("Xghp_{}", body(36)),
        format!("task-{}", body(48)),
        format!("sk-{}-{}", body(30), body(30)),
        format!("xoxb-{}", "abcdefghijkl"),
        "AKIAIOSFODNN7EXAMPLES".to_owned(),
        "AKIAIOSFODNN7EXAMPL".to_owned(),
        "AKIAIOSFODNN7EXAMPLe".to_owned(),
        format!("eyJ{}.{}.{}", body(33), body(90), body(43)),
        format!("eyJ{}", body(4000)),
        "if text.contains(\"-----BEGIN RSA PRIVATE KEY-----\") {".to_owned(),
        format!("-----BEGIN CERTIFICATE-----\n{}\n", body(64)),
    ] {
        if text.len() < 500 {
            assert_redacted(&tokens(), &text, &text);
        } else {
            assert_eq!(tokens().text(&text), text);
        }
    }
}

#[test]
fn an_escape_in_front_does_not_hide_a_token() {
    let token = format!("ghp_{}", body(36));
    for before in [
        "\\n",
        "x\\t",
        "%3D",
        "\\u001b[32m",
        "\u{1b}[38;2;255;255;255m",
        "\\u0022",
    ] {
        let expected = format!("{before}[REDACTED:github-token]");
        assert_redacted(&tokens(), &format!("{before}{token}"), &expected);
    }
    for before in ["n", "3D", "m", "2m", "u0022"] {
        let text = format!("{before}{token}");
        assert_redacted(&tokens(), &text, &text);
    }
}

#[test]
fn text_after_a_private_key_stays() {
    let text = format!("{}\nand then -----", pem("\n"));
    assert_redacted(&tokens(), &text, "[REDACTED:private-key]\nand then -----");
}

#[test]
fn a_private_key_that_is_cut_short_is_replaced() {
    let key = pem("\n");
    let text = format!("{}\", more text", &key[..150]);
    assert_redacted(&tokens(), &text, "[REDACTED:private-key]\", more text");
}

#[test]
fn a_token_in_a_token_is_part_of_it() {
    let text = format!("sk-ant-{}-ghp_{}.", body(30), body(40));
    assert_redacted(&tokens(), &text, "[REDACTED:anthropic-key].");
}

#[test]
fn an_exact_secret_names_the_token_that_it_is() {
    let token = format!("ghp_{}", body(36));
    let secrets = vec![found("GITHUB_TOKEN", &token)];
    let redactor = Redactor::new(secrets, Patterns::On);
    let text = format!("x {token} y {token}more z");
    let expected = "x [REDACTED:GITHUB_TOKEN] y [REDACTED:GITHUB_TOKEN] z";
    assert_redacted(&redactor, &text, expected);
}

#[test]
fn an_exact_secret_that_a_token_runs_into_is_covered() {
    let secrets = vec![found("A", "tail/of/secret")];
    let redactor = Redactor::new(secrets, Patterns::On);
    let text = format!("ghp_{}tail/of/secret.", body(36));
    assert_redacted(&redactor, &text, "[REDACTED:github-token].");
}

#[test]
fn a_token_has_a_longest_length() {
    let text = format!("ghp_{}", "a".repeat(20_000));
    let out = tokens().text(&text).into_owned();
    let rest = 20_000 - crate::secret::tail::LONGEST_TOKEN;
    assert_eq!(out, format!("[REDACTED:github-token]{}", "a".repeat(rest)));
    let cuts: Vec<usize> = (0..text.len()).step_by(999).collect();
    assert_eq!(
        super::read(&tokens(), text.as_bytes(), &cuts),
        out.as_bytes()
    );
}
