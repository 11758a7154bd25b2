use super::*;
use agent_plan::outcome::Outcome;

fn decision(outcome: Outcome, error: Option<&str>) -> Decision {
    Decision {
        outcome,
        reason: "Reason".to_owned(),
        exit_code: agent_plan::outcome::exit_code(outcome),
        error: error.map(str::to_owned),
        retry_after: None,
    }
}

#[test]
fn a_success_is_an_outcome_and_a_last_status() {
    let told = ended(
        &decision(Outcome::Completed, None),
        Duration::from_secs(1572),
    );
    let [outcome, status] = &told[..] else {
        panic!("{told:?}");
    };
    assert_eq!(outcome.kind, EventKind::RunOutcome);
    assert_eq!(outcome.content, "Run succeeded in 26m 12s");
    let attrs = json!({
        "status": "succeeded", "exit_code": 0, "outcome": "Completed", "reason": "Reason",
        "decision": "pass", "durationMs": 1_572_000,
    });
    assert_eq!(json!(outcome.attrs), attrs);
    assert_eq!(
        (status.kind, &*status.content),
        (EventKind::Status, "run succeeded")
    );
    assert_eq!(status.attrs["phase"], "end");
}

#[test]
fn a_failure_says_what_went_wrong_first() {
    let told = ended(
        &decision(Outcome::RateLimited, Some("usage limit reached")),
        Duration::from_millis(312),
    );
    let kinds: Vec<_> = told.iter().map(|event| event.kind).collect();
    assert_eq!(
        kinds,
        [EventKind::Error, EventKind::RunOutcome, EventKind::Status]
    );
    assert_eq!(told[0].content, "usage limit reached");
    assert_eq!(told[0].attrs["exit_code"], 75);
    assert_eq!(
        told[1].content,
        "Run failed after 312ms: usage limit reached"
    );
    assert_eq!(told[1].attrs["decision"], "fail");
}
