//! The plan: everything that will be done, as one value, before anything is touched.
//!
//! [`Plan::new`] is a pure function of the spec, the payload, the provider definition and the
//! environment; `--dry-run` prints what it gives ([`Plan::view`]) and the shell does it. Nothing
//! past the plan reads a spec. Templates see the spec, the payload and, where a provider asks for
//! it, the environment; never the file system.
//!
//! Leniency is the contract's, silence is not ours: what is unknown or rendered to nothing is in
//! [`Plan::warnings`], and from there in the dry run, the log and the status.

mod adapter;
mod artifacts;
mod budget;
mod checkout;
mod claude;
mod codex;
mod context;
mod conversation;
mod events;
mod files;
mod lookup;
mod nats;
mod paths;
mod process;
mod publication;
mod refusal;
mod roots;
mod system_prompt;
mod talk;
mod view;
mod withheld;

pub use artifacts::{
    ArtifactsPlan, CredentialsPlan, Delivery, Encryption, KEY_LIMIT, KeyError, KeyProblem, S3Plan,
    StoreError, StorePlan,
};
pub use budget::{Budget, BudgetError, DEFAULT_GRACE};
pub use checkout::{
    Access, Branch, CheckoutPlan, CheckoutTimeouts, Identity as CommitIdentity, OnBase, Proxies,
    Remote, RemoteError, Revision, RevisionError, Scheme, SshAccess, Submodules, TokenSource,
    Trust, Where,
};
pub use conversation::{
    ClaudePlan, CodexExecPlan, CodexPlan, Conversation, CostLimits, Prompt, Sandbox,
    SystemPromptFile, ThreadGoal,
};
pub use events::{ContextPlan, EventsPlan, JOURNAL};
pub use files::FilePlan;
pub use nats::{Login, NatsError, NatsPlan, Server as NatsServer, Source as Given, Tls as NatsTls};
pub use paths::{FULL_STATUS, Paths, paths};
pub use process::{PROMPT_LIMIT, ProcessPlan, Stdin, Timers};
pub use publication::{Publication, publication};
pub use refusal::PlanError;
pub use roots::TEMPLATE_ROOTS;
pub use system_prompt::system_prompt_path;
pub use view::{CheckoutView, CodexView, DeliveryView, EventsView, PlanView, UploadsView};

use serde_json::Value;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::env::{self, Environment};
use crate::provider::Usage;
use crate::secret::{Found, Patterns, Redactor, in_environment};
use crate::settings::{self, Redact, RunnerSettings};
use crate::spec::{Document, ProviderDefinition, RunSpec};
use adapter::Talk;
use checkout::Need;
use roots::Templates;

/// Everything that a plan is made from.
#[derive(Debug, Clone)]
pub struct Inputs<'a> {
    /// The spec.
    pub spec: &'a Document<RunSpec>,
    /// `run.json`, if there is one.
    pub payload: Option<&'a Value>,
    /// What the image knows about the provider, if the spec has no adapter.
    pub definition: Option<ProviderDefinition>,
    /// The environment.
    pub environment: &'a Environment,
    /// Settings from the command line, as key and text.
    pub flags: &'a [(String, String)],
    /// The runner's own working directory; relative paths begin there.
    pub working_dir: &'a Path,
    /// Secrets found in files.
    pub secrets: Vec<Found>,
    /// What others said, for the template root `context`; fetched if a plan without it asks for it.
    pub context: Option<Value>,
    /// What the status file beside ours tells of the attempt before this one.
    pub previous: Option<Previous>,
    /// The file that holds the system prompt, if [`system_prompt_path`] names one.
    pub system_prompt: Option<SystemPromptFile>,
    /// SHA-256 of some bytes, in lower-case hexadecimal; the shell has the cryptography.
    pub sha256: fn(&[u8]) -> String,
    /// Where the command line wants the status, if it says it; wins.
    pub status_path: Option<PathBuf>,
    /// Files that were read for this plan and that no status or log may replace, each with the
    /// words for it.
    pub reserved: &'a [(&'static str, PathBuf)],
}

/// What is known of the attempt before this one.
#[derive(Debug, Clone, Default)]
pub struct Previous {
    /// Its number.
    pub attempt: u32,
    /// Its conversation, if that can be gone on with: it did not succeed, was the same run's with
    /// the same provider. Whether its state is there depends on the agent's environment, which is
    /// the plan's: the shell plans again without it if it is not.
    pub session: Option<String>,
    /// What that conversation had cost in all.
    pub usage: Option<Usage>,
}

/// Returns the uid of the `AgentRun` that a payload is of.
pub fn uid_of(payload: &Value) -> Option<&str> {
    payload.get("agentRun")?.get("uid")?.as_str()
}

/// Whose run it is.
#[derive(Debug, Clone, Default)]
pub struct Identity {
    /// Name of the provider.
    pub provider: String,
    /// `exec`, `codex-app-server` or `claude`.
    pub adapter: &'static str,
    /// Name of the `AgentRun`, if the payload says it.
    pub name: Option<String>,
    /// Its uid.
    pub uid: Option<String>,
    /// Its namespace.
    pub namespace: Option<String>,
    /// From 1.
    pub attempt: u32,
}

/// Everything that will be done.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Whose run it is.
    pub identity: Identity,
    /// What is cloned before anything else, if anything is.
    pub checkout: Option<CheckoutPlan>,
    /// What the agent's own git may use: that of the checkout, or of the environment without one;
    /// `None`: nothing was given, or nobody knows to which host it may go.
    pub access: Option<Access>,
    /// The directory for what the agent has not pushed, if it is to be saved: beside the status.
    pub wip: Option<PathBuf>,
    /// The agent.
    pub process: ProcessPlan,
    /// Files to write before it starts, in order.
    pub files: Vec<FilePlan>,
    /// A directory to make if it is not there: that of a codex adapter without a repository.
    pub make_dir: Option<PathBuf>,
    /// Directories below which no symbolic link is followed when files are written.
    pub roots: Vec<PathBuf>,
    /// What is stored after it ended.
    pub artifacts: ArtifactsPlan,
    /// Where the runner's own files go.
    pub paths: Paths,
    /// What becomes of events.
    pub events: EventsPlan,
    /// How the pod's grace period is divided.
    pub budget: Budget,
    /// Keeps secrets out of every sink.
    pub redactor: Redactor,
    /// What is not as it should be, but no reason to stop.
    pub warnings: Vec<String>,
}

/// Returns the settings of a run from all their places; `definition` counts where the spec has
/// no adapter.
///
/// # Errors
///
/// Returns [`settings::SettingsError`] for a flag or variable that is not a value.
pub fn settings_of(
    spec: &RunSpec,
    definition: Option<&ProviderDefinition>,
    environment: &Environment,
    flags: &[(String, String)],
) -> Result<RunnerSettings, settings::SettingsError> {
    // A provider definition carries settings as an adapter in the spec does.
    let defined = definition.and_then(|definition| definition.adapter.as_ref());
    let provider = spec
        .adapter
        .as_ref()
        .or(defined)
        .and_then(|adapter| adapter.runner.as_ref());
    settings::resolve(&[provider, spec.runner.as_ref()], environment, flags)
}

impl Plan {
    /// Decides everything. Pure.
    ///
    /// # Errors
    ///
    /// Returns the first [`PlanError`]; nothing was touched.
    pub fn new(inputs: &Inputs<'_>) -> Result<Self, PlanError> {
        let spec = &inputs.spec.value;
        let unknown = inputs.spec.unknown.iter();
        let mut warnings: Vec<String> = unknown.map(ToString::to_string).collect();
        let (exec, talk) = adapter::resolve(spec, inputs.definition.clone(), inputs.environment)?;
        let settings = settings_of(
            spec,
            inputs.definition.as_ref(),
            inputs.environment,
            inputs.flags,
        )?;
        let strict = settings.strict_templates.unwrap_or(false);
        let mut templates = Templates::new(inputs, &exec, &talk, &settings, strict);

        let mut process = process::plan(
            &exec,
            &talk,
            &settings,
            inputs,
            &mut templates,
            &mut warnings,
        )?;
        let of_codex = matches!(&talk, Talk::Codex(codex) if codex.cwd().is_some());
        let cwd = (settings.cwd.is_some() || of_codex).then_some(process.cwd.as_path());
        let need = if of_codex {
            Need::IfKnown
        } else {
            Need::IfAsked
        };
        let git = checkout::plan(inputs, &settings, cwd, need, &mut templates, &mut warnings)?;
        process.take_git(&git, settings.env.as_ref());
        let mut files = files::plan(&exec, inputs.working_dir, &mut templates)?;
        let budget = Budget::divide(
            pod_grace(inputs.environment)?,
            settings.grace_seconds.map(|span| span.0),
        )?;
        let redactor = redactor(
            settings.redact.as_ref(),
            [inputs.secrets.clone(), talk::secrets(&process.conversation)].concat(),
            // Ours too: a template may have copied what the agent itself does not get.
            &[&process.env, inputs.environment],
        );
        let mut paths = paths(spec, &settings, inputs.environment, inputs.working_dir);
        if let Some(told) = &inputs.status_path {
            paths.status = Some(inputs.working_dir.join(told));
        }
        let identity = identity(inputs, talk.kind());
        let events = events::plan(
            inputs,
            &settings,
            &process,
            &identity,
            &paths,
            budget,
            &mut warnings,
        )?;
        files.extend(context::file(inputs, events.context.as_ref()));
        paths.journal.clone_from(&events.journal);
        let wip = paths.wip(&settings, git.checkout.is_some(), &mut warnings);
        paths.refuse_inside(git.checkout.as_ref())?;
        paths.refuse_shared(&files, inputs.reserved, inputs.working_dir)?;
        let around = artifacts::Around {
            exec: &exec,
            process: &process,
            identity: &identity,
            paths: &paths,
            events: &events,
            has_wip: wip.is_some(),
        };
        let artifacts = artifacts::plan(&around, &settings, inputs, &mut templates, &mut warnings)?;
        warnings.extend(inputs.environment.unknown_of_ours());
        warnings.extend(templates.into_warnings());
        warnings.extend(budget.complaint());
        Ok(Self {
            identity,
            events,
            roots: roots_of(git.checkout.as_ref(), &process),
            make_dir: (of_codex && git.checkout.is_none()).then(|| process.cwd.clone()),
            checkout: git.checkout,
            access: git.access,
            wip,
            process,
            files,
            artifacts,
            paths,
            budget,
            redactor,
            warnings,
        })
    }
}

/// Builds the redactor for some environments; also used before there is a plan.
pub fn redactor(
    settings: Option<&Redact>,
    mut secrets: Vec<Found>,
    environments: &[&Environment],
) -> Redactor {
    use std::os::unix::ffi::OsStrExt;
    let settings = settings.cloned().unwrap_or_default();
    if settings.enabled == Some(false) {
        return Redactor::none();
    }
    let variables = environments
        .iter()
        .flat_map(|environment| environment.iter())
        .filter_map(|(name, value)| Some((name.to_str()?, value.as_bytes())));
    secrets.extend(in_environment(
        variables,
        settings.names.as_deref().unwrap_or_default(),
    ));
    let patterns = if settings.patterns == Some(false) {
        Patterns::Off
    } else {
        Patterns::On
    };
    Redactor::new(secrets, patterns)
}

/// The directories in which somebody else may have put symbolic links.
fn roots_of(checkout: Option<&CheckoutPlan>, process: &ProcessPlan) -> Vec<PathBuf> {
    let mut roots = vec![PathBuf::from("/workspace")];
    roots.extend(checkout.map(|checkout| checkout.dir.clone()));
    roots.push(process.cwd.clone());
    roots.dedup();
    roots
}

/// A hostile text as it may stand in a message: one line, not the longest.
fn shown(text: &str) -> String {
    crate::status::cut(&text.escape_debug().to_string(), 120)
}

fn pod_grace(environment: &Environment) -> Result<Duration, PlanError> {
    let Some(text) = environment.get(env::TERMINATION_GRACE) else {
        return Ok(DEFAULT_GRACE);
    };
    text.trim()
        .parse::<f64>()
        .ok()
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
        .ok_or_else(|| PlanError::BadGrace {
            value: text.to_owned(),
        })
}

fn identity(inputs: &Inputs<'_>, adapter: &'static str) -> Identity {
    let of_run = |key: &str| {
        let text = inputs.payload?.get("agentRun")?.get(key)?.as_str()?;
        Some(text.to_owned())
    };
    let previous = inputs
        .previous
        .as_ref()
        .map_or(0, |previous| previous.attempt);
    let told = inputs
        .environment
        .get(env::ATTEMPT)
        .and_then(|text| text.parse().ok());
    Identity {
        provider: inputs.spec.value.provider.clone(),
        adapter,
        name: of_run("name"),
        uid: inputs.payload.and_then(uid_of).map(str::to_owned),
        namespace: of_run("namespace"),
        attempt: told.unwrap_or(previous.saturating_add(1)),
    }
}

#[cfg(test)]
mod tests;
