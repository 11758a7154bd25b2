//! `local`: a run as in a pod, on this machine.

use std::fs;
use std::path::PathBuf;

use agent_tests::Repository;
use serde_json::{Value, json};

use crate::bench::{Bench, world};

const SECRET: &str = "correct-horse-battery";

fn secret(name: &str, values: &Value) -> Value {
    json!({ "apiVersion": "v1", "kind": "Secret", "metadata": { "name": name }, "stringData": values })
}

/// The status in a workspace.
fn status(bench: &Bench) -> Value {
    let text =
        fs::read(bench.path("here/workspace/.agent/status.json")).expect("there is a status");
    serde_json::from_slice(&text).expect("it is JSON")
}

#[test]
fn a_run_ends_as_its_agent_does() {
    let bench = Bench::new();
    bench.apply(&world("echo hello; exit 7"));
    let ended = bench.local(["manifests.json"]);
    assert_eq!(ended.code, 7, "{}", ended.stderr);
    assert!(ended.stdout.contains("hello"), "{}", ended.stdout);
    for part in ["outcome    AgentFailed", "exit code  7", "duration"] {
        assert!(ended.stderr.contains(part), "{part}: {}", ended.stderr);
    }
    assert_eq!(bench.left(), Vec::<std::path::PathBuf>::new());
}

#[test]
fn the_paths_of_the_pod_are_below_the_workspace() {
    let bench = Bench::new();
    let mut all = world(
        "cat /workspace/in.txt; pwd; echo \"$AGENT_RUN_SPEC $HOME $PLACE\"; echo x > /workspace/out.txt",
    );
    all[0]["spec"]["inputFiles"] =
        json!([{ "path": "/workspace/in.txt", "content": "see /workspace/in.txt" }]);
    all[0]["spec"]["envTemplate"] = json!({ "HOME": "/home/agent", "PLACE": "/srv/workspace" });
    bench.apply(&all);
    let ended = bench.local(["manifests.json", "--workspace", "here"]);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let root = bench.path("here").canonicalize().expect("it is there");
    let root = root.display();
    let expected = format!(
        "see {root}/workspace/in.txt{root}/workspace\n{root}/workspace/run.json {root}/home/agent /srv/workspace\n"
    );
    assert_eq!(ended.stdout, expected);
    assert!(bench.path("here/workspace/out.txt").exists());
    assert_eq!(status(&bench)["outcome"], "Completed");
}

#[test]
fn a_directory_of_its_own_stays_only_if_it_is_kept() {
    let bench = Bench::new();
    bench.apply(&world("true"));
    let ended = bench.local(["manifests.json", "--keep"]);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let left = bench.left();
    assert_eq!(left.len(), 1, "{left:?}");
    assert!(
        ended.stderr.contains(&left[0].display().to_string()),
        "{}",
        ended.stderr
    );
}

#[test]
fn secrets_come_from_manifests_files_and_variables_and_are_not_printed() {
    let bench = Bench::new();
    let mut all = world(
        "for name in A_TOKEN B_TOKEN C_TOKEN D_TOKEN; do eval \"v=\\$$name\"; echo \"$name ${#v} $v\"; done",
    );
    let from =
        |name: &str, secret: &str| json!({ "name": name, "secretName": secret, "key": "token" });
    all[0]["spec"]["secretEnv"] = json!([
        from("A_TOKEN", "a"),
        from("B_TOKEN", "b"),
        from("C_TOKEN", "c-d"),
        from("D_TOKEN", "e")
    ]);
    all.push(secret("a", &json!({ "token": SECRET })));
    bench.apply(&all);
    fs::write(bench.path("token"), SECRET).expect("it can be written");
    let words = [
        "manifests.json",
        "--workspace",
        "here",
        "--secret",
        "b/token=@token",
        "--secret",
        "e/token=ENV:MINE",
    ];
    let ended = bench.local_with(words, &[("SECRET_C_D_TOKEN", SECRET), ("MINE", SECRET)], "");
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    for name in ["A", "B", "C", "D"] {
        let expected = format!("{name}_TOKEN {} [REDACTED:", SECRET.len());
        assert!(
            ended.stdout.contains(&expected),
            "{expected}: {}",
            ended.stdout
        );
    }
    assert!(!ended.stdout.contains(SECRET) && !ended.stderr.contains(SECRET));
    assert_eq!(bench.holding("here", SECRET), Vec::<PathBuf>::new());
    let plan = bench.local_with(["manifests.json", "--print", "plan"], &[], "");
    assert_eq!(plan.code, 0, "{}", plan.stderr);
    assert!(!plan.stdout.contains(SECRET) && !plan.stderr.contains(SECRET));
}

#[test]
fn a_rehearsal_keeps_no_secret() {
    let bench = Bench::new();
    let mut all = world("true");
    all[0]["spec"]["secretEnv"] = json!([{ "name": "KEY", "secretName": "a", "key": "x" }]);
    all.push(secret("a", &json!({ "x": SECRET })));
    bench.apply(&all);
    // More often than an agent's calls are recorded where they are.
    for _ in 0..11 {
        let ended = bench.local(["manifests.json", "--agent", "fake", "--workspace", "here"]);
        assert_eq!(ended.code, 0, "{}", ended.stderr);
    }
    assert_eq!(bench.holding("here", SECRET), Vec::<PathBuf>::new());
}

#[test]
fn a_secret_that_nobody_needs_is_said() {
    let bench = Bench::new();
    let mut all = world("true");
    all[0]["spec"]["secretEnv"] = json!([{ "name": "KEY", "secretName": "a", "key": "x" }]);
    bench.apply(&all);
    fs::write(bench.path("token"), SECRET).expect("it can be written");
    let given = ["a/x=@token", "aa/x=@token"];
    let words = ["manifests.json", "--secret", given[0], "--secret", given[1]];
    let ended = bench.local(words);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let said = "warning: `--secret aa/x`: the run needs `a/x`\n";
    assert!(ended.stderr.contains(said), "{}", ended.stderr);
    assert!(!ended.stderr.contains("`--secret a/x`"), "{}", ended.stderr);
}

#[test]
fn an_agent_that_is_not_on_this_machine_is_said_with_those_that_may_be() {
    let bench = Bench::new();
    let mut all = world("true");
    all[0]["spec"]["adapter"]["exec"]["binary"] = "/nowhere/agent".into();
    bench.apply(&all);
    let ended = bench.local(["manifests.json"]);
    assert_eq!(ended.code, 66, "{}", ended.stderr);
    let hint = "hint       `--agent fake`";
    assert!(ended.stderr.contains(hint), "{}", ended.stderr);
}

#[test]
fn a_secret_as_file_is_there_for_the_run_only() {
    let bench = Bench::new();
    let mut all = world("cat /mnt/keys/key; stat -c %a /mnt/keys/key");
    all[2]["spec"]["workload"] = json!({ "volumes": [{ "name": "keys", "type": "secret", "secretName": "keys", "mountPath": "/mnt/keys" }] });
    all.push(secret("keys", &json!({ "key": SECRET })));
    bench.apply(&all);
    let ended = bench.local(["manifests.json", "--workspace", "here"]);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert!(
        ended.stdout.contains("[REDACTED:") && ended.stdout.contains("600"),
        "{}",
        ended.stdout
    );
    assert!(!ended.stdout.contains(SECRET));
    assert!(!bench.path("here/mnt/keys/key").exists());
}

#[test]
fn a_variable_is_of_the_secret_that_is_named_in_full() {
    let bench = Bench::new();
    let mut all = world("ls /mnt/keys; cat /mnt/keys/CRT | wc -c");
    all[0]["spec"]["secretEnv"] =
        json!([{ "name": "DB_PASSWORD", "secretName": "tls-x", "key": "key" }]);
    all[2]["spec"]["workload"] = json!({ "volumes": [{ "name": "keys", "type": "secret", "secretName": "tls", "mountPath": "/mnt/keys" }] });
    bench.apply(&all);
    let (other, own) = (("SECRET_TLS_X_KEY", SECRET), ("SECRET_TLS_CRT", "hunter22"));
    let ended = bench.local_with(["manifests.json"], &[other, own], "");
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert_eq!(ended.stdout, "CRT\n8\n");
    let ended = bench.local_with(["manifests.json"], &[other], "");
    assert_eq!(ended.code, 66, "{}", ended.stderr);
    let missing = "the Secret `tls`, which becomes files in `/mnt/keys`, is not there";
    assert!(ended.stderr.contains(missing), "{}", ended.stderr);
}

#[test]
fn a_program_that_is_not_the_runner_is_said() {
    for (binary, is_said) in [
        ("/opt/not-agent-runner", true),
        ("/opt/agent-runner", false),
        ("agent-runner", false),
    ] {
        let bench = Bench::new();
        let mut all = world("true");
        all[0]["spec"]["binary"] = binary.into();
        bench.apply(&all);
        let ended = bench.local(["manifests.json"]);
        assert_eq!(ended.code, 0, "{}", ended.stderr);
        let said = ended.stderr.contains("a controller starts `");
        assert_eq!(said, is_said, "{binary}: {}", ended.stderr);
    }
}

#[test]
fn every_missing_secret_is_named_with_the_ways_to_give_it() {
    let bench = Bench::new();
    let mut all = world("true");
    all[0]["spec"]["secretEnv"] = json!([
        { "name": "A", "secretName": "a.b", "key": "x" },
        { "name": "B", "secretName": "c", "key": "y" },
        { "name": "C", "secretName": "d", "key": "z", "optional": true },
    ]);
    bench.apply(&all);
    let ended = bench.local(["manifests.json"]);
    assert_eq!(ended.code, 66, "{}", ended.stderr);
    let errors = ended
        .stderr
        .lines()
        .filter(|line| line.starts_with("error: "));
    assert_eq!(errors.count(), 2, "{}", ended.stderr);
    for part in [
        "--secret a.b/x=@FILE",
        "SECRET_A_B_X",
        "--secret c/y=ENV:VARIABLE",
    ] {
        assert!(ended.stderr.contains(part), "{part}: {}", ended.stderr);
    }
    assert_eq!(bench.left(), Vec::<std::path::PathBuf>::new());
}

#[test]
fn a_secret_on_the_command_line_is_refused_and_not_repeated() {
    let bench = Bench::new();
    bench.apply(&world("true"));
    let ended = bench.local(["manifests.json", "--secret", &format!("a/b={SECRET}")]);
    assert_eq!(ended.code, 64, "{}", ended.stderr);
    assert!(!ended.stderr.contains(SECRET), "{}", ended.stderr);
}

#[test]
fn mounts_cannot_leave_the_workspace() {
    for path in ["/../../escaped", "/", "relative"] {
        let bench = Bench::new();
        let mut all = world("true");
        all[2]["spec"]["workload"] =
            json!({ "volumes": [{ "name": "v", "type": "emptyDir", "mountPath": path }] });
        bench.apply(&all);
        let ended = bench.local(["manifests.json", "--workspace", "a/b/here"]);
        assert_eq!(ended.code, 65, "{path}: {}", ended.stderr);
        assert!(!bench.path("a/escaped").exists());
    }
    let bench = Bench::new();
    let mut all = world("true");
    all[2]["spec"]["workload"] = json!({ "volumes": [{ "name": "v", "type": "secret", "secretName": "s", "mountPath": "/mnt" }] });
    all.push(secret("s", &json!({ "../../escaped": "x" })));
    bench.apply(&all);
    let ended = bench.local(["manifests.json", "--workspace", "a/b/here"]);
    assert_eq!(ended.code, 65, "{}", ended.stderr);
    assert!(!bench.path("a/b/escaped").exists() && !bench.path("a/escaped").exists());
}

#[test]
fn what_is_wrong_with_a_pod_is_said_with_its_place_and_what_to_do() {
    let volume = |path: &str| json!({ "volumes": [{ "name": "v", "type": "secret", "secretName": "s", "mountPath": path }] });
    let missing = json!([{ "name": "KEY", "secretName": "absent", "key": "x" }]);
    for (path, secrets, code, parts) in [
        (
            "/../escaped",
            json!([]),
            65,
            ["`spec.workload.volumes[0]` of AgentRun `run`", "such as `/"],
        ),
        (
            "/mnt",
            json!([]),
            65,
            [
                "`spec.workload.volumes[0]` of AgentRun `run`",
                "another key",
            ],
        ),
        (
            "/mnt",
            missing,
            66,
            ["`spec.secretEnv[0]` of AgentProvider `shell`", "--secret"],
        ),
    ] {
        let bench = Bench::new();
        let mut all = world("true");
        all[0]["spec"]["secretEnv"] = secrets;
        all[2]["spec"]["workload"] = volume(path);
        all.push(secret("s", &json!({ "a/b": "x" })));
        bench.apply(&all);
        let ended = bench.local(["manifests.json"]);
        assert_eq!(ended.code, code, "{path}: {}", ended.stderr);
        for part in parts.iter().chain(&["`manifests.json` line"]) {
            assert!(ended.stderr.contains(part), "{part}: {}", ended.stderr);
        }
    }
}

#[test]
fn a_rehearsal_needs_neither_agent_nor_secrets_and_leaves_what_is_declared() {
    let report =
        json!([{ "name": "report", "path": "/workspace/out/report.md", "key": "report.md" }]);
    for (adapter, kind) in [
        (
            json!({ "type": "exec", "exec": { "binary": "/nowhere/claude", "argsTemplate": ["-p"], "outputArtifacts": report } , "runner": { "protocol": "claude", "prompt": "Do it." } }),
            "exec",
        ),
        (
            json!({ "type": "claude", "claude": { "prompt": "Do it." } }),
            "claude",
        ),
        (
            json!({ "type": "codex-app-server", "codex": {} }),
            "codex-app-server",
        ),
    ] {
        let bench = Bench::new();
        let mut all = world("true");
        all[0]["spec"]["adapter"] = adapter;
        all[0]["spec"]["outputArtifacts"] = report.clone();
        all[0]["spec"]["secretEnv"] = json!([{ "name": "KEY", "secretName": "a", "key": "x" }]);
        bench.apply(&all);
        let ended = bench.local(["manifests.json", "--agent", "fake", "--workspace", "here"]);
        assert_eq!(ended.code, 0, "{kind}: {}", ended.stderr);
        assert_eq!(status(&bench)["adapter"], kind);
        assert!(
            bench.path("here/workspace/out/report.md").exists(),
            "{kind}"
        );
        assert!(bench.path("here/artifacts/report.md").exists(), "{kind}");
        assert_eq!(
            fs::read_dir(bench.path("home"))
                .expect("it is there")
                .count(),
            0
        );
    }
}

#[test]
fn artifacts_are_stored_in_a_directory_of_the_workspace() {
    let bench = Bench::new();
    let mut all = world("mkdir -p out; echo made > out/report.md");
    all[0]["spec"]["adapter"]["exec"]["outputArtifacts"] =
        json!([{ "name": "report", "path": "/workspace/out/report.md", "key": "runs/report.md" }]);
    bench.apply(&all);
    let ended = bench.local(["manifests.json", "--workspace", "here"]);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let stored = bench.path("here/artifacts/runs/report.md");
    assert_eq!(fs::read_to_string(&stored).expect("it is stored"), "made\n");
    let stored = stored.canonicalize().expect("it is there");
    assert!(
        ended
            .stderr
            .contains(&format!("report: {}", stored.display())),
        "{}",
        ended.stderr
    );
}

#[test]
fn a_local_repository_is_cloned_and_what_changed_is_told() {
    let bench = Bench::new();
    let repository = Repository::new().commit("main", [("a.txt", "one\n")]);
    let mut all = world("echo two > a.txt; echo new > b.txt");
    all[0]["spec"]["adapter"]["runner"] =
        json!({ "workspace": { "git": { "url": repository.url() } } });
    bench.apply(&all);
    let ended = bench.local(["manifests.json"]);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    for part in ["changed    2 files", "M a.txt", "A b.txt"] {
        assert!(ended.stderr.contains(part), "{part}: {}", ended.stderr);
    }
}
