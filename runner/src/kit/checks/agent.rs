//! What a known agent CLI needs of its provider.

use std::path::Path;

use agent_plan::settings::Protocol;

use crate::kit::finding::Finding;
use crate::kit::manifest::{Manifest, Node};

/// The executables whose output means something, and the protocols that read it.
const SPOKEN: [(&str, &[Protocol], &str); 2] = [
    ("claude", &[Protocol::Claude], "claude"),
    (
        "codex",
        &[Protocol::CodexExec, Protocol::CodexAppServer],
        "codex-exec",
    ),
];

/// Any of these says who may do what.
const POLICIES: [&str; 7] = [
    "--dangerously-skip-permissions",
    "--allow-dangerously-skip-permissions",
    "--permission-mode",
    "--permission-prompt-tool",
    "--allowedTools",
    "--allowed-tools",
    "--settings",
];

fn name(manifest: &Manifest) -> Option<&str> {
    Path::new(manifest.agent()?).file_name()?.to_str()
}

pub(super) fn protocol(manifest: &Manifest) -> Vec<Finding> {
    let place = manifest.at("adapter").unwrap_or(manifest.spec()).place;
    let path = manifest.path("adapter.runner.protocol");
    let protocol = manifest.protocol();
    if manifest.kind() == "exec" && protocol == Protocol::CodexAppServer {
        let finding = Finding::new(
            "a protocol of an exec adapter",
            "`codex-app-server`",
            "use an adapter of type `codex-app-server`, or the protocol `codex-exec`",
        );
        return vec![finding.at(path, place)];
    }
    let spoken = SPOKEN
        .iter()
        .find(|(known, ..)| name(manifest) == Some(known));
    match spoken {
        Some((known, protocols, word)) if !protocols.contains(&protocol) => {
            let finding = Finding::new(
                format!("the output of `{known}` read as its own"),
                format!("{protocol:?}, so that its failures are not understood"),
                format!("set `{path}` to `{word}`"),
            );
            vec![finding.at(path, place)]
        }
        _ => Vec::new(),
    }
}

pub(super) fn permissions(manifest: &Manifest) -> Vec<Finding> {
    if manifest.kind() != "exec" || manifest.protocol() != Protocol::Claude {
        return Vec::new();
    }
    let Some(list) = manifest.exec().and_then(|exec| exec.get("argsTemplate")) else {
        return missing(manifest, manifest.exec());
    };
    let says = |item: &Node| {
        item.text().is_some_and(|text| {
            let flag = text.split('=').next().unwrap_or(text);
            POLICIES.contains(&flag)
        })
    };
    if list.items().iter().any(says) {
        return Vec::new();
    }
    missing(manifest, Some(list))
}

fn missing(manifest: &Manifest, node: Option<&Node>) -> Vec<Finding> {
    let finding = Finding::new(
        "a policy of permissions",
        "none: claude refuses every tool that needs one, and still says that it succeeded",
        "add `--dangerously-skip-permissions`, or `--permission-mode` with `--allowedTools`",
    );
    let path = manifest.path("adapter.exec.argsTemplate");
    let place = node.unwrap_or(manifest.spec()).place;
    vec![finding.at(path, place)]
}
