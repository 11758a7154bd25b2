//! The environment, read once, as a value.
//!
//! `load.rs` takes the snapshot; everything else asks this one. The names that we read ourselves
//! are in [`VARIABLES`], which is also what `docs/reference.md` is generated from; the variables
//! that are settings are in [`crate::settings::SETTINGS`].

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

use crate::nearest::nearest;
use crate::settings::SETTINGS;

/// A snapshot of the process environment, in its original order.
#[derive(Clone, Default)]
pub struct Environment {
    entries: Vec<(OsString, OsString)>,
}

impl std::fmt::Debug for Environment {
    // Values may be secrets; names may not.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list()
            .entries(self.entries.iter().map(|(name, _)| name))
            .finish()
    }
}

impl Environment {
    /// Takes the entries as they are. Of two entries with one name the later one counts.
    pub fn new(entries: impl IntoIterator<Item = (OsString, OsString)>) -> Self {
        let mut environment = Self::default();
        for (name, value) in entries {
            environment.set(name, value);
        }
        environment
    }

    /// Returns the value of `name` if it is set, UTF-8 and not empty.
    ///
    /// An empty string counts as unset, as for the incumbent (contract §1.1).
    pub fn get(&self, name: &str) -> Option<&str> {
        self.raw(name)
            .and_then(OsStr::to_str)
            .filter(|value| !value.is_empty())
    }

    /// Returns the value of `name` as a path, which need not be UTF-8, if it is set and not empty.
    pub fn path(&self, name: &str) -> Option<PathBuf> {
        let value = self.raw(name).filter(|value| !value.is_empty())?;
        Some(PathBuf::from(value))
    }

    /// Returns the value of `name` byte for byte, empty or not.
    pub fn raw(&self, name: &str) -> Option<&OsStr> {
        self.entries
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_os_str())
    }

    /// Sets or replaces one variable; a replaced one keeps its place.
    pub fn set(&mut self, name: impl Into<OsString>, value: impl Into<OsString>) {
        let (name, value) = (name.into(), value.into());
        match self.entries.iter_mut().find(|(known, _)| *known == name) {
            Some(entry) => entry.1 = value,
            None => self.entries.push((name, value)),
        }
    }

    /// Returns the environment with only the entries that `keep` says yes to.
    #[must_use]
    pub fn filtered(&self, keep: impl Fn(&str) -> bool) -> Self {
        Self {
            entries: self
                .entries
                .iter()
                .filter(|(name, _)| keep(&name.to_string_lossy()))
                .cloned()
                .collect(),
        }
    }

    /// Lists names and values in order.
    pub fn iter(&self) -> impl Iterator<Item = (&OsStr, &OsStr)> {
        self.entries
            .iter()
            .map(|(name, value)| (name.as_os_str(), value.as_os_str()))
    }
}

impl Environment {
    /// Says of each variable with our prefix that nobody reads it, and which was perhaps meant.
    pub fn unknown_of_ours(&self) -> Vec<String> {
        let known = || {
            let settings = SETTINGS.iter().map(|setting| setting.variable);
            VARIABLES
                .iter()
                .map(|variable| variable.name)
                .chain(settings)
        };
        let unknown = |name: &&str| {
            name.starts_with("AGENT_RUNNER_")
                && !known().any(|known| known == *name)
                && !is_of_a_service(name)
                // Faults for our own tests.
                && *name != "AGENT_RUNNER_FAULT"
        };
        self.entries
            .iter()
            .filter_map(|(name, _)| name.to_str())
            .filter(unknown)
            .map(|name| match nearest(name, known()) {
                Some(meant) => {
                    format!("the variable `{name}` is not read: did you mean `{meant}`?")
                }
                None => format!("the variable `{name}` is not read"),
            })
            .collect()
    }
}

/// Says whether Kubernetes makes such a name for a Service that is called like us.
fn is_of_a_service(name: &str) -> bool {
    ["_SERVICE_HOST", "_PORT"]
        .iter()
        .any(|end| name.ends_with(end))
        || ["_SERVICE_PORT", "_PORT_"]
            .iter()
            .any(|part| name.contains(part))
}

/// One environment variable that the runner reads besides its settings.
#[derive(Debug, Clone, Copy)]
pub struct Variable {
    /// The name.
    pub name: &'static str,
    /// What it does, in one sentence.
    pub meaning: &'static str,
    /// Who sets it: the controller, the kubelet, or a person.
    pub set_by: &'static str,
}

/// Path of the run spec; the controller sets it.
pub const SPEC_PATH: &str = "AGENT_RUNNER_SPEC_PATH";
/// The run spec itself, as JSON.
pub const SPEC_INLINE: &str = "AGENT_RUNNER_SPEC";
/// Path of the run payload, `run.json`.
pub const RUN_PAYLOAD: &str = "AGENT_RUN_SPEC";
/// Name of the provider, for payloads that do not say it.
pub const PROVIDER: &str = "AGENT_PROVIDER";
/// A provider definition file.
pub const PROVIDER_PATH: &str = "AGENT_PROVIDER_PATH";
/// A directory of provider definition files.
pub const PROVIDER_DIR: &str = "AGENT_PROVIDER_DIR";
/// The pod's `terminationGracePeriodSeconds`.
pub const TERMINATION_GRACE: &str = "AGENT_RUNNER_TERMINATION_GRACE_SECONDS";
/// Level of our own log.
pub const LOG_LEVEL: &str = "AGENT_RUNNER_LOG";
/// Form of our own log.
pub const LOG_FORMAT: &str = "AGENT_RUNNER_LOG_FORMAT";
/// Where the status goes; wins over the spec.
pub const STATUS_PATH: &str = "AGENT_RUNNER_STATUS_PATH";
/// The number of this attempt.
pub const ATTEMPT: &str = "AGENT_RUNNER_ATTEMPT";

/// Kind of git server.
pub const VCS_PROVIDER: &str = "VCS_PROVIDER";
/// The repository of the run.
pub const VCS_REPOSITORY: &str = "VCS_REPOSITORY";
/// Where repositories are.
pub const VCS_CLONE_BASE_URL: &str = "VCS_CLONE_BASE_URL";
/// How repositories are cloned.
pub const VCS_CLONE_PROTOCOL: &str = "VCS_CLONE_PROTOCOL";
/// Where the work starts.
pub const VCS_BASE_BRANCH: &str = "VCS_BASE_BRANCH";
/// The agent's branch.
pub const VCS_HEAD_BRANCH: &str = "VCS_HEAD_BRANCH";
/// Whether the agent may push.
pub const VCS_WRITE_ENABLED: &str = "VCS_WRITE_ENABLED";
/// Whether the agent may push.
pub const VCS_MODE: &str = "VCS_MODE";
/// Token for https.
pub const VCS_TOKEN: &str = "VCS_TOKEN";
/// File with the token.
pub const VCS_TOKEN_FILE: &str = "VCS_TOKEN_FILE";
/// File with a token of GitHub.
pub const GH_TOKEN_FILE: &str = "GH_TOKEN_FILE";
/// File with a token of GitHub.
pub const GITHUB_TOKEN_FILE: &str = "GITHUB_TOKEN_FILE";
/// Token of GitHub.
pub const GH_TOKEN: &str = "GH_TOKEN";
/// Token of GitHub.
pub const GITHUB_TOKEN: &str = "GITHUB_TOKEN";
/// User beside the token.
pub const VCS_USERNAME: &str = "VCS_USERNAME";
/// User beside the token, for the agent.
pub const GIT_ASKPASS_USERNAME: &str = "GIT_ASKPASS_USERNAME";
/// Host for ssh.
pub const VCS_SSH_HOST: &str = "VCS_SSH_HOST";
/// User for ssh.
pub const VCS_SSH_USER: &str = "VCS_SSH_USER";
/// File with the private key.
pub const VCS_SSH_KEY_PATH: &str = "VCS_SSH_KEY_PATH";
/// File with host keys.
pub const VCS_SSH_KNOWN_HOSTS_PATH: &str = "VCS_SSH_KNOWN_HOSTS_PATH";
/// Who commits.
pub const VCS_COMMIT_AUTHOR_NAME: &str = "VCS_COMMIT_AUTHOR_NAME";
/// Whose address commits have.
pub const VCS_COMMIT_AUTHOR_EMAIL: &str = "VCS_COMMIT_AUTHOR_EMAIL";
/// Further authorities.
pub const VCS_CA_FILE: &str = "VCS_CA_FILE";
/// Further authorities.
pub const GIT_SSL_CAINFO: &str = "GIT_SSL_CAINFO";
/// Authorities instead of the system's.
pub const SSL_CERT_FILE: &str = "SSL_CERT_FILE";
/// Whether git may ask a person; set for the agent.
pub const GIT_TERMINAL_PROMPT: &str = "GIT_TERMINAL_PROMPT";

/// The codex executable.
pub const AGENTS_CODEX_BINARY: &str = "AGENTS_CODEX_BINARY";
/// The codex executable.
pub const CODEX_BINARY: &str = "CODEX_BINARY";
/// File with the system prompt.
pub const SYSTEM_PROMPT_PATH: &str = "CODEX_SYSTEM_PROMPT_PATH";
/// SHA-256 of the system prompt.
pub const SYSTEM_PROMPT_HASH: &str = "CODEX_SYSTEM_PROMPT_EXPECTED_HASH";
/// Whether there must be a system prompt.
pub const SYSTEM_PROMPT_REQUIRED: &str = "CODEX_SYSTEM_PROMPT_REQUIRED";
/// How long a thread must be idle.
pub const THREAD_IDLE_QUIET: &str = "CODEX_APP_SERVER_THREAD_IDLE_QUIET_MS";
/// How long that is waited for.
pub const THREAD_IDLE_TIMEOUT: &str = "CODEX_APP_SERVER_THREAD_IDLE_TIMEOUT_MS";
/// Where codex keeps its state.
pub const CODEX_HOME: &str = "CODEX_HOME";
/// Where claude keeps its state.
pub const CLAUDE_CONFIG_DIR: &str = "CLAUDE_CONFIG_DIR";

macro_rules! variables {
    ($($name:expr, $set_by:literal, $meaning:literal;)*) => {
        /// Every variable that the runner reads besides its settings.
        pub const VARIABLES: &[Variable] = &[$(Variable {
            name: $name, meaning: $meaning, set_by: $set_by,
        }),*];
    };
}

variables! {
    SPEC_PATH, "controller", "Path of the run spec, unless a first argument names one.";
    SPEC_INLINE, "person", "The run spec itself as JSON, if neither an argument nor a path is given.";
    RUN_PAYLOAD, "controller", "Path of the run payload `run.json`; used for a spec without `payloads.eventFilePath`, and, with a provider definition, instead of a spec.";
    PROVIDER, "controller", "Name of the provider, for a payload that does not say it.";
    PROVIDER_PATH, "image", "File with the provider definition for a spec without an adapter; wins over the directory.";
    PROVIDER_DIR, "image", "Directory of provider definitions `<provider>.json`; default `/etc/agent-providers`.";
    TERMINATION_GRACE, "chart", "The pod's `terminationGracePeriodSeconds`, which the grace budget divides; default 30.";
    LOG_LEVEL, "person", "Level of the runner's own log on stderr: `off`, `error`, `warn`, `info` (default), `debug`, `trace`.";
    LOG_FORMAT, "person", "Form of the runner's own log: `text` (default) or `json`.";
    STATUS_PATH, "person", "Where the status file goes; wins over `artifacts.statusPath`, and is the only place for a run whose spec cannot be read.";
    ATTEMPT, "controller", "The number of this attempt, from 1; without it, one more than the last status file beside ours says.";
    "PATH", "image", "Where a provider binary without a `/` is looked for; the child's own value counts.";
    "TMPDIR", "image", "Where the private scratch directory is made; default `/tmp`.";
    VCS_PROVIDER, "controller", "Kind of git server: `github`, `gitlab`, `bitbucket`, `gitea` or `generic`; below `vcs.provider` of the payload, as all `VCS_` variables are below their keys.";
    VCS_REPOSITORY, "controller", "`owner/repository`, for a checkout without a URL.";
    VCS_CLONE_BASE_URL, "controller", "URL below which repositories are, and whose host the git credentials are for; default that of github.com, gitlab.com or bitbucket.org.";
    VCS_CLONE_PROTOCOL, "controller", "`https` (default) or `ssh`, for a checkout without a URL.";
    VCS_BASE_BRANCH, "controller", "Where the work starts; default `main`.";
    VCS_HEAD_BRANCH, "controller", "The local branch that the agent works on, if it may write.";
    VCS_WRITE_ENABLED, "controller", "`true` if the agent may push.";
    VCS_MODE, "controller", "`read-write` or `read-only`, which checks out a detached commit.";
    VCS_TOKEN, "controller", "Token for https; only ever sent to the host of the clone base URL or, without any `VCS_` information, to that of an explicit `https` URL.";
    VCS_TOKEN_FILE, "person", "File with the token, read again for every request; wins over every variable with a token.";
    GH_TOKEN_FILE, "person", "As `VCS_TOKEN_FILE`, for GitHub only.";
    GITHUB_TOKEN_FILE, "person", "As `GH_TOKEN_FILE`, after it.";
    GH_TOKEN, "controller", "Token for GitHub, before `GITHUB_TOKEN` and `VCS_TOKEN`; for GitHub, the agent gets it under both names.";
    GITHUB_TOKEN, "controller", "As `GH_TOKEN`, after it.";
    VCS_USERNAME, "controller", "User name beside the token; default by provider.";
    GIT_ASKPASS_USERNAME, "controller", "As `VCS_USERNAME`, after it; set for the agent.";
    VCS_SSH_HOST, "controller", "Host for ssh, if it is not that of the clone base URL.";
    VCS_SSH_USER, "controller", "User for ssh; default `git`.";
    VCS_SSH_KEY_PATH, "controller", "File with the private key for ssh.";
    VCS_SSH_KNOWN_HOSTS_PATH, "controller", "File with the host keys for ssh; without it a host is refused, unless `workspace.hostKeys` is `accept-new`.";
    VCS_COMMIT_AUTHOR_NAME, "controller", "Who commits; becomes `GIT_AUTHOR_NAME` and `GIT_COMMITTER_NAME` of the agent.";
    VCS_COMMIT_AUTHOR_EMAIL, "controller", "Whose address commits have; becomes `GIT_AUTHOR_EMAIL` and `GIT_COMMITTER_EMAIL` of the agent.";
    VCS_CA_FILE, "person", "PEM file of authorities that count besides the system's, for cloning and for the agent's git.";
    GIT_SSL_CAINFO, "person", "As `VCS_CA_FILE`, besides it.";
    SSL_CERT_FILE, "image", "PEM file of authorities instead of the system's.";
    "GIT_ASKPASS", "image", "What the agent's git asks for credentials; without it, the runner is what it asks.";
    "GIT_CONFIG_PARAMETERS", "image", "Configuration of the agent's git, to which the runner's credential helper is added.";
    "GIT_SSH_COMMAND", "image", "How the agent's git calls ssh; without it and `GIT_SSH`, with the deploy key and host keys of the run.";
    "GIT_SSH", "image", "As `GIT_SSH_COMMAND`, after it.";
    AGENTS_CODEX_BINARY, "image", "The codex executable, for an adapter that does not name it; default `/usr/local/bin/codex`.";
    CODEX_BINARY, "image", "As `AGENTS_CODEX_BINARY`, after it.";
    SYSTEM_PROMPT_PATH, "controller", "File with the system prompt, for an adapter that does not name one.";
    SYSTEM_PROMPT_HASH, "controller", "SHA-256 that the system prompt must have, in hexadecimal.";
    SYSTEM_PROMPT_REQUIRED, "controller", "`true`: a run without a system prompt is refused.";
    THREAD_IDLE_QUIET, "image", "Milliseconds that a codex thread must be idle before the run is over; default 1000.";
    THREAD_IDLE_TIMEOUT, "image", "Milliseconds that this is waited for after a turn; default 0, for ever.";
    CODEX_HOME, "controller", "Where codex keeps credentials and threads; default `$HOME/.codex`.";
    CLAUDE_CONFIG_DIR, "image", "Where claude keeps credentials and conversations; default `$HOME/.claude`.";
    "AGENTS_FAKE_CODEX_APP_SERVER_ARTIFACT", "image", "File that the scripted app server writes; see docs/agents.md.";
    "https_proxy", "pod", "Proxy for https; before `HTTPS_PROXY`, `all_proxy` and `ALL_PROXY`.";
    "HTTPS_PROXY", "pod", "As `https_proxy`, after it.";
    "http_proxy", "pod", "Proxy for http; before `all_proxy` and `ALL_PROXY`. `HTTP_PROXY` is not read: in a CGI program a request could set it.";
    "all_proxy", "pod", "Proxy for https and http; before `ALL_PROXY`.";
    "ALL_PROXY", "pod", "As `all_proxy`, after it.";
    "no_proxy", "pod", "Hosts that are reached without a proxy; before `NO_PROXY`.";
    "NO_PROXY", "pod", "As `no_proxy`, after it.";
}
