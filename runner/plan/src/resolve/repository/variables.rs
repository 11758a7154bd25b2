//! What an agent is told of its repository: variables, and `vcs` of `run.json` (contract §4.1, §1.5).

use serde_json::{Map, Value, json};

use crate::resource::{CloneProtocol, VersionControlSpec};
use crate::template::json_text;

use super::super::said;
use super::policy::Mode;
use super::{server, variable};

/// What an agent is told.
#[derive(Debug)]
pub(super) struct Told<'t> {
    pub(super) provider: &'t str,
    pub(super) spec: &'t VersionControlSpec,
    pub(super) repository: &'t str,
    pub(super) base: &'t str,
    pub(super) head: &'t str,
    pub(super) username: Option<&'t str>,
    pub(super) mode: Mode,
    pub(super) writes: bool,
    pub(super) rates: Option<&'t Map<String, Value>>,
}

impl Told<'_> {
    fn api(&self) -> Option<&str> {
        let told = said(self.spec.api_base_url.as_deref());
        told.or((server(self.spec) == "github").then_some("https://api.github.com"))
    }

    fn protocol(&self) -> Option<&str> {
        self.spec.clone_protocol.map(|protocol| match protocol {
            CloneProtocol::Https => "https",
            CloneProtocol::Ssh => "ssh",
        })
    }

    fn opens_pull_requests(&self) -> bool {
        let capabilities = self.spec.capabilities.as_ref();
        let can = capabilities.and_then(|it| it.pull_requests) != Some(false);
        self.writes && can && self.wants_pull_requests()
    }

    fn wants_pull_requests(&self) -> bool {
        let defaults = self.spec.defaults.as_ref();
        let requests = defaults.and_then(|it| it.pull_request.as_ref());
        requests.and_then(|it| it.enabled) != Some(false)
    }

    /// The variables, in their order; those that say nothing are left out.
    pub(super) fn variables(&self) -> Vec<Value> {
        let spec = self.spec;
        let defaults = spec.defaults.clone().unwrap_or_default();
        let requests = defaults.pull_request.clone().unwrap_or_default();
        let author = said(defaults.commit_author_name.as_deref());
        let email = said(defaults.commit_author_email.as_deref());
        let rates = self.rates.map(|rates| json_text(&rates.clone().into()));
        let yes = |yes: bool| Some(if yes { "true" } else { "false" });
        let mode = self.mode.to_string();
        let all = [
            ("VCS_PROVIDER", Some(server(spec))),
            ("VCS_PROVIDER_NAME", Some(self.provider)),
            ("VCS_API_BASE_URL", self.api()),
            ("VCS_CLONE_BASE_URL", spec.clone_base_url.as_deref()),
            ("VCS_WEB_BASE_URL", spec.web_base_url.as_deref()),
            ("VCS_REPOSITORY", Some(self.repository)),
            ("VCS_BASE_BRANCH", Some(self.base)),
            ("VCS_HEAD_BRANCH", Some(self.head)),
            ("VCS_CLONE_PROTOCOL", self.protocol()),
            ("VCS_SSH_HOST", spec.ssh_host.as_deref()),
            ("VCS_SSH_USER", spec.ssh_user.as_deref()),
            ("VCS_USERNAME", self.username),
            ("GIT_ASKPASS_USERNAME", self.username),
            ("VCS_BRANCH_TEMPLATE", defaults.branch_template.as_deref()),
            (
                "VCS_BRANCH_CONFLICT_SUFFIX_TEMPLATE",
                defaults.branch_conflict_suffix_template.as_deref(),
            ),
            ("VCS_COMMIT_AUTHOR_NAME", author),
            ("VCS_COMMIT_AUTHOR_EMAIL", email),
            ("GIT_AUTHOR_NAME", author),
            ("GIT_COMMITTER_NAME", author),
            ("GIT_AUTHOR_EMAIL", email),
            ("GIT_COMMITTER_EMAIL", email),
            ("VCS_PR_TITLE_TEMPLATE", requests.title_template.as_deref()),
            ("VCS_PR_BODY_TEMPLATE", requests.body_template.as_deref()),
            ("VCS_PR_RATE_LIMITS", rates.as_deref()),
            ("VCS_PR_DRAFT", yes(requests.draft == Some(true))),
            ("VCS_WRITE_ENABLED", yes(self.writes)),
            ("VCS_PULL_REQUESTS_ENABLED", yes(self.opens_pull_requests())),
            ("VCS_MODE", Some(mode.as_str())),
        ];
        all.into_iter()
            .filter_map(|(name, value)| Some(variable(name, said(value)?)))
            .collect()
    }

    /// `vcs` of `run.json`.
    pub(super) fn payload(&self) -> Value {
        let spec = self.spec;
        let defaults = spec.defaults.clone().unwrap_or_default();
        let requests = defaults.pull_request.clone().unwrap_or_default();
        let text = |text: &Option<String>| said(text.as_deref()).map(str::to_owned);
        json!({
            "provider": server(spec),
            "providerName": self.provider,
            "repository": self.repository,
            "baseBranch": self.base,
            "headBranch": self.head,
            "mode": self.mode.to_string(),
            "writeEnabled": self.writes,
            "pullRequestsEnabled": self.opens_pull_requests(),
            "apiBaseUrl": self.api(),
            "cloneBaseUrl": text(&spec.clone_base_url),
            "webBaseUrl": text(&spec.web_base_url),
            "cloneProtocol": self.protocol(),
            "sshHost": text(&spec.ssh_host),
            "sshUser": text(&spec.ssh_user),
            "defaults": {
                "baseBranch": text(&defaults.base_branch),
                "branchTemplate": text(&defaults.branch_template),
                "branchConflictSuffixTemplate": text(&defaults.branch_conflict_suffix_template),
                "commitAuthorName": text(&defaults.commit_author_name),
                "commitAuthorEmail": text(&defaults.commit_author_email),
                "pullRequest": {
                    "enabled": self.wants_pull_requests(),
                    "draft": requests.draft == Some(true),
                    "titleTemplate": text(&requests.title_template),
                    "bodyTemplate": text(&requests.body_template),
                },
            },
        })
    }
}
