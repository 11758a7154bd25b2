//! `validate` and `schema` for what is applied to a cluster.

use std::fs;

use agent_tests::Run;
use serde_json::{Value, json};

use crate::{ask, ask_in, assert_refers_to_itself, validate};

#[test]
fn validate_reads_manifests_as_local_does() {
    let good = "apiVersion: agents.proompteng.ai/v1alpha1\nkind: Agent\nmetadata: {name: a}\nspec: {providerRef: {name: p}}\n";
    let ended = validate(good);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert_eq!(ended.text(), "file.json: ok\n");
    let two = format!("{good}---\n{}", good.replace("{name: a}", "{name: b}"));
    let bad = two.replacen("providerRef: {name: p}", "providerRef: 7", 2);
    let ended = validate(&bad);
    assert_eq!(ended.code, 65, "{}", ended.stderr);
    assert_eq!(
        ended.stderr.matches("error: ").count(),
        2,
        "{}",
        ended.stderr
    );
    for part in ["line 4", "line 9", "spec.providerRef"] {
        assert!(ended.stderr.contains(part), "{part}: {}", ended.stderr);
    }
    let json = json!({ "apiVersion": "agents.proompteng.ai/v1alpha1", "kind": "AgentRunn", "metadata": { "name": "a" }, "spec": {} });
    let ended = validate(&json.to_string());
    let said = format!("{}{}", ended.text(), ended.stderr);
    assert!(said.contains("AgentRun`"), "{said}");
}

#[test]
fn every_kind_of_ours_has_a_schema() {
    for kind in [
        "AgentProvider",
        "Agent",
        "AgentRun",
        "ImplementationSpec",
        "VersionControlProvider",
        "Memory",
    ] {
        let ended = ask(["schema", kind]);
        assert_eq!(ended.code, 0, "{}", ended.stderr);
        let schema: Value = serde_json::from_slice(&ended.stdout).expect("it is JSON");
        assert_eq!(schema["title"], kind);
        assert_eq!(schema["properties"]["kind"]["const"], kind);
        assert_refers_to_itself(&schema, &schema);
        let lower = ask(["schema", &kind.to_lowercase()]);
        assert_eq!(lower.stdout, ended.stdout, "{}", lower.stderr);
    }
    let ended = ask(["schema", "versioncontrolprovider"]);
    let schema: Value = serde_json::from_slice(&ended.stdout).expect("it is JSON");
    let app = &schema["$defs"]["AppAuth"];
    assert!(app["properties"]["appId"].is_object(), "{app}");
    assert_eq!(app["required"], Value::Null, "all of it may be absent");
}

#[test]
fn what_is_yaml_by_its_name_is_manifests() {
    let run = || {
        let run = Run::new();
        let flow = "{apiVersion: v1, kind: Secret, metadata: {name: a}}";
        fs::write(run.path("flow.yaml"), flow).expect("it can be written");
        fs::write(run.path("empty.yml"), "# nothing\n").expect("it can be written");
        fs::write(run.path("none.yaml"), "metadata: {name: a}\n").expect("it can be written");
        run
    };
    let ended = ask_in(run(), ["validate", "flow.yaml", "empty.yml"]);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let expected = concat!(
        "flow.yaml: ok\nempty.yml: ok\n",
        "empty.yml: warning: there is no manifest of a kind that is known\n",
    );
    assert_eq!(ended.text(), expected);
    let ended = ask_in(run(), ["validate", "none.yaml"]);
    assert_eq!(ended.code, 65, "{}", ended.stderr);
    assert!(
        ended.stderr.contains("`kind` is missing"),
        "{}",
        ended.stderr
    );
}
