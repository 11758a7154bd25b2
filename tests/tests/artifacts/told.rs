//! What is said of artifacts while the run goes on: events, log, explanation.

use std::fs;

use agent_tests::{Ended, Run};
use serde_json::{Value, json};

use crate::store::{PREFIX, declaring, stores, uploads};

/// The events of a kind in the journal.
fn said(ended: &Ended, kind: &str) -> Vec<Value> {
    let journal = fs::read_to_string(ended.dir.path().join("agent/events.ndjson"));
    let journal = journal.expect("the journal is beside the status");
    let records = journal.lines();
    let records = records.map(|line| serde_json::from_str::<Value>(line).expect("it is JSON"));
    records.filter(|record| record["kind"] == kind).collect()
}

#[test]
fn there_is_one_event_for_each_artifact_that_says_what_became_of_it() {
    for store in stores() {
        let run = declaring(
            store
                .run()
                .shell("mkdir t; printf one > one; printf 22 > t/2; printf 333 > t/3"),
            json!([
                { "name": "unkeyed", "path": "one" },
                { "name": "one", "path": "one", "key": "//one" },
                { "name": "t", "path": "t", "key": "t/" },
                { "name": "gone", "path": "gone", "key": "gone" },
            ]),
        );
        let ended = run
            .setting("artifacts/include", json!(["log"]))
            .setting(
                "artifacts/files",
                json!([{ "name": "gone", "optional": true }]),
            )
            .end();
        assert_eq!(ended.code, 0, "{}", ended.stderr);
        let events = said(&ended, "artifact");
        let [one, tree, gone, log] = &events[..] else {
            panic!("{events:?}");
        };
        assert_eq!(one["role"], "system");
        let content = format!("Artifact one is stored at {}", store.url("one"));
        assert_eq!(one["content"], content);
        assert_eq!(
            one["attrs"],
            json!({
                "name": "one",
                "key": "one",
                "url": store.url("one"),
                "result": "stored",
                "objects": 1,
                "bytes": 3,
                // printf one | sha256sum
                "sha256": "7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed",
            })
        );
        let attrs = &tree["attrs"];
        assert_eq!((&attrs["objects"], &attrs["bytes"]), (&json!(2), &json!(5)));
        assert_eq!(
            (&attrs["url"], &attrs["key"]),
            (&json!(store.url("t/")), &json!("t/"))
        );
        assert_eq!(attrs.get("sha256"), None);
        let attrs = &gone["attrs"];
        assert_eq!(
            (&attrs["result"], &attrs["objects"]),
            (&json!("missing"), &json!(0))
        );
        assert_eq!(attrs.get("url").filter(|url| !url.is_null()), None);
        let content = gone["content"].as_str().unwrap_or_default();
        assert!(
            content.starts_with("Artifact gone is not stored: `"),
            "{content}"
        );
        assert_eq!(log["attrs"]["key"], format!("{PREFIX}runner.log"));
    }
}

#[test]
fn an_artifact_that_was_not_stored_says_why_in_its_event() {
    for store in stores() {
        let artifacts = json!([{ "name": "d", "path": "d", "key": "d" }]);
        let ended = declaring(store.run().shell("mkdir d"), artifacts).end();
        assert_eq!(ended.outcome(), "ArtifactFailed");
        let events = said(&ended, "artifact");
        let why = events[0]["content"].as_str().unwrap_or_default();
        assert!(why.contains("is a directory"), "{why}");
        assert_eq!(events[0]["attrs"]["result"], "refused");
        assert_eq!(events[0]["attrs"]["bytes"], 0);
    }
}

#[test]
fn a_run_without_artifacts_says_nothing_of_them() {
    let [_, store] = stores();
    let ended = declaring(
        store.run(),
        json!([{ "name": "log", "path": "agent/runner.log" }]),
    )
    .end();
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert_eq!(said(&ended, "artifact"), [] as [Value; 0]);
    assert_eq!(ended.full["artifacts"].get("uploads"), None);
    assert_eq!(ended.full["timings"].get("artifactsMs"), None);
}

#[test]
fn a_store_that_cannot_be_used_is_said_of_before_the_agent_runs() {
    let artifacts = json!([{ "name": "one", "path": "one", "key": "one" }]);
    let ended = declaring(Run::new().agent(["eprint", "the agent"]), artifacts).end();
    let early = ended.stderr.find("no object store is configured");
    let agent = ended.stderr.find("the agent");
    assert!(early.is_some() && early < agent, "{}", ended.stderr);
}

#[test]
fn the_status_that_the_controller_reads_stays_within_its_limit() {
    for store in stores() {
        let artifacts: Vec<Value> = (0..60)
            .map(|number| {
                let key = format!("{}/{number}", "long".repeat(40));
                json!({ "name": format!("artifact-{number}"), "path": "one", "key": key })
            })
            .collect();
        let run = declaring(store.run().shell("echo one > one"), json!(artifacts));
        let ended = run.end();
        assert_eq!(ended.code, 0, "{}", ended.stderr);
        ended.assert_the_controller_reads_it();
        assert_eq!(store.keys().len(), 60);
        assert_eq!(uploads(&ended)["objects"], 60);
        let whole = &ended.full["artifacts"]["outputArtifacts"];
        assert_eq!(whole.as_array().map(Vec::len), Some(60));
        assert!(whole[59]["url"].is_string());
    }
}
