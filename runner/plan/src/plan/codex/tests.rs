use super::*;
use serde_json::json;

#[test]
fn a_goal_of_the_payload_may_be_a_text_or_have_other_names() {
    for (goal, objective) in [
        (json!("Fix it."), Some("Fix it.")),
        (json!({ "objective": "a", "text": "b" }), Some("a")),
        (json!({ "summary": "c" }), Some("c")),
        (json!({ "prompt": "d", "tokenBudget": 5 }), Some("d")),
        (json!({ "tokenBudget": 5 }), None),
        (json!(7), None),
    ] {
        assert_eq!(goal_of_run(&goal).objective.as_deref(), objective, "{goal}");
    }
}

#[test]
fn times_are_bounded_and_zero_is_none() {
    assert_eq!(
        milliseconds(Some(1500.0)),
        Some(Duration::from_millis(1500))
    );
    assert_eq!(milliseconds(Some(f64::MAX)), None);
    assert_eq!(milliseconds(Some(1e15)), Some(LONGEST));
    assert_eq!(milliseconds(Some(-1.0)), None);
    assert_eq!(milliseconds(Some(0.0)), None);
    assert_eq!(milliseconds(None), None);
}
