//! Volumes of a pod and where they are mounted (contract §3.4).

use std::collections::{BTreeMap, HashMap};

use serde_json::{Map, Value, json};

use crate::manifest::{Spot, shown};
use crate::resource::{Volume, VolumeKind};

use super::field::Field;
use super::notes::{Notes, SecretPurpose};
use super::refusal::{Reason, Refusal};
use super::said;

/// A volume and where it is mounted.
#[derive(Debug, Clone)]
pub(super) struct Mounted {
    name: String,
    source: Value,
    mounts: Vec<Value>,
}

impl Mounted {
    /// One that is mounted nowhere yet; `source` is an object.
    pub(super) fn new(name: String, source: Value) -> Self {
        Self {
            name,
            source,
            mounts: Vec::new(),
        }
    }

    /// One that is mounted read-only at `path`.
    pub(super) fn read_only(name: String, source: Value, path: &str) -> Self {
        Self::new(name, source).at(path, &json!({ "readOnly": true }))
    }

    /// Mounts it at `path`, too; `also` is what else there is to say of that.
    pub(super) fn at(mut self, path: &str, also: &Value) -> Self {
        let mut mount = json!({ "name": self.name, "mountPath": path });
        extend(&mut mount, also);
        self.mounts.push(mount);
        self
    }

    /// Says whether it is mounted at `path`.
    pub(super) fn is_at(&self, path: &str) -> bool {
        self.paths().any(|other| other == path)
    }

    fn paths(&self) -> impl Iterator<Item = &str> {
        let mounts = self.mounts.iter();
        mounts.filter_map(|mount| mount["mountPath"].as_str())
    }
}

fn extend(object: &mut Value, also: &Value) {
    if let (Some(object), Some(also)) = (object.as_object_mut(), also.as_object()) {
        object.extend(also.clone());
    }
}

/// The volumes of a pod, in their order.
#[derive(Debug)]
pub(super) struct Volumes<'m> {
    all: Vec<Mounted>,
    /// The name of the run, of which the controller makes the names of its own.
    run: Field<'m>,
    /// Names and paths, and the fields that they are because of.
    names: HashMap<String, Option<Field<'m>>>,
    paths: HashMap<String, Option<Field<'m>>>,
}

impl<'m> Volumes<'m> {
    /// None yet; `run` is the field with the name of the run.
    pub(super) fn new(run: Field<'m>) -> Self {
        Self {
            all: Vec::new(),
            run,
            names: HashMap::new(),
            paths: HashMap::new(),
        }
    }

    /// Adds a volume because of a field, or by the controller itself.
    ///
    /// A cluster takes neither two volumes of one name nor two mounts at one path.
    pub(super) fn add(&mut self, added: Mounted, field: Option<&Field<'m>>) -> Result<(), Refusal> {
        if let Some(other) = self.names.insert(added.name.clone(), field.cloned()) {
            let message = format!("there are two volumes `{}`", shown(&added.name));
            return Err(match field.or(other.as_ref()) {
                Some(field) => field
                    .refused(Reason::SubmitFailed, message)
                    .hint("give one of them another name"),
                // What the controller makes of a long name is cut off where they would differ.
                None => self
                    .run
                    .refused(Reason::SubmitFailed, message)
                    .hint("give the run a shorter name"),
            });
        }
        for path in added.paths() {
            if let Some(other) = self.paths.insert(path.to_owned(), field.cloned()) {
                let message = format!("two volumes are mounted at `{}`", shown(path));
                let field = field.or(other.as_ref()).unwrap_or(&self.run);
                return Err(field
                    .refused(Reason::SubmitFailed, message)
                    .hint("mount one of them elsewhere"));
            }
        }
        self.all.push(added);
        Ok(())
    }

    /// Says whether something is mounted at `path`.
    pub(super) fn is_taken(&self, path: &str) -> bool {
        self.paths.contains_key(path)
    }

    /// Adds what the run says of its own, at `field`.
    pub(super) fn add_own(
        &mut self,
        volumes: &[Volume],
        field: &Field<'m>,
        notes: &mut Notes,
    ) -> Result<(), Refusal> {
        for (index, volume) in volumes.iter().enumerate() {
            let field = field.item(index);
            let (name, path) = (said(Some(&volume.name)), said(Some(&volume.mount_path)));
            let (Some(name), Some(path)) = (name, path) else {
                notes.warn(&field, "it has no name or no path, and is left out");
                continue;
            };
            let read_only = volume.read_only == Some(true);
            let source = own(volume, path, read_only, &field, notes)?;
            let mounted = Mounted::new(name.to_owned(), source);
            let mounted = mounted.at(path, &json!({ "readOnly": read_only }));
            self.add(mounted, Some(&field))?;
        }
        Ok(())
    }

    /// The volumes, as a pod has them.
    pub(super) fn volumes(&self) -> Vec<Value> {
        let named = |volume: &Mounted| {
            let mut named = json!({ "name": volume.name });
            extend(&mut named, &volume.source);
            named
        };
        self.all.iter().map(named).collect()
    }

    /// The fields because of which something is mounted, by its path.
    pub(super) fn spots(&self) -> BTreeMap<String, Spot> {
        let paths = self.paths.iter();
        let spots = paths.filter_map(|(path, field)| Some((path.clone(), field.as_ref()?.spot())));
        spots.collect()
    }

    /// Where they are mounted, as a container has it.
    pub(super) fn mounts(&self) -> Vec<Value> {
        let all = self.all.iter();
        all.flat_map(|volume| volume.mounts.clone()).collect()
    }
}

fn own(
    volume: &Volume,
    path: &str,
    read_only: bool,
    field: &Field<'_>,
    notes: &mut Notes,
) -> Result<Value, Refusal> {
    let named = |key: &str, name: &Option<String>| match said(name.as_deref()) {
        Some(name) => Ok(name.to_owned()),
        None => Err(field
            .key(key)
            .refused(Reason::SubmitFailed, "it is missing or blank")
            .hint("a volume of this type needs it")),
    };
    Ok(match volume.kind {
        VolumeKind::EmptyDir => {
            let mut directory = Map::new();
            for (key, text) in [
                ("medium", &volume.medium),
                ("sizeLimit", &volume.size_limit),
            ] {
                if let Some(text) = said(text.as_deref()) {
                    directory.insert(key.to_owned(), text.into());
                }
            }
            json!({ "emptyDir": directory })
        }
        VolumeKind::Pvc => json!({
            "persistentVolumeClaim": {
                "claimName": named("claimName", &volume.claim_name)?,
                "readOnly": read_only,
            },
        }),
        VolumeKind::Secret => {
            let name = named("secretName", &volume.secret_name)?;
            let purpose = SecretPurpose::Directory(path.to_owned());
            notes.need(&name, None, purpose, Some(&field.key("secretName")));
            json!({ "secret": { "secretName": name } })
        }
    })
}
