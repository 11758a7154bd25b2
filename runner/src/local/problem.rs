//! Why there is no local run.

use std::io;
use std::path::PathBuf;

use agent_plan::manifest::{ManifestError, Spot};
use agent_plan::outcome::Outcome;
use agent_plan::resolve::{ControllerError, Reason, Refusal};

use super::marker::WorkspaceError;
use super::secrets::SecretError;
use super::sources::SourceError;
use crate::load::LoadError;
use crate::report;

/// Why there is no local run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(super) enum Problem {
    /// Something cannot be read.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// Manifests are not as they should be.
    #[error("{} manifests are wrong", .0.len())]
    Manifests(Vec<ManifestError>),
    /// There is nothing to run.
    #[error("there is no AgentRun among the manifests")]
    NoRun,
    /// There is more than one.
    #[error("there are several AgentRuns: {}", .0.join(", "))]
    Several(Vec<String>),
    /// The one that is wanted is not there.
    #[error("there is no AgentRun `{name}`")]
    NoSuchRun {
        /// What is wanted.
        name: String,
        /// What was perhaps meant.
        nearest: Option<String>,
    },
    /// What a controller would be told is wrong.
    #[error(transparent)]
    Controller(#[from] ControllerError),
    /// A controller would not take it.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// What `--secret` says is no place of a value.
    #[error("`--secret`: {0}")]
    Given(&'static str),
    /// A value of a Secret cannot be had.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// Values of Secrets are not there; each a problem and what to do about it.
    #[error("{} values of Secrets are missing", .0.len())]
    Missing(Vec<(String, String)>),
    /// The pod is none that can be had here.
    #[error("{}the pod cannot be had here: {what}", at.as_ref().map_or(String::new(), |at| format!("{at}: ")))]
    Pod {
        /// Because of which field; none: because of this machine, or the controller.
        at: Option<Box<Spot>>,
        /// Why: a fragment.
        what: String,
        /// What to do about it.
        hint: &'static str,
    },
    /// The arguments of the container start no run.
    #[error(
        "the provider's `argsTemplate`, which becomes the arguments of the runner, starts no run: {0}"
    )]
    Arguments(String),
    /// The agent of this machine is not there, or not the one that is meant.
    #[error("{0}")]
    Agent(String),
    /// The directory cannot be that of the run.
    #[error(transparent)]
    Workspace(#[from] WorkspaceError),
    /// A file or directory cannot be made.
    #[error("`{}` cannot be made", path.display())]
    Make {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Signals cannot be held back.
    #[error("signals cannot be held back")]
    Signals(#[source] io::Error),
    /// Stdout does not take what is printed.
    #[error("stdout cannot be written")]
    Print(#[source] io::Error),
    /// The runner itself does not take it.
    #[error(transparent)]
    Load(#[from] LoadError),
}

impl Problem {
    /// Returns a problem with a file or directory that is to be made.
    pub(super) fn making(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Make { path, source }
    }

    /// Returns what a run would end as that ended so.
    pub(super) fn outcome(&self) -> Outcome {
        match self {
            Self::Source(_) | Self::Secret(_) | Self::Missing(_) | Self::Agent(_) => {
                Outcome::InputMissing
            }
            Self::Several(_) | Self::NoSuchRun { .. } | Self::Given(_) | Self::Arguments(_) => {
                Outcome::Usage
            }
            Self::Refused(refusal) => outcome(refusal.reason),
            Self::Workspace(_) | Self::Make { .. } | Self::Print(_) => Outcome::WorkspaceFailed,
            Self::Load(error) => error.failure().outcome,
            Self::Signals(_) => Outcome::Internal,
            Self::Manifests(_) | Self::NoRun | Self::Controller(_) | Self::Pod { .. } => {
                Outcome::SpecInvalid
            }
        }
    }

    /// Returns what to tell, one line each, with its hint.
    pub(super) fn lines(&self) -> Vec<String> {
        match self {
            Self::Manifests(errors) => {
                let each = |error: &ManifestError| report::sentence(error, error.hint());
                errors.iter().map(each).collect()
            }
            Self::Missing(values) => {
                let each = |(problem, hint): &(String, String)| format!("{problem}; {hint}");
                values.iter().map(each).collect()
            }
            other => vec![report::sentence(other, other.hint())],
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::NoRun => Some("add one: `kind: AgentRun`".to_owned()),
            Self::Several(_) => Some("say which: `--name NAME`".to_owned()),
            Self::NoSuchRun { nearest, .. } => {
                let nearest = nearest.as_ref();
                nearest.map(|nearest| format!("did you mean `{nearest}`?"))
            }
            Self::Refused(refusal) => refusal.hint.clone(),
            Self::Load(error) => error.hint(),
            Self::Workspace(error) => error.hint(),
            Self::Pod { hint, .. } => Some((*hint).to_owned()),
            Self::Arguments(_) => Some(
                "what the agent gets belongs into `adapter.exec.argsTemplate`; `agent-runner --help` lists what the runner takes"
                    .to_owned(),
            ),
            _ => None,
        }
    }
}

/// What a controller's reason means for a run.
fn outcome(reason: Reason) -> Outcome {
    match reason {
        Reason::MissingAgent
        | Reason::MissingProvider
        | Reason::MissingMemory
        | Reason::MissingSystemPromptRef
        | Reason::MissingVcsProvider => Outcome::InputMissing,
        Reason::MissingRequiredLabels
        | Reason::LabelBlocked
        | Reason::LabelNotAllowed
        | Reason::ImageBlocked
        | Reason::ImageNotAllowed
        | Reason::SecretNotAllowed
        | Reason::SecretBlocked
        | Reason::ServiceAccountNotAllowed
        | Reason::VcsPolicyDenied
        | Reason::VcsCapabilityDenied
        | Reason::VcsProvidersDisabled => Outcome::PolicyRefused,
        _ => Outcome::SpecInvalid,
    }
}
