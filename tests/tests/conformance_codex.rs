//! What the controller wrote for codex runs as the pod would run it, with the real codex, through a
//! whole turn: the requests that reach its app-server are those of the controller's own runner.

#[path = "conformance/published.rs"]
mod published;
#[path = "conformance/stored.rs"]
mod stored;

use agent_tests::conformance::{Agent, Case, Pod, inode, list, string};
use agent_tests::{
    GitServer, KeyKind, KnownHosts, ModelApi, Nats, Repository, S3Server, SshKey, SshServer, Step,
    agents, binary, checked_out,
};
use published::{assert_only_events_are_new, assert_published, with_stream};
use serde_json::{Value, json};
use stored::{assert_stored, expect_stored};

const TOKEN: &str = "ght_0123456789abcdefghij";

const ANSWER: &str = "Done as asked.";

/// A pod that has ended, and what its codex was told.
struct Turn {
    case: Case,
    pod: Pod,
    requests: Vec<Value>,
    /// Arguments and environment of its codex.
    call: Value,
    model: ModelApi,
    /// What the agent has said, turn by turn.
    said: Vec<&'static str>,
}

/// Runs a case with more variables; `None`, said loudly, if codex is not installed.
fn run(case: Case, env: &[(&str, &str)], nats: Option<&Nats>) -> Option<Turn> {
    let script = vec![Step::text(ANSWER)];
    run_with(case, env, nats, script, vec![ANSWER])
}

/// Keeps how codex is called, leaves the file that a case declares, and stands before what keeps what
/// it reads.
const SHOWN: &str = r#"#!/bin/sh
case " $* " in *" app-server "*) show-call "$@" > /workspace/codex.call; esac
mkdir -p /workspace/out; echo +line > /workspace/out/change.patch
exec recorded "$@""#;

/// Runs a case whose model follows a script, in which it says this.
fn run_with(
    case: Case,
    env: &[(&str, &str)],
    nats: Option<&Nats>,
    script: Vec<Step>,
    said: Vec<&'static str>,
) -> Option<Turn> {
    let codex = agents::codex()?;
    let model = ModelApi::start(script);
    let home = tempfile::tempdir().expect("a temporary directory can be made");
    agents::codex_home(home.path(), &model);
    let more = format!(
        r#"
mount -t tmpfs home "$root/root"
mkdir "$root/root/.codex"
mount --bind '{}' "$root/root/.codex"
cat > "$dir/codex" <<'END'
{SHOWN}
END
chmod +x "$dir/codex"
mount_file "$dir/codex" /usr/local/bin/codex ro
mount_file '{}' /usr/local/bin/show-call ro
mount_file '{}' /usr/local/bin/recorded ro
mount_file '{}' /usr/local/bin/recorded-real ro
"#,
        home.path().display(),
        binary("show-call").display(),
        binary("record-stdin").display(),
        codex.display(),
    );
    let url = nats.map(Nats::url);
    let mut env = env.to_vec();
    env.extend(url.as_deref().map(|url| ("NATS_URL", url)));
    let mut all = case.env();
    all.retain(|(name, _)| env.iter().all(|(other, _)| name != other));
    all.extend(env);
    all.extend([
        ("HOME", "/root"),
        (agents::CODEX_KEY, agents::KEY),
        ("RECORD_STDIN", "/workspace/codex.stdin"),
        ("GIT_CONFIG_NOSYSTEM", "1"),
    ]);
    let pod = case.run_with(Agent::Real, all, &more);
    let record = std::fs::read_to_string(pod.path("workspace/codex.stdin"));
    // None: codex was not started.
    let record = record.unwrap_or_default();
    let call = std::fs::read(pod.path("workspace/codex.call")).unwrap_or_default();
    let call = serde_json::from_slice(&call).unwrap_or_default();
    let requests = record
        .lines()
        .map(|line| serde_json::from_str(line).expect("every request is a line of JSON"))
        .collect();
    Some(Turn {
        case,
        pod,
        requests,
        call,
        model,
        said,
    })
}

impl Turn {
    fn methods(&self) -> Vec<&str> {
        let methods = self.requests.iter();
        methods.map(|request| string(&request["method"])).collect()
    }

    #[track_caller]
    fn params(&self, method: &str) -> &Value {
        let request = self.requests.iter().find(|it| it["method"] == method);
        &request.expect("codex was asked for it")["params"]
    }

    /// Asserts what holds of every case: the conversation, and the status that it leaves.
    #[track_caller]
    fn assert_as_the_contract_says(&self, cwd: &str, base: &str, goal: Option<Value>, code: i32) {
        let expected = &self.case.expected;
        let codex = &expected["codex"];
        let status = &self.pod.ended.status;
        assert_eq!(
            self.pod.ended.code, code,
            "{status}\n{}",
            self.pod.ended.stderr
        );
        self.assert_asked(cwd, base, goal);

        self.pod.ended.assert_the_controller_reads_it();
        assert_eq!(status["adapter"], expected["adapter"]);
        assert_eq!(status["provider"], self.case.env_of("AGENT_PROVIDER"));
        let asked = self.params("turn/start");
        assert_eq!(status["threadId"], asked["threadId"]);
        assert_eq!(status["sessionId"], asked["threadId"]);
        assert!(status["turnId"].is_string(), "{status}");
        assert_eq!(status["turnStatus"], "completed");
        assert_eq!(status["model"], codex["model"]);
        assert_eq!(status["effort"], codex["effort"]);
        assert_eq!(status["cwd"], cwd);
        let artifacts = list(&expected["outputArtifacts"]);
        assert_eq!(list(&status["artifacts"]["outputArtifacts"]), artifacts);
        // The kubelet holds the file open by its inode: a rename over it would be lost.
        assert_eq!(inode(&self.pod.path("kubelet/status.json")), self.pod.inode);
        assert_eq!(self.pod.ended.text(), self.said.join("\n") + "\n");
        assert_eq!(status["usage"]["turns"], self.said.len());
    }

    /// Asserts that codex was called as without a server of events, but for what is about that.
    #[track_caller]
    fn assert_called(&self, nats: &Nats) {
        let codex = &self.case.expected["codex"];
        let args = list(&self.call["args"]);
        for (flag, value) in [
            ("--sandbox", &codex["sandbox"]),
            ("--ask-for-approval", &codex["approval"]),
            ("--model", &codex["model"]),
        ] {
            assert!(
                args.windows(2)
                    .any(|pair| pair == [json!(flag), value.clone()]),
                "{args:?}"
            );
        }
        assert_eq!(args.last(), Some(&json!("app-server")));
        let env = &self.call["env"];
        assert_eq!(env["NATS_URL"], nats.url());
        assert!(env["AGENT_RUNNER_CONTEXT_FILE"].is_string(), "{env}");
        for (name, value) in self.case.env() {
            let is_here = [
                "NATS_URL",
                "VCS_CLONE_BASE_URL",
                "VCS_SSH_HOST",
                "VCS_SSH_USER",
            ];
            if !is_here.contains(&name) {
                assert_eq!(env[name], value, "{name}");
            }
        }
    }

    /// Asserts the conversation: method by method, field by field.
    #[track_caller]
    fn assert_asked(&self, cwd: &str, base: &str, goal: Option<Value>) {
        let codex = &self.case.expected["codex"];
        let with_goal = [
            "initialize",
            "thread/start",
            "thread/goal/set",
            "turn/start",
        ];
        let mut methods = with_goal.to_vec();
        methods.retain(|method| goal.is_some() || *method != "thread/goal/set");
        assert_eq!(self.methods(), methods);
        for request in &self.requests {
            assert_eq!(request.get("jsonrpc"), None, "{request}");
            assert!(request["id"].is_u64(), "{request}");
        }
        assert_eq!(self.requests[0]["id"], 1);
        assert_eq!(
            self.params("initialize"),
            &json!({
                "clientInfo": {"name": "lab", "title": "lab app-server client", "version": "0.0.0"},
                "capabilities": {"experimentalApi": true, "requestAttestation": false},
            })
        );
        assert_eq!(
            self.params("thread/start"),
            &json!({
                "model": codex["model"],
                "modelProvider": null,
                "cwd": cwd,
                "approvalPolicy": codex["approval"],
                "sandbox": codex["sandbox"],
                "config": codex["threadConfig"],
                "baseInstructions": base,
                "developerInstructions": self.case.expected["developerInstructions"],
                "personality": null,
                "ephemeral": null,
                "historyMode": null,
                "dynamicTools": null,
                "experimentalRawEvents": false,
            })
        );
        let turn = self.params("turn/start");
        let thread = &turn["threadId"];
        assert!(thread.is_string());
        assert_eq!(
            turn,
            &json!({
                "threadId": thread,
                "input": [{
                    "type": "text",
                    "text": self.case.expected["prompt"],
                    "text_elements": [],
                }],
                "cwd": cwd,
                "approvalPolicy": codex["approval"],
                "sandboxPolicy": {"type": "dangerFullAccess"},
                "model": codex["model"],
                "effort": codex["effort"],
                "personality": null,
                "outputSchema": null,
                "collaborationMode": null,
            })
        );
        if let Some(mut goal) = goal {
            goal["threadId"] = thread.clone();
            assert_eq!(self.params("thread/goal/set"), &goal);
        }
        // What codex made of it has reached the model, some of it in the words of a model's own form.
        let asked = self.model.await_request(1).body;
        assert_eq!(asked["model"], codex["model"]);
        let instructions = &self.case.expected["developerInstructions"];
        for text in [&json!(base), &self.case.expected["prompt"], instructions] {
            let found = text.is_null() || texts(&asked).contains(&string(text));
            assert!(found, "{text} in {asked}");
        }
    }
}

/// Every text in a value.
fn texts(value: &Value) -> Vec<&str> {
    match value {
        Value::String(text) => vec![text],
        Value::Array(values) => values.iter().flat_map(texts).collect(),
        Value::Object(fields) => fields.values().flat_map(texts).collect(),
        _ => Vec::new(),
    }
}

/// The system prompt of the Agents in all cases but one.
const CAREFUL: &str = "Work carefully and report what you did.";

fn minimal(nats: Option<&Nats>) -> Option<Turn> {
    let turn = run(Case::named("codex-app-server-minimal"), &[], nats)?;
    turn.assert_as_the_contract_says("/", CAREFUL, None, 0);
    assert_eq!(turn.pod.ended.outcome(), "Completed");
    Some(turn)
}

#[test]
fn a_provider_without_a_repository_has_its_turn() {
    minimal(None);
}

fn system_prompt(nats: Option<&Nats>) -> Option<Turn> {
    let turn = run(Case::named("codex-system-prompt"), &[], nats)?;
    turn.assert_as_the_contract_says("/", "You are careful.\n", None, 0);
    Some(turn)
}

#[test]
fn the_system_prompt_out_of_a_config_map_is_attested() {
    system_prompt(None);
}

#[test]
fn a_system_prompt_that_is_not_the_attested_one_starts_no_codex() {
    let case = Case::named("codex-system-prompt");
    let case = case.codex("/systemPromptExpectedHash", "0".repeat(64));
    let Some(turn) = run(case, &[], None) else {
        return;
    };
    assert_eq!(turn.methods(), Vec::<&str>::new());
    assert_eq!(
        turn.pod.ended.outcome(),
        "PolicyRefused",
        "{}",
        turn.pod.ended.status
    );
    turn.pod.ended.assert_the_controller_reads_it();
}

fn repository() -> Repository {
    let repository = Repository::new().history("main", 2);
    repository.commit("main", [("README", "hello\n")])
}

fn read_only(nats: Option<&Nats>) -> Option<Turn> {
    let repository = repository()
        .branch("trunk", "main")
        .without("refs/heads/main")
        .default_branch("trunk");
    let server = GitServer::new()
        .serve("team/app", &repository)
        .auth("robot", TOKEN);
    let base = server.base();
    let case = Case::named("codex-gitea-read-only").vcs("cloneBaseUrl", &base);
    let env = [("VCS_CLONE_BASE_URL", base.as_str()), ("VCS_TOKEN", TOKEN)];
    let turn = run(case, &env, nats)?;
    turn.assert_as_the_contract_says("/workspace/repo", CAREFUL, None, 0);
    let tree = checked_out(turn.pod.path("workspace/repo"));
    assert_eq!(tree.commit, Some(repository.rev("trunk")));
    Some(turn)
}

#[test]
fn a_read_only_run_works_on_a_clone_of_the_base() {
    read_only(None);
}

fn read_write(nats: Option<&Nats>) -> Option<Turn> {
    let turn = read_write_into(None, nats)?;
    // Its artifacts have keys and there is no store: a success that cannot be delivered is none.
    assert_eq!(turn.pod.ended.outcome(), "ArtifactFailed");
    Some(turn)
}

fn read_write_into(store: Option<&S3Server>, nats: Option<&Nats>) -> Option<Turn> {
    let repository = repository();
    let server = GitServer::new()
        .serve("acme/widgets", &repository)
        .auth("x-access-token", TOKEN);
    let base = server.base();
    let mut case = Case::named("codex-github-read-write")
        .vcs("cloneBaseUrl", &base)
        // This codex no longer knows `off`, which the test below is about.
        .codex("/threadConfig/web_search", "disabled");
    let mut env = vec![
        ("VCS_CLONE_BASE_URL", base.as_str()),
        ("VCS_TOKEN", TOKEN),
        ("GITHUB_TOKEN", TOKEN),
        ("GH_TOKEN", TOKEN),
    ];
    let keys = store.map(|store| expect_stored(&mut case, store));
    let variables = store.map(S3Server::env);
    for (name, value) in variables.iter().flatten() {
        env.push((name, value));
    }
    // A goal that is not achieved starts the next turn, and the run waits for it.
    let script = vec![
        Step::text("Begun."),
        Step::tool("update_goal", json!({"status": "complete"})),
        Step::text(ANSWER),
    ];
    let said = vec!["Begun.", ANSWER];
    let turn = run_with(case, &env, nats, script, said)?;
    let goal = json!({
        "objective": "No leaked buffers", "status": "active", "tokenBudget": 200_000,
    });
    let code = if store.is_some() { 0 } else { 73 };
    turn.assert_as_the_contract_says("/workspace/repo", CAREFUL, Some(goal), code);
    if let (Some(store), Some(keys)) = (store, keys) {
        assert_stored(store, &keys, &turn.pod.ended.status);
    }
    let tree = checked_out(turn.pod.path("workspace/repo"));
    assert_eq!(
        tree.branches.keys().next().map(String::as_str),
        Some("refs/heads/agent/42")
    );
    assert_eq!(tree.commit, Some(repository.rev("main")));
    Some(turn)
}

#[test]
fn a_read_write_run_with_a_goal_works_on_its_branch() {
    read_write(None);
}

#[test]
fn its_keyed_artifacts_are_stored_and_shown_as_the_incumbent_shows_them() {
    let server = S3Server::new();
    let Some(turn) = read_write_into(Some(&server), None) else {
        return;
    };
    let runs = "runs/codex-github-read-write";
    let keys = [format!("{runs}/change.patch"), format!("{runs}/runner.log")];
    assert_eq!(server.keys(""), keys);
    let bytes = |key: &str| server.object(key).expect("it is there").bytes();
    assert_eq!(bytes(&keys[0]), b"+line\n");
    let log = std::fs::read(turn.pod.path("workspace/.agent/runner.log"));
    assert_eq!(bytes(&keys[1]), log.expect("there is a log"));
}

fn deploy_key(nats: Option<&Nats>) -> Option<Turn> {
    let (repository, key) = (repository(), SshKey::new(KeyKind::Ed25519));
    let server = SshServer::new()
        .serve("team/app", &repository)
        .authorize(&key);
    let host = server.address().to_string();
    let url = format!("ssh://{}@{host}", server.user());
    let case = Case::named("codex-ssh")
        .vcs("cloneBaseUrl", &url)
        .vcs("sshHost", &host)
        .vcs("sshUser", server.user())
        .holding("id_ed25519", key.private())
        .holding("known_hosts", server.known_hosts(KnownHosts::Plain));
    let env = [
        ("VCS_CLONE_BASE_URL", url.as_str()),
        ("VCS_SSH_HOST", &host),
        ("VCS_SSH_USER", &server.user()),
    ];
    let turn = run(case, &env, nats)?;
    turn.assert_as_the_contract_says("/workspace/repo", CAREFUL, None, 0);
    let tree = checked_out(turn.pod.path("workspace/repo"));
    assert_eq!(
        tree.branches.keys().next().map(String::as_str),
        Some("refs/heads/agent/changelog")
    );
    Some(turn)
}

#[test]
fn a_deploy_key_and_its_known_hosts_reach_the_repository() {
    deploy_key(None);
}

#[test]
fn a_setting_that_codex_does_not_know_is_told_in_its_own_words() {
    let repository = repository();
    let server = GitServer::new()
        .serve("acme/widgets", &repository)
        .auth("x-access-token", TOKEN);
    let base = server.base();
    let case = Case::named("codex-github-read-write").vcs("cloneBaseUrl", &base);
    let env = [("VCS_CLONE_BASE_URL", base.as_str()), ("VCS_TOKEN", TOKEN)];
    let Some(turn) = run(case, &env, None) else {
        return;
    };
    assert_eq!(turn.methods(), ["initialize", "thread/start"]);
    assert_eq!(turn.params("thread/start")["config"]["web_search"], "off");
    assert_eq!(turn.pod.ended.outcome(), "AgentFailed");
    assert_eq!(turn.pod.ended.reason(), "StartupFailed");
    assert!(turn.pod.ended.error().contains("unknown variant `off`"));
    turn.pod.ended.assert_the_controller_reads_it();
}

#[test]
fn a_server_of_events_changes_nothing_else() {
    let Some(without) = minimal(None) else { return };
    for (at, case) in [minimal, system_prompt, read_only, read_write, deploy_key]
        .iter()
        .enumerate()
    {
        let nats = with_stream();
        let turn = case(Some(&nats)).expect("codex is installed");
        turn.assert_called(&nats);
        if at == 0 {
            assert_eq!(turn.call["args"], without.call["args"]);
            assert_only_events_are_new(&turn.call["env"], &without.call["env"]);
        }
        assert_published(&turn.case, &turn.pod, &nats);
    }
}
