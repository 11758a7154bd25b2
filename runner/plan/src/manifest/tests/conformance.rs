//! Manifests that a controller took.

use serde_json::Value;

use super::{Manifests, read};
use crate::resource::{AgentRun, Kind, Resource};

/// The text of a case.
macro_rules! case {
    ($name:literal) => {
        (
            $name,
            include_str!(concat!(
                env!("CARGO_MANIFEST_DIR"),
                "/../../tests/testdata/conformance/",
                $name,
                "/manifests.json"
            )),
        )
    };
}

const CASES: [(&str, &str); 8] = [
    case!("codex-app-server-minimal"),
    case!("codex-gitea-read-only"),
    case!("codex-github-read-write"),
    case!("codex-ssh"),
    case!("codex-system-prompt"),
    case!("exec-claude"),
    case!("exec-inferred"),
    case!("exec-unicode-quotes"),
];

#[test]
fn what_a_controller_took_is_taken_without_a_word() {
    for (name, text) in CASES {
        let reading = read(text.as_bytes(), name);
        assert_eq!(reading.errors, [], "{name}");
        assert_eq!(reading.warnings, [], "{name}");
        let written: Vec<Value> = serde_json::from_str(text).expect("it is a list");
        assert_eq!(reading.manifests.len(), written.len(), "{name}");
        let set = Manifests::new([reading]).expect("nothing is there twice");
        let runs: Vec<_> = set.of::<AgentRun>().collect();
        assert_eq!(runs.len(), 1, "{name}");
        assert_eq!(runs[0].manifest.name(), name);
        assert_eq!(runs[0].manifest.namespace(), "agents");
    }
}

#[test]
fn what_is_read_is_written_back() {
    for (name, text) in CASES {
        let written: Vec<Value> = serde_json::from_str(text).expect("it is a list");
        for (manifest, mut written) in read(text.as_bytes(), name).manifests.iter().zip(written) {
            if manifest.kind() == Kind::Secret {
                let data = written["data"].as_object_mut().expect("it has data");
                data.values_mut()
                    .for_each(|value| *value = "[secret]".into());
            }
            let back = serde_json::to_value(manifest.resource()).expect("it is JSON");
            assert_eq!(back, written, "{name}: {manifest}");
        }
    }
}

#[test]
fn what_is_handed_on_keeps_its_order() {
    for (name, text) in CASES {
        let written: Vec<Value> = serde_json::from_str(text).expect("it is a list");
        for (manifest, written) in read(text.as_bytes(), name).manifests.iter().zip(written) {
            let kept = match manifest.resource() {
                Resource::Provider(provider) => {
                    let adapter = provider.spec.adapter.clone().map(Value::Object);
                    (adapter, written["spec"].get("adapter"))
                }
                Resource::Run(run) => {
                    let inline = run.spec.implementation.as_ref().expect("every case has it");
                    let inline = inline.inline.as_ref().expect("every case has it");
                    let written = &written["spec"]["implementation"]["inline"];
                    (Some(inline.written().clone().into()), Some(written))
                }
                _ => continue,
            };
            let texts = (
                kept.0.map(|it| it.to_string()),
                kept.1.map(Value::to_string),
            );
            assert_eq!(texts.0, texts.1, "{name}: {manifest}");
        }
    }
}

#[test]
fn every_case_says_the_same_in_yaml() {
    // A flow mapping is YAML and, with a word that stands bare, no JSON.
    for (name, text) in CASES {
        let yaml = text.replace("\"apiVersion\"", "apiVersion");
        let (json, yaml) = (read(text.as_bytes(), name), read(yaml.as_bytes(), name));
        assert_eq!(yaml.errors, [], "{name}");
        for (json, yaml) in json.manifests.iter().zip(&yaml.manifests) {
            assert_eq!(json.resource(), yaml.resource(), "{name}");
            assert_eq!(
                json.place("metadata.name"),
                yaml.place("metadata.name"),
                "{name}"
            );
        }
        assert_eq!(json.manifests.len(), yaml.manifests.len(), "{name}");
    }
}
