//! What is stored where: the settings below `artifacts`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Span;

/// Which files are stored, where, and how.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ArtifactSettings {
    /// `http(s)://host[:port][/base]`, `file:///directory`, or `aws` for AWS's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
    /// The bucket; with a directory, one below it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bucket: Option<String>,
    /// The region that requests are signed for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// As whom objects are stored.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub credentials: Option<CredentialsMode>,
    /// Where the bucket's name stands in a URL.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub addressing: Option<Addressing>,
    /// What keys that nobody wrote begin with; `<run>/<attempt>/` follows. A template.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prefix: Option<String>,
    /// Which of the runner's own files are stored, too.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub include: Option<Vec<Included>>,
    /// Further files, and more about declared ones.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub files: Option<Vec<ArtifactEntry>>,
    /// After which runs an artifact is stored that does not say it itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub when: Option<When>,
    /// Bytes after which a file is refused, of an artifact that does not say it itself; 0: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_bytes: Option<u64>,
    /// How long storing may take when nobody stops the run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout: Option<Span>,
    /// How the store encrypts what it keeps.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encryption: Option<EncryptionMode>,
    /// The key for `kms`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kms_key: Option<String>,
    /// The class of what is stored, such as `STANDARD_IA`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub storage_class: Option<String>,
}

/// A file to store that nobody declared, or more about one that was.
///
/// With a `path` it is a file of its own. Without, it speaks of the declared artifact of its name.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ArtifactEntry {
    /// Its name. A template.
    pub name: String,
    /// A file, a directory or a pattern (`*`, `?`, `[..]`, `**`). A template.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Its key, or, with a `/` at its end, what the keys of all its files begin with; default: the
    /// prefix and the name. A template.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// Whether the run may do without.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub optional: Option<bool>,
    /// After which runs it is stored.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub when: Option<When>,
    /// Bytes after which a file of it is refused; 0: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_bytes: Option<u64>,
    /// What its objects say of their content; default: by the file's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content_type: Option<String>,
    /// Patterns of files in a directory that are left out, relative to it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exclude: Option<Vec<String>>,
}

/// As whom objects are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CredentialsMode {
    /// With what the environment has: keys, a web identity, a container's, a profile.
    #[default]
    Auto,
    /// With an access key and its secret.
    Static,
    /// With a token of the cluster for a role of AWS (IRSA).
    WebIdentity,
    /// With what the container's agent gives (ECS, EKS pod identity).
    Container,
    /// With a profile of AWS's own files.
    Profile,
    /// With what the machine's metadata service gives.
    Instance,
}

/// Where the bucket's name stands in a URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Addressing {
    /// In the path: `https://host/bucket/key`.
    Path,
    /// In the host: `https://bucket.host/key`.
    Virtual,
}

/// One of the runner's own files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Included {
    /// The log of the agent's output.
    Log,
    /// The journal of events.
    Journal,
    /// The complete status.
    Status,
    /// What the agent has not pushed.
    WorkspaceWip,
    /// The list of all that was stored, and of what was not.
    Manifest,
}

impl Included {
    /// Returns its word in the setting.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Log => "log",
            Self::Journal => "journal",
            Self::Status => "status",
            Self::WorkspaceWip => "workspace-wip",
            Self::Manifest => "manifest",
        }
    }
}

/// After which runs something is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum When {
    /// After every run.
    #[default]
    Always,
    /// After one that has succeeded.
    Success,
    /// After one that has not.
    Failure,
}

impl When {
    /// Says whether it is stored after a run that has succeeded, or has not.
    pub const fn applies(self, succeeded: bool) -> bool {
        match self {
            Self::Always => true,
            Self::Success => succeeded,
            Self::Failure => !succeeded,
        }
    }

    /// Returns its word in the setting.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Always => "always",
            Self::Success => "success",
            Self::Failure => "failure",
        }
    }
}

/// How the store encrypts what it keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum EncryptionMode {
    /// As it does by itself.
    #[default]
    None,
    /// With keys of its own (SSE-S3).
    S3,
    /// With a key of its key service (SSE-KMS).
    Kms,
}
