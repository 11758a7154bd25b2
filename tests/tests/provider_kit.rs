//! `provider test`: the providers that we ship pass, and each broken one fails for its own fault.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use agent_tests::binary;
use serde_json::Value;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Every provider of a directory.
fn providers(directory: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(root().join(directory)).expect("the directory is there");
    let paths = entries.flatten().map(|entry| entry.path());
    let yaml = paths.filter(|path| {
        path.extension()
            .is_some_and(|extension| extension == "yaml")
    });
    yaml.collect()
}

fn test(path: &Path, args: &[&str]) -> Output {
    Command::new(binary("agent-runner"))
        .args(["provider", "test"])
        .args(args)
        .arg(path)
        .output()
        .expect("the runner can be started")
}

fn tested(path: &Path) -> (Option<i32>, Value) {
    let output = test(path, &["--output", "json"]);
    let summary = serde_json::from_slice(&output.stdout);
    let stderr = String::from_utf8_lossy(&output.stderr);
    (
        output.status.code(),
        summary.unwrap_or_else(|_| panic!("no summary: {stderr}")),
    )
}

fn failed(summary: &Value) -> Vec<&Value> {
    let results = summary["results"].as_array().expect("there are results");
    results
        .iter()
        .filter(|result| result["verdict"] == "fail")
        .collect()
}

#[test]
fn the_providers_that_we_ship_pass() {
    let shipped = providers("providers");
    assert_eq!(shipped.len(), 4);
    for path in shipped {
        let (code, summary) = tested(&path);
        assert_eq!(failed(&summary), [&Value::Null; 0], "{}", path.display());
        assert_eq!((code, &summary["ok"]), (Some(0), &Value::Bool(true)));
        // More than thirty of them have something to say about any provider.
        let results = summary["results"].as_array().expect("there are results");
        let ok = results
            .iter()
            .filter(|result| result["verdict"] == "ok")
            .count();
        assert!(ok > 30, "only {ok} for {}", path.display());
    }
}

#[test]
fn each_broken_provider_fails_for_its_own_fault_alone() {
    let broken = providers("tests/testdata/providers/broken");
    assert!(broken.len() > 20);
    for path in broken {
        let (code, summary) = tested(&path);
        let fault = path.file_stem().expect("it has a name").to_string_lossy();
        let failed = failed(&summary);
        let names: Vec<_> = failed.iter().map(|result| &result["name"]).collect();
        assert_eq!(names, [&*fault], "{}: {failed:#?}", path.display());
        assert_eq!((code, &summary["ok"]), (Some(1), &Value::Bool(false)));
        let finding = &failed[0]["findings"][0];
        for part in ["expected", "seen", "change"] {
            assert!(
                finding[part].as_str().is_some_and(|text| !text.is_empty()),
                "{finding}"
            );
        }
    }
}

#[test]
fn a_report_names_the_place_and_what_to_write() {
    let path = root().join("tests/testdata/providers/broken/unknown-field.yaml");
    let output = test(&path, &[]);
    let text = String::from_utf8_lossy(&output.stdout);
    for part in [
        "FAIL unknown-field",
        "`spec.adapter.exec.argTemplate`, line 12 column 7",
        "did you mean `argsTemplate`?",
    ] {
        assert!(text.contains(part), "no `{part}` in {text}");
    }
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn an_image_s_definition_is_tested_as_an_older_controller_would_use_it() {
    let dir = tempfile::tempdir().expect("a directory can be made");
    let path = dir.path().join("local-claude.json");
    let definition = r#"{"adapter": {"type": "claude", "claude": {"model": "sonnet"}}}"#;
    std::fs::write(&path, definition).expect("it can be written");
    let (code, summary) = tested(&path);
    assert_eq!(failed(&summary), [&Value::Null; 0]);
    assert_eq!(code, Some(0));
    assert_eq!(summary["provider"], "local-claude");
    assert_eq!(summary["protocol"], "claude");
}

#[test]
fn a_provider_of_which_no_run_is_taken_is_told_why_and_where() {
    let dir = tempfile::tempdir().expect("a directory can be made");
    let path = dir.path().join("claude.yaml");
    let shipped = std::fs::read_to_string(root().join("providers/claude.yaml"));
    let shipped = shipped.expect("it is there");
    let much = "x".repeat((1 << 20) + 1);
    for (field, seen) in [
        (
            format!("inputFiles: [{{path: /workspace/much.txt, content: {much}}}]"),
            "`spec.inputFiles` of AgentProvider `claude`: what becomes of it has 1048577 bytes",
        ),
        (
            "workload: {resources: {limits: [1]}}".to_owned(),
            "`spec.workload.resources.limits`",
        ),
    ] {
        let text = shipped.replace("\nspec:\n", &format!("\nspec:\n  {field}\n"));
        std::fs::write(&path, text).expect("it can be written");
        let (code, summary) = tested(&path);
        let failed = failed(&summary);
        let names: Vec<_> = failed.iter().map(|result| &result["name"]).collect();
        assert_eq!((code, names), (Some(1), vec![&Value::from("plan")]));
        let finding = &failed[0]["findings"][0];
        assert_eq!(finding["expected"], "a run that the controller takes");
        let told = finding["seen"].as_str().expect("there is something seen");
        let place = format!("`{}` line 8 column ", path.display());
        assert!(told.starts_with(&place) && told.contains(seen), "{told}");
    }
}

#[test]
fn what_is_no_provider_is_refused() {
    let dir = tempfile::tempdir().expect("a directory can be made");
    let path = dir.path().join("a.yaml");
    for (text, words) in [("a: [\n", "line "), ("a: 1\n", "neither")] {
        std::fs::write(&path, text).expect("it can be written");
        let output = test(&path, &[]);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(65), "{stderr}");
        assert!(stderr.contains(words), "{stderr}");
    }
    let missing = test(&dir.path().join("missing.yaml"), &[]);
    assert_eq!(missing.status.code(), Some(66));
}

#[test]
fn settings_that_are_arguments_are_those_of_every_run() {
    let dir = tempfile::tempdir().expect("a directory can be made");
    let path = dir.path().join("claude.yaml");
    let shipped = std::fs::read_to_string(root().join("providers/claude.yaml"));
    let shipped = shipped.expect("it is there");
    let text = shipped.replace("      protocol: claude\n", "").replace(
        "\nspec:\n",
        "\nspec:\n  argsTemplate: [--protocol, claude, --timeouts-total=5m, --grace-seconds=25]\n",
    );
    std::fs::write(&path, text).expect("it can be written");
    let (code, summary) = tested(&path);
    assert_eq!(failed(&summary), [&Value::Null; 0]);
    assert_eq!((code, &summary["protocol"]), (Some(0), &"claude".into()));
}
