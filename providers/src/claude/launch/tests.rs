use super::*;
use agent_plan::env::Environment;
use agent_plan::plan::{Conversation, CostLimits, Prompt, Timers};
use agent_plan::spec::ClaudeSpec;
use serde_json::json;

fn process(args: &[&str]) -> ProcessPlan {
    ProcessPlan {
        program: "claude".into(),
        args: args.iter().map(|arg| (*arg).to_owned()).collect(),
        env: Environment::default(),
        rendered: Vec::new(),
        cwd: "/workspace".into(),
        stdin: Stdin::Inherited,
        conversation: Conversation::Raw,
        limits: CostLimits::default(),
        reasoning: false,
        timers: Timers::default(),
    }
}

fn asking() -> ClaudePlan {
    ClaudePlan {
        prompt: Some(Prompt::default()),
        ..ClaudePlan::default()
    }
}

/// Equips twice, because the second time must change nothing.
fn equipped(plan: &ClaudePlan, mut process: ProcessPlan) -> (ProcessPlan, Vec<String>) {
    let warnings = equip(plan, &mut process);
    let once = (
        process.args.clone(),
        process.env.clone(),
        process.stdin.clone(),
    );
    equip(plan, &mut process);
    let twice = (
        process.args.clone(),
        process.env.clone(),
        process.stdin.clone(),
    );
    assert_eq!(format!("{once:?}"), format!("{twice:?}"));
    (process, warnings)
}

fn line(plan: &ClaudePlan, args: &[&str]) -> (String, usize) {
    let (process, warnings) = equipped(plan, process(args));
    (process.args.join(" "), warnings.len())
}

const ALL: &str = "--print --verbose --output-format stream-json --input-format stream-json";

#[test]
fn an_authors_arguments_are_completed_in_front() {
    let resumed = ClaudePlan {
        resume: Some("ID".to_owned()),
        ..asking()
    };
    let live = ClaudePlan {
        live: true,
        ..ClaudePlan::default()
    };
    let told = ClaudePlan {
        system_prompt: Some("S".to_owned()),
        ..ClaudePlan::default()
    };
    let one_way = "--print --verbose --output-format stream-json";
    #[rustfmt::skip]
    let table: [(&ClaudePlan, &[&str], String, usize); 15] = [
        (&asking(), &[], ALL.to_owned(), 0),
        (&asking(), &["-p", "--allowedTools", "A", "B"],
            "--verbose --output-format stream-json --input-format stream-json -p --allowedTools A B".to_owned(), 0),
        (&ClaudePlan::default(), &["do it"], format!("{one_way} do it"), 0),
        (&live, &[], "--print --verbose --include-partial-messages --output-format stream-json".to_owned(), 0),
        (&asking(), &["--output-format", "text", "-p"],
            "--verbose --input-format stream-json --output-format stream-json -p".to_owned(), 1),
        (&asking(), &["--output-format=json", "--input-format=text", "-p", "--verbose"],
            "--output-format=stream-json --input-format=stream-json -p --verbose".to_owned(), 2),
        (&ClaudePlan::default(), &["--input-format", "stream-json", "x"],
            format!("{one_way} --input-format text x"), 1),
        // A flag's value is no flag, and what follows `--` is none, either.
        (&asking(), &["--system-prompt", "--verbose"], format!("{ALL} --system-prompt --verbose"), 0),
        (&asking(), &["--", "-p"], format!("{ALL} -- -p"), 0),
        (&resumed, &[], format!("{ALL} --resume ID"), 0),
        (&resumed, &["--session-id", "OLD", "--model", "m"], format!("{ALL} --resume ID --model m"), 1),
        (&resumed, &["--session-id=OLD"], format!("{ALL} --resume ID"), 1),
        (&resumed, &["-c"], format!("{ALL} -c"), 0),
        (&told, &[], format!("{one_way} --append-system-prompt S"), 0),
        (&told, &["--append-system-prompt", "A"], format!("{one_way} --append-system-prompt A\n\nS"), 0),
    ];
    for (plan, args, expected, warnings) in table {
        assert_eq!(line(plan, args), (expected, warnings), "{args:?}");
    }
    for own in ["-rX", "--resume=X", "-pc", "--continue"] {
        assert!(!line(&resumed, &[own]).0.contains("--resume ID"), "{own}");
    }
}

#[test]
fn stdin_is_never_an_open_silent_pipe() {
    assert_eq!(equipped(&asking(), process(&[])).0.stdin, Stdin::Session);
    let (silent, _) = equipped(&ClaudePlan::default(), process(&[]));
    assert_eq!(silent.stdin, Stdin::Empty);
}

#[test]
fn the_environment_has_defaults_that_an_author_can_change() {
    let (plain, _) = equipped(&asking(), process(&[]));
    assert_eq!(
        plain.env.get("CLAUDE_CODE_DISABLE_BACKGROUND_TASKS"),
        Some("1")
    );
    assert_eq!(
        plain.env.get("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC"),
        Some("1")
    );
    assert_eq!(plain.env.raw("IS_SANDBOX"), None);
    for args in [
        &["--dangerously-skip-permissions"][..],
        &["--permission-mode", "bypassPermissions"],
        &["--permission-mode=bypassPermissions"],
    ] {
        let mut process = process(args);
        process.env.set("CLAUDE_CODE_DISABLE_BACKGROUND_TASKS", "0");
        let (process, _) = equipped(&asking(), process);
        assert_eq!(process.env.get("IS_SANDBOX"), Some("1"), "{args:?}");
        assert_eq!(
            process.env.get("CLAUDE_CODE_DISABLE_BACKGROUND_TASKS"),
            Some("0")
        );
    }
}

#[test]
fn settings_become_arguments() {
    let options = |options: serde_json::Value| ClaudePlan {
        options: Some(serde_json::from_value::<ClaudeSpec>(options).expect("settings")),
        ..asking()
    };
    let careful = "--setting-sources user";
    let (least, _) = line(&options(json!({})), &["ignored"]);
    let bypass = "--dangerously-skip-permissions";
    assert_eq!(
        least,
        format!("{ALL} {bypass} {careful} --strict-mcp-config")
    );
    let (most, warnings) = line(
        &ClaudePlan {
            system_prompt: Some("S".to_owned()),
            ..options(json!({
                "model": "m", "effort": "high", "maxTurns": 3, "maxBudgetUsd": 1.5,
                "permissionMode": "dontAsk", "allowedTools": ["Bash(git *)", "Read"],
                "disallowedTools": ["Write"], "systemPrompt": "R", "appendSystemPrompt": "A",
                "mcpConfig": "/etc/mcp.json", "settingSources": "user,project",
                "outputSchema": {"type": "object"}, "args": ["--bare"],
            }))
        },
        &[],
    );
    let rest = "--model m --effort high --max-turns 3 --max-budget-usd 1.5 --system-prompt R \
        --append-system-prompt A\n\nS --json-schema {\"type\":\"object\"} --permission-mode dontAsk \
        --setting-sources user,project --allowedTools Bash(git *) Read --disallowedTools Write \
        --mcp-config /etc/mcp.json --strict-mcp-config --bare";
    assert_eq!((most, warnings), (format!("{ALL} {rest}"), 0));
    assert_eq!(line(&options(json!({"permissionMode": "yolo"})), &[]).1, 1);
    let own = options(json!({"args": ["--permission-mode", "plan"]}));
    assert!(!line(&own, &[]).0.contains(bypass));
}

#[test]
fn no_secret_of_a_server_is_an_argument() {
    let config = json!({"mcpServers": {"a": {
        "type": "http", "url": "https://host/?key=hidden1",
        "headers": {"Authorization": "Bearer hidden2", "X": "${FROM_ENV}"},
    }, "b": {"command": "npx", "args": ["--token", "hidden3"], "env": {"T": "hidden4"}}}});
    for config in [config.clone(), json!(config.to_string())] {
        let options = ClaudeSpec {
            mcp_config: Some(config),
            ..ClaudeSpec::default()
        };
        let plan = ClaudePlan {
            options: Some(options),
            ..asking()
        };
        let (process, warnings) = equipped(&plan, process(&[]));
        let args = process.args.join(" ");
        assert!(!args.contains("hidden"), "{args}");
        assert!(
            args.contains("${FROM_ENV}") && args.contains("${CLAUDE_MCP_1}"),
            "{args}"
        );
        let values: Vec<_> = (1..=5)
            .filter_map(|n| process.env.get(&format!("CLAUDE_MCP_{n}")))
            .collect();
        for value in [
            "https://host/?key=hidden1",
            "Bearer hidden2",
            "hidden3",
            "hidden4",
        ] {
            assert!(values.contains(&value), "{value}");
        }
        assert!(warnings.is_empty());
    }
}

#[test]
fn a_price_limit_is_claudes_to_keep() {
    let mut limited = process(&[]);
    limited.limits.cost_usd = Some(2.5);
    let (limited, _) = equipped(&asking(), limited);
    assert!(limited.args.join(" ").ends_with("--max-budget-usd 2.5"));
}
