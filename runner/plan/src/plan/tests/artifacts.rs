//! What is stored after the run: declared artifacts, those of the settings, the runner's own files.

mod credentials;
mod store;

use std::time::Duration;

use super::*;
use crate::plan::Delivery;
use crate::settings::{Included, When};

/// A run whose artifacts go somewhere, so that nothing warns of the store.
fn stored() -> Asked {
    Asked::exec()
        .env("AGENTS_ARTIFACTS_ENDPOINT", "file:///store")
        .payload(json!({ "agentRun": { "name": "fix-7", "uid": "u-1" } }))
}

fn declared(asked: Asked, artifacts: Value) -> Asked {
    asked.spec("/adapter/exec/outputArtifacts", artifacts)
}

/// The artifacts that are stored, without warnings.
#[track_caller]
fn deliveries(asked: &Asked) -> Vec<Delivery> {
    let plan = asked.planned();
    assert_eq!(plan.warnings, [""; 0]);
    plan.artifacts.deliveries
}

/// An artifact in short: which declared one it is, its name, its file, its key.
fn short(delivery: &Delivery) -> (Option<usize>, &str, &str, &str) {
    let path = delivery.path.as_deref().expect("it has a path");
    let key = delivery.key.as_deref().expect("it has a key");
    (
        delivery.declared,
        &delivery.name,
        path.to_str().expect("tests have text"),
        key,
    )
}

#[test]
fn a_declared_artifact_is_stored_if_it_has_a_key_and_stays_as_it_is() {
    let asked = declared(
        stored().spec("/inputs", json!({ "stage": "audit" })),
        json!([
            { "name": "runner-log", "path": "/workspace/.agent/runner.log" },
            { "name": "report", "path": "out/{{inputs.stage}}.md", "key": "/runs// {{inputs.stage}} /report.md" },
            { "name": "blank", "path": "a", "key": " \u{feff}" },
            { "name": "tree", "path": "/out", "key": "runs/tree/", "url": "https://a" },
        ]),
    );
    let plan = asked.planned();
    let shown = serde_json::to_value(&plan.artifacts.declared).expect("it is JSON");
    assert_eq!(
        shown,
        json!([
            { "name": "runner-log", "path": "/workspace/.agent/runner.log" },
            { "name": "report", "path": "out/audit.md", "key": "/runs// audit /report.md" },
            { "name": "blank", "path": "a", "key": " \u{feff}" },
            { "name": "tree", "path": "/out", "key": "runs/tree/", "url": "https://a" },
        ])
    );
    let deliveries = deliveries(&asked);
    let shorts: Vec<_> = deliveries.iter().map(short).collect();
    assert_eq!(
        shorts,
        [
            (
                Some(1),
                "report",
                "/workspace/out/audit.md",
                "runs/audit/report.md"
            ),
            (Some(3), "tree", "/out", "runs/tree"),
        ]
    );
    assert_eq!(
        deliveries
            .iter()
            .map(|delivery| delivery.is_tree)
            .collect::<Vec<_>>(),
        [false, true]
    );
    for delivery in &deliveries {
        assert_eq!(delivery.when, When::Always);
        assert!(!delivery.optional && delivery.exclude.is_empty());
        assert_eq!(
            (delivery.max_bytes, delivery.content_type.as_ref()),
            (None, None)
        );
    }
}

#[test]
fn an_entry_without_path_and_key_refines_the_declared_artifact_of_its_name() {
    let asked = declared(
        stored()
            .setting("artifacts/when", json!("success"))
            .setting("artifacts/maxBytes", json!(100)),
        json!([
            { "name": "report", "path": "r", "key": "k/report" },
            { "name": "other", "path": "o", "key": "k/other" },
        ]),
    );
    let refined = asked.clone().setting(
        "artifacts/files",
        json!([{
            "name": "report", "optional": true, "when": "failure", "maxBytes": 7,
            "contentType": "text/markdown", "exclude": ["*.tmp"], "path": " ", "key": "",
        }]),
    );
    let deliveries = deliveries(&refined);
    assert_eq!(deliveries.len(), 2);
    let report = &deliveries[0];
    assert_eq!(
        short(report),
        (Some(0), "report", "/workspace/r", "k/report")
    );
    assert_eq!((report.optional, report.when), (true, When::Failure));
    assert_eq!(report.max_bytes, Some(7));
    assert_eq!(report.content_type.as_deref(), Some("text/markdown"));
    assert_eq!(report.exclude, ["*.tmp"]);
    let other = &deliveries[1];
    assert_eq!((other.optional, other.when), (false, When::Success));
    assert_eq!(other.max_bytes, Some(100));
    // Nothing said is nothing changed, and zero is no limit.
    let entries = json!([{ "name": "report" }, { "name": "other", "maxBytes": 0 }]);
    let plan = asked.setting("artifacts/files", entries).planned();
    let [report, other] = &plan.artifacts.deliveries[..] else {
        panic!("{:?}", plan.artifacts.deliveries);
    };
    assert_eq!((report.when, report.max_bytes), (When::Success, Some(100)));
    assert_eq!(other.max_bytes, None);
}

#[test]
fn an_entry_makes_an_unkeyed_artifact_durable_and_leaves_it_as_it_is() {
    let log = json!({ "name": "runner-log", "path": "/workspace/.agent/runner.log" });
    let asked = declared(stored(), json!([log])).setting(
        "artifacts/files",
        json!([{ "name": "runner-log" }, { "name": "runner-log", "key": "logs/{{agentRun.uid}}" }]),
    );
    let plan = asked.planned();
    assert_eq!(json!(plan.artifacts.declared), json!([log]));
    let deliveries = deliveries(&asked);
    let path = "/workspace/.agent/runner.log";
    assert_eq!(
        deliveries.iter().map(short).collect::<Vec<_>>(),
        [
            (None, "runner-log", path, "fix-7/1/runner-log"),
            (None, "runner-log", path, "logs/u-1"),
        ]
    );
    let are_trees: Vec<_> = deliveries.iter().map(|delivery| delivery.is_tree).collect();
    assert_eq!(are_trees, [true, false]);
}

#[test]
fn an_entry_with_a_path_is_a_file_of_its_own_whatever_is_declared() {
    let asked = declared(
        stored().spec("/inputs", json!({ "dir": "src" })),
        json!([{ "name": "work", "path": "w", "key": "k/work" }]),
    )
    .env("AGENT_RUNNER_ATTEMPT", "3")
    .setting("artifacts/prefix", json!("/ci/ {{agentRun.uid}} //"))
    .setting(
        "artifacts/files",
        json!([
            { "name": "work", "path": "{{inputs.dir}}/**/*.rs", "optional": true },
            { "name": "{{inputs.dir}}/all", "path": "/all" },
            { "name": "x", "path": "/x", "key": "k/x/", "exclude": ["target"] },
        ]),
    );
    let deliveries = deliveries(&asked);
    assert_eq!(
        deliveries.iter().map(short).collect::<Vec<_>>(),
        [
            (Some(0), "work", "/workspace/w", "k/work"),
            (
                None,
                "work",
                "/workspace/src/**/*.rs",
                "ci/u-1/fix-7/3/work"
            ),
            (None, "src/all", "/all", "ci/u-1/fix-7/3/src/all"),
            (None, "x", "/x", "k/x"),
        ]
    );
    assert!(deliveries[1].optional && !deliveries[2].optional);
    assert!(deliveries[1].is_tree && deliveries[3].is_tree);
    assert_eq!(deliveries[3].exclude, ["target"]);
}

#[test]
fn an_entry_that_speaks_of_nothing_is_refused_with_what_was_meant() {
    let entry = |entry: Value| {
        declared(
            stored(),
            json!([{ "name": "report", "path": "r", "key": "k" }, { "name": "bare" }]),
        )
        .setting("artifacts/files", json!([entry]))
        .refused()
    };
    let error = entry(json!({ "name": "raport" }));
    assert_eq!(
        error.to_string(),
        "`runner.artifacts.files[0]`: the artifact `raport` is not declared, and has no path"
    );
    assert_eq!(error.hint().as_deref(), Some("did you mean `report`?"));
    assert_eq!(error.reason(), "BadArtifact");
    // Of its own name there is only another entry, which has said all of itself.
    let twice = json!([{ "name": "own", "path": "/a" }, { "name": "own", "optional": true }]);
    let error = stored().setting("artifacts/files", twice).refused();
    let problem =
        "`runner.artifacts.files[1]`: the artifact `own` is not declared, and has no path";
    assert_eq!(error.to_string(), problem);
    for (given, problem) in [
        (
            json!({ "name": "new", "key": "k" }),
            "is not declared, and has no path",
        ),
        (
            json!({ "name": "bare" }),
            "is declared without a path, and has none here either",
        ),
        (json!({ "path": "/a" }), "has no name"),
        (json!({ "name": "\u{feff}", "path": "/a" }), "has no name"),
        (
            json!({ "name": "a", "path": "/a", "contentType": "text/plain\r\nx: y" }),
            "has a content type that cannot stand in a header",
        ),
    ] {
        let error = entry(given.clone());
        assert!(error.to_string().ends_with(problem), "{given}: {error}");
        assert!(error.hint().is_some(), "{given}");
    }
}

#[test]
fn what_cannot_be_stored_is_said_early_and_is_no_reason_not_to_run() {
    let asked = declared(
        stored(),
        json!([
            { "name": "up", "path": "a", "key": "a/../b" },
            { "name": "nowhere", "path": " ", "key": "k" },
        ]),
    )
    .setting(
        "artifacts/files",
        json!([
            { "name": "..", "path": "/a", "optional": true },
            { "name": "slashes", "path": "/a", "key": " / ", "when": "failure" },
        ]),
    );
    let plan = asked.planned();
    assert!(plan.artifacts.deliveries[1].path.is_none());
    assert_eq!(
        plan.warnings,
        [
            "artifact `up` has the key `a/../b`, which has a segment `..`, that clients and directories resolve away: write it without: a run that succeeds will end ArtifactFailed",
            "artifact `nowhere` has a key and no path: write the path of its file: a run that succeeds will end ArtifactFailed",
            "artifact `..` has the key `fix-7/1/..`, which has a segment `..`, that clients and directories resolve away: write it without",
            "artifact `slashes` has the key ` / `, of which nothing is left without slashes and white space: write a name",
        ]
    );
}

#[test]
fn two_artifacts_of_one_run_with_one_key_are_a_warning() {
    let asked = |first: &str, second: &str| {
        stored().setting(
            "artifacts/files",
            json!([
                { "name": "a", "path": "/a", "key": "k/x", "when": first },
                { "name": "b", "path": "/b", "key": "k//x", "when": second },
            ]),
        )
    };
    for (first, second) in [("always", "failure"), ("success", "success")] {
        assert_eq!(
            asked(first, second).planned().warnings,
            ["artifacts `a` and `b` have one key, `k/x`: one replaces the other"]
        );
    }
    assert_eq!(asked("success", "failure").planned().warnings, [""; 0]);
}

#[test]
fn the_prefix_is_normal_and_says_run_and_attempt() {
    let prefix = |asked: Asked| asked.planned().artifacts.prefix;
    assert_eq!(prefix(stored()), "fix-7/1/");
    assert_eq!(prefix(Asked::exec()), "fake/1/");
    let of = |run: Value| prefix(Asked::exec().payload(json!({ "agentRun": run })));
    assert_eq!(of(json!({ "uid": "u-1" })), "u-1/1/");
    assert_eq!(of(json!({ "name": " ", "uid": "u-1" })), "u-1/1/");
    assert_eq!(of(json!({ "name": "../a/b" })), "..-a-b/1/");
    assert_eq!(of(json!({ "name": "..", "uid": "/" })), "-/1/");
    assert_eq!(
        prefix(Asked::exec().spec("/provider", json!(".."))),
        "run/1/"
    );
    let told = |prefix: &str| stored().setting("artifacts/prefix", json!(prefix));
    assert_eq!(prefix(told(" /ci//{{agentRun.uid}}/ ")), "ci/u-1/fix-7/1/");
    assert_eq!(prefix(told("{{inputs.gone}}")), "fix-7/1/");
    let error = told("ci/../{{agentRun.uid}}").refused();
    assert_eq!(
        error.to_string(),
        "`runner.artifacts.prefix` renders to `ci/../u-1`, which has a segment `..`, that clients and directories resolve away: write it without"
    );
    assert_eq!(error.reason(), "BadPath");
}

#[test]
fn the_runners_own_files_are_stored_that_there_will_be() {
    let all = json!([
        "log",
        "journal",
        "status",
        "workspace-wip",
        "manifest",
        "log"
    ]);
    let asked = stored()
        .setting("artifacts/include", all.clone())
        .spec(
            "/artifacts",
            json!({ "statusPath": "/s/status.json", "logPath": "/s/log" }),
        )
        .setting(
            "workspace",
            json!({ "git": { "url": "https://h/a/b" }, "wip": true }),
        )
        .setting("cwd", json!("/workspace/repo"));
    let plan = asked.planned();
    assert_eq!(plan.warnings, [""; 0]);
    assert_eq!(
        plan.artifacts.include,
        [
            Included::Log,
            Included::Journal,
            Included::Status,
            Included::WorkspaceWip,
            Included::Manifest,
        ]
    );
    let plan = stored().setting("artifacts/include", all).planned();
    assert_eq!(plan.artifacts.include, [Included::Manifest]);
    assert_eq!(
        plan.warnings,
        [
            "`artifacts.include` stores no `log`: there is no `artifacts.logPath`",
            "`artifacts.include` stores no `journal`: the journal is a private one, gone at the end",
            "`artifacts.include` stores no `status`: there is no `artifacts.statusPath`",
            "`artifacts.include` stores no `workspace-wip`: `workspace.wip` saves nothing",
            "`artifacts.include` stores no `log`: there is no `artifacts.logPath`",
        ]
    );
}

#[test]
fn storing_may_take_an_hour_unless_told_but_not_no_time() {
    let timeout = |asked: Asked| asked.planned().artifacts.timeout;
    assert_eq!(timeout(Asked::exec()), Duration::from_hours(1));
    let told = |text: &str| Asked::exec().flag("artifacts.timeout", text);
    assert_eq!(timeout(told("90s")), Duration::from_secs(90));
    let error = told("0").refused();
    assert_eq!(error.to_string(), "`runner.artifacts.timeout` is zero");
}

#[test]
fn a_file_with_a_secret_is_refused_where_redaction_fails_closed() {
    assert!(!Asked::exec().planned().artifacts.fail_closed);
    let closed = Asked::exec().setting("redact/failClosed", json!(true));
    assert!(closed.planned().artifacts.fail_closed);
}

#[test]
fn when_is_of_runs_that_succeeded_and_of_runs_that_did_not() {
    for (when, word, applies) in [
        (When::Always, "always", [true, true]),
        (When::Success, "success", [true, false]),
        (When::Failure, "failure", [false, true]),
    ] {
        assert_eq!(
            [when.applies(true), when.applies(false)],
            applies,
            "{when:?}"
        );
        assert_eq!(json!(when), when.word());
        assert_eq!(when.word(), word);
    }
    for included in ["log", "journal", "status", "workspace-wip", "manifest"] {
        let parsed: Included = serde_json::from_value(json!(included)).expect("a word of it");
        assert_eq!(parsed.word(), included);
    }
}

#[test]
fn a_field_that_nobody_knows_is_a_warning_with_its_place() {
    let asked = stored().setting(
        "artifacts",
        json!({ "log": true, "files": [{ "nane": "a", "name": "b", "path": "/b" }] }),
    );
    let warnings = asked.planned().warnings.join("\n");
    assert!(
        warnings.contains("adapter.runner.artifacts.log"),
        "{warnings}"
    );
    assert!(warnings.contains("nane"), "{warnings}");
}
