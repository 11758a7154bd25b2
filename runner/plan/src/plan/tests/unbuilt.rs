//! What a spec asks for and this build does not do is refused by its name, never missed.

use serde_json::{Value, json};

use super::Asked;
use crate::outcome::Outcome;

#[test]
fn what_is_to_be_cloned_is_refused_rather_than_missed() {
    let git = json!({ "url": "https://example.com/a.git" });
    for (pointer, named) in [
        (
            "/execution/coordinates/git",
            "`execution.coordinates.git` is not in this build",
        ),
        (
            "/runner/workspace/git",
            "`runner.workspace.git` is not in this build",
        ),
        (
            "/adapter/runner/workspace/git",
            "`adapter.runner.workspace.git` is not in this build",
        ),
    ] {
        let error = Asked::exec().spec(pointer, git.clone()).refused();
        assert_eq!(error.to_string(), named);
        Asked::exec().spec(pointer, Value::Null).planned();
    }
}

#[test]
fn what_the_payload_wants_cloned_is_refused_too() {
    let payload = |git: Value| json!({ "execution": { "coordinates": { "git": git } } });
    let asked = |git| Asked::exec().payload(payload(git));
    let error = asked(json!({ "url": "https://example.com/a.git" })).refused();
    assert_eq!(
        error.to_string(),
        "`run.json: execution.coordinates.git` is not in this build"
    );
    asked(Value::Null).planned();
}

#[test]
fn what_a_definition_asks_for_is_refused_too() {
    let asked = |runner: Value| {
        Asked::bare().definition(json!({ "adapter": {
            "type": "exec",
            "exec": { "binary": "/bin/defined" },
            "runner": runner,
        }}))
    };
    let error = asked(json!({ "workspace": { "git": { "url": "x" } } })).refused();
    assert_eq!(
        error.to_string(),
        "`provider definition: adapter.runner.workspace.git` is not in this build"
    );
    asked(json!({ "cwd": "/" })).planned();
}

#[test]
fn every_setting_of_a_later_build_is_refused_by_its_name() {
    for key in ["workspace", "budget", "skill", "events", "artifacts"] {
        for place in ["runner", "adapter.runner"] {
            let pointer = format!("/{}/{key}", place.replace('.', "/"));
            for value in [json!({ "a": 1 }), json!("text"), json!(["x"])] {
                let error = Asked::exec().spec(&pointer, value).refused();
                assert_eq!(
                    error.to_string(),
                    format!("`{place}.{key}` is not in this build")
                );
                assert_eq!(error.outcome(), Outcome::ProviderUnavailable);
            }
            let nothing = Asked::exec().spec(&pointer, json!({})).planned();
            assert_eq!(nothing.warnings, [""; 0]);
        }
    }
}
