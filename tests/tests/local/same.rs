//! A local run is what the pod would have been: the same call, the same files, the same ending.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use agent_tests::conformance::{Agent, Case, string};
use agent_tests::{KeyKind, KnownHosts, Repository, SshKey, SshServer, binary};
use serde_json::{Value, json};

use crate::bench::Bench;

/// Keeps how it was called, what files there are and what comes on stdin; then it is the scripted app
/// server, or says a word.
const AGENT: &str = r#"#!/bin/sh
set -eu
work=${AGENT_RUN_SPEC%/run.json}
tools=$(dirname "$0")
"$tools/show-call" "$@" > "$work/.call"
(
    cd "$work"
    find . -type f ! -name runner.log ! -name 'events*' ! -name 'status*' ! -name .call ! -name .files ! -path '*/.git/*' |
        LC_ALL=C sort | while read -r file; do
            echo "== $file"
            cat "$file"
        done
) > "$work/.files"
mkdir -p "$work/out/audit"
echo done > "$work/out/audit/report.md"
echo done > "$work/out/change.patch"
case " $* " in
*' app-server '*) tee "$work/.stdin" | "$tools/agents-fake-codex-app-server" "$@" ;;
*) cat > "$work/.stdin"; echo "I am in $(pwd)" ;;
esac
"#;

/// What a run left that must be the same.
#[derive(Debug)]
struct Left {
    code: i32,
    call: Value,
    files: String,
    stdin: String,
    stdout: String,
    status: Value,
}

impl Left {
    /// Reads what is left in a workspace, with the paths of a pod: `root` stands for its root.
    fn read(workspace: &Path, root: &str, code: i32, stdout: &str, status: &Value) -> Self {
        let as_in_pod = |text: &str| text.replace(root, "");
        let text = |name: &str| {
            let text = fs::read_to_string(workspace.join(name));
            as_in_pod(&text.unwrap_or_else(|_| panic!("the agent left `{name}`: {status}")))
        };
        let json = |text: &str| -> Value { serde_json::from_str(text).expect("it is JSON") };
        let status: Value = json(&as_in_pod(&status.to_string()));
        let told = [
            "schemaVersion",
            "provider",
            "adapter",
            "binary",
            "args",
            "status",
            "outcome",
            "reason",
            "error",
            "exitCode",
            "warnings",
            "threadId",
            "turnStatus",
            "git",
            "model",
            "cwd",
        ];
        let mut kept: serde_json::Map<_, _> = told
            .iter()
            .map(|key| ((*key).to_owned(), status[key].clone()))
            .collect();
        kept.insert(
            "artifacts".to_owned(),
            status["artifacts"]["outputArtifacts"].clone(),
        );
        let mut call = json(&text(".call"));
        // Nobody can foresee the names of private directories.
        let private = &mut call["env"]["AGENT_RUNNER_CONTEXT_FILE"];
        assert!(
            string(private).starts_with("/tmp/agent-runner-"),
            "{private}"
        );
        *private = "context.ndjson".into();
        let ssh = &mut call["env"]["GIT_SSH_COMMAND"];
        if let Some((before, key)) = ssh
            .as_str()
            .and_then(|it| it.split_once("/tmp/agent-runner-"))
        {
            let (_, key) = key.split_once('/').expect("the key is in it");
            *ssh = format!("{before}/private/{key}").into();
        }
        Self {
            code,
            call,
            files: text(".files"),
            stdin: text(".stdin"),
            stdout: as_in_pod(stdout),
            status: kept.into(),
        }
    }
}

/// The manifests of a case with an agent that both have.
fn manifests(case: &Path, agent: &Path) -> Vec<Value> {
    let text = fs::read(case.join("manifests.json")).expect("every case has them");
    let all: Value = serde_json::from_slice(&text).expect("they are JSON");
    let mut all = all.as_array().expect("they are a list").clone();
    let provider = all.iter_mut().find(|it| it["kind"] == "AgentProvider");
    let spec = &mut provider.expect("every case has one")["spec"];
    let agent = json!(agent);
    match spec["adapter"]["type"].as_str() {
        Some("codex-app-server") => spec["adapter"]["codex"]["binaryPath"] = agent,
        Some("exec") => spec["adapter"]["exec"]["binary"] = agent,
        _ => spec["binary"] = agent,
    }
    all
}

/// The tools of the agent, where pod and machine find them.
fn tools(bench: &Bench) -> PathBuf {
    let tools = bench.path("tools");
    fs::create_dir(&tools).expect("it can be made");
    let agent = tools.join("agent");
    fs::write(&agent, AGENT).expect("it can be written");
    fs::set_permissions(&agent, fs::Permissions::from_mode(0o755)).expect("it is ours");
    fs::copy(binary("show-call"), tools.join("show-call")).expect("it can be copied");
    let server = tools.join("agents-fake-codex-app-server");
    symlink(binary("agent-runner"), server).expect("it can be made");
    agent
}

/// Prints the objects of a case into a folder as the controller writes them, and runs them as a pod.
fn in_pod(bench: &Bench, case: &Path, agent: &Path, given: &Given<'_>) -> Left {
    let folder = bench.path("printed");
    fs::create_dir(&folder).expect("it can be made");
    let print = |what: &str| -> Vec<Value> {
        let ended = bench.local(["manifests.json", "--print", what, "-o", "json"]);
        assert_eq!(ended.code, 0, "{}", ended.stderr);
        let value: Value = serde_json::from_str(&ended.stdout).expect("it is JSON");
        match value["items"].as_array() {
            Some(items) => items.clone(),
            None => vec![value],
        }
    };
    let write = |name: &str, value: &Value| {
        fs::write(folder.join(name), value.to_string()).expect("it can be written");
    };
    let names = ["configmap.json", "inputs-configmap.json"];
    for (map, name) in print("configmap").iter().zip(names) {
        write(name, map);
    }
    let mut job = print("job").remove(0);
    // No controller says a working directory: this one is the image's.
    job["spec"]["template"]["spec"]["containers"][0]["workingDir"] = "/workspace".into();
    write("job.json", &job);
    write("expected.json", &json!({ "binary": agent }));
    let prompt = "system-prompt-configmap.json";
    if case.join(prompt).exists() {
        fs::copy(case.join(prompt), folder.join(prompt)).expect("it can be copied");
    }

    let mut case = Case::in_folder(folder);
    for (key, content) in given.files {
        case = case.holding(key, *content);
    }
    let home = bench.path("home").display().to_string();
    let mut env = case.env();
    env.extend(given.variables);
    env.extend([
        ("PATH", Bench::PATH),
        ("HOME", &home),
        ("TMPDIR", "/tmp"),
        ("AGENTS_ARTIFACTS_ENDPOINT", "file:///artifacts"),
    ]);
    let pod = case.run_with(Agent::Real, env, "mkdir \"$root/artifacts\"\n");
    let stdout = String::from_utf8_lossy(&pod.ended.stdout).into_owned();
    let status = &pod.ended.status;
    assert!(status.is_object(), "{}", pod.ended.stderr);
    Left::read(
        &pod.path("workspace"),
        "/no/root",
        pod.ended.code,
        &stdout,
        status,
    )
}

fn here(bench: &Bench) -> Left {
    let ended = bench.local(["manifests.json", "--workspace", "here"]);
    let root = bench.path("here").canonicalize().expect("it is there");
    let status = fs::read(root.join("workspace/.agent/status.json")).expect("there is one");
    let status = serde_json::from_slice(&status).expect("it is JSON");
    let text = root.display().to_string();
    Left::read(
        &root.join("workspace"),
        &text,
        ended.code,
        &ended.stdout,
        &status,
    )
}

/// What the pod gets from Secrets, and from `ConfigMap`s that are none of the run's.
#[derive(Debug, Default, Clone, Copy)]
struct Given<'g> {
    variables: &'g [(&'g str, &'g str)],
    /// By their keys.
    files: &'g [(&'g str, &'g str)],
}

/// Runs a case both ways.
#[track_caller]
fn assert_same(name: &str) {
    drop(assert_same_with(name, &|_| {}, &Given::default()));
}

/// Runs a case both ways, with changed manifests; returns what both left.
#[track_caller]
fn assert_same_with(name: &str, change: &dyn Fn(&mut Value), given: &Given<'_>) -> Left {
    let bench = Bench::new();
    let case = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("testdata/conformance")
        .join(name);
    let agent = tools(&bench);
    let mut all = manifests(&case, &agent);
    all.iter_mut().for_each(change);
    bench.apply(&all);
    let (pod, here) = (in_pod(&bench, &case, &agent, given), here(&bench));
    assert!(here.files.contains("== ./run.json"), "{}", here.files);
    assert_eq!(here.call["args"], pod.call["args"], "{name}");
    assert_eq!(here.call["env"], pod.call["env"], "{name}");
    assert_eq!(here.files, pod.files, "{name}");
    assert_eq!(here.stdin, pod.stdin, "{name}");
    assert_eq!(here.stdout, pod.stdout, "{name}");
    assert_eq!(here.status, pod.status, "{name}");
    assert_eq!(here.code, pod.code, "{name}");
    assert_eq!(
        string(&here.status["status"]),
        "succeeded",
        "{}",
        here.status
    );
    here
}

#[test]
fn an_exec_run_is_the_same_here_and_in_a_pod() {
    for name in ["exec-claude", "exec-inferred", "exec-unicode-quotes"] {
        assert_same(name);
    }
}

#[test]
fn a_run_of_codex_is_the_same_here_and_in_a_pod() {
    for name in ["codex-app-server-minimal", "codex-system-prompt"] {
        assert_same(name);
    }
}

/// A place with a repository of this name, and its URL.
fn place_of(name: &str, branch: &str) -> (tempfile::TempDir, Repository, String) {
    let place = tempfile::tempdir().expect("it can be made");
    let repository = Repository::new().commit(branch, [("a.txt", "one\n")]);
    let link = place.path().join(format!("{name}.git"));
    fs::create_dir_all(link.parent().expect("it has one")).expect("it can be made");
    symlink(repository.dir(), link).expect("it can be made");
    let base = format!("file://{}", place.path().display());
    (place, repository, base)
}

const LOCAL_REMOTES: &str = "AGENT_RUNNER_WORKSPACE_LOCAL_REMOTES";

#[test]
fn a_run_with_a_repository_is_the_same_here_and_in_a_pod() {
    let (_place, _repository, base) = place_of("team/app", "trunk");
    let change = |manifest: &mut Value| match manifest["kind"].as_str() {
        Some("VersionControlProvider") => manifest["spec"]["cloneBaseUrl"] = base.as_str().into(),
        Some("AgentProvider") => {
            manifest["spec"]["envTemplate"] = json!({ LOCAL_REMOTES: "true" });
        }
        _ => {}
    };
    let given = Given {
        variables: &[("VCS_TOKEN", "secret-token-value")],
        files: &[],
    };
    let left = assert_same_with("codex-gitea-read-only", &change, &given);
    assert!(
        left.files.contains("== ./repo/a.txt\none\n"),
        "{}",
        left.files
    );
}

#[test]
fn a_run_that_writes_is_the_same_here_and_in_a_pod() {
    let (_place, _repository, base) = place_of("acme/widgets", "main");
    let change = |manifest: &mut Value| match manifest["kind"].as_str() {
        Some("VersionControlProvider") => manifest["spec"]["cloneBaseUrl"] = base.as_str().into(),
        Some("AgentProvider") => {
            let variables = &mut manifest["spec"]["envTemplate"];
            variables[LOCAL_REMOTES] = "true".into();
            // Nobody listens there, and a run waits for it at its end.
            let variables = variables.as_object_mut().expect("it has some");
            variables.remove("NATS_URL");
        }
        _ => {}
    };
    let given = Given {
        variables: &["VCS_TOKEN", "GITHUB_TOKEN", "GH_TOKEN"]
            .map(|name| (name, "secret-token-value")),
        files: &[],
    };
    let left = assert_same_with("codex-github-read-write", &change, &given);
    assert_eq!(left.status["git"]["branch"], "agent/42", "{}", left.status);
}

#[test]
fn a_run_with_a_deploy_key_is_the_same_here_and_in_a_pod() {
    let repository = Repository::new().commit("main", [("a.txt", "one\n")]);
    let key = SshKey::new(KeyKind::Ed25519);
    let server = SshServer::new()
        .serve("team/app", &repository)
        .authorize(&key);
    let (private, hosts) = (key.private(), server.known_hosts(KnownHosts::Plain));
    let change = |manifest: &mut Value| match manifest["kind"].as_str() {
        Some("VersionControlProvider") => {
            let spec = &mut manifest["spec"];
            spec["sshHost"] = server.address().to_string().into();
            spec["sshUser"] = server.user().into();
            spec["cloneBaseUrl"] = format!("ssh://{}@{}", server.user(), server.address()).into();
        }
        Some("Secret") => {
            manifest["data"] = json!({});
            manifest["stringData"] = json!({ "id_ed25519": private });
        }
        Some("ConfigMap") => manifest["data"]["known_hosts"] = hosts.as_str().into(),
        _ => {}
    };
    let given = Given {
        variables: &[],
        files: &[("id_ed25519", &private), ("known_hosts", &hosts)],
    };
    let left = assert_same_with("codex-ssh", &change, &given);
    let branch = "agent/changelog";
    assert_eq!(left.status["git"]["branch"], branch, "{}", left.status);
}
