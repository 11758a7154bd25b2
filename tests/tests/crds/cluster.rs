//! What a cluster says to an object: its schema, then the rules in it.
//!
//! This reads of a schema what `structural.rs` and the frames can put there. `tests/chart/test_crds.py`
//! has the same objects looked at by somebody else's validator.

use kube_cel::Validator;
use regex::Regex;
use serde_json::{Map, Value};

use super::definition::Definition;

/// Finds what a cluster refuses, and what it would drop because it does not know it.
pub(crate) fn refusals(definition: &Definition, object: &Value) -> Vec<String> {
    let object = with_defaults(definition.schema(), object);
    let mut look = Look::default();
    let wanted = definition.api_version();
    if object["apiVersion"] != wanted {
        look.found.push(format!("/apiVersion: it is not {wanted}"));
    }
    look.value(definition.schema(), &object, "");
    // Rules count on what the schema says, so that they come after it.
    if look.found.is_empty()
        && let Err(errors) = Validator::new().validate(definition.schema(), &object, None)
    {
        for error in &errors {
            let (path, message) = (&error.field_path, &error.message);
            look.found.push(format!("{path}: {message}"));
        }
    }
    look.found
}

/// Puts defaults where nothing is, as a cluster does before it looks.
fn with_defaults(schema: &Value, value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let mut fields = fields.clone();
            for (name, schema) in schema["properties"].as_object().into_iter().flatten() {
                if let Some(default) = schema.get("default") {
                    fields.entry(name).or_insert_with(|| default.clone());
                }
            }
            let below = |name: &str| {
                let known = schema["properties"].get(name);
                known.unwrap_or(&schema["additionalProperties"])
            };
            let made = fields
                .iter()
                .map(|(name, value)| (name.clone(), with_defaults(below(name), value)));
            Value::Object(made.collect())
        }
        Value::Array(items) => items
            .iter()
            .map(|item| with_defaults(&schema["items"], item))
            .collect(),
        other => other.clone(),
    }
}

#[derive(Default)]
struct Look {
    found: Vec<String>,
}

impl Look {
    fn flaw(&mut self, path: &str, flaw: impl AsRef<str>) {
        self.found.push(format!("{path}: {}", flaw.as_ref()));
    }

    fn value(&mut self, schema: &Value, value: &Value, path: &str) {
        let is = |key: &str| schema.get(key) == Some(&Value::Bool(true));
        if value.is_null() && is("nullable") {
            return;
        }
        if is("x-kubernetes-int-or-string") && !value.is_i64() && !value.is_string() {
            self.flaw(path, "it is neither a whole number nor a text");
        }
        if let Some(name) = schema["type"].as_str()
            && !is_of(name, value)
        {
            return self.flaw(path, format!("it is no {name}"));
        }
        if let Some(words) = schema["enum"].as_array()
            && !words.contains(value)
        {
            return self.flaw(path, format!("{value} is none of its words"));
        }
        match value {
            Value::Object(fields) => self.fields(schema, fields, path),
            Value::Array(items) => {
                self.size(schema, "Items", items.len(), path);
                for (index, item) in items.iter().enumerate() {
                    self.value(&schema["items"], item, &format!("{path}/{index}"));
                }
            }
            Value::String(text) => {
                self.size(schema, "Length", text.chars().count(), path);
                if let Some(pattern) = schema["pattern"].as_str()
                    && !Regex::new(pattern).expect("it is a pattern").is_match(text)
                {
                    self.flaw(path, format!("`{text}` is not of its form"));
                }
            }
            Value::Number(number) => {
                let limit = |key: &str| schema[key].as_f64();
                let number = number.as_f64().expect("it is finite");
                if limit("minimum").is_some_and(|least| number < least) {
                    self.flaw(path, "it is less than its minimum");
                }
                if limit("maximum").is_some_and(|most| number > most) {
                    self.flaw(path, "it is more than its maximum");
                }
            }
            Value::Bool(_) | Value::Null => {}
        }
    }

    fn fields(&mut self, schema: &Value, fields: &Map<String, Value>, path: &str) {
        self.size(schema, "Properties", fields.len(), path);
        for name in schema["required"].as_array().into_iter().flatten() {
            let name = name.as_str().expect("it is a name");
            if !fields.contains_key(name) {
                self.flaw(path, format!("`{name}` is not there"));
            }
        }
        let properties = schema["properties"].as_object();
        let others = schema.get("additionalProperties");
        // What else is in metadata, a cluster knows itself.
        let is_free = path == "/metadata"
            || schema.get("x-kubernetes-preserve-unknown-fields") == Some(&Value::Bool(true))
            || schema.is_null();
        for (name, value) in fields {
            let path = format!("{path}/{name}");
            match properties.and_then(|it| it.get(name)).or(others) {
                Some(schema) => self.value(schema, value, &path),
                None if is_free => {}
                None => self.flaw(&path, "nobody knows this field"),
            }
        }
    }

    fn size(&mut self, schema: &Value, of: &str, size: usize, path: &str) {
        let limit = |key: &str| {
            let limit = schema[format!("{key}{of}")].as_u64();
            limit.map(|limit| usize::try_from(limit).expect("a size"))
        };
        if let Some(most) = limit("max").filter(|most| size > *most) {
            self.flaw(path, format!("it is longer than {most}"));
        }
        if let Some(least) = limit("min").filter(|least| size < *least) {
            self.flaw(path, format!("it is shorter than {least}"));
        }
    }
}

fn is_of(name: &str, value: &Value) -> bool {
    match name {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        other => panic!("nobody knows the type `{other}`"),
    }
}
