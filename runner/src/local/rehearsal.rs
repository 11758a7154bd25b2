//! Another agent in the place of the provider's: the scripted one, or one of this machine.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use agent_plan::env::{self, Environment};
use agent_plan::plan::Plan;
use agent_plan::settings::Protocol;
use serde_json::Value;

use super::ambient;
use super::arguments::Player;
use super::problem::Problem;
use super::scratch::Scratch;
use crate::executable;
use crate::scripted::{self, Act, SCRIPT, Script};

/// Where the scripted agent is, below the root.
const PLACE: &str = "agent";

/// Milliseconds that the scripted app server is quiet before a run is over: it has nothing more to
/// say.
const QUIET: &str = "50";

/// Finds an agent of this machine.
///
/// # Errors
///
/// Returns [`Problem::Agent`] if it is not there.
pub(super) fn of_machine(player: Player, variables: &Environment) -> Result<PathBuf, Problem> {
    let name = name(player);
    let path = variables
        .raw("PATH")
        .unwrap_or(executable::NO_PATH.as_ref());
    let found = executable::in_path(path, Path::new("/"), name.as_ref());
    found.ok_or_else(|| {
        Problem::Agent(format!(
            "there is no `{name}` in `PATH`: install it, or rehearse with `--agent fake`"
        ))
    })
}

/// Looks whether an agent of this machine is the one that is talked to.
///
/// # Errors
///
/// Returns [`Problem::Agent`] if another is.
pub(super) fn check(player: Player, spoken: Protocol) -> Result<(), Problem> {
    let is_other = match player {
        Player::Fake => false,
        Player::Claude => matches!(spoken, Protocol::CodexExec | Protocol::CodexAppServer),
        Player::Codex => spoken == Protocol::Claude,
    };
    if is_other {
        let name = name(player);
        return Err(Problem::Agent(format!(
            "the provider does not talk to its agent as to `{name}`: `--agent {name}` is for one that does"
        )));
    }
    Ok(())
}

fn name(player: Player) -> &'static str {
    match player {
        Player::Fake => scripted::NAME,
        Player::Claude => "claude",
        Player::Codex => "codex",
    }
}

/// Variables with which the run itself brings credentials for claude.
const OF_CLAUDE: [&str; 8] = [
    "ANTHROPIC_API_KEY",
    "ANTHROPIC_AUTH_TOKEN",
    "CLAUDE_CODE_OAUTH_TOKEN",
    "CLAUDE_CODE_USE_BEDROCK",
    "CLAUDE_CODE_USE_VERTEX",
    "CLAUDE_CODE_USE_FOUNDRY",
    "CLAUDE_CODE_USE_MANTLE",
    env::CLAUDE_CONFIG_DIR,
];

/// Variables with which it does for codex; `CODEX_HOME` is always set.
const OF_CODEX: [&str; 2] = ["CODEX_AUTH", "CODEX_API_KEY"];

/// Logs an agent of this machine in as it is here, unless the run brings credentials for it: in
/// these `variables`, or as one of these `mounts`.
pub(super) fn at_home(
    player: Player,
    spec: &mut Value,
    variables: &mut Environment,
    ours: &Environment,
    mounts: &[PathBuf],
) {
    let (credentials, file, own) = match player {
        Player::Fake => return,
        Player::Claude => (&OF_CLAUDE[..], ".credentials.json", env::CLAUDE_CONFIG_DIR),
        Player::Codex => (&OF_CODEX[..], "auth.json", env::CODEX_HOME),
    };
    let is_file = |mount: &PathBuf| mount.file_name() == Some(file.as_ref());
    if credentials
        .iter()
        .any(|name| ambient::has(spec, variables, name))
        || mounts.iter().any(is_file)
    {
        return;
    }
    if let Some(place) = ours.path(own) {
        ambient::set(spec, variables, own, &place);
        return;
    }
    let Some(home) = ours.path("HOME") else {
        return;
    };
    match player {
        Player::Codex => ambient::set(spec, variables, own, &home.join(".codex")),
        // Its login is not only in the directory of that variable.
        _ => ambient::set(spec, variables, "HOME", &home),
    }
}

/// Puts the scripted agent into a scratch, without a script; returns its path.
///
/// # Errors
///
/// Returns [`Problem::Make`] if it cannot be put there.
pub(super) fn stand_in(
    scratch: &mut Scratch,
    variables: &mut Environment,
) -> Result<PathBuf, Problem> {
    let agent = scratch.root().join(PLACE).join(scripted::NAME);
    let linked = std::env::current_exe().and_then(|executable| scratch.link(&agent, &executable));
    linked.map_err(Problem::making(&agent))?;
    if variables.get(env::THREAD_IDLE_QUIET).is_none() {
        variables.set(env::THREAD_IDLE_QUIET, QUIET);
    }
    Ok(agent)
}

/// Says what the scripted agent plays: it writes files and answers.
///
/// # Errors
///
/// Returns [`Problem::Make`] if the script cannot be written.
pub(super) fn set_script(
    scratch: &mut Scratch,
    protocol: Protocol,
    files: Vec<PathBuf>,
) -> Result<(), Problem> {
    let script = Script {
        protocol,
        act: if files.is_empty() {
            Act::Tool
        } else {
            Act::WriteFiles
        },
        // The workspace may stay, and there may be many runs in it.
        records: false,
        leaks: Vec::new(),
        files,
    };
    let path = scratch.root().join(PLACE).join(SCRIPT);
    let text = serde_json::to_vec(&script).unwrap_or_default();
    scratch
        .file(&path, &text, false)
        .map_err(Problem::making(&path))
}

/// Returns the files that an agent is to leave: those that the provider declares, below the root,
/// each of which has a name.
pub(super) fn declared(plan: &Plan, root: &Path) -> Vec<PathBuf> {
    let declared = plan.artifacts.declared.iter();
    let paths = declared.filter_map(|artifact| artifact.path.as_deref());
    let is_one = |path: &&str| !path.ends_with('/') && !path.contains(['*', '?', '[', '{']);
    let paths = paths.filter(is_one).map(|path| plan.process.cwd.join(path));
    let is_ours = |path: &PathBuf| path.iter().any(|part| part == OsStr::new(".agent"));
    let is_inside = |path: &PathBuf| {
        path.starts_with(root) && !path.iter().any(|part| part == OsStr::new(".."))
    };
    paths
        .filter(|path| is_inside(path) && !is_ours(path))
        .collect()
}
