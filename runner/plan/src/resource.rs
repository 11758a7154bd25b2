//! What a user applies to a cluster: the resources of a run, in the controller's own field names
//! (contract §11.1).
//!
//! # Theory of operation
//!
//! These types hold a manifest as written; [`crate::manifest`] reads them from text. Their JSON
//! Schemas, which [`Kind::schema`] gives, are also what manifests are checked against: a field is
//! known because it is in a type here, required because it is neither an `Option` nor has a default.
//!
//! What the controller hands on without looking at it (scheduling, an adapter, a thread's
//! configuration) is kept as JSON in the order of the document, because text that is made of it
//! must come out in that order. Where it does both, look and hand on, it is [`Verbatim`].
//!
//! Deliberately absent: what these resources mean together, and what a cluster would add.

mod agent;
mod config_map;
mod implementation;
mod kind;
mod memory;
mod metadata;
mod provider;
mod reference;
mod run;
mod secret;
mod strings;
mod verbatim;
mod version_control;
mod workload;

#[cfg(test)]
mod tests;

pub use agent::{AgentDefaults, AgentSecurity, AgentSpec, EnvEntry};
pub use config_map::ConfigMap;
pub use implementation::{Contract, Implementation, Mapping, Origin};
pub use kind::Kind;
pub use memory::{MemoryConnection, MemorySpec};
pub use metadata::Metadata;
pub use provider::{FileSpec, ProviderHealth, ProviderSpec, SecretEnv};
pub use reference::{KeyRef, NameRef, PromptKind, PromptRef};
pub use run::{
    RunCoordinates, RunExecution, RunGoal, RunImplementation, RunResourceSpec, Runtime, VcsMode,
    VcsPolicy, Workflow, WorkflowStep,
};
pub(crate) use secret::decoded as base64;
pub use secret::{Sealed, SecretObject};
pub use strings::Strings;
pub use verbatim::Verbatim;
pub use version_control::{
    AppAuth, AuthMethod, Capabilities, CloneProtocol, PullRequestDefaults, RepositoryPolicy,
    SshAuth, TokenAuth, VcsAuth, VcsDefaults, VersionControlSpec,
};
pub use workload::{
    ComputeResources, ProviderWorkload, ServiceAccountToken, Volume, VolumeKind, Workload,
};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The group and version of the controller's own kinds.
pub const API_VERSION: &str = "agents.proompteng.ai/v1alpha1";

/// A resource of the controller's group: what is wanted (`S`), under a name.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Object<S> {
    /// Group and version.
    pub api_version: String,
    /// Kind.
    pub kind: String,
    /// Name, namespace, labels.
    pub metadata: Metadata,
    /// What is wanted.
    pub spec: S,
    /// What a controller wrote; not read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<Value>,
}

/// How to run an agent CLI.
pub type AgentProvider = Object<ProviderSpec>;
/// A provider with its defaults and what it may use.
pub type Agent = Object<AgentSpec>;
/// One run of an agent.
pub type AgentRun = Object<RunResourceSpec>;
/// What is to be done, for several runs to refer to.
pub type ImplementationSpec = Object<Verbatim<Implementation>>;
/// A host of repositories and how to authenticate there.
pub type VersionControlProvider = Object<VersionControlSpec>;
/// Where an agent keeps what it learns.
pub type Memory = Object<MemorySpec>;

/// A resource that we know.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
#[non_exhaustive]
pub enum Resource {
    /// An `AgentProvider`.
    Provider(Box<AgentProvider>),
    /// An Agent.
    Agent(Box<Agent>),
    /// An `AgentRun`.
    Run(Box<AgentRun>),
    /// An `ImplementationSpec`.
    Implementation(Box<ImplementationSpec>),
    /// A `VersionControlProvider`.
    VersionControl(Box<VersionControlProvider>),
    /// A Memory.
    Memory(Box<Memory>),
    /// A Secret.
    Secret(Box<SecretObject>),
    /// A ConfigMap.
    ConfigMap(Box<ConfigMap>),
}

impl Resource {
    /// Returns its kind.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Provider(_) => Kind::AgentProvider,
            Self::Agent(_) => Kind::Agent,
            Self::Run(_) => Kind::AgentRun,
            Self::Implementation(_) => Kind::ImplementationSpec,
            Self::VersionControl(_) => Kind::VersionControlProvider,
            Self::Memory(_) => Kind::Memory,
            Self::Secret(_) => Kind::Secret,
            Self::ConfigMap(_) => Kind::ConfigMap,
        }
    }

    /// Returns its name, namespace and labels.
    pub fn metadata(&self) -> &Metadata {
        match self {
            Self::Provider(object) => &object.metadata,
            Self::Agent(object) => &object.metadata,
            Self::Run(object) => &object.metadata,
            Self::Implementation(object) => &object.metadata,
            Self::VersionControl(object) => &object.metadata,
            Self::Memory(object) => &object.metadata,
            Self::Secret(object) => &object.metadata,
            Self::ConfigMap(object) => &object.metadata,
        }
    }
}

/// A type that is one of the variants of [`Resource`], so that it can be looked up by type.
pub trait Known: Sized {
    /// Its kind.
    const KIND: Kind;

    /// Returns it, if that is what `resource` is.
    fn of(resource: &Resource) -> Option<&Self>;
}

macro_rules! known {
    ($($type:ty => $variant:ident, $kind:ident;)*) => {$(
        impl Known for $type {
            const KIND: Kind = Kind::$kind;

            fn of(resource: &Resource) -> Option<&Self> {
                match resource {
                    Resource::$variant(object) => Some(object),
                    _ => None,
                }
            }
        }
    )*};
}

known! {
    AgentProvider => Provider, AgentProvider;
    Agent => Agent, Agent;
    AgentRun => Run, AgentRun;
    ImplementationSpec => Implementation, ImplementationSpec;
    VersionControlProvider => VersionControl, VersionControlProvider;
    Memory => Memory, Memory;
    SecretObject => Secret, Secret;
    ConfigMap => ConfigMap, ConfigMap;
}
