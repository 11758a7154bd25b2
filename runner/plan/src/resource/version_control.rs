//! `VersionControlProvider`: a host of repositories and how to authenticate there (contract §4).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::KeyRef;

/// A host of repositories and how to authenticate there.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct VersionControlSpec {
    /// `github`, `gitlab`, `bitbucket`, `gitea` or `generic`.
    pub provider: String,
    /// Of its API; default for github: `https://api.github.com`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub api_base_url: Option<String>,
    /// What `<owner>/<repository>.git` is added to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clone_base_url: Option<String>,
    /// For people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub web_base_url: Option<String>,
    /// How to clone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clone_protocol: Option<CloneProtocol>,
    /// Host for ssh; default: that of `cloneBaseUrl`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ssh_host: Option<String>,
    /// User for ssh; default: `git`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ssh_user: Option<String>,
    /// How to authenticate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auth: Option<VcsAuth>,
    /// Which repositories.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub repository_policy: Option<RepositoryPolicy>,
    /// What may be done at all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub capabilities: Option<Capabilities>,
    /// Branches, authors and pull requests.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub defaults: Option<VcsDefaults>,
}

/// How to clone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum CloneProtocol {
    /// Over https.
    Https,
    /// Over ssh.
    Ssh,
}

/// How to authenticate (contract §4.2).
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct VcsAuth {
    /// Default: by which of the others is there, first `token`, then `app`, then `ssh`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub method: Option<AuthMethod>,
    /// User name beside a token; default: by provider.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// With a token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token: Option<TokenAuth>,
    /// As a GitHub App.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub app: Option<AppAuth>,
    /// With an ssh key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ssh: Option<SshAuth>,
}

/// A way to authenticate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum AuthMethod {
    /// With a token.
    Token,
    /// As a GitHub App.
    App,
    /// With an ssh key.
    Ssh,
    /// Not at all.
    None,
}

/// A token.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TokenAuth {
    /// Secret with the token; default key: `token`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret_ref: Option<KeyRef>,
    /// `pat`, `fine_grained`, `api_token`, `access_token`, or an alias of these.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
}

/// A GitHub App.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AppAuth {
    /// Number of the app, as a number or text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "number_or_text")]
    pub app_id: Option<Value>,
    /// Number of the installation, as a number or text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "number_or_text")]
    pub installation_id: Option<Value>,
    /// Secret with the private key; default key: `privateKey`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub private_key_secret_ref: Option<KeyRef>,
    /// Seconds that a token of it lives.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_ttl_seconds: Option<i64>,
}

fn number_or_text(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({ "type": ["integer", "string", "null"] })
}

/// An ssh key.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SshAuth {
    /// Secret with the private key; default key: `privateKey`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub private_key_secret_ref: Option<KeyRef>,
    /// ConfigMap with the keys of hosts; default key: `known_hosts`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub known_hosts_config_map_ref: Option<KeyRef>,
}

/// Which repositories; `*` stands for anything.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RepositoryPolicy {
    /// These; absent or empty: all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allow: Option<Vec<String>>,
    /// Not these; wins.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deny: Option<Vec<String>>,
}

/// What may be done at all; each default: yes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Capabilities {
    /// Clone and fetch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub read: Option<bool>,
    /// Push.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub write: Option<bool>,
    /// Open pull requests.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pull_requests: Option<bool>,
}

/// Branches, authors and pull requests (contract §4.3).
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct VcsDefaults {
    /// The branch to start from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub base_branch: Option<String>,
    /// The branch to write to; a template that the controller renders.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub branch_template: Option<String>,
    /// Added with `-` when another active run has that branch; a template.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub branch_conflict_suffix_template: Option<String>,
    /// Author and committer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub commit_author_name: Option<String>,
    /// Author and committer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub commit_author_email: Option<String>,
    /// Pull requests.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pull_request: Option<PullRequestDefaults>,
}

/// Pull requests; templates are for the agent, nobody renders them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PullRequestDefaults {
    /// Default: yes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
    /// Whether they are drafts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub draft: Option<bool>,
    /// Title.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title_template: Option<String>,
    /// Body.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body_template: Option<String>,
}
