//! What a controller is told by variables.

use serde_json::json;

use super::super::{AuthSecret, Controller, ControllerError, VARIABLES};
use crate::env::Environment;

fn told(entries: &[(&str, &str)]) -> Result<Controller, ControllerError> {
    let entries = entries
        .iter()
        .map(|(name, value)| (name.into(), value.into()));
    Controller::told(&Environment::new(entries))
}

#[test]
fn every_variable_changes_something() {
    for variable in VARIABLES {
        // What each is: a number, a flag, an object, a list, a text.
        let values = ["7", "no", "{\"a\":1}", "[\"a\"]"];
        let alone: Vec<_> = values
            .iter()
            .filter_map(|value| {
                let base = ("AGENTS_CONTROLLER_AUTH_SECRET_NAME", "auth");
                told(&[base, (variable.name, value)]).ok()
            })
            .collect();
        let base = told(&[("AGENTS_CONTROLLER_AUTH_SECRET_NAME", "auth")]);
        let base = base.expect("it is a name");
        assert!(
            alone.iter().any(|other| *other != base),
            "{}",
            variable.name
        );
    }
}

#[test]
fn nothing_and_blanks_are_the_default() {
    let default = Controller::default();
    assert_eq!(told(&[]), Ok(default.clone()));
    let blank: Vec<_> = VARIABLES.iter().map(|it| (it.name, " ")).collect();
    assert_eq!(told(&blank), Ok(default.clone()));
    assert_eq!(
        (default.log_retention_seconds, default.repositories),
        (604_800, true)
    );
}

#[test]
fn they_are_read_as_the_controller_reads_them() {
    let controller = told(&[
        ("AGENTS_AGENT_RUNNER_IMAGE", " i:1 "),
        ("AGENTS_CONTROLLER_BLOCKED_SECRETS", "a, b,,"),
        ("AGENTS_CONTROLLER_LABELS_DENIED", "[\"x\", \" y \"]"),
        ("AGENTS_CONTROLLER_VCS_PROVIDERS_ENABLED", "Off"),
        ("AGENTS_CONTROLLER_VCS_PR_RATE_LIMITS", "{}"),
        ("AGENTS_AGENT_RUNNER_TOLERATIONS", "[{\"key\":\"k\"}]"),
        ("AGENTS_CONTROLLER_AUTH_SECRET_NAME", "codex"),
    ])
    .expect("all is as it should be");
    assert_eq!(controller.image.as_deref(), Some("i:1"));
    assert_eq!(controller.blocked_secrets, ["a", "b"]);
    assert_eq!(controller.labels.denied, ["x", "y"]);
    assert!(!controller.repositories);
    assert_eq!(controller.pull_request_rates, None);
    assert_eq!(
        controller.scheduling.tolerations,
        Some(vec![json!({ "key": "k" })])
    );
    assert_eq!(
        controller.auth_secret,
        Some(AuthSecret {
            name: "codex".to_owned(),
            key: "auth.json".to_owned(),
            mount_path: "/root/.codex".to_owned(),
        })
    );
}

#[test]
fn what_is_wrong_is_said_by_its_name_and_without_its_value() {
    for (name, value, expected) in [
        ("AGENTS_AGENT_RUNNER_BACKOFF_LIMIT", "-1", "a number"),
        ("AGENTS_AGENT_RUNNER_RESOURCES", "[]", "a JSON object"),
        ("AGENTS_AGENT_RUNNER_TOLERATIONS", "{}", "a JSON list"),
        ("AGENTS_CONTROLLER_LABELS_DENIED", "[1]", "a list of names"),
        (
            "AGENTS_CONTROLLER_VCS_PROVIDERS_ENABLED",
            "maybe",
            "`true` or `false`",
        ),
    ] {
        let error = told(&[(name, value)]).expect_err("it is wrong");
        assert_eq!(
            error.to_string(),
            format!("the variable `{name}` is not {expected}")
        );
    }
}
