//! Data as YAML or JSON: the same bytes for the same data.

use serde_json::{Value, json};

use super::arguments::Notation;
use super::yaml;
use crate::verbs;

/// Returns one document, or several: of YAML one after another, of JSON as a list that a cluster
/// takes.
pub(super) fn documents(documents: &[Value], notation: Notation) -> String {
    match (notation, documents) {
        (Notation::Json, [document]) => json(document),
        (Notation::Json, documents) => {
            json(&json!({ "apiVersion": "v1", "kind": "List", "items": documents }))
        }
        (Notation::Yaml, documents) => {
            let documents: Vec<_> = documents.iter().map(yaml::document).collect();
            documents.join("---\n")
        }
    }
}

fn json(value: &Value) -> String {
    // The alternate form is indented, and cannot fail as a serializer's result could.
    verbs::escaped(&format!("{value:#}\n"))
}
