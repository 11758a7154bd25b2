//! `--workspace DIR`: one run's, at one time, and nothing of anybody else is touched in it.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::bench::{Bench, world};

const SECRET: &str = "correct-horse-battery";

/// A shell with the file `notes.txt` of a Secret in `/docs`.
fn mounting(script: &str) -> Vec<Value> {
    let mut all = world(script);
    all[2]["spec"]["workload"] = json!({ "volumes": [{ "name": "keys", "type": "secret", "secretName": "keys", "mountPath": "/docs" }] });
    all.push(json!({
        "apiVersion": "v1", "kind": "Secret", "metadata": { "name": "keys" },
        "stringData": { "notes.txt": SECRET },
    }));
    all
}

#[test]
fn a_directory_with_files_of_somebody_else_is_refused_and_not_touched() {
    let bench = Bench::new();
    let notes = bench.path("us/docs/notes.txt");
    fs::create_dir_all(bench.path("us/docs")).expect("it can be made");
    fs::write(&notes, "ours").expect("it can be written");
    bench.apply(&mounting("true"));
    let ended = bench.local(["manifests.json", "--workspace", "us"]);
    assert_eq!(ended.code, 74, "{}", ended.stderr);
    for part in ["us", "is not empty", "a new or empty directory"] {
        assert!(ended.stderr.contains(part), "{part}: {}", ended.stderr);
    }
    assert_eq!(fs::read_to_string(&notes).expect("it is there"), "ours");
    let left = fs::read_dir(bench.path("us")).expect("it is there");
    assert_eq!(left.count(), 1);
}

#[test]
fn a_file_that_somebody_put_into_the_workspace_of_a_run_is_not_touched() {
    let bench = Bench::new();
    bench.apply(&world("true"));
    let words = ["manifests.json", "--workspace", "here"];
    assert_eq!(bench.local(words).code, 0);
    let notes = bench.path("here/docs/notes.txt");
    fs::create_dir_all(bench.path("here/docs")).expect("it can be made");
    fs::write(&notes, "ours").expect("it can be written");
    bench.apply(&mounting("true"));
    let ended = bench.local(words);
    assert_eq!(ended.code, 74, "{}", ended.stderr);
    let said = "no run of ours put it there";
    assert!(ended.stderr.contains(said), "{}", ended.stderr);
    assert_eq!(fs::read_to_string(&notes).expect("it is there"), "ours");
}

#[test]
fn the_directory_of_a_run_can_be_used_by_it_again() {
    let bench = Bench::new();
    bench.apply(&mounting(
        "cat /docs/notes.txt > /dev/null; rm /docs/notes.txt; echo x > /docs/notes.txt",
    ));
    fs::create_dir(bench.path("here")).expect("it can be made");
    for attempt in 1..=3 {
        let ended = bench.local(["manifests.json", "--workspace", "here"]);
        assert_eq!(ended.code, 0, "{attempt}: {}", ended.stderr);
        assert!(!bench.path("here/docs/notes.txt").exists());
    }
}

#[test]
fn a_kept_directory_is_a_workspace_from_then_on() {
    let bench = Bench::new();
    bench.apply(&world("true"));
    assert_eq!(bench.local(["manifests.json", "--keep"]).code, 0);
    let kept = bench.left().remove(0);
    let kept = kept.to_str().expect("it is text");
    let ended = bench.local(["manifests.json", "--workspace", kept]);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
}

#[test]
fn the_directory_of_another_run_is_refused_with_what_to_do() {
    let bench = Bench::new();
    let report =
        json!([{ "name": "o", "path": "/workspace/out.md", "key": "{{agentRun.name}}.md" }]);
    let mut all = world("echo AAA > /workspace/out.md");
    all[0]["spec"]["outputArtifacts"] = report.clone();
    bench.apply(&all);
    let words = ["manifests.json", "--workspace", "here"];
    assert_eq!(bench.local(words).code, 0);
    let mut all = world("true");
    all[0]["spec"]["outputArtifacts"] = report;
    all[2]["metadata"]["name"] = "other".into();
    bench.apply(&all);
    let ended = bench.local(words);
    assert_eq!(ended.code, 74, "{}", ended.stderr);
    for part in ["of the run `default/run`", "default/other", "--workspace"] {
        assert!(ended.stderr.contains(part), "{part}: {}", ended.stderr);
    }
    assert!(!bench.path("here/artifacts/other.md").exists());
}

#[test]
fn a_second_run_at_the_same_time_is_refused_and_takes_nothing_from_the_first() {
    let bench = Bench::new();
    let fifo = bench.path("line");
    let made = Command::new("mkfifo").arg(&fifo).status();
    assert!(made.is_ok_and(|status| status.success()));
    let script = format!(
        "echo ready; read line < {}; test -s /docs/notes.txt && echo fine",
        fifo.display()
    );
    bench.apply(&mounting(&script));
    let words = ["manifests.json", "--workspace", "here"];
    let mut first = bench
        .command(words, &[])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the runner can be started");
    let mut stdout = BufReader::new(first.stdout.take().expect("it is piped"));
    let mut line = String::new();
    stdout.read_line(&mut line).expect("it says something");
    assert_eq!(line, "ready\n");

    bench.apply(&mounting("true"));
    let second = bench.local(words);
    fs::write(&fifo, "go\n").expect("somebody reads it");
    let mut rest = String::new();
    stdout.read_to_string(&mut rest).expect("it is text");
    assert_eq!(first.wait().expect("it ends").code(), Some(0), "{rest}");
    assert_eq!(rest, "fine\n");
    assert_eq!(second.code, 74, "{}", second.stderr);
    let said = "is in use by another";
    assert!(second.stderr.contains(said), "{}", second.stderr);
}

#[test]
fn the_root_is_no_workspace() {
    let bench = Bench::new();
    bench.apply(&world("true"));
    let ended = bench.local(["manifests.json", "--workspace", "/"]);
    assert_eq!(ended.code, 74, "{}", ended.stderr);
    let said = "`/` cannot be";
    assert!(ended.stderr.contains(said), "{}", ended.stderr);
}

#[test]
fn nothing_stays_of_a_run_that_was_never_prepared() {
    let bench = Bench::new();
    let mut all = world("true");
    all[2]["spec"]["workload"] =
        json!({ "volumes": [{ "name": "v", "type": "emptyDir", "mountPath": "/../../escaped" }] });
    bench.apply(&all);
    let ended = bench.local(["manifests.json", "--keep"]);
    assert_eq!(ended.code, 65, "{}", ended.stderr);
    assert_eq!(bench.left(), Vec::<std::path::PathBuf>::new());
}
