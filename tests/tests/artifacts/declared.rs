//! What the provider declared (contract §6.1 and §6.3).

use agent_tests::{assert_ends, ends};
use serde_json::{Value, json};

use crate::store::{Store, declaring, outputs, stores, uploads};

/// Two files.
const WRITES: &str = "mkdir -p out; echo one > out/audit.md; echo two > out/two";

#[test]
fn a_keyed_artifact_is_stored_and_shown_with_its_normal_key_and_its_url() {
    for store in stores() {
        let run = declaring(
            store.run().shell(WRITES),
            json!([{
                "name": "{{inputs.stage}}-report",
                "path": "out/{{inputs.stage}}.md",
                "key": " /runs//{{ run.agentRun.name }}/ {{inputs.stage}}\u{a0}/re port.md\t",
                "url": "https://before.example.com",
            }]),
        );
        let ended = run.end();
        assert_ends("keyed", &ended, &ends(0, "Completed", "Completed"));
        let key = "runs/fix-7/audit/re port.md";
        assert_eq!(
            outputs(&ended),
            &json!([{
                "name": "audit-report",
                "path": "out/audit.md",
                "key": key,
                "url": store.url(key),
            }])
        );
        assert_eq!(store.keys(), [key]);
        assert_eq!(store.text(key), "one\n");
        assert_eq!(
            uploads(&ended),
            &json!({ "store": store.url(""), "objects": 1, "unchanged": 0, "bytes": 4 })
        );
    }
}

#[test]
fn an_object_in_s3_is_put_once_with_its_hash_and_without_a_list_of_who_may() {
    let [Store::S3(server), _] = stores() else {
        unreachable!("the first is a server")
    };
    let store = Store::S3(server);
    let artifacts = json!([{ "name": "a", "path": "out/audit.md", "key": "a b/ü+%.md" }]);
    let ended = declaring(store.run().shell(WRITES), artifacts).end();
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let Store::S3(server) = store else {
        unreachable!("it is one")
    };
    let requests = server.requests();
    let [put] = requests.as_slice() else {
        panic!("{requests:?}");
    };
    assert_eq!((put.method.as_str(), put.status), ("PUT", Some(200)));
    // Path style, each segment encoded as AWS does it (contract §6.1).
    assert_eq!(put.path, "/runs/a%20b/%C3%BC%2B%25.md");
    let object = server.object("a b/ü+%.md").expect("it is there");
    let hash = object.sha256();
    assert_eq!(put.header("x-amz-content-sha256"), Some(hash.as_str()));
    assert_eq!(object.metadata["sha256"], hash);
    assert!(object.checksum_sha256.is_some(), "{put:?}");
    let lists = put.headers.iter().filter(|(name, _)| name.contains("acl"));
    assert_eq!(lists.count(), 0, "{put:?}");
}

/// Artifacts without a key, in every shape: what a controller merges by the exact tuple.
fn unkeyed() -> Value {
    json!([
        { "name": "runner-log", "path": " ./agent//../agent/runner.log " },
        { "name": "name alone" },
        { "name": "pr", "url": "https://git.example.com/pull/42?a=b&c=\"d\"#e" },
        { "name": "blank", "path": "nowhere/at all", "key": " " },
        { "name": "empty", "path": "", "key": "", "url": "" },
        { "name": " ünï\u{feff}cødé\n🦀 ", "path": "a\tb" },
        { "name": "name alone" },
    ])
}

#[test]
fn artifacts_without_a_key_are_shown_byte_for_byte_as_they_were_declared() {
    for store in stores() {
        let ended = declaring(store.run(), unkeyed()).end();
        assert_eq!(ended.code, 0, "{}", ended.stderr);
        assert_eq!(outputs(&ended), &unkeyed());
        assert_eq!(store.keys(), [""; 0]);
        assert_eq!(uploads(&ended), &Value::Null);
        if let Store::S3(server) = &store {
            assert_eq!(server.connections(), 0);
        }
    }
}

#[test]
fn artifacts_stand_in_their_order_whatever_becomes_of_them() {
    for store in stores() {
        let declared = json!([
            { "name": "first", "path": "out/audit.md" },
            { "name": "second", "path": "out/two", "key": "z//two" },
            { "name": "third", "path": "out/three", "key": "/a//three", "url": "https://x" },
            { "name": "fourth", "url": "https://y" },
            { "name": "fifth", "path": "out/audit.md", "key": "b/" },
        ]);
        let run = declaring(store.run().shell(WRITES), declared.clone());
        let ended = run
            .setting(
                "artifacts/files",
                json!([
                    { "name": "third", "optional": true },
                    { "name": "sixth", "path": "out/two", "key": "six" },
                ]),
            )
            .end();
        assert_ends("order", &ended, &ends(0, "Completed", "Completed"));
        let mut wanted = declared;
        wanted[1]["key"] = json!("z/two");
        wanted[1]["url"] = json!(store.url("z/two"));
        // A file whose key ends with a slash has the key that the contract makes of it.
        wanted[4]["key"] = json!("b");
        wanted[4]["url"] = json!(store.url("b"));
        let sixth = outputs(&ended)[5].clone();
        let wanted = wanted.as_array_mut().expect("it is a list");
        wanted.push(json!({
            "name": "sixth",
            "path": ended.dir.path().join("out/two"),
            "key": "six",
            "url": store.url("six"),
        }));
        assert_eq!(outputs(&ended), &json!(wanted), "{sixth}");
        assert_eq!(store.keys(), ["b", "six", "z/two"]);
        assert_eq!(uploads(&ended)["missing"], 1);
    }
}

#[test]
fn a_missing_file_fails_a_run_that_would_have_succeeded_and_the_others_are_stored() {
    for store in stores() {
        let run = declaring(
            store.run().shell(WRITES),
            json!([
                { "name": "before", "path": "out/audit.md", "key": "before" },
                { "name": "report", "path": "out/report.md", "key": "report" },
                { "name": "after", "path": "out/two", "key": "after" },
            ]),
        );
        let ended = run.end();
        assert_ends(
            "missing",
            &ended,
            &ends(73, "ArtifactFailed", "NotDelivered"),
        );
        let path = ended.dir.path().join("out/report.md");
        let error = format!("artifact `report`: `{}` is not there", path.display());
        assert_eq!(ended.error(), error);
        assert_eq!(ended.status["process"]["exitCode"], 0);
        assert_eq!(store.keys(), ["after", "before"]);
        assert_eq!(outputs(&ended)[1].get("url"), None);
        assert_eq!(uploads(&ended)["missing"], 1);
        assert_eq!(uploads(&ended)["problem"], error);
    }
}

#[test]
fn an_agent_that_failed_keeps_its_code_and_its_artifacts_are_stored_all_the_same() {
    for store in stores() {
        let run = declaring(
            store.run().shell(&format!("{WRITES}; exit 7")),
            json!([
                { "name": "report", "path": "out/report.md", "key": "report" },
                { "name": "there", "path": "out/two", "key": "there" },
            ]),
        );
        let ended = run.end();
        assert_ends("failed", &ended, &ends(7, "AgentFailed", "NonZeroExit"));
        assert_eq!(store.keys(), ["there"]);
        assert_eq!(outputs(&ended)[1]["url"], store.url("there"));
        assert_eq!(uploads(&ended)["missing"], 1);
    }
}

#[test]
fn a_run_that_is_stopped_stores_what_there_is() {
    for store in stores() {
        let artifacts = json!([{ "name": "two", "path": "out/two", "key": "two" }]);
        let script = format!("{WRITES}; echo ready; exec sleep 1000");
        let started = declaring(store.run().shell(&script), artifacts).start();
        started.await_stdout("ready");
        started.signal(nix::sys::signal::Signal::SIGTERM);
        let ended = started.end();
        assert_eq!(ended.outcome(), "Cancelled", "{}", ended.status);
        assert_eq!(store.text("two"), "two\n");
        assert_eq!(outputs(&ended)[0]["url"], store.url("two"));
    }
}

#[test]
fn a_key_without_a_path_fails_a_run_that_would_have_succeeded() {
    for store in stores() {
        for artifact in [
            json!({ "name": "report", "key": "report" }),
            json!({ "name": "report", "key": "report", "path": " " }),
        ] {
            let ended = declaring(store.run(), json!([artifact])).end();
            assert_ends(
                "no path",
                &ended,
                &ends(73, "ArtifactFailed", "NotDelivered"),
            );
            let error = ended.error();
            assert!(
                error.contains("artifact `report`") && error.contains("no path"),
                "{error}"
            );
            assert_eq!(outputs(&ended), &json!([artifact]));
        }
        assert_eq!(store.keys(), [""; 0]);
    }
}

#[test]
fn an_empty_file_is_an_object_of_no_bytes() {
    for store in stores() {
        let artifacts = json!([{ "name": "empty", "path": "empty", "key": "empty" }]);
        let ended = declaring(store.run().shell(": > empty"), artifacts).end();
        assert_eq!(ended.code, 0, "{}", ended.stderr);
        assert_eq!(store.bytes("empty"), b"");
        assert_eq!(
            (&uploads(&ended)["objects"], &uploads(&ended)["bytes"]),
            (&json!(1), &json!(0))
        );
    }
}

#[test]
fn a_later_artifact_of_the_same_key_is_warned_of() {
    for store in stores() {
        let run = declaring(
            store.run().shell(WRITES),
            json!([
                { "name": "one", "path": "out/audit.md", "key": "same" },
                { "name": "two", "path": "out/two", "key": "/same" },
            ]),
        );
        let ended = run.end();
        assert_eq!(ended.code, 0, "{}", ended.stderr);
        assert_eq!(store.keys(), ["same"]);
        let warnings = ended.full["warnings"].to_string();
        assert!(warnings.contains("same"), "{warnings}");
    }
}
