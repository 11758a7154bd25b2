//! The CLI does not begin, and says why on stderr only, if at all.

use agent_tests::{Cli, ModelApi, Run, Step, assert_ends, ends};
use serde_json::json;

fn nobody() -> ModelApi {
    ModelApi::start([Step::text("Nobody asks.")])
}

#[test]
fn a_flag_that_the_cli_does_not_know_is_named() {
    for (cli, args, code) in [
        (Cli::Claude, json!(["--nonesuch"]), 1),
        (Cli::CodexExec, json!(["exec", "--nonesuch"]), 2),
    ] {
        let api = nobody();
        let Some(run) = cli.run(&api) else { return };
        let ended = run.spec("/adapter/exec/argsTemplate", args).end();
        let name = format!("{cli:?}");
        assert_ends(&name, &ended, &ends(code, "AgentFailed", "StartupFailed"));
        assert!(
            ended.error().contains("--nonesuch"),
            "{name}: {}",
            ended.error()
        );
        assert_eq!(api.requests().len(), 0, "{name}");
    }
}

#[test]
fn a_program_that_is_not_there_is_missing() {
    Cli::each(|cli| {
        let api = nobody();
        let Some(run) = cli.run(&api) else { return };
        let place = match cli {
            Cli::AppServer => "/adapter/codex/binaryPath",
            _ => "/adapter/exec/binary",
        };
        let ended = run.spec(place, json!("/nonesuch/cli")).end();
        assert_ends(
            &format!("{cli:?}"),
            &ended,
            &ends(66, "InputMissing", "BinaryMissing"),
        );
        assert!(ended.error().contains("/nonesuch/cli"), "{}", ended.error());
    });
}

#[test]
fn a_cli_that_fails_before_it_begins_says_so_on_stderr() {
    Cli::each(|cli| {
        let api = nobody();
        let Some(run) = cli.run(&api) else { return };
        let run = cli.through(run, "echo 'a library is missing' >&2; exit 3");
        let ended = run.end();
        let name = format!("{cli:?}");
        assert_ends(&name, &ended, &ends(3, "AgentFailed", "StartupFailed"));
        assert!(
            ended.error().contains("a library is missing"),
            "{name}: {}",
            ended.error()
        );
    });
}

/// Runs as nobody, to whom permissions mean something.
fn as_nobody(run: Run) -> Run {
    if !nix::unistd::geteuid().is_root() {
        return run;
    }
    // What the test has made so far is root's.
    let status = std::process::Command::new("chown")
        .args(["-R", "65534:65534"])
        .arg(run.dir())
        .status();
    assert!(
        status.is_ok_and(|status| status.success()),
        "root may chown"
    );
    run.through([
        "setpriv",
        "--reuid=65534",
        "--regid=65534",
        "--clear-groups",
    ])
}

#[test]
fn a_state_directory_that_cannot_be_written_is_replaced() {
    for cli in [Cli::CodexExec, Cli::AppServer] {
        let api = ModelApi::start([Step::text("Still.")]);
        let Some(run) = cli.run(&api) else { return };
        let run = as_nobody(run);
        let home = run.path("home");
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o555);
        std::fs::set_permissions(&home, mode).expect("it is ours");
        let ended = run.end();
        let name = format!("{cli:?}");
        assert_ends(&name, &ended, &ends(0, "Completed", "Completed"));
        let warnings = ended.status["warnings"].to_string();
        assert!(warnings.contains("CODEX_HOME"), "{name}: {}", ended.status);
    }
}

#[test]
fn a_state_directory_that_is_not_there_is_made() {
    for cli in [Cli::CodexExec, Cli::AppServer] {
        let api = ModelApi::start([Step::text("Still.")]);
        let Some(run) = cli.run(&api) else { return };
        let deep = run.path("a/b");
        // A made directory has no configuration, so that what it has comes on the command line.
        let config = format!(
            r#"model_providers.fake={{name="Fake",base_url="{}/v1",env_key="FAKE_KEY",wire_api="responses"}}"#,
            api.url()
        );
        let words = ["model_provider=\"fake\"".to_owned(), config];
        let run = match cli {
            Cli::AppServer => run.spec("/adapter/codex/cliConfigOverrides", json!(words)),
            _ => run.spec(
                "/adapter/exec/argsTemplate",
                json!([
                    "exec",
                    "--dangerously-bypass-approvals-and-sandbox",
                    "-c",
                    words[0],
                    "-c",
                    words[1]
                ]),
            ),
        };
        let ended = run.env("CODEX_HOME", &deep).end();
        let name = format!("{cli:?}");
        assert_ends(&name, &ended, &ends(0, "Completed", "Completed"));
        assert!(deep.join("sessions").exists(), "{name}: its state is there");
    }
}

#[test]
fn credentials_that_are_no_credentials_are_refused_before_anything_is_asked() {
    for (cli, name) in [
        (Cli::Claude, "home/.claude/.credentials.json"),
        (Cli::CodexExec, "home/auth.json"),
        (Cli::AppServer, "home/auth.json"),
    ] {
        let api = nobody();
        let Some(run) = cli.run(&api) else { return };
        let path = run.path(name);
        std::fs::create_dir_all(path.parent().expect("it has one")).expect("it is ours");
        std::fs::write(&path, "{\"token\": ").expect("it is ours");
        // Neither a key nor a provider of its own.
        let run = run.env("ANTHROPIC_API_KEY", "");
        let config = run.path("home/config.toml");
        if config.exists() {
            std::fs::write(&config, "model = \"gpt-5.5\"\n").expect("it is ours");
        }
        let ended = run.end();
        let refused = ends(77, "AuthFailed", "BadCredentials");
        assert_ends(&format!("{cli:?}"), &ended, &refused);
        let file = path.file_name().expect("it has one").to_string_lossy();
        assert!(ended.error().contains(&*file), "{cli:?}: {}", ended.error());
        assert_eq!(api.requests().len(), 0, "{cli:?}");
    }
}
