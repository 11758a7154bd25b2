use super::*;
use agent_plan::env::Environment;
use agent_plan::plan::{ClaudePlan, CodexExecPlan, Conversation, CostLimits, Stdin, Timers};

/// A status of an attempt that had a conversation, and a home directory that has it.
struct Left {
    dir: tempfile::TempDir,
    status: RunStatus,
}

const ID: &str = "01a1fc20-74aa-72c0-9125-95d3f9232424";

impl Left {
    fn new() -> Self {
        let dir = tempfile::tempdir().expect("a directory can be made");
        let status = RunStatus {
            provider: "codex".to_owned(),
            outcome: Outcome::Cancelled,
            session_id: Some(ID.to_owned()),
            attempt: 2,
            usage: Some(Usage {
                input_tokens: 10,
                ..Usage::default()
            }),
            usage_before: Some(Usage {
                input_tokens: 100,
                ..Usage::default()
            }),
            ..RunStatus::begun("2026-08-23T10:15:00Z")
        };
        Self { dir, status }
    }

    fn file(self, path: &str) -> Self {
        self.file_of(path, "{}\n")
    }

    fn file_of(self, path: &str, content: &str) -> Self {
        let path = self.dir.path().join(path);
        fs::create_dir_all(path.parent().expect("it has one")).expect("it can be made");
        fs::write(path, content).expect("it can be written");
        self
    }

    fn told(&self, uid: Option<&str>) -> Option<Previous> {
        let bytes = serde_json::to_vec(&self.status).expect("JSON");
        fs::write(self.dir.path().join(FULL_STATUS), bytes).expect("it can be written");
        previous(&self.dir.path().join("status.json"), "codex", uid)
    }

    fn found_by(&self, process: &ProcessPlan) -> Previous {
        located(self.told(None).expect("there is a status"), process)
    }

    fn found(&self) -> Previous {
        self.found_by(&self.agent(Conversation::CodexExec(CodexExecPlan::default())))
    }

    /// An agent whose home is there.
    fn agent(&self, conversation: Conversation) -> ProcessPlan {
        ProcessPlan {
            program: "/bin/agent".into(),
            args: Vec::new(),
            env: Environment::new([("HOME".into(), self.dir.path().into())]),
            rendered: Vec::new(),
            cwd: self.dir.path().to_owned(),
            stdin: Stdin::Empty,
            conversation,
            limits: CostLimits::default(),
            reasoning: false,
            timers: Timers::default(),
        }
    }
}

fn claude() -> Conversation {
    Conversation::Claude(Box::<ClaudePlan>::default())
}

fn rollout_of(home: &str) -> String {
    format!("{home}/sessions/2026/11/21/rollout-2026-11-21T03-22-27-{ID}.jsonl")
}

#[test]
fn a_conversation_whose_state_is_there_is_gone_on_with() {
    for (path, conversation) in [
        (
            rollout_of(".codex"),
            Conversation::CodexExec(CodexExecPlan::default()),
        ),
        (format!(".claude/projects/-workspace/{ID}.jsonl"), claude()),
    ] {
        let left = Left::new().file(&path);
        let found = left.found_by(&left.agent(conversation));
        assert_eq!(found.session.as_deref(), Some(ID), "{path}");
        assert_eq!(found.attempt, 2);
        let before = found.usage.expect("it had cost something");
        assert_eq!(before.input_tokens, 110, "of both attempts");
    }
}

#[test]
fn the_state_is_looked_for_where_the_agent_has_it() {
    let left = Left::new().file(&rollout_of("volume"));
    let mut agent = left.agent(Conversation::CodexExec(CodexExecPlan::default()));
    assert_eq!(left.found_by(&agent).session, None);
    agent.env.set("CODEX_HOME", left.dir.path().join("volume"));
    assert_eq!(left.found_by(&agent).session.as_deref(), Some(ID));
    agent.env.set("CODEX_HOME", left.dir.path().join("other"));
    assert_eq!(left.found_by(&agent).session, None);
    // Another CLI's state is none of its business.
    agent.conversation = claude();
    assert_eq!(left.found_by(&agent).session, None);
}

#[test]
fn what_codex_has_counted_itself_is_what_it_goes_on_from() {
    let path = rollout_of(".codex");
    let counted = |input: u64| {
        let total = serde_json::json!({ "input_tokens": input, "cached_input_tokens": 2,
            "output_tokens": 3, "reasoning_output_tokens": 1 });
        let info = serde_json::json!({ "total_token_usage": total });
        let payload = serde_json::json!({ "type": "token_count", "info": info });
        serde_json::json!({ "type": "event_msg", "payload": payload }).to_string()
    };
    let none = r#"{"type":"event_msg","payload":{"type":"token_count","info":null}}"#;
    let said = r#"{"type":"response_item","payload":{"text":"\"token_count\""}}"#;
    let lines = [&counted(500), &counted(700), none, said, "{\"cut"].join("\n");
    let before = Left::new().file_of(&path, &lines).found().usage;
    let before = before.expect("codex has counted");
    let counts = [
        before.input_tokens,
        before.cached_input_tokens,
        before.output_tokens,
    ];
    assert_eq!((counts, before.reasoning_tokens), ([700, 2, 3], 1));
}

#[test]
fn one_whose_state_is_gone_is_not() {
    let found = Left::new()
        .file(".codex/sessions/2026/11/21/other.jsonl")
        .found();
    assert_eq!((found.session, found.usage), (None, None));
    assert_eq!(found.attempt, 2, "the number counts all the same");
}

#[test]
fn one_that_succeeded_or_was_with_another_provider_is_not() {
    let there = || Left::new().file(&rollout_of(".codex"));
    assert!(there().found().session.is_some());
    let mut done = there();
    done.status.outcome = Outcome::Completed;
    assert_eq!(done.found().session, None);
    let mut other = there();
    other.status.provider = "claude".to_owned();
    assert_eq!(other.found().session, None);
}

#[test]
fn an_id_that_is_none_is_not_looked_for() {
    for id in ["", "../x", "--last", "a b", &"x".repeat(200)] {
        let mut left = Left::new().file(&rollout_of(".codex"));
        left.status.session_id = Some(id.to_owned());
        assert_eq!(left.found().session, None, "{id}");
    }
}

#[test]
fn another_run_s_conversation_is_not_gone_on_with() {
    let session = |theirs: Option<&str>, ours: Option<&str>| {
        let mut left = Left::new();
        left.status.run_uid = theirs.map(str::to_owned);
        let found = left.told(ours)?;
        Some((found.attempt, found.session.is_some()))
    };
    assert_eq!(session(None, None), Some((2, true)));
    assert_eq!(session(Some("a"), Some("a")), Some((2, true)));
    assert_eq!(session(None, Some("a")), Some((2, false)));
    assert_eq!(session(Some("a"), None), Some((2, false)));
    assert_eq!(session(Some("a"), Some("b")), None, "not even its number");
}
