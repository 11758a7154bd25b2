//! What the controller wrote becomes the argv, environment, files and artifacts that the runner
//! it ships made of it. The binary is held to the same folder by `tests/tests/conformance.rs`.

use serde_json::{Value, json};

use super::{Asked, variable};
use crate::spec::OutputArtifact;

/// The texts of a case: the ConfigMap and what is expected.
macro_rules! case {
    ($name:literal) => {
        (
            include_str!(concat!(
                env!("CARGO_MANIFEST_DIR"),
                "/../../tests/testdata/conformance/",
                $name,
                "/configmap.json"
            )),
            include_str!(concat!(
                env!("CARGO_MANIFEST_DIR"),
                "/../../tests/testdata/conformance/",
                $name,
                "/expected.json"
            )),
        )
    };
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).expect("test data is JSON")
}

#[track_caller]
fn the_plan_is_what_was_expected((config, expected): (&str, &str)) {
    let config = json(config);
    let part = |name: &str| json(config["data"][name].as_str().expect("every case has it"));
    let mut asked = Asked::bare().payload(part("run.json"));
    asked.spec = part("agent-runner.json");
    let plan = asked.planned();
    let expected = json(expected);

    assert_eq!(plan.identity.adapter, expected["adapter"]);
    assert_eq!(json!(plan.process.program), expected["binary"]);
    assert_eq!(json!(plan.process.args), expected["args"]);
    let env: serde_json::Map<_, _> = plan
        .process
        .rendered
        .iter()
        .map(|name| (name.clone(), json!(variable(&plan, name))))
        .collect();
    assert_eq!(Value::Object(env), expected["env"]);
    let files: Vec<_> = plan
        .files
        .iter()
        .map(|file| json!({ "path": file.path, "content": file.content }))
        .collect();
    assert_eq!(json!(files), expected["inputFiles"]);
    let artifacts: Vec<OutputArtifact> =
        serde_json::from_value(expected["outputArtifacts"].clone()).expect("they are artifacts");
    assert_eq!(plan.artifacts.declared, artifacts);
    assert_eq!(json!(plan.identity.name), config_name(&config));
}

/// The `AgentRun` that the ConfigMap belongs to.
fn config_name(config: &Value) -> Value {
    config["metadata"]["ownerReferences"][0]["name"].clone()
}

#[test]
fn exec_claude_is_planned_as_the_incumbent_ran_it() {
    the_plan_is_what_was_expected(case!("exec-claude"));
}

#[test]
fn exec_inferred_is_planned_as_the_incumbent_ran_it() {
    the_plan_is_what_was_expected(case!("exec-inferred"));
}

#[test]
fn exec_unicode_quotes_is_planned_as_the_incumbent_ran_it() {
    the_plan_is_what_was_expected(case!("exec-unicode-quotes"));
}

#[test]
fn a_spec_of_a_0_9_controller_runs_by_the_definition_of_the_image() {
    let asked = Asked::bare()
        .spec("/inputs", json!({ "stage": "audit" }))
        .spec(
            "/artifacts",
            json!({ "statusPath": "/workspace/.agent/status.json" }),
        )
        .definition(json!({ "binary": "/bin/agent", "argsTemplate": ["{{inputs.stage}}"] }));
    let plan = asked.planned();
    assert_eq!(plan.process.args, ["audit"]);
    assert!(plan.warnings.is_empty(), "{:?}", plan.warnings);
}
