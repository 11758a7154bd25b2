//! What an image and this machine add to the variables of a pod, and where its homes are.

use std::path::{Path, PathBuf};

use agent_plan::env::{self, Environment};
use serde_json::Value;

use super::remap::Remap;

/// Variables of this machine that a run gets, below those of its pod: what programs need to find
/// files, words and the net, and what our own log is told.
const OURS: [&str; 21] = [
    "PATH",
    "HOME",
    "TERM",
    "COLORTERM",
    "LANG",
    "LC_ALL",
    "LC_CTYPE",
    "TZ",
    "NO_COLOR",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "ALL_PROXY",
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "all_proxy",
    env::LOG_LEVEL,
    env::LOG_FORMAT,
];

/// Variables that say where artifacts are stored; a bucket without one of them is no store.
const STORES: [&str; 5] = [
    "AGENTS_ARTIFACTS_ENDPOINT",
    "MINIO_ENDPOINT",
    "AWS_ENDPOINT_URL_S3",
    "AWS_ENDPOINT_URL",
    "AGENT_RUNNER_ARTIFACTS_ENDPOINT",
];

/// Where variables of the agent are, in a spec.
const TEMPLATES: [&str; 2] = ["/adapter/exec/envTemplate", "/adapter/claude/env"];

/// Where a spec says the store.
const OF_SPEC: [&str; 2] = [
    "/runner/artifacts/endpoint",
    "/adapter/runner/artifacts/endpoint",
];

/// Variables with directories that programs write to, whatever they are about.
pub(super) const HOMES: [&str; 7] = [
    "HOME",
    "TMPDIR",
    env::CLAUDE_CONFIG_DIR,
    "XDG_CONFIG_HOME",
    "XDG_CACHE_HOME",
    "XDG_DATA_HOME",
    "XDG_STATE_HOME",
];

/// Adds to the variables of a pod what an image and this machine have: directories below `root`, and
/// some variables of `ours`. A rehearsal has a home of its own.
pub(super) fn furnish(
    variables: &mut Environment,
    spec: &Value,
    root: &Path,
    ours: &Environment,
    is_rehearsal: bool,
) {
    let mut set = |name: &str, value: PathBuf| {
        if variables.raw(name).is_none() {
            variables.set(name, value);
        }
    };
    if is_rehearsal {
        set("HOME", root.join("home"));
    }
    set("TMPDIR", root.join("tmp"));
    for name in OURS {
        if let Some(value) = ours.raw(name) {
            set(name, PathBuf::from(value));
        }
    }
    if !names_store(spec, variables) {
        variables.set(STORES[0], store(root));
    }
}

fn names_store(spec: &Value, variables: &Environment) -> bool {
    STORES.iter().any(|name| has(spec, variables, name))
        || OF_SPEC.iter().any(|place| spec.pointer(place).is_some())
}

/// Moves the homes and the store that a pod names below the root; texts do not speak of the former,
/// and the directory of temporary files of a pod may be that of this machine.
pub(super) fn move_places(spec: &mut Value, variables: &mut Environment, remap: &Remap) {
    let home = |path: &str| remap.home(path);
    let store = |url: &str| Some(remap.store(url));
    for name in HOMES {
        change(spec, variables, name, &home);
    }
    for name in STORES {
        change(spec, variables, name, &store);
    }
    for place in OF_SPEC {
        if let Some(url) = spec.pointer_mut(place)
            && let Some(text) = url.as_str()
        {
            *url = remap.store(text).into();
        }
    }
}

/// Sets a variable, also where the provider's author sets it.
pub(super) fn set(spec: &mut Value, variables: &mut Environment, name: &str, value: &Path) {
    variables.set(name, value);
    change(spec, variables, name, &|_| {
        value.to_str().map(str::to_owned)
    });
}

/// Says whether a variable is set, also where the provider's author sets it.
pub(super) fn has(spec: &Value, variables: &Environment, name: &str) -> bool {
    let mut places = TEMPLATES.iter();
    variables.get(name).is_some()
        || places.any(|place| spec.pointer(&format!("{place}/{name}")).is_some())
}

fn change(
    spec: &mut Value,
    variables: &mut Environment,
    name: &str,
    to: &dyn Fn(&str) -> Option<String>,
) {
    if let Some(value) = variables.get(name).and_then(to) {
        variables.set(name, value);
    }
    for place in TEMPLATES {
        let template = spec.pointer_mut(place).and_then(|it| it.get_mut(name));
        if let Some(template) = template
            && let Some(value) = template.as_str().and_then(to)
        {
            *template = value.into();
        }
    }
}

/// The directory store of a run.
pub(super) fn store(root: &Path) -> String {
    format!("file://{}", root.join("artifacts").display())
}
