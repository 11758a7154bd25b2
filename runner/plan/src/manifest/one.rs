//! One tree that is as its schema says, to a manifest.

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::finding::shown;
use super::{Manifest, Origin};
use crate::document::{Node, Place, Step, Tree, display};
use crate::resource::{Kind, Resource, SecretObject, base64};

/// A value that is wrong in a way that the schema does not say.
pub(super) struct Wrong {
    pub(super) place: Place,
    pub(super) path: String,
    pub(super) expected: String,
    pub(super) found: String,
}

/// What messages call a manifest: its kind and its name, as far as there is one.
pub(super) fn label(kind: &str, node: &Node) -> String {
    match node.at("metadata.name").and_then(Node::text) {
        Some(name) => format!("{} `{}`", shown(kind), shown(name)),
        None => shown(kind),
    }
}

/// Makes a manifest of a tree.
pub(super) fn manifest(kind: Kind, origin: Origin, mut node: Node) -> Result<Manifest, Vec<Wrong>> {
    let mut wrong = Vec::new();
    named(&node, &mut wrong);
    coded(kind, &node, &mut wrong);
    let resource = match resource(kind, &node) {
        Ok(resource) if wrong.is_empty() => resource,
        Ok(_) => return Err(wrong),
        Err(also) => {
            wrong.push(also);
            return Err(wrong);
        }
    };
    if kind == Kind::Secret {
        forget(&mut node);
    }
    Ok(Manifest {
        origin,
        resource,
        node,
    })
}

fn resource(kind: Kind, node: &Node) -> Result<Resource, Wrong> {
    Ok(match kind {
        Kind::AgentProvider => Resource::Provider(typed(node)?),
        Kind::Agent => Resource::Agent(typed(node)?),
        Kind::AgentRun => Resource::Run(typed(node)?),
        Kind::ImplementationSpec => Resource::Implementation(typed(node)?),
        Kind::VersionControlProvider => Resource::VersionControl(typed(node)?),
        Kind::Memory => Resource::Memory(typed(node)?),
        Kind::Secret => {
            let mut secret: Box<SecretObject> = typed(node)?;
            secret.metadata.annotations = None;
            Resource::Secret(secret)
        }
        Kind::ConfigMap => Resource::ConfigMap(typed(node)?),
    })
}

fn typed<T: DeserializeOwned>(node: &Node) -> Result<Box<T>, Wrong> {
    let json = node.json();
    let mut track = serde_path_to_error::Track::new();
    let tracked = serde_path_to_error::Deserializer::new(&json, &mut track);
    T::deserialize(tracked).map(Box::new).map_err(|_| {
        use serde_path_to_error::Segment;
        let segments = track.path();
        let steps = segments.iter().filter_map(|segment| match segment {
            Segment::Seq { index } => Some(Step::Index(*index)),
            Segment::Map { key } => Some(Step::Key(key.clone())),
            Segment::Enum { .. } | Segment::Unknown => None,
        });
        let path = steps.collect::<Vec<_>>();
        // What passes the schema and is refused here is out of range; the words could have it in
        // them, and it could be secret.
        Wrong {
            place: node.place_at(&path),
            path: display(&path),
            expected: format!("an integer of at most {}", i64::MAX),
            found: "larger than any".to_owned(),
        }
    })
}

/// Names as a cluster takes them: they become names of files and parts of paths.
fn named(node: &Node, wrong: &mut Vec<Wrong>) {
    for (path, longest, dots) in [
        ("metadata.name", 253, true),
        ("metadata.namespace", 63, false),
    ] {
        let name = node.at(path).and_then(Node::text);
        let Some((expected, found)) = name.and_then(|name| broken(name, longest, dots)) else {
            continue;
        };
        wrong.push(Wrong {
            place: node.place_of(path),
            path: path.to_owned(),
            expected,
            found,
        });
    }
}

/// The rule that a name breaks, and how.
fn broken(name: &str, longest: usize, dots: bool) -> Option<(String, String)> {
    let plain = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit();
    let marks = if dots { "-." } else { "-" };
    let fits = |letter: &char| plain(*letter) || marks.contains(*letter);
    if name.is_empty() {
        return Some(("a name".to_owned(), "empty".to_owned()));
    }
    if let Some(letter) = name.chars().find(|letter| !fits(letter)) {
        let also = if dots { ", `-` and `.`" } else { " and `-`" };
        return Some((
            format!("lower-case letters, digits{also}"),
            format!("a name with `{}` in it", shown(&letter.to_string())),
        ));
    }
    if name.len() > longest {
        return Some((
            format!("at most {longest}"),
            format!("a name of {} characters", name.len()),
        ));
    }
    let ends = |part: &str| part.starts_with(plain) && part.ends_with(plain);
    if name.split('.').all(ends) {
        return None;
    }
    let part = if dots {
        "between dots every part"
    } else {
        "it"
    };
    Some((
        format!("that {part} begins and ends with a letter or a digit"),
        format!("`{}`", shown(name)),
    ))
}

/// Values that are to be base64.
fn coded(kind: Kind, node: &Node, wrong: &mut Vec<Wrong>) {
    let field = match kind {
        Kind::Secret => "data",
        Kind::ConfigMap => "binaryData",
        _ => return,
    };
    for (key, value) in node.get(field).map(Node::fields).unwrap_or_default() {
        if value.text().is_some_and(|text| base64(text).is_none()) {
            wrong.push(Wrong {
                place: key.place,
                path: display(&[Step::Key(field.to_owned()), Step::Key(key.name.clone())]),
                expected: "base64".to_owned(),
                found: "a text that is none".to_owned(),
            });
        }
    }
}

/// Empties what of a Secret is secret. Annotations are, too: `kubectl apply` keeps a copy there.
fn forget(node: &mut Node) {
    let Tree::Map(fields) = &mut node.tree else {
        return;
    };
    for (key, value) in fields {
        match key.name.as_str() {
            "data" | "stringData" => empty(value),
            "metadata" => {
                let Tree::Map(fields) = &mut value.tree else {
                    continue;
                };
                let mut fields = fields.iter_mut();
                if let Some((_, value)) = fields.find(|(key, _)| key.name == "annotations") {
                    empty(value);
                }
            }
            _ => {}
        }
    }
}

fn empty(node: &mut Node) {
    match &mut node.tree {
        Tree::Plain(value) => *value = Value::Null,
        Tree::List(items) => items.iter_mut().for_each(empty),
        Tree::Map(fields) => fields.iter_mut().for_each(|(_, value)| empty(value)),
    }
}
