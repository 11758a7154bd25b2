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

/// The trace that the run is part of.
pub const TRACEPARENT: &str = "TRACEPARENT";
/// The file that the agent hands context over in.
pub const CONTEXT_FILE: &str = "AGENT_RUNNER_CONTEXT_FILE";

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
    "NATS_URL", "provider", "Where events are published: `nats://host:4222` or `tls://host`, several by commas; without it they are only in the journal. As all `NATS_` variables and those below them, also from `envTemplate`, which wins.";
    "NATS_CREDS_FILE", "pod", "File with a JWT and a seed; read again for every connection, as every file below. Wins over every other login.";
    "NATS_CREDS", "pod", "The content of such a file, or its path.";
    "NATS_USER_FILE", "pod", "File with the user; wins over `NATS_USER`.";
    "NATS_USER", "pod", "The user; after credentials, before nkey, token and what `NATS_URL` says.";
    "NATS_USERNAME", "pod", "As `NATS_USER`, after it.";
    "NATS_PASSWORD_FILE", "pod", "File with the password; wins over `NATS_PASSWORD`.";
    "NATS_PASSWORD", "pod", "The password.";
    "NATS_NKEY_SEED_FILE", "pod", "File with the seed of an nkey.";
    "NATS_NKEY_SEED", "pod", "The seed itself.";
    "NATS_NKEY", "pod", "A seed, or the path of its file.";
    "NATS_TOKEN_FILE", "pod", "File with a token; wins over `NATS_TOKEN`.";
    "NATS_TOKEN", "pod", "A token.";
    "NATS_CA_FILE", "pod", "PEM file of authorities that count besides the system's, for `tls://`.";
    "NATS_CA", "pod", "Such authorities, or the path of their file.";
    "NATS_CERT_FILE", "pod", "PEM file of the client's certificate; needs a key.";
    "NATS_CERT", "pod", "Such a certificate, or the path of its file.";
    "NATS_KEY_FILE", "pod", "PEM file of the client's key.";
    "NATS_KEY", "pod", "Such a key, or the path of its file.";
    "NATS_SUBJECT_PREFIX", "provider", "What subjects begin with; default `agentrun`, and `workflow` for installations of 0.9.1.";
    "NATS_STREAM", "provider", "The stream that messages of others are in; default `agent-comms`.";
    "NATS_CONTEXT_SUBJECT", "provider", "The subject that they are on; default `general.>` below the prefix: `agentrun.general.>`.";
    "NATS_CONTEXT_COUNT", "provider", "The most of them; default 50, at most 1000.";
    "NATS_CONTEXT_TIMEOUT_MS", "provider", "Milliseconds that fetching them may take; default 15000, at most 3600000.";
    "NATS_CONTEXT_PATH", "provider", "File that they are written to; default none.";
    "AGENT_RUN_NAME", "provider", "Name of the `AgentRun` in events; default that of the payload, as for the uid and the namespace.";
    "AGENT_RUN_UID", "provider", "Its uid.";
    "AGENT_RUN_NAMESPACE", "provider", "Its namespace.";
    "AGENT_RUN_STAGE", "provider", "Stage of a larger flow; default `stage` of the payload or the inputs.";
    "AGENT_RUN_STEP", "provider", "Step of a larger flow.";
    "STEP_ID", "provider", "As `AGENT_RUN_STEP`, after it.";
    "HOSTNAME", "kubelet", "The pod's name: the step of events that have no other, and a part of their ids.";
    "AGENT_ID", "provider", "The agent's name in events; default the provider's.";
    "AGENT_ROLE", "provider", "Role of what the agent says; default `assistant`.";
    "AGENTS_RUN_ID", "provider", "An id of the run by another name, in every event.";
    "AGENT_RUN_ID", "provider", "As `AGENTS_RUN_ID`, after it.";
    "RUN_ID", "provider", "As `AGENT_RUN_ID`, after it.";
    "CODEX_RUN_ID", "provider", "As `RUN_ID`, after it.";
    "CODEX_REPOSITORY", "provider", "Repository in events; default `VCS_REPOSITORY`, then that of the payload.";
    "CODEX_REPO_SLUG", "provider", "As `CODEX_REPOSITORY`, after it.";
    "CODEX_BRANCH", "provider", "Branch in events; default `VCS_HEAD_BRANCH`, then that of the payload.";
    "HEAD_BRANCH", "provider", "As `CODEX_BRANCH`, after it.";
    "CODEX_ISSUE_NUMBER", "provider", "Number of the issue in events; default that of the payload or the inputs.";
    "ISSUE_NUMBER", "provider", "As `CODEX_ISSUE_NUMBER`, after it.";
    "AGENTS_ARTIFACTS_ENDPOINT", "provider", "The object store: `http(s)://host[:port][/base]`, `aws`, or `file:///directory`. As all variables down to `AWS_CA_BUNDLE` also from `envTemplate`, which wins; of a codex adapter from the pod alone. Settings win over both.";
    "MINIO_ENDPOINT", "provider", "As `AGENTS_ARTIFACTS_ENDPOINT`, after it.";
    "AWS_ENDPOINT_URL_S3", "provider", "As `MINIO_ENDPOINT`, after it.";
    "AWS_ENDPOINT_URL", "provider", "As `AWS_ENDPOINT_URL_S3`, after it.";
    "AGENTS_ARTIFACTS_SECURE", "provider", "`1`, `true` or `yes`: an endpoint without a scheme is https, not http.";
    "MINIO_SECURE", "provider", "As `AGENTS_ARTIFACTS_SECURE`, after it.";
    "AGENTS_ARTIFACTS_BUCKET", "provider", "The bucket.";
    "MINIO_BUCKET", "provider", "As `AGENTS_ARTIFACTS_BUCKET`, after it.";
    "ARTIFACT_BUCKET", "provider", "As `MINIO_BUCKET`, after it.";
    "AGENTS_ARTIFACTS_REGION", "provider", "The region that requests are signed for; default `us-east-1`.";
    "MINIO_REGION", "provider", "As `AGENTS_ARTIFACTS_REGION`, after it.";
    "AWS_REGION", "provider", "As `MINIO_REGION`, after it.";
    "AGENTS_ARTIFACTS_ACCESS_KEY_ID", "provider", "The access key.";
    "MINIO_ACCESS_KEY", "provider", "As `AGENTS_ARTIFACTS_ACCESS_KEY_ID`, after it.";
    "AWS_ACCESS_KEY_ID", "provider", "As `MINIO_ACCESS_KEY`, after it.";
    "accesskey", "pod", "As `AWS_ACCESS_KEY_ID`, after it: what secrets of bucket claims call it.";
    "AGENTS_ARTIFACTS_SECRET_ACCESS_KEY", "provider", "The secret key.";
    "MINIO_SECRET_KEY", "provider", "As `AGENTS_ARTIFACTS_SECRET_ACCESS_KEY`, after it.";
    "AWS_SECRET_ACCESS_KEY", "provider", "As `MINIO_SECRET_KEY`, after it.";
    "secretkey", "pod", "As `AWS_SECRET_ACCESS_KEY`, after it: what secrets of bucket claims call it.";
    "AGENTS_ARTIFACTS_SESSION_TOKEN", "provider", "The token of a key that is only for a while.";
    "AWS_SESSION_TOKEN", "pod", "As `AGENTS_ARTIFACTS_SESSION_TOKEN`, after it; only beside the key `AWS_ACCESS_KEY_ID`.";
    "AWS_ROLE_ARN", "pod", "The role for a web identity (IRSA).";
    "AWS_WEB_IDENTITY_TOKEN_FILE", "pod", "File with the token for it; read again when credentials are renewed.";
    "AWS_ROLE_SESSION_NAME", "pod", "What its session is called; default `agent-runner`.";
    "AWS_CONTAINER_CREDENTIALS_FULL_URI", "pod", "Where the container's credentials are (EKS pod identity); only from the pod, as the next two.";
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "pod", "As `AWS_CONTAINER_CREDENTIALS_FULL_URI`, on ECS.";
    "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", "pod", "File with the token that these are asked for with; `AWS_CONTAINER_AUTHORIZATION_TOKEN` is the token itself.";
    "AWS_CONTAINER_AUTHORIZATION_TOKEN", "pod", "As `AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE`, after it.";
    "AWS_PROFILE", "pod", "The profile of AWS's own files.";
    "AGENTS_ARTIFACTS_CA_FILE", "provider", "PEM file of authorities that count besides the system's, for the object store.";
    "AWS_CA_BUNDLE", "pod", "As `AGENTS_ARTIFACTS_CA_FILE`, after it.";
    TRACEPARENT, "pod", "W3C trace context that the run is part of: a header of what is published, and the parent of its spans.";
    "TRACESTATE", "pod", "What the trace's systems say of themselves, beside `TRACEPARENT`.";
    "OTEL_SDK_DISABLED", "pod", "`true`: no spans, whatever `runner.events.traces` says. All `OTEL_` variables also from `envTemplate`, which wins.";
    "OTEL_TRACES_EXPORTER", "pod", "Must name `otlp`, if it is set; `none` is no spans.";
    "OTEL_EXPORTER_OTLP_ENDPOINT", "pod", "The collector, to which `/v1/traces` is added; default `http://localhost:4318`.";
    "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "pod", "The whole URL for spans; wins.";
    "OTEL_EXPORTER_OTLP_HEADERS", "pod", "Headers for the collector, as `name=value,name=value`; `OTEL_EXPORTER_OTLP_TRACES_HEADERS` wins.";
    "OTEL_EXPORTER_OTLP_TRACES_HEADERS", "pod", "As `OTEL_EXPORTER_OTLP_HEADERS`, for spans only.";
    "OTEL_EXPORTER_OTLP_TIMEOUT", "pod", "Milliseconds that one export may take; default 10000.";
    "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "pod", "As `OTEL_EXPORTER_OTLP_TIMEOUT`, for spans only; wins.";
    "OTEL_EXPORTER_OTLP_CERTIFICATE", "pod", "PEM file of authorities for the collector.";
    "OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE", "pod", "As `OTEL_EXPORTER_OTLP_CERTIFICATE`, for spans only; wins.";
    "OTEL_EXPORTER_OTLP_PROTOCOL", "pod", "Must be `http/protobuf`, if it is set.";
    "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "pod", "As `OTEL_EXPORTER_OTLP_PROTOCOL`, for spans only; wins.";
    "OTEL_BSP_SCHEDULE_DELAY", "pod", "Milliseconds between two exports; default 5000.";
    "OTEL_TRACES_SAMPLER", "pod", "Which runs have spans: `always_on`, `always_off`, `traceidratio`, or one of these behind `parentbased_` (default `parentbased_always_on`).";
    "OTEL_TRACES_SAMPLER_ARG", "pod", "The ratio of `traceidratio`.";
    "OTEL_RESOURCE_ATTRIBUTES", "pod", "Attributes of every span's resource, as `name=value,name=value`.";
    "OTEL_SERVICE_NAME", "pod", "Name of the service in spans; default `agent-runner`.";
    CONTEXT_FILE, "runner", "Set for the agent: the file into which it may write lines that become events; see docs/events.md.";
    "https_proxy", "pod", "Proxy for https; before `HTTPS_PROXY`, `all_proxy` and `ALL_PROXY`.";
    "HTTPS_PROXY", "pod", "As `https_proxy`, after it.";
    "http_proxy", "pod", "Proxy for http; before `all_proxy` and `ALL_PROXY`. `HTTP_PROXY` is not read: in a CGI program a request could set it.";
    "all_proxy", "pod", "Proxy for https and http; before `ALL_PROXY`.";
    "ALL_PROXY", "pod", "As `all_proxy`, after it.";
    "no_proxy", "pod", "Hosts that are reached without a proxy; before `NO_PROXY`.";
    "NO_PROXY", "pod", "As `no_proxy`, after it.";
}
