//! What the settings say of artifacts, and what they add.

use agent_tests::{Run, S3Server, assert_ends, ends};
use serde_json::{Value, json};

use crate::store::{PREFIX, Store, declaring, named, outputs, over, stores, uploads};

/// Writes a file of five bytes.
const FIVE: &str = "printf five5 > five";

fn files(run: Run, files: Value) -> Run {
    run.setting("artifacts/files", files)
}

#[test]
fn an_artifact_is_stored_after_the_runs_that_it_is_for() {
    for (when, default, after_success, after_failure) in [
        (None, None, true, true),
        (Some("always"), Some("success"), true, true),
        (Some("success"), None, true, false),
        (Some("failure"), Some("always"), false, true),
        (None, Some("success"), true, false),
        (None, Some("failure"), false, true),
    ] {
        for (code, is_stored) in [(0, after_success), (4, after_failure)] {
            for store in stores() {
                let mut entry = json!({ "name": "five", "path": "five", "key": "five" });
                entry["when"] = json!(when);
                let run = files(
                    store.run().shell(&format!("{FIVE}; exit {code}")),
                    json!([entry]),
                );
                let ended = run.setting("artifacts/when", json!(default)).end();
                let name = format!("{when:?} {default:?} {code}");
                assert_eq!(ended.code, code, "{name}: {}", ended.stderr);
                let wanted: &[&str] = if is_stored { &["five"] } else { &[] };
                assert_eq!(store.keys(), wanted, "{name}");
                assert_eq!(outputs(&ended)[0].is_object(), is_stored, "{name}");
            }
        }
    }
}

#[test]
fn what_is_not_for_a_run_is_not_missed_by_it() {
    let [store, _] = stores();
    let run = declaring(
        store.run(),
        json!([{ "name": "core", "path": "core", "key": "core" }]),
    );
    let ended = files(run, json!([{ "name": "core", "when": "failure" }])).end();
    assert_ends("core", &ended, &ends(0, "Completed", "Completed"));
}

#[test]
fn what_is_optional_may_be_missing_and_may_be_refused() {
    for store in stores() {
        let run = files(
            store.run().shell(FIVE),
            json!([
                { "name": "gone", "path": "gone", "optional": true },
                { "name": "large", "path": "five", "maxBytes": 4, "optional": true },
                { "name": "five", "path": "five", "optional": true },
            ]),
        );
        let ended = run.end();
        assert_ends("optional", &ended, &ends(0, "Completed", "Completed"));
        assert_eq!(store.keys(), [format!("{PREFIX}five")]);
        let uploads = uploads(&ended);
        assert_eq!(
            (&uploads["missing"], &uploads["refused"]),
            (&json!(1), &json!(1))
        );
        let problem = uploads["problem"].as_str().unwrap_or_default();
        assert!(problem.contains("artifact `large`"), "{uploads}");
    }
}

#[test]
fn a_file_that_is_too_large_is_refused() {
    for (of_entry, of_all, is_stored) in [
        (Some(5), None, true),
        (Some(4), None, false),
        (None, Some(4), false),
        (Some(5), Some(4), true),
        (Some(0), Some(4), true),
        (None, Some(0), true),
    ] {
        for store in stores() {
            let entry =
                json!([{ "name": "five", "path": "five", "key": "five", "maxBytes": of_entry }]);
            let run = files(store.run().shell(FIVE), entry);
            let ended = run.setting("artifacts/maxBytes", json!(of_all)).end();
            let name = format!("{of_entry:?} {of_all:?}");
            if is_stored {
                assert_eq!(ended.code, 0, "{name}: {}", ended.stderr);
                assert_eq!(store.text("five"), "five5");
            } else {
                assert_ends(&name, &ended, &ends(73, "ArtifactFailed", "NotDelivered"));
                let error = "artifact `five`: it has 5 bytes, more than the 4 of `maxBytes`";
                assert_eq!(ended.error(), error);
                assert_eq!(uploads(&ended)["refused"], 1);
                assert_eq!(store.keys(), [""; 0]);
            }
        }
    }
}

#[test]
fn a_tree_without_its_largest_files_is_stored_and_fails_the_run() {
    for store in stores() {
        let script = "mkdir t; echo 1 > t/a; echo 1234567 > t/b; echo 2 > t/c";
        let entry = json!([{ "name": "t", "path": "t", "key": "t/", "maxBytes": 4 }]);
        let ended = files(store.run().shell(script), entry).end();
        assert_ends("tree", &ended, &ends(73, "ArtifactFailed", "NotDelivered"));
        assert_eq!(store.keys(), ["t/a", "t/c"]);
        let uploads = uploads(&ended);
        assert_eq!(
            (&uploads["objects"], &uploads["refused"]),
            (&json!(2), &json!(1))
        );
    }
}

#[test]
fn objects_say_what_they_are_by_their_names_by_their_content_or_as_told() {
    let server = S3Server::new();
    let script = "printf '{}' > a.json; echo x > a.MD; echo x > plain; printf '\\0' > raw; \
        printf '\\377' > latin; echo x > told.json; : > empty";
    let run = over(named(Run::new()), &server).shell(script);
    let names = ["a.json", "a.MD", "plain", "raw", "latin", "empty"];
    let mut entries: Vec<Value> = (names.iter())
        .map(|name| json!({ "name": name, "path": name, "key": name }))
        .collect();
    entries.push(json!({
        "name": "told", "path": "told.json", "key": "told", "contentType": " application/x-told; v=1 ",
    }));
    let ended = files(run, json!(entries)).end();
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    for (key, wanted) in [
        ("a.json", "application/json"),
        ("a.MD", "text/markdown; charset=utf-8"),
        ("plain", "text/plain; charset=utf-8"),
        ("empty", "text/plain; charset=utf-8"),
        ("raw", "application/octet-stream"),
        ("latin", "application/octet-stream"),
        ("told", "application/x-told; v=1"),
    ] {
        let object = server.object(key).expect(key);
        assert_eq!(object.content_type.as_deref(), Some(wanted), "{key}");
    }
}

#[test]
fn keys_that_nobody_wrote_begin_with_the_prefix_the_run_and_the_attempt() {
    for (prefix, wanted) in [
        (None, "fix-7/3/five"),
        (Some("/ci//{{inputs.stage}}/ "), "ci/audit/fix-7/3/five"),
        (Some(""), "fix-7/3/five"),
    ] {
        for store in stores() {
            let run = files(
                store.run().shell(FIVE),
                json!([{ "name": "five", "path": "five" }]),
            )
            .setting("artifacts/prefix", json!(prefix))
            .env("AGENT_RUNNER_ATTEMPT", "3");
            let ended = run.end();
            assert_eq!(ended.code, 0, "{}", ended.stderr);
            assert_eq!(store.keys(), [wanted]);
            assert_eq!(outputs(&ended)[0]["url"], store.url(wanted));
        }
    }
}

#[test]
fn a_prefix_that_leads_away_is_an_error_of_the_spec() {
    let [_, store] = stores();
    let run = files(
        store.run().shell(FIVE),
        json!([{ "name": "five", "path": "five" }]),
    );
    let ended = run.setting("artifacts/prefix", json!("ci/../..")).end();
    assert_eq!(
        (ended.code, ended.outcome()),
        (65, "SpecInvalid"),
        "{}",
        ended.stderr
    );
    assert!(
        ended.error().contains("artifacts.prefix"),
        "{}",
        ended.error()
    );
    assert_eq!(store.keys(), [""; 0]);
}

#[test]
fn an_entry_of_a_declared_name_says_more_of_that_artifact() {
    for store in stores() {
        let run = declaring(
            store
                .run()
                .shell("mkdir t; echo 1 > t/a; echo 12345 > t/b; echo c > t/c.o"),
            json!([
                { "name": "tree", "path": "t", "key": "t/" },
                { "name": "gone", "path": "gone", "key": "gone" },
                { "name": "late", "path": "t/a", "key": "late" },
            ]),
        );
        let run = files(
            run,
            json!([
                { "name": "tree", "maxBytes": 100, "exclude": ["*.o"], "contentType": "text/x-tree" },
                { "name": "gone", "optional": true },
                { "name": "late", "when": "failure" },
            ]),
        );
        let ended = run.setting("artifacts/maxBytes", json!(3)).end();
        assert_ends("more", &ended, &ends(0, "Completed", "Completed"));
        assert_eq!(store.keys(), ["t/a", "t/b"]);
        assert_eq!(outputs(&ended).as_array().map(Vec::len), Some(3));
        if let Store::S3(server) = &store {
            let object = server.object("t/a").expect("it is there");
            assert_eq!(object.content_type.as_deref(), Some("text/x-tree"));
        }
    }
}

#[test]
fn an_entry_of_a_declared_name_without_a_key_makes_its_file_last() {
    for store in stores() {
        let declared = json!({ "name": "runner-log", "path": "agent/runner.log" });
        let run = declaring(store.run().agent(["print", "hello"]), json!([declared]));
        let ended = files(run, json!([{ "name": "runner-log" }])).end();
        assert_eq!(ended.code, 0, "{}", ended.stderr);
        let key = format!("{PREFIX}runner-log");
        assert_eq!(store.text(&key), "hello\n");
        // What was declared is the same tuple for the controller, and what is stored another.
        let path = ended.dir.path().join("agent/runner.log");
        let stored =
            json!({ "name": "runner-log", "path": path, "key": key, "url": store.url(&key) });
        assert_eq!(outputs(&ended), &json!([declared, stored]));
    }
}

#[test]
fn an_entry_about_nothing_is_an_error_of_the_spec() {
    let [_, store] = stores();
    for (entry, words) in [
        (json!({ "name": "reprot" }), "did you mean `report`?"),
        (json!({ "name": "nowhere" }), "declared without a path"),
        (json!({ "path": "x" }), "no name"),
    ] {
        let run = declaring(
            store.run(),
            json!([
                { "name": "report", "path": "r", "key": "r" },
                { "name": "nowhere", "url": "https://x" },
            ]),
        );
        let ended = files(run, json!([entry])).end();
        assert_eq!(
            (ended.code, ended.outcome()),
            (65, "SpecInvalid"),
            "{entry}: {}",
            ended.stderr
        );
        assert!(ended.stderr.contains(words), "{entry}: {}", ended.stderr);
        assert!(
            ended.error().contains("artifacts.files[0]"),
            "{}",
            ended.error()
        );
    }
}

#[test]
fn objects_are_encrypted_and_classed_as_told() {
    for (encryption, kms_key, wanted) in [
        ("none", None, (None, None)),
        ("s3", None, (Some("AES256"), None)),
        ("kms", None, (Some("aws:kms"), None)),
        ("kms", Some("key-1"), (Some("aws:kms"), Some("key-1"))),
    ] {
        let server = S3Server::new();
        let script = format!("{FIVE}; head -c 17000000 /dev/zero > large");
        let entries = json!([
            { "name": "five", "path": "five", "key": "five" },
            { "name": "large", "path": "large", "key": "large" },
        ]);
        let run = files(over(named(Run::new()), &server).shell(&script), entries)
            .setting("artifacts/encryption", json!(encryption))
            .setting("artifacts/kmsKey", json!(kms_key))
            .setting("artifacts/storageClass", json!("STANDARD_IA"));
        let ended = run.end();
        assert_eq!(ended.code, 0, "{}", ended.stderr);
        for (key, parts) in [("five", None), ("large", Some(3))] {
            let object = server.object(key).expect(key);
            assert_eq!(object.parts, parts);
            let found = (object.encryption.as_deref(), object.kms_key.as_deref());
            assert_eq!(found, wanted, "{key}");
            assert_eq!(object.storage_class.as_deref(), Some("STANDARD_IA"));
        }
    }
}

#[test]
fn storing_takes_no_longer_than_its_timeout() {
    let server = S3Server::new().fault(agent_tests::S3Fault::silence());
    let run = files(
        over(named(Run::new()), &server).shell(FIVE),
        json!([{ "name": "five", "path": "five" }]),
    );
    let ended = run.setting("artifacts/timeout", json!(1)).end();
    assert_ends(
        "stalled",
        &ended,
        &ends(73, "ArtifactFailed", "NotDelivered"),
    );
    assert!(ended.error().contains("no time left"), "{}", ended.error());
    assert_eq!(uploads(&ended)["pending"], 1);
    assert!(ended.took.as_secs() < 10, "{:?}", ended.took);
}
