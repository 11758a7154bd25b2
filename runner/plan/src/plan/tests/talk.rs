//! How an agent is talked to: adapters of codex and claude, prompts, goals, system prompts.

use serde_json::{Value, json};
use std::path::Path;
use std::time::Duration;

use super::{Asked, variable};
use crate::outcome::Outcome;
use crate::plan::{
    ClaudePlan, CodexPlan, Conversation, Plan, Sandbox, Stdin, SystemPromptFile, ThreadGoal,
};
use crate::settings::Protocol;

fn codex(body: impl Into<Value>) -> Asked {
    let adapter = json!({ "type": "codex-app-server", "codex": body.into() });
    Asked::bare().spec("/adapter", adapter)
}

#[track_caller]
fn codex_of(plan: &Plan) -> &CodexPlan {
    match &plan.process.conversation {
        Conversation::CodexAppServer(codex) => codex,
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn claude_of(plan: &Plan) -> &ClaudePlan {
    match &plan.process.conversation {
        Conversation::Claude(claude) => claude,
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_codex_is_not_told_has_the_contracts_defaults() {
    let plan = codex(json!({ "prompt": "Fix it." })).planned();
    let codex = codex_of(&plan);
    assert_eq!(plan.identity.adapter, "codex-app-server");
    assert_eq!(plan.process.program, Path::new("/usr/local/bin/codex"));
    assert_eq!(plan.process.stdin, Stdin::Session);
    assert_eq!(codex.prompt.text, "Fix it.");
    assert_eq!(codex.sandbox, Sandbox::DangerFullAccess);
    assert_eq!((&codex.model, &codex.effort), (&None, &None));
    assert_eq!(codex.thread_config, Value::Null);
    assert_eq!(codex.bootstrap, Duration::from_secs(10));
    assert_eq!(codex.idle_quiet, Duration::from_secs(1));
    assert_eq!((codex.idle_timeout, &codex.goal), (None, &None));
}

#[test]
fn the_binary_of_codex_is_looked_for_in_the_contracts_order() {
    let mut asked = codex(json!({ "prompt": "x" }));
    for (name, path) in [
        ("CODEX_BINARY", "/opt/second"),
        ("AGENTS_CODEX_BINARY", "/opt/first"),
    ] {
        asked = asked.env(name, path);
        assert_eq!(asked.planned().process.program, Path::new(path));
    }
    asked = asked.spec("/adapter/codex/binaryPath", json!("/opt/own"));
    assert_eq!(asked.planned().process.program, Path::new("/opt/own"));
}

#[test]
fn a_run_without_a_prompt_of_its_adapter_asks_its_own() {
    let run = json!({
        "prompt": " ",
        "implementation": { "text": "Text {{inputs.a}}.", "summary": "Summary." },
        "issueBody": "Body.",
    });
    let asked = codex(json!({})).payload(run.clone());
    let plan = asked.planned();
    let words = &codex_of(&plan).prompt.text;
    assert_eq!(words, "Text {{inputs.a}}.", "a value is never rendered");
    let plan = asked
        .setting("prompt", json!("Do {{run.issueBody}}"))
        .planned();
    assert_eq!(codex_of(&plan).prompt.text, "Do Body.");
    let claude = Asked::bare().spec("/adapter", json!({ "type": "claude" }));
    let plan = claude.payload(run).planned();
    let prompt = claude_of(&plan).prompt.as_ref().expect("there is one");
    assert_eq!(prompt.text, "Text {{inputs.a}}.");
}

#[test]
fn nobody_is_there_to_approve() {
    for (field, word, nearest) in [
        ("approval", "on-request", false),
        ("approval", "Never", true),
        ("sandbox", "read-onyl", true),
    ] {
        let error = codex(json!({ "prompt": "x", (field): word })).refused();
        assert_eq!(error.outcome(), Outcome::SpecInvalid);
        let text = error.to_string();
        assert!(text.contains(word) && text.contains(field), "{text}");
        assert_eq!(error.hint().is_some(), nearest, "{word}");
    }
    codex(json!({ "prompt": "x", "approval": "never", "sandbox": "read-only" })).planned();
}

#[test]
fn leaves_of_the_thread_config_see_the_environment_and_prompts_do_not() {
    let asked = codex(json!({
        "prompt": "Say {{env.MCP_TOKEN}}.",
        "developerInstructions": "{{env.MCP_TOKEN}}",
        "threadConfig": { "web_search": "live", "deep": [{ "token": "{{env.MCP_TOKEN}}", "n": 3 }],
            "own": "{{env.NATS_PASSWORD}}", "run": "{{run.agentRun.name}}" },
    }))
    .env("MCP_TOKEN", "a-secret-of-mcp")
    .env("NATS_PASSWORD", "a-secret-of-ours")
    .payload(json!({ "agentRun": { "name": "run-1" } }));
    let plan = asked.planned();
    let codex = codex_of(&plan);
    assert_eq!(
        codex.thread_config,
        json!({ "web_search": "live", "deep": [{ "token": "a-secret-of-mcp", "n": 3 }],
            "own": "", "run": "run-1" })
    );
    assert_eq!(codex.prompt.text, "Say {{env.MCP_TOKEN}}.");
    let instructions = codex.developer_instructions.as_deref();
    assert_eq!(instructions, Some("{{env.MCP_TOKEN}}"));
    let narrow = asked.setting("env/templates", json!(["OTHER"])).planned();
    assert_eq!(codex_of(&narrow).thread_config["deep"][0]["token"], "");
    let view = serde_json::to_string(&plan.view()).expect("JSON");
    assert!(!view.contains("a-secret-of-mcp"), "{view}");
}

#[test]
fn a_goal_is_merged_field_by_field() {
    let asked = codex(json!({ "prompt": "x", "goal": { "status": "paused" } }))
        .spec("/goal", json!({ "tokenBudget": 200 }))
        .payload(json!({ "goal": { "text": "No leaks", "tokenBudget": 100 } }));
    let goal = ThreadGoal {
        objective: "No leaks".to_owned(),
        status: "paused".to_owned(),
        token_budget: Some(200.0),
    };
    assert_eq!(codex_of(&asked.planned()).goal, Some(goal));
    let aimless = codex(json!({ "prompt": "x", "goal": { "tokenBudget": 5 } }));
    assert_eq!(codex_of(&aimless.planned()).goal, None);
}

fn file(content: Result<&str, &str>) -> SystemPromptFile {
    SystemPromptFile {
        path: "/workspace/.codex/system-prompt.txt".into(),
        content: content.map(str::to_owned).map_err(str::to_owned),
    }
}

#[test]
fn the_system_prompt_comes_from_the_adapter_the_file_or_the_run_in_that_order() {
    let mut asked = codex(json!({ "prompt": "x" }));
    assert_eq!(codex_of(&asked.planned()).base_instructions, None);
    asked = asked.payload(json!({ "systemPrompt": "of the run" }));
    let told = |asked: &Asked| codex_of(&asked.planned()).base_instructions.clone();
    assert_eq!(told(&asked).as_deref(), Some("of the run"));
    asked.system_prompt = Some(file(Ok("of the file")));
    assert_eq!(told(&asked).as_deref(), Some("of the file"));
    asked = asked.spec("/adapter/codex/baseInstructions", json!("of the adapter"));
    assert_eq!(told(&asked).as_deref(), Some("of the adapter"));
}

#[test]
fn a_system_prompt_that_is_not_the_expected_one_is_refused() {
    // The stand-in for SHA-256 adds the bytes up.
    let hash = "de";
    assert_eq!(format!("{:x}", u64::from(b'o') * 2), hash);
    for adapter in [
        json!({ "type": "codex-app-server", "codex": { "prompt": "x", "systemPromptExpectedHash": "DE" } }),
        json!({ "type": "claude", "claude": { "prompt": "x", "systemPromptExpectedHash": hash } }),
    ] {
        let mut asked = Asked::bare().spec("/adapter", adapter);
        asked.system_prompt = Some(file(Ok("oo")));
        asked.planned();
        for content in [Ok("other"), Ok(" \n"), Err("no such file")] {
            asked.system_prompt = Some(file(content));
            let error = asked.refused();
            assert_eq!(error.outcome(), Outcome::PolicyRefused, "{content:?}");
            assert!(error.to_string().contains("system-prompt.txt"), "{error}");
        }
        asked.system_prompt = None;
        let asked = asked.payload(json!({ "systemPrompt": "oO" }));
        assert_eq!(
            asked.refused().reason(),
            "SystemPrompt",
            "the run's own is held to it too"
        );
    }
}

#[test]
fn a_blank_system_prompt_of_the_run_is_none() {
    let blank = json!({ "systemPrompt": " \n" });
    let plan = codex(json!({ "prompt": "x" }))
        .payload(blank.clone())
        .planned();
    assert_eq!(codex_of(&plan).base_instructions, None);
    Asked::exec().payload(blank.clone()).planned();
    let required = Asked::exec().env("CODEX_SYSTEM_PROMPT_REQUIRED", "true");
    assert_eq!(required.payload(blank).refused().reason(), "SystemPrompt");
}

#[test]
fn an_adapter_with_a_system_prompt_of_its_own_has_one() {
    let own = codex(json!({ "prompt": "x", "baseInstructions": "Own." }));
    let plan = own.env("CODEX_SYSTEM_PROMPT_REQUIRED", "true").planned();
    assert_eq!(codex_of(&plan).base_instructions.as_deref(), Some("Own."));
}

#[test]
fn servers_given_as_text_have_no_more_secrets_in_the_open_than_as_an_object() {
    let config = json!({ "mcpServers": { "docs": { "command": "docs",
        "env": { "DOCS_TOKEN": "a-secret-of-docs" } } } });
    for config in [config.clone(), json!(config.to_string())] {
        let adapter = json!({ "type": "claude", "claude": { "prompt": "x", "mcpConfig": config } });
        let plan = Asked::bare().spec("/adapter", adapter).planned();
        let shown = plan.redactor.text("it is a-secret-of-docs");
        assert_eq!(shown, "it is [REDACTED:mcpConfig]");
    }
    let adapter = json!({ "type": "claude", "claude": { "prompt": "x", "mcpConfig": "{ no" } });
    let error = Asked::bare().spec("/adapter", adapter).refused();
    assert!(error.to_string().contains("line 1"), "{error}");
}

#[test]
fn what_claude_gets_as_an_argument_must_fit_one() {
    let long = "x".repeat(200_000);
    for claude in [
        json!({ "prompt": "x", "systemPrompt": long }),
        json!({ "prompt": "x", "appendSystemPrompt": long }),
        json!({ "prompt": "x", "args": ["--name", long] }),
        json!({ "prompt": "x", "outputSchema": { "title": long } }),
    ] {
        let asked = Asked::bare().spec("/adapter", json!({ "type": "claude", "claude": claude }));
        assert_eq!(asked.refused().reason(), "TooLong");
    }
    let mut asked = Asked::bare().spec(
        "/adapter",
        json!({ "type": "claude", "claude": { "prompt": long } }),
    );
    asked.planned();
    asked.system_prompt = Some(file(Ok(&long)));
    assert_eq!(asked.refused().reason(), "TooLong");
    let mut exec = Asked::exec().setting("protocol", json!("claude"));
    exec.system_prompt = Some(file(Ok(&long)));
    assert_eq!(exec.refused().reason(), "TooLong");
}

#[test]
fn a_run_that_must_have_a_system_prompt_has_one_with_every_adapter() {
    for asked in [
        codex(json!({ "prompt": "x" })),
        Asked::bare().spec(
            "/adapter",
            json!({ "type": "claude", "claude": { "prompt": "x" } }),
        ),
        Asked::exec(),
        Asked::exec().setting("protocol", json!("claude")),
    ] {
        let asked = asked.env("CODEX_SYSTEM_PROMPT_REQUIRED", "true");
        assert_eq!(asked.refused().reason(), "SystemPrompt");
        let mut told = asked.clone().env("CODEX_SYSTEM_PROMPT_EXPECTED_HASH", "de");
        told.system_prompt = Some(file(Ok("oo")));
        told.planned();
        told.system_prompt = Some(file(Ok("xx")));
        assert_eq!(told.refused().reason(), "SystemPrompt");
    }
}

#[test]
fn an_exec_adapter_speaks_the_protocol_that_it_says() {
    let asked = Asked::exec().setting("prompt", json!("Fix {{inputs.what}}."));
    let asked = asked.spec("/inputs", json!({ "what": "it" }));
    let plan = asked.clone().setting("protocol", json!("claude")).planned();
    let prompt = claude_of(&plan).prompt.as_ref().expect("there is one");
    assert_eq!((prompt.text.as_str(), &prompt.skill), ("Fix it.", &None));
    assert_eq!(plan.identity.adapter, "exec");
    let exec = asked.clone().setting("protocol", json!("codex-exec"));
    let plan = exec.setting("skill", json!("review")).planned();
    assert_eq!(plan.process.conversation.protocol(), Protocol::CodexExec);
    let prompt = plan.process.conversation.prompt().expect("there is one");
    assert_eq!(prompt.skill.as_deref(), Some("review"));
    let plan = asked.clone().planned();
    assert_eq!(plan.process.stdin, Stdin::Prompt("Fix it.".to_owned()));
    let app_server = asked.setting("protocol", json!("codex-app-server"));
    assert_eq!(app_server.refused().reason(), "BadWord");
}

#[test]
fn a_prompt_that_renders_to_nothing_is_refused_before_it_costs_anything() {
    for protocol in ["claude", "codex-exec"] {
        let asked = Asked::exec().setting("protocol", json!(protocol));
        let asked = asked.setting("prompt", json!(" {{run.prompt}}\n"));
        assert_eq!(asked.refused().reason(), "NoPrompt", "{protocol}");
        let skill = asked.setting("skill", json!("review"));
        skill.planned();
    }
}

#[test]
fn a_cli_that_would_wait_for_ever_does_not() {
    let idle = |asked: Asked| asked.planned().process.timers.idle;
    let codex = || codex(json!({ "prompt": "x" }));
    assert_eq!(idle(codex()), Some(Duration::from_mins(30)));
    let runner = |seconds: u64| json!({ "timeouts": { "idle": seconds } });
    assert_eq!(idle(codex().spec("/runner", runner(0))), None);
    assert_eq!(
        idle(codex().spec("/runner", runner(5))),
        Some(Duration::from_secs(5))
    );
    assert_eq!(
        idle(Asked::exec()),
        None,
        "what else an agent is nobody knows"
    );
}

#[test]
fn codex_clones_into_its_directory_when_a_repository_is_known() {
    let asked = codex(json!({ "prompt": "x", "cwd": "/workspace/repo" }));
    let without = asked.planned();
    assert!(without.checkout.is_none());
    let made = without.make_dir.as_deref();
    assert_eq!(
        made,
        Some(Path::new("/workspace/repo")),
        "and else it is made"
    );
    assert_eq!(without.process.cwd, Path::new("/workspace/repo"));
    let vcs = json!({ "vcs": { "provider": "github", "repository": "acme/widgets",
        "baseBranch": "main", "headBranch": "agent/42", "writeEnabled": true } });
    let plan = asked.payload(vcs.clone()).planned();
    assert_eq!(plan.make_dir, None);
    let checkout = plan.checkout.expect("there is one");
    assert_eq!(checkout.dir, Path::new("/workspace/repo"));
    assert_eq!(checkout.remote.url(), "https://github.com/acme/widgets.git");
    let elsewhere = codex(json!({ "prompt": "x" })).payload(vcs).planned();
    assert!(
        elsewhere.checkout.is_none(),
        "without a directory nothing is cloned"
    );
}

#[test]
fn the_agent_does_not_get_the_runners_own_credentials() {
    let asked = Asked::exec()
        .env("NATS_PASSWORD", "a")
        .env("MINIO_SECRET_KEY", "b")
        .env("ANTHROPIC_API_KEY", "c");
    let plan = asked.planned();
    assert_eq!(variable(&plan, "NATS_PASSWORD"), None);
    assert_eq!(variable(&plan, "MINIO_SECRET_KEY"), None);
    assert_eq!(variable(&plan, "ANTHROPIC_API_KEY"), Some("c"));
    let plan = asked.setting("env/pass", json!(["NATS_*"])).planned();
    assert_eq!(
        variable(&plan, "NATS_PASSWORD"),
        Some("a"),
        "who asks for it gets it"
    );
    assert_eq!(variable(&plan, "MINIO_SECRET_KEY"), None);
}

#[test]
fn a_budget_that_a_protocol_cannot_keep_is_a_warning() {
    for (protocol, budget, word) in [
        ("raw", json!({ "tokens": 5 }), "`raw`"),
        ("jsonl", json!({ "turns": 5 }), "`jsonl`"),
        ("codex-exec", json!({ "costUsd": 5 }), "costUsd"),
        ("codex-exec", json!({ "tokens": 5 }), "end of a turn"),
        ("codex-exec", json!({ "turns": 5 }), "one prompt"),
        ("claude", json!({ "tokens": 5, "costUsd": 1.5 }), ""),
        ("codex-exec", json!({ "tokens": 0, "toolCalls": 3 }), ""),
    ] {
        let asked = Asked::exec().setting("protocol", json!(protocol));
        let plan = asked.setting("budget", budget.clone()).planned();
        let told = plan.warnings.join("; ");
        assert_eq!(
            told.is_empty(),
            word.is_empty(),
            "{protocol} {budget}: {told}"
        );
        assert!(told.contains(word), "{protocol} {budget}: {told}");
    }
}
