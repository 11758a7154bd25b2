//! The kinds that we know.

use std::fmt;
use std::sync::LazyLock;

use serde_json::Value;

use super::{
    API_VERSION, Agent, AgentProvider, AgentRun, ConfigMap, ImplementationSpec, Memory,
    SecretObject, VersionControlProvider,
};

/// A kind of resource that we know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Kind {
    /// How to run an agent CLI.
    AgentProvider,
    /// A provider with its defaults and what it may use.
    Agent,
    /// One run of an agent.
    AgentRun,
    /// What is to be done.
    ImplementationSpec,
    /// A host of repositories.
    VersionControlProvider,
    /// Where an agent keeps what it learns.
    Memory,
    /// Kubernetes' Secret.
    Secret,
    /// Kubernetes' ConfigMap.
    ConfigMap,
}

impl Kind {
    /// All of them, in the order in which a reader meets them.
    pub const ALL: [Self; 8] = [
        Self::AgentProvider,
        Self::Agent,
        Self::AgentRun,
        Self::ImplementationSpec,
        Self::VersionControlProvider,
        Self::Memory,
        Self::Secret,
        Self::ConfigMap,
    ];

    /// Returns what `kind` says in a manifest.
    pub fn name(self) -> &'static str {
        match self {
            Self::AgentProvider => "AgentProvider",
            Self::Agent => "Agent",
            Self::AgentRun => "AgentRun",
            Self::ImplementationSpec => "ImplementationSpec",
            Self::VersionControlProvider => "VersionControlProvider",
            Self::Memory => "Memory",
            Self::Secret => "Secret",
            Self::ConfigMap => "ConfigMap",
        }
    }

    /// Returns what `apiVersion` says in a manifest.
    pub fn api_version(self) -> &'static str {
        match self {
            Self::Secret | Self::ConfigMap => "v1",
            _ => API_VERSION,
        }
    }

    /// Finds a kind by its name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// Makes the JSON Schema of its manifests.
    pub fn schema(self) -> Value {
        let schema = match self {
            Self::AgentProvider => schemars::schema_for!(AgentProvider),
            Self::Agent => schemars::schema_for!(Agent),
            Self::AgentRun => schemars::schema_for!(AgentRun),
            Self::ImplementationSpec => schemars::schema_for!(ImplementationSpec),
            Self::VersionControlProvider => schemars::schema_for!(VersionControlProvider),
            Self::Memory => schemars::schema_for!(Memory),
            Self::Secret => schemars::schema_for!(SecretObject),
            Self::ConfigMap => schemars::schema_for!(ConfigMap),
        };
        let mut schema = schema.to_value();
        if let Some(root) = schema.as_object_mut() {
            root.insert("title".to_owned(), self.name().into());
            root.insert("description".to_owned(), self.sentence().into());
        }
        for (field, value) in [("apiVersion", self.api_version()), ("kind", self.name())] {
            if let Some(field) = schema.pointer_mut(&format!("/properties/{field}"))
                && let Some(field) = field.as_object_mut()
            {
                field.insert("const".to_owned(), value.into());
            }
        }
        schema
    }

    /// Its schema, made once.
    pub(crate) fn shape(self) -> &'static Value {
        static SHAPES: LazyLock<[Value; Kind::ALL.len()]> =
            LazyLock::new(|| Kind::ALL.map(Kind::schema));
        &SHAPES[self as usize]
    }

    /// What it is, in a sentence.
    fn sentence(self) -> &'static str {
        match self {
            Self::AgentProvider => "How to run an agent CLI.",
            Self::Agent => "A provider with its defaults and what it may use.",
            Self::AgentRun => "One run of an agent.",
            Self::ImplementationSpec => "What is to be done, for several runs to refer to.",
            Self::VersionControlProvider => "A host of repositories and how to authenticate there.",
            Self::Memory => "Where an agent keeps what it learns.",
            Self::Secret => "Kubernetes' own; values by key.",
            Self::ConfigMap => "Kubernetes' own; texts by key.",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name())
    }
}
