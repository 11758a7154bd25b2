//! What is stored after the agent's end, and where (contract §6, design §11).
//!
//! Three things come together: what the provider declared, which is shown in the status whether it
//! is stored or not; what the settings say of it and add to it; and the store. Whether a file is
//! there, and whether it is a file at all, is not known here.

mod credentials;
mod declared;
mod delivery;
mod endpoint;
mod key;
mod store;

pub use credentials::CredentialsPlan;
pub use delivery::Delivery;
pub use key::{KEY_LIMIT, KeyError, KeyProblem};
pub use store::{Encryption, S3Plan, StoreError, StorePlan};

use std::path::PathBuf;
use std::time::Duration;

use super::adapter::Exec;
use super::lookup::Lookup;
use super::roots::Templates;
use super::{EventsPlan, Identity, Inputs, Paths, PlanError, ProcessPlan, shown};
use crate::record::Speaker;
use crate::settings::{ArtifactSettings, EncryptionMode, Included, RunnerSettings};
use crate::spec::OutputArtifact;

/// How long storing may take: 256 GiB at the 75 MiB/s of one fast connection.
const TIMEOUT: Duration = Duration::from_hours(1);

/// What is stored after the agent's end, and where.
#[derive(Debug, Clone)]
pub struct ArtifactsPlan {
    /// What the provider declared, rendered; the status shows it.
    pub declared: Vec<OutputArtifact>,
    /// What is stored: declared artifacts with a key, in order, then those of the settings.
    pub deliveries: Vec<Delivery>,
    /// Which of the runner's own files are, too; each once, and only those that there will be.
    pub include: Vec<Included>,
    /// What their keys begin with: `<prefix>/<run>/<attempt>/`, normal, with that final `/`.
    pub prefix: String,
    /// Where; an error only counts if there is something to store.
    pub store: Result<StorePlan, StoreError>,
    /// How long it may take when nobody stops the run.
    pub timeout: Duration,
    /// Whether a file that is no text is refused when a secret is found in it: `redact.failClosed`.
    pub fail_closed: bool,
}

impl ArtifactsPlan {
    /// Says whether nothing is stored.
    pub fn is_idle(&self) -> bool {
        self.deliveries.is_empty() && self.include.is_empty()
    }
}

/// What of the rest of a plan this part needs.
pub(super) struct Around<'a> {
    pub(super) exec: &'a Exec,
    pub(super) process: &'a ProcessPlan,
    pub(super) identity: &'a Identity,
    pub(super) paths: &'a Paths,
    pub(super) events: &'a EventsPlan,
    pub(super) has_wip: bool,
}

pub(super) fn plan(
    around: &Around<'_>,
    settings: &RunnerSettings,
    inputs: &Inputs<'_>,
    templates: &mut Templates,
    warnings: &mut Vec<String>,
) -> Result<ArtifactsPlan, PlanError> {
    let redact = settings.redact.as_ref();
    let fail_closed = redact.and_then(|redact| redact.fail_closed);
    let settings = settings.artifacts.clone().unwrap_or_default();
    let declared = declared::render(around.exec, templates)?;
    let prefix = prefix(
        &settings,
        around.identity,
        &around.events.speaker,
        templates,
    )?;
    let deliveries = delivery::plan(&declared, &settings, &prefix, inputs.working_dir, templates)?;
    let timeout = settings.timeout.map_or(TIMEOUT, |span| span.0);
    if timeout.is_zero() {
        let setting = "artifacts.timeout".to_owned();
        return Err(PlanError::NoTime { setting });
    }
    if settings.kms_key.is_some() && settings.encryption != Some(EncryptionMode::Kms) {
        warnings
            .push("`artifacts.kmsKey` is ignored: `artifacts.encryption` is not `kms`".to_owned());
    }
    // A codex adapter renders no variables, so that it has the environment alone, as the contract
    // says.
    let lookup = Lookup::new(around.process, inputs.environment);
    let plan = ArtifactsPlan {
        declared,
        deliveries,
        include: included(&settings, around, warnings),
        prefix,
        store: store::plan(&settings, &lookup, inputs.environment, inputs.working_dir),
        timeout,
        fail_closed: fail_closed.unwrap_or(false),
    };
    warnings.extend(plan.complaints());
    Ok(plan)
}

/// What the keys begin with that nobody wrote.
fn prefix(
    settings: &ArtifactSettings,
    identity: &Identity,
    speaker: &Speaker,
    templates: &mut Templates,
) -> Result<String, PlanError> {
    let told = match &settings.prefix {
        Some(template) => templates.artifact("runner.artifacts.prefix", template)?,
        None => String::new(),
    };
    let names = [
        speaker.run_name.as_deref(),
        Some(speaker.run_uid.as_str()),
        Some(identity.provider.as_str()),
    ];
    let run = names.into_iter().flatten().find_map(key::segment);
    let run = run.unwrap_or_else(|| "run".to_owned());
    match key::normal(&format!("{told}/{run}/{}", identity.attempt)) {
        Ok(prefix) => Ok(format!("{prefix}/")),
        Err(problem) => Err(PlanError::BadPrefix {
            prefix: shown(&told),
            problem,
        }),
    }
}

/// Which of the runner's own files are stored, of those that there will be.
fn included(
    settings: &ArtifactSettings,
    around: &Around<'_>,
    warnings: &mut Vec<String>,
) -> Vec<Included> {
    let mut included = Vec::new();
    for file in settings.include.iter().flatten() {
        let (is_there, problem) = match file {
            Included::Log => (
                around.paths.log.is_some(),
                "there is no `artifacts.logPath`",
            ),
            Included::Journal => (
                around.events.journal.is_some(),
                "the journal is a private one, gone at the end",
            ),
            Included::Status => (
                around.paths.status.is_some(),
                "there is no `artifacts.statusPath`",
            ),
            Included::WorkspaceWip => (around.has_wip, "`workspace.wip` saves nothing"),
            Included::Manifest => (true, ""),
        };
        if !is_there {
            let word = file.word();
            warnings.push(format!("`artifacts.include` stores no `{word}`: {problem}"));
        } else if !included.contains(file) {
            included.push(*file);
        }
    }
    included
}

impl ArtifactsPlan {
    /// Says early what cannot be stored; a run fails of it only when it would have succeeded.
    fn complaints(&self) -> Vec<String> {
        let mut complaints = Vec::new();
        for delivery in &self.deliveries {
            if let Some(problem) = delivery.problem() {
                complaints.push(format!("{problem}{}", delivery.consequence()));
            }
        }
        if let Err(error) = &self.store {
            // One says it of all, and one that the run fails of says the most.
            let mut deliveries = self.deliveries.iter();
            let worst = deliveries.clone().find(|delivery| delivery.is_required());
            if let Some(delivery) = worst.or_else(|| deliveries.next()) {
                let name = &delivery.name;
                let what = if delivery.declared.is_some() {
                    "has a key"
                } else {
                    "is to be stored"
                };
                let consequence = delivery.consequence();
                complaints.push(format!(
                    "artifact `{name}` {what}, but {error}{consequence}"
                ));
            } else if !self.include.is_empty() {
                complaints.push(format!("`artifacts.include` stores nothing: {error}"));
            }
        }
        complaints.extend(self.shared_key());
        complaints
    }

    /// Says of the first two artifacts of one run with one key that one replaces the other.
    fn shared_key(&self) -> Option<String> {
        for (index, later) in self.deliveries.iter().enumerate() {
            let Ok(key) = &later.key else { continue };
            let mut earlier = self.deliveries[..index].iter();
            let meets = |other: &&Delivery| {
                let both =
                    |succeeded| other.when.applies(succeeded) && later.when.applies(succeeded);
                other.key.as_ref() == Ok(key)
                    && !(other.is_tree && later.is_tree)
                    && (both(true) || both(false))
            };
            if let Some(other) = earlier.find(meets) {
                return Some(format!(
                    "artifacts `{}` and `{}` have one key, `{key}`: one replaces the other",
                    other.name, later.name
                ));
            }
        }
        None
    }
}

/// A path as it is written, below the working directory unless it is absolute.
fn path_of(text: &str, working_dir: &std::path::Path) -> Option<PathBuf> {
    (!text.trim().is_empty()).then(|| working_dir.join(text))
}
