//! A value and where it begins.

use std::fmt;

use serde_json::{Map, Value};

use super::Place;
use super::path::{Step, steps};

/// A value and where it begins. It prints as its place, because it may be secret.
#[derive(Clone)]
pub struct Node {
    /// The value.
    pub tree: Tree,
    /// Where it begins; of what an alias stands for, where the alias is.
    pub place: Place,
}

/// A value.
#[derive(Clone)]
pub enum Tree {
    /// Neither a list nor an object.
    Plain(Value),
    /// A list.
    List(Vec<Node>),
    /// An object, in its order; no name is there twice.
    Map(Vec<(Key, Node)>),
}

/// A name of a field and where it stands.
#[derive(Debug, Clone)]
pub struct Key {
    /// The name.
    pub name: String,
    /// Where it begins.
    pub place: Place,
}

impl fmt::Debug for Node {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Node({})", self.place)
    }
}

impl fmt::Debug for Tree {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Plain(_) => "Plain",
            Self::List(_) => "List",
            Self::Map(_) => "Map",
        })
    }
}

impl Node {
    /// Returns a field of an object.
    pub fn get(&self, name: &str) -> Option<&Self> {
        self.entry(name).map(|(_, node)| node)
    }

    /// Returns a field of an object with its name.
    pub fn entry(&self, name: &str) -> Option<&(Key, Self)> {
        self.fields().iter().find(|(key, _)| key.name == name)
    }

    /// Returns a value below, by a path such as `adapter.exec.argsTemplate[2]` or
    /// `metadata.labels["a.b/c"]`.
    pub fn at(&self, path: &str) -> Option<&Self> {
        steps(path).iter().try_fold(self, Self::step)
    }

    /// Returns where the last step of a path that exists begins: the name of a field, or an item.
    ///
    /// So the place of something that is missing is that of what it is missing in.
    pub fn place_of(&self, path: &str) -> Place {
        self.place_at(&steps(path))
    }

    pub(crate) fn place_at(&self, path: &[Step]) -> Place {
        let (mut node, mut place) = (self, self.place);
        for step in path {
            let Some(below) = node.step(step) else {
                break;
            };
            place = match step {
                Step::Key(name) => node.entry(name).map_or(below.place, |(key, _)| key.place),
                Step::Index(_) => below.place,
            };
            node = below;
        }
        place
    }

    fn step(&self, step: &Step) -> Option<&Self> {
        match (step, &self.tree) {
            (Step::Index(index), Tree::List(items)) => items.get(*index),
            (Step::Key(name), _) => self.get(name),
            (Step::Index(_), _) => None,
        }
    }

    /// Returns the fields of an object; none of anything else.
    pub fn fields(&self) -> &[(Key, Self)] {
        match &self.tree {
            Tree::Map(fields) => fields,
            _ => &[],
        }
    }

    /// Returns the items of a list; none of anything else.
    pub fn items(&self) -> &[Self] {
        match &self.tree {
            Tree::List(items) => items,
            _ => &[],
        }
    }

    /// Returns a text; of anything else nothing.
    pub fn text(&self) -> Option<&str> {
        match &self.tree {
            Tree::Plain(Value::String(text)) => Some(text),
            _ => None,
        }
    }

    /// Says whether it is null.
    pub fn is_null(&self) -> bool {
        matches!(self.tree, Tree::Plain(Value::Null))
    }

    /// Returns it as JSON, in its order.
    pub fn json(&self) -> Value {
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
    pub fn leaves(&self, path: &str, look: &mut dyn FnMut(&str, &Self)) {
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
    pub fn texts(&self, path: &str, look: &mut dyn FnMut(&str, &str, Place)) {
        self.leaves(path, &mut |path, leaf| {
            if let Some(text) = leaf.text() {
                look(path, text, leaf.place);
            }
        });
    }
}
