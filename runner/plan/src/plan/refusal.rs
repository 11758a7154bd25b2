//! Why there can be no plan.

use std::path::PathBuf;

use crate::outcome::Outcome;
use crate::settings::SettingsError;
use crate::template::TemplateError;

use super::BudgetError;

/// Why there can be no plan. Nothing was touched.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PlanError {
    /// The spec does not say how to talk to the provider, and nothing else does.
    #[error("provider `{provider}` has no adapter in the spec and no definition in the image")]
    NoAdapter {
        /// The provider.
        provider: String,
    },
    /// The spec has an adapter that does not say which it is.
    #[error("`adapter.type` is missing")]
    NoAdapterType,
    /// `adapter.type` is a word that we do not know.
    #[error("unknown adapter type `{kind}`")]
    UnknownAdapter {
        /// The word.
        kind: String,
        /// The one that was perhaps meant.
        nearest: Option<String>,
    },
    /// The spec asks for something that this build does not do.
    #[error("`{what}` is not in this build")]
    NotBuilt {
        /// What it asks for.
        what: String,
    },
    /// An exec adapter without a binary.
    #[error("`adapter.exec.binary` is missing or empty")]
    NoBinary,
    /// A setting is wrong.
    #[error("a setting cannot be used")]
    Settings(#[from] SettingsError),
    /// A value that must be text is not.
    #[error("`{template}` must be text")]
    NotText {
        /// The template's name.
        template: String,
    },
    /// A template cannot be rendered.
    #[error("`{template}` cannot be rendered")]
    Template {
        /// The template's name.
        template: String,
        /// Why.
        #[source]
        source: TemplateError,
    },
    /// Strict mode: a path leads nowhere.
    #[error("`{template}`: `{{{{{path}}}}}` leads nowhere")]
    EmptyTag {
        /// The template's name.
        template: String,
        /// The path.
        path: String,
        /// The name that was perhaps meant.
        nearest: Option<String>,
    },
    /// An argument or variable is longer than the kernel takes (128 KiB).
    #[error(
        "`{template}` renders to {bytes} bytes; the kernel takes {limit} in one argument or variable"
    )]
    TooLong {
        /// The template's name.
        template: String,
        /// Its bytes.
        bytes: usize,
        /// The kernel's limit.
        limit: usize,
    },
    /// An argument, variable or path has a NUL byte in it.
    #[error("`{template}` renders to text with a NUL byte")]
    Nul {
        /// The template's name.
        template: String,
    },
    /// A variable's name is empty or has a `=` in it.
    #[error("`{template}` is not the name of a variable")]
    BadName {
        /// The template's name.
        template: String,
    },
    /// A path that must say something renders to nothing.
    #[error("`{template}` renders to an empty path")]
    BlankPath {
        /// The template's name.
        template: String,
    },
    /// A path steps upwards.
    #[error("`{template}` renders to `{path}`, which has a `..` in it")]
    Upwards {
        /// The template's name.
        template: String,
        /// The path.
        path: String,
    },
    /// A mode is not octal.
    #[error("`{template}` is `{mode}`, which is not an octal mode such as `0644`")]
    BadMode {
        /// The template's name.
        template: String,
        /// What it says.
        mode: String,
    },
    /// The pod's grace period is not a number.
    #[error(
        "`$AGENT_RUNNER_TERMINATION_GRACE_SECONDS` is set to `{value}`, which is not a number of seconds"
    )]
    BadGrace {
        /// What it says.
        value: String,
    },
    /// Two files of this run have one place, where one would destroy the other.
    #[error("{first} and {second} have one path, `{}`", path.display())]
    PathTaken {
        /// The path.
        path: PathBuf,
        /// What is there.
        first: String,
        /// What would be there too.
        second: String,
    },
    /// The grace period is too short for what is asked.
    #[error("the pod's grace period is too short")]
    Budget(#[from] BudgetError),
}

impl PlanError {
    /// Returns the outcome of a run that ends here.
    pub fn outcome(&self) -> Outcome {
        match self {
            Self::NotBuilt { .. } => Outcome::ProviderUnavailable,
            _ => Outcome::SpecInvalid,
        }
    }

    /// Returns the CamelCase word below the outcome.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::NoAdapter { .. } => "NoAdapter",
            Self::NoAdapterType | Self::UnknownAdapter { .. } => "UnknownAdapter",
            Self::NotBuilt { .. } => "NotBuilt",
            Self::NoBinary => "NoBinary",
            Self::Settings(_) | Self::BadGrace { .. } => "BadSetting",
            Self::Template { .. } | Self::NotText { .. } => "BadTemplate",
            Self::EmptyTag { .. } => "EmptyTag",
            Self::TooLong { .. } => "TooLong",
            Self::Nul { .. } | Self::BadName { .. } => "BadText",
            Self::BlankPath { .. } | Self::Upwards { .. } => "BadPath",
            Self::BadMode { .. } => "BadMode",
            Self::PathTaken { .. } => "PathTaken",
            Self::Budget(_) => "GraceTooShort",
        }
    }

    /// Returns what to do about it.
    pub fn hint(&self) -> Option<String> {
        let meant = |nearest: &Option<String>| {
            nearest
                .as_ref()
                .map(|nearest| format!("did you mean `{nearest}`?"))
        };
        match self {
            Self::NoAdapter { provider } => Some(format!(
                "give the AgentProvider an `adapter`, or put `{provider}.json` into `$AGENT_PROVIDER_DIR`"
            )),
            Self::UnknownAdapter { nearest, .. } | Self::EmptyTag { nearest, .. } => meant(nearest),
            Self::NoAdapterType => Some("write `\"type\": \"exec\"` beside `exec`".to_owned()),
            Self::NoBinary => Some("set it to the path or name of the agent's executable".to_owned()),
            Self::TooLong { .. } => Some("pass it as an input file, or as `runner.prompt`, which goes through stdin".to_owned()),
            Self::PathTaken { .. } => Some("give each a path of its own".to_owned()),
            Self::Upwards { .. } => Some("write the path without `..`".to_owned()),
            Self::Budget(_) => Some(
                "raise `terminationGracePeriodSeconds` and `AGENT_RUNNER_TERMINATION_GRACE_SECONDS` with it, or lower `graceSeconds`".to_owned(),
            ),
            _ => None,
        }
    }
}
