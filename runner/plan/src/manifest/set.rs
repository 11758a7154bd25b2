//! The manifests of a run, looked up as a cluster would.

use std::collections::HashMap;

use super::{Manifest, ManifestError, ManifestWarning, Reading};
use crate::nearest::nearest;
use crate::resource::{Kind, Known};

/// The manifests of a run: no kind, namespace and name is there twice.
#[derive(Debug, Clone, Default)]
pub struct Manifests {
    all: Vec<Manifest>,
    warnings: Vec<ManifestWarning>,
}

/// What a look-up found: a manifest and its resource.
#[derive(Debug)]
pub struct Found<'m, T> {
    /// Where it is, and what it is called.
    pub manifest: &'m Manifest,
    /// What it is.
    pub object: &'m T,
}

impl<T> Clone for Found<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Found<'_, T> {}

impl Manifests {
    /// Makes one set of what was read, in its order.
    ///
    /// # Errors
    ///
    /// Returns every error of the readings, and [`ManifestError::Twice`] for whatever is there more
    /// than once.
    pub fn new(readings: impl IntoIterator<Item = Reading>) -> Result<Self, Vec<ManifestError>> {
        let mut set = Self::default();
        let mut errors = Vec::new();
        for mut reading in readings {
            errors.append(&mut reading.errors);
            set.warnings.append(&mut reading.warnings);
            set.all.append(&mut reading.manifests);
        }
        let mut first: HashMap<_, &Manifest> = HashMap::new();
        for manifest in &set.all {
            let key = (manifest.kind(), manifest.namespace(), manifest.name());
            match first.get(&key) {
                None => drop(first.insert(key, manifest)),
                Some(first) => errors.push(ManifestError::Twice {
                    manifest: manifest.to_string(),
                    namespace: manifest.namespace().to_owned(),
                    first: first.origin().clone(),
                    second: manifest.origin().clone(),
                }),
            }
        }
        if errors.is_empty() {
            Ok(set)
        } else {
            Err(errors)
        }
    }

    /// Returns what is odd, in the order in which it was read.
    pub fn warnings(&self) -> &[ManifestWarning] {
        &self.warnings
    }

    /// Returns all, in the order in which they were read.
    pub fn all(&self) -> &[Manifest] {
        &self.all
    }

    /// Finds a manifest.
    pub fn find(&self, kind: Kind, namespace: &str, name: &str) -> Option<&Manifest> {
        self.all.iter().find(|manifest| {
            manifest.kind() == kind && manifest.name() == name && manifest.namespace() == namespace
        })
    }

    /// Finds a resource by its type.
    pub fn get<T: Known>(&self, namespace: &str, name: &str) -> Option<Found<'_, T>> {
        found(self.find(T::KIND, namespace, name)?)
    }

    /// Goes over the resources of a type, in the order in which they were read.
    pub fn of<'m, T: Known + 'm>(&'m self) -> impl Iterator<Item = Found<'m, T>> {
        self.all.iter().filter_map(found)
    }

    /// Returns the name that was perhaps meant by one that does not exist.
    pub(crate) fn nearest(&self, kind: Kind, namespace: &str, name: &str) -> Option<String> {
        let all = self.all.iter();
        let there = all.filter(|it| it.kind() == kind && it.namespace() == namespace);
        nearest(name, there.map(Manifest::name))
    }
}

fn found<T: Known>(manifest: &Manifest) -> Option<Found<'_, T>> {
    let object = T::of(manifest.resource())?;
    Some(Found { manifest, object })
}
