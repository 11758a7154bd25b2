//! The real CLIs do what they are asked: words, tools, sizes, prompts, servers.

#[path = "cli_answers/background.rs"]
mod background;
#[path = "cli_answers/claude_adapter.rs"]
mod claude_adapter;
#[path = "cli_answers/prompts.rs"]
mod prompts;
#[path = "cli_answers/servers.rs"]
mod servers;
#[path = "cli_answers/sizes.rs"]
mod sizes;
#[path = "cli_answers/text.rs"]
mod text;
#[path = "cli_answers/tools.rs"]
mod tools;

use agent_tests::{Cli, Ended, assert_ends, ends};
use serde_json::Value;

/// Asserts that a run went well, and that nothing of it is left.
#[track_caller]
fn assert_completed(cli: Cli, ended: &Ended) {
    assert_eq!(ended.code, 0, "{cli:?}: {}\n{}", ended.status, ended.stderr);
    assert_ends(cli.name(), ended, &ends(0, "Completed", "Completed"));
    assert_eq!(ended.survivors(), [], "{cli:?}");
}

/// The warnings of a run.
fn warnings(ended: &Ended) -> Vec<String> {
    let warnings = ended.full["warnings"].as_array().into_iter().flatten();
    warnings
        .filter_map(Value::as_str)
        .map(str::to_owned)
        .collect()
}
