//! Who plays the agent: in the right protocol, and logged in as is promised.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use serde_json::{Value, json};

use crate::bench::{Bench, Ended, world};

#[test]
fn a_rehearsal_speaks_as_the_arguments_of_the_container_say() {
    let bench = Bench::new();
    let mut all = world("true");
    all[0]["spec"]["argsTemplate"] = json!(["--protocol", "claude", "--timeouts-total", "60s"]);
    all[0]["spec"]["adapter"]["runner"] = json!({ "prompt": "Do it." });
    bench.apply(&all);
    let ended = bench.local(["manifests.json", "--agent", "fake"]);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
}

#[test]
fn a_rehearsal_misses_no_credentials() {
    for protocol in ["claude", "codex-exec"] {
        let bench = Bench::new();
        let mut all = world("true");
        all[0]["spec"]["adapter"]["runner"] = json!({ "protocol": protocol, "prompt": "Do it." });
        bench.apply(&all);
        let ended = bench.local(["manifests.json", "--agent", "fake"]);
        assert_eq!(ended.code, 0, "{}", ended.stderr);
        assert!(!ended.stderr.contains("credentials"), "{}", ended.stderr);
    }
}

/// Says where its home is, and what claude would.
const CLAUDE: &str = r#"#!/bin/sh
read -r asked
echo "home=$HOME config=$CLAUDE_CONFIG_DIR" > "$(dirname "$0")/said"
echo '{"type":"system","subtype":"init","session_id":"s"}'
echo '{"type":"result","subtype":"success","is_error":false,"num_turns":1,"session_id":"s","result":"done","usage":{"input_tokens":12,"output_tokens":3}}'
cat > /dev/null
"#;

/// Runs with a `claude` of this machine that is logged in, and returns what it says of its home.
fn at_home(change: impl FnOnce(&mut Vec<Value>), env: &[(&str, &str)]) -> (Bench, Ended, String) {
    let bench = Bench::new();
    let mut all = world("true");
    all[0]["spec"]["adapter"]["runner"] = json!({ "protocol": "claude", "prompt": "Do it." });
    change(&mut all);
    bench.apply(&all);
    let programs = bench.path("programs");
    let login = bench.path("home/.claude");
    for directory in [&programs, &login] {
        fs::create_dir(directory).expect("it can be made");
    }
    fs::write(login.join(".credentials.json"), "{}").expect("it can be written");
    let claude = programs.join("claude");
    fs::write(&claude, CLAUDE).expect("it can be written");
    fs::set_permissions(&claude, fs::Permissions::from_mode(0o755)).expect("it is ours");
    let path = format!("{}:{}", programs.display(), Bench::PATH);
    let env: Vec<_> = env
        .iter()
        .copied()
        .chain([("PATH", path.as_str())])
        .collect();
    let words = ["manifests.json", "--agent", "claude", "--workspace", "here"];
    let ended = bench.local_with(words, &env, "");
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let said = fs::read_to_string(programs.join("said")).expect("it was started");
    (bench, ended, said)
}

fn root(bench: &Bench) -> PathBuf {
    bench.path("here").canonicalize().expect("it is there")
}

#[test]
fn claude_is_logged_in_as_on_this_machine_wherever_the_home_of_the_pod_is() {
    for place in ["/spec/envTemplate", "/spec/adapter/exec/envTemplate"] {
        let home = |all: &mut Vec<Value>| {
            let (above, name) = place.rsplit_once('/').expect("it has one");
            let above = all[0].pointer_mut(above).expect("it is there");
            above[name] = json!({ "HOME": "/home/agent" });
        };
        let (bench, ended, said) = at_home(home, &[]);
        let expected = format!("home={} config=\n", bench.path("home").display());
        assert_eq!(said, expected, "{place}");
        assert!(!ended.stderr.contains("credentials"), "{}", ended.stderr);
    }
}

#[test]
fn claude_has_the_login_that_the_run_brings() {
    let home = |all: &mut Vec<Value>| {
        all[0]["spec"]["envTemplate"] = json!({ "HOME": "/home/agent" });
        all[0]["spec"]["secretEnv"] =
            json!([{ "name": "ANTHROPIC_API_KEY", "secretName": "a", "key": "x" }]);
        all.push(json!({
            "apiVersion": "v1", "kind": "Secret", "metadata": { "name": "a" },
            "stringData": { "x": "sk-of-the-run-itself" },
        }));
    };
    let ours = [("CLAUDE_CONFIG_DIR", "/nowhere/config")];
    let (bench, _, said) = at_home(home, &ours);
    let expected = format!("home={}/home/agent config=\n", root(&bench).display());
    assert_eq!(said, expected);

    let home = |all: &mut Vec<Value>| {
        all[0]["spec"]["envTemplate"] = json!({ "CLAUDE_CONFIG_DIR": "/home/agent/.c" });
    };
    let (bench, _, said) = at_home(home, &ours);
    let config = format!("config={}/home/agent/.c\n", root(&bench).display());
    assert!(said.ends_with(&config), "{said}");
}

#[test]
fn claude_has_the_login_that_is_mounted() {
    let home = |all: &mut Vec<Value>| {
        all[0]["spec"]["envTemplate"] = json!({ "HOME": "/home/agent" });
        all[2]["spec"]["workload"] = json!({ "volumes": [{ "name": "l", "type": "secret", "secretName": "login", "mountPath": "/home/agent/.claude" }] });
        all.push(json!({
            "apiVersion": "v1", "kind": "Secret", "metadata": { "name": "login" },
            "stringData": { ".credentials.json": "{}" },
        }));
    };
    let (bench, _, said) = at_home(home, &[]);
    let expected = format!("home={}/home/agent config=\n", root(&bench).display());
    assert_eq!(said, expected);
}

#[test]
fn what_opens_the_repository_is_not_made_up_because_it_is_cloned() {
    let bench = Bench::new();
    let mut all = world("true");
    all[0]["spec"]["envTemplate"] = json!({ "AGENT_RUNNER_WORKSPACE_GIT_REF": "main" });
    all[0]["spec"]["secretEnv"] = json!([{ "name": "KEY", "secretName": "own", "key": "k" }]);
    all[2]["spec"]["vcsRef"] = json!({ "name": "hub" });
    all[2]["spec"]["secrets"] = json!(["hub"]);
    all[2]["spec"]["parameters"] = json!({ "repository": "acme/portal", "base": "main" });
    all.push(json!({
        "apiVersion": "agents.proompteng.ai/v1alpha1",
        "kind": "VersionControlProvider",
        "metadata": { "name": "hub" },
        "spec": {
            "provider": "github",
            "cloneBaseUrl": "https://git.invalid",
            "auth": { "token": { "secretRef": { "name": "hub", "key": "token" }, "type": "fine_grained" } },
        },
    }));
    bench.apply(&all);
    let token = "the key `token` of the Secret `hub`";
    let ended = bench.local(["manifests.json", "--agent", "fake"]);
    assert_eq!(ended.code, 66, "{}", ended.stderr);
    assert!(ended.stderr.contains(token), "{}", ended.stderr);
    assert!(!ended.stderr.contains("`own`"), "{}", ended.stderr);
    let ended = bench.local(["manifests.json", "--print", "plan"]);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    for part in [
        token,
        "it is made up",
        "the Secret `hub`, which becomes variables",
        "it is left empty",
    ] {
        assert!(ended.stderr.contains(part), "{part}: {}", ended.stderr);
    }
}
