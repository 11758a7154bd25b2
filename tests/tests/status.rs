//! The status is there, whole, valid and in its place, whatever the disk and the run do.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use agent_tests::{Ended, Run};
use serde_json::{Value, json};

/// A run whose status file is already there, with this content.
fn with_status_file(content: &[u8]) -> (Run, u64) {
    let run = Run::new();
    fs::create_dir(run.path("agent")).expect("it can be made");
    let path = run.path("agent/status.json");
    fs::write(&path, content).expect("it can be written");
    let inode = fs::metadata(&path).expect("it is there").ino();
    (run, inode)
}

/// Asserts that a time is RFC 3339 in UTC with whole seconds.
#[track_caller]
fn assert_time(value: &Value) {
    let text = value.as_str().expect("a time is text");
    let shape: String = text
        .chars()
        .map(|letter| if letter.is_ascii_digit() { '0' } else { letter })
        .collect();
    assert_eq!(shape, "0000-00-00T00:00:00Z", "{text}");
}

#[test]
fn the_status_is_written_in_place_over_longer_content() {
    let (run, inode) = with_status_file(&vec![b'x'; 100_000]);
    let path = run.path("agent/status.json");
    let ended = run.agent(["exit", "3"]).end();
    ended.assert_the_controller_reads_it();
    assert_eq!(fs::metadata(&path).expect("it is there").ino(), inode);
    assert!(ended.status_bytes.ends_with(b"}\n"));
}

#[test]
fn the_full_status_is_replaced_whole() {
    let (run, _) = with_status_file(b"");
    let path = run.path("agent/status.full.json");
    fs::write(&path, "old").expect("it can be written");
    // Who has the old one open reads the old one to its end.
    let mut old = fs::File::open(&path).expect("it is there");
    let ended = run.agent(["exit", "3"]).end();
    let mut text = String::new();
    std::io::Read::read_to_string(&mut old, &mut text).expect("it can be read");
    assert_eq!(text, "old");
    assert_eq!(ended.full["outcome"], "AgentFailed");
    assert_eq!(
        names(&ended.dir.path().join("agent")),
        [
            "events.ndjson",
            "runner.log",
            "status.full.json",
            "status.json"
        ]
    );
}

fn names(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).expect("it is there").flatten();
    let mut names: Vec<_> = entries
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

#[test]
fn every_field_of_the_contract_is_there() {
    let ended = Run::new()
        .spec(
            "/adapter/exec/outputArtifacts",
            json!([{ "name": "out", "path": "/out" }]),
        )
        .agent(["print", "hello", "exit", "3"])
        .end();
    let status = &ended.status;
    assert_eq!(status["status"], "failed");
    assert_eq!(status["provider"], "fake");
    assert_eq!(status["adapter"], "exec");
    assert!(
        status["binary"]
            .as_str()
            .is_some_and(|path| path.ends_with("/fake-agent"))
    );
    assert_eq!(status["args"], json!(["print", "hello", "exit", "3"]));
    assert_eq!(status["exitCode"], 3);
    assert_eq!(status["signal"], Value::Null);
    assert_time(&status["startedAt"]);
    assert_time(&status["finishedAt"]);
    assert!(status["startedAt"].as_str() <= status["finishedAt"].as_str());
    assert_eq!(status["cwd"], json!(ended.dir.path()));
    assert_eq!(
        status["artifacts"],
        json!({
            "statusPath": ended.dir.path().join("agent/status.json"),
            "logPath": ended.dir.path().join("agent/runner.log"),
            "outputArtifacts": [{ "name": "out", "path": "/out" }],
        })
    );
    assert_eq!(status["error"], "`fake-agent` exited with code 3: hello");
    assert_eq!(status["outcome"], "AgentFailed");
    assert_eq!(status["reason"], "NonZeroExit");
    assert_eq!(status["retryable"], false);
    assert_eq!(status["attempt"], 1);
    assert_eq!(
        status["process"],
        json!({ "exitCode": 3, "outputBytes": 6 })
    );
    for phase in ["loadMs", "prepareMs", "agentMs"] {
        assert!(status["timings"][phase].is_u64(), "{phase}: {status}");
    }
    assert_eq!(ended.full, *status, "nothing had to be cut");
}

#[test]
fn a_success_has_no_error_and_a_null_signal() {
    let ended = Run::new().end();
    ended.assert_the_controller_reads_it();
    assert_eq!(ended.status["status"], "succeeded");
    assert_eq!(ended.status.get("error"), None);
    assert_eq!(ended.status["signal"], Value::Null);
}

/// A run with far more to tell than the kubelet keeps.
fn talkative() -> Run {
    let words: Vec<String> = (0..300)
        .map(|n| format!("argument {n} \u{1f680}\"\\\n\t"))
        .collect();
    let mut args = vec!["args".to_owned()];
    args.extend(words);
    let artifacts: Vec<Value> = (0..100)
        .map(|n| json!({ "name": format!("artifact-{n}"), "path": format!("/out/{n}/{}", "p".repeat(100)) }))
        .collect();
    let mut run = Run::new()
        .agent(args)
        .spec("/adapter/exec/outputArtifacts", json!(artifacts));
    for number in 0..50 {
        run = run.spec(&format!("/unknown{number}{}", "u".repeat(100)), json!(1));
    }
    run
}

#[test]
fn a_status_with_much_to_tell_is_cut_for_the_kubelet_and_whole_beside_it() {
    let ended = talkative().end();
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    ended.assert_the_controller_reads_it();
    let truncated = ended.status["truncated"].to_string();
    assert!(
        truncated.contains("args") && truncated.contains("warnings"),
        "{truncated}"
    );
    assert_eq!(ended.full["args"].as_array().map(Vec::len), Some(301));
    assert_eq!(ended.full["warnings"].as_array().map(Vec::len), Some(50));
    let artifacts = &ended.full["artifacts"]["outputArtifacts"];
    assert_eq!(artifacts.as_array().map(Vec::len), Some(100));
    assert_eq!(ended.full.get("truncated"), None);
}

#[test]
fn a_long_last_line_is_cut_in_the_error() {
    let line = "\u{65e5}".repeat(2000);
    let ended = Run::new().agent(["eprint", &line, "exit", "9"]).end();
    assert_eq!(ended.code, 9);
    ended.assert_the_controller_reads_it();
    assert!(
        ended
            .error()
            .starts_with("`fake-agent` exited with code 9: "),
        "{}",
        ended.error()
    );
}

#[test]
fn an_argument_of_control_characters_fits_the_limit() {
    let hostile = "\u{1}\u{2}\u{7f}".repeat(10_000);
    let ended = Run::new().agent(["args", &hostile]).end();
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    ended.assert_the_controller_reads_it();
    assert_eq!(ended.full["args"][1], hostile);
}

/// Asserts that a status that cannot be in its place is on stderr and in a private file.
#[track_caller]
fn assert_status_elsewhere(ended: &Ended, path: &Path) {
    assert_eq!(
        ended.code, 3,
        "the exit code is the agent's: {}",
        ended.stderr
    );
    let complaint = format!("the status cannot be written to `{}`", path.display());
    assert!(ended.stderr.contains(&complaint), "{}", ended.stderr);
    let line = ended
        .stderr
        .lines()
        .find_map(|line| line.strip_prefix("status: "));
    let status: Value = serde_json::from_str(line.expect("it is on stderr")).expect("it is JSON");
    assert_eq!(status["outcome"], "AgentFailed");
    assert_eq!(status["exitCode"], 3);

    let scratch = fs::read_dir(ended.dir.path())
        .expect("it is there")
        .flatten();
    let mut scratch = scratch.filter(|entry| {
        entry
            .file_name()
            .to_string_lossy()
            .starts_with("agent-runner-")
    });
    let directory = scratch.next().expect("a scratch directory was made").path();
    assert_eq!(
        fs::metadata(&directory).expect("it is there").mode() & 0o777,
        0o700
    );
    let copy = fs::read(directory.join("status.json")).expect("it is there too");
    assert_eq!(
        serde_json::from_slice::<Value>(&copy).expect("it is JSON"),
        status
    );
    assert!(
        ended.stderr.contains(&directory.display().to_string()),
        "{}",
        ended.stderr
    );
}

#[test]
fn a_status_below_a_file_goes_elsewhere() {
    let run = Run::new().agent(["exit", "3"]);
    fs::write(run.path("file"), "").expect("it can be written");
    let path = run.path("file/status.json");
    let ended = run.spec("/artifacts/statusPath", json!(path)).end();
    assert_status_elsewhere(&ended, &path);
}

#[test]
fn a_status_on_a_read_only_mount_goes_elsewhere() {
    let run = Run::new().agent(["exit", "3"]);
    let path = run.path("mount/status.json");
    let ended = run
        .spec("/artifacts/statusPath", json!(path))
        .mounting("mkdir \"$dir/mount\"; mount -t tmpfs -o ro status \"$dir/mount\"")
        .end();
    assert_status_elsewhere(&ended, &path);
}

#[test]
fn a_status_on_a_full_device_goes_elsewhere() {
    let (run, _) = with_status_file(b"");
    let path = run.path("agent/status.json");
    let ended = run
        .agent(["exit", "3"])
        .mounting("mount --bind /dev/full \"$dir/agent/status.json\"")
        .end();
    assert_status_elsewhere(&ended, &path);
    assert_eq!(
        ended.full["outcome"], "AgentFailed",
        "there is room beside it"
    );
}

#[test]
fn a_status_that_nobody_wants_leaves_nothing_beside_it() {
    let ended = Run::new()
        .spec("/artifacts/statusPath", json!("/dev/null"))
        .agent(["exit", "3"])
        .end();
    assert_eq!(ended.code, 3);
    assert!(!Path::new("/dev/status.full.json").exists());
    assert!(
        !ended.stderr.contains("Status not written"),
        "{}",
        ended.stderr
    );
}

#[test]
fn a_status_on_a_full_volume_goes_elsewhere() {
    let run = Run::new().agent(["exit", "3"]);
    let path = run.path("small/status.json");
    let ended = run
        .spec("/artifacts/statusPath", json!(path))
        .mounting(
            "mkdir \"$dir/small\"; mount -t tmpfs -o size=64k status \"$dir/small\"\n\
             head -c 65536 /dev/zero > \"$dir/small/ballast\"",
        )
        .end();
    assert_status_elsewhere(&ended, &path);
}

#[test]
fn a_status_that_fits_in_place_survives_a_volume_without_room_beside_it() {
    let run = Run::new().agent(["exit", "3"]);
    let status = run.path("kubelet.json");
    fs::write(&status, "").expect("it can be written");
    // As the kubelet mounts it: one file of another volume, in a directory of a full one.
    let ended = run
        .spec("/artifacts/statusPath", json!("small/status.json"))
        .mounting(
            "mkdir \"$dir/small\"; mount -t tmpfs -o size=64k status \"$dir/small\"\n\
             touch \"$dir/small/status.json\"; mount --bind \"$dir/kubelet.json\" \"$dir/small/status.json\"\n\
             head -c 65536 /dev/zero > \"$dir/small/ballast\" || true",
        )
        .end();
    assert_eq!(ended.code, 3, "{}", ended.stderr);
    let text = fs::read(status).expect("it is there");
    let status: Value = serde_json::from_slice(&text).expect("it is JSON");
    assert_eq!(status["outcome"], "AgentFailed");
    assert!(
        ended
            .stderr
            .contains("the complete status cannot be written"),
        "{}",
        ended.stderr
    );
}

#[test]
fn a_status_path_that_is_a_directory_changes_no_exit_code() {
    let run = Run::new().agent(["exit", "3"]);
    let path = run.path("taken");
    fs::create_dir(&path).expect("it can be made");
    let ended = run.spec("/artifacts/statusPath", json!(path)).end();
    assert_status_elsewhere(&ended, &path);
}

#[test]
fn without_a_status_path_there_is_no_status() {
    let ended = Run::new()
        .spec("/artifacts/statusPath", json!(null))
        .agent(["exit", "3"])
        .end();
    assert_eq!(ended.code, 3, "{}", ended.stderr);
    assert_eq!(names(ended.dir.path()), ["agent", "spec.json"]);
    assert_eq!(names(&ended.dir.path().join("agent")), ["runner.log"]);
}

#[test]
fn the_attempt_counts_up_on_a_restart() {
    let first = Run::new().agent(["exit", "3"]).end();
    assert_eq!(first.status["attempt"], 1);
    let mut attempts = Vec::new();
    for _ in 0..2 {
        // The same container again: same spec, same directory.
        let path = first.dir.path().join("spec.json");
        let run = Run::new().spec(
            "/artifacts/statusPath",
            json!(first.status["artifacts"]["statusPath"]),
        );
        let again = run.start_with(Some(path)).end();
        attempts.push(again.status["attempt"].as_u64());
    }
    assert_eq!(attempts, [Some(2), Some(3)]);
}

#[test]
fn the_attempt_that_the_environment_tells_wins() {
    let ended = Run::new().env("AGENT_RUNNER_ATTEMPT", "7").end();
    assert_eq!(ended.status["attempt"], 7);
}

#[test]
fn a_previous_status_that_is_garbage_is_replaced() {
    let garbage: [&[u8]; 3] = [b"{\"attempt\":", b"\xff\xfe\0", b"[]"];
    for content in garbage {
        let (run, _) = with_status_file(content);
        fs::write(run.path("agent/status.full.json"), content).expect("it can be written");
        let ended = run.end();
        assert_eq!(ended.code, 0, "{}", ended.stderr);
        ended.assert_the_controller_reads_it();
        assert_eq!(ended.status["attempt"], 1);
    }
}

#[test]
fn the_status_path_of_the_command_line_wins() {
    let run = Run::new();
    let (told, flag) = (run.path("told.json"), run.path("flag.json"));
    let ended = run
        .env("AGENT_RUNNER_STATUS_PATH", &told)
        .arg("--status-path")
        .arg(&flag)
        .end();
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert!(flag.exists() && !told.exists());
    assert_eq!(ended.status, Value::Null, "the spec's path is not used");
}
