use super::phrases::{CAUSES, SYMPTOMS};
use super::*;

#[test]
fn every_phrase_alone_means_its_class() {
    for (phrase, class) in CAUSES.iter().chain(SYMPTOMS) {
        let said = phrase.replace("..", "`some-model/v1.5`");
        assert_eq!(class_of(&said), *class, "{said}");
        assert_eq!(class_of(&said.to_uppercase()), *class, "{said}");
        assert_eq!(class_of(&said.replace(' ', "_")), *class, "{said}");
    }
}

#[test]
fn a_phrase_is_found_only_between_the_ends_of_words() {
    for (phrase, _) in CAUSES.iter().chain(SYMPTOMS) {
        let said = phrase.replace("..", "x");
        assert!(
            contains(&words_of(&format!("a {said}, b")), phrase),
            "{said}"
        );
        assert!(
            !contains(&words_of(&format!("{said}ful")), phrase),
            "{said}"
        );
        assert!(!contains(&words_of(&format!("un{said}")), phrase), "{said}");
    }
}

#[test]
fn a_gap_is_a_few_words() {
    let apart = |count| words_of(&format!("model {}not found", "x ".repeat(count)));
    for (count, found) in [(0, true), (1, true), (8, true), (9, false)] {
        assert_eq!(
            contains(&apart(count), "model .. not found"),
            found,
            "{count}"
        );
    }
}

#[test]
fn what_the_clis_have_said_is_understood() {
    for (said, class) in SAID {
        assert_eq!(class_of(said), *class, "{said}");
    }
}

const SAID: &[(&str, Class)] = &[
    (
        "unexpected status 401 Unauthorized: invalid x-api-key, url: http://127.0.0.1:18999/a/responses",
        Class::Auth,
    ),
    (
        "unexpected status 403 Forbidden: no, url: http://127.0.0.1:18999/a/responses",
        Class::Auth,
    ),
    (
        "unexpected status 404 Not Found: no such path, url: ws://127.0.0.1:18999/a/responses",
        Class::ModelNotFound,
    ),
    (
        "unexpected status 413 Payload Too Large: too large, url: http://127.0.0.1:18999/a",
        Class::BadRequest,
    ),
    (
        "exceeded retry limit, last status: 429 Too Many Requests",
        Class::RateLimit,
    ),
    (
        "We’re currently experiencing high demand, which may cause temporary errors.",
        Class::Server,
    ),
    (
        "Selected model is at capacity. Please try a different model.",
        Class::Overloaded,
    ),
    (
        "stream disconnected before completion: stream closed before response.completed",
        Class::Network,
    ),
    (
        "stream disconnected before completion: idle timeout waiting for SSE",
        Class::Network,
    ),
    (
        "error sending request for url (https://auth.openai.com/oauth/token)",
        Class::Network,
    ),
    ("Missing environment variable: `FAKE_KEY`.", Class::Auth),
    (
        r#"{"error": {"type": "invalid_request_error", "message": "no", "param": null}}"#,
        Class::BadRequest,
    ),
    (r#"{"error":{"code":429,"message":"no"}}"#, Class::RateLimit),
    ("http status: 503", Class::Overloaded),
    ("HTTP/1.1 502 Bad Gateway", Class::Server),
    ("server answered with status code 500", Class::Server),
    ("API Error: 529 {}", Class::Overloaded),
    ("API Error: Connection error.", Class::Network),
    ("overloaded_error", Class::Overloaded),
    (
        "You’ve hit your usage limit. Upgrade to Pro",
        Class::RateLimit,
    ),
    ("insufficient_quota", Class::RateLimit),
    ("model not found", Class::ModelNotFound),
    ("ChatGPT authentication required", Class::Auth),
    ("insufficient-quota", Class::RateLimit),
    ("usageLimitExceeded", Class::RateLimit),
    ("contextWindowExceeded", Class::BadRequest),
    ("serverOverloaded", Class::Overloaded),
    ("responseStreamDisconnected", Class::Network),
    ("httpConnectionFailed", Class::Network),
    ("internalServerError", Class::Server),
    ("sessionBudgetExceeded", Class::Budget),
    ("token_expired", Class::Auth),
    (
        "Your access token could not be refreshed because your refresh token was already used.",
        Class::Auth,
    ),
    ("Not logged in · Please run /login", Class::Auth),
    (
        "The model `gpt-9` does not exist or you do not have access to it.",
        Class::ModelNotFound,
    ),
    (
        "The 'gpt-9' model is not supported when using Codex with a ChatGPT account.",
        Class::ModelNotFound,
    ),
    ("connect ECONNREFUSED 127.0.0.1:443", Class::Network),
    (
        "stream disconnected before completion: Rate limit reached for gpt-5",
        Class::RateLimit,
    ),
    (
        "unexpected status 400: Your input exceeds the context window of this model",
        Class::BadRequest,
    ),
    (
        "unexpected status 403: insufficient quota",
        Class::RateLimit,
    ),
    (
        "unexpected status 503 Service Unavailable: request timed out",
        Class::Overloaded,
    ),
    ("", Class::Unknown),
    ("the tests fail", Class::Unknown),
    ("wrote 401 lines to http.rs", Class::Unknown),
    ("see http://10.0.0.1:443/ for more", Class::Unknown),
    ("status 200, then 404 more lines", Class::Unknown),
    ("the status of rate and limit", Class::Unknown),
];
