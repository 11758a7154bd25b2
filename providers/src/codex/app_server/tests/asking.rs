//! The command line, and the requests in their order, field by field.

use super::super::equip;
use super::*;
use agent_plan::plan::ThreadGoal;
use agent_plan::provider::Signals;

#[test]
fn the_command_line_is_the_contracts() {
    let plan = CodexPlan {
        overrides: vec!["a=1".to_owned(), "b=2".to_owned()],
        sandbox: Sandbox::WorkspaceWrite,
        ..plan()
    };
    let mut process = process(&plan);

    let warnings = equip(&plan, &mut process);

    let line = "--sandbox workspace-write -c a=1 -c b=2 --ask-for-approval never --model gpt-5.5 app-server";
    assert_eq!(process.args, line.split(' ').collect::<Vec<_>>());
    assert_eq!(
        (process.stdin.clone(), warnings),
        (Stdin::Session, Vec::new())
    );
    let once = process.args.clone();
    equip(&plan, &mut process);
    assert_eq!(process.args, once);
}

#[test]
fn without_a_model_the_command_line_names_none() {
    let plan = CodexPlan {
        model: None,
        ..plan()
    };
    let mut process = process(&plan);
    equip(&plan, &mut process);
    assert_eq!(
        process.args,
        [
            "--sandbox",
            "danger-full-access",
            "--ask-for-approval",
            "never",
            "app-server"
        ]
    );
}

#[test]
fn it_introduces_itself_as_the_incumbent_does() {
    let talk = Talk::new(&plan());
    let initialize = json!({
        "id": 1,
        "method": "initialize",
        "params": {
            "clientInfo": {"name": "lab", "title": "lab app-server client", "version": "0.0.0"},
            "capabilities": {"experimentalApi": true, "requestAttestation": false},
        },
    });
    assert_eq!(written(&talk.actions), [initialize]);
    assert!(talk.runs(Timer::Bootstrap));
    assert_eq!(talk.session.signals(), Signals::Translated);
}

#[test]
fn initialize_thread_and_turn_follow_each_other() {
    let mut talk = Talk::new(&plan());

    let actions = talk.reads(r#"{"id":1,"result":{"userAgent":"lab/0.169.0 (Debian 12) x"}}"#);
    assert!(!talk.runs(Timer::Bootstrap));
    let thread = json!({
        "id": 2,
        "method": "thread/start",
        "params": {
            "model": "gpt-5.5", "modelProvider": null, "cwd": "/ws", "approvalPolicy": "never",
            "sandbox": "danger-full-access", "config": null, "baseInstructions": null,
            "developerInstructions": null, "personality": null, "ephemeral": null,
            "historyMode": null, "dynamicTools": null, "experimentalRawEvents": false,
        },
    });
    assert_eq!(written(&actions), [thread]);

    let actions = talk.hears(&json!({"id": 2, "result": {"thread": {"id": "t1"}, "model": "m2"}}));
    let turn = json!({
        "id": 3,
        "method": "turn/start",
        "params": {
            "threadId": "t1",
            "input": [{"type": "text", "text": "do it", "text_elements": []}],
            "cwd": "/ws", "approvalPolicy": "never", "sandboxPolicy": {"type": "dangerFullAccess"},
            "model": "gpt-5.5", "effort": "high", "personality": null, "outputSchema": null,
            "collaborationMode": null,
        },
    });
    assert_eq!(written(&actions), [turn]);

    talk.hears(&json!({"id": 3, "result": {"turn": {"id": "u1"}}}));
    let report = talk.session.report();
    assert_eq!(report.version.as_deref(), Some("0.169.0"));
    assert_eq!(report.session_id.as_deref(), Some("t1"));
    assert_eq!(report.turn_id.as_deref(), Some("u1"));
    assert_eq!(report.turn_status.as_deref(), Some("inProgress"));
    assert_eq!(report.model.as_deref(), Some("m2"));
    assert_eq!(report.effort.as_deref(), Some("high"));
}

#[test]
fn a_thread_is_resumed_without_its_turns() {
    let plan = CodexPlan {
        thread_id: Some("old".to_owned()),
        thread_config: json!({"web_search": "live"}),
        base_instructions: Some("base".to_owned()),
        developer_instructions: Some("developer".to_owned()),
        persist_extended_history: Some(true),
        ..plan()
    };
    let mut talk = Talk::new(&plan);
    let actions = talk.reads(r#"{"id":1,"result":{}}"#);
    let resume = json!({
        "id": 2,
        "method": "thread/resume",
        "params": {
            "threadId": "old", "model": "gpt-5.5", "modelProvider": null, "cwd": "/ws",
            "approvalPolicy": "never", "sandbox": "danger-full-access",
            "config": {"web_search": "live"}, "baseInstructions": "base",
            "developerInstructions": "developer", "personality": null, "excludeTurns": true,
            "persistExtendedHistory": true,
        },
    });
    assert_eq!(written(&actions), [resume]);
}

#[test]
fn a_goal_is_set_before_the_turn_in_whole_tokens() {
    let plan = CodexPlan {
        goal: Some(ThreadGoal {
            objective: "green".to_owned(),
            status: "active".to_owned(),
            token_budget: Some(5000.7),
        }),
        ..plan()
    };
    let mut talk = Talk::new(&plan);
    talk.reads(r#"{"id":1,"result":{}}"#);
    let goal = talk.hears(&json!({"id": 2, "result": {"thread": {"id": "t1"}}}));
    let turn = talk.reads(r#"{"id":3,"result":{}}"#);

    let goal = &written(&goal)[0];
    assert_eq!(goal["method"], "thread/goal/set");
    let params =
        json!({"threadId": "t1", "objective": "green", "status": "active", "tokenBudget": 5000});
    assert_eq!(goal["params"], params);
    assert_eq!(written(&turn)[0]["method"], "turn/start");
}

#[test]
fn a_skill_is_asked_for_by_its_sign() {
    let mut asked = plan();
    asked.prompt.skill = Some("review".to_owned());
    let mut talk = Talk::new(&asked);
    talk.reads(r#"{"id":1,"result":{}}"#);
    let turn = talk.hears(&json!({"id": 2, "result": {"thread": {"id": "t1"}}}));
    assert_eq!(
        written(&turn)[0]["params"]["input"][0]["text"],
        "$review do it"
    );
}

#[test]
fn every_sandbox_has_its_policy() {
    let policy = |sandbox| {
        let plan = CodexPlan { sandbox, ..plan() };
        let mut talk = Talk::new(&plan);
        talk.reads(r#"{"id":1,"result":{}}"#);
        let turn = talk.hears(&json!({"id": 2, "result": {"thread": {"id": "t1"}}}));
        written(&turn)[0]["params"]["sandboxPolicy"].clone()
    };
    assert_eq!(
        policy(Sandbox::ReadOnly),
        json!({"type": "readOnly", "networkAccess": false})
    );
    let write = json!({
        "type": "workspaceWrite", "writableRoots": [], "networkAccess": false,
        "excludeTmpdirEnvVar": false, "excludeSlashTmp": false,
    });
    assert_eq!(policy(Sandbox::WorkspaceWrite), write);
}

fn is_piece(line: &str) -> bool {
    let codex = agent_plan::plan::Conversation::CodexAppServer(Box::new(plan()));
    matches!(crate::part(line, &codex), Some(crate::Part::Piece { .. }))
}

#[test]
fn pieces_are_the_deltas() {
    for method in [
        "item/agentMessage/delta",
        "item/reasoning/summaryTextDelta",
        "process/outputDelta",
    ] {
        assert!(
            is_piece(&json!({"method": method, "params": {}}).to_string()),
            "{method}"
        );
    }
    for line in [
        r#"{"method":"item/completed"}"#,
        r#"{"id":1,"delta":"delta"}"#,
        "delta",
        "[]",
    ] {
        assert!(!is_piece(line), "{line}");
    }
}
