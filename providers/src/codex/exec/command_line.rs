//! The arguments of `codex exec`: what its author wrote, and what a run needs besides.
//!
//! Codex refuses a flag that is given twice, a second prompt, and most of its options after
//! `resume`; it takes them all between `exec` and `resume`. So an author's options stay where they
//! are, and ours are put around them.

use agent_plan::plan::CodexExecPlan;

/// The whole line, for an author who wrote none: everything is allowed, because the pod is the
/// sandbox; nothing is looked up besides the model; tools do not see secrets.
const RECOMMENDED: [&str; 14] = [
    "exec",
    JSON,
    SKIP_GIT,
    "--dangerously-bypass-approvals-and-sandbox",
    "-c",
    "analytics.enabled=false",
    "-c",
    "check_for_update_on_startup=false",
    "-c",
    "features.plugins=false",
    "-c",
    "features.apps=false",
    "-c",
    r#"shell_environment_policy.exclude=["*KEY*","*TOKEN*","*SECRET*"]"#,
];

const JSON: &str = "--json";

/// What codex called it before.
const OLD_JSON: &str = "--experimental-json";

const SKIP_GIT: &str = "--skip-git-repo-check";

/// The prompt that says that the prompt is on stdin.
const STDIN: &str = "-";

/// Options, of codex and of its `exec`, whose value is the next argument.
const WITH_VALUE: [&str; 24] = [
    "-c",
    "--config",
    "--enable",
    "--disable",
    "-m",
    "--model",
    "--local-provider",
    "-p",
    "--profile",
    "-s",
    "--sandbox",
    "-a",
    "--ask-for-approval",
    "-C",
    "--cd",
    "--add-dir",
    "--thread-source",
    "--cyber-access-program",
    "--output-schema",
    "--color",
    "-o",
    "--output-last-message",
    "--remote",
    "--remote-auth-token-env",
];

/// Options whose values are all arguments up to the next option.
const WITH_VALUES: [&str; 2] = ["-i", "--image"];

/// An option that changes nothing: it ends the values of the one before.
const NEUTRAL: [&str; 2] = ["-c", "check_for_update_on_startup=false"];

/// What `exec` can do besides running a prompt.
const COMMANDS: [&str; 4] = ["resume", "fork", "review", "help"];

/// Completes the arguments; returns warnings.
pub(super) fn complete(plan: &CodexExecPlan, written: Vec<String>) -> (Vec<String>, Vec<String>) {
    let mut args = written;
    if args.is_empty() {
        args.extend(RECOMMENDED.map(str::to_owned));
    }
    let Some(exec) = exec_in(&mut args) else {
        let warning = "the arguments do not name `exec`, so they are left as they are";
        return (args, vec![warning.to_owned()]);
    };
    let has = |flags: &[&str]| args.iter().any(|arg| flags.contains(&arg.as_str()));
    let missing = [(JSON, has(&[JSON, OLD_JSON])), (SKIP_GIT, has(&[SKIP_GIT]))];
    let missing = missing
        .iter()
        .filter(|(_, has)| !has)
        .map(|(flag, _)| (*flag).to_owned());
    let missing: Vec<String> = missing.collect();
    args.splice(exec + 1..=exec, missing);

    let shape = Shape::of(&args, exec + 1);
    let mut warnings = Vec::new();
    if shape.command {
        if plan.resume.is_some() && !args.contains(&"resume".to_owned()) {
            warnings.push("the arguments name a command, so the thread is not resumed".to_owned());
        }
        return (args, warnings);
    }
    let mut tail = Vec::new();
    if plan.prompt.is_some() {
        match shape.prompt {
            Some(prompt) if args[prompt] != STDIN => warnings.push(
                "the arguments hold a prompt, so codex only adds `runner.prompt` to it".to_owned(),
            ),
            Some(_) => {}
            None => tail.push(STDIN.to_owned()),
        }
    }
    let mut middle = Vec::new();
    if let Some(thread) = &plan.resume {
        middle.extend(["resume".to_owned(), thread.clone()]);
    }
    if shape.open && (middle.len() + tail.len()) > 0 {
        let neutral = NEUTRAL.map(str::to_owned);
        middle.splice(0..0, neutral);
    }
    args.splice(shape.end..shape.end, middle);
    args.extend(tail);
    (args, warnings)
}

/// Finds `exec`; puts it behind options that nobody gave to a command.
fn exec_in(args: &mut Vec<String>) -> Option<usize> {
    let first = Shape::of(args, 0);
    let Some(index) = first.prompt else {
        let neutral = if first.open { &NEUTRAL[..] } else { &[] };
        args.extend(neutral.iter().map(|&arg| arg.to_owned()));
        args.push("exec".to_owned());
        return Some(args.len() - 1);
    };
    if args[index] == "e" {
        return Some(index);
    }
    // A wrapper has arguments of its own before `exec`.
    let mut candidate = Some(index);
    while let Some(index) = candidate.filter(|index| args[*index] != "exec") {
        candidate = Shape::of(args, index + 1).prompt;
    }
    candidate
}

/// What arguments look like to codex.
#[derive(Debug)]
struct Shape {
    /// Where the options end: at the first argument that is none, or at `--`.
    end: usize,
    /// Whether the last option before it takes whatever follows.
    open: bool,
    /// The first argument that is no option.
    prompt: Option<usize>,
    /// Whether that is a command.
    command: bool,
}

impl Shape {
    fn of(args: &[String], from: usize) -> Self {
        let mut index = from;
        let mut open = false;
        while let Some(arg) = args.get(index).map(String::as_str) {
            if arg == "--" {
                let prompt = (index + 1 < args.len()).then_some(index + 1);
                return Self {
                    end: index,
                    open: false,
                    prompt,
                    command: false,
                };
            }
            let is_option = arg.starts_with('-') && arg != STDIN;
            if !is_option && !open {
                let command = COMMANDS.contains(&arg);
                return Self {
                    end: index,
                    open: false,
                    prompt: Some(index),
                    command,
                };
            }
            if is_option {
                open = WITH_VALUES.contains(&arg);
            }
            index += if WITH_VALUE.contains(&arg) { 2 } else { 1 };
        }
        Self {
            end: args.len(),
            open,
            prompt: None,
            command: false,
        }
    }
}

#[cfg(test)]
mod tests;
