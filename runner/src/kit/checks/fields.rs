//! Fields that nobody knows, and fields that somebody drops.

use agent_plan::env::Environment;
use agent_plan::nearest;
use agent_plan::spec;
use serde_json::json;

use crate::kit::finding::Finding;
use crate::kit::manifest::{Form, Manifest, Node};
use crate::report;

const OF_MANIFEST: [&str; 5] = ["apiVersion", "kind", "metadata", "spec", "status"];

const OF_SPEC: [&str; 9] = [
    "binary",
    "argsTemplate",
    "envTemplate",
    "inputFiles",
    "outputArtifacts",
    "secretEnv",
    "adapter",
    "workload",
    "health",
];

pub(super) fn unknown(manifest: &Manifest) -> Vec<Finding> {
    let mut findings = Vec::new();
    if manifest.form == Form::Manifest {
        misspelt(&manifest.root, "", &OF_MANIFEST, &mut findings);
        misspelt(manifest.spec(), "spec.", &OF_SPEC, &mut findings);
    }
    of_runner(manifest, &mut findings);
    variables(manifest, &mut findings);
    findings
}

fn misspelt(node: &Node, path: &str, known: &[&str], findings: &mut Vec<Finding>) {
    for (key, _) in node.fields() {
        if !known.contains(&key.name.as_str()) {
            let meant = nearest(&key.name, known.iter().copied());
            let path = format!("{path}{}", key.name);
            findings.push(unknown_field(&path, meant).at(path, key.place));
        }
    }
}

fn unknown_field(path: &str, meant: Option<String>) -> Finding {
    let change = match meant {
        Some(meant) => format!("did you mean `{meant}`?"),
        None => "remove it, or see the reference for its name".to_owned(),
    };
    Finding::new("a field that is known", format!("`{path}`"), change)
}

/// What reaches the runner is read as the runner does.
fn of_runner(manifest: &Manifest, findings: &mut Vec<Finding>) {
    let (text, above) = match manifest.form {
        Form::Manifest => (
            json!({"adapter": manifest.at("adapter").map(Node::json)}),
            "spec.",
        ),
        Form::Definition => (manifest.root.json(), ""),
    };
    let text = text.to_string();
    let document = match spec::parse_definition(text.as_bytes(), "the file") {
        Ok(document) => document,
        Err(spec::SpecError::WrongType { path, problem, .. }) => {
            let place = manifest.at(&path).unwrap_or(manifest.spec()).place;
            let finding = Finding::new("a value of its kind", problem, "correct the value");
            return findings.push(finding.at(format!("{above}{path}"), place));
        }
        Err(error) => {
            let words = report::sentence(&error, error.hint());
            return findings.push(Finding::new("a definition", words, "correct it"));
        }
    };
    for field in document.unknown {
        // The controller reads these itself, before the runner sees them.
        if field.path.ends_with("secretEnv") {
            continue;
        }
        let path = format!("{above}{}", field.path);
        let finding = unknown_field(&path, field.nearest);
        findings.push(match key_place(manifest, &field.path) {
            Some(place) => finding.at(path, place),
            None => finding,
        });
    }
}

/// Where the name of a field stands.
fn key_place(manifest: &Manifest, path: &str) -> Option<crate::kit::manifest::Place> {
    let (parent, name) = path.rsplit_once('.').unwrap_or(("", path));
    let parent = manifest.at(parent)?;
    let mut keys = parent.fields().iter().map(|(key, _)| key);
    keys.find(|key| key.name == name).map(|key| key.place)
}

/// Variables with our prefix that nobody reads.
fn variables(manifest: &Manifest, findings: &mut Vec<Finding>) {
    let Some(env) = manifest.at("envTemplate") else {
        return;
    };
    for (key, _) in env.fields() {
        let one = Environment::new([(key.name.clone().into(), "x".into())]);
        for words in one.unknown_of_ours() {
            let path = manifest.path(&format!("envTemplate.{}", key.name));
            let finding = Finding::new(
                "a variable that the runner reads",
                words,
                "correct its name",
            );
            findings.push(finding.at(path, key.place));
        }
    }
}

pub(super) fn dropped(manifest: &Manifest) -> Vec<Finding> {
    if manifest.form == Form::Definition || manifest.kind() != "codex-app-server" {
        return Vec::new();
    }
    let adapter = manifest.at("adapter").map(Node::fields).unwrap_or_default();
    let siblings = adapter
        .iter()
        .filter(|(key, _)| !["type", "codex", "secretEnv"].contains(&key.name.as_str()));
    let finding = |(key, _): &(crate::kit::manifest::Key, Node)| {
        let change = if key.name == "runner" {
            "write the settings as `AGENT_RUNNER_` variables into `spec.envTemplate`"
        } else {
            "remove it"
        };
        Finding::new(
            "only `codex` beside `type`: the controller builds this adapter anew",
            format!("`{}`, which is dropped", key.name),
            change,
        )
        .at(format!("spec.adapter.{}", key.name), key.place)
    };
    siblings.map(finding).collect()
}
