//! The agent's process: program, arguments, environment, stdin, timers.

use serde_json::Value;
use std::path::PathBuf;
use std::time::Duration;

use crate::env::Environment;
use crate::pattern;
use crate::settings::{EnvMode, EnvPolicy, Protocol, RunnerSettings};

use super::adapter::Exec;
use super::checkout::Git;
use super::roots::Templates;
use super::{Inputs, PlanError, files};

/// `MAX_ARG_STRLEN` of the kernel: 32 pages of 4 KiB, the final NUL included.
const STRING_LIMIT: usize = 128 * 1024;

/// The longest prompt: what fits a ConfigMap four times over, as for the spec itself.
pub const PROMPT_LIMIT: usize = 4 << 20;

/// An agent that hangs after its final result is stopped; its result stands (design §7).
const DEFAULT_AFTER_RESULT: Duration = Duration::from_secs(30);

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
    /// How its stdout is read.
    pub protocol: Protocol,
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
    settings: &RunnerSettings,
    inputs: &Inputs<'_>,
    templates: &mut Templates,
) -> Result<ProcessPlan, PlanError> {
    let mut args = Vec::new();
    for (index, template) in exec.args_template.iter().flatten().enumerate() {
        let name = exec.name(&format!("argsTemplate[{index}]"));
        let text = templates.plain(&name, template)?;
        args.push(fits(name, text, 0)?);
    }
    let (env, rendered) = environment(exec, settings.env.as_ref(), inputs, templates)?;
    let cwd = match &settings.cwd {
        None => inputs.working_dir.to_owned(),
        Some(template) => {
            let text = templates.plain("runner.cwd", template)?;
            files::safe_path("runner.cwd".to_owned(), &text, inputs.working_dir)?
        }
    };
    Ok(ProcessPlan {
        program: program(exec)?,
        args,
        env,
        rendered,
        cwd,
        stdin: stdin(settings, templates)?,
        protocol: settings.protocol.unwrap_or_default(),
        timers: timers(settings),
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

fn stdin(settings: &RunnerSettings, templates: &mut Templates) -> Result<Stdin, PlanError> {
    let Some(template) = &settings.prompt else {
        return Ok(Stdin::Inherited);
    };
    let prompt = templates.prompt("runner.prompt", template)?;
    if prompt.len() > PROMPT_LIMIT {
        return Err(PlanError::TooLong {
            template: "runner.prompt".to_owned(),
            bytes: prompt.len(),
            limit: PROMPT_LIMIT,
        });
    }
    Ok(Stdin::Prompt(prompt))
}

fn timers(settings: &RunnerSettings) -> Timers {
    let timeouts = settings.timeouts.clone().unwrap_or_default();
    // Zero is how people write "no limit".
    let some = |span: Option<crate::settings::Span>| {
        span.map(|span| span.0).filter(|span| !span.is_zero())
    };
    Timers {
        total: some(timeouts.total),
        first_event: some(timeouts.first_event),
        idle: some(timeouts.idle),
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
    policy: Option<&EnvPolicy>,
    inputs: &Inputs<'_>,
    templates: &mut Templates,
) -> Result<(Environment, Vec<String>), PlanError> {
    let policy = policy.cloned().unwrap_or_default();
    let listed = |list: &Option<Vec<String>>, name: &str| {
        list.iter()
            .flatten()
            .any(|listed| pattern::matches(listed, name))
    };
    let mut env = inputs.environment.filtered(|name| {
        let kept = policy.mode.unwrap_or_default() == EnvMode::Inherit
            || CLEAN.iter().any(|clean| pattern::matches(clean, name))
            || listed(&policy.pass, name);
        kept && !listed(&policy.drop, name)
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

fn fits(template: String, text: String, besides: usize) -> Result<String, PlanError> {
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
