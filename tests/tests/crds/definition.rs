//! A definition: a frame of `tests/crds/`, with the schema of the type that it is for.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use agent_plan::document::Node;
use agent_plan::resource::Kind;
use serde_json::{Map, Value, json};

use super::structural::Types;

/// A `CustomResourceDefinition`.
pub(crate) struct Definition {
    /// Its file below `charts/agents/crds/`, which is also that of its frame.
    pub(crate) file: String,
    pub(crate) kind: String,
    pub(crate) object: Value,
}

impl Definition {
    /// The schema of its objects.
    pub(crate) fn schema(&self) -> &Value {
        &self.object["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    }

    /// What its objects say as `apiVersion`.
    pub(crate) fn api_version(&self) -> String {
        let group = self.object["spec"]["group"].as_str();
        format!("{}/v1alpha1", group.expect("a definition has a group"))
    }
}

pub(crate) fn below_root(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

/// Reads every YAML file of a directory of the checkout: names and values, in the order of the names.
pub(crate) fn yaml_files(directory: &str) -> Vec<(String, Vec<Value>)> {
    let directory = below_root(directory);
    let entries = std::fs::read_dir(&directory).expect("the directory is there");
    let names = entries.flatten().map(|entry| entry.file_name());
    let names: BTreeSet<_> = names
        .map(|name| name.into_string().expect("names are text"))
        .filter(|name| Path::new(name).extension().is_some_and(|it| it == "yaml"))
        .collect();
    let read = |name: String| {
        let text = std::fs::read_to_string(directory.join(&name)).expect("files are text");
        let documents = agent_plan::document::documents(&text)
            .unwrap_or_else(|error| panic!("{name}: {error} at {:?}", error.place));
        (name, documents.iter().map(Node::json).collect())
    };
    names.into_iter().map(read).collect()
}

/// Makes all definitions, in the order of their files.
pub(crate) fn all() -> Vec<Definition> {
    let mut frames = yaml_files("tests/crds");
    let types = frames.iter().position(|(name, _)| name == "types.yaml");
    let (_, amendments) = frames.remove(types.expect("the amendments are there"));
    let amendments = amendments[0].as_object().expect("types by name");
    let mut types = Types::new(amendments);
    let definitions = frames
        .into_iter()
        .map(|(file, frames)| made(file, &frames[0], &mut types))
        .collect();
    types.finish();
    definitions
}

/// The type of objects of this kind, if there is one.
pub(crate) fn of_ours(kind: &str) -> Option<Kind> {
    Kind::ALL.into_iter().find(|ours| ours.name() == kind)
}

fn made(file: String, frame: &Value, types: &mut Types<'_>) -> Definition {
    let word = |key: &str| {
        let word = frame[key].as_str();
        word.unwrap_or_else(|| panic!("{file} has no `{key}`"))
    };
    let (kind, plural, group) = (word("kind"), word("plural"), word("group"));
    assert_eq!(file, format!("{group}_{plural}.yaml"), "the name of a file");
    let (sentence, spec) = if let Some(kind) = of_ours(kind) {
        assert!(frame.get("spec").is_none(), "{file}: there is a type");
        let schema = kind.schema();
        let spec = types.structural(&schema, &schema["properties"]["spec"]);
        let sentence = schema["description"].as_str().map(str::to_owned);
        (sentence.expect("kinds have a sentence"), spec)
    } else {
        (word("description").to_owned(), frame["spec"].clone())
    };
    let schema = json!({
        "description": sentence,
        "type": "object",
        "required": if spec.get("required").is_some() { json!(["spec"]) } else { Value::Null },
        "properties": {
            "apiVersion": { "description": "Group and version.", "type": "string" },
            "kind": { "description": "Kind.", "type": "string" },
            "metadata": metadata(frame),
            "spec": described(spec, "What is wanted."),
            "status": status(frame),
        },
    });
    let object = json!({
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": { "name": format!("{plural}.{group}") },
        "spec": {
            "group": group,
            "names": {
                "kind": kind,
                "listKind": format!("{kind}List"),
                "plural": plural,
                "singular": kind.to_lowercase(),
                "shortNames": frame["shortNames"],
                // `kubectl get proompteng` shows all of them; `agents` is a kind.
                "categories": ["proompteng"],
            },
            "scope": "Namespaced",
            "versions": [{
                "name": "v1alpha1",
                "served": true,
                "storage": true,
                "subresources": { "status": {} },
                "additionalPrinterColumns": columns(frame),
                "schema": { "openAPIV3Schema": without_nulls(schema) },
            }],
        },
    });
    Definition {
        kind: kind.to_owned(),
        object,
        file,
    }
}

/// A cluster knows the schema of metadata itself; only names may be limited further.
fn metadata(frame: &Value) -> Value {
    match frame.get("longestName") {
        Some(longest) => json!({
            "type": "object",
            "properties": { "name": { "type": "string", "maxLength": longest } },
        }),
        None => json!({ "type": "object" }),
    }
}

/// What a controller writes. It may be a newer one than we know, and what the schema did not know
/// would be gone: hence the open end.
fn status(frame: &Value) -> Value {
    let mut properties = Map::new();
    let own = frame.get("status").and_then(Value::as_object);
    properties.extend(own.cloned().unwrap_or_default());
    let time = json!({ "type": "string", "format": "date-time" });
    let text = json!({ "type": "string" });
    properties.extend([
        (
            "conditions".to_owned(),
            json!({
                "description": "What is true of it, by type.",
                "type": "array",
                "items": {
                    "type": "object",
                    "required": ["status", "type"],
                    "x-kubernetes-preserve-unknown-fields": true,
                    "properties": {
                        "type": text,
                        "status": text,
                        "reason": text,
                        "message": text,
                        "lastTransitionTime": text,
                        "observedGeneration": { "type": "integer", "format": "int64" },
                    },
                },
            }),
        ),
        (
            "observedGeneration".to_owned(),
            json!({
                "description": "Of `metadata.generation`, the one that this is about.",
                "type": "integer",
                "format": "int64",
            }),
        ),
        (
            "updatedAt".to_owned(),
            described(time, "When it was last written."),
        ),
    ]);
    json!({
        "description": "What a controller wrote.",
        "type": "object",
        "x-kubernetes-preserve-unknown-fields": true,
        "properties": properties,
    })
}

fn columns(frame: &Value) -> Value {
    let columns = frame["columns"].as_array().expect("a frame has columns");
    let column = |column: &Value| {
        let mut shown = json!({ "name": column[0], "type": column[1], "jsonPath": column[2] });
        if column.get(3).is_some_and(|word| word == "wide") {
            shown["priority"] = json!(1);
        }
        shown
    };
    let age = json!({ "name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp" });
    columns.iter().map(column).chain([age]).collect()
}

fn described(mut schema: Value, sentence: &str) -> Value {
    let schema_object = schema.as_object_mut().expect("a schema is an object");
    schema_object
        .entry("description")
        .or_insert_with(|| sentence.into());
    schema
}

fn without_nulls(mut schema: Value) -> Value {
    let object = schema.as_object_mut().expect("a schema is an object");
    object.retain(|_, value| !value.is_null());
    schema
}
