//! Secrets: the runner's own are not the agent's, and the agent's are nobody else's.

use std::fs;

use agent_tests::{CLIS, Cli, ModelApi, Run, Step, agents, descendants_of};

use crate::{as_nobody, assert_completed};

/// A name like those that keys have.
const CODEX_KEY: &str = "GATEWAY_API_KEY";

/// Gives codex its key under that name.
fn with_key(cli: Cli, run: Run) -> Run {
    if cli == Cli::Claude {
        return run;
    }
    let path = run.path("home/config.toml");
    let config = fs::read_to_string(&path).expect("it is ours");
    fs::write(&path, config.replace(agents::CODEX_KEY, CODEX_KEY)).expect("it is ours");
    run.env(CODEX_KEY, agents::KEY)
}

#[test]
fn tools_see_none_of_the_runners_own_credentials_wherever_they_look() {
    let secrets = [
        ("NATS_PASSWORD", "a-password-of-nats"),
        ("NATS_URL", "nats://user:a-password-in-a-url@127.0.0.1:4222"),
        ("AGENTS_ARTIFACTS_SECRET_ACCESS_KEY", "a-key-of-artifacts"),
        ("MINIO_SECRET_KEY", "a-key-of-minio"),
    ];
    let look = "{ env; for file in /proc/[0-9]*/environ; do tr '\\0' '\\n' < $file; done; } > seen 2>/dev/null; true";
    for cli in CLIS {
        let api = ModelApi::start([Step::shell(look), Step::text("Looked.")]);
        let Some(run) = cli.run(&api) else { continue };
        let run = run.env("NATS_SUBJECT", "a-name-for-all");
        let run = secrets
            .iter()
            .fold(run, |run, (name, value)| run.env(name, *value));
        let ended = as_nobody(run).end();
        assert_completed(cli, &ended);
        let seen = fs::read_to_string(ended.dir.path().join("work/seen"));
        let seen = seen.expect("the tool has looked");
        assert!(
            seen.contains("a-name-for-all"),
            "{cli:?}: what is no secret is there: {seen}"
        );
        for (name, value) in secrets {
            assert!(!seen.contains(value), "{cli:?}: {name} was seen");
        }
    }
}

#[test]
fn a_key_that_is_printed_and_spelled_is_in_no_argument_and_nothing_that_stays() {
    for cli in CLIS {
        let said = format!("The key is {}, all of it.", agents::KEY);
        let api = ModelApi::start([
            Step::shell("echo \"it is $ANTHROPIC_API_KEY$GATEWAY_API_KEY\"; env"),
            Step::text(said).pieces_of(3).hold("until looked at"),
        ]);
        let Some(run) = cli.run(&api) else { continue };
        let started = with_key(cli, run).start();
        api.await_request(2);
        for (pid, name) in descendants_of(started.pid().as_raw()) {
            // It may have ended meanwhile.
            let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            let line = String::from_utf8_lossy(&line);
            assert!(!line.contains(agents::KEY), "{cli:?}: {name}: {line}");
        }
        api.release("until looked at");
        let ended = started.end();
        assert_completed(cli, &ended);
        let headers = format!("{:?}", api.requests()[0].headers);
        assert!(
            headers.contains(agents::KEY),
            "{cli:?}: this is the key: {headers}"
        );
        let log = String::from_utf8_lossy(&ended.log).into_owned();
        for (place, text) in [
            ("stdout", ended.text()),
            ("stderr", ended.stderr.clone()),
            ("log", log.clone()),
            ("status", ended.status.to_string()),
            ("full status", ended.full.to_string()),
        ] {
            assert!(
                !text.contains(agents::KEY),
                "{cli:?}: it is in the {place}: {text}"
            );
        }
        let name = match cli {
            Cli::Claude => "ANTHROPIC_API_KEY",
            Cli::CodexExec | Cli::AppServer => CODEX_KEY,
        };
        let instead = format!("The key is [REDACTED:{name}], all of it.\n");
        assert!(
            ended.text().ends_with(&instead),
            "{cli:?}: {}",
            ended.text()
        );
        assert!(
            log.contains(&format!("[REDACTED:{name}]")),
            "{cli:?}: {log}"
        );
    }
}
