//! A tree against the JSON Schema of what it should be: everything that is wrong, with its place.
//!
//! This reads of JSON Schema what the schemas of [`crate::resource`] say: references, types,
//! constants, alternatives, properties, items. An object with properties and nothing else is one
//! whose other fields nobody knows; an object without is one that anything may be in.

use serde_json::Value;

use super::finding::{TEXT, shown};
use crate::document::{Key, Node, Place, Step, Tree, display};
use crate::nearest::nearest;

/// What is not as the schema says.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Flaw {
    pub(super) place: Place,
    pub(super) path: String,
    pub(super) what: What,
}

/// In what way it is not.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum What {
    /// It is of another type, or another word.
    Wrong { expected: String, found: String },
    /// It is not there; the field that was perhaps meant to be it.
    Missing(Option<String>),
    /// Nobody knows it; the field that was perhaps meant.
    Unknown(Option<String>),
}

/// Finds what in `node` is not as `schema` says, in the order of the text.
pub(super) fn check(node: &Node, schema: &Value) -> Vec<Flaw> {
    let mut check = Check {
        root: schema,
        path: Vec::new(),
        flaws: Vec::new(),
    };
    check.value(node, schema, node.place);
    check.flaws
}

struct Check<'s> {
    root: &'s Value,
    path: Vec<Step>,
    flaws: Vec<Flaw>,
}

impl<'s> Check<'s> {
    fn flaw(&mut self, place: Place, what: What) {
        let path = display(&self.path);
        self.flaws.push(Flaw { place, path, what });
    }

    /// `place` is that of the name of the field, if it is a field.
    fn value(&mut self, node: &Node, schema: &'s Value, place: Place) {
        let alternatives = self.alternatives(schema);
        let Some(schema) = alternatives.iter().find(|schema| fits(node, schema)) else {
            let expected = expected(&alternatives);
            let found = found(node, &alternatives);
            return self.flaw(place, What::Wrong { expected, found });
        };
        match &node.tree {
            Tree::Map(fields) => self.fields(node, fields, schema),
            Tree::List(items) => {
                let Some(schema) = schema.get("items") else {
                    return;
                };
                for (index, item) in items.iter().enumerate() {
                    self.path.push(Step::Index(index));
                    self.value(item, schema, item.place);
                    self.path.pop();
                }
            }
            Tree::Plain(_) => {}
        }
    }

    fn fields(&mut self, node: &Node, fields: &[(Key, Node)], schema: &'s Value) {
        let properties = schema.get("properties").and_then(Value::as_object);
        let others = schema.get("additionalProperties");
        let required = schema.get("required").and_then(Value::as_array);
        let required = required.into_iter().flatten().filter_map(Value::as_str);
        let required: Vec<&str> = required.collect();
        for (key, value) in fields {
            // An API server drops a null that the schema does not allow: it is as good as nothing.
            if value.is_null() && required.contains(&key.name.as_str()) {
                continue;
            }
            let known = properties.and_then(|properties| properties.get(&key.name));
            self.path.push(Step::Key(key.name.clone()));
            match (known.or(others), properties) {
                (Some(schema), _) => self.value(value, schema, key.place),
                (None, Some(properties)) => {
                    let meant = nearest(&key.name, properties.keys().map(String::as_str));
                    self.flaw(key.place, What::Unknown(meant));
                }
                (None, None) => {}
            }
            self.path.pop();
        }
        for name in required {
            let place = match node.entry(name) {
                Some((_, value)) if !value.is_null() => continue,
                Some((key, _)) => key.place,
                None => node.place,
            };
            let known = |name: &str| properties.is_some_and(|known| known.contains_key(name));
            let strangers = fields.iter().map(|(key, _)| key.name.as_str());
            let meant = nearest(name, strangers.filter(|name| !known(name)));
            let meant = meant.map(|name| shown(&name));
            self.path.push(Step::Key(name.to_owned()));
            self.flaw(place, What::Missing(meant));
            self.path.pop();
        }
    }

    /// What a value may be: a schema without references and alternatives each.
    fn alternatives(&self, schema: &'s Value) -> Vec<&'s Value> {
        if let Some(reference) = schema.get("$ref").and_then(Value::as_str) {
            let target = reference.strip_prefix('#');
            let target = target.and_then(|pointer| self.root.pointer(pointer));
            return target.map_or(Vec::new(), |schema| self.alternatives(schema));
        }
        let lists = ["anyOf", "oneOf"];
        match lists.iter().find_map(|key| schema.get(key)?.as_array()) {
            Some(list) => list.iter().flat_map(|one| self.alternatives(one)).collect(),
            None => vec![schema],
        }
    }
}

/// Says whether a value is of the type, and the word, that a schema wants.
fn fits(node: &Node, schema: &Value) -> bool {
    let word = |words: &[&Value]| match &node.tree {
        Tree::Plain(value) => words.contains(&value),
        _ => false,
    };
    if let Some(constant) = schema.get("const") {
        return word(&[constant]);
    }
    if let Some(words) = schema.get("enum").and_then(Value::as_array) {
        return word(&words.iter().collect::<Vec<_>>());
    }
    let types = types(schema);
    types.is_empty() || types.iter().any(|name| is(node, name))
}

fn types(schema: &Value) -> Vec<&str> {
    match schema.get("type") {
        Some(Value::String(name)) => vec![name],
        Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

fn is(node: &Node, name: &str) -> bool {
    match (&node.tree, name) {
        (Tree::Map(_), name) => name == "object",
        (Tree::List(_), name) => name == "array",
        (Tree::Plain(Value::Number(number)), "integer") => number.is_i64() || number.is_u64(),
        (Tree::Plain(Value::Number(_)), name) => name == "number",
        (Tree::Plain(Value::String(_)), name) => name == "string",
        (Tree::Plain(Value::Bool(_)), name) => name == "boolean",
        (Tree::Plain(_), name) => name == "null",
    }
}

/// What is expected, in words. That a field may be null goes without saying.
fn expected(alternatives: &[&Value]) -> String {
    let mut all: Vec<String> = Vec::new();
    for schema in alternatives {
        let words = schema.get("enum").and_then(Value::as_array);
        match (schema.get("const"), words) {
            (Some(word), _) => all.push(quoted(word)),
            (None, Some(words)) => all.extend(words.iter().map(quoted)),
            (None, None) => all.extend(
                types(schema)
                    .into_iter()
                    .filter(|name| *name != "null")
                    .map(named),
            ),
        }
    }
    all.dedup();
    all.join(" or ")
}

fn quoted(word: &Value) -> String {
    match word {
        Value::String(word) => format!("`{word}`"),
        other => format!("`{other}`"),
    }
}

fn named(name: &str) -> String {
    match name {
        "object" => "an object",
        "array" => "a list",
        "integer" => "an integer",
        "number" => "a number",
        "string" => TEXT,
        "boolean" => "`true` or `false`",
        _ => "nothing",
    }
    .to_owned()
}

/// What there is instead: the value where a word of a few was expected, the type anywhere else,
/// because a value may be secret.
pub(super) fn found(node: &Node, alternatives: &[&Value]) -> String {
    let words = |schema: &&Value| schema.get("const").or(schema.get("enum")).is_some();
    match &node.tree {
        Tree::Map(_) => "an object".to_owned(),
        Tree::List(_) => "a list".to_owned(),
        Tree::Plain(Value::Null) => "null".to_owned(),
        Tree::Plain(Value::String(word)) if alternatives.iter().any(words) => {
            format!("`{}`", shown(word))
        }
        Tree::Plain(Value::String(_)) => TEXT.to_owned(),
        Tree::Plain(Value::Bool(_)) => "a boolean".to_owned(),
        Tree::Plain(_) => "a number".to_owned(),
    }
}
