//! The only reader of spec, payload, provider definitions, secret files and environment.
//!
//! Everything it reads it gives to `agent-plan`, which decides. It notes in the ledger what it
//! learns, so that a spec that cannot be read still has a status file.

mod context;
mod previous;
mod secrets;

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use agent_plan::env::{self, Environment};
use agent_plan::outcome::{Failure, Outcome};
use agent_plan::plan::{self, Inputs, Paths, Plan, PlanError, SystemPromptFile};
use agent_plan::secret::Found;
use agent_plan::settings::{RunnerSettings, SettingsError};
use agent_plan::spec::{
    self, Document, MAX_BYTES, PROVIDER_DIR, ProviderDefinition, RunSpec, Source, SpecError,
};
use serde_json::Value;

use crate::cancel::Cancel;
use crate::context::ContextError;
use crate::digest;
use crate::ledger::Ledger;
use crate::report;
use crate::telemetry;

/// Where a pod's status goes when nothing can be read that says so (contract §1.1).
const DEFAULT_STATUS: &str = "/workspace/.agent/status.json";

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
    /// Exact secrets that whoever asks gave to the run, besides those that are found.
    pub secrets: Vec<Found>,
}

/// How far a plan may reach for what it is made from.
#[derive(Debug, Clone, Copy)]
pub enum Reach<'a> {
    /// Files: a dry run touches nothing.
    Files,
    /// A server, too; given up when asked to.
    Network(&'a Cancel),
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
    /// What others said cannot be had, and is required.
    #[error("what others said is required (`events.context`) and cannot be fetched")]
    Context(#[source] ContextError),
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
            Self::Context(error) => error.hint(),
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
            Self::Context(_) => (Outcome::ProviderUnavailable, "ContextUnavailable"),
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
/// Blocks: on disks and, where others' words are wanted and `reach` allows it, on a server for as
/// long as the plan says.
///
/// # Errors
///
/// Returns [`LoadError`]; the ledger then has what could be learned.
pub fn plan(
    request: &Request,
    environment: &Environment,
    ledger: &Ledger,
    reach: Reach<'_>,
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
    let (definition, unknown) = match &spec.adapter {
        Some(adapter) if adapter.kind.is_some() => (None, Vec::new()),
        _ => read_definition(&spec.provider, environment)?,
    };
    let settings = plan::settings_of(spec, definition.as_ref(), environment, &request.flags)?;
    let redact = settings.redact.unwrap_or_default();
    let (mut secrets, mut unredacted) = secrets::find(&redact, environment)?;
    secrets.extend(request.secrets.iter().cloned());
    let payload = match payload {
        Some(payload) => Some(payload),
        None => read_payload(spec, environment, &working_dir, ledger),
    };
    let system_prompt = plan::system_prompt_path(spec, definition.as_ref(), environment)
        .map(|path| system_prompt(working_dir.join(path)));
    let status = paths.status.as_deref();
    let uid = payload.as_ref().and_then(plan::uid_of);
    let previous = status.and_then(|path| previous::previous(path, &spec.provider, uid));
    let mut inputs = Inputs {
        spec: &document,
        payload: payload.as_ref(),
        definition,
        environment,
        flags: &request.flags,
        working_dir: &working_dir,
        secrets,
        previous,
        context: None,
        system_prompt,
        sha256: digest::sha256_hex,
        status_path: paths.status.clone(),
        reserved: &reserved(&source, spec, environment),
    };
    let decide = |inputs: &Inputs<'_>| {
        Plan::new(inputs).inspect_err(|error| {
            // It may repeat what was rendered, and there is no plan whose redactor knows it all.
            let secrets = inputs.secrets.clone();
            telemetry::redact_with(plan::redactor(Some(&redact), secrets, &[environment]));
            let read = [THE_SPEC, THE_PAYLOAD];
            if matches!(error, PlanError::PathTaken { first, .. } if read.contains(&first.as_str()))
            {
                // The status of this very failure must not go there either.
                ledger.on_spec(&spec.provider, Paths::default());
            }
        })
    };
    let mut plan = decide(&inputs)?;
    let (more, unread) = secrets::of_templates(&redact, &plan.process, &working_dir)?;
    unredacted.extend(unread);
    if !more.is_empty() {
        inputs.secrets.extend(more);
        plan = decide(&inputs)?;
    }
    if let Some(previous) = inputs.previous.take_if(|it| it.session.is_some()) {
        // The agent's environment, which only a plan has, says whether its conversation is there.
        inputs.previous = Some(previous::located(previous, &plan.process));
        plan = decide(&inputs)?;
    }
    let mut warnings = Vec::new();
    inputs.context = context::said(&plan, reach, &mut warnings)?;
    if inputs.context.is_some() {
        plan = decide(&inputs)?;
    }
    plan.warnings.extend(warnings);
    let missing = agent_providers::equip(&mut plan.process);
    plan.warnings.extend(missing);
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
            ledger.warn(format!(
                "{}: the template roots of the run payload are empty",
                report::sentence(error, None)
            ));
        })
        .ok()
}

/// Reads the system prompt; whether it may be missing is for the plan to say.
fn system_prompt(path: PathBuf) -> SystemPromptFile {
    let text = read(&path).map_err(|error| report::sentence(&error, None));
    let content =
        text.and_then(|bytes| String::from_utf8(bytes).map_err(|error| error.to_string()));
    SystemPromptFile { path, content }
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
