//! Which values are secrets.

use crate::secret::{Found, files_named_by, in_environment, in_file};

fn vars<'a>(vars: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a [u8])> {
    vars.iter()
        .map(|&(name, value)| (name, value.as_bytes()))
        .collect()
}

fn values(found: &[Found]) -> Vec<String> {
    found
        .iter()
        .map(|secret| String::from_utf8_lossy(&secret.value).into_owned())
        .collect()
}

fn is_secret(name: &str, value: &str) -> bool {
    !in_environment(vars(&[(name, value)]), &[]).is_empty()
}

#[test]
fn names_that_look_secret_are() {
    for name in [
        "GITHUB_TOKEN",
        "NATS_PASSWORD",
        "PGPASSWORD",
        "DB_PASS",
        "MYSQL_PWD",
        "API_KEY",
        "ANTHROPIC_API_KEY",
        "OPENAI_KEY",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "VCS_SSH_KEY",
        "client-secret",
        "signing.key",
        "SENTRY_DSN",
        "HTTP_AUTHORIZATION",
        "SESSION_COOKIE",
        "NATS_CREDS",
        "accessToken",
        "npm_config__authToken",
        "apikey",
        "COSIGN_PASSPHRASE",
        "TLS_PRIVATE_KEY",
        "MY_SECRET_VALUE",
    ] {
        assert!(is_secret(name, "abcdef-123"), "{name}");
    }
}

#[test]
fn names_that_speak_about_a_secret_are_not() {
    for name in [
        "HOME",
        "PATH",
        "PWD",
        "OLDPWD",
        "OLD_PWD",
        "AWS_ACCESS_KEY_ID",
        "TOKEN_TYPE",
        "SECRET_NAME",
        "PASSWORD_FILE",
        "TOKEN_URL",
        "API_KEY_HEADER",
        "PASSWORD_MIN_LENGTH",
        "SSH_AUTH_SOCK",
        "KEYBOARD",
        "MONKEY",
        "PUBLIC_KEY",
        "COMPASS",
        "PASSAGE",
        "TOKENIZER",
    ] {
        assert!(!is_secret(name, "abcdef-123"), "{name}");
    }
}

#[test]
fn values_that_no_token_has_are_not_secret() {
    assert!(!is_secret("MAX_OUTPUT_TOKENS", "128000"));
    assert!(!is_secret("USE_TOKEN", "disabled"));
    assert!(!is_secret("GITHUB_TOKEN", "/var/run/token"));
    assert!(!is_secret(
        "GOOGLE_APPLICATION_CREDENTIALS",
        "/etc/gcp/key.json"
    ));
    assert!(!is_secret("TOKEN_SERVER", "https://tokens.example.com"));
    assert!(!is_secret("GITHUB_TOKEN", " abc\n"));
    assert!(is_secret("GITHUB_TOKEN", "/base64+that+starts+so=="));
    assert!(is_secret("DB_PASSWORD", "123456"));
    assert!(is_secret("DB_PASSWORD", "/slash"));
}

#[test]
fn extra_names_are_secret_whatever_they_look_like() {
    let vars = [
        ("MY_LICENCE", &b"abcdef"[..]),
        ("MY_OTHER", b"ghijkl"),
        ("MY_SHORT", b"abc"),
    ];
    let found = |glob: &str| values(&in_environment(vars, &[glob.to_owned()]));
    assert_eq!(found("MY_LICENCE"), ["abcdef"]);
    assert_eq!(found("MY_LIC"), [""; 0]);
    assert_eq!(found("*LIC*"), ["abcdef"]);
    assert_eq!(found("my_*"), ["abcdef", "ghijkl"]);
    assert_eq!(found("M*_*ER"), ["ghijkl"]);
    assert_eq!(found("*"), ["abcdef", "ghijkl"]);
}

#[test]
fn headers_for_a_collector_are_secret_by_their_values() {
    let text = "authorization=Bearer%20hunter22-token,x-tenant=acme-portal,broken";
    let found = in_environment(vars(&[("OTEL_EXPORTER_OTLP_TRACES_HEADERS", text)]), &[]);
    let wanted = [
        "Bearer%20hunter22-token",
        "Bearer hunter22-token",
        "hunter22-token",
        "acme-portal",
    ];
    assert_eq!(values(&found), wanted);
}

#[test]
fn passwords_in_urls_of_any_variable_are_secret() {
    for (url, secrets) in [
        ("https://user:hunter22@host/path", vec!["hunter22"]),
        (
            "nats://a:p%40ssword@b:4222,nats://c:password2@d:4222",
            vec!["p%40ssword", "p@ssword", "password2"],
        ),
        ("postgres://u:pass@word@db/x", vec!["pass@word"]),
        (
            "https://ghs_0123456789abcdef@github.com/a/b",
            vec!["ghs_0123456789abcdef"],
        ),
        (
            "https://tokentoken:x-oauth-basic@github.com",
            vec!["tokentoken"],
        ),
        ("ssh://git@github.com/a/b", vec![]),
        ("https://host/a:b@c", vec![]),
        ("remote = 'https://u:hunter22@h' # x", vec!["hunter22"]),
    ] {
        let found = in_environment(vars(&[("ANYTHING", url)]), &[]);
        assert_eq!(values(&found), secrets, "{url}");
        assert!(found.iter().all(|secret| secret.name == "ANYTHING"));
    }
}

#[test]
fn a_header_without_its_scheme_is_secret_too() {
    let found = in_environment(vars(&[("AUTHORIZATION", "Bearer abcdefgh")]), &[]);
    assert_eq!(values(&found), ["Bearer abcdefgh", "abcdefgh"]);
}

#[test]
fn a_file_is_secret_as_a_whole() {
    assert_eq!(values(&in_file("token", b" hunter22\n")), ["hunter22"]);
    assert_eq!(in_file("token", b"").len(), 0);
}

#[test]
fn lines_of_a_key_are_secret_without_begin_and_end() {
    let key = "-----BEGIN EC PRIVATE KEY-----\nMHcCAQEEIIaaaaaaaaaaaaa\nbbbbbbbbbbbbbbbbbbbbbb\nAw==\n-----END EC PRIVATE KEY-----\n";
    let found = values(&in_file("key", key.as_bytes()));
    assert_eq!(
        found,
        [
            key.trim(),
            "MHcCAQEEIIaaaaaaaaaaaaa",
            "bbbbbbbbbbbbbbbbbbbbbb"
        ]
    );
    assert_eq!(
        values(&in_environment(vars(&[("VCS_SSH_KEY", key)]), &[])),
        found
    );
}

#[test]
fn json_gives_its_secret_leaves_and_no_lines() {
    let auth = r#"{
  "auths": {"ghcr.io": {"auth": "dXNlcjpwYXNz"}},
  "OPENAI_API_KEY": "sk-whatever",
  "auth_mode": "chatgpt-subscription",
  "tokens": {
    "id_token": "id-value",
    "access_token": "access-value",
    "refresh_token": "refresh-value",
    "account_id": "account-value",
    "max_tokens": 123456
  },
  "list": [{"clientSecret": "deep-value", "server": "https://u:url-value@h"}]
}"#;
    let found = in_file("auth.json", auth.as_bytes());
    let leaves = [
        "url-value",
        "dXNlcjpwYXNz",
        "sk-whatever",
        "id-value",
        "access-value",
        "refresh-value",
        "deep-value",
    ];
    assert_eq!(values(&found)[1..], leaves);
    assert_eq!(
        values(&in_environment(vars(&[("CODEX_AUTH", auth)]), &[])),
        values(&found)
    );
    assert!(!is_secret("CODEX_AUTH", "/home/agent/auth.json"));
}

#[test]
fn assignments_give_their_values() {
    let text =
        "# a comment that is long\n[default]\naws_secret_access_key = abc/def\ntoken: \"quoted\"\n";
    let found = values(&in_file("credentials", text.as_bytes()));
    assert_eq!(
        found[1..],
        ["aws_secret_access_key = abc/def", "abc/def", "quoted"]
    );
}

#[test]
fn variables_that_name_a_secret_file_are_found() {
    let found = files_named_by(vars(&[
        ("VCS_SSH_KEY_PATH", "/a"),
        ("AGENTS_MCP_IDENTITY_TOKEN_PATH", "/b"),
        ("NATS_CREDS_FILE", "/c\n"),
        ("GITHUB_TOKEN_FILE", "/d"),
        ("CODEX_AUTH", "/e"),
        ("GOOGLE_APPLICATION_CREDENTIALS", "/f"),
        ("AWS_WEB_IDENTITY_TOKEN_FILE", "/g"),
        ("CODEX_AUTH", "{\"tokens\": {}}"),
        ("PASSWORD_FILE", ""),
        ("VCS_TOKEN_FILE", "/h"),
        ("GH_TOKEN_FILE", "/i"),
        ("NATS_CREDS", "/j"),
        ("NATS_KEY", "/k"),
        ("NATS_NKEY", "/l/SU"),
        ("NATS_CREDS", "-----BEGIN NATS USER JWT-----\nno"),
        ("NATS_CREDS", "no\n-----BEGIN NATS USER JWT-----"),
        ("NATS_KEY", "-----BEGIN PRIVATE KEY-----\nno"),
        ("NATS_NKEY", "SUAB"),
        ("SSL_CERT_FILE", "/no"),
        ("VCS_SSH_KNOWN_HOSTS_PATH", "/no"),
        ("VCS_CA_FILE", "/no"),
        ("PATH", "/no"),
        ("GITHUB_TOKEN", "/no"),
    ]));
    let paths: Vec<_> = found.iter().map(|(_, path)| path.as_str()).collect();
    assert_eq!(
        paths,
        [
            "/a", "/b", "/c", "/d", "/e", "/f", "/g", "/h", "/i", "/j", "/k", "/l/SU"
        ]
    );
    assert_eq!(found[0].0, "VCS_SSH_KEY_PATH");
}

#[test]
fn the_password_of_a_proxy_needs_no_scheme_to_be_secret() {
    for (name, value, expected) in [
        ("https_proxy", "http://me:hunter22@proxy:3128", "hunter22"),
        ("HTTPS_PROXY", "me:hunter22@proxy:3128", "hunter22"),
        ("all_proxy", "me:hunter%2022@proxy", "hunter%2022"),
    ] {
        let found = values(&in_environment(vars(&[(name, value)]), &[]));
        assert_eq!(found.first().map(String::as_str), Some(expected), "{name}");
    }
    assert!(
        values(&in_environment(
            vars(&[("no_proxy", "localhost,127.0.0.1")]),
            &[]
        ))
        .is_empty()
    );
    assert!(values(&in_environment(vars(&[("NOTE", "me:hunter22@proxy")]), &[])).is_empty());
}

#[test]
fn whatever_logs_in_at_a_server_is_secret_in_the_list_of_servers() {
    for (urls, expected) in [
        ("nats://nats:4222", &[][..]),
        ("nats://agents:hunter22@nats:4222", &["hunter22"]),
        ("agents:hunter22@nats", &["hunter22"]),
        (
            "t0ken-12@nats, tls://a:hunter%2F22@b:1/",
            &["t0ken-12", "hunter%2F22", "hunter/22"],
        ),
        (
            "nats://a:hunter@22@b,c:hunter33@d",
            &["hunter@22", "hunter33"],
        ),
        ("nats://short@nats", &[]),
    ] {
        let found = in_environment(vars(&[("NATS_URL", urls)]), &[]);
        assert_eq!(values(&found), expected, "{urls}");
    }
}
