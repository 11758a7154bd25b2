//! Directories that a CLI writes to: home, state, temporary files.

use std::fs;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use agent_plan::plan::ProcessPlan;

use super::Ready;
use crate::home::{Cli, is_reachable, is_writable};

/// What of an unusable state directory is wanted in the private one: credentials, settings and
/// what the agent is always told.
const OF_STATE: [&str; 7] = [
    "auth.json",
    "config.toml",
    "AGENTS.md",
    ".credentials.json",
    "settings.json",
    CLAUDE_JSON,
    "CLAUDE.md",
];

/// Claude's other configuration: beside its state directory, but in it where a variable names that.
const CLAUDE_JSON: &str = ".claude.json";

/// The longest of those files that is copied.
const LONGEST: u64 = 1 << 20;

/// Sees to it that state and temporary directory can be written and that there is a home, and
/// returns where the state is.
///
/// A home that is there is the agent's, even if it cannot be written: keys, configuration of other
/// tools and conversations are in it, and the CLIs can do without writing there.
pub(super) fn find(
    cli: Cli,
    plan: &ProcessPlan,
    scratch: fn() -> std::io::Result<PathBuf>,
    ready: &mut Ready,
) -> PathBuf {
    let private = |name: &str| -> Option<PathBuf> {
        let directory = scratch().ok()?.join("home").join(name);
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&directory)
            .ok()?;
        Some(directory)
    };
    temporary(plan, &private, ready);
    let home = home(plan, &private, ready);
    let mut environment = plan.env.clone();
    if let Some(home) = &home {
        environment.set("HOME", home);
    }
    let Some(state) = cli.state(&environment) else {
        return PathBuf::from("/").join(cli.below_home());
    };
    // codex ends when its directory is not there.
    if !state.exists() {
        drop(fs::create_dir_all(&state));
    }
    if is_writable(&state) {
        return state;
    }
    let Some(instead) = private(cli.name()) else {
        return state;
    };
    if plan.env.path(cli.variable()).is_none() {
        copy(&[CLAUDE_JSON], home.as_deref(), &instead);
    }
    copy(&OF_STATE, Some(&state), &instead);
    ready.replace(cli.variable(), Some(&state), &instead);
    instead
}

/// Returns the agent's home; a private one only if there is none and none can be made.
fn home(
    plan: &ProcessPlan,
    private: &dyn Fn(&str) -> Option<PathBuf>,
    ready: &mut Ready,
) -> Option<PathBuf> {
    let told = plan.env.path("HOME");
    if let Some(home) = &told {
        if !home.exists() {
            drop(fs::create_dir_all(home));
        }
        if is_reachable(home) {
            return told;
        }
    }
    let Some(instead) = private("own") else {
        return told;
    };
    ready.replace("HOME", told.as_deref(), &instead);
    Some(instead)
}

fn temporary(plan: &ProcessPlan, private: &dyn Fn(&str) -> Option<PathBuf>, ready: &mut Ready) {
    let told = plan.env.path("TMPDIR");
    let directory = told.clone().unwrap_or_else(|| PathBuf::from("/tmp"));
    if told.is_some() && !directory.exists() {
        drop(fs::create_dir_all(&directory));
    }
    if !is_writable(&directory)
        && let Some(instead) = private("tmp")
    {
        ready.replace("TMPDIR", Some(&directory), &instead);
    }
}

impl Ready {
    fn replace(&mut self, variable: &str, was: Option<&Path>, instead: &Path) {
        let why = match was {
            Some(was) => format!("`{}` cannot be written", was.display()),
            None => "it is not set".to_owned(),
        };
        self.warnings.push(format!(
            "`{variable}`: {why}; the agent gets a private directory, which ends with the run"
        ));
        let instead = instead.to_string_lossy().into_owned();
        self.variables.push((variable.to_owned(), instead));
    }
}

/// Copies small files that are there; what cannot be copied, the CLI will miss and say so.
fn copy(names: &[&str], from: Option<&Path>, to: &Path) {
    let Some(from) = from else { return };
    for name in names {
        let source = from.join(name);
        let is_small_file = fs::metadata(&source)
            .is_ok_and(|metadata| metadata.is_file() && metadata.len() <= LONGEST);
        if !is_small_file {
            continue;
        }
        let target = fs::OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(to.join(name));
        if let (Ok(mut source), Ok(mut target)) = (fs::File::open(&source), target) {
            drop(std::io::copy(&mut source, &mut target));
        }
    }
}
