//! What outlives a CLI.

use agent_tests::{Cli, ModelApi, Step, assert_ends, descendants_of, ends};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::{STUBBORN, in_tool};

#[test]
fn what_a_killed_cli_leaves_is_swept() {
    Cli::each(|cli| {
        let Some((_api, started)) = in_tool(cli, STUBBORN) else {
            return;
        };
        let all = descendants_of(started.pid().as_raw());
        let program = if cli == Cli::Claude {
            "claude"
        } else {
            "codex"
        };
        let (pid, _) = (all.iter().find(|(_, name)| name == program))
            .unwrap_or_else(|| panic!("{cli:?} runs: {all:?}"));
        kill(Pid::from_raw(*pid), Signal::SIGKILL).expect("it runs");
        let ended = started.end();
        let name = format!("{cli:?}");
        assert_ends(&name, &ended, &ends(137, "Killed", "Killed"));
        assert!(ended.status["sessionId"].is_string(), "{}", ended.status);
        let left = ended.status["process"]["leftovers"].to_string();
        assert!(left.contains("sleep ("), "{name}: {}", ended.status);
        assert_eq!(ended.status["process"]["killed"], true, "{name}");
    });
}

#[test]
fn a_cli_may_be_killed_in_the_middle_of_a_line() {
    Cli::each(|cli| {
        let api = ModelApi::start([Step::text("Never seen.")]);
        let Some(run) = cli.run(&api) else { return };
        let script = r#"test "$1" = --version && exec "$REAL" "$@"
            mkfifo "$TMPDIR/out"; exec 3<&0
            "$REAL" "$@" <&3 > "$TMPDIR/out" &
            head -c 100 "$TMPDIR/out"; kill -9 $$"#;
        let ended = cli.through(run, script).end();
        let name = format!("{cli:?}");
        assert_ends(&name, &ended, &ends(137, "Killed", "Killed"));
        assert!(!ended.log.is_empty(), "{name}");
    });
}

#[test]
fn what_outlives_a_success_is_swept_and_named() {
    Cli::each(|cli| {
        // A child that is not in its own session yet when the shell ends would end with it.
        let command = "setsid sh -c 'touch apart; exec sleep 301' > /dev/null 2>&1 &
            until test -e apart; do sleep 0.01; done";
        let api = ModelApi::start([Step::shell(command), Step::text("Done.")]);
        let Some(run) = cli.run(&api) else { return };
        let ended = run.end();
        let name = format!("{cli:?}");
        assert_ends(&name, &ended, &ends(0, "Completed", "Completed"));
        let left = ended.status["process"]["leftovers"].to_string();
        assert!(left.contains("sleep ("), "{name}: {}", ended.status);
        assert_eq!(ended.counted("leftoverCount"), 1, "{}", ended.status);
    });
}
