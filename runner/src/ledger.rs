//! What is known of the run so far: enough, at any moment, for a truthful status.
//!
//! Every phase writes down what it learns. Whatever happens next (a signal, a failure, a panic of
//! ours), the status can be made from the ledger and a decision. It is shared with the threads
//! that load and write files, because those may be given up while they wait for a disk.

mod git;
mod scratch;
mod session;

pub use scratch::{scratch, sweep};

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use agent_plan::outcome::{Decision, Exit, StopCause, signal_name};
use agent_plan::plan::{Paths, Plan};
use agent_plan::provider::Report;
use agent_plan::status::{
    ERROR_LIMIT, EventsStatus, GitStatus, ProcessStatus, RunStatus, StatusArtifacts, UploadsStatus,
    WipStatus, cut,
};

use tokio::task::JoinError;

use crate::artifacts::Delivered;
use crate::events::Events;
use crate::process::{Log, Supervised};
use crate::workspace::{Checkout, Remains};
use crate::{report, status, telemetry};

/// How many of the processes that outlived the agent are named.
const NAMED_LEFTOVERS: usize = 20;

/// What is known of the run so far. Clones share it.
#[derive(Debug, Clone)]
pub struct Ledger(Arc<Mutex<Known>>);

#[derive(Debug)]
struct Known {
    paths: Paths,
    draft: RunStatus,
    phase: (&'static str, Instant),
    began: Instant,
    events: Events,
    plan: Option<Arc<Plan>>,
}

impl Ledger {
    /// Starts the ledger of a run that begins now.
    pub fn new() -> Self {
        Self(Arc::new(Mutex::new(Known {
            paths: Paths::default(),
            draft: RunStatus::begun(&timestamp()),
            phase: ("load", Instant::now()),
            began: Instant::now(),
            events: Events::none(),
            plan: None,
        })))
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        // A thread of ours that panicked leaves what it knew; that is what the ledger is for.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes where the status goes, and whose run it is.
    pub fn on_spec(&self, provider: &str, paths: Paths) {
        let mut known = self.known();
        provider.clone_into(&mut known.draft.provider);
        known.paths = paths;
    }

    /// Notes what will be done.
    pub fn on_plan(&self, plan: &Plan) {
        telemetry::redact_with(plan.redactor.clone());
        let mut known = self.known();
        known.paths = plan.paths.clone();
        known.plan = Some(Arc::new(plan.clone()));
        let draft = &mut known.draft;
        draft.provider.clone_from(&plan.identity.provider);
        draft.adapter = Some(plan.identity.adapter.to_owned());
        draft.binary = Some(plan.process.program.display().to_string());
        draft.args = Some(plan.process.args.clone());
        draft.cwd = Some(plan.process.cwd.display().to_string());
        draft.attempt = plan.identity.attempt;
        draft.artifacts.output_artifacts = Some(plan.artifacts.declared.clone());
        for warning in &plan.warnings {
            tracing::warn!(%warning, "Plan warning.");
            draft.warnings.push(warning.clone());
        }
        draft.git = git::planned(plan);
        session::planned(draft, plan);
    }

    /// Notes what the agent's session knows.
    pub fn on_session(&self, report: &Report) {
        session::reported(&mut self.known().draft, report);
    }

    /// Notes where events go, which every status from now on counts.
    pub fn on_events(&self, events: &Events) {
        self.known().events = events.clone();
    }

    /// Returns where events go: nowhere before there is a plan.
    pub fn events(&self) -> Events {
        self.known().events.clone()
    }

    /// Returns the plan, once there is one.
    pub fn plan(&self) -> Option<Arc<Plan>> {
        self.known().plan.clone()
    }

    /// Returns where the log is, once it is open.
    pub(crate) fn log(&self) -> Option<PathBuf> {
        let known = self.known();
        known.draft.artifacts.log_path.as_ref().map(PathBuf::from)
    }

    /// Notes what became of artifacts; replaces what was noted before.
    pub(crate) fn on_delivered(&self, delivered: Delivered) {
        let mut known = self.known();
        let draft = &mut known.draft;
        draft.artifacts.output_artifacts = Some(delivered.outputs);
        draft.artifacts.uploads = delivered.uploads;
        for (name, count) in delivered.redactions {
            *draft.redactions.entry(name).or_default() += count;
        }
        for warning in delivered.warnings {
            tracing::warn!(%warning, "Run warning.");
            draft.warnings.push(warning);
        }
    }

    /// Returns the status of a run that ends like this, as far as is known, redacted.
    pub(crate) fn status(&self, decision: &Decision) -> RunStatus {
        self.known().status(decision)
    }

    /// Says how long ago the run began.
    pub fn since_start(&self) -> Duration {
        self.known().began.elapsed()
    }

    /// Notes what was checked out.
    pub fn on_checkout(&self, checkout: &Checkout) {
        git::checked_out(&mut self.known().draft, checkout);
    }

    /// Notes what is left of the work tree; `None`: there was no time to look.
    pub fn on_remains(&self, remains: Result<Option<Remains>, JoinError>) {
        git::looked_back(&mut self.known().draft, remains);
    }

    /// Notes something that the run coped with.
    pub fn warn(&self, warning: impl Into<String>) {
        let warning = warning.into();
        tracing::warn!(%warning, "Run warning.");
        self.known().draft.warnings.push(warning);
    }

    /// Notes that a phase begins, and how long the one before it took.
    pub fn enter(&self, phase: &'static str) {
        let mut known = self.known();
        known.close_phase();
        known.phase = (phase, Instant::now());
    }

    /// Notes what became of the agent.
    pub fn on_agent(&self, agent: &Supervised, log: &Log) {
        self.on_session(&agent.report);
        let mut known = self.known();
        let draft = &mut known.draft;
        draft.artifacts.log_path = log.path().map(|path| path.display().to_string());
        draft.warnings.extend(log.complaint());
        if agent.mirror_lost > 0 {
            draft.warnings.push(format!(
                "{} bytes of output were not taken by our own stdout or stderr",
                agent.mirror_lost
            ));
        }
        if agent.output_incomplete {
            draft
                .warnings
                .push("a part of the output may be lost beyond what is counted".to_owned());
        }
        if agent.leftovers_unknown {
            draft.warnings.push(
                "processes that outlived the agent could not be listed, and may still be there"
                    .to_owned(),
            );
        }
        if agent.oom_kills > 0 {
            draft.warnings.push(format!(
                "the kernel killed {} process(es) for want of memory",
                agent.oom_kills
            ));
        }
        for (name, count) in &agent.redactions {
            *draft.redactions.entry(name.clone()).or_default() += count;
        }
        draft.signal = match agent.exit {
            Some(Exit::Signal(signal)) => Some(signal_name(signal).to_owned()),
            _ => None,
        };
        draft.process = Some(ProcessStatus {
            exit_code: match agent.exit {
                Some(Exit::Code(code)) => Some(code),
                _ => None,
            },
            stopped: agent.stopped.map(stop_name),
            killed: agent.killed,
            leftover_count: agent.leftovers.len() as u64,
            leftovers: agent
                .leftovers
                .iter()
                .take(NAMED_LEFTOVERS)
                .map(|left| format!("{} ({})", left.name, left.pid))
                .collect(),
            oom_kills: agent.oom_kills,
            output_bytes: agent.output_bytes,
            log_bytes_lost: log.lost(),
            mirror_bytes_lost: agent.mirror_lost,
        });
    }

    /// Writes the status of a run that ends like this, as far as is known.
    ///
    /// Idempotent: a later call replaces what an earlier one wrote.
    pub fn write(&self, decision: &Decision) {
        let mut known = self.known();
        known.close_phase();
        let status = known.status(decision);
        let Some(path) = known.paths.status.clone() else {
            return;
        };
        for error in status::write(&path, &status) {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "Status not written."
            );
            if matches!(error, status::StatusError::Short { .. }) {
                elsewhere(&status);
            }
        }
    }
}

impl Default for Ledger {
    fn default() -> Self {
        Self::new()
    }
}

impl Known {
    fn close_phase(&mut self) {
        let (phase, since) = self.phase;
        let took = u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.draft.timings.insert(format!("{phase}Ms"), took);
    }

    /// The draft with the decision in it, every text redacted.
    fn status(&self, decision: &Decision) -> RunStatus {
        let redactor = telemetry::redactor();
        let clean = |text: &str| redactor.text(text).into_owned();
        let path =
            |path: &Option<PathBuf>| path.as_ref().map(|path| clean(&path.display().to_string()));
        let draft = self.draft.clone();
        RunStatus {
            status: decision.outcome.word(),
            provider: clean(&draft.provider),
            binary: draft.binary.as_deref().map(clean),
            args: draft
                .args
                .map(|args| args.iter().map(|arg| clean(arg)).collect()),
            exit_code: decision.exit_code,
            finished_at: timestamp(),
            cwd: draft.cwd.as_deref().map(clean),
            artifacts: StatusArtifacts {
                status_path: path(&self.paths.status),
                log_path: draft
                    .artifacts
                    .log_path
                    .as_deref()
                    .map(clean)
                    .or_else(|| path(&self.paths.log)),
                output_artifacts: draft
                    .artifacts
                    .output_artifacts
                    .map(|all| all.iter().map(|one| one.map(clean)).collect()),
                uploads: draft.artifacts.uploads.map(|uploads| UploadsStatus {
                    store: clean(&uploads.store),
                    manifest: uploads.manifest.as_deref().map(clean),
                    problem: uploads.problem.as_deref().map(clean),
                    ..uploads
                }),
            },
            error: decision
                .error
                .as_deref()
                .map(|error| cut(&clean(error), ERROR_LIMIT)),
            outcome: decision.outcome,
            reason: clean(&decision.reason),
            retryable: agent_plan::outcome::retryable(decision.outcome, &decision.reason),
            retry_after: session::retry_after(decision),
            thread_id: draft.thread_id.as_deref().map(clean),
            turn_id: draft.turn_id.as_deref().map(clean),
            turn_status: draft.turn_status.as_deref().map(clean),
            turn_error: draft.turn_error.as_deref().map(clean),
            model: draft.model.as_deref().map(clean),
            effort: draft.effort.as_deref().map(clean),
            session_id: draft.session_id.as_deref().map(clean),
            git: draft.git.map(|git| GitStatus {
                url: clean(&git.url),
                branch: git.branch.as_deref().map(clean),
                path: git.path.as_deref().map(clean),
                quarantined: git.quarantined.iter().map(|path| clean(path)).collect(),
                error: git.error.as_deref().map(clean),
                wip: git.wip.map(|wip| WipStatus {
                    directory: clean(&wip.directory),
                    ..wip
                }),
                ..git
            }),
            events: self.events.status().map(|events| EventsStatus {
                journal: events.journal.as_deref().map(clean),
                problem: events.problem.as_deref().map(clean),
                ..events
            }),
            process: draft.process.map(|process| ProcessStatus {
                leftovers: process.leftovers.iter().map(|name| clean(name)).collect(),
                ..process
            }),
            warnings: draft
                .warnings
                .iter()
                .map(|warning| clean(warning))
                .collect(),
            ..draft
        }
    }
}

/// The last resort for a status that cannot be where it should: a private file, and stderr.
fn elsewhere(status: &RunStatus) {
    let bytes = agent_plan::status::pack(status);
    report::last_resort(&bytes);
    if let Ok(directory) = scratch() {
        let path = directory.join("status.json");
        match std::fs::write(&path, &bytes) {
            Ok(()) => tracing::warn!(path = %path.display(), "Status written elsewhere."),
            Err(error) => tracing::warn!(
                error = &error as &dyn std::error::Error,
                "Status not written elsewhere either."
            ),
        }
    }
}

fn stop_name(cause: StopCause) -> String {
    match cause {
        StopCause::Signal(signal) => signal_name(signal).to_owned(),
        StopCause::TotalTimeout => "timeouts.total".to_owned(),
        StopCause::FirstEventTimeout => "timeouts.firstEvent".to_owned(),
        StopCause::IdleTimeout => "timeouts.idle".to_owned(),
        StopCause::AfterResultTimeout => "timeouts.afterResult".to_owned(),
        StopCause::Hopeless => "verdict".to_owned(),
    }
}

/// RFC 3339, UTC, whole seconds, as the incumbent writes it (contract §5.1).
fn timestamp() -> String {
    humantime::format_rfc3339_seconds(SystemTime::now()).to_string()
}
