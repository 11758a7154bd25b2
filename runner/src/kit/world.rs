//! A private place for one scenario: what a pod would have, and nothing of this machine.
//!
//! Paths below `/workspace` are moved into it wherever a provider writes them.

use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use agent_plan::settings::SETTINGS;
use serde_json::Value;
use tempfile::TempDir;

use super::controller::{Pod, secret_of};
use super::manifest::{Manifest, Node};
use crate::cli;
use crate::scripted::{self, SCRIPT, Script};

/// Where a pod has its work.
const WORKSPACE: &str = "/workspace";

/// Credentials of the runner's own, as a pod has them by `envFrom`; no agent is to see them.
pub(super) const OURS: [&str; 5] = [
    "NATS_USER",
    "NATS_PASSWORD",
    "NATS_TOKEN",
    "AGENTS_ARTIFACTS_ACCESS_KEY_ID",
    "AGENTS_ARTIFACTS_SECRET_ACCESS_KEY",
];

/// This executable. Asked once: whoever installs another in its place meanwhile changes the answer.
pub(super) fn executable() -> io::Result<PathBuf> {
    static KNOWN: OnceLock<PathBuf> = OnceLock::new();
    if let Some(known) = KNOWN.get() {
        return Ok(known.clone());
    }
    let path = std::env::current_exe()?;
    Ok(KNOWN.get_or_init(|| path).clone())
}

/// A private place.
#[derive(Debug)]
pub(super) struct World {
    dir: TempDir,
    /// The environment of the runner.
    pub(super) env: Vec<(String, String)>,
    /// Flags that only this place needs.
    flags: Vec<String>,
    /// Flags with which the pod starts the runner.
    told: Vec<String>,
}

impl World {
    /// Makes the place and writes into it what the controller would mount.
    pub(super) fn new(manifest: &Manifest, mut pod: Pod, script: &Script) -> io::Result<Self> {
        let mut world = Self {
            dir: tempfile::Builder::new()
                .prefix("provider-test-")
                .tempdir()?,
            env: Vec::new(),
            flags: Vec::new(),
            told: Vec::new(),
        };
        for name in ["agent", "home", "tmp", "workspace"] {
            fs::create_dir(world.path(name))?;
        }
        let agent = world.path("agent").join(scripted::NAME);
        symlink(executable()?, &agent)?;
        world.set_script(script)?;
        world.replace_agent(&mut pod, &agent);
        if pod.payload.get("vcs").is_some() {
            world.add_repository(manifest, &mut pod)?;
        }
        world.write(manifest, &mut pod)?;
        world.set_env(&pod);
        world.told = world.arguments(&pod);
        Ok(world)
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(super) fn workspace(&self) -> PathBuf {
        self.path("workspace")
    }

    pub(super) fn spec(&self) -> PathBuf {
        self.workspace().join("agent-runner.json")
    }

    /// Says what the agent plays.
    pub(super) fn set_script(&self, script: &Script) -> io::Result<()> {
        fs::write(self.path("agent").join(SCRIPT), serde_json::to_vec(script)?)
    }

    /// Where declared files are in this place.
    pub(super) fn paths(&self, declared: Vec<String>) -> Vec<PathBuf> {
        let workspace = self.workspace();
        let moved = |path: String| PathBuf::from(moved(&path, &workspace.to_string_lossy()));
        declared.into_iter().map(moved).collect()
    }

    /// Makes the repository that the run is about, so that it can be cloned without a network.
    fn add_repository(&mut self, manifest: &Manifest, pod: &mut Pod) -> io::Result<()> {
        let base = format!("file://{}", self.path("git").display());
        repository(&self.path("git/acme/portal.git")).map_err(io::Error::other)?;
        pod.payload["vcs"]["cloneBaseUrl"] = base.clone().into();
        self.flags.push("--workspace-local-remotes=true".to_owned());
        if manifest.setting("workspace.git.url").is_some() {
            self.flags
                .push(format!("--workspace-git-url={base}/acme/portal.git"));
        }
        if manifest.kind() == "exec" && manifest.setting("cwd").is_none() {
            // The default is outside of this place.
            let place = self.workspace().join("repo");
            self.flags.push(format!("--cwd={}", place.display()));
        }
        Ok(())
    }

    fn replace_agent(&self, pod: &mut Pod, agent: &Path) {
        let replace = |adapter: &mut Value| {
            crate::executable::set(adapter, agent);
            self.relocate(adapter);
        };
        if let Some(adapter) = pod.spec.get_mut("adapter") {
            replace(adapter);
        }
        if let Some(definition) = &mut pod.definition {
            if let Some(adapter) = definition.get_mut("adapter") {
                replace(adapter);
            } else {
                definition["binary"] = agent.to_string_lossy().into();
                self.relocate(definition);
            }
        }
        for part in ["artifacts", "payloads", "providerSpec"] {
            if let Some(part) = pod.spec.get_mut(part) {
                self.relocate(part);
            }
        }
        // There is no store, and what is uploaded is not what is tested here.
        for place in ["/providerSpec", "/adapter/exec"] {
            without_keys(pod.spec.pointer_mut(&format!("{place}/outputArtifacts")));
        }
    }

    fn write(&self, manifest: &Manifest, pod: &mut Pod) -> io::Result<()> {
        let workspace = self.workspace();
        fs::write(
            workspace.join("run.json"),
            serde_json::to_vec_pretty(&pod.payload)?,
        )?;
        fs::write(self.spec(), serde_json::to_vec_pretty(&pod.spec)?)?;
        if let Some(definition) = &pod.definition {
            fs::write(self.path("provider.json"), serde_json::to_vec(definition)?)?;
        }
        self.mount(pod)?;
        // An image has the directory that its agent works in.
        let cwd = manifest.at("adapter.codex.cwd").and_then(Node::text);
        if let Some(cwd) = cwd.map(str::to_owned).or_else(|| manifest.setting("cwd"))
            && let Some(cwd) = self.paths(vec![cwd]).first()
            && cwd.starts_with(&workspace)
        {
            fs::create_dir_all(cwd)?;
        }
        Ok(())
    }

    /// Writes what the controller mounts, as far as it is in this place.
    fn mount(&self, pod: &Pod) -> io::Result<()> {
        for (path, content) in &pod.files {
            let path = moved(path, &self.workspace().to_string_lossy());
            let path = Path::new(&path);
            if !path.starts_with(self.dir.path()) {
                continue;
            }
            if let Some(parent) = path.parent() {
                fs::create_dir_all(parent)?;
            }
            fs::write(path, content)?;
        }
        Ok(())
    }

    fn set_env(&mut self, pod: &Pod) {
        let place = |name: &str| self.path(name).display().to_string();
        let mut env = vec![
            ("PATH".to_owned(), "/usr/local/bin:/usr/bin:/bin".to_owned()),
            ("HOME".to_owned(), place("home")),
            ("TMPDIR".to_owned(), place("tmp")),
            ("CODEX_HOME".to_owned(), place("home/.codex")),
            // The server has nothing more to say than what it is told to.
            (
                "CODEX_APP_SERVER_THREAD_IDLE_QUIET_MS".to_owned(),
                "20".to_owned(),
            ),
        ];
        env.extend(OURS.map(|name| (name.to_owned(), secret_of(name))));
        for (name, value) in &pod.env {
            // Nothing outside is spoken to, and the places are those from above.
            if name == "NATS_URL"
                || ["PATH", "HOME", "TMPDIR", "CODEX_HOME"].contains(&name.as_str())
            {
                continue;
            }
            let mut value = Value::from(value.as_str());
            self.relocate(&mut value);
            env.retain(|(known, _)| known != name);
            env.push((name.clone(), value.as_str().unwrap_or_default().to_owned()));
        }
        if pod.definition.is_some() {
            env.push(("AGENT_PROVIDER_PATH".to_owned(), place("provider.json")));
        }
        self.env = env;
    }

    /// The arguments of the container, each setting as one word.
    fn arguments(&self, pod: &Pod) -> Vec<String> {
        let workspace = self.workspace();
        let here = |word: String| moved(&word, &workspace.to_string_lossy());
        let Ok(asked) = cli::parse_for_run(&pod.arguments) else {
            // The runner says what is wrong with them.
            return pod.arguments.iter().cloned().map(here).collect();
        };
        let flag = |key: &str| SETTINGS.iter().find(|setting| setting.key == key);
        let settings = asked.flags.iter();
        let settings =
            settings.filter_map(|(key, text)| Some(format!("--{}={text}", flag(key)?.flag)));
        let status = asked.status_path.iter();
        let status = status.map(|path| format!("--status-path={}", path.display()));
        settings.chain(status).map(here).collect()
    }

    /// All arguments of a run with these: what a scenario or this place needs wins.
    pub(super) fn all_arguments(&self, arguments: &[String]) -> Vec<String> {
        let name = |flag: &str| {
            flag.split_once('=')
                .map_or(flag, |(name, _)| name)
                .to_owned()
        };
        let mut all = [arguments, &self.flags].concat();
        let ours: Vec<_> = all.iter().map(|flag| name(flag)).collect();
        let told = self.told.iter().filter(|flag| !ours.contains(&name(flag)));
        all.extend(told.cloned());
        all
    }

    /// Moves paths below `/workspace` into this place.
    pub(super) fn relocate(&self, value: &mut Value) {
        match value {
            Value::String(text) => *text = moved(text, &self.workspace().to_string_lossy()),
            Value::Array(items) => items.iter_mut().for_each(|item| self.relocate(item)),
            Value::Object(fields) => fields.values_mut().for_each(|value| self.relocate(value)),
            _ => {}
        }
    }
}

/// A repository with one file on its branch `main`.
fn repository(at: &Path) -> Result<(), git2::Error> {
    let mut how = git2::RepositoryInitOptions::new();
    let repository = git2::Repository::init_opts(at, how.bare(true).mkpath(true))?;
    let who = git2::Signature::new("Sample", "sample@example.com", &git2::Time::new(0, 0))?;
    let blob = repository.blob(b"A portal.\n")?;
    let mut tree = repository.treebuilder(None)?;
    tree.insert("README.md", blob, 0o100_644)?;
    let tree = repository.find_tree(tree.write()?)?;
    repository.commit(Some("refs/heads/main"), &who, &who, "Begin", &tree, &[])?;
    repository.set_head("refs/heads/main")
}

fn moved(text: &str, to: &str) -> String {
    let mut moved = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(WORKSPACE) {
        let is_part = |letter: char| letter.is_alphanumeric() || "-_.".contains(letter);
        let is_path = !before.ends_with(is_part) && !after.starts_with(is_part);
        moved.push_str(before);
        moved.push_str(if is_path { to } else { WORKSPACE });
        rest = after;
    }
    moved + rest
}

fn without_keys(artifacts: Option<&mut Value>) {
    for artifact in artifacts
        .and_then(Value::as_array_mut)
        .into_iter()
        .flatten()
    {
        if let Some(fields) = artifact.as_object_mut() {
            fields.remove("key");
        }
    }
}

/// The files that a provider declares besides the runner's own.
pub(super) fn paths_declared(manifest: &Manifest) -> Vec<String> {
    let of_exec = manifest.exec().and_then(|exec| exec.get("outputArtifacts"));
    let list = of_exec.or_else(|| manifest.at("outputArtifacts"));
    let entries = list.map(Node::items).unwrap_or_default().iter();
    let paths = entries.filter_map(|entry| entry.get("path")?.text().map(str::to_owned));
    paths.filter(|path| !path.contains("/.agent/")).collect()
}

/// The files that a status tells of.
pub(super) fn declared(status: &Value) -> Vec<PathBuf> {
    let list = status
        .pointer("/artifacts/outputArtifacts")
        .and_then(Value::as_array);
    let entries = list.into_iter().flatten();
    let path = |entry: &Value| entry["path"].as_str().map(PathBuf::from);
    entries.filter_map(path).collect()
}

#[cfg(test)]
mod tests;
