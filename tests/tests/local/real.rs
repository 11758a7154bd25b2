//! The demo with the real CLIs, logged in as on this machine, and a scripted model.

use std::fs;
use std::path::{Path, PathBuf};

use agent_tests::{ModelApi, Step, agents};
use serde_json::{Value, json};

use crate::bench::{Bench, Ended};
use crate::demo::{DEMO, portal, status};

/// What the model leaves.
const REPORT: &str = "A typo in line 7.\n";

/// A model that fixes the login by these steps.
fn model(steps: impl IntoIterator<Item = Step>) -> ModelApi {
    let end = Step::text("The login ends now.").usage(1000, 20);
    ModelApi::start(steps.into_iter().chain([end]))
}

/// A bench with its own programs: one agent under the name that people give it.
fn with_agent(name: &str, program: &Path) -> (Bench, String) {
    let bench = Bench::new();
    let programs = bench.path("programs");
    fs::create_dir(&programs).expect("it can be made");
    std::os::unix::fs::symlink(program, programs.join(name)).expect("it can be linked");
    let path = format!("{}:{}", programs.display(), Bench::PATH);
    (bench, path)
}

/// What every demo leaves.
fn assert_fixed(bench: &Bench, ended: &Ended, artifact: &str) {
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    for part in ["outcome    Completed", "A REPORT.md", "M login.sh"] {
        assert!(ended.stderr.contains(part), "{part}: {}", ended.stderr);
    }
    let stored = fs::read_to_string(bench.path("here/artifacts").join(artifact));
    assert_eq!(stored.expect("it is stored"), REPORT);
    let status = status(bench);
    assert_eq!(status["outcome"], "Completed");
    assert!(
        status["usage"]["outputTokens"].as_u64() >= Some(20),
        "{status}"
    );
}

#[test]
fn the_real_claude_fixes_the_login_of_the_demo() {
    let Some(claude) = agents::claude() else {
        return;
    };
    let portal = portal();
    let (bench, path) = with_agent("claude", &claude);
    // Only what the demo allows: no commands.
    let login = bench.path("here/workspace/repo/login.sh");
    let edit = json!({"file_path": login, "old_string": "anwser", "new_string": "answer"});
    let api = model([
        Step::tool("Read", json!({ "file_path": login })),
        Step::tool("Edit", edit),
        Step::write("REPORT.md", REPORT),
    ]);
    // As somebody has it who works with another model.
    let settings = json!({"env": {
        "ANTHROPIC_BASE_URL": api.url(),
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
    }});
    let config = bench.path("home/.claude");
    fs::create_dir(&config).expect("it can be made");
    fs::write(config.join("settings.json"), settings.to_string()).expect("it can be written");
    let repository = format!("repository={}", portal.url());
    let key = ("SECRET_ANTHROPIC_API_KEY", agents::KEY);
    let words = [
        DEMO,
        "--agent",
        "claude",
        "--workspace",
        "here",
        "--set",
        &repository,
    ];
    let ended = bench.local_with(words, &[("PATH", &path), key], "");
    assert_fixed(&bench, &ended, "fix-login/report.md");
    let asked = api.await_request(1);
    assert_eq!(asked.headers["x-api-key"], agents::KEY);
    assert!(!ended.stderr.contains(agents::KEY), "{}", ended.stderr);
}

#[test]
fn the_real_codex_fixes_the_login_of_the_demo() {
    let Some(codex) = agents::codex() else {
        return;
    };
    let portal = portal();
    let (bench, path) = with_agent("codex", &codex);
    let api = model([
        Step::shell("sed -i s/anwser/answer/ login.sh"),
        Step::write("REPORT.md", REPORT),
    ]);
    agents::codex_home(&bench.path("home/.codex"), &api);
    let login: (PathBuf, Value) = (
        bench.path("home/.codex/auth.json"),
        json!({"OPENAI_API_KEY": agents::KEY}),
    );
    fs::write(login.0, login.1.to_string()).expect("it can be written");
    let config = bench.path("home/.codex/config.toml");
    let text = fs::read_to_string(&config).expect("it is there");
    let text = text.replace(
        &format!("env_key = \"{}\"", agents::CODEX_KEY),
        "requires_openai_auth = true",
    );
    fs::write(&config, text).expect("it can be written");
    let repository = format!("repository={}", portal.url());
    let demo = format!("{DEMO}/codex");
    let words = [
        DEMO,
        &demo,
        "--name",
        "fix-login-codex",
        "--agent",
        "codex",
        "--workspace",
        "here",
        "--set",
        &repository,
    ];
    let ended = bench.local_with(words, &[("PATH", &path)], "");
    assert_fixed(&bench, &ended, "fix-login-codex/report.md");
    let asked = api.await_request(1);
    let bearer = format!("Bearer {}", agents::KEY);
    assert_eq!(asked.headers["authorization"], bearer);
}
