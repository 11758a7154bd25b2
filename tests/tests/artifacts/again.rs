//! A whole work directory as one result, further attempts, and what a dry run says of it.

use agent_tests::{Ended, Run, S3Operation};
use serde_json::json;

use crate::store::{Store, declaring, outputs, stores, uploads};

/// Stores the whole work directory of a run, with what it needs to be read again.
fn whole(store: &Store, script: &str) -> Run {
    let run = store.run();
    let work = run.path("work");
    std::fs::create_dir(&work).expect("the directory is ours");
    run.shell(script)
        .setting("cwd", json!(&work))
        .setting("artifacts/prefix", json!("results/{{inputs.stage}}"))
        .setting("artifacts/include", json!(["log", "status", "manifest"]))
        .setting("artifacts/files", json!([{ "name": "work", "path": work }]))
}

#[test]
fn the_whole_work_directory_is_stored_below_prefix_run_and_attempt_also_on_failure() {
    for (code, outcome) in [(0, "Completed"), (5, "AgentFailed")] {
        for store in stores() {
            let script =
                format!("mkdir -p a/b; echo 1 > one; echo 2 > a/b/two; echo said; exit {code}");
            let run = whole(&store, &script).env("AGENT_RUNNER_ATTEMPT", "2");
            let ended = run.end();
            assert_eq!(
                (ended.code, ended.outcome()),
                (code, outcome),
                "{}",
                ended.stderr
            );
            let names = [
                "manifest.json",
                "runner.log",
                "status.json",
                "work/a/b/two",
                "work/one",
            ];
            assert_eq!(
                store.keys(),
                names.map(|name| format!("results/audit/fix-7/2/{name}"))
            );
            assert_eq!(store.text("results/audit/fix-7/2/work/a/b/two"), "2\n");
            assert_eq!(outputs(&ended)[0]["key"], "results/audit/fix-7/2/work/");
        }
    }
}

#[test]
fn the_whole_work_directory_is_stored_when_the_run_takes_too_long() {
    for store in stores() {
        let run = whole(&store, "echo 1 > one; exec sleep 1000");
        let ended = run.setting("timeouts/total", json!(1)).end();
        assert_eq!(
            (ended.code, ended.outcome()),
            (124, "Timeout"),
            "{}",
            ended.stderr
        );
        assert_eq!(store.text("results/audit/fix-7/1/work/one"), "1\n");
        let manifest = store.json("results/audit/fix-7/1/manifest.json");
        assert_eq!(manifest["outcome"], "Timeout");
    }
}

/// An attempt that stores a small file, a large one, a binary one, and what is different each time.
fn attempt(store: &Store, number: u32, different: &str) -> Ended {
    let script = format!(
        "mkdir t; echo same > t/same; printf '\\0\\1' > t/binary; echo {different} > t/different
         yes 0123456789abcde | head -c 17000000 > t/large"
    );
    let artifacts = json!([{ "name": "t", "path": "t", "key": "t/" }]);
    declaring(store.run().shell(&script), artifacts)
        .setting("artifacts/include", json!(["manifest"]))
        .env("AGENT_RUNNER_ATTEMPT", number.to_string())
        .end()
}

#[test]
fn a_further_attempt_leaves_what_is_there_already() {
    for store in stores() {
        let first = attempt(&store, 1, "one");
        assert_eq!(first.code, 0, "{}", first.stderr);
        assert_eq!(uploads(&first)["objects"], 4);
        let requests = |store: &Store| match store {
            Store::S3(server) => server.requests(),
            Store::Directory(_) => Vec::new(),
        };
        let before = requests(&store).len();

        let second = attempt(&store, 2, "two");
        assert_eq!(second.code, 0, "{}", second.stderr);
        let counts = uploads(&second);
        assert_eq!(
            (&counts["objects"], &counts["unchanged"]),
            (&json!(1), &json!(3))
        );
        assert_eq!(counts["bytes"], 4);
        assert_eq!(store.text("t/different"), "two\n");
        assert_eq!(store.bytes("t/large").len(), 17_000_000);
        assert_eq!(outputs(&second)[0], outputs(&first)[0]);

        let manifest = store.json("fix-7/2/manifest.json");
        for object in manifest["objects"].as_array().expect("it has some") {
            let key = object["key"].as_str().expect("each has one");
            let wanted = if key == "t/different" {
                "stored"
            } else {
                "unchanged"
            };
            assert_eq!(object["result"], wanted, "{object}");
            assert_eq!(
                object["sha256"].as_str().map(str::len),
                Some(64),
                "{object}"
            );
        }
        let written: Vec<_> = requests(&store)
            .into_iter()
            .skip(before)
            .filter(|request| request.operation.writes())
            .map(|request| (request.operation, request.key))
            .collect();
        if let Store::S3(_) = &store {
            let put = |key: &str| (S3Operation::Put, key.to_owned());
            assert_eq!(written, [put("t/different"), put("fix-7/2/manifest.json")]);
        }
    }
}

#[test]
fn an_object_that_somebody_else_has_changed_is_stored_again() {
    for store in stores() {
        assert_eq!(attempt(&store, 1, "one").code, 0);
        match &store {
            Store::S3(server) => assert!(server.remove("t/large") && server.remove("t/same")),
            Store::Directory(dir) => {
                // Of the same length.
                let large = vec![b'x'; 17_000_000];
                std::fs::write(dir.path().join("t/large"), large).expect("it is ours");
                std::fs::write(dir.path().join("t/same"), "lame\n").expect("it is ours");
            }
        }
        let second = attempt(&store, 2, "one");
        assert_eq!(second.code, 0, "{}", second.stderr);
        let counts = uploads(&second);
        assert_eq!(
            (&counts["objects"], &counts["unchanged"]),
            (&json!(2), &json!(2))
        );
        assert_eq!(store.text("t/same"), "same\n");
        assert!(store.bytes("t/large").starts_with(b"0123456789abcde\n01"));
    }
}

#[test]
fn a_dry_run_says_what_would_be_stored_where_and_stores_nothing() {
    for store in stores() {
        let run = || {
            let artifacts = json!([{ "name": "t", "path": "t", "key": "/t//{{inputs.stage}}/" }]);
            declaring(whole(&store, "echo 1 > one"), artifacts)
        };
        let ended = run().arg("--dry-run").arg("--output=json").end();
        assert_eq!(ended.code, 0, "{}", ended.stderr);
        let plan: serde_json::Value = serde_json::from_slice(&ended.stdout).expect("it is JSON");
        let uploads = &plan["uploads"];
        assert_eq!(
            uploads["deliveries"],
            json!([
                { "name": "t", "path": ended.dir.path().join("t"), "key": "t/audit", "tree": true, "when": "always", "optional": false },
                { "name": "work", "path": ended.dir.path().join("work"), "key": "results/audit/fix-7/1/work", "tree": true, "when": "always", "optional": false },
            ])
        );
        assert_eq!(uploads["include"], json!(["log", "status", "manifest"]));
        assert_eq!(uploads["prefix"], "results/audit/fix-7/1/");
        match &store {
            Store::S3(server) => {
                let wanted = json!({
                    "endpoint": server.url(),
                    "bucket": "runs",
                    "region": "us-east-1",
                    "addressing": "path",
                    "credentials": "static",
                });
                assert_eq!(uploads["store"], wanted);
                assert_eq!(server.connections(), 0);
            }
            Store::Directory(_) => assert_eq!(uploads["store"]["endpoint"], store.url("")),
        }
        assert_eq!(store.keys(), [""; 0]);

        let text = run().arg("--dry-run").end().text();
        for word in ["results/audit/fix-7/1/work", "t/audit", "manifest"] {
            assert!(text.contains(word), "`{word}` is not in {text}");
        }
    }
}
