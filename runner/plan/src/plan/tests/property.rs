//! Whatever a spec says, there is a plan or a refusal.

use proptest::prelude::*;
use serde_json::{Map, Value, json};
use std::path::Path;

use crate::env::Environment;
use crate::plan::{Inputs, Plan};
use crate::spec;

/// The fields that a spec may have, by pointer, and a value that each takes.
fn fields() -> Vec<(&'static str, Value)> {
    vec![
        ("/schemaVersion", json!(spec::SCHEMA_VERSION)),
        ("/provider", json!("fake")),
        ("/inputs", json!({ "a": "{{inputs.a}}" })),
        ("/payloads/eventFilePath", json!("/run.json")),
        ("/observability", json!({ "x": 1e300 })),
        ("/artifacts/statusPath", json!("")),
        ("/artifacts/logPath", json!("../log")),
        ("/goal", json!({ "tokenBudget": -1 })),
        ("/providerSpec/binary", json!("/b")),
        ("/providerSpec/argsTemplate", json!(["{{#each inputs}}"])),
        ("/adapter/exec/argsTemplate", json!(["{{inputs}}"])),
        ("/adapter/exec/envTemplate", json!({ "A": "{{env}}" })),
        ("/adapter/exec/inputFiles", json!([{ "path": "{{run}}/" }])),
        ("/adapter/exec/outputArtifacts", json!([{ "key": " " }])),
        ("/adapter/runner", json!({ "cwd": "/c" })),
        ("/runner/prompt", json!("{{")),
        ("/runner/cwd", json!("/{{goal}}")),
        ("/runner/timeouts/total", json!(1.8e19)),
        ("/runner/graceSeconds", json!("1s")),
        ("/runner/env/mode", json!("clean")),
        ("/runner/env/pass", json!(["*", "**"])),
        ("/runner/redact/names", json!(["*"])),
        ("/runner/log/maxBytes", json!(u64::MAX)),
        ("/execution", json!({})),
        (
            "/execution/coordinates/git",
            json!({ "url": "https://h/a", "ref": "{{run}}", "path": "a/b" }),
        ),
        (
            "/runner/workspace/git",
            json!({ "url": "git@h:{{inputs.a}}", "depth": 0 }),
        ),
        ("/runner/workspace/localRemotes", json!(true)),
        ("/runner/workspace/wip", json!(true)),
        ("/runner/workspace/timeouts/total", json!(0)),
        ("/runner/artifacts/endpoint", json!("http://h:1/{{run}}")),
        ("/runner/artifacts/bucket", json!("b")),
        ("/runner/artifacts/prefix", json!("{{inputs.a}}/")),
        ("/runner/artifacts/include", json!(["log", "manifest"])),
        ("/runner/artifacts/when", json!("failure")),
        ("/runner/artifacts/timeout", json!(1.8e19)),
        (
            "/runner/artifacts/files",
            json!([{ "name": "{{run}}", "path": "/**" }]),
        ),
    ]
}

fn any_json() -> impl Strategy<Value = Value> {
    let text = prop_oneof![
        Just(String::new()),
        "\\PC{0,12}",
        Just("{{inputs.a}}{{#if inputs}}{{/if}}".to_owned()),
        Just("a\0b".to_owned()),
        Just("../..".to_owned()),
        Just("codex-app-server".to_owned()),
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        text.prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec(("[a-zA-Z.=]{0,6}", inner), 0..4)
                .prop_map(|fields| Value::Object(Map::from_iter(fields))),
        ]
    })
}

/// A spec with some of the fields, each as it should be, or anything.
fn any_spec() -> impl Strategy<Value = Value> {
    let chosen = prop::sample::subsequence(fields(), 0..=fields().len());
    chosen.prop_flat_map(|chosen| {
        let odd = prop::collection::vec(prop::option::weighted(0.1, any_json()), chosen.len());
        odd.prop_map(move |odd| {
            let exec = json!({ "binary": "/b" });
            let mut spec = json!({ "provider": "p", "adapter": { "type": "exec", "exec": exec } });
            for ((pointer, usual), odd) in chosen.iter().zip(odd) {
                place(&mut spec, pointer, odd.unwrap_or_else(|| usual.clone()));
            }
            spec
        })
    })
}

/// Puts a value where the pointer says, unless something that is no object is in its way.
fn place(spec: &mut Value, pointer: &str, value: Value) {
    let mut at = spec;
    for key in pointer.split('/').skip(1) {
        if at.is_null() {
            *at = json!({});
        }
        let Some(fields) = at.as_object_mut() else {
            return;
        };
        at = fields.entry(key).or_insert(Value::Null);
    }
    *at = value;
}

/// Plans, and says whether there is one.
fn has_plan(spec: &Value, payload: &Value, environment: &Environment) -> bool {
    let Ok(document) = spec::parse(spec.to_string().as_bytes(), "spec.json") else {
        return false;
    };
    let planned = Plan::new(&Inputs {
        spec: &document,
        payload: Some(payload),
        definition: None,
        environment,
        flags: &[],
        working_dir: Path::new("/workspace"),
        secrets: Vec::new(),
        previous: Some(crate::plan::Previous {
            attempt: u32::MAX,
            session: Some("a session".to_owned()),
            usage: None,
        }),
        system_prompt: None,
        sha256: |bytes| bytes.len().to_string(),
        status_path: None,
        context: None,
        reserved: &[],
    });
    match planned {
        Ok(plan) => {
            assert!(!plan.view().process.cwd.is_empty());
            assert!(
                plan.artifacts.prefix.ends_with('/') && !plan.artifacts.prefix.starts_with('/')
            );
            true
        }
        Err(error) => {
            assert!(!error.to_string().is_empty() && !error.reason().is_empty());
            false
        }
    }
}

proptest! {
    #[test]
    fn no_spec_payload_or_grace_makes_planning_panic(
        spec in any_spec(),
        payload in any_json(),
        grace in prop_oneof![Just(String::new()), any::<f64>().prop_map(|grace| grace.to_string()), "\\PC{0,6}"],
    ) {
        let environment = Environment::new([
            ("AGENT_RUNNER_TERMINATION_GRACE_SECONDS".into(), grace.into()),
            ("GITHUB_TOKEN".into(), "a secret".into()),
        ]);
        let _: bool = has_plan(&spec, &payload, &environment);
    }
}

/// Keeps the property honest: a strategy that only makes refused specs would prove nothing.
#[test]
fn many_of_the_specs_that_are_tried_have_a_plan() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;
    let mut runner = TestRunner::deterministic();
    let planned = (0..500)
        .filter(|_| {
            let tree = any_spec().new_tree(&mut runner).expect("a strategy");
            has_plan(&tree.current(), &json!({}), &Environment::default())
        })
        .count();
    assert!(planned >= 100, "{planned} of 500");
}
