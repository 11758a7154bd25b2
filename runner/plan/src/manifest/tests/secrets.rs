//! What of a Secret is shown.

use serde_json::{Value, json};

use super::{one, read};
use crate::manifest::Manifests;
use crate::resource::{ConfigMap, Resource, SecretObject};

fn secret(data: &Value) -> Value {
    let mut secret = json!({
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "name": "token",
            "annotations": { "kubectl.kubernetes.io/last-applied-configuration": "hunter22" },
        },
        "type": "Opaque",
    });
    let fields = secret.as_object_mut().expect("it is one");
    fields.extend(data.as_object().expect("it is one").clone());
    secret
}

#[test]
fn values_are_given_to_whoever_asks() {
    let text = secret(&json!({
        "data": { "a": "aHVudGVy\nMjI=\n", "b": "Yg==", "bytes": "/w==" },
        "stringData": { "b": "hunter22", "c": "" },
    }));
    let manifest = one(&text.to_string());
    let Resource::Secret(secret) = manifest.resource() else {
        panic!("it is a Secret");
    };
    let value = |key: &str| secret.value(key).map(|value| value.expose().clone());
    assert_eq!(value("a").as_deref(), Some(b"hunter22".as_slice()));
    assert_eq!(value("b").as_deref(), Some(b"hunter22".as_slice()));
    assert_eq!(value("c").as_deref(), Some(b"".as_slice()));
    assert_eq!(value("bytes").as_deref(), Some(b"\xff".as_slice()));
    assert_eq!(value("d"), None);
    assert_eq!(secret.keys(), ["a", "b", "bytes", "c"]);
}

#[test]
fn nothing_that_prints_shows_a_value() {
    let text =
        secret(&json!({ "data": { "a": "aHVudGVyMjI=" }, "stringData": { "b": "hunter22" } }));
    let reading = read(text.to_string().as_bytes(), "secret.yaml");
    let mut shown = format!("{reading:?}");
    let manifest = &reading.manifests[0];
    shown += &serde_json::to_string(manifest.resource()).expect("it is JSON");
    shown += &format!("{:?} {manifest} {manifest:?}", manifest.resource());
    shown += &format!("{:?}", manifest.written("data"));
    shown += &format!("{:?}", manifest.written("stringData"));
    shown += &format!("{:?}", manifest.written("metadata"));
    let set = Manifests::new([reading]).expect("it is one");
    shown += &format!("{set:?} {:?}", set.get::<SecretObject>("default", "token"));
    assert!(
        !shown.contains("hunter22") && !shown.contains("aHVudGVyMjI"),
        "{shown}"
    );
    assert!(shown.contains("[secret]"));
}

#[test]
fn what_is_wrong_with_a_secret_is_said_without_its_value() {
    for data in [
        json!({ "data": { "a": "hunter22!" } }),
        json!({ "data": { "a": "hunter2" } }),
        json!({ "data": { "a": ["hunter22"] } }),
        json!({ "data": "hunter22" }),
        json!({ "stringData": { "a": 22_222_222 } }),
        json!({ "stringData": { "a": { "hunter22x": "hunter22" } } }),
        json!({ "stringData": ["hunter22"] }),
        json!({ "immutable": "hunter22" }),
        json!({ "type": { "a": "hunter22" } }),
    ] {
        let text = secret(&data);
        let reading = read(text.to_string().as_bytes(), "secret.yaml");
        assert!(reading.manifests.is_empty());
        assert_eq!(reading.errors.len(), 1, "{text}");
        let shown = format!("{:?} {}", reading, reading.errors[0]);
        assert!(shown.contains("Secret `token`"), "{shown}");
        for value in ["hunter2", "22222222"] {
            assert!(!shown.contains(value), "{shown}");
        }
    }
}

#[test]
fn a_value_that_is_no_base64_is_refused_with_its_key() {
    let text = serde_json::to_string_pretty(&secret(&json!({ "data": { "a.b": "hunter22!" } })))
        .expect("it is JSON");
    let reading = read(text.as_bytes(), "secret.yaml");
    assert_eq!(
        reading.errors[0].to_string(),
        "`secret.yaml` line 12 column 5: `data[\"a.b\"]` of Secret `token` is a text that is none, expected base64"
    );
}

#[test]
fn a_config_map_has_texts_and_bytes() {
    let text = json!({
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": { "name": "files" },
        "data": { "a": "x" },
        "binaryData": { "b": "/w==" },
    });
    let reading = read(text.to_string().as_bytes(), "files.yaml");
    let set = Manifests::new([reading]).expect("it is one");
    let files = set
        .get::<ConfigMap>("default", "files")
        .expect("it is there")
        .object;
    assert_eq!(files.value("a").as_deref(), Some(b"x".as_slice()));
    assert_eq!(files.value("b").as_deref(), Some(b"\xff".as_slice()));
    assert_eq!(files.value("c"), None);
    let broken = text.to_string().replace("/w==", "/w=");
    assert_eq!(read(broken.as_bytes(), "files.yaml").errors.len(), 1);
}
