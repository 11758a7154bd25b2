//! What a controller wrote, byte for byte where it is text.

use serde_json::Value;

use crate::manifest::{Manifests, read};
use crate::resource::AgentRun;

use super::super::{Controller, Resolved, resolve};

macro_rules! text {
    ($name:literal, $file:literal) => {
        include_str!(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../../tests/testdata/conformance/",
            $name,
            "/",
            $file
        ))
    };
}

macro_rules! case {
    ($name:literal) => {
        case!($name, None)
    };
    ($name:literal, with inputs) => {
        case!($name, Some(text!($name, "inputs-configmap.json")))
    };
    ($name:literal, $inputs:expr) => {
        Case {
            name: $name,
            manifests: text!($name, "manifests.json"),
            spec: text!($name, "configmap.json"),
            inputs: $inputs,
            job: text!($name, "job.json"),
        }
    };
}

struct Case {
    name: &'static str,
    manifests: &'static str,
    spec: &'static str,
    inputs: Option<&'static str>,
    job: &'static str,
}

const CASES: [Case; 8] = [
    case!("codex-app-server-minimal"),
    case!("codex-gitea-read-only"),
    case!("codex-github-read-write"),
    case!("codex-ssh"),
    case!("codex-system-prompt"),
    case!("exec-claude"),
    case!("exec-inferred", with inputs),
    case!("exec-unicode-quotes"),
];

fn resolved(case: &Case) -> Resolved {
    let reading = read(case.manifests.as_bytes(), case.name);
    let manifests = Manifests::new([reading]).expect("a controller took it");
    let run = manifests.of::<AgentRun>().next().expect("there is a run");
    resolve(&manifests, run, &Controller::default(), &[], &manifests).expect("a controller took it")
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).expect("it is JSON")
}

#[test]
fn config_maps_are_those_of_the_controller() {
    for case in &CASES {
        let resolved = resolved(case);
        let expected: Vec<_> = [Some(case.spec), case.inputs]
            .into_iter()
            .flatten()
            .collect();
        assert_eq!(resolved.config_maps.len(), expected.len(), "{}", case.name);
        for (made, expected) in resolved.config_maps.iter().zip(expected) {
            let expected = json(expected);
            for (key, text) in expected["data"].as_object().expect("it has data") {
                let made = made["data"][key].as_str().expect("it is text");
                assert_eq!(
                    made,
                    text.as_str().expect("it is text"),
                    "{} {key}",
                    case.name
                );
            }
            assert_eq!(*made, expected, "{}", case.name);
            assert_eq!(made.to_string(), expected.to_string(), "{}", case.name);
        }
    }
}

#[test]
fn jobs_are_those_of_the_controller() {
    for case in &CASES {
        let (made, expected) = (resolved(case).job, json(case.job));
        assert_eq!(made, expected, "{}", case.name);
        assert_eq!(made.to_string(), expected.to_string(), "{}", case.name);
    }
}
