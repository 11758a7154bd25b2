//! What a run goes through: an agent that behaves in one way, and what is to come of it.

mod asking;
mod case;
mod failing;
mod output;
mod stopping;
mod surroundings;

pub(super) use case::Case;
use case::unless;

use agent_plan::settings::Protocol;

use super::finding::Finding;
use super::manifest::Manifest;
use super::sample::Sample;
use crate::scripted::Act;

/// The scenario that all others build on.
const ANSWER: &str = "answer";

/// How the runner is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// Prints the plan.
    Plan,
    /// Runs.
    Run,
    /// Runs, and is sent a TERM once the agent hangs.
    Stop,
    /// Is stopped, and runs once more in the same place.
    StopAndRun,
}

/// One scenario.
pub(super) struct Scenario {
    /// Its name in the report.
    pub(super) name: &'static str,
    /// What holds if it passes.
    pub(super) promise: &'static str,
    /// The scenario that must have passed before this one can say anything.
    pub(super) after: Option<&'static str>,
    /// Why it says nothing about a provider, if so.
    pub(super) skip: fn(&Manifest) -> Option<&'static str>,
    pub(super) mode: Mode,
    pub(super) act: Act,
    pub(super) sample: fn() -> Sample,
    pub(super) flags: &'static [&'static str],
    pub(super) judge: fn(&Case<'_>) -> Vec<Finding>,
}

impl Scenario {
    fn new(name: &'static str, promise: &'static str) -> Self {
        Self {
            name,
            promise,
            after: Some(ANSWER),
            skip: |_| None,
            mode: Mode::Run,
            act: Act::Answer,
            sample: Sample::default,
            flags: &[],
            judge: |case| case.succeeded(),
        }
    }

    fn after(mut self, after: &'static str) -> Self {
        self.after = Some(after);
        self
    }

    fn first(mut self) -> Self {
        self.after = None;
        self
    }

    fn skip(mut self, skip: fn(&Manifest) -> Option<&'static str>) -> Self {
        self.skip = skip;
        self
    }

    fn mode(mut self, mode: Mode) -> Self {
        self.mode = mode;
        self
    }

    fn act(mut self, act: Act) -> Self {
        self.act = act;
        self
    }

    fn sample(mut self, sample: fn() -> Sample) -> Self {
        self.sample = sample;
        self
    }

    fn flags(mut self, flags: &'static [&'static str]) -> Self {
        self.flags = flags;
        self
    }

    fn judge(mut self, judge: fn(&Case<'_>) -> Vec<Finding>) -> Self {
        self.judge = judge;
        self
    }
}

/// Every scenario.
pub(super) fn all() -> Vec<Scenario> {
    let plan = Scenario::new("plan", "there is a plan")
        .first()
        .mode(Mode::Plan)
        .judge(case::planned);
    let answer = Scenario::new(ANSWER, "an agent that answers makes a run that succeeds")
        .after("plan")
        .judge(case::answered);
    [
        vec![plan, answer],
        asking::all(),
        output::all(),
        failing::all(),
        stopping::all(),
        surroundings::all(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Says why a protocol whose output means nothing has no part in a scenario.
fn only_with_events(manifest: &Manifest) -> Option<&'static str> {
    let raw = manifest.protocol() == Protocol::Raw;
    raw.then_some("the output of this protocol means nothing; the exit code is the verdict")
}

/// Likewise of a protocol without conversations.
fn only_with_sessions(manifest: &Manifest) -> Option<&'static str> {
    let plain = matches!(manifest.protocol(), Protocol::Raw | Protocol::Jsonl);
    plain.then_some("this protocol has no conversations to go on with")
}
