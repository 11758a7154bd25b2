//! A conversation without an agent: lines go in, and what follows is decided as the runner does.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use agent_plan::env::Environment;
use agent_plan::outcome::{Decision, Exit, Facts, StopCause, Verdict, decide};
use agent_plan::plan::{
    ClaudePlan, CodexExecPlan, CodexPlan, Conversation, CostLimits, ProcessPlan, Prompt, Sandbox,
    Stdin, Timers,
};
use agent_plan::provider::{Action, Report, Session, Timer};
use agent_plan::spec::ClaudeSpec;
use serde_json::{Value, json};

/// The CLIs, each as its adapter talks to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cli {
    Claude,
    /// Claude that is to answer in a form.
    ClaudeWithSchema,
    CodexExec,
    AppServer,
}

impl Cli {
    pub(crate) fn process(self) -> ProcessPlan {
        let prompt = Prompt {
            text: "do the thing".to_owned(),
            skill: None,
        };
        let claude = ClaudePlan {
            prompt: Some(prompt.clone()),
            ..ClaudePlan::default()
        };
        let conversation = match self {
            Self::Claude => Conversation::Claude(Box::new(claude)),
            Self::ClaudeWithSchema => Conversation::Claude(Box::new(ClaudePlan {
                options: Some(ClaudeSpec {
                    output_schema: Some(json!({"type": "object"})),
                    ..ClaudeSpec::default()
                }),
                ..claude
            })),
            Self::CodexExec => Conversation::CodexExec(CodexExecPlan {
                prompt: Some(prompt),
                ..CodexExecPlan::default()
            }),
            Self::AppServer => Conversation::CodexAppServer(Box::new(app_server(prompt))),
        };
        ProcessPlan {
            program: PathBuf::from("/usr/local/bin/agent"),
            args: Vec::new(),
            env: Environment::default(),
            rendered: Vec::new(),
            cwd: PathBuf::from("/workspace"),
            stdin: Stdin::Empty,
            conversation,
            limits: CostLimits::default(),
            reasoning: false,
            timers: Timers::default(),
        }
    }
}

fn app_server(prompt: Prompt) -> CodexPlan {
    CodexPlan {
        prompt,
        model: None,
        effort: None,
        sandbox: Sandbox::default(),
        overrides: Vec::new(),
        thread_id: None,
        thread_config: Value::Null,
        base_instructions: None,
        developer_instructions: None,
        goal: None,
        experimental_raw_events: None,
        persist_extended_history: None,
        bootstrap: Duration::from_secs(30),
        idle_quiet: Duration::from_secs(2),
        idle_timeout: None,
    }
}

/// A session, and what the supervisor would know of it.
#[derive(Debug)]
pub(crate) struct Talk {
    session: Box<dyn Session>,
    timers: BTreeSet<Timer>,
    verdict: Option<Verdict>,
    stopped: Option<StopCause>,
}

impl Talk {
    /// Begins a conversation with a process that was equipped for it.
    pub(crate) fn new(mut process: ProcessPlan) -> Self {
        agent_providers::equip(&mut process);
        let mut talk = Self {
            session: agent_providers::session(&process),
            timers: BTreeSet::new(),
            verdict: None,
            stopped: None,
        };
        let actions = talk.session.on_start();
        talk.perform(actions);
        talk
    }

    pub(crate) fn hears(&mut self, line: &str) {
        let actions = self.session.on_line(line);
        self.perform(actions);
    }

    /// The runner stops the agent; whoever comes second changes nothing.
    pub(crate) fn stops(&mut self, cause: StopCause) {
        if self.stopped.is_none() {
            self.stopped = Some(cause);
            self.session.on_stop();
        }
    }

    /// Lets the time pass that a session waits for after a turn.
    pub(crate) fn falls_quiet(&mut self) {
        if self.timers.remove(&Timer::Quiet) {
            let actions = self.session.on_timer(Timer::Quiet);
            self.perform(actions);
        }
    }

    pub(crate) fn report(&self) -> &Report {
        self.session.report()
    }

    /// The agent has ended.
    pub(crate) fn ends(mut self, exit: Exit) -> Decision {
        let actions = self.session.on_end();
        self.perform(actions);
        decide(&Facts {
            agent: "agent".to_owned(),
            exit: Some(exit),
            stopped: self.stopped,
            expects_verdict: self.session.reads_lines(),
            began: self.session.report().known_events > 0,
            verdict: self.verdict,
            ..Facts::default()
        })
    }

    fn perform(&mut self, actions: Vec<Action>) {
        let mut hopeless = false;
        for action in actions {
            match action {
                Action::SetTimer(timer, Some(_)) => drop(self.timers.insert(timer)),
                Action::SetTimer(timer, None) => drop(self.timers.remove(&timer)),
                Action::Finish(verdict) => self.verdict = Some(verdict),
                Action::Stop(verdict) => {
                    self.verdict = Some(verdict);
                    hopeless = true;
                }
                Action::Resume => self.verdict = None,
                _ => {}
            }
        }
        if hopeless {
            self.stops(StopCause::Hopeless);
        }
    }
}
