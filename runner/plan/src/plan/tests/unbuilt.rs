//! What a spec asks for and this build does not do is refused by its name, never missed.

use serde_json::{Value, json};

use super::Asked;
use crate::outcome::Outcome;

#[test]
fn what_a_definition_asks_for_is_refused_too() {
    let asked = |runner: Value| {
        Asked::bare().definition(json!({ "adapter": {
            "type": "exec",
            "exec": { "binary": "/bin/defined" },
            "runner": runner,
        }}))
    };
    let error = asked(json!({ "artifacts": { "log": true } })).refused();
    assert_eq!(
        error.to_string(),
        "`provider definition: adapter.runner.artifacts` is not in this build"
    );
    asked(json!({ "cwd": "/" })).planned();
}

#[test]
fn every_setting_of_a_later_build_is_refused_by_its_name() {
    for place in ["runner", "adapter.runner"] {
        let pointer = format!("/{place}/artifacts").replace('.', "/");
        for value in [json!({ "a": 1 }), json!("text"), json!(["x"])] {
            let error = Asked::exec().spec(&pointer, value).refused();
            assert_eq!(
                error.to_string(),
                format!("`{place}.artifacts` is not in this build")
            );
            assert_eq!(error.outcome(), Outcome::ProviderUnavailable);
        }
        let nothing = Asked::exec().spec(&pointer, json!({})).planned();
        assert_eq!(nothing.warnings, [""; 0]);
    }
}
