//! Kubernetes' ConfigMap.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Metadata, Strings};

/// Texts by key.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ConfigMap {
    /// `v1`.
    pub api_version: String,
    /// `ConfigMap`.
    pub kind: String,
    /// Name, namespace, labels.
    pub metadata: Metadata,
    /// Texts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<Strings>,
    /// What is no text, in base64.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub binary_data: Option<Strings>,
    /// Whether a cluster lets nobody change it; not read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub immutable: Option<bool>,
}

impl ConfigMap {
    /// Returns the bytes at `key`.
    pub fn value(&self, key: &str) -> Option<Vec<u8>> {
        let text = self.data.as_ref().and_then(|data| data.get(key));
        if let Some(text) = text {
            return Some(text.as_bytes().to_vec());
        }
        super::secret::decoded(self.binary_data.as_ref()?.get(key)?)
    }
}
