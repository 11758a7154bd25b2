mod conformance;
mod findings;
mod forms;
mod secrets;
mod set;
mod shipped;

use serde_json::{Value, json};

use super::{Manifest, Manifests, Reading, read};
use crate::document::Place;

/// A resource of the controller's group.
fn resource(kind: &str, name: &str, spec: &Value) -> Value {
    json!({
        "apiVersion": "agents.proompteng.ai/v1alpha1",
        "kind": kind,
        "metadata": { "name": name },
        "spec": spec,
    })
}

#[track_caller]
fn taken(text: &str) -> Vec<Manifest> {
    let reading = read(text.as_bytes(), "run.yaml");
    assert_eq!(reading.errors, []);
    assert_eq!(reading.warnings, []);
    reading.manifests
}

#[track_caller]
fn one(text: &str) -> Manifest {
    let mut all = taken(text);
    assert_eq!(all.len(), 1);
    all.remove(0)
}

fn errors(text: &str) -> Vec<String> {
    let reading = read(text.as_bytes(), "run.yaml");
    reading.errors.iter().map(ToString::to_string).collect()
}

fn warnings(reading: &Reading) -> Vec<String> {
    reading.warnings.iter().map(ToString::to_string).collect()
}

fn at(line: u64, column: u64) -> Place {
    Place { line, column }
}
