//! What the real CLIs may spend, see and write.

#[path = "cli_limits/budgets.rs"]
mod budgets;
#[path = "cli_limits/places.rs"]
mod places;
#[path = "cli_limits/secrets.rs"]
mod secrets;

use std::os::unix::fs::chown;
use std::path::Path;

use agent_tests::{Cli, Ended, Run, assert_ends, ends};
use serde_json::Value;

/// A user that nobody knows.
const NOBODY: u32 = 12345;

/// Asserts that a run went well, and that nothing of it is left.
#[track_caller]
fn assert_completed(cli: Cli, ended: &Ended) {
    assert_ends(cli.name(), ended, &ends(0, "Completed", "Completed"));
}

/// The warnings of a run.
fn warnings(ended: &Ended) -> Vec<String> {
    let warnings = ended.full["warnings"].as_array().into_iter().flatten();
    warnings
        .filter_map(Value::as_str)
        .map(str::to_owned)
        .collect()
}

/// Runs it as a user without a name, to whom all that is there belongs; as ourselves if we may not.
fn as_nobody(run: Run) -> Run {
    if !nix::unistd::geteuid().is_root() {
        return run;
    }
    give(run.dir());
    run.through([
        "setpriv".to_owned(),
        format!("--reuid={NOBODY}"),
        format!("--regid={NOBODY}"),
        "--clear-groups".to_owned(),
    ])
}

fn give(path: &Path) {
    chown(path, Some(NOBODY), Some(NOBODY)).expect("root may give away what it has");
    for entry in std::fs::read_dir(path).into_iter().flatten().flatten() {
        give(&entry.path());
    }
}
