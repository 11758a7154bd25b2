//! The provider refuses.

use std::time::Duration;

use agent_tests::{Cli, Ended, Ending, ModelApi, Run, Step, assert_ends, ends};
use serde_json::{Value, json};

/// What the controller looks for to see that a provider has no capacity left (contract §7.3).
const CAPACITY: [&str; 6] = [
    "usage limit",
    "insufficient quota",
    "quota exceeded",
    "quota has been exceeded",
    "rate limit",
    "resource has been exhausted",
];

/// Runs a CLI whose every request is refused in this way.
fn refused(cli: Cli, status: u16, kind: &str, message: &str) -> Option<Ended> {
    let api = ModelApi::start([Step::http(status, kind, message)]);
    Some(cli.run(&api)?.end())
}

/// Asserts how each of them ends, and that the error has these words, in lower case.
#[track_caller]
fn assert_each_ends(
    (status, kind, message): (u16, &str, &str),
    words: &(impl Fn(Cli) -> &'static str + Sync),
    wanted: &Ending,
) {
    Cli::each(|cli| {
        let Some(ended) = refused(cli, status, kind, message) else {
            return;
        };
        let name = format!("{cli:?} {status}");
        assert_ends(&name, &ended, wanted);
        let error = ended.error().to_lowercase();
        assert!(error.contains(words(cli)), "{name}: {error}");
    });
}

/// Leaves a CLI the patience that it has by itself.
fn patient(cli: Cli, run: Run) -> Run {
    if cli == Cli::Claude {
        return run.spec(
            "/adapter/exec/envTemplate/CLAUDE_CODE_MAX_RETRIES",
            json!("10"),
        );
    }
    let path = run.path("home/config.toml");
    let config = std::fs::read_to_string(&path).expect("the test wrote it");
    let config: Vec<&str> = (config.lines())
        .filter(|line| !line.contains("_max_retries"))
        .collect();
    std::fs::write(&path, config.join("\n")).expect("the test wrote it");
    run
}

#[test]
fn refused_credentials_end_the_run_at_once_however_patient_the_cli_is() {
    Cli::each(|cli| {
        let api = ModelApi::start([Step::http(401, "authentication_error", "no such key")]);
        let Some(run) = cli.run(&api) else { return };
        let ended = patient(cli, run).end();
        assert_ends(&format!("{cli:?}"), &ended, &ends(77, "AuthFailed", "Auth"));
        let asked = api.requests().len();
        assert!(asked <= 3, "{cli:?} asked {asked} times");
        // By itself claude goes on for minutes, codex for seven seconds and six requests.
        assert!(ended.took < Duration::from_secs(20), "{cli:?}");
        // Claude keeps to itself what the provider said, until it has given up.
        let words = match cli {
            Cli::Claude => "authentication_failed, HTTP status 401",
            _ => "unexpected status 401 Unauthorized: no such key",
        };
        assert!(ended.error().contains(words), "{cli:?}: {}", ended.error());
        assert!(!ended.error().contains("Reconnecting"), "{}", ended.error());
    });
}

#[test]
fn a_forbidden_request_is_one_with_the_wrong_credentials() {
    let refusal = (403, "permission_error", "The organization is disabled.");
    let words = |_| "the organization is disabled";
    assert_each_ends(refusal, &words, &ends(77, "AuthFailed", "Auth"));
}

#[test]
fn a_rate_limit_is_told_in_words_that_the_controller_knows() {
    let refusals = [
        ("usage_limit_reached", "You've hit your usage limit."),
        ("too_fast", "Slow down."),
    ];
    for (kind, message) in refusals {
        Cli::each(|cli| {
            let Some(ended) = refused(cli, 429, kind, message) else {
                return;
            };
            let name = format!("{cli:?} {kind}");
            assert_ends(&name, &ended, &ends(75, "RateLimited", "RateLimit"));
            let error = ended.error().to_lowercase();
            let known = CAPACITY.iter().any(|phrase| error.contains(phrase));
            assert!(known, "{name}: {error}");
            let after = ended.status.get("retryAfter");
            assert_eq!(after, Some(&Value::Null), "{name}: nobody said when");
        });
    }
}

#[test]
fn a_rate_limit_says_when_to_try_again_if_the_provider_does() {
    let words = "Rate limit reached. Please try again in 7s.";
    Cli::each(|cli| {
        // Codex keeps the words of a refusal to itself, but not those of a stream.
        let step = match cli {
            Cli::Claude => Step::http(429, "rate_limit_error", words),
            _ => Step::stream_error("rate_limit_error", words),
        };
        let api = ModelApi::start([step]);
        let Some(run) = cli.run(&api) else { return };
        let ended = run.end();
        let name = format!("{cli:?}");
        assert_ends(&name, &ended, &ends(75, "RateLimited", "RateLimit"));
        assert_eq!(ended.status["retryAfter"], 7, "{name}: {}", ended.status);
        assert!(ended.error().contains(words), "{name}: {}", ended.error());
    });
}

#[test]
fn an_overloaded_provider_is_told_from_one_that_fails() {
    let overloaded = ends(69, "ProviderUnavailable", "Overloaded");
    let words = |_| "overloaded";
    assert_each_ends((529, "overloaded_error", "Overloaded"), &words, &overloaded);
    // Codex says of a 500 no more than this, and of an overload that the model is at capacity.
    let words = |cli| match cli {
        Cli::Claude => "api error: 500 it broke",
        _ => "high demand",
    };
    let failed = ends(69, "ProviderUnavailable", "ServerError");
    assert_each_ends((500, "api_error", "It broke"), &words, &failed);
}

#[test]
fn an_overload_in_a_stream_is_one_too() {
    Cli::each(|cli| {
        let api = ModelApi::start([Step::stream_error("overloaded_error", "Overloaded")]);
        let Some(run) = cli.run(&api) else { return };
        let overloaded = ends(69, "ProviderUnavailable", "Overloaded");
        assert_ends(&format!("{cli:?}"), &run.end(), &overloaded);
    });
}

#[test]
fn what_only_another_run_could_mend_is_the_agents_own_failure() {
    let refusal = (400, "invalid_request_error", "There is no message.");
    let words = |_| "there is no message.";
    assert_each_ends(refusal, &words, &ends(1, "AgentFailed", "BadRequest"));
    let words = |cli| match cli {
        Cli::Claude => "issue with the selected model",
        _ => "unexpected status 404 not found: model: nonesuch",
    };
    let refusal = (404, "not_found_error", "model: nonesuch");
    assert_each_ends(refusal, &words, &ends(1, "AgentFailed", "ModelNotFound"));
}
