//! Secrets in the wrong place.

use agent_plan::secret::{Patterns, Redactor, in_environment};

use crate::kit::finding::Finding;
use crate::kit::manifest::{Form, Manifest, Node};

const LISTS: [&str; 3] = ["secretEnv", "adapter.secretEnv", "adapter.codex.secretEnv"];

pub(super) fn in_clear(manifest: &Manifest) -> Vec<Finding> {
    let tokens = Redactor::new(Vec::new(), Patterns::On);
    let mut findings = Vec::new();
    manifest.root.texts("", &mut |path, text, place| {
        let is_variable = path.contains("envTemplate.") || path.contains(".env.");
        let name = path.rsplit('.').next().unwrap_or_default();
        let named = is_variable
            && !text.contains("{{")
            && !in_environment([(name, text.as_bytes())], &[]).is_empty();
        if named || tokens.text(text) != text {
            let change = match manifest.form {
                Form::Manifest => "put it into a Secret and name that in `spec.secretEnv`",
                Form::Definition => "give it to the container as a variable",
            };
            // Never the value itself.
            let seen = format!("the value of `{path}`");
            let finding = Finding::new("no secret in the file", seen, change);
            findings.push(finding.at(path, place));
        }
    });
    findings
}

pub(super) fn not_read(manifest: &Manifest) -> Vec<Finding> {
    if manifest.form == Form::Definition {
        return Vec::new();
    }
    let mut findings = Vec::new();
    let mut lists = LISTS
        .into_iter()
        .filter_map(|path| Some((path, manifest.at(path)?)));
    let first = lists.next().map(|(path, _)| path);
    let unread = lists.chain(
        ["adapter.exec.secretEnv", "adapter.runner.secretEnv"]
            .into_iter()
            .filter_map(|path| Some((path, manifest.at(path)?))),
    );
    for (path, node) in unread {
        let seen = match first {
            Some(first) => format!("a list that nobody reads, besides `spec.{first}`"),
            None => "a list that nobody reads".to_owned(),
        };
        let finding = Finding::new(
            "one list of secrets",
            seen,
            "move its entries to `spec.secretEnv`",
        );
        findings.push(finding.at(format!("spec.{path}"), node.place));
    }
    let read = LISTS.iter().find_map(|path| manifest.at(path));
    for entry in read.map(Node::items).unwrap_or_default() {
        for field in ["name", "secretName", "key"] {
            if entry
                .get(field)
                .and_then(Node::text)
                .is_none_or(str::is_empty)
            {
                let finding = Finding::new(
                    "`name`, `secretName` and `key`",
                    format!("no `{field}`"),
                    format!("set `{field}`"),
                );
                findings.push(finding.at("spec.secretEnv", entry.place));
            }
        }
    }
    findings
}
