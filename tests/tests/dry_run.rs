//! A dry run says everything that a run would do, and does none of it.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use agent_tests::{Ended, Run};
use serde_json::{Value, json};

/// A spec that uses whatever a plan can show.
fn everything(run: Run) -> Run {
    let payload = run.path("run.json");
    let content = json!({ "agentRun": { "name": "demo", "uid": "u-1", "namespace": "agents" } });
    fs::write(&payload, content.to_string()).expect("it can be written");
    run.spec("/inputs", json!({ "title": "Fix it", "stage": "audit" }))
        .spec("/payloads", json!({ "eventFilePath": payload }))
        .spec("/adapter/exec/binary", json!("/bin/sh"))
        .spec("/adapter/exec/argsTemplate", json!(["-c", "touch done\necho {{inputs.title}}"]))
        .spec("/adapter/exec/envTemplate", json!({ "STAGE": "{{inputs.stage}}", "EMPTY": "{{inputs.no}}" }))
        .spec("/adapter/exec/inputFiles", json!([
            { "path": "in/{{inputs.stage}}.md", "content": "# {{inputs.title}}\n", "mode": "0600" },
        ]))
        .spec("/adapter/exec/outputArtifacts", json!([
            { "name": "report", "path": "out/report.md" },
            { "name": "log", "path": "out/log", "key": "runs/{{inputs.stage}}/log" },
        ]))
        .spec("/adapter/exec/argTemplate", json!([]))
        .setting("prompt", json!("Do {{inputs.title}}.\nThen stop."))
        .setting("timeouts", json!({ "total": "1h", "idle": 90 }))
        .env("DEPLOY_TOKEN", "deploy-value-1234")
}

/// The text of a plan, with the run's directory by name.
fn text(ended: &Ended) -> String {
    let dir = ended.dir.path().display().to_string();
    ended.text().replace(&dir, "<dir>")
}

const TEXT: &str = "\
Run
  provider   fake
  adapter    exec
  name       demo
  uid        u-1
  namespace  agents
  attempt    1

Agent
  binary     /bin/sh
  arg 1      -c
  arg 2      touch done
             echo Fix it
  cwd        <dir>
  env        EMPTY=
  env        STAGE=audit
  inherits   3 variables
  prompt     Do Fix it.
             Then stop.
  timeout    afterResult 30 s
  timeout    idle 90 s
  timeout    total 3600 s

Input files
  0600       <dir>/in/audit.md (9 bytes)

Events
  journal    <dir>/agent/events.ndjson

Artifacts
  report     out/report.md
  log        <dir>/out/log → runs/audit/log
  store      none: no object store is configured

Runner
  status     <dir>/agent/status.json
  log        <dir>/agent/runner.log
  grace      30 s: agent 18 s, flush 9 s, status 3 s
  secrets    redacted: DEPLOY_TOKEN

Warnings
";

#[test]
fn a_plan_for_people_is_complete() {
    let ended = everything(Run::new()).arg("--dry-run").end();
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let text = text(&ended);
    let (plan, warnings) = text.split_at(text.find("Warnings\n").expect("there are some") + 9);
    assert_eq!(plan, TEXT);
    for warning in [
        "unknown field `adapter.exec.argTemplate`",
        "did you mean `argsTemplate`?",
        "inputs.no",
        "artifact `log` has a key, but no object store is configured",
    ] {
        assert!(
            warnings.contains(warning),
            "`{warning}` is not in {warnings}"
        );
    }
}

#[test]
fn a_plan_for_programs_is_complete() {
    let ended = everything(Run::new())
        .arg("--dry-run")
        .arg("--output=json")
        .end();
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let mut plan: Value = serde_json::from_str(&text(&ended)).expect("it is JSON");
    let warnings = plan["warnings"].take();
    assert_eq!(warnings.as_array().map(Vec::len), Some(3), "{warnings}");
    assert_eq!(
        plan,
        json!({
            "provider": "fake",
            "adapter": "exec",
            "run": { "name": "demo", "uid": "u-1", "namespace": "agents", "attempt": 1 },
            "process": {
                "binary": "/bin/sh",
                "args": ["-c", "touch done\necho Fix it"],
                "cwd": "<dir>",
                "env": { "EMPTY": "", "STAGE": "audit" },
                "inherited": ["DEPLOY_TOKEN", "PATH", "TMPDIR"],
                "prompt": "Do Fix it.\nThen stop.",
                "protocol": "raw",
                "timeouts": { "afterResult": 30.0, "idle": 90.0, "total": 3600.0 },
            },
            "files": [{ "path": "<dir>/in/audit.md", "mode": "0600", "content": "# Fix it\n" }],
            "artifacts": [
                { "name": "report", "path": "out/report.md" },
                { "name": "log", "path": "out/log", "key": "runs/audit/log" },
            ],
            "uploads": {
                "store": null,
                "problem": "no object store is configured",
                "prefix": "demo/1/",
                "deliveries": [{
                    "name": "log",
                    "path": "<dir>/out/log",
                    "key": "runs/audit/log",
                    "tree": false,
                    "when": "always",
                    "optional": false,
                }],
            },
            "statusPath": "<dir>/agent/status.json",
            "logPath": "<dir>/agent/runner.log",
            "events": {
                "journal": "<dir>/agent/events.ndjson",
                "output": false,
                "stdout": false,
                "traces": false,
                "speaker": {
                    "runUid": "u-1",
                    "runName": "demo",
                    "runNamespace": "agents",
                    "agentId": "fake",
                    "stage": "audit"
                },
            },
            "grace": { "total": 30.0, "stop": 18.0, "flush": 9.0, "status": 3.0 },
            "secrets": ["DEPLOY_TOKEN"],
            "warnings": null,
        })
    );
}

#[test]
fn the_verb_and_the_flag_print_the_same_plan() {
    for format in ["text", "json"] {
        let flag = everything(Run::new())
            .arg("--dry-run")
            .arg("--output")
            .arg(format)
            .end();
        let spec = flag.dir.path().join("spec.json");
        let verb = Run::new()
            .env("DEPLOY_TOKEN", "deploy-value-1234")
            .through(["env", "-C", &flag.dir.path().display().to_string()])
            .arg(spec)
            .arg("--output")
            .arg(format)
            .start_with(Some("plan".into()))
            .end();
        assert_eq!(verb.code, 0, "{}", verb.stderr);
        assert_eq!(verb.text(), flag.text());
    }
}

/// Every path below a directory, with what a change would change.
fn listing(directory: &Path) -> BTreeMap<PathBuf, (SystemTime, u64)> {
    let mut found = BTreeMap::new();
    let mut directories = vec![directory.to_owned()];
    while let Some(directory) = directories.pop() {
        let metadata = fs::metadata(&directory).expect("it is there");
        found.insert(
            directory.clone(),
            (metadata.modified().expect("Linux keeps it"), 0),
        );
        for entry in fs::read_dir(&directory).expect("it can be read").flatten() {
            let metadata = entry.metadata().expect("it is there");
            if metadata.is_dir() {
                directories.push(entry.path());
            } else {
                let modified = metadata.modified().expect("Linux keeps it");
                found.insert(entry.path(), (modified, metadata.len()));
            }
        }
    }
    found
}

#[test]
fn a_dry_run_touches_nothing() {
    let run = everything(Run::new());
    let dir = run.dir().to_owned();
    let ended = run.arg("--dry-run").end();
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let after = listing(&dir);
    let names: Vec<OsString> = after
        .keys()
        .filter_map(|path| path.strip_prefix(&dir).ok())
        .map(|path| path.as_os_str().to_owned())
        .collect();
    assert_eq!(names, ["", "run.json", "spec.json"]);
}

#[test]
fn a_dry_run_leaves_the_files_of_an_earlier_run_alone() {
    let first = everything(Run::new()).end();
    assert_eq!(first.code, 73, "{}", first.stderr);
    let before = listing(first.dir.path());
    let spec = first.dir.path().join("spec.json");
    let ended = Run::new()
        .through(["env", "-C", &first.dir.path().display().to_string()])
        .arg("--dry-run")
        .start_with(Some(spec))
        .end();
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert!(ended.text().contains("attempt    2"), "{}", ended.text());
    assert_eq!(listing(first.dir.path()), before);
}

/// Makes every mount read-only, and proves it.
const ALL_READ_ONLY: &str = r#"
while read -r _ at _; do mount -o remount,bind,ro "$at" 2> /dev/null || true; done < /proc/self/mounts
mount -o remount,bind,ro / 2> /dev/null || { mount --bind / / && mount -o remount,bind,ro /; }
if touch "$dir/proof" 2> /dev/null; then echo "not read-only" >&2; exit 99; fi
"#;

#[test]
fn a_dry_run_needs_nothing_that_can_be_written() {
    for format in ["text", "json"] {
        let ended = everything(Run::new())
            .arg("--dry-run")
            .arg("--output")
            .arg(format)
            .mounting(ALL_READ_ONLY)
            .end();
        assert_eq!(ended.code, 0, "{}", ended.stderr);
        assert!(ended.text().contains("Fix it"));
    }
}

#[test]
fn a_run_under_the_same_read_only_mounts_does_fail() {
    let ended = everything(Run::new()).mounting(ALL_READ_ONLY).end();
    assert_eq!(ended.code, 74, "{}", ended.stderr);
}

#[test]
fn a_spec_without_a_plan_has_the_exit_code_of_its_run() {
    let cases: [(&str, Value, i32, &str); 6] = [
        ("/provider", json!(""), 65, "`provider` is missing or empty"),
        (
            "/schemaVersion",
            json!("agents.proompteng.ai/runner/v9"),
            65,
            "unsupported schemaVersion",
        ),
        (
            "/runner/artifacts",
            json!({ "timeout": 0 }),
            65,
            "`runner.artifacts.timeout` is zero",
        ),
        ("/adapter/type", json!("exce"), 65, "did you mean `exec`?"),
        (
            "/adapter/exec/binary",
            json!(""),
            65,
            "`adapter.exec.binary` is missing",
        ),
        (
            "/adapter/type",
            json!("codex-app-server"),
            65,
            "`adapter.codex.prompt` is missing",
        ),
    ];
    for (pointer, value, code, message) in cases {
        let ended = Run::new()
            .spec(pointer, value.clone())
            .arg("--dry-run")
            .end();
        assert_eq!(ended.code, code, "{}", ended.stderr);
        assert!(
            ended.stderr.contains(message),
            "`{message}` is not in {}",
            ended.stderr
        );
        assert_eq!(ended.stdout, b"", "a plan that is none is not printed");
        assert_eq!(ended.status, Value::Null, "a dry run leaves no status");
        let real = Run::new().spec(pointer, value).end();
        assert_eq!(real.code, code, "the run itself ends the same");
    }
    let missing = Run::new()
        .arg("--dry-run")
        .start_with(Some("no-such.json".into()))
        .end();
    assert_eq!(missing.code, 66, "{}", missing.stderr);
}

#[test]
fn strict_templates_refuse_what_leads_nowhere() {
    let ended = Run::new()
        .agent(["print", "{{inputs.tilte}}"])
        .spec("/inputs", json!({ "title": "Fix it" }))
        .arg("--dry-run")
        .arg("--strict")
        .end();
    assert_eq!(ended.code, 65, "{}", ended.stderr);
    assert!(
        ended.stderr.contains("adapter.exec.argsTemplate[1]"),
        "{}",
        ended.stderr
    );
    assert!(ended.stderr.contains("did you mean"), "{}", ended.stderr);
}

#[test]
fn a_plan_shows_no_secret() {
    let ended = everything(Run::new())
        .spec("/adapter/exec/envTemplate/COPY", json!("deploy-value-1234"))
        .arg("--dry-run")
        .arg("--output=json")
        .end();
    assert!(
        ended.text().contains("[REDACTED:DEPLOY_TOKEN]"),
        "{}",
        ended.text()
    );
    assert!(!ended.text().contains("deploy-value-1234"));
}
