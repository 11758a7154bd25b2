//! JSON Schemas of our types, as a cluster wants them: structural.
//!
//! References become what they refer to. What may be null only because it may be absent may not: a
//! rule's `has` could not tell the two. Defaults go, because ours are not the controller's.
//! A keyword that is not known here is an error, so that no type says more than its definition.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

const PRESERVE: &str = "x-kubernetes-preserve-unknown-fields";

/// Our types, with what a cluster has to know beyond them.
pub(crate) struct Types<'a> {
    amendments: &'a Map<String, Value>,
    used: BTreeSet<String>,
}

impl<'a> Types<'a> {
    pub(crate) fn new(amendments: &'a Map<String, Value>) -> Self {
        Self {
            amendments,
            used: BTreeSet::new(),
        }
    }

    /// Looks whether every amendment is of a type that is there.
    pub(crate) fn finish(self) {
        for name in self.amendments.keys() {
            assert!(self.used.contains(name), "there is no type `{name}`");
        }
    }

    /// Converts a part of a schema.
    pub(crate) fn structural(&mut self, root: &Value, schema: &Value) -> Value {
        let nothing = Map::new();
        let schema = match schema {
            Value::Bool(true) => &nothing,
            Value::Object(schema) => schema,
            other => panic!("no schema: {other}"),
        };
        let mut made = self.bare(root, schema);
        if let Some(sentence) = schema.get("description").and_then(Value::as_str) {
            made.insert("description".to_owned(), plain(sentence).into());
        }
        made.into()
    }

    fn bare(&mut self, root: &Value, schema: &Map<String, Value>) -> Map<String, Value> {
        if let Some(reference) = schema.get("$ref").and_then(Value::as_str) {
            let pointer = reference.strip_prefix('#').expect("it is in the schema");
            let target = root.pointer(pointer).expect("it refers to something");
            let mut made = self.structural(root, target);
            let name = pointer.rsplit('/').next().unwrap_or_default();
            if let Some((name, amendment)) = self.amendments.get_key_value(name) {
                self.used.insert(name.clone());
                lay(&mut made, amendment, name);
            }
            return object(made);
        }
        if let Some(alternatives) = schema.get("anyOf").and_then(Value::as_array) {
            let mut alternatives = alternatives.iter().filter(|one| one["type"] != "null");
            let only = alternatives.next().expect("one is not null");
            assert_eq!(alternatives.next(), None, "one or null, nothing else");
            return object(self.structural(root, only));
        }
        if let Some(words) = schema.get("oneOf").and_then(Value::as_array) {
            return object(json!({ "type": "string", "enum": words_of(words) }));
        }
        let mut made = Map::new();
        for (key, value) in schema {
            self.keyword(root, &mut made, key, value);
        }
        let is_closed = made.contains_key("properties")
            || made.contains_key("additionalProperties")
            || made.contains_key(INT_OR_STRING);
        let type_name = made.get("type").and_then(Value::as_str);
        // Anything at all, or an object of anything.
        if !is_closed && (type_name.is_none() || type_name == Some("object")) {
            made.insert(PRESERVE.to_owned(), true.into());
        }
        made
    }

    fn keyword(&mut self, root: &Value, made: &mut Map<String, Value>, key: &str, value: &Value) {
        let value = match key {
            // Written by who asked.
            "description" | "default" => return,
            "type" => {
                let Some(name) = type_of(value) else {
                    made.insert(INT_OR_STRING.to_owned(), true.into());
                    return;
                };
                name.into()
            }
            // Clusters know no unsigned numbers; `minimum` says as much.
            "format" if value.as_str().is_some_and(|it| it.starts_with('u')) => return,
            "format" | "enum" | "required" | "minimum" | "maximum" | "pattern" => value.clone(),
            "properties" => {
                let properties = value.as_object().expect("properties are an object");
                let made = |(name, schema): (&String, &Value)| {
                    (name.clone(), self.structural(root, schema))
                };
                Value::Object(properties.iter().map(made).collect())
            }
            "additionalProperties" if *value == true => return,
            "items" | "additionalProperties" => self.structural(root, value),
            other => panic!("nobody converts `{other}`"),
        };
        made.insert(key.to_owned(), value);
    }
}

const INT_OR_STRING: &str = "x-kubernetes-int-or-string";

/// The one type that it may have but for null; none for a number or a text.
fn type_of(types: &Value) -> Option<&str> {
    let types = match types {
        Value::String(name) => return Some(name),
        Value::Array(names) => names.iter().filter_map(Value::as_str),
        other => panic!("no type: {other}"),
    };
    let types: Vec<_> = types.filter(|name| *name != "null").collect();
    match types[..] {
        [name] => Some(name),
        ["integer", "string"] => None,
        ref others => panic!("several types: {others:?}"),
    }
}

fn words_of(alternatives: &[Value]) -> Vec<Value> {
    let words = |one: &Value| match (one.get("const"), one.get("enum")) {
        (Some(word), _) => vec![word.clone()],
        (None, Some(Value::Array(words))) => words.clone(),
        _ => panic!("no words: {one}"),
    };
    alternatives.iter().flat_map(words).collect()
}

/// Lays an amendment over a schema.
fn lay(base: &mut Value, over: &Value, place: &str) {
    let (Value::Object(base), Value::Object(over)) = (&mut *base, over) else {
        *base = over.clone();
        return;
    };
    for (key, over) in over {
        let place = format!("{place}.{key}");
        let is_property = place.ends_with(&format!(".properties.{key}"));
        match base.get_mut(key) {
            Some(_) if over.is_null() => {
                base.shift_remove(key);
            }
            Some(base) => {
                if key == "required" && !is_property {
                    assert!(includes(over, base), "{place} leaves some out");
                }
                lay(base, over, &place);
            }
            None => {
                assert!(!over.is_null(), "{place} is not there");
                // Of a type with fields, all are known.
                assert!(!is_property, "{place}: there is no such field");
                base.insert(key.clone(), over.clone());
            }
        }
    }
}

fn includes(all: &Value, some: &Value) -> bool {
    let (Some(all), Some(some)) = (all.as_array(), some.as_array()) else {
        return false;
    };
    some.iter().all(|one| all.contains(one))
}

/// A sentence for who has no contract at hand.
fn plain(sentence: &str) -> String {
    let mut sentence = sentence.replace('\n', " ");
    while let Some(begin) = sentence.find(" (contract §") {
        let end = sentence[begin..].find(')').expect("it ends") + begin;
        sentence.replace_range(begin..=end, "");
    }
    sentence
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(object) => object,
        other => panic!("no object: {other}"),
    }
}
