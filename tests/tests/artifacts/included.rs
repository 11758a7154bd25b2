//! The runner's own files, and the manifest of everything.

use std::fs;

use agent_tests::{Ended, Entry, GitServer, Repository, Run, assert_ends, ends};
use serde_json::{Value, json};

use crate::store::{PREFIX, Store, declaring, outputs, stores, uploads};

fn including(run: Run, what: &[&str]) -> Run {
    run.setting("artifacts/include", json!(what))
}

/// The objects of a manifest that are of one artifact.
fn of<'a>(manifest: &'a Value, artifact: &str) -> Vec<&'a Value> {
    let objects = manifest["objects"].as_array().expect("it has objects");
    let of = |object: &&Value| object["artifact"] == artifact;
    objects.iter().filter(of).collect()
}

#[test]
fn the_log_the_journal_the_status_and_the_manifest_are_stored_below_the_prefix() {
    for store in stores() {
        let run = including(
            store.run().agent(["print", "hello"]),
            &["log", "journal", "status", "manifest"],
        );
        let ended = run.end();
        assert_ends("included", &ended, &ends(0, "Completed", "Completed"));
        let names = [
            "events.ndjson",
            "manifest.json",
            "runner.log",
            "status.json",
        ];
        assert_eq!(store.keys(), names.map(|name| format!("{PREFIX}{name}")));
        assert_eq!(store.bytes(&format!("{PREFIX}runner.log")), ended.log);

        // The journal is whole: nothing is said after it was stored.
        let journal = fs::read(ended.dir.path().join("agent/events.ndjson"));
        let journal = journal.expect("it is beside the status");
        assert_eq!(store.bytes(&format!("{PREFIX}events.ndjson")), journal);

        let status = store.json(&format!("{PREFIX}status.json"));
        assert_eq!(status["outcome"], "Completed");
        assert_eq!(status["exitCode"], 0);
        assert_eq!(status["startedAt"], ended.full["startedAt"]);

        let manifest = format!("{PREFIX}manifest.json");
        assert_eq!(uploads(&ended)["manifest"], store.url(&manifest));
        let shown: Vec<_> = (outputs(&ended).as_array().expect("they are shown").iter())
            .map(|output| output["url"].as_str().expect("each has one").to_owned())
            .collect();
        for key in store.keys() {
            assert!(shown.contains(&store.url(&key)), "{key}: {shown:?}");
        }
    }
}

#[test]
fn they_are_stored_whatever_becomes_of_the_run() {
    for store in stores() {
        let what = ["log", "status", "manifest", "journal"];
        let ended = including(store.run().shell("echo so far; exit 9"), &what).end();
        assert_ends("failed", &ended, &ends(9, "AgentFailed", "NonZeroExit"));
        assert_eq!(store.keys().len(), 4);
        assert_eq!(store.text(&format!("{PREFIX}runner.log")), "so far\n");
        let manifest = store.json(&format!("{PREFIX}manifest.json"));
        assert_eq!(manifest["outcome"], "AgentFailed");
        assert_eq!(store.json(&format!("{PREFIX}status.json"))["exitCode"], 9);
    }
}

#[test]
fn the_manifest_says_of_each_object_what_it_is_and_what_became_of_it() {
    for store in stores() {
        let run = declaring(
            store.run().shell(
                "mkdir t; printf one > t/1.md; printf 1234567890 > t/large; mkfifo t/fifo
                 printf x > 'two words'",
            ),
            json!([
                { "name": "tree", "path": "t", "key": "trees/" },
                { "name": "words", "path": "two words", "key": "/words" },
                { "name": "gone", "path": "gone", "key": "gone" },
            ]),
        );
        let run = including(run, &["manifest"]);
        let refined = json!([{ "name": "tree", "maxBytes": 5 }]);
        let ended = run.setting("artifacts/files", refined).end();
        assert_ends(
            "manifest",
            &ended,
            &ends(73, "ArtifactFailed", "NotDelivered"),
        );
        let manifest = store.json(&format!("{PREFIX}manifest.json"));
        assert_eq!(manifest["version"], 1);
        assert_eq!(manifest["run"], "fix-7");
        assert_eq!(manifest["attempt"], 1);
        assert_eq!(manifest["outcome"], "ArtifactFailed");
        assert_eq!(manifest["objects"].as_array().map(Vec::len), Some(3));

        let [one, large] = of(&manifest, "tree")[..] else {
            panic!("{manifest}");
        };
        let mut wanted = json!({
            "artifact": "tree",
            "path": canonical(&ended, "t/1.md"),
            "key": "trees/1.md",
            "url": store.url("trees/1.md"),
            "size": 3,
            // printf one | sha256sum
            "sha256": "7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed",
            "contentType": "text/markdown; charset=utf-8",
            "result": "stored",
        });
        if let Store::S3(server) = &store {
            wanted["etag"] = json!(server.object("trees/1.md").expect("it is there").etag);
        }
        assert_eq!(one, &wanted);
        assert_eq!(
            (&large["result"], &large["size"]),
            (&json!("refused"), &json!(10))
        );
        let error = "it has 10 bytes, more than the 5 of `maxBytes`";
        assert_eq!(large["error"], error);
        assert_eq!(of(&manifest, "words")[0]["key"], "words");
        let missing = manifest["missing"].as_array().expect("there is one");
        let [missing] = &missing[..] else {
            panic!("{manifest}");
        };
        assert_eq!(
            (&missing["artifact"], &missing["result"]),
            (&json!("gone"), &json!("missing"))
        );

        let uploads = uploads(&ended);
        for (name, count) in [
            ("objects", 2),
            ("bytes", 4),
            ("refused", 1),
            ("missing", 1),
            ("unchanged", 0),
        ] {
            assert_eq!(uploads[name], count, "{name}: {uploads}");
        }
    }
}

fn canonical(ended: &Ended, name: &str) -> std::path::PathBuf {
    let dir = ended.dir.path().canonicalize();
    dir.expect("it is kept").join(name)
}

#[test]
fn the_manifest_says_when_the_run_began_and_ended() {
    let [_, store] = stores();
    let ended = including(store.run(), &["manifest"]).end();
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let manifest = store.json(&format!("{PREFIX}manifest.json"));
    assert_eq!(manifest["startedAt"], ended.full["startedAt"]);
    assert!(manifest["finishedAt"].is_string(), "{manifest}");
}

#[test]
fn what_the_agent_has_not_pushed_is_stored() {
    let repository = Repository::new().commit("main", [Entry::file("README", "hello\n")]);
    let git = GitServer::new().serve("owner/name", &repository);
    for store in stores() {
        let script = "git -c user.name=A -c user.email=a@example.com commit -q --allow-empty -m one
            echo changed > README; echo new > new";
        let run = including(store.run(), &["workspace-wip", "manifest"]);
        let repo = run.path("repo");
        let ended = run
            .shell(script)
            .setting("cwd", json!(repo))
            .setting("workspace/git/url", json!(git.url("owner/name")))
            .setting("workspace/wip", json!(true))
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .end();
        assert_eq!(ended.code, 0, "{}", ended.stderr);
        let folder = ended.dir.path().join("agent/workspace-wip");
        for name in ["commits.bundle", "changes.patch", "untracked.txt"] {
            let wanted = fs::read(folder.join(name)).expect(name);
            assert_eq!(
                store.bytes(&format!("{PREFIX}workspace-wip/{name}")),
                wanted,
                "{name}"
            );
        }
        let manifest = store.json(&format!("{PREFIX}manifest.json"));
        assert_eq!(of(&manifest, "workspace-wip").len(), store.keys().len() - 1);
    }
}

#[test]
fn a_file_of_ours_that_there_is_not_is_warned_of_and_fails_nothing() {
    let [_, store] = stores();
    let ended = including(store.run(), &["workspace-wip", "log"])
        .spec("/artifacts/logPath", Value::Null)
        .end();
    assert_ends("nothing", &ended, &ends(0, "Completed", "Completed"));
    let warnings = ended.full["warnings"].to_string();
    for word in ["workspace-wip", "log"] {
        let warning = format!("`artifacts.include` stores no `{word}`");
        assert!(warnings.contains(&warning), "{warnings}");
    }
    assert_eq!(store.keys(), [""; 0]);
}

#[test]
fn a_store_that_takes_no_file_of_ours_fails_no_run() {
    let run = including(Run::new(), &["log", "journal", "status", "manifest"]);
    let ended = run
        .env("AGENTS_ARTIFACTS_ENDPOINT", "file:///proc/nothing")
        .end();
    assert_ends("no store", &ended, &ends(0, "Completed", "Completed"));
    let ended = including(Run::new(), &["log", "manifest"]).end();
    assert_ends("none", &ended, &ends(0, "Completed", "Completed"));
    let warnings = ended.full["warnings"].to_string();
    assert!(
        warnings.contains("no object store is configured"),
        "{warnings}"
    );
}
