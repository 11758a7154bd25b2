//! Every ending that is not the agent's: the code we exit with, the status, no process behind.

use std::fs;
use std::path::PathBuf;

use agent_tests::{Ended, Run, assert_ends, ends};
use nix::sys::signal::Signal;
use serde_json::json;

/// A run whose status goes to the usual place although its spec cannot say so.
fn told_where() -> Run {
    let run = Run::new();
    let status = run.path("agent/status.json");
    run.env("AGENT_RUNNER_STATUS_PATH", status)
}

/// Runs a spec of these bytes.
fn spec_of(bytes: &[u8]) -> Ended {
    let run = told_where();
    let path = run.path("other.json");
    std::fs::write(&path, bytes).expect("the spec can be written");
    run.start_with(Some(path)).end()
}

#[test]
fn a_command_line_that_is_no_command_line_is_64() {
    let ended = told_where().arg("--no-such-flag").end();
    assert_ends("flag", &ended, &ends(64, "Usage", "BadArguments"));
    assert!(
        ended.error().contains("--no-such-flag"),
        "{}",
        ended.error()
    );
}

#[test]
fn a_spec_that_is_wrong_is_65() {
    for (name, bytes) in [
        ("empty", &b""[..]),
        ("half", b"{\"provider\": \"fake\","),
        ("not text", b"\xff\xfe{}"),
        ("not an object", b"[]"),
        ("wrong type", b"{\"provider\": 5}"),
        (
            "version",
            b"{\"schemaVersion\": \"agents.proompteng.ai/runner/v9\", \"provider\": \"fake\"}",
        ),
    ] {
        assert_ends(name, &spec_of(bytes), &ends(65, "SpecInvalid", "BadSpec"));
    }
    assert_ends(
        "none",
        &spec_of(b"{\"provider\": \"fake\"}"),
        &ends(65, "SpecInvalid", "NoAdapter"),
    );

    let invalid = |reason| ends(65, "SpecInvalid", reason);
    let args = "/adapter/exec/argsTemplate";
    assert_ends(
        "adapter",
        &Run::new().spec("/adapter/type", json!("exce")).end(),
        &invalid("UnknownAdapter"),
    );
    assert_ends(
        "binary",
        &Run::new().spec("/adapter/exec/binary", json!("")).end(),
        &invalid("NoBinary"),
    );
    assert_ends(
        "template",
        &Run::new()
            .spec(args, json!(["{{truncate inputs.a \"many\"}}"]))
            .end(),
        &invalid("BadTemplate"),
    );
    assert_ends(
        "strict",
        &Run::new()
            .spec(args, json!(["{{inputs.nowhere}}"]))
            .setting("strictTemplates", json!(true))
            .end(),
        &invalid("EmptyTag"),
    );
    assert_ends(
        "setting",
        &Run::new().env("AGENT_RUNNER_TIMEOUTS_TOTAL", "soon").end(),
        &invalid("BadSetting"),
    );
    assert_ends(
        "grace",
        &Run::new()
            .env("AGENT_RUNNER_TERMINATION_GRACE_SECONDS", "long")
            .end(),
        &invalid("BadSetting"),
    );
    assert_ends(
        "too much grace",
        &Run::new()
            .grace(10.0)
            .setting("graceSeconds", json!(9))
            .end(),
        &invalid("GraceTooShort"),
    );
}

#[test]
fn two_files_of_ours_on_one_path_are_65_and_both_are_named() {
    let run = Run::new();
    let (status, full) = (
        run.path("agent/status.json"),
        run.path("agent/status.full.json"),
    );
    let taken = ends(65, "SpecInvalid", "PathTaken");
    let ended = run.spec("/artifacts/logPath", json!(status)).end();
    assert_ends("log", &ended, &taken);
    assert!(
        ended.error().contains("the status and the log"),
        "{}",
        ended.error()
    );
    let ended = Run::new()
        .spec("/artifacts/statusPath", json!(status))
        .spec("/artifacts/logPath", json!(full))
        .env("AGENT_RUNNER_STATUS_PATH", &status)
        .arg("--dry-run")
        .end();
    assert_eq!(ended.code, 65, "{}", ended.stderr);
    assert!(
        ended.stderr.contains("the complete status and the log"),
        "{}",
        ended.stderr
    );
}

#[test]
fn a_pod_without_grace_is_stopped_at_once_and_still_has_a_status() {
    for grace in [0.0, 1.0] {
        let started = Run::new()
            .grace(grace)
            .agent(["ignore", "TERM", "ready", "hold"])
            .start();
        started.await_stdout("ready");
        started.signal(Signal::SIGTERM);
        let ended = started.end();
        assert_ends("TERM", &ended, &ends(143, "Cancelled", "SIGTERM"));
        assert_eq!(ended.status["process"]["killed"], true, "{}", ended.status);
        let warnings = ended.status["warnings"].to_string();
        assert!(warnings.contains("grace period of"), "{warnings}");
    }
}

#[test]
fn what_fails_again_whenever_it_is_tried_is_not_to_be_retried() {
    let run = Run::new();
    let full = run.path("full");
    fs::create_dir(&full).expect("it can be made");
    fs::write(full.join("file"), "").expect("it can be written");
    let ended = run
        .setting("cwd", json!(full))
        .setting("workspace/git/url", json!("https://127.0.0.1:1/o/r"))
        .end();
    assert_ends(
        "a full directory",
        &ended,
        &ends(74, "WorkspaceFailed", "NotEmpty"),
    );
    assert_eq!(ended.status["retryable"], false);
}

#[test]
fn an_input_that_is_missing_is_66() {
    let missing = |reason| ends(66, "InputMissing", reason);
    assert_ends(
        "no spec",
        &told_where().start_with(None).end(),
        &missing("NoSpec"),
    );
    let gone = Some(PathBuf::from("gone.json"));
    assert_ends(
        "no such spec",
        &told_where().start_with(gone).end(),
        &missing("SpecUnreadable"),
    );
    let run = told_where();
    let directory = Some(run.dir().to_owned());
    assert_ends(
        "directory",
        &run.start_with(directory).end(),
        &missing("SpecUnreadable"),
    );
    let binary = Run::new().spec("/adapter/exec/binary", json!("/nowhere/agent"));
    assert_ends("no binary", &binary.end(), &missing("BinaryMissing"));
}

#[test]
fn a_bug_of_ours_is_70_wherever_it_strikes() {
    for point in ["planned", "prepared", "ended"] {
        let run = Run::new().env("AGENT_RUNNER_FAULT", point);
        let ended = run.agent(["spawn", "setsid", "hold", ";"]).end();
        assert_ends(point, &ended, &ends(70, "Internal", "Panic"));
        assert!(ended.error().contains("was asked for"), "{}", ended.error());
    }
}

#[test]
fn a_keyed_artifact_without_a_store_is_73_only_for_a_run_that_would_have_succeeded() {
    let keyed = |steps: [&str; 2]| {
        let artifacts =
            json!([{ "name": "report", "path": "report.txt", "key": "runs/report.txt" }]);
        Run::new()
            .agent(steps)
            .spec("/adapter/exec/outputArtifacts", artifacts)
            .end()
    };
    assert_ends(
        "success",
        &keyed(["exit", "0"]),
        &ends(73, "ArtifactFailed", "NotDelivered"),
    );
    assert_ends(
        "failure",
        &keyed(["exit", "5"]),
        &ends(5, "AgentFailed", "NonZeroExit"),
    );
}

#[test]
fn an_input_file_that_cannot_be_written_is_74() {
    let run = Run::new();
    std::fs::create_dir(run.path("taken")).expect("a directory can be made");
    let files = json!([{ "path": run.path("taken"), "content": "x" }]);
    let ended = run.spec("/adapter/exec/inputFiles", files).end();
    assert_ends(
        "directory",
        &ended,
        &ends(74, "WorkspaceFailed", "NotAFile"),
    );
}

#[test]
fn a_secret_that_could_not_be_redacted_is_78_if_that_must_not_be() {
    let run = Run::new().env("FOO_TOKEN_FILE", "/nowhere/token");
    let ended = run.setting("redact/failClosed", json!(true)).end();
    assert_ends(
        "refused",
        &ended,
        &ends(78, "PolicyRefused", "SecretUnreadable"),
    );
    let lenient = Run::new().env("FOO_TOKEN_FILE", "/nowhere/token").end();
    assert_ends("lenient", &lenient, &ends(0, "Completed", "Completed"));
    assert!(
        lenient.status["warnings"]
            .to_string()
            .contains("FOO_TOKEN_FILE"),
        "{}",
        lenient.status
    );
}

#[test]
fn a_run_that_is_stopped_is_128_and_the_signal_that_stopped_it() {
    for (signal, code) in [(Signal::SIGINT, 130), (Signal::SIGTERM, 143)] {
        let started = Run::new().agent(["ready", "hold"]).start();
        started.await_stdout("ready");
        started.signal(signal);
        let ended = started.end();
        assert_ends(
            signal.as_str(),
            &ended,
            &ends(code, "Cancelled", signal.as_str()),
        );
        assert_eq!(ended.status["process"]["stopped"], signal.as_str());
    }
}
