//! Credentials that are neither in a variable nor in the CLI's own file.

use std::path::Path;

use agent_plan::plan::{Conversation, ProcessPlan};
use serde_json::Value;

use super::{Cli, read};

/// What of `settings.json` gives claude credentials.
const HELPERS: [&str; 4] = [
    "apiKeyHelper",
    "awsAuthRefresh",
    "awsCredentialExport",
    "gcpAuthRefresh",
];

/// What of `config.toml` gives codex other credentials: a provider whose key has a name of its own,
/// or a store that is not the file.
const KEYS: [&str; 2] = ["model_provider", "cli_auth_credentials_store"];

/// Says whether something is configured that makes the CLI's own file unimportant.
pub(super) fn has_other(cli: Cli, plan: &ProcessPlan, state: &Path, variables: &[&str]) -> bool {
    match cli {
        Cli::Claude => of_claude(plan, state, variables),
        Cli::Codex => of_codex(plan, state),
    }
}

/// Says whether the arguments name configuration that is not looked into, and that may do so.
pub(super) fn may_have_other(cli: Cli, plan: &ProcessPlan) -> bool {
    plan.args.iter().any(|arg| match cli {
        Cli::Claude => is_flag(arg, "--settings"),
        Cli::Codex => {
            is_flag(arg, "--profile") || (arg.starts_with("-p") && !arg.starts_with("--"))
        }
    })
}

fn of_claude(plan: &ProcessPlan, state: &Path, variables: &[&str]) -> bool {
    let project = plan.cwd.join(".claude");
    let files = [
        state.join("settings.json"),
        project.join("settings.json"),
        project.join("settings.local.json"),
    ];
    files.iter().any(|path| {
        let bytes = read(path).unwrap_or_default();
        let settings: Value = serde_json::from_slice(&bytes).unwrap_or_default();
        HELPERS.iter().any(|name| settings.get(name).is_some())
            || variables
                .iter()
                .any(|name| settings["env"].get(name).is_some())
    })
}

fn of_codex(plan: &ProcessPlan, state: &Path) -> bool {
    let (overrides, thread_config) = match &plan.conversation {
        Conversation::CodexAppServer(codex) => (codex.overrides.as_slice(), &codex.thread_config),
        _ => (&[][..], &Value::Null),
    };
    let config = read(&state.join("config.toml")).unwrap_or_default();
    let config = String::from_utf8_lossy(&config);
    KEYS.iter().any(|key| thread_config.get(key).is_some())
        || overrides.iter().any(|text| is_key(text))
        || plan.args.iter().any(|arg| is_of_provider(arg))
        || config.lines().any(is_key)
}

/// Says whether an argument of codex chooses a provider.
fn is_of_provider(arg: &str) -> bool {
    let attached = ["-c", "--config="]
        .iter()
        .find_map(|flag| arg.strip_prefix(flag));
    arg == "--oss" || is_key(arg) || attached.is_some_and(is_key)
}

fn is_flag(arg: &str, flag: &str) -> bool {
    let rest = arg.strip_prefix(flag);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('='))
}

fn is_key(text: &str) -> bool {
    KEYS.iter().any(|key| text.trim().starts_with(key))
}
