//! Credentials: in a variable, in a file, elsewhere, broken.

use super::*;
use agent_plan::plan::{CodexPlan, Sandbox};
use serde_json::{Value, json};

#[test]
fn credentials_in_a_variable_or_a_file_are_enough() {
    for pod in [
        Pod::claude().env("ANTHROPIC_API_KEY", "k"),
        Pod::claude().env("CLAUDE_CODE_USE_BEDROCK", "1"),
        Pod::claude().env("CLAUDE_CODE_USE_MANTLE", "1"),
        Pod::claude().file(".claude/.credentials.json", r#"{"claudeAiOauth":{}}"#),
        Pod::codex().env("CODEX_API_KEY", "k"),
        Pod::codex().file(".codex/auth.json", r#"{"OPENAI_API_KEY":"k"}"#),
        Pod::codex().file(".codex/config.toml", "model_provider = \"own\"\n"),
    ] {
        assert_eq!(pod.told(), "");
    }
}

#[test]
fn a_run_without_credentials_is_told_before_it_spends_its_time() {
    let told = Pod::claude().told();
    assert!(told.contains("ANTHROPIC_API_KEY"), "{told}");
    let told = Pod::codex().env("OPENAI_API_KEY", "k").told();
    assert!(
        told.contains("codex does not read `OPENAI_API_KEY`"),
        "{told}"
    );
}

#[test]
fn a_corrupt_file_of_credentials_fails_without_its_content() {
    for (pod, file) in [
        (Pod::claude(), ".claude/.credentials.json"),
        (Pod::codex(), ".codex/auth.json"),
    ] {
        let error = pod
            .file(file, "{\"secret-word")
            .look()
            .expect_err("it is corrupt");
        let failure = error.failure();
        assert_eq!(failure.outcome, Outcome::AuthFailed);
        assert!(failure.message.contains(file), "{}", failure.message);
        assert!(
            !failure.message.contains("secret-word"),
            "{}",
            failure.message
        );
    }
    let with_key = Pod::codex()
        .env("CODEX_API_KEY", "k")
        .file(".codex/auth.json", "{");
    assert_eq!(with_key.told(), "", "it is not read then");
}

#[test]
fn a_token_that_is_over_and_cannot_be_renewed_is_a_warning() {
    let file = |oauth: &str| {
        Pod::claude().file(
            ".claude/.credentials.json",
            &format!("{{\"claudeAiOauth\":{oauth}}}"),
        )
    };
    assert!(
        file(r#"{"expiresAt":1000}"#)
            .told()
            .contains("over its time")
    );
    assert_eq!(file(r#"{"expiresAt":1000,"refreshToken":"r"}"#).told(), "");
    assert_eq!(file(r#"{"expiresAt":99999999999999}"#).told(), "");
}

/// The app server with a configuration of its thread.
fn app_server(thread_config: Value) -> Pod {
    let plan = CodexPlan {
        prompt: agent_plan::plan::Prompt::default(),
        model: None,
        effort: None,
        sandbox: Sandbox::default(),
        overrides: Vec::new(),
        thread_id: None,
        thread_config,
        base_instructions: None,
        developer_instructions: None,
        goal: None,
        experimental_raw_events: None,
        persist_extended_history: None,
        bootstrap: std::time::Duration::ZERO,
        idle_quiet: std::time::Duration::ZERO,
        idle_timeout: None,
    };
    let pod = Pod::new(Conversation::CodexAppServer(Box::new(plan)));
    pod.named("/nonexistent/bin/codex")
}

#[test]
fn a_broken_file_does_not_matter_where_something_else_gives_credentials() {
    let claude = || Pod::claude().file(".claude/.credentials.json", "dummy");
    let codex = || Pod::codex().file(".codex/auth.json", "dummy");
    for (index, pod) in [
        claude().file(".claude/settings.json", r#"{"apiKeyHelper":"/bin/key"}"#),
        claude().file(
            ".claude/settings.json",
            r#"{"env":{"CLAUDE_CODE_USE_BEDROCK":"1"}}"#,
        ),
        codex().args(&["exec", "--oss"]),
        codex().args(&["-c", "model_provider=own"]),
        codex().args(&["-cmodel_provider=own"]),
        codex().args(&["--config=model_provider=own"]),
        codex().file(".codex/config.toml", "model_provider = \"own\"\n"),
        app_server(json!({ "model_provider": "own" })).file(".codex/auth.json", "dummy"),
    ]
    .into_iter()
    .enumerate()
    {
        assert_eq!(pod.told(), "", "{index}");
    }
}

#[test]
fn a_broken_file_is_a_warning_where_it_may_not_matter() {
    let claude = || Pod::claude().file(".claude/.credentials.json", "dummy");
    let codex = || Pod::codex().file(".codex/auth.json", "dummy");
    for pod in [
        claude().named("/opt/claude-wrapper"),
        claude().args(&["--settings", "/etc/claude.json"]),
        codex().named("/opt/fake-app-server"),
        codex().args(&["--profile", "own"]),
        codex().args(&["-p", "own"]),
    ] {
        let told = pod.told();
        assert!(told.contains("are not JSON"), "{told}");
        assert!(!told.contains("dummy"), "{told}");
    }
    let bare = app_server(Value::Null).file(".codex/auth.json", "dummy");
    bare.look().expect_err("it is codex and has nothing else");
}
