//! The agent's process: program, arguments, environment, stdin, timers.

use serde_json::Value;
use std::path::PathBuf;
use std::time::Duration;

use crate::env::{CONTEXT_FILE, Environment};
use crate::pattern;
use crate::settings::{EnvMode, EnvPolicy, RunnerSettings};

use super::adapter::{Exec, Talk};
use super::checkout::Git;
use super::conversation::{Conversation, CostLimits};
use super::roots::Templates;
use super::{Inputs, PlanError, files, talk, withheld};

/// `MAX_ARG_STRLEN` of the kernel: 32 pages of 4 KiB, the final NUL included.
const STRING_LIMIT: usize = 128 * 1024;

/// The longest prompt: what fits a ConfigMap four times over, as for the spec itself.
pub const PROMPT_LIMIT: usize = 4 << 20;

/// An agent that hangs after its final result is stopped; its result stands (design §7).
const DEFAULT_AFTER_RESULT: Duration = Duration::from_secs(30);

/// Neither claude nor codex gives up on a model that takes a request and never answers. Half an hour
/// is what the incumbent's codex helper waited (contract §5.3), and longer than a model thinks.
const DEFAULT_IDLE: Duration = Duration::from_mins(30);

/// Variables that a clean environment keeps: what programs need to find files, words and the net.
const CLEAN: &[&str] = &[
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "SHELL",
    "LANG",
    "LC_*",
    "TZ",
    "TERM",
    "TMPDIR",
    "XDG_*",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "ALL_PROXY",
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "all_proxy",
    "HOSTNAME",
];

/// The agent's process.
#[derive(Debug, Clone)]
pub struct ProcessPlan {
    /// Path or name of the executable.
    pub program: PathBuf,
    /// Arguments, without the program's own name.
    pub args: Vec<String>,
    /// The whole environment of the agent.
    pub env: Environment,
    /// The names in it that templates set.
    pub rendered: Vec<String>,
    /// Working directory, absolute.
    pub cwd: PathBuf,
    /// What the agent reads on stdin.
    pub stdin: Stdin,
    /// How it is talked to.
    pub conversation: Conversation,
    /// What that may cost.
    pub limits: CostLimits,
    /// Whether reasoning is shown.
    pub reasoning: bool,
    /// How long things may take.
    pub timers: Timers,
}

/// What the agent reads on stdin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stdin {
    /// What the runner itself would read (contract §5.1).
    Inherited,
    /// This text, then the end.
    Prompt(String),
    /// The end at once.
    Empty,
    /// What its session writes.
    Session,
}

/// How long things may take; `None`: for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Timers {
    /// From start to end.
    pub total: Option<Duration>,
    /// From start to first output.
    pub first_event: Option<Duration>,
    /// Between two outputs.
    pub idle: Option<Duration>,
    /// From the final result to the end.
    pub after_result: Option<Duration>,
}

impl ProcessPlan {
    /// Starts the agent in the checkout, with what its own git needs; a policy that keeps a name
    /// from the agent keeps it from being set here, too.
    pub(super) fn take_git(&mut self, git: &Git, policy: Option<&EnvPolicy>) {
        if let Some(checkout) = &git.checkout {
            self.cwd = checkout.cwd();
        }
        let variables = git.access.as_ref();
        let variables = variables.map(|access| access.agent_variables(&self.env));
        let dropped = policy.and_then(|policy| policy.drop.as_ref());
        for (name, value) in variables.unwrap_or_default() {
            let mut dropped = dropped.into_iter().flatten();
            if !dropped.any(|dropped| pattern::matches(dropped, &name)) {
                self.env.set(name, value);
            }
        }
    }
}

pub(super) fn plan(
    exec: &Exec,
    talk: &Talk,
    settings: &RunnerSettings,
    inputs: &Inputs<'_>,
    templates: &mut Templates,
    warnings: &mut Vec<String>,
) -> Result<ProcessPlan, PlanError> {
    let (conversation, stdin) = talk::plan(talk, settings, inputs, templates, warnings)?;
    let timers = timers(settings, &conversation);
    let limits = talk::limits(settings.budget.as_ref(), &conversation, warnings);
    let events = settings.events.as_ref();
    let mut args = Vec::new();
    for (index, template) in exec.args_template.iter().flatten().enumerate() {
        let name = exec.name(&format!("argsTemplate[{index}]"));
        let text = templates.plain(&name, template)?;
        args.push(fits(name, text, 0)?);
    }
    let (env, rendered) = environment(exec, settings, inputs, templates)?;
    let cwd = match (&settings.cwd, talk) {
        (Some(template), _) => {
            let text = templates.plain("runner.cwd", template)?;
            files::safe_path("runner.cwd".to_owned(), &text, inputs.working_dir)?
        }
        (None, Talk::Codex(codex)) if codex.cwd().is_some() => {
            let text = codex.cwd().unwrap_or_default();
            files::safe_path("adapter.codex.cwd".to_owned(), text, inputs.working_dir)?
        }
        _ => inputs.working_dir.to_owned(),
    };
    Ok(ProcessPlan {
        program: program(exec)?,
        args,
        env,
        rendered,
        cwd,
        stdin,
        conversation,
        limits,
        reasoning: events.and_then(|events| events.reasoning).unwrap_or(false),
        timers,
    })
}

fn program(exec: &Exec) -> Result<PathBuf, PlanError> {
    let text = exec.binary.as_os_str().as_encoded_bytes();
    if text.contains(&0) {
        let template = exec.name("binary");
        return Err(PlanError::Nul { template });
    }
    Ok(exec.binary.clone())
}

fn timers(settings: &RunnerSettings, conversation: &Conversation) -> Timers {
    let timeouts = settings.timeouts.clone().unwrap_or_default();
    // Zero is how people write "no limit".
    let some = |span: Option<crate::settings::Span>| {
        span.map(|span| span.0).filter(|span| !span.is_zero())
    };
    Timers {
        total: some(timeouts.total),
        first_event: some(timeouts.first_event),
        idle: match timeouts.idle {
            None => conversation.is_cli().then_some(DEFAULT_IDLE),
            told => some(told),
        },
        after_result: if timeouts.after_result.is_none() {
            Some(DEFAULT_AFTER_RESULT)
        } else {
            some(timeouts.after_result)
        },
    }
}

/// The agent's whole environment: ours by policy, then what the provider's templates set.
fn environment(
    exec: &Exec,
    settings: &RunnerSettings,
    inputs: &Inputs<'_>,
    templates: &mut Templates,
) -> Result<(Environment, Vec<String>), PlanError> {
    let policy = settings.env.clone().unwrap_or_default();
    let listed = |list: &Option<Vec<String>>, name: &str| {
        list.iter()
            .flatten()
            .any(|listed| pattern::matches(listed, name))
    };
    let all = inputs.environment;
    let mut env = all.filtered(|name| {
        let kept = match policy.mode.unwrap_or_default() {
            EnvMode::Inherit => !withheld::is_ours(all, settings, name, all.get(name)),
            EnvMode::Clean => CLEAN.iter().any(|clean| pattern::matches(clean, name)),
        };
        // Ours is somebody else's file, if it is one: the agent is told of its own.
        let others = name == CONTEXT_FILE;
        (kept || listed(&policy.pass, name)) && !listed(&policy.drop, name) && !others
    });
    let mut rendered = Vec::new();
    for (name, template) in exec.env_template.iter().flatten() {
        let called = exec.name(&format!("envTemplate.{name}"));
        if name.is_empty() || name.contains(['=', '\0']) {
            return Err(PlanError::BadName { template: called });
        }
        let Value::String(template) = template else {
            return Err(PlanError::NotText { template: called });
        };
        let value = templates.environment(&called, template)?;
        // The kernel counts `NAME=value`.
        env.set(name, fits(called, value, name.len() + 1)?);
        rendered.push(name.clone());
    }
    Ok((env, rendered))
}

/// Takes a text that becomes an argument or a variable, with so many bytes besides.
pub(super) fn fits(template: String, text: String, besides: usize) -> Result<String, PlanError> {
    let bytes = text.len() + besides + 1;
    if bytes > STRING_LIMIT {
        return Err(PlanError::TooLong {
            template,
            bytes,
            limit: STRING_LIMIT,
        });
    }
    if text.contains('\0') {
        return Err(PlanError::Nul { template });
    }
    Ok(text)
}
