//! One resource naming another, in its own namespace.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Another resource.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct NameRef {
    /// Its name.
    pub name: String,
}

/// A value in a Secret or ConfigMap.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct KeyRef {
    /// Name of the Secret or ConfigMap.
    pub name: String,
    /// Key in it; what is the default says the field that refers to it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
}

/// Where a system prompt is (contract §3.5).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PromptRef {
    /// In a Secret or a ConfigMap. A Secret must be among `spec.secrets` of the run.
    pub kind: PromptKind,
    /// Its name.
    pub name: String,
    /// Key in it.
    pub key: String,
}

/// What a system prompt may be kept in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub enum PromptKind {
    /// A Secret.
    Secret,
    /// A ConfigMap.
    ConfigMap,
}
