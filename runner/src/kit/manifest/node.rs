//! A value with its place. JSON is YAML, so one parser reads both.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};
use serde_saphyr::{Location, Spanned};

/// A place in a file, both from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// Line.
    pub line: u64,
    /// Column, in characters.
    pub column: u64,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {} column {}", self.line, self.column)
    }
}

impl From<Location> for Place {
    fn from(location: Location) -> Self {
        Self {
            line: location.line(),
            column: location.column(),
        }
    }
}

/// A value and where it begins.
#[derive(Debug, Clone)]
pub(in crate::kit) struct Node {
    pub(in crate::kit) tree: Tree,
    pub(in crate::kit) place: Place,
}

/// A value.
#[derive(Debug, Clone)]
pub(in crate::kit) enum Tree {
    Plain(Value),
    List(Vec<Node>),
    Map(Vec<(Key, Node)>),
}

/// A name of a field and where it stands.
#[derive(Debug, Clone)]
pub(in crate::kit) struct Key {
    pub(in crate::kit) name: String,
    pub(in crate::kit) place: Place,
}

impl Node {
    pub(super) fn parse(text: &str) -> Result<Self, (Option<Place>, String)> {
        serde_saphyr::from_str(text).map_err(|error| {
            let place = error.location().map(Place::from);
            // The parser draws the lines around it; the place says as much.
            let words = error.without_snippet().to_string();
            (place, words.lines().next().unwrap_or_default().to_owned())
        })
    }

    /// A field of an object.
    pub(in crate::kit) fn get(&self, name: &str) -> Option<&Self> {
        let found = self.fields().iter().find(|(key, _)| key.name == name);
        found.map(|(_, node)| node)
    }

    /// A value below, by a path of dots and indices: `adapter.exec.argsTemplate[2]`.
    pub(in crate::kit) fn at(&self, path: &str) -> Option<&Self> {
        let mut steps = path.split(['.', '[', ']']).filter(|step| !step.is_empty());
        steps.try_fold(self, |node, step| match &node.tree {
            Tree::List(items) => items.get(step.parse::<usize>().ok()?),
            _ => node.get(step),
        })
    }

    /// The fields of an object; none of anything else.
    pub(in crate::kit) fn fields(&self) -> &[(Key, Self)] {
        match &self.tree {
            Tree::Map(fields) => fields,
            _ => &[],
        }
    }

    /// The items of a list; none of anything else.
    pub(in crate::kit) fn items(&self) -> &[Self] {
        match &self.tree {
            Tree::List(items) => items,
            _ => &[],
        }
    }

    pub(in crate::kit) fn text(&self) -> Option<&str> {
        match &self.tree {
            Tree::Plain(Value::String(text)) => Some(text),
            _ => None,
        }
    }

    pub(in crate::kit) fn json(&self) -> Value {
        match &self.tree {
            Tree::Plain(value) => value.clone(),
            Tree::List(items) => items.iter().map(Self::json).collect(),
            Tree::Map(fields) => {
                let fields = fields
                    .iter()
                    .map(|(key, node)| (key.name.clone(), node.json()));
                Value::Object(fields.collect::<Map<_, _>>())
            }
        }
    }

    /// Calls `look` with every value below that is no list or object, and its path from here.
    pub(in crate::kit) fn leaves(&self, path: &str, look: &mut dyn FnMut(&str, &Self)) {
        match &self.tree {
            Tree::Plain(_) => look(path, self),
            Tree::List(items) => {
                for (index, item) in items.iter().enumerate() {
                    item.leaves(&format!("{path}[{index}]"), look);
                }
            }
            Tree::Map(fields) => {
                for (key, node) in fields {
                    let dot = if path.is_empty() { "" } else { "." };
                    node.leaves(&format!("{path}{dot}{}", key.name), look);
                }
            }
        }
    }

    /// Calls `look` with every text below, its path from here and its place.
    pub(in crate::kit) fn texts(&self, path: &str, look: &mut dyn FnMut(&str, &str, Place)) {
        self.leaves(path, &mut |path, leaf| {
            if let Some(text) = leaf.text() {
                look(path, text, leaf.place);
            }
        });
    }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let spanned = Spanned::<Tree>::deserialize(deserializer)?;
        Ok(Self {
            tree: spanned.value,
            place: spanned.referenced.into(),
        })
    }
}

impl<'de> Deserialize<'de> for Tree {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Shape)
    }
}

struct Shape;

impl<'de> Visitor<'de> for Shape {
    type Value = Tree;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Tree, E> {
        Ok(Tree::Plain(Value::Null))
    }

    fn visit_none<E>(self) -> Result<Tree, E> {
        Ok(Tree::Plain(Value::Null))
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Tree, D::Error> {
        Tree::deserialize(deserializer)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Tree, E> {
        Ok(Tree::Plain(Value::Bool(value)))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Tree, E> {
        Ok(Tree::Plain(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Tree, E> {
        Ok(Tree::Plain(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Tree, E> {
        // What is no number to JSON, such as `.inf`, is nothing.
        Ok(Tree::Plain(
            Number::from_f64(value).map_or(Value::Null, Value::Number),
        ))
    }

    fn visit_str<E>(self, value: &str) -> Result<Tree, E> {
        Ok(Tree::Plain(value.into()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Tree, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = access.next_element()? {
            items.push(item);
        }
        Ok(Tree::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Tree, A::Error> {
        let mut fields = Vec::new();
        while let Some((key, node)) = access.next_entry::<Spanned<String>, Node>()? {
            let key = Key {
                name: key.value,
                place: key.referenced.into(),
            };
            fields.push((key, node));
        }
        Ok(Tree::Map(fields))
    }
}
