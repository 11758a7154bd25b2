//! Conversations of the real CLIs: gone on with after a stop, begun anew, bound to a system prompt.

use std::path::Path;

use agent_tests::{
    CACHE_READ, CACHE_WRITTEN, CLIS, Cli, Ended, ModelApi, Run, Step, assert_ends, ends,
};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};
use tempfile::TempDir;

/// What the model reads as input for a usage of so many tokens.
fn input(cli: Cli, tokens: u64) -> u64 {
    match cli {
        Cli::Claude => tokens + CACHE_READ + CACHE_WRITTEN,
        Cli::CodexExec | Cli::AppServer => tokens,
    }
}

/// A pod's volume, on which one container has begun a conversation that did not end.
struct Begun {
    volume: TempDir,
    api: ModelApi,
    session: String,
}

/// How a container comes to its end before its agent does.
#[derive(Clone, Copy)]
enum End {
    /// The runner is told to stop.
    Terminated,
    /// The agent is killed by somebody else.
    AgentKilled,
}

impl Begun {
    /// Runs a container until its agent is in the middle of a tool.
    fn new(cli: Cli, end: End) -> Option<Self> {
        let volume = tempfile::tempdir().expect("a temporary directory can be made");
        let api = ModelApi::start([
            Step::shell("touch begun; exec sleep 300").usage(5000, 50),
            Step::text("Here I am again.").usage(700, 7),
        ]);
        let run = ask(cli, cli.run_in(volume.path(), &api)?, "The first question.");
        let started = run.start();
        started.await_file(volume.path().join("work/begun"));
        match end {
            End::Terminated => started.signal(Signal::SIGTERM),
            End::AgentKilled => {
                let agent = started
                    .descendants()
                    .into_iter()
                    .find(|(_, name)| name == "claude" || name == "codex");
                let (pid, _) = agent.expect("the agent is a child of the runner");
                kill(Pid::from_raw(pid), Signal::SIGKILL).expect("it is there");
            }
        }
        let ended = started.end();
        match end {
            End::Terminated => {
                assert_ends(cli.name(), &ended, &ends(143, "Cancelled", "SIGTERM"));
            }
            End::AgentKilled => assert_ends(cli.name(), &ended, &ends(137, "Killed", "Killed")),
        }
        let session = session(&ended);
        Some(Self {
            volume,
            api,
            session,
        })
    }

    /// Builds the run of the container that follows.
    fn again(&self, cli: Cli) -> Run {
        let run = cli
            .run_in(self.volume.path(), &self.api)
            .expect("it ran before");
        ask(cli, run, "The second question.")
    }

    /// What the container that followed has asked the model.
    fn asked(&self) -> String {
        let requests = self.api.requests();
        assert_eq!(requests.len(), 2, "one request of each container");
        requests[1].body.to_string()
    }
}

fn ask(cli: Cli, run: Run, prompt: &str) -> Run {
    match cli {
        Cli::AppServer => run.spec("/adapter/codex/prompt", json!(prompt)),
        Cli::Claude | Cli::CodexExec => run.setting("prompt", json!(prompt)),
    }
}

#[track_caller]
fn session(ended: &Ended) -> String {
    let session = ended.status["sessionId"].as_str();
    session.expect("the CLI had a session").to_owned()
}

fn assert_goes_on(cli: Cli, end: End) {
    let Some(begun) = Begun::new(cli, end) else {
        return;
    };
    let ended = begun.again(cli).end();
    assert_ends(cli.name(), &ended, &ends(0, "Completed", "Completed"));
    assert_eq!(session(&ended), begun.session);
    assert_eq!(ended.status["attempt"], 2, "{}", ended.status);
    assert_eq!(ended.text(), "Here I am again.\n");
    let asked = begun.asked();
    for words in ["The first question.", "touch begun", "The second question."] {
        assert!(asked.contains(words), "{words}: {asked}");
    }
    let usage = &ended.status["usage"];
    assert_eq!(
        usage["outputTokens"], 7,
        "{usage} {}",
        ended.full["warnings"]
    );
    assert_eq!(usage["inputTokens"], input(cli, 700), "{usage}");
    assert_eq!(
        (&usage["turns"], &usage["toolCalls"]),
        (&json!(1), &json!(0)),
        "{usage}"
    );
}

#[test]
fn claude_goes_on_with_a_stopped_conversation_and_counts_its_own_share() {
    assert_goes_on(Cli::Claude, End::Terminated);
}

#[test]
fn codex_exec_goes_on_with_a_stopped_conversation_and_counts_its_own_share() {
    assert_goes_on(Cli::CodexExec, End::Terminated);
}

#[test]
fn the_app_server_goes_on_with_a_stopped_conversation_and_counts_its_own_share() {
    assert_goes_on(Cli::AppServer, End::Terminated);
}

#[test]
fn claude_goes_on_after_it_was_killed() {
    assert_goes_on(Cli::Claude, End::AgentKilled);
}

#[test]
fn codex_exec_goes_on_after_it_was_killed() {
    assert_goes_on(Cli::CodexExec, End::AgentKilled);
}

#[test]
fn the_app_server_goes_on_after_it_was_killed() {
    assert_goes_on(Cli::AppServer, End::AgentKilled);
}

#[test]
fn a_conversation_that_is_not_to_be_gone_on_with_begins_anew() {
    for cli in CLIS {
        let Some(begun) = Begun::new(cli, End::Terminated) else {
            continue;
        };
        let ended = begun.again(cli).env("AGENT_RUNNER_RESUME", "never").end();
        assert_ends(cli.name(), &ended, &ends(0, "Completed", "Completed"));
        assert_ne!(session(&ended), begun.session, "{cli:?}");
        let asked = begun.asked();
        assert!(!asked.contains("The first question."), "{cli:?}: {asked}");
        assert!(asked.contains("The second question."), "{cli:?}: {asked}");
        assert_eq!(ended.status["usage"]["outputTokens"], 7, "{cli:?}");
    }
}

#[test]
fn a_conversation_that_is_named_is_gone_on_with_whatever_the_status_says() {
    for cli in CLIS {
        let Some(begun) = Begun::new(cli, End::Terminated) else {
            continue;
        };
        for name in ["agent/status.json", "agent/status.full.json"] {
            std::fs::remove_file(begun.volume.path().join(name)).expect("it is ours");
        }
        let run = begun
            .again(cli)
            .env("AGENT_RUNNER_RESUME", begun.session.clone());
        let ended = run.end();
        assert_ends(cli.name(), &ended, &ends(0, "Completed", "Completed"));
        assert_eq!(session(&ended), begun.session, "{cli:?}");
        assert!(begun.asked().contains("The first question."), "{cli:?}");
    }
}

#[test]
fn a_conversation_whose_state_is_gone_begins_anew() {
    for cli in [Cli::Claude, Cli::CodexExec] {
        let Some(begun) = Begun::new(cli, End::Terminated) else {
            continue;
        };
        std::fs::remove_dir_all(begun.volume.path().join("home")).expect("it is ours");
        let ended = begun.again(cli).end();
        assert_ends(cli.name(), &ended, &ends(0, "Completed", "Completed"));
        assert_ne!(session(&ended), begun.session, "{cli:?}");
        assert!(!begun.asked().contains("The first question."), "{cli:?}");
    }
}

#[test]
fn the_state_of_a_conversation_is_where_the_agents_own_environment_says() {
    for cli in [Cli::Claude, Cli::CodexExec] {
        let Some(begun) = Begun::new(cli, End::Terminated) else {
            continue;
        };
        let home = begun.volume.path().join("home");
        let run = begun.again(cli);
        // The runner's own is another one.
        let other = run.path("other");
        std::fs::create_dir(&other).expect("it is ours");
        let run = run.env("HOME", &other).env("CODEX_HOME", &other);
        let of_agent = json!({ "HOME": home, "CODEX_HOME": home });
        let ended = run.spec("/adapter/exec/envTemplate", of_agent).end();
        assert_ends(cli.name(), &ended, &ends(0, "Completed", "Completed"));
        assert_eq!(session(&ended), begun.session, "{cli:?}");
    }
}

#[test]
fn a_conversation_of_another_run_is_not_gone_on_with() {
    for cli in [Cli::Claude, Cli::CodexExec] {
        let Some(begun) = Begun::new(cli, End::Terminated) else {
            continue;
        };
        let payload = begun.volume.path().join("run.json");
        let content = json!({ "agentRun": { "name": "other", "uid": "another-uid" } });
        std::fs::write(&payload, content.to_string()).expect("it is ours");
        let ended = begun.again(cli).env("AGENT_RUN_SPEC", payload).end();
        assert_ends(cli.name(), &ended, &ends(0, "Completed", "Completed"));
        assert_eq!(ended.full["runUid"], "another-uid", "{cli:?}");
        assert_ne!(session(&ended), begun.session, "{cli:?}");
        assert!(!begun.asked().contains("The first question."), "{cli:?}");
    }
}

#[test]
fn a_conversation_that_ended_well_is_not_gone_on_with() {
    for cli in [Cli::Claude, Cli::CodexExec] {
        let volume = tempfile::tempdir().expect("a temporary directory can be made");
        let api = ModelApi::start([Step::text("Done.")]);
        let Some(run) = cli.run_in(volume.path(), &api) else {
            continue;
        };
        let first = run.end();
        let second = cli
            .run_in(volume.path(), &api)
            .expect("it ran before")
            .end();
        assert_ends(cli.name(), &second, &ends(0, "Completed", "Completed"));
        assert_ne!(session(&first), session(&second), "{cli:?}");
    }
}

/// SHA-256 of `You are a lighthouse.`.
const HASH: &str = "8fcd32b86db2c5b445de6db52e9f6772722455dac3ccd8655eedbb7e420fe439";

/// A run whose system prompt is in a file.
fn told(cli: Cli, api: &ModelApi, hash: &str) -> Option<Run> {
    let run = cli.run(api)?;
    let path = run.path("system-prompt.txt");
    std::fs::write(&path, "You are a lighthouse.").expect("it is ours");
    Some(match cli {
        Cli::AppServer => run
            .spec("/adapter/codex/systemPromptPath", json!(path))
            .spec("/adapter/codex/systemPromptExpectedHash", json!(hash)),
        Cli::Claude | Cli::CodexExec => run
            .env("CODEX_SYSTEM_PROMPT_PATH", path)
            .env("CODEX_SYSTEM_PROMPT_EXPECTED_HASH", hash),
    })
}

#[test]
fn a_system_prompt_that_is_the_one_that_was_meant_reaches_the_model() {
    for cli in [Cli::Claude, Cli::AppServer] {
        let api = ModelApi::start([Step::text("Aye.")]);
        let Some(run) = told(cli, &api, HASH) else {
            continue;
        };
        let ended = run.end();
        assert_ends(cli.name(), &ended, &ends(0, "Completed", "Completed"));
        let body = api.await_request(1).body;
        // Codex gives it as the first of the messages.
        let system = [&body["system"], &body["input"][0]]
            .map(Value::to_string)
            .concat();
        assert!(
            system.contains("You are a lighthouse."),
            "{cli:?}: {system}"
        );
    }
}

#[test]
fn a_system_prompt_that_is_another_is_refused_before_anything_starts() {
    for cli in [Cli::Claude, Cli::AppServer] {
        let api = ModelApi::start([Step::text("Not asked.")]);
        let Some(run) = told(cli, &api, &HASH.replace(|_| true, "0")) else {
            continue;
        };
        let home = run.path("home");
        let before = entries(&home);
        let ended = run.end();
        assert_eq!(
            (ended.code, ended.outcome()),
            (78, "PolicyRefused"),
            "{}",
            ended.status
        );
        assert!(
            ended.error().contains("SHA-256"),
            "{cli:?}: {}",
            ended.error()
        );
        assert_eq!(
            api.requests().len() + api.other_requests().len(),
            0,
            "{cli:?}"
        );
        assert_eq!(
            entries(&ended.dir.path().join("home")),
            before,
            "{cli:?}: it was started"
        );
        ended.assert_the_controller_reads_it();
    }
}

fn entries(directory: &Path) -> Vec<std::ffi::OsString> {
    let entries = std::fs::read_dir(directory).expect("it is there");
    let mut names: Vec<_> = entries.flatten().map(|entry| entry.file_name()).collect();
    names.sort();
    names
}
