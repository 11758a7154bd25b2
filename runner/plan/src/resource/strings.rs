//! Texts by key, in the order of the document.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

/// Texts by key, in the order of the document.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Strings(Map<String, Value>);

impl Strings {
    /// Returns the text at `key`.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).and_then(Value::as_str)
    }

    /// Puts `text` at `key`: in its place if the key is there, at the end if not.
    pub fn insert(&mut self, key: impl Into<String>, text: impl Into<String>) {
        self.0.insert(key.into(), Value::String(text.into()));
    }

    /// Goes over keys and texts.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0
            .iter()
            .filter_map(|(key, value)| Some((key.as_str(), value.as_str()?)))
    }

    /// Counts the keys.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Says whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns them as a JSON object.
    pub fn as_map(&self) -> &Map<String, Value> {
        &self.0
    }
}

impl<K: Into<String>, T: Into<String>> FromIterator<(K, T)> for Strings {
    fn from_iter<I: IntoIterator<Item = (K, T)>>(entries: I) -> Self {
        let entries = entries.into_iter();
        Self(
            entries
                .map(|(key, text)| (key.into(), Value::String(text.into())))
                .collect(),
        )
    }
}

impl Serialize for Strings {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Strings {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Texts;

        impl<'de> Visitor<'de> for Texts {
            type Value = Strings;

            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("an object of strings")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Strings, A::Error> {
                let mut texts = Strings::default();
                while let Some((key, text)) = access.next_entry::<String, String>()? {
                    texts.insert(key, text);
                }
                Ok(texts)
            }
        }

        deserializer.deserialize_map(Texts)
    }
}

impl JsonSchema for Strings {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Strings".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        schemars::json_schema!({
            "type": "object",
            "additionalProperties": { "type": "string" },
        })
    }
}
