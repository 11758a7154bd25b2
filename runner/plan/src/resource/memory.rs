//! Memory: where an agent keeps what it learns (contract §1.5).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::KeyRef;

/// Where an agent keeps what it learns.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct MemorySpec {
    /// `postgres`, `redis`, `weaviate`, `pinecone` or `custom`, which is the default.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// How to get there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connection: Option<MemoryConnection>,
    /// `vector`, `kv`, `blob`; read by a controller only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub capabilities: Option<Vec<String>>,
    /// Whether it is the one that is used where none is named; read by a controller only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default: Option<bool>,
}

/// How to get to a memory.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct MemoryConnection {
    /// The Secret with address and credentials.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret_ref: Option<KeyRef>,
}
