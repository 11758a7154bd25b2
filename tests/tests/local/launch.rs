//! How the pod starts the runner: its arguments, its variables, and where its status goes.

use std::fs;

use serde_json::{Value, json};

use crate::bench::{Bench, world};

fn with_arguments(arguments: &Value) -> Bench {
    let bench = Bench::new();
    let mut all = world("true");
    all[0]["spec"]["argsTemplate"] = arguments.clone();
    bench.apply(&all);
    bench
}

#[test]
fn arguments_that_start_no_run_start_none_here() {
    for (arguments, why) in [
        (
            json!(["--timeout-total=5m"]),
            "unexpected argument '--timeout-total'",
        ),
        (
            json!(["--timeouts-total=5m", "--timeouts-total=6m"]),
            "cannot be used multiple times",
        ),
        (json!(["--dry-run"]), "they ask for something else"),
        (json!(["validate", "x"]), "they ask for something else"),
        (json!(["--help"]), "they ask for help"),
    ] {
        let bench = with_arguments(&arguments);
        for words in [
            &["manifests.json"][..],
            &["manifests.json", "--print", "plan"],
        ] {
            let ended = bench.local(words.iter().copied());
            assert_eq!(ended.code, 64, "{arguments}: {}", ended.stderr);
            assert!(ended.stderr.contains(why), "{why}: {}", ended.stderr);
        }
        assert_eq!(bench.left(), Vec::<std::path::PathBuf>::new());
    }
}

#[test]
fn the_status_goes_where_the_pod_would_put_it() {
    let read = |bench: &Bench, name: &str| {
        let text = fs::read(bench.path("here").join(name)).expect("there is a status");
        serde_json::from_slice::<Value>(&text).expect("it is JSON")
    };
    let by_argument = with_arguments(&json!(["--status-path=/workspace/a/s.json"]));
    let by_variable = |path: &str| {
        let bench = Bench::new();
        let mut all = world("true");
        all[0]["spec"]["envTemplate"] = json!({ "AGENT_RUNNER_STATUS_PATH": path });
        bench.apply(&all);
        bench
    };
    for (bench, place) in [
        (by_argument, "workspace/a/s.json"),
        (by_variable("/workspace/b/s.json"), "workspace/b/s.json"),
        // Nothing is written outside, wherever a pod has it.
        (by_variable("/dev/termination-log"), "dev/termination-log"),
        (by_variable("/workspace/../../../c/s.json"), "c/s.json"),
    ] {
        let ended = bench.local(["manifests.json", "--print", "plan", "-o", "json"]);
        let plan: Value = serde_json::from_str(&ended.stdout).expect("it is JSON");
        assert_eq!(plan["statusPath"], format!("/{place}"));
        let ended = bench.local(["manifests.json", "--workspace", "here"]);
        assert_eq!(ended.code, 0, "{}", ended.stderr);
        assert_eq!(read(&bench, place)["outcome"], "Completed");
    }
}

#[test]
fn a_variable_that_no_process_can_have_is_named() {
    let bench = Bench::new();
    let mut all = world("true");
    all[0]["spec"]["secretEnv"] = json!([{ "name": "KEY", "secretName": "own", "key": "k" }]);
    all.push(json!({ "apiVersion": "v1", "kind": "Secret", "metadata": { "name": "own" }, "stringData": { "k": "a\u{0}b" } }));
    bench.apply(&all);
    let ended = bench.local(["manifests.json"]);
    assert_eq!(ended.code, 65, "{}", ended.stderr);
    let why = "the variable `KEY` has a NUL byte";
    for part in [why, "spec.secretEnv[0]", "line 1 column"] {
        assert!(ended.stderr.contains(part), "{part}: {}", ended.stderr);
    }
    all[0]["spec"]["secretEnv"] = Value::Null;
    all[0]["spec"]["envTemplate"] = json!({ "A=B": "x" });
    bench.apply(&all[..3]);
    let ended = bench.local(["manifests.json"]);
    assert_eq!(ended.code, 65, "{}", ended.stderr);
    let why = "the variable `A=B` has no name of a variable";
    assert!(ended.stderr.contains(why), "{}", ended.stderr);
}
