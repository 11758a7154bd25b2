//! Tokens that are known by their shape, whoever they belong to.
//!
//! Only shapes that nothing else has: a false alarm destroys output.

use super::tail::{Class, Shape};

/// One kind of token.
pub(super) struct Rule {
    /// Stands in the marker.
    pub(super) name: &'static str,
    /// What it starts with: three bytes or more, none inside another but at its start.
    pub(super) prefixes: &'static [&'static str],
    /// What has to follow.
    pub(super) shape: Shape,
}

impl Rule {
    const fn run(
        name: &'static str,
        prefixes: &'static [&'static str],
        class: Class,
        least: usize,
    ) -> Self {
        let shape = Shape::Run { class, least };
        Self {
            name,
            prefixes,
            shape,
        }
    }
}

/// All kinds. Where two have a prefix in common, both are tried.
pub(super) const RULES: &[Rule] = &[
    Rule::run("anthropic-key", &["sk-ant-"], Class::Url, 20),
    Rule::run(
        "openai-key",
        &["sk-proj-", "sk-svcacct-", "sk-admin-"],
        Class::Url,
        40,
    ),
    Rule::run("openai-key", &["sk-"], Class::Alphanumeric, 40),
    Rule::run(
        "github-token",
        &["ghp_", "gho_", "ghu_", "ghs_", "ghr_"],
        Class::Alphanumeric,
        36,
    ),
    Rule::run("github-token", &["github_pat_"], Class::Word, 22),
    Rule::run("gitlab-token", &["glpat-"], Class::Url, 20),
    Rule {
        name: "slack-token",
        prefixes: &["xoxa-", "xoxb-", "xoxp-", "xoxr-", "xoxs-"],
        shape: Shape::RunWithDigit { least: 10 },
    },
    Rule {
        name: "aws-access-key",
        prefixes: &["AKIA", "ASIA"],
        shape: Shape::Exactly { length: 16 },
    },
    Rule::run("google-key", &["AIza"], Class::Url, 35),
    Rule::run("google-secret", &["GOCSPX-"], Class::Url, 20),
    Rule::run("npm-token", &["npm_"], Class::Alphanumeric, 36),
    Rule::run("pypi-token", &["pypi-AgEIcHlwaS5vcmc"], Class::Url, 20),
    Rule::run("huggingface-token", &["hf_"], Class::Alphanumeric, 30),
    Rule::run(
        "stripe-key",
        &["sk_live_", "rk_live_"],
        Class::Alphanumeric,
        16,
    ),
    Rule::run("stripe-key", &["whsec_"], Class::Base64, 24),
    Rule {
        name: "jwt",
        prefixes: &["eyJ"],
        shape: Shape::Jwt,
    },
    Rule {
        name: "private-key",
        prefixes: &[
            "-----BEGIN PRIVATE KEY-----",
            "-----BEGIN RSA PRIVATE KEY-----",
            "-----BEGIN EC PRIVATE KEY-----",
            "-----BEGIN DSA PRIVATE KEY-----",
            "-----BEGIN OPENSSH PRIVATE KEY-----",
            "-----BEGIN ENCRYPTED PRIVATE KEY-----",
            "-----BEGIN PGP PRIVATE KEY BLOCK-----",
        ],
        shape: Shape::Pem,
    },
];

/// Bytes in front of a token that decide whether it is one: the longest escape sequence that
/// [`is_boundary`] knows is `[38;2;255;255;255m`.
pub(super) const BEFORE: usize = 20;

/// Whether a token may start after `before`.
///
/// The character in front must not be alphanumeric, unless it only looks so: the last of an escape
/// in a string (`\n`, `\u0022`), of a byte in a URL (`%22`), or of a terminal colour (`[32m`).
pub(super) fn is_boundary(before: &[u8; BEFORE]) -> bool {
    match *before {
        [.., last] if !last.is_ascii_alphanumeric() => true,
        [.., b'\\', b'n' | b'r' | b't' | b'b' | b'f'] => true,
        [.., b'%', a, b] if a.is_ascii_hexdigit() && b.is_ascii_hexdigit() => true,
        [.., b'\\', b'u', a, b, c, d] if [a, b, c, d].iter().all(u8::is_ascii_hexdigit) => true,
        [.., b'm'] => {
            let digits = |byte: &&u8| byte.is_ascii_digit() || **byte == b';';
            let colour = before[..BEFORE - 1].iter().rev().take_while(digits).count();
            before.get((BEFORE - 2).wrapping_sub(colour)) == Some(&b'[')
        }
        _ => false,
    }
}
