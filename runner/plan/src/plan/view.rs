//! The plan as others see it: without secrets, safe to paste into an issue.

mod checkout;
mod conversation;
mod events;
mod uploads;

pub use checkout::CheckoutView;
pub use conversation::CodexView;
pub use events::EventsView;
pub use uploads::{DeliveryView, UploadsView};

use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeMap;
use std::time::Duration;

use crate::settings::Protocol;
use crate::spec::OutputArtifact;

use super::{Plan, Stdin};

/// What `--dry-run` prints as JSON. Stable: fields are added, never changed.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(title = "Plan")]
pub struct PlanView {
    /// Name of the provider.
    pub provider: String,
    /// `exec`, `codex-app-server` or `claude`.
    pub adapter: String,
    /// Whose run it is, as far as the payload says.
    pub run: RunView,
    /// What is cloned before anything else.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub checkout: Option<CheckoutView>,
    /// Where git credentials come from, and to whom they go; for the checkout, and for the agent's
    /// own git with or without one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub credentials: Vec<String>,
    /// Where unpushed work is saved, if it is asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wip: Option<String>,
    /// The agent's process.
    pub process: ProcessView,
    /// Files that will be written before it starts.
    pub files: Vec<FileView>,
    /// What was declared to be there after it ended.
    pub artifacts: Vec<OutputArtifact>,
    /// What will be stored of it, and besides it, if anything will.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uploads: Option<UploadsView>,
    /// Where the status file goes.
    pub status_path: Option<String>,
    /// Where the agent's output goes, besides stdout and stderr.
    pub log_path: Option<String>,
    /// What becomes of events.
    pub events: EventsView,
    /// Seconds between SIGTERM and SIGKILL, divided.
    pub grace: GraceView,
    /// Names of the secrets whose values are kept out of every sink.
    pub secrets: Vec<String>,
    /// What is not as it should be.
    pub warnings: Vec<String>,
}

/// Whose run it is.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct RunView {
    /// Name of the `AgentRun`.
    pub name: Option<String>,
    /// Its uid.
    pub uid: Option<String>,
    /// Its namespace.
    pub namespace: Option<String>,
    /// From 1.
    pub attempt: u32,
}

/// The agent's process.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProcessView {
    /// Path or name of the executable.
    pub binary: String,
    /// Its arguments.
    pub args: Vec<String>,
    /// Its working directory.
    pub cwd: String,
    /// Variables that templates set.
    pub env: BTreeMap<String, String>,
    /// Names of the variables that it inherits, or is given for its own git.
    pub inherited: Vec<String>,
    /// The prompt, which never is in its arguments.
    pub prompt: Option<String>,
    /// The skill that the prompt is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub skill: Option<String>,
    /// The conversation that it goes on with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resume: Option<String>,
    /// What a codex thread is started with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub codex: Option<CodexView>,
    /// What the conversation may cost, by what is limited.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub budget: BTreeMap<String, f64>,
    /// How its stdout is read.
    pub protocol: Protocol,
    /// Seconds, by timer; absent: no limit.
    pub timeouts: BTreeMap<String, f64>,
}

/// A file that will be written.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct FileView {
    /// Absolute.
    pub path: String,
    /// Octal.
    pub mode: String,
    /// What it will hold.
    pub content: String,
}

/// Seconds of the pod's grace period.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct GraceView {
    /// All of them.
    pub total: f64,
    /// For the agent, from TERM to KILL.
    pub stop: f64,
    /// For output, events and artifacts.
    pub flush: f64,
    /// For the status file.
    pub status: f64,
}

impl Plan {
    /// Returns the plan as others may see it; every text has gone through the redactor.
    pub fn view(&self) -> PlanView {
        let clean = |text: &str| self.redactor.text(text).into_owned();
        let lossy = |path: &std::path::Path| clean(&path.to_string_lossy());
        PlanView {
            provider: clean(&self.identity.provider),
            adapter: self.identity.adapter.to_owned(),
            run: RunView {
                name: self.identity.name.as_deref().map(clean),
                uid: self.identity.uid.as_deref().map(clean),
                namespace: self.identity.namespace.as_deref().map(clean),
                attempt: self.identity.attempt,
            },
            checkout: self.checkout_view(&clean),
            credentials: self.credentials_view(&clean),
            wip: self.wip.as_deref().map(lossy),
            process: self.process_view(&clean),
            files: self
                .files
                .iter()
                .map(|file| FileView {
                    path: lossy(&file.path),
                    mode: format!("{:04o}", file.mode),
                    content: clean(&file.content),
                })
                .collect(),
            artifacts: (self.artifacts.declared.iter())
                .map(|artifact| artifact.map(clean))
                .collect(),
            uploads: self.uploads_view(&clean),
            status_path: self.paths.status.as_deref().map(lossy),
            log_path: self.paths.log.as_deref().map(lossy),
            events: self.events_view(&clean),
            grace: GraceView {
                total: self.budget.total.as_secs_f64(),
                stop: self.budget.stop.as_secs_f64(),
                flush: self.budget.flush.as_secs_f64(),
                status: self.budget.status.as_secs_f64(),
            },
            secrets: self
                .redactor
                .secret_names()
                .into_iter()
                .map(str::to_owned)
                .collect(),
            warnings: self.warnings.iter().map(|warning| clean(warning)).collect(),
        }
    }

    fn process_view(&self, clean: &impl Fn(&str) -> String) -> ProcessView {
        let process = &self.process;
        let conversation = &process.conversation;
        let timers = process.timers;
        let seconds = |name: &str, timer: Option<Duration>| {
            timer.map(|timer| (name.to_owned(), timer.as_secs_f64()))
        };
        let is_rendered = |name: &str| process.rendered.iter().any(|rendered| rendered == name);
        let lossy = |text: &std::ffi::OsStr| text.to_string_lossy().into_owned();
        let mut inherited: Vec<_> = process
            .env
            .iter()
            .map(|(name, _)| lossy(name))
            .filter(|name| !is_rendered(name))
            .collect();
        inherited.sort();
        ProcessView {
            binary: clean(&process.program.to_string_lossy()),
            args: process.args.iter().map(|arg| clean(arg)).collect(),
            cwd: clean(&process.cwd.to_string_lossy()),
            env: process
                .rendered
                .iter()
                .filter_map(|name| Some((name.clone(), clean(&lossy(process.env.raw(name)?)))))
                .collect(),
            inherited,
            prompt: match &process.stdin {
                Stdin::Inherited | Stdin::Empty | Stdin::Session => None,
                Stdin::Prompt(prompt) => Some(clean(prompt)),
            }
            .or_else(|| conversation.prompt().map(|prompt| clean(&prompt.text))),
            skill: (conversation.prompt())
                .and_then(|prompt| prompt.skill.as_deref())
                .map(clean),
            resume: conversation.resume().map(clean),
            codex: CodexView::of(conversation, clean),
            budget: conversation::budget(&process.limits),
            protocol: process.conversation.protocol(),
            timeouts: [
                seconds("total", timers.total),
                seconds("firstEvent", timers.first_event),
                seconds("idle", timers.idle),
                seconds("afterResult", timers.after_result),
            ]
            .into_iter()
            .flatten()
            .collect(),
        }
    }
}
