//! The Job's pod: what its container is started with, and what is mounted into it.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;

use agent_plan::env::Environment;
use agent_plan::manifest::{Manifests, Spot};
use agent_plan::resolve::{SecretNeed, SecretPurpose};
use agent_plan::resource::ConfigMap;
use serde_json::Value;

use super::expansion::expanded;
use super::problem::Problem;
use super::remap::Remap;
use super::secrets::Secrets;

/// What a Job has in the place of a token that only a controller gets.
const UNKNOWN: &str = "[secret]";

/// What a pod is made of besides its Job.
#[derive(Debug, Clone, Copy)]
pub(super) struct Surroundings<'s> {
    pub(super) manifests: &'s Manifests,
    pub(super) namespace: &'s str,
    pub(super) secrets: &'s Secrets,
    pub(super) needs: &'s [SecretNeed],
    /// The fields because of which something is mounted, by its path.
    pub(super) spots: &'s BTreeMap<String, Spot>,
    pub(super) remap: &'s Remap,
    /// The `ConfigMap`s of the run itself, with the paths of this machine.
    pub(super) config_maps: &'s [Value],
}

/// What is mounted.
#[derive(Debug)]
pub(super) struct Mounted {
    /// Where, in the pod.
    pub(super) path: String,
    /// What.
    pub(super) content: Content,
    /// Whether that is secret.
    pub(super) is_secret: bool,
}

/// What is mounted at a path.
#[derive(Debug)]
pub(super) enum Content {
    /// A file.
    File(Bytes),
    /// Files in a directory, or none.
    Directory(Vec<(String, Bytes)>),
}

/// The content of a file, which may be secret.
pub(super) type Bytes = agent_plan::secret::Secret<Vec<u8>>;

impl Surroundings<'_> {
    /// Makes the variables of the container, in their order, those of whole Secrets first.
    ///
    /// # Errors
    ///
    /// Returns [`Problem::Pod`] for one that no process can have.
    pub(super) fn variables(&self, container: &Value) -> Result<Environment, Problem> {
        let mut all = Environment::default();
        let mut known = Environment::default();
        for from in list(container, "envFrom") {
            let secret = from["secretRef"]["name"].as_str().unwrap_or_default();
            for (name, value) in self.secrets.all(secret) {
                // The kubelet leaves out what has no name of a variable, too.
                if is_name(name) {
                    self.check(name, value)?;
                    all.set(name, OsStr::from_bytes(value));
                }
            }
        }
        for entry in list(container, "env") {
            let name = entry["name"].as_str().unwrap_or_default();
            if let Some(value) = self.variable(entry, &known) {
                self.check(name, value.as_bytes())?;
                // What comes of whole Secrets is not there for others, as for the kubelet.
                known.set(name, value.clone());
                all.set(name, value);
            }
        }
        Ok(all)
    }

    fn check(&self, name: &str, value: &[u8]) -> Result<(), Problem> {
        let (what, hint) = if !is_name(name) {
            ("has no name of a variable", "give it one without `=`")
        } else if value.contains(&0) {
            (
                "has a NUL byte in its value, which no variable can have",
                "mount it as a file, or encode it",
            )
        } else {
            return Ok(());
        };
        let is_it = |need: &&SecretNeed| need.purpose == SecretPurpose::Variable(name.to_owned());
        let need = self.needs.iter().find(is_it);
        Err(Problem::Pod {
            at: need.and_then(|need| need.at.clone()).map(Box::new),
            what: format!("the variable `{}` {what}", name.escape_debug()),
            hint,
        })
    }

    fn variable(&self, entry: &Value, known: &Environment) -> Option<OsString> {
        let owned = |value: &[u8]| OsStr::from_bytes(value).to_owned();
        let reference = &entry["valueFrom"]["secretKeyRef"];
        if let (Some(secret), Some(key)) = (reference["name"].as_str(), reference["key"].as_str()) {
            return self.secrets.value(secret, key).map(owned);
        }
        let value = entry["value"].as_str().unwrap_or_default();
        if value == UNKNOWN {
            return self.secrets.app_token(self.needs).map(owned);
        }
        Some(expanded(&self.remap.text(value), |name| text(known, name)).into())
    }

    /// Makes the arguments of the container.
    pub(super) fn arguments(&self, container: &Value, variables: &Environment) -> Vec<String> {
        let arguments = list(container, "args").iter().filter_map(Value::as_str);
        let here =
            |argument: &str| expanded(&self.remap.text(argument), |name| text(variables, name));
        arguments.map(here).collect()
    }

    /// Makes what is mounted, in the pod's order.
    ///
    /// # Errors
    ///
    /// Returns [`Problem::Pod`] for what cannot be mounted here.
    pub(super) fn mounts(&self, pod: &Value) -> Result<Vec<Mounted>, Problem> {
        let mounts = list(&pod["containers"][0], "volumeMounts");
        mounts.iter().map(|mount| self.mount(pod, mount)).collect()
    }

    fn mount(&self, pod: &Value, mount: &Value) -> Result<Mounted, Problem> {
        let path = mount["mountPath"].as_str().unwrap_or_default();
        let mut volumes = list(pod, "volumes").iter();
        let volume = volumes.find(|volume| volume["name"] == mount["name"]);
        let volume = volume.unwrap_or(&Value::Null);
        for (key, what) in [
            ("projected", "no token of a service account"),
            ("persistentVolumeClaim", "nothing of a claim"),
        ] {
            if volume.get(key).is_some() {
                super::warn(&format!("there is {what} at `{path}`"));
            }
        }
        let source = ["configMap", "secret"];
        let source = source.iter().find_map(|key| volume.get(key));
        let is_secret = volume.get("secret").is_some();
        let content = match (source, mount["subPath"].as_str()) {
            // An empty directory, or one that a cluster would fill.
            (None, _) => Content::Directory(Vec::new()),
            (Some(source), Some(name)) => {
                let files = self.files(source, path)?;
                let file = files.into_iter().find(|(file, _)| file == name);
                let file = file.map(|(_, content)| content);
                Content::File(match file.or_else(|| self.value(source, name)) {
                    Some(content) => content,
                    None => return Err(self.absent(name, path)),
                })
            }
            (Some(source), None) => Content::Directory(self.files(source, path)?),
        };
        Ok(Mounted {
            path: path.to_owned(),
            content,
            is_secret,
        })
    }

    /// The files of a volume: those that it lists, or all that a Secret has.
    fn files(&self, source: &Value, at: &str) -> Result<Vec<(String, Bytes)>, Problem> {
        let mut files = Vec::new();
        for item in list(source, "items") {
            let key = item["key"].as_str().unwrap_or_default();
            let name = item["path"].as_str().unwrap_or_default();
            let content = self
                .value(source, key)
                .ok_or_else(|| self.absent(key, at))?;
            files.push((name.to_owned(), content));
        }
        if source.get("items").is_none()
            && let Some(secret) = source["secretName"].as_str()
        {
            let all = self.secrets.all(secret);
            files.extend(all.map(|(key, value)| (key.to_owned(), Bytes::new(value.to_vec()))));
        }
        match files.iter().find(|(name, _)| !is_file_name(name)) {
            Some((name, _)) => Err(Problem::Pod {
                at: self.spot(at),
                what: format!(
                    "`{}`, which is mounted at `{at}`, is no name of a file",
                    name.escape_debug()
                ),
                hint: "give it another key, of letters, digits, `-`, `_` and `.`",
            }),
            None => Ok(files),
        }
    }

    fn absent(&self, key: &str, at: &str) -> Problem {
        Problem::Pod {
            at: self.spot(at),
            what: format!("the key `{key}` that is mounted at `{at}` is not there"),
            hint: "add it to the ConfigMap or Secret among the manifests",
        }
    }

    fn spot(&self, at: &str) -> Option<Box<Spot>> {
        self.spots.get(at).cloned().map(Box::new)
    }

    /// A value of the ConfigMap or Secret that a volume is of.
    fn value(&self, source: &Value, key: &str) -> Option<Bytes> {
        if let Some(secret) = source["secretName"].as_str() {
            return Some(Bytes::new(self.secrets.value(secret, key)?.to_vec()));
        }
        let name = source["name"].as_str()?;
        let mut own = self.config_maps.iter();
        if let Some(own) = own.find(|map| map["metadata"]["name"] == name) {
            return Some(Bytes::new(own["data"][key].as_str()?.as_bytes().to_vec()));
        }
        let found = self.manifests.get::<ConfigMap>(self.namespace, name)?;
        found.object.value(key).map(Bytes::new)
    }
}

fn text(environment: &Environment, name: &str) -> Option<String> {
    Some(environment.raw(name)?.to_string_lossy().into_owned())
}

fn list<'v>(value: &'v Value, key: &str) -> &'v [Value] {
    value[key].as_array().map_or(&[], Vec::as_slice)
}

/// Says whether a process can have a variable of this name.
fn is_name(name: &str) -> bool {
    !name.is_empty() && !name.contains(['=', '\0'])
}

fn is_file_name(name: &str) -> bool {
    !["", ".", ".."].contains(&name) && !name.contains(['/', '\0'])
}

#[cfg(test)]
mod tests;
