//! Users without a name, homes that cannot be written, temporary directories that are not there.

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};

use agent_tests::{CLIS, Cli, Ended, ModelApi, Run, Step};

use crate::{NOBODY, as_nobody, assert_completed, warnings};

#[test]
fn a_user_without_a_name_is_as_good_as_any() {
    for cli in CLIS {
        let api = ModelApi::start([Step::shell("id -u > who"), Step::text("Hello.")]);
        let Some(run) = cli.run(&api) else { continue };
        let ended = as_nobody(run).end();
        assert_completed(cli, &ended);
        assert!(
            ended.text().ends_with("\nHello.\n"),
            "{cli:?}: {}",
            ended.text()
        );
        assert_eq!(warnings(&ended), [""; 0], "{cli:?}");
        let who = fs::read_to_string(ended.dir.path().join("work/who")).expect("it was written");
        let me = nix::unistd::geteuid();
        let wanted = if me.is_root() { NOBODY } else { me.as_raw() };
        assert_eq!(who, format!("{wanted}\n"), "{cli:?}");
    }
}

/// The variable that names the directory of a CLI's state, and that directory in its home.
fn state_of(cli: Cli) -> (&'static str, &'static str) {
    match cli {
        Cli::Claude => ("CLAUDE_CONFIG_DIR", "home/.claude"),
        Cli::CodexExec | Cli::AppServer => ("CODEX_HOME", "home/.codex"),
    }
}

/// Builds a run whose state directory is there, apart from the home.
fn apart(cli: Cli, api: &ModelApi) -> Option<Run> {
    let run = cli.run(api)?;
    let (variable, state) = state_of(cli);
    let state = run.path(state);
    fs::create_dir_all(&state).expect("it is ours");
    let config = run.path("home/config.toml");
    if !config.exists() {
        return Some(run);
    }
    // Otherwise codex's state is its home.
    fs::rename(config, state.join("config.toml")).expect("it is ours");
    Some(run.env(variable, state))
}

/// Runs it as nobody, from whom some directories are kept.
fn without(run: Run, kept: &[&str]) -> Ended {
    let run = as_nobody(run);
    for name in kept {
        let path = run.path(name);
        if nix::unistd::geteuid().is_root() {
            chown(&path, Some(0), Some(0)).expect("we are root");
        }
        fs::set_permissions(&path, fs::Permissions::from_mode(0o555)).expect("it is ours");
    }
    let ended = run.end();
    for name in kept {
        let path = ended.dir.path().join(name);
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("it is ours");
    }
    ended
}

#[test]
fn a_home_that_cannot_be_written_is_kept_with_a_state_directory_that_can() {
    for cli in CLIS {
        let api = ModelApi::start([Step::shell("echo $HOME > home"), Step::text("Hello.")]);
        let Some(run) = apart(cli, &api) else {
            continue;
        };
        let (_, state) = state_of(cli);
        let (home, state) = (run.path("home"), run.path(state));
        let ended = without(run, &["home"]);
        assert_completed(cli, &ended);
        assert!(ended.text().ends_with("Hello.\n"), "{cli:?}");
        assert_eq!(warnings(&ended), [""; 0], "{cli:?}");
        let seen = fs::read_to_string(ended.dir.path().join("work/home"));
        let seen = seen.expect("it was written");
        assert_eq!(seen.trim_end(), home.to_string_lossy(), "{cli:?}");
        let left = fs::read_dir(&state).expect("it is there").count();
        assert!(left > 1, "{cli:?}: the conversation is kept");
    }
}

#[test]
fn a_state_directory_that_cannot_be_written_is_replaced_and_what_is_in_it_still_counts() {
    for cli in CLIS {
        let api = ModelApi::start([Step::text("Hello.")]);
        let Some(run) = apart(cli, &api) else {
            continue;
        };
        let (variable, state) = state_of(cli);
        let ended = without(run, &["home", state]);
        assert_completed(cli, &ended);
        // Codex asks this very API, whose address is in that directory.
        assert_eq!(ended.text(), "Hello.\n", "{cli:?}");
        let all = warnings(&ended);
        let [warning] = all.as_slice() else {
            panic!("{cli:?}: {all:?}");
        };
        assert!(warning.starts_with(&format!("`{variable}`: ")), "{all:?}");
    }
}

#[test]
fn a_conversation_in_a_state_directory_that_is_replaced_begins_anew() {
    const ID: &str = "01a1fc20-74aa-72c0-9125-95d3f9232424";
    for cli in CLIS {
        let api = ModelApi::start([Step::text("Hello.")]);
        let Some(run) = apart(cli, &api) else {
            continue;
        };
        let (_, state) = state_of(cli);
        let file = match cli {
            Cli::Claude => format!("projects/-work/{ID}.jsonl"),
            Cli::CodexExec | Cli::AppServer => {
                format!("sessions/2026/11/21/rollout-2026-11-21T03-22-27-{ID}.jsonl")
            }
        };
        let file = run.path(state).join(file);
        fs::create_dir_all(file.parent().expect("it has one")).expect("it is ours");
        fs::write(&file, "{}\n").expect("it is ours");
        let left = serde_json::json!({ "status": "cancelled", "provider": cli.name(),
            "exitCode": 143, "signal": null, "startedAt": "2026-08-23T10:15:00Z",
            "finishedAt": "2026-08-23T10:15:00Z", "artifacts": {}, "outcome": "Cancelled",
            "reason": "SIGTERM", "retryable": false, "attempt": 1, "sessionId": ID });
        let status = run.path("agent/status.full.json");
        fs::create_dir_all(status.parent().expect("it has one")).expect("it is ours");
        fs::write(status, left.to_string()).expect("it is ours");
        let ended = without(run, &["home", state]);
        assert_completed(cli, &ended);
        assert_eq!(ended.status["attempt"], 2, "{cli:?}: the status was read");
        assert_ne!(ended.status["sessionId"], ID, "{cli:?}");
    }
}

#[test]
fn a_temporary_directory_that_cannot_be_is_replaced() {
    for cli in [Cli::Claude, Cli::CodexExec] {
        let api = ModelApi::start([Step::shell("mktemp > made"), Step::text("Hello.")]);
        let Some(run) = cli.run(&api) else { continue };
        let ended = run.env("TMPDIR", "/proc/nowhere").end();
        assert_completed(cli, &ended);
        assert!(
            ended.text().ends_with("Hello.\n"),
            "{cli:?}: {}",
            ended.text()
        );
        let all = warnings(&ended);
        assert!(
            all.iter().any(|it| it.starts_with("`TMPDIR`: ")),
            "{cli:?}: {all:?}"
        );
        let made = fs::read_to_string(ended.dir.path().join("work/made")).expect("it was written");
        assert!(
            made.starts_with('/'),
            "{cli:?}: a tool can make temporary files: {made}"
        );
    }
}

#[test]
fn a_temporary_directory_that_is_missing_is_made() {
    for cli in [Cli::Claude, Cli::CodexExec] {
        let api = ModelApi::start([Step::text("Hello.")]);
        let Some(run) = cli.run(&api) else { continue };
        let missing = run.path("not/there/yet");
        let ended = run.env("TMPDIR", missing).end();
        assert_completed(cli, &ended);
        assert_eq!(ended.text(), "Hello.\n", "{cli:?}");
        assert_eq!(warnings(&ended), [""; 0], "{cli:?}");
    }
}
