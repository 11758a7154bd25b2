//! The settings of an adapter of type `claude`, as arguments.

use agent_plan::env::Environment;
use agent_plan::spec::ClaudeSpec;
use serde_json::Value;

use super::arguments::Arguments;
use super::servers;

/// The modes that claude knows; `default` is an older word for `manual`.
const MODES: [&str; 7] = [
    "acceptEdits",
    "auto",
    "bypassPermissions",
    "default",
    "dontAsk",
    "manual",
    "plan",
];

/// Returns the arguments, the author's own last, so that they win.
pub(super) fn arguments(
    options: &ClaudeSpec,
    env: &mut Environment,
    warnings: &mut Vec<String>,
) -> Arguments {
    let own = options.args.clone().unwrap_or_default();
    let given = Arguments::new(own.clone());
    let mut args = Arguments::default();
    args.pair("--model", options.model.as_ref());
    args.pair("--effort", options.effort.as_ref());
    args.pair("--max-turns", options.max_turns);
    args.pair("--max-budget-usd", options.max_budget_usd);
    args.pair("--system-prompt", options.system_prompt.as_ref());
    args.pair(
        "--append-system-prompt",
        options.append_system_prompt.as_ref(),
    );
    args.pair("--json-schema", options.output_schema.as_ref().map(plain));
    permissions(options, &given, &mut args, warnings);
    // Whoever wrote the repository has not been asked; its settings may run commands.
    let sources = options.setting_sources.as_deref().unwrap_or("user");
    if !given.has("--setting-sources") {
        args.pair("--setting-sources", Some(sources));
    }
    for (flag, tools) in [
        ("--allowedTools", &options.allowed_tools),
        ("--disallowedTools", &options.disallowed_tools),
    ] {
        if let Some(tools) = tools.as_ref().filter(|tools| !tools.is_empty()) {
            args.flag(flag);
            args.extend(tools);
        }
    }
    let servers = options.mcp_config.as_ref();
    args.pair(
        "--mcp-config",
        servers.and_then(|servers| servers::argument(servers, env, warnings)),
    );
    // Also without servers of ours: those that the repository or a home directory names must not
    // start by themselves. It ends the lists before it, too.
    args.flag("--strict-mcp-config");
    args.extend(&own);
    args
}

fn permissions(
    options: &ClaudeSpec,
    given: &Arguments,
    args: &mut Arguments,
    warnings: &mut Vec<String>,
) {
    if given.has("--permission-mode") || given.has("--dangerously-skip-permissions") {
        return;
    }
    match options.permission_mode.as_deref() {
        None | Some("bypassPermissions") => args.flag("--dangerously-skip-permissions"),
        Some(mode) => {
            if !MODES.contains(&mode) {
                let known = MODES.join(", ");
                warnings.push(format!("`permissionMode` {mode} is not one of {known}"));
            }
            args.pair("--permission-mode", Some(mode));
        }
    }
}

/// A schema may be an object, or its text.
fn plain(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}
