//! What every resource has.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Strings;

/// The namespace of a resource that does not say one.
const DEFAULT_NAMESPACE: &str = "default";

/// Name, namespace and labels of a resource.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Metadata {
    /// Name, unique for a kind in a namespace.
    pub name: String,
    /// Namespace; default: `default`. References are to the same namespace.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// What a cluster calls it; part of `run.json` and of the ids of events.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uid: Option<String>,
    /// Labels.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub labels: Option<Strings>,
    /// Annotations.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub annotations: Option<Strings>,
    /// How a cluster would begin a name of its own; a run without a cluster needs `name`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub generate_name: Option<String>,
    /// Written by a cluster; not read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub creation_timestamp: Option<Value>,
    /// Written by a cluster; not read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deletion_timestamp: Option<Value>,
    /// Written by a cluster; not read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deletion_grace_period_seconds: Option<Value>,
    /// Written by a cluster; not read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub finalizers: Option<Value>,
    /// Written by a cluster; not read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub generation: Option<Value>,
    /// Written by a cluster; not read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub managed_fields: Option<Value>,
    /// Written by a cluster; not read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owner_references: Option<Value>,
    /// Written by a cluster; not read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource_version: Option<Value>,
    /// Written by a cluster; not read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub self_link: Option<Value>,
}

impl Metadata {
    /// Returns the namespace; `default` if none is said.
    pub fn namespace(&self) -> &str {
        self.namespace.as_deref().unwrap_or(DEFAULT_NAMESPACE)
    }
}
