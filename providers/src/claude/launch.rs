//! How claude is started: arguments, environment, stdin.

mod arguments;
mod servers;
mod settings;

use agent_plan::plan::{ClaudePlan, ProcessPlan, Stdin};

use arguments::Arguments;

/// What every run wants: commands end before the result, and nothing is told to third parties.
const ENVIRONMENT: [&str; 2] = [
    "CLAUDE_CODE_DISABLE_BACKGROUND_TASKS",
    "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC",
];

/// Completes the process.
pub(crate) fn equip(plan: &ClaudePlan, process: &mut ProcessPlan) -> Vec<String> {
    let mut warnings = Vec::new();
    let mut args = match &plan.options {
        Some(options) => settings::arguments(options, &mut process.env, &mut warnings),
        None => Arguments::new(std::mem::take(&mut process.args)),
    };
    // What is added goes first: `--allowedTools` takes all words after it, and an author's prompt
    // is the last one.
    let mut first = protocol(plan, &mut args, &mut warnings);
    first.extend(conversation(plan, &mut args, &mut warnings));
    // Claude tells prices only at the end, but knows them all along; it counts this run only.
    if let Some(cost) = process.limits.cost_usd.filter(|cost| *cost > 0.0)
        && !args.has("--max-budget-usd")
    {
        first.extend(["--max-budget-usd".to_owned(), cost.to_string()]);
    }
    first.extend(args.into_words());
    process.args = first;
    for name in ENVIRONMENT {
        default(process, name);
    }
    if bypasses(&Arguments::new(process.args.clone())) {
        // Claude refuses that to root, unless it is told that it cannot do harm.
        default(process, "IS_SANDBOX");
    }
    // An open pipe that stays silent costs claude three seconds.
    process.stdin = match plan.prompt {
        Some(_) => Stdin::Session,
        None => Stdin::Empty,
    };
    warnings
}

/// Says whether the answer is to have a form.
pub(super) fn asks_for_schema(plan: &ClaudePlan) -> bool {
    plan.options.as_ref().is_some_and(|options| {
        let args = options.args.clone().unwrap_or_default();
        options.output_schema.is_some() || Arguments::new(args).has("--json-schema")
    })
}

/// Returns what the protocol needs and is missing; corrects what contradicts it.
fn protocol(plan: &ClaudePlan, args: &mut Arguments, warnings: &mut Vec<String>) -> Vec<String> {
    let mut first = Vec::new();
    let mut needs = |flag: &str, wanted: bool| {
        if wanted && !args.has(flag) {
            first.push(flag.to_owned());
        }
    };
    needs("--print", true);
    needs("--verbose", true);
    needs("--include-partial-messages", plan.live);
    let input = if plan.prompt.is_some() {
        "stream-json"
    } else {
        "text"
    };
    for (flag, value) in [
        ("--output-format", "stream-json"),
        ("--input-format", input),
    ] {
        match args.value(flag) {
            Some(said) if said != value => {
                warnings.push(format!("`{flag} {said}` was replaced by `{flag} {value}`"));
                args.set(flag, value);
            }
            None if value != "text" => first.extend([flag.to_owned(), value.to_owned()]),
            _ => {}
        }
    }
    first
}

/// Returns which conversation it is, and the system prompt.
fn conversation(
    plan: &ClaudePlan,
    args: &mut Arguments,
    warnings: &mut Vec<String>,
) -> Vec<String> {
    const PROMPT: &str = "--append-system-prompt";
    let mut first = Vec::new();
    if let Some(id) = &plan.resume
        && !["--resume", "--continue"].iter().any(|flag| args.has(flag))
    {
        if args.remove("--session-id") {
            let warning = "`--session-id` was replaced by `--resume`: an id cannot be used twice";
            warnings.push(warning.to_owned());
        }
        first.extend(["--resume".to_owned(), id.clone()]);
    }
    if let Some(prompt) = &plan.system_prompt {
        match args.value(PROMPT) {
            None => first.extend([PROMPT.to_owned(), prompt.clone()]),
            Some(said) if said.ends_with(prompt.as_str()) => {}
            Some(said) => args.set(PROMPT, &format!("{said}\n\n{prompt}")),
        }
    }
    first
}

fn bypasses(args: &Arguments) -> bool {
    args.has("--dangerously-skip-permissions")
        || args.has("--allow-dangerously-skip-permissions")
        || args.value("--permission-mode") == Some("bypassPermissions")
}

fn default(process: &mut ProcessPlan, name: &str) {
    if process.env.raw(name).is_none() {
        process.env.set(name, "1");
    }
}

#[cfg(test)]
mod tests;
