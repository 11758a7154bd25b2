//! The chart's examples, and what a controller took elsewhere.

use std::collections::BTreeSet;

use agent_plan::document::Node;
use agent_plan::manifest::{Manifests, Reading, read};
use agent_plan::resolve::{Controller, resolve};
use agent_plan::resource::{Agent, AgentProvider, AgentRun, ImplementationSpec, Known, Memory};
use serde_json::{Value, json};

use super::cluster::refusals;
use super::definition::{self, Definition, below_root, of_ours, yaml_files};

const DIRECTORY: &str = "charts/agents/examples";

/// Examples that are manifests, not values of the chart.
pub(crate) fn examples() -> Vec<(String, Value)> {
    let files = yaml_files(DIRECTORY).into_iter();
    let manifests = files.filter(|(name, _)| !name.starts_with("values-"));
    manifests
        .flat_map(|(name, all)| all.into_iter().map(move |one| (name.clone(), one)))
        .collect()
}

/// What a cluster with these definitions refuses of an object.
fn refused(definitions: &[Definition], object: &Value) -> Vec<String> {
    let definition = definitions.iter().find(|it| object["kind"] == *it.kind);
    let definition = definition.unwrap_or_else(|| panic!("nobody knows {}", object["kind"]));
    refusals(definition, object)
}

#[test]
fn a_cluster_takes_every_example() {
    let definitions = definition::all();
    for (file, object) in examples() {
        let none: [String; 0] = [];
        assert_eq!(refused(&definitions, &object), none, "{file}");
    }
}

#[test]
fn every_kind_has_an_example_that_is_called_after_it() {
    let examples = examples();
    for definition in definition::all() {
        let name = definition.kind.to_lowercase();
        let is_of = |(file, object): &&(String, Value)| {
            object["kind"] == *definition.kind && file.starts_with(&format!("{name}-"))
        };
        assert!(examples.iter().any(|it| is_of(&it)), "{name} has none");
    }
    for (file, object) in &examples {
        let kind = object["kind"].as_str().unwrap_or_default().to_lowercase();
        assert!(file.starts_with(&format!("{kind}-")), "{file} is a {kind}");
    }
}

#[test]
fn no_two_examples_overwrite_each_other() {
    let mut names = BTreeSet::new();
    for (file, object) in examples() {
        assert_eq!(
            object["metadata"].get("namespace"),
            None,
            "{file}: -n says where"
        );
        let name = (
            object["kind"].to_string(),
            object["metadata"]["name"].to_string(),
        );
        assert!(names.insert(name), "{file}: the name is taken");
    }
}

#[test]
fn providers_among_the_examples_are_those_that_we_ship() {
    let update = std::env::vars_os().any(|(name, _)| name == "AGENT_TESTS_UPDATE");
    for name in ["claude", "codex", "codex-exec", "shell"] {
        let shipped = below_root(&format!("providers/{name}.yaml"));
        let shipped = std::fs::read_to_string(shipped).expect("it is shipped");
        let path = below_root(&format!("{DIRECTORY}/agentprovider-{name}.yaml"));
        if update {
            std::fs::write(&path, &shipped).expect("the example can be written");
        }
        let example = std::fs::read_to_string(path).unwrap_or_default();
        assert!(example == shipped, "{name} is stale: run `make generate`");
    }
}

fn readings() -> Vec<Reading> {
    let directory = below_root(DIRECTORY);
    let known = |object: &Value| of_ours(object["kind"].as_str().unwrap_or_default());
    let ours = examples().into_iter().filter(|(_, it)| known(it).is_some());
    let files: BTreeSet<_> = ours.map(|(file, _)| file).collect();
    files
        .iter()
        .map(|file| {
            read(
                &std::fs::read(directory.join(file)).expect("it is there"),
                file,
            )
        })
        .collect()
}

#[test]
fn the_runner_reads_every_example_without_a_word() {
    for reading in readings() {
        assert_eq!((reading.errors, reading.warnings), (vec![], vec![]));
    }
}

#[test]
fn a_controller_starts_every_example_of_a_job_without_a_word() {
    let manifests = Manifests::new(readings()).expect("nothing is there twice");
    let controller = Controller {
        image: Some("registry.example.com/agent:1".to_owned()),
        ..Controller::default()
    };
    let mut jobs = 0;
    for run in manifests.of::<AgentRun>() {
        let runtime = run.object.spec.runtime.as_ref();
        if runtime.and_then(|it| it.kind.as_deref()) != Some("job") {
            continue;
        }
        let made = resolve(&manifests, run, &controller, &[], &manifests);
        let made = made.unwrap_or_else(|refusal| panic!("{refusal}"));
        assert_eq!((made.objections, made.conditions), (vec![], vec![]));
        jobs += 1;
    }
    assert!(jobs >= 3, "only {jobs} examples are jobs");
}

#[test]
fn what_an_example_refers_to_is_an_example() {
    let manifests = Manifests::new(readings()).expect("nothing is there twice");
    for agent in manifests.of::<Agent>() {
        is_there::<AgentProvider>(&manifests, Some(&agent.object.spec.provider_ref.name));
        let memory = agent.object.spec.memory_ref.as_ref();
        is_there::<Memory>(&manifests, memory.map(|it| it.name.as_str()));
    }
    for run in manifests.of::<AgentRun>() {
        is_there::<Agent>(&manifests, Some(&run.object.spec.agent_ref.name));
        let task = run.object.spec.implementation_spec_ref.as_ref();
        is_there::<ImplementationSpec>(&manifests, task.map(|it| it.name.as_str()));
    }
}

fn is_there<T: Known>(manifests: &Manifests, name: Option<&str>) {
    let found = name.is_none_or(|name| manifests.get::<T>("default", name).is_some());
    assert!(found, "there is no {} {name:?}", T::KIND);
}

#[test]
fn what_the_charts_own_page_shows_is_taken_and_complete() {
    let definitions = definition::all();
    let text = std::fs::read_to_string(below_root("charts/agents/Chart.yaml"));
    let chart = Node::parse(&text.expect("the chart is there")).expect("it is YAML");
    let annotation = |key: &str| {
        let text = chart.json()["annotations"][key].clone();
        let list = Node::parse(text.as_str().expect("it is there")).expect("it is YAML");
        let list = list.json().as_array().cloned();
        list.expect("it is a list")
    };
    for object in annotation("artifacthub.io/crdsExamples") {
        let none: [String; 0] = [];
        assert_eq!(refused(&definitions, &object), none, "{object}");
    }
    let names = |all: Vec<Value>, path: [&str; 2]| -> BTreeSet<String> {
        let all = all.iter();
        all.map(|it| {
            format!(
                "{} {}",
                it.pointer(path[0]).unwrap_or(it),
                it.pointer(path[1]).unwrap_or(it)
            )
        })
        .collect()
    };
    let there = definitions.iter().map(|it| it.object.clone()).collect();
    assert_eq!(
        names(annotation("artifacthub.io/crds"), ["/kind", "/name"]),
        names(there, ["/spec/names/kind", "/metadata/name"])
    );
}

/// The cases in which a controller was watched: its manifests were given to it as objects, past any
/// schema.
const CASES: [&str; 8] = [
    "codex-app-server-minimal",
    "codex-gitea-read-only",
    "codex-github-read-write",
    "codex-ssh",
    "codex-system-prompt",
    "exec-claude",
    "exec-inferred",
    "exec-unicode-quotes",
];

/// What is refused of them, after the path of the field.
const NO_RUNTIME: &str = "/spec: `runtime` is not there";
const PROMPT: &str =
    "a parameter may not be called prompt: what is to be done is text of the implementation";

#[test]
fn of_what_a_controller_took_a_cluster_refuses_only_this() {
    let definitions = definition::all();
    let mut found = Vec::new();
    for case in CASES {
        let path = below_root(&format!("tests/testdata/conformance/{case}/manifests.json"));
        let text = std::fs::read_to_string(path).expect("the case is there");
        let objects: Vec<Value> = serde_json::from_str(&text).expect("it is a list");
        for mut object in objects {
            if object["apiVersion"] == "v1" {
                continue;
            }
            let refused_as_it_is = refused(&definitions, &object);
            if object["kind"] == "AgentRun" {
                assert_eq!(refused_as_it_is, [NO_RUNTIME], "{case}");
                // Rules come after the schema: what else would be refused.
                object["spec"]["runtime"] = json!({ "type": "job" });
                let refused = refused(&definitions, &object);
                found.extend(refused.into_iter().map(|it| (case, it)));
            } else {
                let none: [String; 0] = [];
                assert_eq!(refused_as_it_is, none, "{case}: {}", object["kind"]);
            }
        }
    }
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0].0, "exec-claude");
    assert!(found[0].1.ends_with(PROMPT), "{found:?}");
}

#[test]
fn what_the_runner_ships_a_cluster_takes() {
    let definitions = definition::all();
    for (file, objects) in yaml_files("providers") {
        for object in objects {
            let none: [String; 0] = [];
            assert_eq!(refused(&definitions, &object), none, "{file}");
        }
    }
}

/// The shapes of providers that people have (contract §11.2, §11.3), which no definition may refuse.
fn found_elsewhere() -> Vec<(&'static str, Value)> {
    let runner = "/usr/local/bin/agent-runner";
    vec![
        (
            "smoke of 0.9.1",
            json!({ "binary": "/bin/sh", "argsTemplate": ["-c", "echo {{inputs.stage}}"] }),
        ),
        (
            "smoke",
            json!({ "binary": runner, "adapter": { "type": "codex-app-server", "codex": {
                "binaryPath": "/usr/local/bin/agents-fake-codex-app-server" } } }),
        ),
        (
            "native workflow",
            json!({ "binary": runner, "inputFiles": [
                { "path": "/root/.codex/config.toml", "content": "model = \"x\"\n" }] }),
        ),
        (
            "codex",
            json!({
                "binary": runner,
                "adapter": { "type": "codex-app-server", "codex": {
                    "cwd": "/workspace/lab", "model": "gpt-5.6-sol", "effort": "high",
                    "sandbox": "danger-full-access", "approval": "never" } },
                "inputFiles": [{ "path": "/root/.codex/config.toml", "content": "" }],
                "outputArtifacts": [{ "name": "runner-log", "path": "/workspace/.agent/runner.log" }],
            }),
        ),
        (
            "a word that YAML takes for a boolean",
            json!({ "binary": runner, "adapter": { "type": "codex-app-server", "codex": {
                "threadConfig": { "mcp_servers": {}, "web_search": false } } } }),
        ),
        (
            "a token of the service account",
            json!({ "binary": runner, "adapter": { "type": "codex-app-server", "codex": {} },
                "workload": { "serviceAccountName": "linear", "serviceAccountToken": {
                    "audience": "linear-mcp", "expirationSeconds": 3600,
                    "mountPath": "/var/run/secrets/agents/mcp" } } }),
        ),
        (
            "secrets below the adapter",
            json!({ "binary": runner, "envTemplate": { "AGENTS_ARTIFACTS_SECURE": "false" },
                "adapter": { "type": "codex-app-server", "codex": { "secretEnv": [
                    { "name": "AWS_ACCESS_KEY_ID", "secretName": "s3", "key": "accesskey", "optional": true }] } },
                "outputArtifacts": [{ "name": "graph", "path": "out.json", "key": "{{ inputs.artifactKey }}" }] }),
        ),
        (
            "a binary that is not the runner, and an adapter without a body",
            json!({ "binary": "/usr/local/bin/anypi-runner", "adapter": { "type": "exec" },
                "workload": { "image": "registry.example.com/anypi@sha256:00" } }),
        ),
        (
            "exec through the runner",
            json!({ "binary": runner, "adapter": { "type": "exec", "exec": {
                "binary": "/usr/bin/env", "argsTemplate": ["bash", "run.sh"] } } }),
        ),
        (
            "claude of contract §11.3",
            json!({
                "binary": runner,
                "adapter": { "type": "exec", "exec": {
                    "binary": "/usr/local/bin/claude",
                    "argsTemplate": ["-p", "--output-format", "stream-json", "--verbose"],
                    "envTemplate": { "AGENT_STAGE": "{{inputs.stage}}" } } },
                "argsTemplate": [],
                "envTemplate": { "NATS_URL": "nats://nats.nats.svc.cluster.local:4222" },
                "secretEnv": [{ "name": "NATS_USER", "secretName": "nats-agents-credentials",
                    "key": "username", "optional": true }],
                "outputArtifacts": [{ "name": "runner-status", "path": "/workspace/.agent/status.json" }],
                "health": { "capacityFailurePolicy": "block" },
            }),
        ),
    ]
}

#[test]
fn the_providers_that_people_have_are_taken() {
    let definitions = definition::all();
    for (name, spec) in found_elsewhere() {
        let object = json!({
            "apiVersion": "agents.proompteng.ai/v1alpha1",
            "kind": "AgentProvider",
            "metadata": { "name": "found" },
            "spec": spec,
        });
        let none: [String; 0] = [];
        assert_eq!(refused(&definitions, &object), none, "{name}");
    }
}

#[test]
fn a_status_that_a_newer_controller_writes_is_taken_whole() {
    let definitions = definition::all();
    for (file, mut object) in examples() {
        object["status"] = json!({
            "phase": "Running", "unheardOf": { "deep": [1, null] }, "observedGeneration": 3,
            "conditions": [{ "type": "Ready", "status": "True", "reason": "Valid", "more": 1 }],
        });
        let none: [String; 0] = [];
        assert_eq!(refused(&definitions, &object), none, "{file}");
    }
    let (_, mut run) = examples()
        .into_iter()
        .find(|(file, _)| file == "agentrun-sample.yaml")
        .expect("it is there");
    // What a controller keeps of a runner's status (contract §7.1).
    run["status"] = json!({
        "phase": "Failed", "reason": "RunnerFailed", "runtimeRef": { "type": "job", "name": "a-job" },
        "runner": {
            "status": "failed", "provider": "claude", "adapter": "exec", "exitCode": 1, "signal": null,
            "startedAt": "2026-08-23T10:15:00Z", "cwd": null, "error": "usage limit reached",
            "artifacts": { "statusPath": "/workspace/.agent/status.json", "outputArtifacts": [] },
        },
        "artifacts": [{ "name": "report", "path": "out.md", "key": "a", "url": "s3://b/a" }],
    });
    let none: [String; 0] = [];
    assert_eq!(refused(&definitions, &run), none);
}

#[test]
fn a_default_is_what_the_controller_takes_where_nothing_is_said() {
    let mut found = Vec::new();
    for definition in definition::all() {
        collect(definition.schema(), &definition.kind, &mut found);
    }
    found.sort();
    let found: Vec<_> = found.iter().map(String::as_str).collect();
    assert_eq!(
        found,
        [
            "AgentProvider.spec.binary: \"/usr/local/bin/agent-runner\"",
            "ImplementationSource.spec.webhook.enabled: false",
            "Memory.spec.default: false",
            "Memory.spec.type: \"custom\"",
        ]
    );
}

fn collect(schema: &Value, path: &str, found: &mut Vec<String>) {
    if let Some(default) = schema.get("default") {
        found.push(format!("{path}: {default}"));
    }
    for (name, schema) in schema["properties"].as_object().into_iter().flatten() {
        collect(schema, &format!("{path}.{name}"), found);
    }
    for key in ["items", "additionalProperties"] {
        if let Some(schema) = schema.get(key) {
            collect(schema, &format!("{path}[]"), found);
        }
    }
}

#[test]
fn the_default_of_a_binary_is_what_a_controller_started_without_one() {
    let read = |file: &str| -> Value {
        let path = format!("tests/testdata/conformance/codex-gitea-read-only/{file}");
        let text = std::fs::read_to_string(below_root(&path)).expect("the case is there");
        serde_json::from_str(&text).expect("it is JSON")
    };
    let (manifests, job) = (read("manifests.json"), read("job.json"));
    let mut all = manifests.as_array().expect("it is a list").iter();
    let provider = all.find(|it| it["kind"] == "AgentProvider");
    assert_eq!(provider.expect("it is there")["spec"].get("binary"), None);
    let command = "/spec/template/spec/containers/0/command/0";
    let definitions = definition::all();
    let mut kinds = definitions.iter();
    let definition = kinds.find(|it| it.kind == "AgentProvider");
    let default = "/properties/spec/properties/binary/default";
    let default = definition.expect("it is there").schema().pointer(default);
    assert_eq!(job.pointer(command), default);
}
