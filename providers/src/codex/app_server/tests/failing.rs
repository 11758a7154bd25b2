//! Failures: codex's codes, its words, and refusals of our requests.

use super::super::failure;
use super::*;
use crate::Class;
use agent_plan::outcome::RetryAfter;

#[test]
fn every_code_has_its_class() {
    let status = |code: &str, status: Value| json!({code: {"httpStatusCode": status}});
    let table = [
        (json!("usageLimitExceeded"), Class::RateLimit),
        (json!("contextWindowExceeded"), Class::BadRequest),
        (json!("serverOverloaded"), Class::Overloaded),
        (json!("unauthorized"), Class::Auth),
        (json!("internalServerError"), Class::Server),
        (json!("modelNotFound"), Class::ModelNotFound),
        (json!("sessionBudgetExceeded"), Class::Budget),
        (status("httpConnectionFailed", json!(401)), Class::Auth),
        (status("httpConnectionFailed", json!(429)), Class::RateLimit),
        (
            status("responseTooManyFailedAttempts", json!(502)),
            Class::Server,
        ),
        (
            status("responseStreamDisconnected", json!(null)),
            Class::Network,
        ),
        (
            status("responseStreamConnectionFailed", json!("x")),
            Class::Network,
        ),
        (json!("somethingNew"), Class::Unknown),
        (json!({}), Class::Unknown),
        (json!(7), Class::Unknown),
    ];
    for (info, class) in table {
        let error = json!({"message": "words", "codexErrorInfo": info});
        assert_eq!(failure::class(&error), class, "{info}");
    }
}

#[test]
fn the_words_are_the_providers() {
    let error = json!({
        "message": "{\"error\": {\"type\": \"invalid_request_error\", \"message\": \"too long\"}}",
        "additionalDetails": "of 5",
    });
    assert_eq!(
        failure::message(&error),
        "too long (invalid_request_error): of 5"
    );
    assert_eq!(
        failure::message(&json!({"message": "a b", "additionalDetails": "b"})),
        "a b"
    );
    assert_eq!(failure::message(&json!(null)), "codex gave no reason");
}

#[test]
fn a_network_that_does_not_come_back_is_waited_for_in_vain() {
    let mut talk = Talk::in_turn(&plan());
    let mut wait = || {
        let error = json!({
            "message": "Reconnecting... waiting for network",
            "codexErrorInfo": {"responseStreamDisconnected": {"httpStatusCode": null}},
            "additionalDetails": "Connection failed: no route",
        });
        talk.notified("error", json!({"error": error, "willRetry": true}))
    };
    let is_stop = |action: &Action| matches!(action, Action::Stop(_));
    for _ in 0..5 {
        assert!(!wait().iter().any(is_stop));
    }
    let actions = wait();
    let Some(Action::Stop(verdict)) = actions.last() else {
        panic!("it goes on: {actions:?}");
    };
    assert_eq!(verdict.reason, "Network");
    assert_eq!(
        verdict.message.as_deref(),
        Some("Connection failed: no route")
    );
}

#[test]
fn a_final_error_ends_the_run_without_turn_completed() {
    let mut talk = Talk::in_turn(&plan());
    let error =
        json!({"message": "You've hit your usage limit.", "codexErrorInfo": "usageLimitExceeded"});
    let actions = talk.notified("error", json!({"error": error, "willRetry": false}));
    let verdict = talk.verdict().expect("it is over");
    assert_eq!(verdict.reason, "RateLimit");
    assert_eq!(
        verdict.message.as_deref(),
        Some("You've hit your usage limit.")
    );
    assert_eq!(actions.last(), Some(&Action::CloseStdin));
    let report = talk.session.report();
    assert_eq!(
        report.turn_error.as_deref(),
        Some("You've hit your usage limit.")
    );
    assert_eq!(report.turn_status.as_deref(), Some("failed"));
}

#[test]
fn a_hiccup_is_told_and_nothing_else() {
    let mut talk = Talk::in_turn(&plan());
    let error = json!({"message": "Reconnecting... 1/5", "codexErrorInfo": {"responseStreamDisconnected": {"httpStatusCode": 429}}});
    let actions = talk.notified("error", json!({"error": error, "willRetry": true}));
    assert_eq!(actions.len(), 1);
    assert_eq!(told(&actions)[0].content, "Reconnecting... 1/5");
}

fn refused() -> Value {
    let info = json!({"responseStreamDisconnected": {"httpStatusCode": 401}});
    let error = json!({"message": "Reconnecting... 1/5", "codexErrorInfo": info, "additionalDetails": "401 Unauthorized"});
    json!({"error": error, "willRetry": true})
}

#[test]
fn refused_credentials_are_not_tried_five_times() {
    let mut talk = Talk::in_turn(&plan());
    let actions = talk.notified("error", refused());
    assert!(matches!(actions.last(), Some(Action::Stop(verdict)) if verdict.reason == "Auth"));
    let verdict = talk.verdict().expect("it is over");
    assert_eq!(verdict.message.as_deref(), Some("401 Unauthorized"));
    // The stop that follows must not make an interruption of it.
    talk.session.on_stop();
    talk.turn_ends("u1", "interrupted");
    assert_eq!(reason(&talk), Some("Auth"));
}

#[test]
fn while_codex_renews_its_credentials_a_refusal_is_not_final() {
    let mut talk = Talk::in_turn(&plan());
    talk.notified(
        "modelProvider/authRecoveryStarted",
        json!({"message": "renewing"}),
    );
    talk.notified("error", refused());
    assert_eq!(talk.verdict(), None);
    talk.notified(
        "modelProvider/authRecoveryCompleted",
        json!({"message": "renewed"}),
    );
    talk.notified("error", refused());
    assert_eq!(reason(&talk), Some("Auth"));
}

#[test]
fn the_limit_that_is_reached_says_when_to_come_back() {
    let mut talk = Talk::in_turn(&plan());
    let window =
        |used, resets| json!({"usedPercent": used, "windowDurationMins": 300, "resetsAt": resets});
    let limits = json!({"primary": window(40, 1000), "secondary": window(100, 2000)});
    let actions = talk.notified("account/rateLimits/updated", json!({"rateLimits": limits}));
    assert_eq!(
        told(&actions)[0].content,
        "primary 40 % used, secondary 100 % used"
    );
    talk.notified(
        "account/rateLimits/updated",
        json!({"rateLimits": {"primary": null}}),
    );
    let error = json!({"message": "limit", "codexErrorInfo": "usageLimitExceeded"});
    talk.notified(
        "turn/completed",
        json!({"turn": {"id": "u1", "status": "failed", "error": error}}),
    );
    let verdict = talk.verdict().expect("it is over");
    assert_eq!(verdict.retry_after, Some(RetryAfter::At(2000)));
}

#[test]
fn a_refused_request_ends_the_run_in_the_servers_words() {
    let refusal =
        |id: u64| json!({"id": id, "error": {"code": -32600, "message": "no such thread"}});
    let mut talk = Talk::new(&plan());
    talk.hears(&refusal(1));
    assert_eq!(reason(&talk), Some("StartupFailed"));

    let mut talk = Talk::new(&plan());
    talk.hears(&json!({"id": 1, "result": {}}));
    let actions = talk.hears(&refusal(2));
    let verdict = talk.verdict().expect("it is over");
    assert_eq!(
        verdict.message.as_deref(),
        Some("codex refused `thread/start`: no such thread")
    );
    assert_eq!(actions.last(), Some(&Action::CloseStdin));

    let mut talk = Talk::new(&plan());
    talk.hears(&json!({"id": 1, "result": {}}));
    talk.hears(&json!({"id": 2, "result": {"thread": {"id": "t1"}}}));
    talk.hears(&refusal(3));
    assert_eq!(reason(&talk), Some("Failed"));
}

#[test]
fn a_server_that_does_not_answer_is_stopped() {
    let mut talk = Talk::new(&plan());
    let actions = talk.rings(Timer::Bootstrap);
    let [Action::Stop(verdict)] = actions.as_slice() else {
        panic!("{actions:?}");
    };
    assert_eq!(verdict.reason, "StartupFailed");
    let message = "codex app-server did not answer `initialize` within 10 s";
    assert_eq!(verdict.message.as_deref(), Some(message));

    let mut talk = Talk::in_turn(&plan());
    assert_eq!(talk.rings(Timer::Bootstrap), []);
}
