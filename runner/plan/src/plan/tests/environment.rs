//! The agent's environment: policy first, then templates.

use serde_json::json;

use super::{Asked, variable};
use crate::plan::Plan;

/// The names that the agent has, in order.
fn names(plan: &Plan) -> Vec<&str> {
    plan.process
        .env
        .iter()
        .map(|(name, _)| name.to_str().expect("tests set text"))
        .collect()
}

fn pod() -> Asked {
    Asked::exec()
        .env("PATH", "/bin")
        .env("LC_ALL", "C.UTF-8")
        .env("NATS_URL", "nats://n")
        .env("NATS_USER", "u")
        .env("EMPTY", "")
}

#[test]
fn everything_is_inherited_by_default_empty_values_too() {
    let plan = pod().planned();
    assert_eq!(names(&plan), ["PATH", "LC_ALL", "NATS_URL", "EMPTY"]);
    assert_eq!(variable(&plan, "EMPTY"), Some(""));
}

#[test]
fn a_clean_environment_has_the_base_and_what_is_passed() {
    let clean = pod().setting("env/mode", json!("clean"));
    assert_eq!(names(&clean.planned()), ["PATH", "LC_ALL"]);
    let called_otherwise = pod().setting("env/mode", json!("allowlist"));
    assert_eq!(names(&called_otherwise.planned()), ["PATH", "LC_ALL"]);
    let passing = clean.setting("env/pass", json!(["NATS_*", "ABSENT"]));
    assert_eq!(
        names(&passing.planned()),
        ["PATH", "LC_ALL", "NATS_URL", "NATS_USER"]
    );
}

#[test]
fn what_is_dropped_is_dropped_in_either_mode_even_if_passed() {
    let dropping = pod().setting("env/drop", json!(["NATS_*", "PATH"]));
    assert_eq!(names(&dropping.planned()), ["LC_ALL", "EMPTY"]);
    let clean = dropping
        .setting("env/mode", json!("clean"))
        .setting("env/pass", json!(["NATS_URL"]));
    assert_eq!(names(&clean.planned()), ["LC_ALL"]);
}

#[test]
fn what_a_template_sets_wins_over_what_is_inherited_or_dropped() {
    let plan = pod()
        .setting("env/drop", json!(["NATS_URL"]))
        .env_template("NATS_URL", "nats://own")
        .env_template("PATH", "{{env.PATH}}:/opt")
        .planned();
    assert_eq!(variable(&plan, "NATS_URL"), Some("nats://own"));
    assert_eq!(variable(&plan, "PATH"), Some("/bin:/opt"));
    assert_eq!(plan.process.rendered, ["NATS_URL", "PATH"]);
}

#[test]
fn a_name_that_is_none_is_refused_by_the_name_of_its_template() {
    for name in ["", "A=B", "A\0B"] {
        let error = Asked::exec()
            .spec("/adapter/exec/envTemplate", json!({ name: "x" }))
            .refused();
        assert_eq!(error.reason(), "BadText", "{name:?}");
        assert!(
            error
                .to_string()
                .contains(&format!("adapter.exec.envTemplate.{name}")),
            "{error}"
        );
    }
}

#[test]
fn a_value_that_is_no_text_is_refused_by_the_name_of_its_template() {
    for value in [json!(1), json!(null), json!(["x"])] {
        let error = Asked::exec()
            .spec("/adapter/exec/envTemplate/A", value)
            .refused();
        assert_eq!(
            error.to_string(),
            "`adapter.exec.envTemplate.A` must be text"
        );
    }
}
