//! Templates: who renders them, with which names, and into what.
//!
//! The controller renders what is its own, with paths only; the runner renders what reaches it as
//! it was written; `spec.inputFiles` nobody renders (contract §2.3).

mod tags;

use agent_plan::nearest;
use agent_plan::plan::TEMPLATE_ROOTS;

use crate::kit::finding::Finding;
use crate::kit::manifest::{Form, Manifest, Node, Place};
use tags::Tag;

/// Names that the controller knows where it renders for the container.
const OF_CONTAINER: &[&str] = &[
    "agentRun",
    "agent",
    "implementation",
    "parameters",
    "inputs",
    "memory",
    "vcs",
];

/// Names that it knows in `adapter.codex`: those of `run.json` and a few.
const OF_CODEX: &[&str] = &[
    "run",
    "parameters",
    "inputs",
    "provider",
    "agentRun",
    "implementation",
    "memory",
    "artifacts",
    "vcs",
    "goal",
    "systemPrompt",
    "prompt",
    "repository",
    "issueNumber",
    "issueTitle",
    "issueBody",
    "issueUrl",
    "base",
    "head",
    "stage",
    "metadata",
];

/// Names that lead to words of whoever asks, or of whoever wrote the issue.
const WORDS: [&str; 9] = [
    "content",
    "prompt",
    "text",
    "summary",
    "description",
    "issueBody",
    "issueTitle",
    "objective",
    "body",
];

/// Objects with such words in them, as a whole.
const WHOLE: [&str; 6] = [
    "run",
    "implementation",
    "inputs",
    "parameters",
    "metadata",
    "context",
];

/// Somebody who renders.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Renderer {
    Controller,
    Runner,
}

/// Where templates are, who renders them and which names it has.
fn places(manifest: &Manifest) -> Vec<(&'static str, Renderer, Vec<&'static str>)> {
    let of_runner = || TEMPLATE_ROOTS.concat();
    let with_env = || [&of_runner()[..], &["env"]].concat();
    let mut places = vec![
        ("adapter.exec.argsTemplate", Renderer::Runner, of_runner()),
        ("adapter.exec.envTemplate", Renderer::Runner, with_env()),
        ("adapter.exec.inputFiles", Renderer::Runner, of_runner()),
        (
            "adapter.exec.outputArtifacts",
            Renderer::Runner,
            of_runner(),
        ),
        ("adapter.runner.prompt", Renderer::Runner, of_runner()),
        ("adapter.runner.cwd", Renderer::Runner, of_runner()),
        (
            "adapter.runner.workspace.git",
            Renderer::Runner,
            of_runner(),
        ),
    ];
    let container = ["argsTemplate", "envTemplate", "outputArtifacts"];
    match manifest.form {
        Form::Manifest => {
            places
                .extend(container.map(|path| (path, Renderer::Controller, OF_CONTAINER.to_vec())));
            let codex = [OF_CODEX, &of_runner()].concat();
            let fields = [
                "prompt",
                "developerInstructions",
                "baseInstructions",
                "model",
                "cwd",
            ];
            for field in fields {
                let path = match field {
                    "prompt" => "adapter.codex.prompt",
                    "developerInstructions" => "adapter.codex.developerInstructions",
                    "baseInstructions" => "adapter.codex.baseInstructions",
                    "model" => "adapter.codex.model",
                    _ => "adapter.codex.cwd",
                };
                places.push((path, Renderer::Controller, codex.clone()));
            }
            let thread = [&codex[..], &["env"]].concat();
            places.push(("adapter.codex.threadConfig", Renderer::Controller, thread));
        }
        Form::Definition => {
            places.extend(container.map(|path| (path, Renderer::Runner, with_env())));
        }
    }
    places
}

fn each_tag(node: &Node, path: &str, look: &mut dyn FnMut(&str, &str, &Tag, Place)) {
    node.texts(path, &mut |path, text, place| {
        for tag in tags::of(text) {
            look(path, text, &tag, place);
        }
    });
}

pub(super) fn roots(manifest: &Manifest) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, renderer, known) in places(manifest) {
        let Some(node) = manifest.at(path) else {
            continue;
        };
        each_tag(node, &manifest.path(path), &mut |path, text, tag, place| {
            if tag.is_code && renderer == Renderer::Controller {
                let finding = Finding::new(
                    "a dotted path: the controller renders this, and knows no functions",
                    format!("`{}`", tag.written()),
                    "use a path, or move it to where the runner renders: below `adapter.exec`",
                );
                return findings.push(finding.at(path, place));
            }
            // Inside a block a name may be one of the current value.
            if text.contains("{{#each") || text.contains("{{#with") {
                return;
            }
            for name in tag.paths.iter().map(|path| tags::root(path)) {
                if !known.contains(&name) {
                    findings.push(unknown_root(name, tag, &known).at(path, place));
                }
            }
        });
    }
    findings
}

fn unknown_root(name: &str, tag: &Tag, known: &[&str]) -> Finding {
    let change = match nearest(name, known.iter().copied()) {
        Some(meant) => format!("did you mean `{meant}`?"),
        None if name == "env" => "a variable is seen in `envTemplate` only".to_owned(),
        None if name == "run" => {
            "the controller knows no `run` here: use `agentRun`, `parameters` or `vcs`".to_owned()
        }
        None => format!("use one of {}", known.join(", ")),
    };
    Finding::new(
        "a name that is known in this place",
        format!("`{name}` in `{}`, which becomes nothing", tag.written()),
        change,
    )
}

pub(super) fn unrendered(manifest: &Manifest) -> Vec<Finding> {
    let mut findings = Vec::new();
    if manifest.form == Form::Definition {
        return findings;
    }
    let Some(node) = manifest.at("inputFiles") else {
        return findings;
    };
    each_tag(node, "spec.inputFiles", &mut |path, _, tag, place| {
        let finding = Finding::new(
            "text: the controller mounts these files as they are",
            format!("`{}`, which stays as it is", tag.written()),
            "move the file to `spec.adapter.exec.inputFiles`, which the runner renders",
        );
        findings.push(finding.at(path, place));
    });
    findings
}

pub(super) fn prompt_in_arguments(manifest: &Manifest) -> Vec<Finding> {
    let mut findings = Vec::new();
    let lists = [
        "argsTemplate",
        "adapter.exec.argsTemplate",
        "adapter.codex.cliConfigOverrides",
    ];
    for path in lists {
        let Some(node) = manifest.at(path) else {
            continue;
        };
        each_tag(node, &manifest.path(path), &mut |path, _, tag, place| {
            if tag.paths.iter().any(|path| is_words(path)) {
                let finding = Finding::new(
                    "no words of others: arguments can be read by every process and end at 128 KiB",
                    format!("`{}`", tag.written()),
                    "write it into `adapter.runner.prompt`, which reaches the agent on stdin",
                );
                findings.push(finding.at(path, place));
            }
        });
    }
    findings
}

pub(super) fn prompt_in_script(manifest: &Manifest) -> Vec<Finding> {
    let mut findings = Vec::new();
    let files = manifest.exec().and_then(|exec| exec.get("inputFiles"));
    for (index, file) in files
        .map(Node::items)
        .unwrap_or_default()
        .iter()
        .enumerate()
    {
        let text = |field: &str| file.get(field).and_then(Node::text).unwrap_or_default();
        let path = text("path");
        let ends = [".sh", ".bash", ".py"]
            .iter()
            .any(|end| path.ends_with(end));
        if !ends && !text("content").starts_with("#!") {
            continue;
        }
        let place = manifest.path(&format!("adapter.exec.inputFiles[{index}].content"));
        let Some(content) = file.get("content") else {
            continue;
        };
        each_tag(content, &place, &mut |path, _, tag, place| {
            let quoted = ["quote", "json"]
                .iter()
                .any(|word| tag.content.starts_with(word));
            if !quoted && tag.paths.iter().any(|path| is_words(path)) {
                let finding = Finding::new(
                    "no words of others in a script: they would be commands",
                    format!("`{}`", tag.written()),
                    "read them from stdin (`adapter.runner.prompt`), or write `{{quote …}}`",
                );
                findings.push(finding.at(path, place));
            }
        });
    }
    findings
}

fn is_words(path: &str) -> bool {
    let last = path.rsplit('.').next().unwrap_or(path);
    WORDS.contains(&last) || WHOLE.contains(&last)
}
