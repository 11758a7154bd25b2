//! Why there can be no plan.

use std::path::PathBuf;

use crate::outcome::Outcome;
use crate::settings::SettingsError;
use crate::template::TemplateError;

use super::BudgetError;
use super::artifacts::KeyProblem;
use super::checkout::{RemoteError, RevisionError};

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
    /// Events must go somewhere, and there is no server.
    #[error("`{what}` needs a NATS server, and there is none to publish to")]
    NoServer {
        /// The setting.
        what: &'static str,
    },
    /// Events must go to a server that cannot be made out.
    #[error("events cannot be published")]
    Nats(#[from] super::NatsError),
    /// An exec adapter without a binary.
    #[error("`adapter.exec.binary` is missing or empty")]
    NoBinary,
    /// A protocol that an exec adapter cannot speak.
    #[error("`runner.protocol` is `codex-app-server`, which an exec adapter does not speak")]
    ProtocolNeedsAdapter,
    /// An adapter that asks something, and nothing to ask.
    #[error("`{template}` is missing or blank, and the run has no prompt either")]
    NoPrompt {
        /// Where it could be.
        template: String,
    },
    /// A word that is none of those that there are.
    #[error("`{place}` is `{word}`; it can be {words}")]
    BadWord {
        /// The field.
        place: String,
        /// What it says.
        word: String,
        /// What it can say.
        words: &'static str,
        /// The one that was perhaps meant.
        nearest: Option<String>,
    },
    /// The system prompt is not there, or is not the one that was meant.
    #[error("the system prompt, `{place}`, {problem}")]
    SystemPrompt {
        /// The file, the field, or the variable that asks for it.
        place: String,
        /// What is wrong with it.
        problem: String,
    },
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
    /// A field of the payload that we read has a value of the wrong type.
    #[error("`{place}`: {problem}")]
    WrongType {
        /// The field.
        place: String,
        /// In the parser's words: what is there, and what was expected.
        problem: String,
    },
    /// A checkout is asked for, and nothing says of what.
    #[error("a checkout is asked for, but neither a URL nor a repository is named")]
    NoRepository,
    /// A repository is named, and nothing says on which server.
    #[error("the repository is on a server of the kind `{provider}`, which nobody names")]
    NoCloneBase {
        /// The kind.
        provider: String,
    },
    /// A repository's name is not `owner/repository`.
    #[error("`{place}` is `{repository}`, which is not `owner/repository`")]
    BadRepository {
        /// The field or variable.
        place: String,
        /// What it says.
        repository: String,
    },
    /// A URL cannot be cloned from, or must not be.
    #[error("`{place}` cannot be cloned from")]
    BadRemote {
        /// The field or variable.
        place: String,
        /// Why.
        #[source]
        source: RemoteError,
    },
    /// A text is not the name of a branch, tag or commit.
    #[error("`{place}` is `{name}`, which names no commit or branch")]
    BadRef {
        /// The field or variable.
        place: String,
        /// What it says.
        name: String,
        /// Why.
        #[source]
        source: RevisionError,
    },
    /// A directory in the repository is not below it.
    #[error("`{place}` is `{path}`, which is no directory in a repository: {problem}")]
    BadSubdirectory {
        /// The field.
        place: String,
        /// What it says.
        path: String,
        /// Why.
        problem: &'static str,
    },
    /// A timeout without which a checkout cannot work is zero.
    #[error("`runner.{setting}` is zero")]
    NoTime {
        /// The setting's key.
        setting: String,
    },
    /// The runner's own file would be in the checkout.
    #[error("{what}, `{}`, would be inside the checkout `{}`", path.display(), dir.display())]
    InsideCheckout {
        /// What it is.
        what: &'static str,
        /// Where it would be.
        path: PathBuf,
        /// Where the checkout goes.
        dir: PathBuf,
    },
    /// What keys begin with cannot be that.
    #[error("`runner.artifacts.prefix` renders to `{prefix}`, {problem}")]
    BadPrefix {
        /// What it says.
        prefix: String,
        /// What is wrong with it.
        problem: KeyProblem,
    },
    /// An artifact of the settings cannot be stored.
    #[error("`{place}`: the artifact `{name}` {problem}")]
    BadArtifact {
        /// The entry.
        place: String,
        /// The artifact's name.
        name: String,
        /// What is wrong with it.
        problem: &'static str,
        /// The declared one that was perhaps meant.
        nearest: Option<String>,
    },
    /// The grace period is too short for what is asked.
    #[error("the pod's grace period is too short")]
    Budget(#[from] BudgetError),
}

impl PlanError {
    /// Returns the outcome of a run that ends here.
    pub fn outcome(&self) -> Outcome {
        match self {
            Self::SystemPrompt { .. } => Outcome::PolicyRefused,
            Self::BadRemote { source, .. } if source.is_policy() => Outcome::PolicyRefused,
            _ => Outcome::SpecInvalid,
        }
    }

    /// Returns the CamelCase word below the outcome.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::NoAdapter { .. } => "NoAdapter",
            Self::NoAdapterType | Self::UnknownAdapter { .. } => "UnknownAdapter",
            Self::NoServer { .. } | Self::Nats(_) => "NoServer",
            Self::NoBinary => "NoBinary",
            Self::ProtocolNeedsAdapter | Self::BadWord { .. } => "BadWord",
            Self::NoPrompt { .. } => "NoPrompt",
            Self::SystemPrompt { .. } => "SystemPrompt",
            Self::Settings(_) | Self::BadGrace { .. } | Self::NoTime { .. } => "BadSetting",
            Self::Template { .. } | Self::NotText { .. } => "BadTemplate",
            Self::EmptyTag { .. } => "EmptyTag",
            Self::TooLong { .. } => "TooLong",
            Self::Nul { .. } | Self::BadName { .. } => "BadText",
            Self::BlankPath { .. }
            | Self::Upwards { .. }
            | Self::BadSubdirectory { .. }
            | Self::BadPrefix { .. } => "BadPath",
            Self::BadArtifact { .. } => "BadArtifact",
            Self::WrongType { .. } => "WrongType",
            Self::NoRepository => "NoRepository",
            Self::NoCloneBase { .. } => "NoCloneBase",
            Self::BadRepository { .. } => "BadRepository",
            Self::BadRemote { .. } => "BadRemote",
            Self::BadRef { .. } => "BadRef",
            Self::BadMode { .. } => "BadMode",
            Self::PathTaken { .. } => "PathTaken",
            Self::InsideCheckout { .. } => "InsideCheckout",
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
            Self::UnknownAdapter { nearest, .. } | Self::EmptyTag { nearest, .. } | Self::BadWord { nearest, .. } => meant(nearest),
            Self::BadArtifact { nearest, .. } => meant(nearest).or_else(|| {
                Some("give it a name and a path, or the name of a declared artifact that has one".to_owned())
            }),
            Self::ProtocolNeedsAdapter => Some("write `\"type\": \"codex-app-server\"`, or the protocol `codex-exec`".to_owned()),
            Self::NoPrompt { .. } => Some("give the run a prompt: `runner.prompt`, the adapter's `prompt`, or `prompt` or `implementation.text` in run.json".to_owned()),
            Self::SystemPrompt { .. } => Some("mount the file whose hash the controller recorded, or record the new one".to_owned()),
            Self::NoAdapterType => Some("write `\"type\": \"exec\"` beside `exec`".to_owned()),
            Self::NoServer { .. } => Some("set `NATS_URL`, as `nats://host:4222`, in the provider's `envTemplate` or in the pod; events must go to the sink `nats`".to_owned()),
            Self::NoBinary => Some("set it to the path or name of the agent's executable".to_owned()),
            Self::TooLong { .. } => Some("pass it as an input file, or as `runner.prompt`, which goes through stdin".to_owned()),
            Self::PathTaken { .. } => Some("give each a path of its own".to_owned()),
            Self::InsideCheckout { .. } => Some(
                "give the checkout a directory of its own, such as `cwd: /workspace/repo`"
                    .to_owned(),
            ),
            Self::NoRepository => Some("set `runner.workspace.git.url`, or `repository` in the run's `vcs` or parameters".to_owned()),
            Self::NoCloneBase { .. } => Some("set the clone URL of the VersionControlProvider (`cloneBaseUrl`, `VCS_CLONE_BASE_URL`)".to_owned()),
            Self::BadRepository { .. } => Some("write `owner/repository`, with groups between them if there are any; for a whole URL, `runner.workspace.git.url`".to_owned()),
            Self::BadRemote { source, .. } => Some(source.hint()),
            Self::BadRef { .. } => Some("write a branch, a tag, a commit's id, or a full reference such as `refs/heads/main`".to_owned()),
            Self::BadSubdirectory { .. } => Some("write a path from the repository's root, such as `packages/api`".to_owned()),
            Self::NoTime { .. } => Some("write seconds, or words such as `90s`; only `workspace.timeouts.total` may be 0".to_owned()),
            Self::Upwards { .. } => Some("write the path without `..`".to_owned()),
            Self::Budget(_) => Some(
                "raise `terminationGracePeriodSeconds` and `AGENT_RUNNER_TERMINATION_GRACE_SECONDS` with it, or lower `graceSeconds`".to_owned(),
            ),
            _ => None,
        }
    }
}
