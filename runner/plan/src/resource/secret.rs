//! Kubernetes' Secret, whose values print as `[secret]` wherever they are.

use std::borrow::Cow;
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{Metadata, Strings};
use crate::secret::Secret;

/// Secret values by key.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SecretObject {
    /// `v1`.
    pub api_version: String,
    /// `Secret`.
    pub kind: String,
    /// Name, namespace, labels.
    pub metadata: Metadata,
    /// `Opaque` and the like; not read.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub form: Option<String>,
    /// Values in base64.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<Sealed>,
    /// Values as text; wins over `data`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub string_data: Option<Sealed>,
    /// Whether a cluster lets nobody change it; not read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub immutable: Option<bool>,
}

impl SecretObject {
    /// Returns the bytes at `key`.
    pub fn value(&self, key: &str) -> Option<Secret<Vec<u8>>> {
        let text = |sealed: &Option<Sealed>| sealed.as_ref()?.0.get(key).map(str::to_owned);
        if let Some(text) = text(&self.string_data) {
            return Some(Secret::new(text.into_bytes()));
        }
        decoded(&text(&self.data)?).map(Secret::new)
    }

    /// Returns its keys, first those of `data`, each once.
    pub fn keys(&self) -> Vec<&str> {
        let data = self.data.iter().flat_map(Sealed::keys);
        let known = |key: &&str| self.data.as_ref().is_none_or(|data| !data.has(key));
        let texts = self.string_data.iter().flat_map(Sealed::keys).filter(known);
        data.chain(texts).collect()
    }
}

/// Reads base64 as a cluster does: padded, with line breaks anywhere.
pub(crate) fn decoded(text: &str) -> Option<Vec<u8>> {
    let bytes: Vec<u8> = text
        .bytes()
        .filter(|byte| !b"\r\n".contains(byte))
        .collect();
    STANDARD.decode(bytes).ok()
}

/// Texts by key that nobody sees: they print, and serialize, as `[secret]`.
#[derive(Clone, Default, PartialEq)]
pub struct Sealed(Strings);

impl Sealed {
    /// Seals `texts`.
    pub fn new(texts: Strings) -> Self {
        Self(texts)
    }

    /// Returns the keys, which are no secret.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(key, _)| key)
    }

    fn has(&self, key: &str) -> bool {
        self.0.get(key).is_some()
    }
}

impl fmt::Debug for Sealed {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let entries = self.keys().map(|key| (key, Secret::new(())));
        out.debug_map().entries(entries).finish()
    }
}

impl Serialize for Sealed {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.keys().map(|key| (key, Secret::new(()).to_string())))
    }
}

impl<'de> Deserialize<'de> for Sealed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Strings::deserialize(deserializer).map(Self)
    }
}

impl JsonSchema for Sealed {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Sealed".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        Strings::json_schema(generator)
    }
}
