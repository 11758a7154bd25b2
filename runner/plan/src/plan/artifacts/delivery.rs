//! What is stored, artifact by artifact.

use std::path::{Path, PathBuf};

use super::key::{self, KeyError};
use super::path_of;
use crate::nearest::nearest;
use crate::plan::roots::Templates;
use crate::plan::{PlanError, shown};
use crate::settings::{ArtifactEntry, ArtifactSettings, When};
use crate::spec::OutputArtifact;

/// An artifact to store.
#[derive(Debug, Clone)]
pub struct Delivery {
    /// Which of the declared artifacts it is, if it is one.
    pub declared: Option<usize>,
    /// Its name.
    pub name: String,
    /// The file, directory or pattern; `None`: it has a key and no path, which cannot be stored.
    pub path: Option<PathBuf>,
    /// Its key, without a final `/`.
    pub key: Result<String, KeyError>,
    /// Whether the path may be a directory or a pattern, and the key what theirs begin with: it was
    /// written with a final `/`, or there was none at all.
    pub is_tree: bool,
    /// After which runs it is stored.
    pub when: When,
    /// Whether the run may do without.
    pub optional: bool,
    /// Bytes after which a file of it is refused.
    pub max_bytes: Option<u64>,
    /// What its objects say of their content.
    pub content_type: Option<String>,
    /// Patterns of files that are left out, relative to the directory.
    pub exclude: Vec<String>,
}

impl Delivery {
    /// Says why it cannot be stored whatever becomes of the run, if it cannot.
    pub fn problem(&self) -> Option<String> {
        match (&self.key, &self.path) {
            (Err(error), _) => Some(error.to_string()),
            (Ok(_), None) => Some(format!(
                "artifact `{}` has a key and no path: write the path of its file",
                self.name
            )),
            (Ok(_), Some(_)) => None,
        }
    }

    /// Says whether a run that would have succeeded fails without it.
    pub fn is_required(&self) -> bool {
        !self.optional && self.when.applies(true)
    }

    pub(super) fn consequence(&self) -> &'static str {
        if self.is_required() {
            ": a run that succeeds will end ArtifactFailed"
        } else {
            ""
        }
    }

    /// Takes over what an entry of the settings says.
    fn refine(&mut self, entry: &ArtifactEntry) {
        self.optional = entry.optional.unwrap_or(self.optional);
        self.when = entry.when.unwrap_or(self.when);
        if let Some(limit) = entry.max_bytes {
            self.max_bytes = limit_of(limit);
        }
        if let Some(kind) = &entry.content_type {
            self.content_type = (!kind.trim().is_empty()).then(|| kind.trim().to_owned());
        }
        if let Some(exclude) = &entry.exclude {
            self.exclude.clone_from(exclude);
        }
    }
}

/// Zero is how people write "no limit".
fn limit_of(bytes: u64) -> Option<u64> {
    (bytes > 0).then_some(bytes)
}

/// An entry of the settings, rendered.
struct Entry<'s> {
    /// Its place, for messages.
    place: String,
    name: String,
    path: Option<PathBuf>,
    key: Option<String>,
    says: &'s ArtifactEntry,
}

pub(super) fn plan(
    declared: &[OutputArtifact],
    settings: &ArtifactSettings,
    prefix: &str,
    working_dir: &Path,
    templates: &mut Templates,
) -> Result<Vec<Delivery>, PlanError> {
    let keyed = declared.iter().enumerate();
    let keyed = keyed.filter(|(_, artifact)| artifact.has_key());
    let mut deliveries: Vec<Delivery> = keyed
        .map(|(index, artifact)| Delivery {
            declared: Some(index),
            path: (artifact.path.as_deref()).and_then(|path| path_of(path, working_dir)),
            ..delivery(&artifact.name, artifact.key.as_deref(), prefix, settings)
        })
        .collect();
    for (index, entry) in settings.files.iter().flatten().enumerate() {
        let entry = rendered(index, entry, working_dir, templates)?;
        if entry.path.is_none() && entry.key.is_none() {
            let same = |delivery: &&mut Delivery| {
                delivery.declared.is_some() && delivery.name == entry.name
            };
            let mut refined = deliveries.iter_mut().filter(same).peekable();
            if refined.peek().is_some() {
                refined.for_each(|delivery| delivery.refine(entry.says));
                continue;
            }
        }
        deliveries.push(own(&entry, declared, settings, prefix, working_dir)?);
    }
    Ok(deliveries)
}

/// An artifact of the settings: a file of its own, or a declared one that had no key.
fn own(
    entry: &Entry<'_>,
    declared: &[OutputArtifact],
    settings: &ArtifactSettings,
    prefix: &str,
    working_dir: &Path,
) -> Result<Delivery, PlanError> {
    let of_declared = || {
        let mut named = declared
            .iter()
            .filter(|artifact| artifact.name == entry.name);
        named.find_map(|artifact| path_of(artifact.path.as_deref()?, working_dir))
    };
    let Some(path) = entry.path.clone().or_else(of_declared) else {
        let names = declared.iter().map(|artifact| artifact.name.as_str());
        let is_declared = names.clone().any(|name| name == entry.name);
        return Err(PlanError::BadArtifact {
            place: entry.place.clone(),
            name: shown(&entry.name),
            problem: if is_declared {
                "is declared without a path, and has none here either"
            } else {
                "is not declared, and has no path"
            },
            nearest: nearest(&entry.name, names),
        });
    };
    let mut delivery = Delivery {
        path: Some(path),
        ..delivery(&entry.name, entry.key.as_deref(), prefix, settings)
    };
    delivery.refine(entry.says);
    Ok(delivery)
}

/// An artifact of whose file nothing is known, with what holds of all.
fn delivery(name: &str, key: Option<&str>, prefix: &str, settings: &ArtifactSettings) -> Delivery {
    Delivery {
        declared: None,
        name: name.to_owned(),
        path: None,
        key: match key {
            Some(key) => key::of_artifact(name, key),
            None => key::of_artifact(name, &format!("{prefix}{name}")),
        },
        is_tree: key.is_none_or(key::is_of_many),
        when: settings.when.unwrap_or_default(),
        optional: false,
        max_bytes: settings.max_bytes.and_then(limit_of),
        content_type: None,
        exclude: Vec::new(),
    }
}

fn rendered<'s>(
    index: usize,
    entry: &'s ArtifactEntry,
    working_dir: &Path,
    templates: &mut Templates,
) -> Result<Entry<'s>, PlanError> {
    let place = format!("runner.artifacts.files[{index}]");
    let mut field = |field: &str, text: &str| templates.artifact(&format!("{place}.{field}"), text);
    let name = field("name", &entry.name)?;
    let mut optional = |name: &str, text: &Option<String>| {
        text.as_deref().map(|text| field(name, text)).transpose()
    };
    let path = optional("path", &entry.path)?;
    let key = optional("key", &entry.key)?;
    let bad = |problem| PlanError::BadArtifact {
        place: place.clone(),
        name: shown(&name),
        problem,
        nearest: None,
    };
    if crate::template::trim(&name).is_empty() {
        return Err(bad("has no name"));
    }
    let is_odd = |kind: &String| kind.bytes().any(|byte| !matches!(byte, b' '..=b'~'));
    if entry.content_type.as_ref().is_some_and(is_odd) {
        return Err(bad("has a content type that cannot stand in a header"));
    }
    Ok(Entry {
        path: path.and_then(|path| path_of(&path, working_dir)),
        key: key.filter(|key| !crate::template::trim(key).is_empty()),
        says: entry,
        name,
        place,
    })
}
