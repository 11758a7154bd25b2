//! What is said to the agent, and in which protocol.

use serde_json::Value;
use std::time::Duration;

use super::adapter::Talk;
use super::conversation::{ClaudePlan, CodexExecPlan, Conversation, CostLimits, Prompt};
use super::process::{PROMPT_LIMIT, Stdin, fits};
use super::roots::Templates;
use super::system_prompt::Own;
use super::{Inputs, PlanError, claude, codex, system_prompt};
use crate::secret::{Found, in_file};
use crate::settings::{CostBudget, Protocol, RunnerSettings};

/// Decides how the agent is talked to, and what it reads on stdin if no session writes it.
pub(super) fn plan(
    talk: &Talk,
    settings: &RunnerSettings,
    inputs: &Inputs<'_>,
    templates: &mut Templates,
    warnings: &mut Vec<String>,
) -> Result<(Conversation, Stdin), PlanError> {
    let conversation = match talk {
        Talk::Codex(spec) => codex::plan(spec, settings, inputs, templates)?,
        Talk::Claude(spec) => claude::plan(spec, settings, inputs, templates)?,
        Talk::Exec => {
            let prompt = asked(settings, templates)?;
            return exec(prompt, settings, inputs, warnings);
        }
    };
    // The adapter has said it.
    if let Some(protocol) = settings.protocol
        && protocol != conversation.protocol()
    {
        let kind = talk.kind();
        warnings.push(format!(
            "`runner.protocol` is ignored: the adapter is `{kind}`"
        ));
    }
    Ok((conversation, Stdin::Session))
}

fn exec(
    prompt: Option<Prompt>,
    settings: &RunnerSettings,
    inputs: &Inputs<'_>,
    warnings: &mut Vec<String>,
) -> Result<(Conversation, Stdin), PlanError> {
    let resume = resume(settings, inputs);
    // Also where no session takes it: a run that must have one has one (contract §12.16).
    let system_prompt = system_prompt::checked(inputs, None, Own::None)?;
    let plain = |prompt: Option<Prompt>| {
        prompt.map_or(Stdin::Inherited, |prompt| Stdin::Prompt(prompt.text))
    };
    if prompt.is_none() && settings.skill.is_some() {
        warnings.push("`runner.skill` is ignored: it needs `runner.prompt`".to_owned());
    }
    Ok(match settings.protocol.unwrap_or_default() {
        Protocol::Claude | Protocol::CodexExec if is_blank(prompt.as_ref()) => {
            return Err(PlanError::NoPrompt {
                template: "runner.prompt".to_owned(),
            });
        }
        Protocol::Claude => {
            if let Some(text) = system_prompt.as_ref().filter(|_| is_told(inputs)) {
                fits("the system prompt".to_owned(), text.clone(), 0)?;
            }
            let claude = ClaudePlan {
                prompt,
                resume,
                options: None,
                system_prompt: system_prompt.filter(|_| is_told(inputs)),
                live: live(settings),
            };
            (Conversation::Claude(Box::new(claude)), Stdin::Empty)
        }
        Protocol::CodexExec => {
            let codex = CodexExecPlan {
                prompt,
                usage_before: resume.as_ref().and_then(|id| usage_before(id, inputs)),
                resume,
            };
            (Conversation::CodexExec(codex), Stdin::Empty)
        }
        Protocol::CodexAppServer => return Err(PlanError::ProtocolNeedsAdapter),
        Protocol::Jsonl => (Conversation::Jsonl, plain(prompt)),
        Protocol::Raw => {
            if prompt.is_some() && settings.skill.is_some() {
                warnings.push("`runner.skill` is ignored: the protocol has no skills".to_owned());
            }
            (Conversation::Raw, plain(prompt))
        }
    })
}

/// Says whether something is asked, and nothing with it.
fn is_blank(prompt: Option<&Prompt>) -> bool {
    prompt.is_some_and(|prompt| prompt.text.trim().is_empty() && prompt.skill.is_none())
}

/// Says whether the environment names a system prompt; that of the payload is for codex, which the
/// controller gives it to.
fn is_told(inputs: &Inputs<'_>) -> bool {
    inputs.system_prompt.is_some()
}

/// The prompt of the settings.
pub(super) fn asked(
    settings: &RunnerSettings,
    templates: &mut Templates,
) -> Result<Option<Prompt>, PlanError> {
    let Some(template) = &settings.prompt else {
        return Ok(None);
    };
    let text = templates.prompt("runner.prompt", template)?;
    bounded("runner.prompt", &text)?;
    Ok(Some(Prompt {
        text,
        skill: settings.skill.clone(),
    }))
}

/// A prompt of an adapter that cannot do without.
pub(super) fn fitting(
    name: &str,
    text: String,
    settings: &RunnerSettings,
) -> Result<Prompt, PlanError> {
    bounded(name, &text)?;
    if text.trim().is_empty() {
        return Err(PlanError::NoPrompt {
            template: name.to_owned(),
        });
    }
    Ok(Prompt {
        text,
        skill: settings.skill.clone(),
    })
}

fn bounded(name: &str, text: &str) -> Result<(), PlanError> {
    if text.len() > PROMPT_LIMIT {
        return Err(PlanError::TooLong {
            template: name.to_owned(),
            bytes: text.len(),
            limit: PROMPT_LIMIT,
        });
    }
    Ok(())
}

/// What the run itself asks, in the controller's order (contract §1.4); a value, never rendered.
pub(super) fn of_run(payload: Option<&Value>) -> Option<String> {
    let payload = payload?;
    let texts = [
        payload.get("prompt"),
        payload.pointer("/implementation/text"),
        payload.pointer("/implementation/summary"),
        payload.get("issueBody"),
    ];
    let mut texts = texts.into_iter().flatten().filter_map(Value::as_str);
    texts
        .find(|text| !text.trim().is_empty())
        .map(str::to_owned)
}

/// The conversation to go on with.
pub(super) fn resume(settings: &RunnerSettings, inputs: &Inputs<'_>) -> Option<String> {
    match settings.resume.as_deref().map(str::trim) {
        None | Some("auto" | "") => inputs.previous.as_ref()?.session.clone(),
        Some("never") => None,
        Some(id) => Some(id.to_owned()),
    }
}

/// What a conversation had cost; of one that is not the previous attempt's nobody knows.
fn usage_before(id: &str, inputs: &Inputs<'_>) -> Option<crate::provider::Usage> {
    let previous = inputs.previous.as_ref()?;
    let is_it = previous.session.as_deref() == Some(id);
    previous.usage.clone().filter(|_| is_it)
}

pub(super) fn live(settings: &RunnerSettings) -> bool {
    let events = settings.events.as_ref();
    events.and_then(|events| events.deltas).unwrap_or(true)
}

/// What looks like a secret in configuration that a spec holds itself.
pub(super) fn secrets(conversation: &Conversation) -> Vec<Found> {
    let (name, config) = match conversation {
        Conversation::Claude(claude) => {
            let options = claude.options.as_ref();
            (
                "mcpConfig",
                options.and_then(|options| options.mcp_config.as_ref()),
            )
        }
        Conversation::CodexAppServer(codex) => ("threadConfig", Some(&codex.thread_config)),
        _ => return Vec::new(),
    };
    let Some(config) = config.filter(|config| config.is_object()) else {
        return Vec::new();
    };
    let whole = config.to_string().into_bytes();
    let mut found = in_file(name, &whole);
    // The whole is for people to read, but for what is secret in it.
    found.retain(|found| found.value != whole);
    found
}

/// What the run may cost; zero is how people write "no limit".
pub(super) fn limits(
    budget: Option<&CostBudget>,
    conversation: &Conversation,
    warnings: &mut Vec<String>,
) -> CostLimits {
    let budget = budget.cloned().unwrap_or_default();
    let limits = CostLimits {
        tokens: budget.tokens.filter(|limit| *limit > 0),
        cost_usd: budget.cost_usd.filter(|limit| *limit > 0.0),
        turns: budget.turns.filter(|limit| *limit > 0),
        tool_calls: budget.tool_calls.filter(|limit| *limit > 0),
        wall: (budget.wall.map(|span| span.0)).filter(|limit| *limit > Duration::ZERO),
    };
    let spends = limits.tokens.is_some() || limits.cost_usd.is_some() || limits.turns.is_some();
    match conversation {
        Conversation::Raw if limits.any() => warnings.push(
            "of `runner.budget` only `wall` counts: the protocol `raw` says nothing of the rest"
                .to_owned(),
        ),
        Conversation::Jsonl if spends => warnings.push(
            "of `runner.budget` only `toolCalls` and `wall` count with the protocol `jsonl`"
                .to_owned(),
        ),
        Conversation::CodexExec(_) | Conversation::CodexAppServer(_)
            if limits.cost_usd.is_some() =>
        {
            warnings.push(
                "`runner.budget.costUsd` cannot be kept: codex does not say what it costs"
                    .to_owned(),
            );
        }
        Conversation::CodexExec(_) | Conversation::CodexAppServer(_) if limits.turns.is_some() => {
            warnings.push(
                "`runner.budget.turns`: a turn of codex is all that it does for one prompt; `toolCalls` and `wall` bound what it does within one"
                    .to_owned(),
            );
        }
        Conversation::CodexExec(_) if limits.tokens.is_some() => warnings.push(
            "`runner.budget.tokens` is checked at the end of a turn only: `codex exec` does not say it earlier"
                .to_owned(),
        ),
        _ => {}
    }
    limits
}
