//! The only reader of spec, payload, provider definitions, secret files and environment.
//!
//! Everything it reads it gives to `agent-plan`, which decides. It notes in the ledger what it
//! learns, so that a spec that cannot be read still has a status file.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use agent_plan::env::{self, Environment};
use agent_plan::outcome::{Failure, Outcome};
use agent_plan::plan::{self, Inputs, Paths, Plan, PlanError};
use agent_plan::secret::{Found, files_named_by, in_file};
use agent_plan::settings::{Redact, RunnerSettings, SettingsError};
use agent_plan::spec::{
    self, Document, MAX_BYTES, PROVIDER_DIR, ProviderDefinition, RunSpec, Source, SpecError,
};
use serde_json::Value;

use crate::ledger::Ledger;
use crate::report;
use crate::status;
use crate::telemetry;

/// Where a pod's status goes when nothing can be read that says so (contract §1.1).
const DEFAULT_STATUS: &str = "/workspace/.agent/status.json";

/// The largest secret file that is looked at; a key or token has a few KB.
const SECRET_FILE_LIMIT: u64 = 64 * 1024;

/// Where Kubernetes mounts secrets that no variable names.
const SECRET_DIR: &str = "/var/run/secrets";

/// What messages call the files that were read.
const THE_SPEC: &str = "the spec";
const THE_PAYLOAD: &str = "the run payload";

/// What to load.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// The first bare argument.
    pub spec: Option<PathBuf>,
    /// Settings from the command line, as key and text.
    pub flags: Vec<(String, String)>,
    /// Where the status goes, if the command line says it.
    pub status_path: Option<PathBuf>,
    /// Further bare arguments, which nobody reads.
    pub ignored: Vec<String>,
}

/// Why there is no plan.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// Nothing names a spec.
    #[error("no run spec was given")]
    NoSpec,
    /// The working directory is gone or cannot be reached.
    #[error("the working directory cannot be determined")]
    WorkingDir(#[source] io::Error),
    /// A file cannot be read.
    #[error("`{}` cannot be read", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A secret file cannot be read, and redaction is to fail closed.
    #[error("the secret file `{}` named by `${name}` cannot be read, so its content could not be redacted", path.display())]
    Secret {
        /// The variable.
        name: String,
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A file is not what it should be.
    #[error(transparent)]
    Spec(#[from] SpecError),
    /// A setting is wrong.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// There can be no plan.
    #[error(transparent)]
    Plan(#[from] PlanError),
}

impl LoadError {
    /// Returns what to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::NoSpec => Some(format!(
                "give a path, or set `{}`, `{}` or `{}`",
                env::SPEC_PATH,
                env::SPEC_INLINE,
                env::RUN_PAYLOAD
            )),
            Self::Secret { .. } => {
                Some("make it readable, or set `redact.failClosed` to false".to_owned())
            }
            Self::Spec(error) => error.hint(),
            Self::Plan(error) => error.hint(),
            _ => None,
        }
    }

    /// Returns what this means for the run.
    pub fn failure(&self) -> Failure {
        let (outcome, reason) = match self {
            Self::NoSpec => (Outcome::InputMissing, "NoSpec"),
            Self::WorkingDir(_) => (Outcome::WorkspaceFailed, "NoWorkingDir"),
            Self::Read { .. } => (Outcome::InputMissing, "SpecUnreadable"),
            Self::Secret { .. } => (Outcome::PolicyRefused, "SecretUnreadable"),
            Self::Spec(_) => (Outcome::SpecInvalid, "BadSpec"),
            Self::Settings(_) => (Outcome::SpecInvalid, "BadSetting"),
            Self::Plan(error) => (error.outcome(), error.reason()),
        };
        Failure {
            outcome,
            reason: reason.to_owned(),
            message: report::sentence(self, self.hint()),
        }
    }
}

/// Takes the environment of this process.
pub fn environment() -> Environment {
    Environment::new(std::env::vars_os())
}

/// Reads everything and decides what will be done.
///
/// # Errors
///
/// Returns [`LoadError`]; the ledger then has what could be learned.
pub fn plan(
    request: &Request,
    environment: &Environment,
    ledger: &Ledger,
) -> Result<Plan, LoadError> {
    let working_dir = std::env::current_dir().map_err(LoadError::WorkingDir)?;

    let source = Source::find(request.spec.clone(), environment);
    let told = told_path(request, environment, &working_dir);
    let salvage = |bytes: &[u8]| salvage(bytes, told.clone(), &working_dir, ledger);
    let (document, payload) = read_spec(&source, environment, &salvage)?;
    let spec = &document.value;
    // Before anything else can fail: where the failure is to be told.
    let paths = plan::paths(spec, &RunnerSettings::default(), environment, &working_dir);
    let status = told.or(paths.status);
    let paths = Paths { status, ..paths };
    ledger.on_spec(&spec.provider, paths.clone());
    let previous_attempt = paths.status.as_deref().and_then(status::previous_attempt);
    let (definition, unknown) = match &spec.adapter {
        Some(adapter) if adapter.kind.is_some() => (None, Vec::new()),
        _ => read_definition(&spec.provider, environment)?,
    };
    let settings = plan::settings_of(spec, definition.as_ref(), environment, &request.flags)?;
    let redact = settings.redact.unwrap_or_default();
    let (secrets, unredacted) = secrets(&redact, environment)?;
    let payload = match payload {
        Some(payload) => Some(payload),
        None => read_payload(spec, environment, &working_dir, ledger),
    };
    let mut plan = Plan::new(&Inputs {
        spec: &document,
        payload: payload.as_ref(),
        definition,
        environment,
        flags: &request.flags,
        working_dir: &working_dir,
        secrets: secrets.clone(),
        previous_attempt,
        status_path: paths.status.clone(),
        reserved: &reserved(&source, spec, environment),
    })
    .inspect_err(|error| {
        // It may repeat what was rendered, and there is no plan whose redactor knows it all.
        telemetry::redact_with(plan::redactor(Some(&redact), secrets, &[environment]));
        let read = [THE_SPEC, THE_PAYLOAD];
        if matches!(error, PlanError::PathTaken { first, .. } if read.contains(&first.as_str())) {
            // The status of this very failure must not go there either.
            ledger.on_spec(&spec.provider, Paths::default());
        }
    })?;
    plan.warnings.extend(unknown);
    plan.warnings.extend(unredacted);
    if let Some(first) = request.ignored.first() {
        plan.warnings.push(format!(
            "argument `{first}` and all after it are ignored: only the first, the spec, is read"
        ));
    }
    Ok(plan)
}

/// The files that were read, which nothing of ours may be written over.
fn reserved(
    source: &Source,
    spec: &RunSpec,
    environment: &Environment,
) -> Vec<(&'static str, PathBuf)> {
    let read = match source {
        Source::File(path, _) | Source::Payload(path) => Some(path.clone()),
        Source::Inline(_) | Source::Nowhere => None,
    };
    let read = read.map(|path| (THE_SPEC, path));
    let payload = payload_path(spec, environment).map(|path| (THE_PAYLOAD, path));
    read.into_iter().chain(payload).collect()
}

fn payload_path(spec: &RunSpec, environment: &Environment) -> Option<PathBuf> {
    let named = spec.payloads.event_file_path.clone();
    named.or_else(|| environment.path(env::RUN_PAYLOAD))
}

/// Notes in the ledger what can be known without a spec.
pub fn note_unread(request: &Request, environment: &Environment, ledger: &Ledger) {
    let working_dir = std::env::current_dir().unwrap_or_else(|_| "/".into());
    ledger.on_spec(
        environment.get(env::PROVIDER).unwrap_or_default(),
        unread_paths(told_path(request, environment, &working_dir), None),
    );
}

/// Where the status of a run goes whose spec was not read, or says `of_spec`.
fn unread_paths(told: Option<PathBuf>, of_spec: Option<PathBuf>) -> Paths {
    let pod = || {
        let is_pod = Path::new("/workspace").is_dir();
        is_pod.then(|| PathBuf::from(DEFAULT_STATUS))
    };
    Paths {
        status: told.or(of_spec).or_else(pod),
        ..Paths::default()
    }
}

/// Where the command line or the environment wants the status.
fn told_path(request: &Request, environment: &Environment, working_dir: &Path) -> Option<PathBuf> {
    let told = request.status_path.clone();
    Some(working_dir.join(told.or_else(|| environment.path(env::STATUS_PATH))?))
}

fn read_spec(
    source: &Source,
    environment: &Environment,
    salvage: &dyn Fn(&[u8]),
) -> Result<(Document<RunSpec>, Option<Value>), LoadError> {
    let origin = source.origin();
    let bytes = match source {
        Source::Nowhere => return Err(LoadError::NoSpec),
        Source::Payload(path) => {
            let payload = spec::parse_payload(&read(path)?, &origin)?;
            let value = RunSpec::of_payload(path.clone(), &payload, environment);
            let raw = serde_json::to_value(&value).unwrap_or_default();
            return Ok((
                Document {
                    value,
                    raw,
                    unknown: Vec::new(),
                },
                Some(payload),
            ));
        }
        Source::Inline(text) => text.clone().into_bytes(),
        Source::File(path, _) => read(path)?,
    };
    let parsed = spec::parse(&bytes, &origin);
    if parsed.is_err() {
        // The spec is wrong somewhere, but may still say where its status goes.
        salvage(&bytes);
    }
    Ok((parsed?, None))
}

/// Notes what a spec that cannot be taken still says.
fn salvage(bytes: &[u8], told: Option<PathBuf>, working_dir: &Path, ledger: &Ledger) {
    let Ok(raw) = serde_json::from_slice::<Value>(bytes) else {
        return;
    };
    let text = |pointer: &str| raw.pointer(pointer).and_then(Value::as_str);
    let of_spec = text("/artifacts/statusPath").map(|path| working_dir.join(path));
    ledger.on_spec(
        text("/provider").unwrap_or_default(),
        unread_paths(told, of_spec),
    );
}

/// The payload is only a template root for exec: without it the run goes on, and says so.
fn read_payload(
    spec: &RunSpec,
    environment: &Environment,
    working_dir: &Path,
    ledger: &Ledger,
) -> Option<Value> {
    let path = working_dir.join(payload_path(spec, environment)?);
    let payload =
        read(&path).and_then(|bytes| Ok(spec::parse_payload(&bytes, &path.display().to_string())?));
    payload
        .inspect_err(|error| {
            tracing::warn!(
                error = error as &dyn std::error::Error,
                "Run payload not read; its template roots are empty."
            );
            ledger.warn(format!(
                "{}: the template roots of the run payload are empty",
                report::sentence(error, None)
            ));
        })
        .ok()
}

/// Reads what the image knows about a provider, and what in it we do not know.
fn read_definition(
    provider: &str,
    environment: &Environment,
) -> Result<(Option<ProviderDefinition>, Vec<String>), LoadError> {
    let nothing = Ok((None, Vec::new()));
    let directory = environment.get(env::PROVIDER_DIR).unwrap_or(PROVIDER_DIR);
    let named = environment.get(env::PROVIDER_PATH).map(PathBuf::from);
    let path = match &named {
        Some(path) => path.clone(),
        // The name comes from the spec: it must stay inside the directory.
        None if provider.contains('/') || provider.starts_with('.') => return nothing,
        None => Path::new(directory).join(format!("{provider}.json")),
    };
    if named.is_none() && !path.exists() {
        return nothing;
    }
    let document = spec::parse_definition(&read(&path)?, &path.display().to_string())?;
    let unknown = document.unknown.iter().map(ToString::to_string).collect();
    Ok((Some(document.value), unknown))
}

/// Reads a file of at most [`MAX_BYTES`] bytes; `-` is stdin.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, LoadError> {
    let limit = MAX_BYTES as u64 + 1;
    let mut bytes = Vec::new();
    let read = if path.as_os_str() == "-" {
        io::stdin().take(limit).read_to_end(&mut bytes)
    } else {
        File::open(path).and_then(|file| file.take(limit).read_to_end(&mut bytes))
    };
    match read {
        Ok(_) => Ok(bytes),
        Err(source) => Err(LoadError::Read {
            path: path.to_owned(),
            source,
        }),
    }
}

/// Reads every secret file that can be found; says which could not be read.
fn secrets(
    settings: &Redact,
    environment: &Environment,
) -> Result<(Vec<Found>, Vec<String>), LoadError> {
    let (mut found, mut unread) = (Vec::new(), Vec::new());
    if settings.enabled == Some(false) {
        return Ok((found, unread));
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
    files.extend(mounted.into_iter().map(|path| (file_name(&path), path)));
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
