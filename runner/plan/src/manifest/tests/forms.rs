//! The forms in which manifests come.

use serde_json::json;

use super::{at, errors, one, read, resource, taken};
use crate::resource::{Kind, Resource};

#[test]
fn several_documents_lists_and_arrays_are_the_same() {
    let a = resource("Memory", "a", &json!({}));
    let b = resource("Memory", "b", &json!({}));
    let list = json!({ "apiVersion": "v1", "kind": "List", "items": [a, b] });
    let yaml = "apiVersion: agents.proompteng.ai/v1alpha1\nkind: Memory\nmetadata: {name: NAME}\nspec: {}\n";
    for text in [
        format!(
            "{}---\n# nothing\n---\n{}",
            yaml.replace("NAME", "a"),
            yaml.replace("NAME", "b")
        ),
        format!("{a}\n{b}"),
        json!([a, b]).to_string(),
        list.to_string(),
        json!([list]).to_string(),
    ] {
        let names: Vec<_> = taken(&text).iter().map(|it| it.name().to_owned()).collect();
        assert_eq!(names, ["a", "b"], "{text}");
    }
    assert!(taken("").is_empty());
    assert!(taken("# nothing\n---\n").is_empty());
    assert!(taken("[]").is_empty());
    assert!(taken("\u{feff}").is_empty());
    // Values that follow each other are no YAML, so that this is JSON only without its mark.
    assert_eq!(taken(&format!("\u{feff}{a}{b}")).len(), 2);
}

#[test]
fn a_manifest_knows_where_it_is() {
    let memory = resource("Memory", "a", &json!({}));
    let text = format!("{memory}\n[\n{memory},\n {memory}]");
    let all = taken(&text);
    let origins: Vec<_> = all.iter().map(|it| it.origin().clone()).collect();
    let said: Vec<_> = origins
        .iter()
        .map(|it| (it.document, it.item, it.place))
        .collect();
    assert_eq!(
        said,
        [
            (1, None, at(1, 1)),
            (2, Some(1), at(3, 1)),
            (2, Some(2), at(4, 2))
        ]
    );
    assert_eq!(origins[2].to_string(), "`run.yaml` line 4 column 2");
}

#[test]
fn a_field_knows_where_it_is() {
    let manifest = one(concat!(
        "apiVersion: agents.proompteng.ai/v1alpha1\n",
        "kind: AgentRun\n",
        "metadata:\n",
        "  name: fix\n",
        "  labels: {a.b/c: d}\n",
        "spec:\n",
        "  agentRef:\n",
        "    name: coder\n",
    ));
    assert_eq!(manifest.place("spec.agentRef.name"), at(8, 5));
    assert_eq!(manifest.place("metadata.labels[\"a.b/c\"]"), at(5, 12));
    assert_eq!(manifest.place("spec.vcsRef.name"), at(6, 1));
    assert_eq!(
        manifest.written("spec.agentRef"),
        Some(json!({ "name": "coder" }))
    );
    assert_eq!(manifest.written("spec.vcsRef"), None);
    assert_eq!(manifest.to_string(), "AgentRun `fix`");
}

#[test]
fn the_namespace_is_default_unless_it_is_said() {
    let mut memory = resource("Memory", "a", &json!({}));
    assert_eq!(one(&memory.to_string()).namespace(), "default");
    memory["metadata"]["namespace"] = "agents".into();
    assert_eq!(one(&memory.to_string()).namespace(), "agents");
}

#[test]
fn what_a_cluster_adds_is_no_news() {
    let mut provider = resource("AgentProvider", "a", &json!({ "binary": "/bin/sh" }));
    provider["metadata"] = json!({
        "name": "a", "creationTimestamp": null, "generation": 2, "resourceVersion": "7",
        "managedFields": [{ "manager": "kubectl", "fieldsV1": { "f:spec": {} } }],
        "ownerReferences": [], "finalizers": ["x"], "uid": "u", "selfLink": "/x",
        "annotations": { "a": "b" }, "labels": {}, "generateName": "a-",
    });
    provider["status"] = json!({ "conditions": [{ "type": "Ready" }] });
    let manifest = one(&provider.to_string());
    let back = serde_json::to_value(manifest.resource()).expect("it is JSON");
    provider["metadata"]
        .as_object_mut()
        .expect("it is one")
        .shift_remove("creationTimestamp");
    assert_eq!(back, provider);
}

#[test]
fn every_kind_is_read_as_itself() {
    for kind in Kind::ALL {
        let spec = match kind {
            Kind::Agent => json!({ "providerRef": { "name": "x" } }),
            Kind::AgentRun => json!({ "agentRef": { "name": "x" } }),
            Kind::VersionControlProvider => json!({ "provider": "github" }),
            _ => json!({}),
        };
        let mut text = resource(kind.name(), "a", &spec);
        text["apiVersion"] = kind.api_version().into();
        if kind.api_version() == "v1" {
            text.as_object_mut()
                .expect("it is one")
                .shift_remove("spec");
        }
        let manifest = one(&text.to_string());
        assert_eq!(manifest.kind(), kind);
        assert_eq!(kind.shape()["properties"]["kind"]["const"], kind.name());
    }
}

#[test]
fn free_maps_hold_anything() {
    let provider = resource(
        "AgentProvider",
        "a",
        &json!({ "adapter": { "type": "codex-app-server", "codex": {
            "secretEnv": [],
            "threadConfig": { "mcp_servers": { "x": { "argz": [1] } }, "web_search": false },
        } } }),
    );
    let agent = resource(
        "Agent",
        "b",
        &json!({ "providerRef": { "name": "a" }, "config": { "anything": [{ "at": "all" }] } }),
    );
    let run = resource(
        "AgentRun",
        "c",
        &json!({
            "agentRef": { "name": "b" },
            "runtime": { "type": "job", "config": { "tolerations": [{ "key": "x" }], "new": 1 } },
            "parameters": { "speling": "x" },
            "workflow": { "steps": [{ "name": "s", "loop": { "maxIterations": 3 } }] },
            "workload": {
                "resources": { "limits": { "cpu": 2, "memory": "1Gi" } },
                "volumes": [{ "name": "w", "type": "emptyDir", "mountPath": "/workspace" }],
            },
            "execution": { "coordinates": { "git": { "url": "https://example.com/a.git", "ref": "main" } } },
        }),
    );
    let all = taken(&json!([provider, agent, run]).to_string());
    for (manifest, written) in all.iter().zip([provider, agent, run]) {
        let back = serde_json::to_value(manifest.resource()).expect("it is JSON");
        assert_eq!(back, written);
    }
    assert!(matches!(all[2].resource(), Resource::Run(_)));
}

#[test]
fn what_is_no_text_is_refused() {
    let reading = read(b"a: \xff", "run.yaml");
    assert_eq!(
        reading.errors[0].to_string(),
        "`run.yaml` is not UTF-8 from byte 3 on"
    );
    let reading = read(&vec![b' '; (8 << 20) + 1], "run.yaml");
    assert_eq!(
        reading.errors[0].to_string(),
        "`run.yaml` has more than 8388608 bytes"
    );
    assert_eq!(
        errors("a: [1\n"),
        ["`run.yaml` line 1 column 4: unclosed bracket '['"]
    );
}
