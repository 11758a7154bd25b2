//! Servers of the Model Context Protocol: used, and missed when they do not start.

use agent_tests::{CLIS, Cli, ModelApi, Run, Step, agents, assert_ends, binary, ends};
use serde_json::{Value, json};

use crate::{assert_completed, warnings};

/// Gives a run one server, whose environment has a value that nobody else should see.
fn with_server(cli: Cli, run: Run, name: &str, command: &str) -> Run {
    let server =
        json!({ "command": command, "args": ["said:"], "env": { "ECHO_PREFIX": "s3cr3t-prefix" } });
    match cli {
        Cli::Claude => run.spec(
            "/adapter",
            json!({ "type": "claude", "claude": {
                "binaryPath": agents::claude(),
                "prompt": "Do the thing.",
                "mcpConfig": { "mcpServers": { name: server } },
            } }),
        ),
        Cli::CodexExec => {
            let mut args = json!(["exec", "--dangerously-bypass-approvals-and-sandbox"]);
            for (key, value) in server.as_object().expect("it is an object") {
                let value = match value {
                    Value::Object(_) => "{ECHO_PREFIX=\"s3cr3t-prefix\"}".to_owned(),
                    other => other.to_string(),
                };
                let words = [
                    json!("-c"),
                    json!(format!("mcp_servers.{name}.{key}={value}")),
                ];
                args.as_array_mut().expect("it is a list").extend(words);
            }
            run.spec("/adapter/exec/argsTemplate", args)
        }
        Cli::AppServer => run.spec(
            "/adapter/codex/threadConfig",
            json!({ "mcp_servers": { name: server } }),
        ),
    }
}

#[test]
fn a_server_is_asked_and_what_it_says_reaches_the_model() {
    let command = binary("echo-mcp").display().to_string();
    for cli in CLIS {
        let api = ModelApi::start([
            Step::tool("mcp__mirror__echo", json!({ "text": "hello" })),
            Step::text("It answered."),
        ]);
        let Some(run) = cli.run(&api) else { continue };
        let ended = with_server(cli, run, "mirror", &command).end();
        assert_completed(cli, &ended);
        let told = api.requests()[1].body.to_string();
        assert!(
            told.contains("said: s3cr3t-prefix hello"),
            "{cli:?}: {told}"
        );
        let shown = ended.text();
        let line = match cli {
            Cli::Claude => "[mcp__mirror__echo:ok]",
            Cli::CodexExec | Cli::AppServer => "[mirror.echo:ok] {\"text\":\"hello\"}",
        };
        assert!(shown.contains(line), "{cli:?}: {shown}");
        assert_eq!(ended.status["usage"]["toolCalls"], 1, "{cli:?}");
        assert_eq!(warnings(&ended), [""; 0], "{cli:?}");
        if cli == Cli::Claude {
            // Its author wrote it into the configuration, not into the arguments.
            assert!(
                !ended.full["args"].to_string().contains("s3cr3t"),
                "{}",
                ended.full
            );
        }
    }
}

#[test]
fn a_server_that_does_not_start_is_a_warning() {
    // `codex exec` says nothing of it at all, unless the server is required.
    for cli in [Cli::Claude, Cli::AppServer] {
        let api = ModelApi::start([Step::text("Then without.")]);
        let Some(run) = cli.run(&api) else { continue };
        let ended = with_server(cli, run, "broken", "/nowhere/server").end();
        assert_completed(cli, &ended);
        let all = warnings(&ended);
        let named = |warning: &String| warning.contains("MCP server `broken`");
        assert!(all.iter().any(named), "{cli:?}: {all:?}\n{}", ended.stderr);
        assert!(ended.text().ends_with("Then without.\n"), "{cli:?}");
    }
}

#[test]
fn a_required_server_that_does_not_start_fails_the_run_and_is_named() {
    let api = ModelApi::start([Step::text("Not asked.")]);
    let Some(run) = Cli::CodexExec.run(&api) else {
        return;
    };
    let args = json!([
        "exec",
        "--dangerously-bypass-approvals-and-sandbox",
        "-c",
        "mcp_servers.broken.command=\"/nowhere/server\"",
        "-c",
        "mcp_servers.broken.required=true",
    ]);
    let ended = run.spec("/adapter/exec/argsTemplate", args).end();
    assert_ends("required", &ended, &ends(1, "AgentFailed", "StartupFailed"));
    let said = "required MCP servers failed to initialize: broken";
    assert!(ended.error().contains(said), "{}", ended.error());
    assert_eq!(api.requests().len(), 0);
}
