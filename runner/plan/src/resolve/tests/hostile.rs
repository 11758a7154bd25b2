//! Manifests that nobody should have written.

use serde_json::{Value, json};

use super::super::{Controller, resolve};
use crate::manifest::{Manifests, read};
use crate::resource::AgentRun;

const CASES: [&str; 3] = [
    include_str!(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../tests/testdata/conformance/codex-github-read-write/manifests.json"
    )),
    include_str!(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../tests/testdata/conformance/codex-ssh/manifests.json"
    )),
    include_str!(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../tests/testdata/conformance/exec-inferred/manifests.json"
    )),
];

/// Paths of everything in a value.
fn pointers(value: &Value, at: &str, all: &mut Vec<String>) {
    all.push(at.to_owned());
    match value {
        Value::Object(fields) => fields.iter().for_each(|(key, below)| {
            pointers(below, &format!("{at}/{}", key.replace('/', "~1")), all);
        }),
        Value::Array(items) => items.iter().enumerate().for_each(|(index, below)| {
            pointers(below, &format!("{at}/{index}"), all);
        }),
        _ => {}
    }
}

/// Resolves the first run, if all is as a cluster takes it; says whether it came to that.
fn tried(manifests: &Value) -> bool {
    let reading = read(manifests.to_string().as_bytes(), "run.json");
    let Ok(manifests) = Manifests::new([reading]) else {
        return false;
    };
    let Some(run) = manifests.of::<AgentRun>().next() else {
        return false;
    };
    let mut hints = Vec::new();
    let said: Vec<String> = match resolve(&manifests, run, &Controller::default(), &[], &manifests)
    {
        Err(refusal) => {
            hints.extend(refusal.hint.clone());
            vec![refusal.to_string()]
        }
        Ok(made) => {
            let conditions = made.conditions.iter().map(ToString::to_string);
            let warnings = made.warnings.iter().map(ToString::to_string);
            let objections = made.objections.iter().map(ToString::to_string);
            hints.extend(made.objections.iter().filter_map(|it| it.hint.clone()));
            conditions.chain(warnings).chain(objections).collect()
        }
    };
    for said in said {
        assert!(said.starts_with("`run.json` line 1 column "), "{said}");
        assert!(!said.contains(char::is_control), "{said}");
    }
    for hint in hints {
        assert!(!hint.contains(char::is_control), "{hint}");
    }
    true
}

#[test]
fn no_value_anywhere_makes_it_panic() {
    let odd = [
        Value::Null,
        json!(""),
        json!("{{x\u{1b}}}${y}\u{1b}[2J\u{202e}/../é"),
        json!("-".repeat(4096)),
        json!(-1),
        json!([[]]),
        json!({ "": {} }),
    ];
    let mut tries = 0;
    for text in CASES {
        let manifests: Value = serde_json::from_str(text).expect("it is JSON");
        let mut all = Vec::new();
        pointers(&manifests, "", &mut all);
        for pointer in all {
            for odd in &odd {
                let mut changed = manifests.clone();
                *changed.pointer_mut(&pointer).expect("it is there") = odd.clone();
                tries += usize::from(tried(&changed));
            }
        }
    }
    assert!(tries > 300, "only {tries} were taken by a cluster");
}
