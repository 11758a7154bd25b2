//! Looking manifests up.

use serde_json::{Value, json};

use super::{Manifests, read, resource};
use crate::resource::{Agent, Kind, Memory};

fn memory(namespace: Option<&str>, name: &str) -> Value {
    let mut memory = resource("Memory", name, &json!({}));
    if let Some(namespace) = namespace {
        memory["metadata"]["namespace"] = namespace.into();
    }
    memory
}

#[test]
fn a_resource_is_found_by_kind_namespace_and_name() {
    let here = read(memory(None, "a").to_string().as_bytes(), "a.yaml");
    let there = read(memory(Some("there"), "a").to_string().as_bytes(), "b.yaml");
    let set = Manifests::new([here, there]).expect("nothing is there twice");
    let file = |namespace: &str| {
        let found = set.get::<Memory>(namespace, "a")?;
        Some(found.manifest.origin().file.clone())
    };
    assert_eq!(file("default").as_deref(), Some("a.yaml"));
    assert_eq!(file("there").as_deref(), Some("b.yaml"));
    assert_eq!(file("elsewhere"), None);
    assert!(set.get::<Memory>("default", "b").is_none());
    assert!(set.get::<Agent>("default", "a").is_none());
    assert!(set.find(Kind::Memory, "default", "a").is_some());
    assert_eq!(set.of::<Memory>().count(), 2);
    assert_eq!(set.all().len(), 2);
}

#[test]
fn a_name_that_was_perhaps_meant_is_found_in_its_namespace() {
    let text = json!([
        memory(None, "agents-memory"),
        memory(Some("there"), "other")
    ])
    .to_string();
    let set = Manifests::new([read(text.as_bytes(), "a.yaml")]).expect("it is one");
    let nearest = |namespace: &str, name: &str| set.nearest(Kind::Memory, namespace, name);
    assert_eq!(
        nearest("default", "agent-memory").as_deref(),
        Some("agents-memory")
    );
    assert_eq!(nearest("there", "agent-memory"), None);
    assert_eq!(set.nearest(Kind::Agent, "default", "agent-memory"), None);
}

#[test]
fn what_is_there_twice_is_refused_with_both_places() {
    let text = format!("{}\n{}", memory(None, "a"), memory(None, "b"));
    let again = format!("\n{}", memory(Some("default"), "b"));
    let readings = [
        read(text.as_bytes(), "a.yaml"),
        read(again.as_bytes(), "b.yaml"),
    ];
    let errors = Manifests::new(readings).expect_err("it is there twice");
    let said: Vec<_> = errors.iter().map(ToString::to_string).collect();
    assert_eq!(
        said,
        [
            "Memory `b` in namespace `default` is there twice: `b.yaml` line 2 column 1, and before `a.yaml` line 2 column 1"
        ]
    );
}

#[test]
fn every_error_of_every_file_is_there() {
    let readings = [
        read(b"kind: Memory", "a.yaml"),
        read(b"a: [", "b.yaml"),
        read(memory(None, "a").to_string().as_bytes(), "c.yaml"),
    ];
    let errors = Manifests::new(readings).expect_err("two are wrong");
    let said: Vec<_> = errors.iter().map(ToString::to_string).collect();
    assert_eq!(said.len(), 2, "{said:?}");
    assert!(said[0].contains("a.yaml") && said[1].contains("b.yaml"));
}

#[test]
fn warnings_of_all_files_are_kept() {
    let text = "apiVersion: v1\nkind: Service\n";
    let set = Manifests::new([
        read(text.as_bytes(), "a.yaml"),
        read(text.as_bytes(), "b.yaml"),
    ]);
    assert_eq!(set.expect("nothing is wrong").warnings().len(), 2);
}
