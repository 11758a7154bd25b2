//! A provider as its author wrote it: every value with its place in the file.

pub use agent_plan::document::Place;
pub(super) use agent_plan::document::{Key, Node};

use std::path::Path;

use agent_plan::settings::Protocol;
use serde_json::Value;

use crate::cli;
use crate::load::Request;

/// Why a file is no provider.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ManifestError {
    /// It is neither YAML nor JSON.
    #[error("`{origin}`{}: {problem}", place.map_or(String::new(), |place| format!(" {place}")))]
    Syntax {
        /// The file.
        origin: String,
        /// Where.
        place: Option<Place>,
        /// In the parser's words.
        problem: String,
    },
    /// It has no object at the top.
    #[error("`{origin}` is neither an AgentProvider nor a provider definition")]
    Shape {
        /// The file.
        origin: String,
    },
}

/// What kind of file it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// An `AgentProvider` of a cluster.
    Manifest,
    /// What an image has in `/etc/agent-providers`, for controllers that send no adapter.
    Definition,
}

/// A provider.
#[derive(Debug, Clone)]
pub(super) struct Manifest {
    pub(super) form: Form,
    pub(super) root: Node,
    /// As it was written.
    pub(super) text: String,
    /// What messages call the file.
    pub(super) file: String,
    /// The file's name without its ending, for a definition that has no name of its own.
    stem: String,
}

impl Manifest {
    /// Reads a provider from YAML or JSON.
    ///
    /// # Errors
    ///
    /// Returns [`ManifestError`] with the place.
    pub(super) fn parse(text: &str, path: &Path) -> Result<Self, ManifestError> {
        let origin = path.display().to_string();
        let root = Node::parse(text).map_err(|error| ManifestError::Syntax {
            origin: origin.clone(),
            place: error.place,
            problem: error.problem,
        })?;
        let has = |key: &str| root.get(key).is_some();
        let form = match () {
            () if has("spec") || has("kind") || has("apiVersion") => Form::Manifest,
            () if has("binary") || has("adapter") => Form::Definition,
            () => return Err(ManifestError::Shape { origin }),
        };
        let stem = path.file_stem().unwrap_or_default();
        Ok(Self {
            form,
            root,
            text: text.to_owned(),
            file: origin,
            stem: stem.to_string_lossy().into_owned(),
        })
    }

    /// The object with `binary` and `adapter`.
    pub(super) fn spec(&self) -> &Node {
        match self.form {
            Form::Manifest => self.root.get("spec").unwrap_or(&self.root),
            Form::Definition => &self.root,
        }
    }

    /// A value of the spec by its path.
    pub(super) fn at(&self, path: &str) -> Option<&Node> {
        self.spec().at(path)
    }

    /// The path of a value of the spec from the top of the file, for messages.
    pub(super) fn path(&self, path: &str) -> String {
        match self.form {
            Form::Manifest => format!("spec.{path}"),
            Form::Definition => path.to_owned(),
        }
    }

    pub(super) fn name(&self) -> String {
        let named = self.root.at("metadata.name").and_then(Node::text);
        named.unwrap_or(&self.stem).to_owned()
    }

    /// The adapter's type, by the controller's rules (contract §1.4).
    pub(super) fn kind(&self) -> &str {
        let told = self.at("adapter.type").and_then(Node::text);
        told.unwrap_or(match self.form {
            Form::Manifest => "codex-app-server",
            Form::Definition => "exec",
        })
    }

    /// The command of an exec adapter; of a definition without an adapter that is the whole file.
    pub(super) fn exec(&self) -> Option<&Node> {
        match self.at("adapter") {
            Some(adapter) => adapter.get("exec"),
            None => Some(self.spec()).filter(|_| self.kind() == "exec"),
        }
    }

    /// The agent's executable.
    pub(super) fn agent(&self) -> Option<&str> {
        match self.kind() {
            "codex-app-server" => self.at("adapter.codex.binaryPath").and_then(Node::text),
            "claude" => self.at("adapter.claude.binaryPath").and_then(Node::text),
            _ => self.exec()?.get("binary")?.text(),
        }
    }

    /// What the arguments of the container ask the runner for, or why they start no run.
    pub(super) fn asked(&self) -> Result<Request, String> {
        let list = match self.form {
            Form::Manifest => self.at("argsTemplate"),
            Form::Definition => None,
        };
        let items = list.map(Node::items).unwrap_or_default();
        let words = items.iter().filter_map(Node::text).map(str::to_owned);
        cli::parse_for_run(&words.collect::<Vec<_>>())
    }

    /// A setting of the runner: as an argument, which wins, as a variable, or in `adapter.runner`.
    pub(super) fn setting(&self, key: &str) -> Option<String> {
        let asked = self.asked().unwrap_or_default();
        if let Some((_, text)) = asked.flags.into_iter().find(|(known, _)| known == key) {
            return Some(text);
        }
        let setting = agent_plan::settings::SETTINGS.iter();
        let variable = setting.clone().find(|setting| setting.key == key)?.variable;
        let by_variable = self.at("envTemplate").and_then(|env| env.get(variable));
        let written = by_variable.or_else(|| self.at(&format!("adapter.runner.{key}")))?;
        match written.json() {
            Value::String(text) => Some(text),
            other => Some(other.to_string()),
        }
    }

    /// How the agent is talked to.
    pub(super) fn protocol(&self) -> Protocol {
        match self.kind() {
            "codex-app-server" => Protocol::CodexAppServer,
            "claude" => Protocol::Claude,
            _ => {
                let told = self.setting("protocol").map(Value::from);
                told.and_then(|word| serde_json::from_value(word).ok())
                    .unwrap_or_default()
            }
        }
    }

    /// Whether a run with a repository is to find it checked out.
    pub(super) fn wants_checkout(&self) -> bool {
        let by_cwd = self.at("adapter.codex.cwd").is_some();
        let asked = ["url", "ref", "path"]
            .iter()
            .any(|key| self.setting(&format!("workspace.git.{key}")).is_some());
        by_cwd || asked || self.demands_checkout()
    }

    /// Whether a run without a repository can be none of this provider's.
    pub(super) fn demands_checkout(&self) -> bool {
        self.at("adapter.runner.workspace.git").is_some()
    }

    /// The secrets that the controller gives the container: the first list that there is counts.
    pub(super) fn secrets(&self) -> Vec<String> {
        let lists = ["secretEnv", "adapter.secretEnv", "adapter.codex.secretEnv"];
        let list = lists.iter().find_map(|path| self.at(path));
        let entries = list.map(Node::items).unwrap_or_default();
        let name = |entry: &Node| entry.get("name")?.text().map(str::to_owned);
        entries.iter().filter_map(name).collect()
    }
}
