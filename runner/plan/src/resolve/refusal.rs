//! Why a controller does not take a run.

use std::fmt;

use crate::manifest::Spot;

macro_rules! reasons {
    ($($(#[$meta:meta])* $name:ident,)*) => {
        /// Why, in the controller's word: what is in a condition of an `AgentRun`.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Reason {
            $($(#[$meta])* $name,)*
        }

        impl Reason {
            /// All of them, in the order in which a controller looks.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// Returns the word.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$name => stringify!($name),)*
                }
            }
        }
    };
}

reasons! {
    /// The cluster itself does not take the manifest: its schema says how long or how many.
    Invalid,
    /// `spec.runtime.type` is not there.
    MissingRuntime,
    /// There are too many parameters.
    ParametersTooLarge,
    /// A parameter is called `prompt`.
    ForbiddenParameterKey,
    /// A parameter is too long.
    ParameterValueTooLarge,
    /// A label that the controller demands is not there.
    MissingRequiredLabels,
    /// A label is one that the controller forbids.
    LabelBlocked,
    /// A label is none of those that the controller permits.
    LabelNotAllowed,
    /// A runtime of type `custom` has no endpoint.
    MissingEndpoint,
    /// A runtime of type `temporal` has no workflow type or no task queue.
    MissingTemporalConfig,
    /// The runtime starts no runner, or several; no word of the controller's.
    UnsupportedRuntime,
    /// The Agent is not there.
    MissingAgent,
    /// The `AgentProvider` is not there.
    MissingProvider,
    /// Nobody says an image.
    MissingWorkloadImage,
    /// The image is one that the controller forbids.
    ImageBlocked,
    /// The image is none of those that the controller permits.
    ImageNotAllowed,
    /// A Secret is none of those that are permitted.
    SecretNotAllowed,
    /// The service account is none of those that the Agent permits.
    ServiceAccountNotAllowed,
    /// There is nothing to do.
    MissingImplementation,
    /// The contract of the task is none.
    InvalidContract,
    /// The run lacks what the task needs.
    MissingRequiredMetadata,
    /// The Memory is not there.
    MissingMemory,
    /// A Secret is one that the controller forbids.
    SecretBlocked,
    /// The run has a system prompt of its own.
    SystemPromptOverrideNotAllowed,
    /// The reference to the system prompt is none.
    InvalidSystemPromptRef,
    /// The system prompt is not where the Agent says.
    MissingSystemPromptRef,
    /// The system prompt is too long.
    SystemPromptTooLong,
    /// The Agent has no system prompt.
    MissingSystemPromptConfiguration,
    /// The `VersionControlProvider` is not there.
    MissingVcsProvider,
    /// Nobody says which repository.
    MissingRepository,
    /// The repository is not one that the provider permits.
    VcsPolicyDenied,
    /// The provider cannot do what the run wants.
    VcsCapabilityDenied,
    /// The provider does not know this way to authenticate.
    UnsupportedVcsAuth,
    /// Something is missing in the way to authenticate.
    MissingVcsAuth,
    /// There is no way to authenticate.
    VcsAuthUnavailable,
    /// The run wants no repository.
    VcsDisabled,
    /// The controller has repositories switched off.
    VcsProvidersDisabled,
    /// What the controller made of it is no Job.
    SubmitFailed,
}

impl fmt::Display for Reason {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name())
    }
}

/// Why a controller does not take a run.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{at}: {message} ({reason})")]
#[non_exhaustive]
pub struct Refusal {
    /// In the controller's word.
    pub reason: Reason,
    /// In our words: a fragment without the place.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
    /// Which manifest, field, line and column.
    pub at: Box<Spot>,
}

impl Reason {
    /// What to do about it in general; whoever knows more says more.
    pub(super) fn next_step(self) -> Option<&'static str> {
        Some(match self {
            Self::Invalid => "shorten it",
            Self::MissingRuntime | Self::MissingEndpoint | Self::MissingTemporalConfig => {
                "a run of an agent is of type `job`"
            }
            Self::ParametersTooLarge => "write what belongs together into the task",
            Self::ForbiddenParameterKey => "give it another name, or write it into the task",
            Self::ParameterValueTooLarge => "shorten it, or write it into the task",
            Self::ImageBlocked => {
                "choose another; the variable `AGENTS_CONTROLLER_IMAGES_DENIED` says which it may not be"
            }
            Self::ImageNotAllowed => {
                "choose another; the variable `AGENTS_CONTROLLER_IMAGES_ALLOWED` says which it may be"
            }
            Self::SecretNotAllowed => "add it there, or choose another Secret",
            Self::ServiceAccountNotAllowed => "add it there, or choose another service account",
            Self::MissingImplementation => {
                "write what is to be done to `spec.implementation.inline.text`"
            }
            Self::InvalidContract => "write it, or remove the entry",
            Self::InvalidSystemPromptRef => "write `kind`, `name` and `key`",
            Self::MissingSystemPromptRef => "write the system prompt there",
            Self::MissingVcsProvider => {
                "write `spec.vcsRef.name`, or `spec.vcsPolicy.required: false`"
            }
            Self::VcsPolicyDenied => "choose another repository, or change the lists",
            Self::VcsCapabilityDenied => "want less: `spec.vcsPolicy.mode` of the run",
            Self::UnsupportedVcsAuth => "choose one that it takes",
            Self::MissingVcsAuth => "write it, or choose another `spec.auth.method`",
            Self::VcsAuthUnavailable => {
                "write `spec.auth`, or `spec.vcsPolicy.mode: read-only` to the run"
            }
            Self::VcsProvidersDisabled => {
                "the variable `AGENTS_CONTROLLER_VCS_PROVIDERS_ENABLED` says so"
            }
            _ => return None,
        })
    }
}

/// What to do about a manifest that nobody gave.
const NOT_GIVEN: &str = "give its manifest, too, in the same namespace";

impl Refusal {
    /// Adds what to do about it.
    #[must_use]
    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Adds what to do about a manifest that is not there, with the name that was perhaps meant.
    #[must_use]
    pub(super) fn meant(self, nearest: Option<String>) -> Self {
        match nearest {
            Some(nearest) => self.hint(format!("did you mean `{nearest}`?")),
            None => self.hint(NOT_GIVEN),
        }
    }
}
