//! `local --print`: what a controller writes, and why it would not.

use std::fs;
use std::path::{Path, PathBuf};

use agent_plan::document::documents;
use serde_json::{Value, json};

use crate::bench::{Bench, world};

fn conformance() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/conformance");
    let entries = fs::read_dir(root).expect("the cases are there");
    let paths = entries.flatten().map(|entry| entry.path());
    paths.filter(|path| path.is_dir()).collect()
}

fn read(path: &Path) -> Option<Value> {
    let text = fs::read_to_string(path).ok()?;
    Some(serde_json::from_str(&text).expect("it is JSON"))
}

/// What `--print` of a case says in JSON, as a list of documents.
fn printed_json(bench: &Bench, manifests: &Path, what: &str) -> Vec<Value> {
    let ended = bench.local([
        manifests.to_str().expect("it is text"),
        "--print",
        what,
        "-o",
        "json",
    ]);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let value: Value = serde_json::from_str(&ended.stdout).expect("it is JSON");
    match value["kind"].as_str() {
        Some("List") => value["items"].as_array().expect("it is a list").clone(),
        _ => vec![value],
    }
}

/// The same in YAML.
fn printed_yaml(bench: &Bench, manifests: &Path, what: &str) -> Vec<Value> {
    let ended = bench.local([manifests.to_str().expect("it is text"), "--print", what]);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let nodes = documents(&ended.stdout).expect("it is YAML");
    nodes.iter().map(agent_plan::document::Node::json).collect()
}

#[test]
fn every_case_is_printed_as_the_controller_wrote_it() {
    let (bench, cases) = (Bench::new(), conformance());
    assert_eq!(cases.len(), 8);
    for case in cases {
        let manifests = case.join("manifests.json");
        let maps = ["configmap.json", "inputs-configmap.json"];
        let maps: Vec<_> = maps
            .iter()
            .filter_map(|name| read(&case.join(name)))
            .collect();
        let job = vec![read(&case.join("job.json")).expect("every case has one")];
        for (what, expected) in [
            ("configmap", maps.clone()),
            ("job", job.clone()),
            ("all", [maps, job].concat()),
        ] {
            let case = case.display();
            assert_eq!(
                printed_json(&bench, &manifests, what),
                expected,
                "{case} {what}"
            );
            assert_eq!(
                printed_yaml(&bench, &manifests, what),
                expected,
                "{case} {what} as YAML"
            );
        }
    }
}

#[test]
fn run_and_spec_are_what_is_in_the_configmap() {
    let bench = Bench::new();
    for case in conformance() {
        let manifests = case.join("manifests.json");
        let map = read(&case.join("configmap.json")).expect("every case has one");
        for (what, key) in [("run", "run.json"), ("spec", "agent-runner.json")] {
            let text = map["data"][key].as_str().expect("it is text");
            let expected: Value = serde_json::from_str(text).expect("it is JSON");
            assert_eq!(
                printed_json(&bench, &manifests, what),
                vec![expected.clone()],
                "{}",
                case.display()
            );
            assert_eq!(
                printed_yaml(&bench, &manifests, what),
                [expected],
                "{}",
                case.display()
            );
        }
    }
}

#[test]
fn the_same_manifests_give_the_same_bytes() {
    let bench = Bench::new();
    bench.apply(&world("true"));
    for what in ["all", "plan"] {
        let once = bench.local(["manifests.json", "--print", what]);
        let again = bench.local(["manifests.json", "--print", what]);
        assert_eq!(once.code, 0, "{}", once.stderr);
        assert_eq!(once.stdout, again.stdout, "{what}");
    }
}

#[test]
fn a_plan_has_the_paths_of_the_pod() {
    let bench = Bench::new();
    bench.apply(&world("true"));
    let plan = &printed_json(&bench, &bench.path("manifests.json"), "plan")[0];
    assert_eq!(
        plan["statusPath"], "/workspace/.agent/status.json",
        "{plan}"
    );
    assert_eq!(plan["process"]["cwd"], "/workspace", "{plan}");
}

#[test]
fn manifests_come_from_directories_and_stdin_too() {
    let bench = Bench::new();
    let dir = bench.path("all");
    fs::create_dir(&dir).expect("it can be made");
    for (index, manifest) in world("true").iter().enumerate() {
        let ending = ["yaml", "yml", "json"][index % 3];
        // JSON is YAML.
        fs::write(dir.join(format!("{index}.{ending}")), manifest.to_string())
            .expect("it can be written");
    }
    fs::write(dir.join("README.md"), "# no manifest").expect("it can be written");
    let of_dir = bench.local(["all", "--print", "job"]);
    assert_eq!(of_dir.code, 0, "{}", of_dir.stderr);
    let text = world("true")
        .iter()
        .map(Value::to_string)
        .collect::<Vec<_>>();
    let of_stdin = bench.local_with(["-", "--print", "job"], &[], &text.join("\n---\n"));
    assert_eq!(of_stdin.code, 0, "{}", of_stdin.stderr);
    assert_eq!(of_dir.stdout, of_stdin.stdout);

    fs::create_dir(bench.path("none")).expect("it can be made");
    for source in ["none", "nowhere.yaml"] {
        let ended = bench.local([source, "--print", "job"]);
        assert_eq!(ended.code, 66, "{}", ended.stderr);
        assert!(ended.stderr.contains(source), "{}", ended.stderr);
    }
}

#[test]
fn a_refusal_says_reason_manifest_line_and_field() {
    let bench = Bench::new();
    let mut all = world("true");
    all[2]["spec"]["agentRef"]["name"] = "workre".into();
    fs::write(bench.path("run.yaml"), format!("{:#}", Value::from(all)))
        .expect("it can be written");
    let ended = bench.local(["run.yaml", "--print", "job"]);
    assert_eq!(ended.code, 66, "{}", ended.stderr);
    for part in [
        "`run.yaml` line ",
        "spec.agentRef.name",
        "(MissingAgent)",
        "did you mean `worker`?",
    ] {
        assert!(ended.stderr.contains(part), "{part}: {}", ended.stderr);
    }
    assert_eq!(ended.stdout, "");
}

#[test]
fn every_error_has_a_line_of_its_own() {
    let bench = Bench::new();
    let mut all = world("true");
    all[0]["spec"]["binary"] = 7.into();
    all[1]["metadata"] = json!({});
    bench.apply(&all);
    let ended = bench.local(["manifests.json", "--print", "job"]);
    assert_eq!(ended.code, 65, "{}", ended.stderr);
    let errors = ended
        .stderr
        .lines()
        .filter(|line| line.starts_with("error: "));
    let errors: Vec<_> = errors.collect();
    assert_eq!(errors.len(), 2, "{}", ended.stderr);
    assert!(
        errors[0].contains("`spec.binary` of AgentProvider `shell`"),
        "{}",
        errors[0]
    );
    assert!(errors[1].contains("metadata.name"), "{}", errors[1]);
}

#[test]
fn what_is_odd_is_said_beside_what_is_wrong() {
    let bench = Bench::new();
    let mut all = world("true");
    let spec = all[2]["spec"].as_object_mut().expect("it is an object");
    let reference = spec.remove("agentRef").expect("it is there");
    spec.insert("agentReff".to_owned(), reference);
    bench.apply(&all);
    let ended = bench.local(["manifests.json", "--print", "job"]);
    assert_eq!(ended.code, 65, "{}", ended.stderr);
    for part in [
        "warning: `manifests.json` line 1 column ",
        "`spec.agentReff` of AgentRun `run` is no field that is known",
        "`spec.agentRef` of AgentRun `run` is missing; there is `agentReff`: is it meant?",
    ] {
        assert!(ended.stderr.contains(part), "{part}: {}", ended.stderr);
    }
}

#[test]
fn what_is_printed_needs_no_workspace() {
    let bench = Bench::new();
    bench.apply(&world("true"));
    for more in [&["--workspace", "here"][..], &["--keep"]] {
        let words = ["manifests.json", "--print", "plan"].iter().chain(more);
        let ended = bench.local(words.copied());
        assert_eq!(ended.code, 64, "{}", ended.stderr);
    }
    assert!(!bench.path("here").exists());
    let ended = bench.local(["manifests.json", "--print", "plan"]);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert_eq!(bench.left(), Vec::<PathBuf>::new());
}

#[test]
fn of_several_runs_one_must_be_named() {
    let bench = Bench::new();
    let mut all = world("true");
    let mut other = all[2].clone();
    other["metadata"]["name"] = "other".into();
    all.push(other);
    bench.apply(&all);
    let ended = bench.local(["manifests.json", "--print", "job"]);
    assert_eq!(ended.code, 64, "{}", ended.stderr);
    assert!(
        ended.stderr.contains("default/run, default/other"),
        "{}",
        ended.stderr
    );
    let ended = bench.local(["manifests.json", "--print", "job", "--name", "othr"]);
    assert_eq!(ended.code, 64, "{}", ended.stderr);
    assert!(
        ended.stderr.contains("did you mean `other`?"),
        "{}",
        ended.stderr
    );
    let ended = bench.local(["manifests.json", "--print", "job", "--name", "other"]);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert!(ended.stdout.contains("name: other-job"), "{}", ended.stdout);

    bench.apply(&all[..2]);
    let ended = bench.local(["manifests.json", "--print", "job"]);
    assert_eq!(ended.code, 65, "{}", ended.stderr);
}

#[test]
fn parameters_are_set_over_those_of_the_run() {
    let bench = Bench::new();
    let mut all = world("true");
    all[2]["spec"]["parameters"] = json!({ "stage": "audit", "kept": "x" });
    bench.apply(&all);
    let ended = bench.local([
        "manifests.json",
        "--print",
        "run",
        "-o",
        "json",
        "--set",
        "stage=a=b",
    ]);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let run: Value = serde_json::from_str(&ended.stdout).expect("it is JSON");
    assert_eq!(run["parameters"]["stage"], "a=b", "{run}");
    assert_eq!(run["parameters"]["kept"], "x", "{run}");
    let ended = bench.local(["manifests.json", "--print", "run", "--set", "stage"]);
    assert_eq!(ended.code, 64, "{}", ended.stderr);
}

#[test]
fn a_plan_has_the_paths_of_the_pod_wherever_it_was_made() {
    let bench = Bench::new();
    bench.apply(&world("true"));
    let expected = bench.local(["manifests.json", "--print", "plan"]).stdout;
    for name in ["a\"b", "a\\b", "a b", "a,b"] {
        let place = bench.path(name);
        std::fs::create_dir(&place).expect("it can be made");
        let place = place.display().to_string();
        let env = [("TMPDIR", place.as_str())];
        let ended = bench.local_with(["manifests.json", "--print", "plan"], &env, "");
        assert_eq!(ended.code, 0, "{}", ended.stderr);
        assert_eq!(ended.stdout, expected, "{name}");
    }
}

#[test]
fn a_bucket_alone_is_a_directory_of_the_local_store() {
    let bench = Bench::new();
    let mut all = world("true");
    all[0]["spec"]["envTemplate"] = json!({ "AGENTS_ARTIFACTS_BUCKET": "mine" });
    all[0]["spec"]["outputArtifacts"] =
        json!([{ "name": "o", "path": "/workspace/o.md", "key": "o.md" }]);
    bench.apply(&all);
    let ended = bench.local(["manifests.json", "--print", "plan"]);
    let store = "endpoint: \"file:///artifacts/mine\"";
    assert!(ended.stdout.contains(store), "{}", ended.stdout);
}

#[test]
fn a_parameter_that_is_perhaps_misspelled_is_a_warning() {
    let bench = Bench::new();
    let mut all = world("true");
    all[2]["spec"]["parameters"] = json!({ "repository": "" });
    bench.apply(&all);
    let told = "the run has no parameter `repostory` yet; did you mean `repository`?";
    for (set, is_told) in [
        ("repostory=x", true),
        ("colour=x", false),
        ("repository=x", false),
    ] {
        let ended = bench.local(["manifests.json", "--print", "run", "--set", set]);
        assert_eq!(ended.code, 0, "{}", ended.stderr);
        assert_eq!(ended.stderr.contains(told), is_told, "{}", ended.stderr);
    }
}

#[test]
fn two_manifests_without_a_line_between_them_are_told_apart() {
    let bench = Bench::new();
    let one = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n";
    fs::write(bench.path("two.yaml"), one.repeat(2)).expect("it can be written");
    let ended = bench.local(["two.yaml", "--print", "run"]);
    assert_eq!(ended.code, 65, "{}", ended.stderr);
    let told = "line 4 column 1: `apiVersion` is there twice; write `---` between two manifests";
    assert!(ended.stderr.contains(told), "{}", ended.stderr);
}
