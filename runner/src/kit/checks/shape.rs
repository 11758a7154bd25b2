//! What the controller needs to start the runner at all.

use agent_plan::nearest;

use crate::kit::finding::Finding;
use crate::kit::manifest::{Form, Manifest, Node};

const API_VERSION: &str = "agents.proompteng.ai/v1alpha1";
const KIND: &str = "AgentProvider";

/// The adapters that the controller passes on (contract §1.4).
const PASSED_ON: [&str; 2] = ["exec", "codex-app-server"];

/// The adapters that a definition in an image may have.
const KNOWN: [&str; 3] = ["exec", "codex-app-server", "claude"];

pub(super) fn kind(manifest: &Manifest) -> Vec<Finding> {
    if manifest.form == Form::Definition {
        return Vec::new();
    }
    let mut findings = Vec::new();
    for (path, wanted) in [("apiVersion", API_VERSION), ("kind", KIND)] {
        let node = manifest.root.get(path);
        if node.and_then(Node::text) != Some(wanted) {
            findings.push(place(
                Finding::new(
                    format!("`{path}: {wanted}`"),
                    told(node),
                    format!("write `{path}: {wanted}`"),
                ),
                path,
                node,
            ));
        }
    }
    let name = manifest.root.at("metadata.name");
    if name
        .and_then(Node::text)
        .is_none_or(|name| name.trim().is_empty())
    {
        let finding = Finding::new("a name", told(name), "set `metadata.name`");
        findings.push(place(finding, "metadata.name", name));
    }
    if manifest.root.get("spec").is_none() {
        findings.push(Finding::new(
            "a `spec`",
            "none",
            "write the provider below `spec`",
        ));
    }
    findings
}

pub(super) fn binary(manifest: &Manifest) -> Vec<Finding> {
    if manifest.form == Form::Definition {
        return Vec::new();
    }
    let node = manifest.at("binary");
    let binary = node.and_then(Node::text).unwrap_or_default();
    if binary.is_empty() || binary == "agent-runner" || binary.ends_with("/agent-runner") {
        return Vec::new();
    }
    let finding = Finding::new(
        "the runner: `/usr/local/bin/agent-runner`",
        format!("`{binary}`, which the pod starts in the runner's place"),
        format!("set `spec.binary` to the runner and `spec.adapter.exec.binary` to `{binary}`"),
    );
    vec![place(finding, "spec.binary", node)]
}

pub(super) fn adapter(manifest: &Manifest) -> Vec<Finding> {
    let known: &[&str] = match manifest.form {
        Form::Manifest => &PASSED_ON,
        Form::Definition => &KNOWN,
    };
    let node = manifest.at("adapter.type");
    let kind = manifest.kind();
    if !known.contains(&kind) {
        let meant = nearest(kind, known.iter().copied());
        let change = match (meant, kind) {
            (Some(meant), _) => format!("did you mean `{meant}`?"),
            (None, "claude") => "use `exec` with `adapter.runner.protocol: claude`".to_owned(),
            (None, _) => "use `exec`".to_owned(),
        };
        let expected = format!("`{}`", known.join("` or `"));
        let finding = Finding::new(expected, format!("`{kind}`"), change);
        return vec![place(finding, &manifest.path("adapter.type"), node)];
    }
    if node.is_none() && manifest.at("adapter").is_some() {
        let finding = Finding::new("a type", "none", "set `adapter.type` to `exec`");
        let path = manifest.path("adapter");
        return vec![place(finding, &path, manifest.at("adapter"))];
    }
    if kind == "exec" && manifest.agent().is_none_or(str::is_empty) {
        let path = manifest.path("adapter.exec.binary");
        let finding = Finding::new("the agent's executable", "none", format!("set `{path}`"));
        return vec![place(finding, &path, node)];
    }
    Vec::new()
}

pub(super) fn arguments(manifest: &Manifest) -> Vec<Finding> {
    if manifest.form == Form::Definition {
        return Vec::new();
    }
    let list = manifest.at("argsTemplate");
    let items = list.map(Node::items).unwrap_or_default();
    let (seen, at) = match manifest.asked() {
        Err(why) => (why, list),
        Ok(asked) => {
            let spec = asked.spec.map(|spec| spec.to_string_lossy().into_owned());
            // An empty argument counts as none (contract §1.1).
            let Some(spec) = spec.filter(|spec| !spec.is_empty()) else {
                return Vec::new();
            };
            let seen = format!("`{spec}`, which the runner takes for the path of a spec");
            let at = items.iter().find(|item| item.text() == Some(&spec));
            (seen, at.or(list))
        }
    };
    let finding = Finding::new(
        "no arguments but the runner's own: those of the container are not the agent's",
        seen,
        "move them to `spec.adapter.exec.argsTemplate`",
    );
    vec![place(finding, "spec.argsTemplate", at)]
}

fn told(node: Option<&Node>) -> String {
    node.map_or_else(|| "nothing".to_owned(), |node| format!("`{}`", node.json()))
}

fn place(finding: Finding, path: &str, node: Option<&Node>) -> Finding {
    match node {
        Some(node) => finding.at(path, node.place),
        None => finding,
    }
}
