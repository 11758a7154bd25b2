//! What is looked at and also handed on as it was written.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::{DeserializeOwned, Deserializer, Error};
use serde::{Deserialize, Serialize, Serializer};
use serde_json::{Map, Value};

/// An object that is looked at (`read`) and also handed on as it was written (`written`): with its
/// unknown fields, in its order.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Verbatim<T> {
    read: T,
    written: Map<String, Value>,
}

impl<T: DeserializeOwned> Verbatim<T> {
    /// Reads an object.
    ///
    /// # Errors
    ///
    /// Returns what the type says of a field that is not as it should be.
    pub fn new(written: Map<String, Value>) -> Result<Self, serde_json::Error> {
        Ok(Self {
            read: T::deserialize(&written)?,
            written,
        })
    }
}

impl<T> Verbatim<T> {
    /// Returns the typed form.
    pub fn read(&self) -> &T {
        &self.read
    }

    /// Returns the object as it was written.
    pub fn written(&self) -> &Map<String, Value> {
        &self.written
    }
}

impl<'de, T: DeserializeOwned> Deserialize<'de> for Verbatim<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::new(Map::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

impl<T> Serialize for Verbatim<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.written.serialize(serializer)
    }
}

impl<T: JsonSchema> JsonSchema for Verbatim<T> {
    fn inline_schema() -> bool {
        T::inline_schema()
    }

    fn schema_name() -> Cow<'static, str> {
        T::schema_name()
    }

    fn schema_id() -> Cow<'static, str> {
        T::schema_id()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        T::json_schema(generator)
    }
}
