//! What becomes of events: who speaks, where they are kept, where they go (design §9).

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;

use super::lookup::Lookup;
use super::nats::{self, NatsPlan};
use super::{Budget, Identity, Inputs, Paths, PlanError, ProcessPlan};
use crate::env;
use crate::message::{self, Format, Prefix, Wire};
use crate::record::Speaker;
use crate::settings::{
    EventFormat, EventSettings, EventSink, RunnerSettings, SettingsError, Wanted,
};

/// Name of the journal, beside the status.
pub const JOURNAL: &str = "events.ndjson";

/// A journal that is larger holds no more output: a day's worth of a talkative agent.
const JOURNAL_LIMIT: u64 = 256 << 20;

/// What the subscriber stores of one message without complaint (contract §8.5).
const CONTENT_LIMIT: usize = 64 << 10;

/// The least content of a message: its beginning and the mark that it is cut.
const LEAST_CONTENT: u64 = 256;

/// Where the stream is that others speak in (contract §8.2).
const STREAM: &str = "agent-comms";

/// How many messages of others are fetched, and how long that may take (contract §8.4).
const CONTEXT_COUNT: u64 = 50;
const CONTEXT_TIMEOUT_MS: u64 = 15_000;

/// The most that can be asked for: a template has room for fewer messages, and no run has hours to
/// wait for them.
const MOST_CONTEXT: u64 = 1000;
const LONGEST_CONTEXT_MS: u64 = 60 * 60 * 1000;

/// What becomes of events.
#[derive(Debug, Clone)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a setting of its own, and every combination is allowed"
)]
pub struct EventsPlan {
    /// Who speaks; without a uid the shell makes one up.
    pub speaker: Speaker,
    /// Whether the attempt's number was told, and so is the only one of its kind; if not, the step
    /// is a part of every id.
    pub attempt_is_told: bool,
    /// The journal; `None`: a private one, gone at the end.
    pub journal: Option<PathBuf>,
    /// Whether its place was told: that it cannot be written is then worth a warning.
    pub journal_is_told: bool,
    /// Bytes after which it takes no more output.
    pub journal_limit: u64,
    /// Whether lines of output are events.
    pub output: bool,
    /// Whether reasoning is an event.
    pub reasoning: bool,
    /// Whether records go to our stdout, in the place of what the agent says there.
    pub stdout: bool,
    /// Where they are published, if they are.
    pub nats: Option<NatsPlan>,
    /// How they are worded there.
    pub wire: Wire,
    /// Whether a run whose events cannot be delivered fails.
    pub required: bool,
    /// How long the last events may take at the end.
    pub flush: Duration,
    /// What others said, if that is wanted.
    pub context: Option<ContextPlan>,
    /// Where that is fetched; `None`: there is no server.
    pub context_from: Option<NatsPlan>,
    /// Whether spans are exported.
    pub traces: bool,
    /// SHA-256 of the system prompt, if there is one.
    pub system_prompt_hash: Option<String>,
}

/// Which messages of others are fetched before the plan is made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContextPlan {
    /// Whether a run that cannot have them fails.
    pub required: bool,
    /// The stream they are in.
    pub stream: String,
    /// The subject they are on; wildcards allowed.
    pub subject: String,
    /// The most messages.
    pub count: usize,
    /// How long it may take.
    pub timeout: Duration,
    /// The file they are written to; `None`: none.
    pub path: Option<PathBuf>,
    /// Only those of this repository.
    pub repository: Option<String>,
    /// Only those of this branch.
    pub branch: Option<String>,
    /// Only those of this issue.
    pub issue_number: Option<u64>,
}

pub(super) fn plan(
    inputs: &Inputs<'_>,
    settings: &RunnerSettings,
    process: &ProcessPlan,
    identity: &Identity,
    paths: &Paths,
    budget: Budget,
    warnings: &mut Vec<String>,
) -> Result<EventsPlan, PlanError> {
    let lookup = Lookup::new(process, inputs.environment);
    let settings = settings.events.clone().unwrap_or_default();
    check_sinks(&settings)?;
    let speaker = speaker(inputs, &lookup, identity);
    let wants = |sink| match &settings.sinks {
        Some(sinks) => sinks.contains(&sink),
        None => sink == EventSink::Nats,
    };
    let required = settings.required.unwrap_or(false);
    let nats = match nats::plan(&lookup, inputs.working_dir) {
        Ok(nats) => nats,
        Err(error) if required => return Err(error.into()),
        Err(error) => {
            warnings.push(format!("no events are published: {error}"));
            None
        }
    };
    let wire = wire(&settings, &lookup);
    let general = message::general_subjects(&wire.prefix);
    let context = context(&settings, &lookup, &speaker, general, inputs.working_dir);
    let context = context.map(|(context, bad)| {
        warnings.extend(bad);
        context
    });
    if let Some(context) = context.as_ref().filter(|_| nats.is_none()) {
        if context.required {
            return Err(PlanError::NoServer {
                what: "events.context",
            });
        }
        warnings.push("`events.context` fetches nothing: `NATS_URL` is not set".to_owned());
    }
    let published = nats.is_some() && wants(EventSink::Nats);
    if required && !published {
        return Err(PlanError::NoServer {
            what: "events.required",
        });
    }
    let stdout = wants(EventSink::Stdout);
    Ok(EventsPlan {
        attempt_is_told: inputs.environment.get(env::ATTEMPT).is_some(),
        journal: journal(&settings, paths, inputs.working_dir),
        journal_is_told: settings.journal.is_some(),
        journal_limit: settings.max_bytes.unwrap_or(JOURNAL_LIMIT),
        output: settings.output.unwrap_or(published || stdout),
        reasoning: settings.reasoning.unwrap_or(false),
        stdout,
        nats: nats.clone().filter(|_| published),
        context_from: nats.filter(|_| context.is_some()),
        wire,
        required,
        // The other half is for what is left of the workspace and for artifacts. Where the agent asks
        // for little grace, what it leaves is not all for events: nobody waits so long for a server.
        flush: (budget.flush / 2).min(budget.total / 20 * 3),
        context,
        traces: settings.traces.unwrap_or(false),
        system_prompt_hash: system_prompt_hash(inputs),
        speaker,
    })
}

/// Refuses sinks that contradict each other.
fn check_sinks(settings: &EventSettings) -> Result<(), SettingsError> {
    let sinks = settings.sinks.as_deref().unwrap_or_default();
    let is_none = |sink: &EventSink| *sink == EventSink::None;
    if sinks.iter().any(is_none) && !sinks.iter().all(is_none) {
        let name = |sink: &EventSink| match sink {
            EventSink::Nats => "nats",
            EventSink::Stdout => "stdout",
            EventSink::None => "none",
        };
        let names: Vec<&str> = sinks.iter().map(name).collect();
        return Err(SettingsError::Invalid {
            name: "runner.events.sinks".to_owned(),
            value: names.join(","),
            problem: "`none` stands alone".to_owned(),
        });
    }
    Ok(())
}

fn system_prompt_hash(inputs: &Inputs<'_>) -> Option<String> {
    let content = inputs.system_prompt.as_ref()?.content.as_ref().ok()?;
    Some((inputs.sha256)(content.as_bytes()))
}

/// Where the journal is: beside the status unless told.
fn journal(settings: &EventSettings, paths: &Paths, working_dir: &Path) -> Option<PathBuf> {
    match settings.journal.as_deref() {
        Some("off") => None,
        Some(told) => Some(working_dir.join(told)),
        None => {
            let status = paths.status.as_ref()?;
            // The kubelet mounts one file there, not a directory.
            let beside = status.parent() != Some(Path::new("/dev"));
            beside.then(|| status.with_file_name(JOURNAL))
        }
    }
}

pub(super) fn wire(settings: &EventSettings, lookup: &Lookup<'_>) -> Wire {
    Wire {
        prefix: match lookup.first(&["NATS_SUBJECT_PREFIX"]).as_deref() {
            None | Some("agentrun") => Prefix::AgentRun,
            Some("workflow") => Prefix::Workflow,
            Some(other) => Prefix::Other(other.to_owned()),
        },
        format: match settings.format {
            None | Some(EventFormat::Plain) => Format::Plain,
            Some(EventFormat::Cloudevents) => Format::CloudEvents,
        },
        traceparent: lookup.first(&["TRACEPARENT"]),
        max_content: settings.max_content.map_or(CONTENT_LIMIT, |bytes| {
            usize::try_from(bytes.max(LEAST_CONTENT)).unwrap_or(usize::MAX)
        }),
    }
}

/// Who speaks: the payload, and over it what the environment says (contract §8.6).
fn speaker(inputs: &Inputs<'_>, lookup: &Lookup<'_>, identity: &Identity) -> Speaker {
    let payload = |pointer: &str| text(inputs.payload?.pointer(pointer)?);
    let input = |key: &str| text(inputs.spec.value.inputs.get(key)?);
    let told = |names: &[&str]| lookup.first(names);
    let issue = told(&["CODEX_ISSUE_NUMBER", "ISSUE_NUMBER"])
        .or_else(|| payload("/issueNumber"))
        .or_else(|| input("issueNumber"));
    Speaker {
        run_uid: told(&["AGENT_RUN_UID"])
            .or_else(|| identity.uid.clone())
            .unwrap_or_default(),
        run_name: told(&["AGENT_RUN_NAME"]).or_else(|| identity.name.clone()),
        run_namespace: told(&["AGENT_RUN_NAMESPACE"]).or_else(|| identity.namespace.clone()),
        run_id: told(&["AGENTS_RUN_ID", "AGENT_RUN_ID", "RUN_ID", "CODEX_RUN_ID"]),
        agent_id: told(&["AGENT_ID"]).unwrap_or_else(|| identity.provider.clone()),
        agent_role: told(&["AGENT_ROLE"]),
        step_id: told(&["AGENT_RUN_STEP", "STEP_ID", "HOSTNAME"]),
        stage: told(&["AGENT_RUN_STAGE"])
            .or_else(|| payload("/stage"))
            .or_else(|| input("stage")),
        repository: told(&["CODEX_REPOSITORY", "CODEX_REPO_SLUG", "VCS_REPOSITORY"])
            .or_else(|| payload("/vcs/repository"))
            .or_else(|| payload("/repository")),
        branch: told(&["CODEX_BRANCH", "HEAD_BRANCH", "VCS_HEAD_BRANCH"])
            .or_else(|| payload("/vcs/headBranch"))
            .or_else(|| payload("/head")),
        issue_number: issue.and_then(|issue| issue.parse().ok()),
    }
}

/// Returns which messages of others are wanted, if any are, and what is wrong with the numbers
/// about them; `general` is the subject where they are unless told.
fn context(
    settings: &EventSettings,
    lookup: &Lookup<'_>,
    speaker: &Speaker,
    general: String,
    working_dir: &Path,
) -> Option<(ContextPlan, Vec<String>)> {
    let required = match settings.context? {
        Wanted::Off => return None,
        Wanted::Optional => false,
        Wanted::Required => true,
    };
    let mut bad = Vec::new();
    let mut number = |name: &str, default: u64, most: u64| {
        let Some(text) = lookup.get(name).map(str::trim) else {
            return default;
        };
        if text.bytes().all(|byte| byte.is_ascii_digit()) {
            // Digits that are too many for a number are more than the most, too.
            return text.parse().map_or(most, |number: u64| number.min(most));
        }
        bad.push(format!("`{name}` is no whole number: {default} counts"));
        default
    };
    let count = number("NATS_CONTEXT_COUNT", CONTEXT_COUNT, MOST_CONTEXT);
    let timeout = number(
        "NATS_CONTEXT_TIMEOUT_MS",
        CONTEXT_TIMEOUT_MS,
        LONGEST_CONTEXT_MS,
    );
    let context = ContextPlan {
        required,
        stream: lookup
            .first(&["NATS_STREAM"])
            .unwrap_or_else(|| STREAM.to_owned()),
        subject: lookup.first(&["NATS_CONTEXT_SUBJECT"]).unwrap_or(general),
        count: usize::try_from(count).unwrap_or(usize::MAX),
        timeout: Duration::from_millis(timeout),
        path: lookup
            .get("NATS_CONTEXT_PATH")
            .map(|path| working_dir.join(path)),
        repository: speaker.repository.clone(),
        branch: speaker.branch.clone(),
        issue_number: speaker.issue_number,
    };
    Some((context, bad))
}

/// A scalar as text; blank is none.
fn text(value: &Value) -> Option<String> {
    let text = match value {
        Value::String(text) => text.trim().to_owned(),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    (!text.is_empty()).then_some(text)
}
