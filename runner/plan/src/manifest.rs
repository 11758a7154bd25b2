//! Manifests: texts to resources, with the place of everything in them.
//!
//! # Theory of operation
//!
//! [`read()`] makes [`Manifest`]s of one text. Everything that is wrong is found, not only the first
//! thing: a manifest is checked against the JSON Schema of its kind ([`Kind::schema`]), and only what
//! passes becomes a [`Resource`]. [`Manifests::new`] makes one set of what was read.
//!
//! A manifest keeps the tree that it was read from, so that whoever finds something wrong with it
//! later can still say where. Of a Secret it keeps the places and not the values.

mod adapter;
mod check;
mod finding;
mod one;
mod read;
mod set;

#[cfg(test)]
mod tests;

pub(crate) use finding::shown;
pub use finding::{ManifestError, ManifestWarning, Spot};
pub use read::{Reading, read};
pub use set::{Found, Manifests};

use std::fmt;

use serde_json::Value;

use crate::document::{Node, Place};
use crate::resource::{Kind, Resource};

/// Where a manifest is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// The file, as whoever read it calls it.
    pub file: String,
    /// Which document of the file, from 1; empty ones do not count.
    pub document: usize,
    /// Which item of a list in that document, from 1.
    pub item: Option<usize>,
    /// Where it begins.
    pub place: Place,
}

impl fmt::Display for Origin {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "`{}` {}", self.file, self.place)
    }
}

/// A resource with its places in the text.
#[derive(Clone)]
pub struct Manifest {
    origin: Origin,
    resource: Resource,
    node: Node,
}

impl fmt::Debug for Manifest {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{self} ({})", self.origin)
    }
}

impl fmt::Display for Manifest {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} `{}`", self.kind(), self.name())
    }
}

impl Manifest {
    /// Returns where it is.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// Returns what it is.
    pub fn resource(&self) -> &Resource {
        &self.resource
    }

    /// Returns its kind.
    pub fn kind(&self) -> Kind {
        self.resource.kind()
    }

    /// Returns its name.
    pub fn name(&self) -> &str {
        &self.resource.metadata().name
    }

    /// Returns its namespace; `default` if it says none.
    pub fn namespace(&self) -> &str {
        self.resource.metadata().namespace()
    }

    /// Returns where the field is that a path such as `spec.vcsRef.name` names; if it is not there,
    /// where what it is missing in begins.
    pub fn place(&self, path: &str) -> Place {
        self.node.place_of(path)
    }

    /// Returns a field as it was written. Values of a Secret are null.
    pub fn written(&self, path: &str) -> Option<Value> {
        self.node.at(path).map(Node::json)
    }
}
