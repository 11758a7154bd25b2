//! Secrets in files: those that variables name, those that are mounted, those of the CLIs.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use agent_plan::env::{self, Environment};
use agent_plan::plan::ProcessPlan;
use agent_plan::secret::{Found, files_named_by, in_file};
use agent_plan::settings::Redact;

use super::LoadError;

/// The largest secret file that is looked at; a key or token has a few KB.
const SECRET_FILE_LIMIT: u64 = 64 * 1024;

/// Where Kubernetes mounts secrets that no variable names.
const SECRET_DIR: &str = "/var/run/secrets";

/// Reads every secret file that can be found; says which could not be read.
pub(super) fn find(
    settings: &Redact,
    environment: &Environment,
) -> Result<(Vec<Found>, Vec<String>), LoadError> {
    if settings.enabled == Some(false) {
        return Ok((Vec::new(), Vec::new()));
    }
    let variables = environment
        .iter()
        .filter_map(|(name, value)| Some((name.to_str()?, value.as_bytes())));
    let mut files: Vec<(String, PathBuf)> = files_named_by(variables)
        .into_iter()
        .map(|(name, path)| (name, PathBuf::from(path)))
        .collect();
    files.extend(
        settings
            .files
            .iter()
            .flatten()
            .map(|path| (file_name(path), path.clone())),
    );
    let mut mounted = Vec::new();
    mounted_under(Path::new(SECRET_DIR), 4, &mut mounted);
    mounted.extend(of_clis(environment));
    files.extend(mounted.into_iter().map(|path| (file_name(&path), path)));
    let (mut found, unread) = read(settings, files)?;
    found.extend(of_codex_keys(environment));
    Ok((found, unread))
}

/// Reads the secret files that a provider's template names, which only a plan has; says which could
/// not be read.
pub(super) fn of_templates(
    settings: &Redact,
    process: &ProcessPlan,
    working_dir: &Path,
) -> Result<(Vec<Found>, Vec<String>), LoadError> {
    if settings.enabled == Some(false) {
        return Ok((Vec::new(), Vec::new()));
    }
    let rendered = process.rendered.iter();
    let variables =
        rendered.filter_map(|name| Some((name.as_str(), process.env.get(name)?.as_bytes())));
    let named = files_named_by(variables).into_iter();
    let files = named.map(|(name, path)| (name, working_dir.join(path)));
    read(settings, files.collect())
}

fn read(
    settings: &Redact,
    files: Vec<(String, PathBuf)>,
) -> Result<(Vec<Found>, Vec<String>), LoadError> {
    let (mut found, mut unread) = (Vec::new(), Vec::new());
    for (name, path) in files {
        let mut content = Vec::new();
        match open_file(&path)
            .and_then(|file| file.take(SECRET_FILE_LIMIT).read_to_end(&mut content))
        {
            Ok(_) => found.extend(in_file(&name, &content)),
            Err(source) if settings.fail_closed == Some(true) => {
                return Err(LoadError::Secret { name, path, source });
            }
            Err(error) => unread.push(format!(
                "the secret file `{}` (`{name}`) cannot be read and is not redacted: {error}",
                path.display()
            )),
        }
    }
    Ok((found, unread))
}

/// Variables that codex's configuration says hold a key, whatever they are called.
fn of_codex_keys(environment: &Environment) -> Vec<Found> {
    let home = environment.path(env::CODEX_HOME);
    let home = home.or_else(|| Some(environment.path("HOME")?.join(".codex")));
    let mut config = String::new();
    let read = home
        .ok_or(io::ErrorKind::NotFound.into())
        .and_then(|home| open_file(&home.join("config.toml")))
        .and_then(|file| file.take(SECRET_FILE_LIMIT).read_to_string(&mut config));
    if read.is_err() {
        return Vec::new();
    }
    let names = config.lines().filter_map(|line| {
        let (key, value) = line.split_once('=')?;
        let is_name = matches!(key.trim(), "env_key" | "bearer_token_env_var");
        is_name.then(|| value.split(['"', '\'']).nth(1))?
    });
    names
        .filter_map(|name| Some((name, environment.get(name)?)))
        .flat_map(|(name, value)| in_file(name, value.as_bytes()))
        .collect()
}

/// The files in which the CLIs keep their credentials, those that are there.
fn of_clis(environment: &Environment) -> Vec<PathBuf> {
    let home = |below: &str| environment.path("HOME").map(|home| home.join(below));
    let codex = environment.path(env::CODEX_HOME);
    let claude = environment.path(env::CLAUDE_CONFIG_DIR);
    let codex = codex.or_else(|| home(".codex"));
    let claude = claude.or_else(|| home(".claude"));
    [
        codex.map(|dir| dir.join("auth.json")),
        claude.map(|dir| dir.join(".credentials.json")),
    ]
    .into_iter()
    .flatten()
    .filter(|path| path.is_file())
    .collect()
}

/// What lies beside secrets and is none: a namespace is an ordinary word, a certificate is public.
fn is_public(name: &str) -> bool {
    matches!(name, "namespace" | "known_hosts")
        || [".crt", ".pub"].iter().any(|end| name.ends_with(end))
}

/// Opens a regular file; anything else (a FIFO, a device) could hold us up for ever.
fn open_file(path: &Path) -> io::Result<File> {
    if !std::fs::metadata(path)?.is_file() {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    File::open(path)
}

fn file_name(path: &Path) -> String {
    path.file_name()
        .map(OsString::from)
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}

/// Lists the files below a directory, not deeper than `depth`.
fn mounted_under(directory: &Path, depth: usize, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(directory).into_iter().flatten().flatten() {
        let path = entry.path();
        // `..data` and its timestamped directory are how the kubelet swaps versions; the names
        // beside them are links into it.
        if entry.file_name().as_bytes().starts_with(b"..") {
            continue;
        }
        match std::fs::metadata(&path) {
            Ok(metadata) if metadata.is_dir() && depth > 0 => {
                mounted_under(&path, depth - 1, found);
            }
            Ok(metadata) if metadata.is_file() && !is_public(&file_name(&path)) => found.push(path),
            _ => {}
        }
    }
}
