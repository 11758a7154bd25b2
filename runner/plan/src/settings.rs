//! Our own settings (design §4): each has a flag, a variable and a place in the spec.
//!
//! [`SETTINGS`] is the one table: the command line, the environment, the reference page and the
//! JSON Schema all follow from it and from [`RunnerSettings`], and a test holds the two together.
//! Precedence is flag, environment, top level of the spec, `adapter.runner`, default.

mod artifacts;
mod events;
mod workspace;

pub use artifacts::{
    Addressing, ArtifactEntry, ArtifactSettings, CredentialsMode, EncryptionMode, Included, When,
};
pub use events::{EventFormat, EventSettings, EventSink, Wanted};
pub use workspace::{
    CloneTimeouts, Depth, GitSettings, HostKeys, Submodules, Trust, WorkspaceSettings,
};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::path::PathBuf;
use std::time::Duration;

use crate::env::Environment;
use crate::nearest::nearest;

/// The object named `runner`, as written.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct RunnerSettings {
    /// How the agent's stdout is read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub protocol: Option<Protocol>,
    /// A template; reaches the agent on stdin.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prompt: Option<String>,
    /// Working directory of the agent. A template.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cwd: Option<String>,
    /// How long things may take.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeouts: Option<Timeouts>,
    /// What the agent inherits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub env: Option<EnvPolicy>,
    /// What is kept out of every sink.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub redact: Option<Redact>,
    /// The log of the agent's output.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log: Option<LogSettings>,
    /// Whether a template path that leads nowhere is an error.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub strict_templates: Option<bool>,
    /// Seconds the agent has between TERM and KILL.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grace_seconds: Option<Span>,
    /// What is cloned before the agent starts, and what is kept of its work.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workspace: Option<WorkspaceSettings>,
    /// What the run may cost.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub budget: Option<CostBudget>,
    /// The skill that the prompt is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub skill: Option<String>,
    /// Which conversation is gone on with: `auto`, `never`, or its id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resume: Option<String>,
    /// What is told of the conversation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub events: Option<EventSettings>,
    /// Which files are stored, where, and how.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub artifacts: Option<ArtifactSettings>,
}

/// How an exec child's stdout is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Protocol {
    /// Bytes; the exit code is the verdict.
    #[default]
    Raw,
    /// One JSON object a line; `{"kind":"run-outcome",…}` is the verdict (`docs/protocols.md`).
    Jsonl,
    /// `claude`, stream-json both ways.
    Claude,
    /// `codex exec --json`.
    CodexExec,
    /// `codex app-server`; only an adapter of that type speaks it.
    CodexAppServer,
}

/// What a run may cost: warned of at four fifths, interrupted when it is spent.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct CostBudget {
    /// Tokens, read and written together.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tokens: Option<u64>,
    /// US dollars at list price; only of a CLI that says it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost_usd: Option<f64>,
    /// Turns of the model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub turns: Option<u64>,
    /// Tools called.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tool_calls: Option<u64>,
    /// Time from the agent's start.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wall: Option<Span>,
}

/// How long things may take.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Timeouts {
    /// From the agent's start to its end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total: Option<Span>,
    /// From the agent's start to its first output.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_event: Option<Span>,
    /// Between two outputs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub idle: Option<Span>,
    /// From the agent's final result to its end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after_result: Option<Span>,
}

/// What the agent inherits.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct EnvPolicy {
    /// `inherit` (default): everything but `drop` and the runner's own credentials. `clean`: a base
    /// set and `pass`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mode: Option<EnvMode>,
    /// Names, `*` allowed, that the agent gets all the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pass: Option<Vec<String>>,
    /// Names, `*` allowed, that the agent never sees.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub drop: Option<Vec<String>>,
    /// Names that the template root `env` has; default: those that `envTemplate` sets.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub templates: Option<Vec<String>>,
}

/// Where the agent's environment starts from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum EnvMode {
    /// From ours.
    #[default]
    Inherit,
    /// From `PATH`, `HOME`, locale, proxies and the like.
    #[serde(alias = "allowlist")]
    Clean,
}

/// What is kept out of every sink.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Redact {
    /// `false` turns redaction off.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
    /// `false` turns the token patterns off; exact values stay.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub patterns: Option<bool>,
    /// Names of further variables, `*` allowed, whose values are secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub names: Option<Vec<String>>,
    /// Further files whose content is secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub files: Option<Vec<PathBuf>>,
    /// Refuse to run when a secret file cannot be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fail_closed: Option<bool>,
}

/// The log of the agent's output.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct LogSettings {
    /// Bytes after which the log is closed with a record that says so; default: no limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_bytes: Option<u64>,
}

/// A duration, written as seconds (`90`, `1.5`) or in words (`1h 30m`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span(pub Duration);

impl Serialize for Span {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(self.0.as_secs_f64())
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Words;
        impl serde::de::Visitor<'_> for Words {
            type Value = Span;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a duration: seconds such as `90`, or words such as \"1h 30m\"")
            }
            fn visit_u64<E: serde::de::Error>(self, seconds: u64) -> Result<Span, E> {
                Ok(Span(Duration::from_secs(seconds)))
            }
            fn visit_f64<E: serde::de::Error>(self, seconds: f64) -> Result<Span, E> {
                Duration::try_from_secs_f64(seconds)
                    .map(Span)
                    .map_err(|_| E::invalid_value(serde::de::Unexpected::Float(seconds), &self))
            }
            fn visit_i64<E: serde::de::Error>(self, seconds: i64) -> Result<Span, E> {
                u64::try_from(seconds)
                    .map(|seconds| Span(Duration::from_secs(seconds)))
                    .map_err(|_| E::invalid_value(serde::de::Unexpected::Signed(seconds), &self))
            }
            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Span, E> {
                if let Ok(seconds) = text.trim().parse::<f64>() {
                    return self.visit_f64(seconds);
                }
                humantime::parse_duration(text)
                    .map(Span)
                    .map_err(|_| E::invalid_value(serde::de::Unexpected::Str(text), &self))
            }
        }
        deserializer.deserialize_any(Words)
    }
}

impl JsonSchema for Span {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Duration".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "description": "Seconds, or words such as `1h 30m`.",
            "anyOf": [{ "type": "number", "minimum": 0 }, { "type": "string" }]
        })
    }
}

/// One setting: its three names, its kind and its meaning.
#[derive(Debug, Clone, Copy)]
pub struct Setting {
    /// Path inside the object `runner`.
    pub key: &'static str,
    /// The variable.
    pub variable: &'static str,
    /// The flag, without its dashes.
    pub flag: &'static str,
    /// How a text becomes its value.
    pub kind: Kind,
    /// The default, in words.
    pub default: &'static str,
    /// What it does, in one sentence.
    pub meaning: &'static str,
}

/// How the text of a flag or a variable becomes a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// As it is.
    Text,
    /// `true`, `false`, `1`, `0`; a flag without a value is `true`.
    Switch,
    /// Comma-separated.
    List,
    /// A number of bytes.
    Bytes,
    /// A whole number.
    Number,
    /// A number.
    Decimal,
    /// Seconds or words.
    Duration,
}

macro_rules! settings {
    ($($key:literal $variable:literal $flag:literal $kind:ident $default:literal $meaning:literal;)*) => {
        /// Every setting.
        pub const SETTINGS: &[Setting] = &[$(Setting {
            key: $key, variable: $variable, flag: $flag, kind: Kind::$kind, default: $default, meaning: $meaning,
        }),*];
    };
}

settings! {
    "protocol" "AGENT_RUNNER_PROTOCOL" "protocol" Text "`raw`" "How an exec agent is talked to: `raw`, `jsonl`, `claude` or `codex-exec`.";
    "prompt" "AGENT_RUNNER_PROMPT" "prompt" Text "none: stdin is inherited" "Template of the prompt; it reaches the agent on stdin, never in argv.";
    "skill" "AGENT_RUNNER_SKILL" "skill" Text "none" "Skill that the prompt is for: claude's `/name`, codex's `$name`. Any other prompt reaches the model as text.";
    "resume" "AGENT_RUNNER_RESUME" "resume" Text "`auto`" "Which conversation is gone on with: `auto` (that of a previous attempt, if its state is there), `never`, or an id.";
    "cwd" "AGENT_RUNNER_CWD" "cwd" Text "the runner's own" "Working directory of the agent. A template.";
    "workspace.git.url" "AGENT_RUNNER_WORKSPACE_GIT_URL" "workspace-git-url" Text "what `vcs` of the payload names" "What to clone before the agent starts: an `https`, `http`, `ssh` or `git` URL, or `user@host:path`. A template.";
    "workspace.git.ref" "AGENT_RUNNER_WORKSPACE_GIT_REF" "workspace-git-ref" Text "the base branch of `vcs`, or what the remote's `HEAD` is" "Where the work starts: branch, tag, commit or full reference. A template.";
    "workspace.git.path" "AGENT_RUNNER_WORKSPACE_GIT_PATH" "workspace-git-path" Text "none" "Directory in the repository that becomes the agent's working directory. A template.";
    "workspace.git.depth" "AGENT_RUNNER_WORKSPACE_GIT_DEPTH" "workspace-git-depth" Text "1" "How many commits of history are fetched; 0 for all. Alone it asks for no checkout.";
    "workspace.git.submodules" "AGENT_RUNNER_WORKSPACE_GIT_SUBMODULES" "workspace-git-submodules" Text "`off`" "Which submodules are checked out too: `off`, `on` or `recursive`. Alone it asks for no checkout.";
    "workspace.trust" "AGENT_RUNNER_WORKSPACE_TRUST" "workspace-trust" Text "`trusted`" "Whether the repository may configure the agent: `trusted`, or `quarantine`, which moves such files aside.";
    "workspace.hostKeys" "AGENT_RUNNER_WORKSPACE_HOST_KEYS" "workspace-host-keys" Text "`strict`" "What becomes of an ssh host whose key is in no known-hosts file: refused with `strict`, taken with `accept-new`.";
    "workspace.wip" "AGENT_RUNNER_WORKSPACE_WIP" "workspace-wip" Switch "`false`" "Whether unpushed commits and changed files are saved into `workspace-wip` beside the status.";
    "workspace.localRemotes" "AGENT_RUNNER_WORKSPACE_LOCAL_REMOTES" "workspace-local-remotes" Switch "`false`" "Whether file:// URLs are allowed; for runs on one's own machine.";
    "workspace.timeouts.connect" "AGENT_RUNNER_WORKSPACE_TIMEOUTS_CONNECT" "workspace-timeouts-connect" Duration "30s" "Longest time until a connection to the git server stands.";
    "workspace.timeouts.transfer" "AGENT_RUNNER_WORKSPACE_TIMEOUTS_TRANSFER" "workspace-timeouts-transfer" Duration "60s" "Longest time without a byte from the git server.";
    "workspace.timeouts.total" "AGENT_RUNNER_WORKSPACE_TIMEOUTS_TOTAL" "workspace-timeouts-total" Duration "30m" "Longest time from the first attempt to the last file; 0 for none.";
    "timeouts.total" "AGENT_RUNNER_TIMEOUTS_TOTAL" "timeouts-total" Duration "none" "Longest time from the agent's start to its end; then outcome Timeout.";
    "timeouts.firstEvent" "AGENT_RUNNER_TIMEOUTS_FIRST_EVENT" "timeouts-first-event" Duration "none" "Longest time from the agent's start to its first output; then outcome Stalled.";
    "timeouts.idle" "AGENT_RUNNER_TIMEOUTS_IDLE" "timeouts-idle" Duration "none; 30m for claude and codex" "Longest time between two outputs while no tool runs; then outcome Stalled.";
    "timeouts.afterResult" "AGENT_RUNNER_TIMEOUTS_AFTER_RESULT" "timeouts-after-result" Duration "30s" "Longest time from the agent's final result to its end; then it is stopped and the result's verdict stands.";
    "budget.tokens" "AGENT_RUNNER_BUDGET_TOKENS" "budget-tokens" Number "no limit" "Tokens that the run may read and write; then outcome BudgetExceeded.";
    "budget.costUsd" "AGENT_RUNNER_BUDGET_COST_USD" "budget-cost-usd" Decimal "no limit" "US dollars at list price that the run may cost; only claude says what it costs.";
    "budget.turns" "AGENT_RUNNER_BUDGET_TURNS" "budget-turns" Number "no limit" "Turns that the model may take.";
    "budget.toolCalls" "AGENT_RUNNER_BUDGET_TOOL_CALLS" "budget-tool-calls" Number "no limit" "Tools that may be called.";
    "budget.wall" "AGENT_RUNNER_BUDGET_WALL" "budget-wall" Duration "no limit" "Time that the agent may take; `timeouts.total` is a limit, this is a budget with a warning at four fifths.";
    "events.sinks" "AGENT_RUNNER_EVENTS_SINKS" "events" List "`nats`" "Where events go besides the journal: `nats` (where `NATS_URL` is set), `stdout` (records on stdout, in the place of what the agent says there), `none`.";
    "events.required" "AGENT_RUNNER_EVENTS_REQUIRED" "events-required" Switch "`false`" "Whether a run fails, outcome ProviderUnavailable, that cannot publish its events over JetStream.";
    "events.reasoning" "AGENT_RUNNER_EVENTS_REASONING" "events-reasoning" Switch "`false`" "Whether the model's reasoning is shown, on stderr, and is an event.";
    "events.deltas" "AGENT_RUNNER_EVENTS_DELTAS" "events-deltas" Switch "`true`" "Whether messages are shown while they are being written; an event has the whole of a message.";
    "events.output" "AGENT_RUNNER_EVENTS_OUTPUT" "events-output" Switch "on where there is a sink" "Whether lines of output that are no events of the agent's become events of kind `log`.";
    "events.journal" "AGENT_RUNNER_EVENTS_JOURNAL" "events-journal" Text "`events.ndjson` beside the status" "File that events are kept in until they are delivered, and after; `off` keeps them in a private one, gone at the end.";
    "events.maxBytes" "AGENT_RUNNER_EVENTS_MAX_BYTES" "events-max-bytes" Bytes "256 MiB" "Bytes after which the journal takes no more output, and says so.";
    "events.maxContent" "AGENT_RUNNER_EVENTS_MAX_CONTENT" "events-max-content" Bytes "64 KiB" "Bytes after which the content of a published event is cut; the journal has it whole.";
    "events.format" "AGENT_RUNNER_EVENTS_FORMAT" "events-format" Text "`plain`" "Form of a published event: `plain`, as the controller's subscriber reads it, or `cloudevents`.";
    "events.context" "AGENT_RUNNER_EVENTS_CONTEXT" "events-context" Text "`off`" "Whether messages of others about the same repository, branch or issue are fetched before the run: `off`, `optional` or `required`.";
    "events.traces" "AGENT_RUNNER_EVENTS_TRACES" "events-traces" Switch "`false`" "Whether spans of the run, its phases and its tools are exported by OTLP, as the `OTEL_` variables say.";
    "artifacts.endpoint" "AGENT_RUNNER_ARTIFACTS_ENDPOINT" "artifacts-endpoint" Text "what the variables say, as for bucket and region" "The object store: `http(s)://host[:port][/base]`, `aws` for AWS's own, or `file:///directory`.";
    "artifacts.bucket" "AGENT_RUNNER_ARTIFACTS_BUCKET" "artifacts-bucket" Text "none" "The bucket; of a directory, one below it.";
    "artifacts.region" "AGENT_RUNNER_ARTIFACTS_REGION" "artifacts-region" Text "`us-east-1`" "The region that requests are signed for.";
    "artifacts.credentials" "AGENT_RUNNER_ARTIFACTS_CREDENTIALS" "artifacts-credentials" Text "`auto`" "As whom objects are stored: `auto` (keys, then web identity, container, profile), `static`, `web-identity`, `container`, `profile` or `instance`.";
    "artifacts.addressing" "AGENT_RUNNER_ARTIFACTS_ADDRESSING" "artifacts-addressing" Text "`path` with an endpoint, `virtual` with AWS's own" "Where the bucket's name stands in a URL: in its `path`, or in its host (`virtual`).";
    "artifacts.prefix" "AGENT_RUNNER_ARTIFACTS_PREFIX" "artifacts-prefix" Text "none" "What keys that nobody wrote begin with; `<run>/<attempt>/` follows. A template.";
    "artifacts.include" "AGENT_RUNNER_ARTIFACTS_INCLUDE" "artifacts-include" List "none" "Which of the runner's own files are stored below the prefix: `log`, `journal`, `status` (the complete one), `workspace-wip`, `manifest` (what was stored and what was not).";
    "artifacts.when" "AGENT_RUNNER_ARTIFACTS_WHEN" "artifacts-when" Text "`always`" "After which runs an artifact is stored that does not say it itself: `always`, `success` or `failure`.";
    "artifacts.maxBytes" "AGENT_RUNNER_ARTIFACTS_MAX_BYTES" "artifacts-max-bytes" Bytes "no limit" "Bytes after which a file is refused, of an artifact that does not say it itself.";
    "artifacts.timeout" "AGENT_RUNNER_ARTIFACTS_TIMEOUT" "artifacts-timeout" Duration "1h" "Longest time that storing may take when nobody stops the run.";
    "artifacts.encryption" "AGENT_RUNNER_ARTIFACTS_ENCRYPTION" "artifacts-encryption" Text "`none`: as the store does by itself" "How the store encrypts what it keeps: `none`, `s3` (with its own keys) or `kms`.";
    "artifacts.kmsKey" "AGENT_RUNNER_ARTIFACTS_KMS_KEY" "artifacts-kms-key" Text "the account's own" "Id of the key for `kms`.";
    "artifacts.storageClass" "AGENT_RUNNER_ARTIFACTS_STORAGE_CLASS" "artifacts-storage-class" Text "the bucket's" "Class of what is stored, such as `STANDARD_IA`.";
    "env.mode" "AGENT_RUNNER_ENV_MODE" "env-mode" Text "`inherit`" "Where the agent's environment starts from: `inherit` (ours without the runner's own NATS and artifact credentials) or `clean`, also called `allowlist`.";
    "env.pass" "AGENT_RUNNER_ENV_PASS" "env-pass" List "none" "Names, `*` allowed, that the agent gets although a clean environment, or the one without our credentials, would not have them.";
    "env.drop" "AGENT_RUNNER_ENV_DROP" "env-drop" List "none" "Names, `*` allowed, that the agent never sees.";
    "env.templates" "AGENT_RUNNER_ENV_TEMPLATES" "env-templates" List "the names that `envTemplate` sets" "Variables that the template root `env` of `envTemplate` has.";
    "redact.enabled" "AGENT_RUNNER_REDACT_ENABLED" "redact-enabled" Switch "`true`" "Whether secrets are replaced in every sink.";
    "redact.patterns" "AGENT_RUNNER_REDACT_PATTERNS" "redact-patterns" Switch "`true`" "Whether well-known token forms are replaced, besides exact values.";
    "redact.names" "AGENT_RUNNER_REDACT_NAMES" "redact-names" List "none" "Further variables, `*` allowed, whose values are secret.";
    "redact.files" "AGENT_RUNNER_REDACT_FILES" "redact-files" List "none" "Further files whose content is secret.";
    "redact.failClosed" "AGENT_RUNNER_REDACT_FAIL_CLOSED" "redact-fail-closed" Switch "`false`" "Refuse to run, outcome PolicyRefused, when a secret file cannot be read.";
    "log.maxBytes" "AGENT_RUNNER_LOG_MAX_BYTES" "log-max-bytes" Bytes "no limit" "Bytes after which the log is closed with a record that says so.";
    "strictTemplates" "AGENT_RUNNER_STRICT_TEMPLATES" "strict-templates" Switch "`false`" "Whether a template path that leads nowhere is an error.";
    "graceSeconds" "AGENT_RUNNER_GRACE_SECONDS" "grace-seconds" Duration "60 % of the pod's" "Time the agent has between TERM and KILL.";
}

/// Why a setting could not be taken from a flag or a variable.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SettingsError {
    /// The text is not a value of that kind.
    #[error("`{name}` is set to `{value}`: {problem}")]
    Invalid {
        /// Flag or variable.
        name: String,
        /// What it says.
        value: String,
        /// Why that is not a value.
        problem: String,
    },
}

/// Lays settings from flags and variables over those of the spec.
///
/// `layers` are given lowest first; `flags` are (key, text) pairs from the command line.
///
/// # Errors
///
/// Returns [`SettingsError::Invalid`] for a text that is not a value of its setting.
pub fn resolve(
    layers: &[Option<&RunnerSettings>],
    environment: &Environment,
    flags: &[(String, String)],
) -> Result<RunnerSettings, SettingsError> {
    let mut merged = Value::Object(Map::new());
    for layer in layers.iter().flatten() {
        let layer = to_value(layer);
        lay_over(&mut merged, layer);
    }
    for setting in SETTINGS {
        if let Some(text) = environment.get(setting.variable) {
            set(
                &mut merged,
                setting,
                text,
                &format!("${}", setting.variable),
            )?;
        }
    }
    for (key, text) in flags {
        if let Some(setting) = SETTINGS.iter().find(|setting| setting.key == key) {
            set(&mut merged, setting, text, &format!("--{}", setting.flag))?;
        }
    }
    // Every layer was parsed on its own, so the whole is valid too.
    Ok(serde_json::from_value(merged).unwrap_or_default())
}

fn set(merged: &mut Value, setting: &Setting, text: &str, name: &str) -> Result<(), SettingsError> {
    let invalid = |problem: String| SettingsError::Invalid {
        name: name.to_owned(),
        value: text.to_owned(),
        problem,
    };
    let value = match setting.kind {
        Kind::Text | Kind::Duration => Value::from(text),
        Kind::List => text
            .split(',')
            .map(str::trim)
            .filter(|item| !item.is_empty())
            .map(Value::from)
            .collect(),
        Kind::Switch => match text.to_ascii_lowercase().as_str() {
            "true" | "1" | "yes" | "on" => Value::Bool(true),
            "false" | "0" | "no" | "off" => Value::Bool(false),
            _ => return Err(invalid("expected `true` or `false`".to_owned())),
        },
        Kind::Bytes => text
            .parse::<u64>()
            .map(Value::from)
            .map_err(|_| invalid("expected a number of bytes".to_owned()))?,
        Kind::Number => text
            .trim()
            .parse::<u64>()
            .map(Value::from)
            .map_err(|_| invalid("expected a whole number".to_owned()))?,
        Kind::Decimal => text
            .trim()
            .parse::<f64>()
            .ok()
            .filter(|number| number.is_finite() && *number >= 0.0)
            .map(Value::from)
            .ok_or_else(|| invalid("expected a number that is not negative".to_owned()))?,
    };
    let nested = setting.key.rsplit('.').fold(value, |inner, key| {
        Value::Object(Map::from_iter([(key.to_owned(), inner)]))
    });
    // Parsed alone first, so that the message can name the flag or variable.
    let alone: RunnerSettings = serde_json::from_value(nested)
        .map_err(|error| invalid(spelled(&error.to_string(), text)))?;
    lay_over(merged, to_value(&alone));
    Ok(())
}

fn to_value(settings: &RunnerSettings) -> Value {
    // Settings have only string keys, which is all that could fail.
    serde_json::to_value(settings).unwrap_or_default()
}

/// Adds "did you mean" to serde's list of variants.
fn spelled(problem: &str, text: &str) -> String {
    let variants = problem.split('`').skip(3).step_by(2);
    match nearest(text, variants) {
        Some(meant) => format!("{problem}: did you mean `{meant}`?"),
        None => problem.to_owned(),
    }
}

/// Lays `over` over `under`: objects key by key, everything else as a whole.
fn lay_over(under: &mut Value, over: Value) {
    match (under, over) {
        (Value::Object(under), Value::Object(over)) => {
            for (key, value) in over {
                lay_over(under.entry(key).or_insert(Value::Null), value);
            }
        }
        (under, over) => *under = over,
    }
}

#[cfg(test)]
mod tests;
