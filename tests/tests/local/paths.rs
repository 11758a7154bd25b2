//! Which paths are the pod's, and are below the directory of a local run.

use agent_tests::Repository;
use serde_json::json;

use crate::bench::{Bench, world};

/// Says these words in a run, and returns them as the agent got them, with `@` for the directory.
fn said(words: &[&str]) -> Vec<String> {
    let bench = Bench::new();
    let mut all = world("");
    let mut arguments = vec!["-c", "printf '%s\\n' \"$@\"", "sh"];
    arguments.extend(words);
    all[0]["spec"]["adapter"]["exec"]["argsTemplate"] = json!(arguments);
    bench.apply(&all);
    let ended = bench.local(["manifests.json", "--workspace", "here"]);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let root = bench.path("here").canonicalize().expect("it is there");
    let said = ended.stdout.replace(&root.display().to_string(), "@");
    said.lines().map(str::to_owned).collect()
}

#[test]
fn a_path_behind_an_option_or_a_block_is_the_pods() {
    let words = [
        "-I/workspace/x",
        "-C/workspace/repo",
        "{{#if inputs.nope}}a{{else}}/workspace/b{{/if}}",
        "{{#unless inputs.nope}}/workspace/c{{/unless}}",
        "**/workspace/repo**",
    ];
    let expected = [
        "-I@/workspace/x",
        "-C@/workspace/repo",
        "@/workspace/b",
        "@/workspace/c",
        "**@/workspace/repo**",
    ];
    assert_eq!(said(&words), expected);
}

#[test]
fn what_only_looks_like_a_path_of_the_pod_stays() {
    let words = [
        "http://[::1]/workspace/a",
        "https://h//workspace/x",
        "https://h?a=/workspace",
        "file:///workspace/app.git",
        "git@h:/workspace/r",
        "ssh://git@h/workspace/r",
        "c++/workspace/d",
        "**/workspace/*.md",
    ];
    assert_eq!(said(&words), words);
}

#[test]
fn a_repository_of_this_machine_is_cloned_though_the_pod_has_such_a_path() {
    let bench = Bench::new();
    let repository = Repository::new().commit("main", [("a.txt", "one\n")]);
    let above = repository.dir().parent().expect("it is in one");
    let mut all = world("cat a.txt");
    all[0]["spec"]["adapter"]["runner"] =
        json!({ "workspace": { "git": { "url": repository.url() } } });
    all[2]["spec"]["workload"] =
        json!({ "volumes": [{ "name": "t", "type": "emptyDir", "mountPath": above }] });
    bench.apply(&all);
    let ended = bench.local(["manifests.json"]);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert_eq!(ended.stdout, "one\n");
}

#[test]
fn a_store_in_the_pod_is_below_the_directory() {
    let bench = Bench::new();
    let mut all = world("echo made > out.md");
    let report = json!([{ "name": "o", "path": "/workspace/out.md", "key": "o.md" }]);
    all[0]["spec"]["outputArtifacts"] = report;
    all[0]["spec"]["adapter"]["runner"] =
        json!({ "artifacts": { "endpoint": "file:///workspace/store" } });
    bench.apply(&all);
    let ended = bench.local(["manifests.json", "--workspace", "here"]);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let found = bench.holding("here", "made");
    assert!(
        found
            .iter()
            .any(|path| path.starts_with(bench.path("here/workspace/store"))),
        "{found:?}"
    );
}

#[test]
fn a_mount_with_needless_slashes_is_moved_like_any_other() {
    let bench = Bench::new();
    let mut all = world("cat /a/b/key | wc -c");
    all[2]["spec"]["workload"] = json!({ "volumes": [{ "name": "k", "type": "secret", "secretName": "k", "mountPath": "/a//b" }] });
    all.push(json!({
        "apiVersion": "v1", "kind": "Secret", "metadata": { "name": "k" },
        "stringData": { "key": "correct-horse" },
    }));
    bench.apply(&all);
    let ended = bench.local(["manifests.json"]);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert_eq!(ended.stdout.trim(), "13", "{}", ended.stderr);
}
