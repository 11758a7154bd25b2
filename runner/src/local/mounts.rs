//! What is mounted, as files.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::pod::{Content, Mounted};
use super::problem::Problem;
use super::remap::Remap;
use super::scratch::Scratch;
use super::secrets::Secrets;

/// The files that Secrets and `ConfigMap`s become, in the pod.
pub(super) fn paths(pod: &Value, secrets: &Secrets) -> Vec<PathBuf> {
    let mounts = pod["containers"][0]["volumeMounts"].as_array();
    let volumes = || pod["volumes"].as_array().into_iter().flatten();
    let mut files = Vec::new();
    for mount in mounts.into_iter().flatten() {
        let path = Path::new(mount["mountPath"].as_str().unwrap_or_default());
        files.push(path.to_owned());
        let volume = volumes().find(|volume| volume["name"] == mount["name"]);
        let source = volume.and_then(|it| it.get("secret").or_else(|| it.get("configMap")));
        let items = source.and_then(|source| source["items"].as_array());
        let names = items.into_iter().flatten();
        files.extend(names.filter_map(|item| Some(path.join(item["path"].as_str()?))));
        if let Some(secret) = source.and_then(|source| source["secretName"].as_str())
            && items.is_none()
        {
            files.extend(secrets.all(secret).map(|(key, _)| path.join(key)));
        }
    }
    files
}

/// Puts it where the pod's path is moved to.
///
/// # Errors
///
/// Returns [`Problem::Make`] if it cannot be put there.
pub(super) fn put(scratch: &mut Scratch, remap: &Remap, mounted: &Mounted) -> Result<(), Problem> {
    let path = remap.path(&mounted.path);
    match &mounted.content {
        Content::File(content) => scratch
            .file(&path, content.expose(), mounted.is_secret)
            .map_err(Problem::making(&path)),
        Content::Directory(files) => {
            scratch.directory(&path).map_err(Problem::making(&path))?;
            for (name, content) in files {
                let path = path.join(name);
                scratch
                    .file(&path, content.expose(), mounted.is_secret)
                    .map_err(Problem::making(&path))?;
            }
            Ok(())
        }
    }
}
