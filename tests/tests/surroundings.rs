//! What a parent, a shell or a pod hands to us besides the spec: masks, limits, directories.

use std::os::unix::ffi::OsStringExt;

use agent_tests::Run;
use nix::sys::signal::Signal;
use serde_json::json;

/// Runs the binary in a shell that has done `preparation` before.
fn after(preparation: &str) -> [String; 4] {
    let script = format!("{preparation}; exec \"$@\"");
    ["sh".to_owned(), "-c".to_owned(), script, "sh".to_owned()]
}

#[test]
fn signals_that_the_parent_had_blocked_still_stop_the_run() {
    let started = Run::new()
        .agent(["ready", "hold"])
        .through([
            "env",
            "--block-signal=TERM",
            "--block-signal=INT",
            "--block-signal=CHLD",
        ])
        .start();
    started.await_stdout("ready");
    started.signal(Signal::SIGTERM);
    let ended = started.end();
    assert_eq!((ended.code, ended.outcome()), (143, "Cancelled"));
}

#[test]
fn a_signal_that_was_there_before_the_first_line_of_ours_is_not_lost() {
    // Sent while it is blocked, so that it is pending when the runner begins, as for a pod that
    // is deleted while it starts.
    let ended = Run::new()
        .agent(["hold"])
        .through(["env", "--block-signal=TERM"])
        .through_also(after("kill -TERM $$"))
        .end();
    assert_eq!(
        (ended.code, ended.outcome()),
        (143, "Cancelled"),
        "{}",
        ended.stderr
    );
    ended.assert_the_controller_reads_it();
}

#[test]
fn the_agent_gets_no_mask_of_ours() {
    let ended = Run::new()
        .shell("grep -E 'SigBlk|SigIgn' /proc/self/status")
        .end();
    let mask = |text: &str, name: &str| {
        let line = text.lines().find(|line| line.starts_with(name));
        let mask = line.and_then(|line| line.split_whitespace().nth(1));
        u64::from_str_radix(mask.expect("it has a mask"), 16).expect("it is a number")
    };
    assert_eq!(mask(&ended.text(), "SigBlk"), 0, "{}", ended.stderr);
    // What is ignored is what we were given, by whoever runs this test: but SIGPIPE, which Rust
    // ignores in a process and resets in its children, the C library's own two signals, which it
    // ignores in children, and those of which we had a handler: a shell without job control starts
    // what is in its background with two of them ignored.
    let ours = std::fs::read_to_string("/proc/self/status").expect("it is there");
    let handled = [
        Signal::SIGHUP,
        Signal::SIGINT,
        Signal::SIGQUIT,
        Signal::SIGTERM,
    ];
    let handled = handled.into_iter().chain([Signal::SIGPIPE]);
    let of_us = handled.fold(1 << 31 | 1 << 32, |mask, signal| {
        mask | 1 << (signal as u64 - 1)
    });
    let of_others = !of_us;
    assert_eq!(
        mask(&ended.text(), "SigIgn") & of_others,
        mask(&ours, "SigIgn") & of_others
    );
}

#[test]
fn a_file_size_limit_costs_the_log_and_not_the_run() {
    // In blocks of 512 bytes: the status fits, the log does not.
    let ended = Run::new()
        .agent(["burst", "400000"])
        .through(after("ulimit -f 200"))
        .end();
    assert_eq!((ended.code, ended.outcome()), (0, "Completed"));
    assert_eq!(ended.stdout.len(), 400_000);
    assert!(ended.log.len() < 400_000);
    let lost = ended.full["process"]["logBytesLost"].as_u64();
    assert_eq!(lost, Some(400_000 - ended.log.len() as u64));
}

#[test]
fn an_agent_that_passes_its_own_file_size_limit_dies_of_it_as_ever() {
    let ended = Run::new()
        .shell("ulimit -f 1; head -c 4096 /dev/zero > big; exec head -c 4096 /dev/zero > big")
        .end();
    assert_eq!(ended.status["signal"], "SIGXFSZ", "{}", ended.stderr);
}

#[test]
fn a_failure_of_ours_before_the_spec_is_read_leaves_a_status() {
    let run = Run::new().agent(["exit", "0"]);
    let path = run.path("agent/status.json");
    let ended = run
        .env("AGENT_RUNNER_STATUS_PATH", path)
        .through(after("ulimit -n 5"))
        .end();
    assert_eq!(
        (ended.code, ended.outcome(), ended.reason()),
        (70, "Internal", "RunnerFailed"),
        "{}",
        ended.stderr
    );
}

#[test]
fn an_empty_first_argument_counts_as_none() {
    let run = Run::new();
    std::fs::write(
        run.path("inline.json"),
        json!({"provider": "p", "adapter": {"type": "exec", "exec": {
            "binary": agent_tests::binary("fake-agent"), "argsTemplate": ["print", "found"]}}})
        .to_string(),
    )
    .expect("it can be written");
    let path = run.path("inline.json");
    let ended = run
        .env("AGENT_RUNNER_SPEC_PATH", path)
        .start_with(Some("".into()))
        .end();
    assert_eq!((ended.code, ended.text().as_str()), (0, "found\n"));
}

#[test]
fn a_status_path_that_is_not_utf8_is_a_path() {
    let name = std::ffi::OsString::from_vec(b"st\xffatus.json".to_vec());
    for by_flag in [true, false] {
        let run = Run::new().agent(["exit", "3"]);
        let path = run.dir().join(&name);
        let ended = if by_flag {
            run.arg("--status-path").arg(&path).end()
        } else {
            run.env("AGENT_RUNNER_STATUS_PATH", &path).end()
        };
        assert_eq!(ended.code, 3);
        let text = std::fs::read_to_string(ended.dir.path().join(&name)).expect("it is there");
        assert!(text.contains("AgentFailed"), "{text}");
    }
}

#[test]
fn the_status_path_of_the_command_line_does_not_reach_the_agent() {
    let run = Run::new().agent(["env", "AGENT_RUNNER_STATUS_PATH"]);
    let path = run.path("other.json");
    let ended = run.arg("--status-path").arg(path).end();
    assert_eq!(ended.text(), "\n", "a runner inside would overwrite ours");
}

#[test]
fn a_working_directory_that_is_gone_is_said() {
    let run = Run::new();
    let path = run.path("agent/status.json");
    let ended = run
        .env("AGENT_RUNNER_STATUS_PATH", path)
        .through(after("mkdir gone; cd gone; rmdir ../gone"))
        .end();
    assert_eq!(
        (ended.code, ended.reason()),
        (74, "NoWorkingDir"),
        "{}",
        ended.stderr
    );
}

#[test]
fn what_an_agent_leaves_beside_the_status_holds_nobody_up() {
    let ended = Run::new()
        .shell("rm -f agent/status.full.json; mkfifo agent/status.full.json; exit 3")
        .end();
    assert_eq!(ended.code, 3);
    assert_eq!(ended.full["outcome"], "AgentFailed", "it is replaced");
}

#[test]
fn what_an_earlier_agent_left_beside_the_status_holds_nobody_up() {
    let run = Run::new().agent(["exit", "3"]);
    std::fs::create_dir(run.path("agent")).expect("it can be made");
    nix::unistd::mkfifo(
        &run.path("agent/status.full.json"),
        nix::sys::stat::Mode::S_IRWXU,
    )
    .expect("it can be made");
    let ended = run.end();
    assert_eq!((ended.code, &ended.status["attempt"]), (3, &json!(1)));
}

#[test]
fn a_verdicts_words_and_a_leftovers_name_are_redacted_too() {
    let secret = "hunter2-super-secret";
    let outcome = format!(
        r#"{{"kind":"run-outcome","status":"failed","reason":"\u0068{0}","content":"\u0068{0}"}}"#,
        &secret[1..]
    );
    let ended = Run::new()
        .env("MY_TOKEN", secret)
        .setting("protocol", json!("jsonl"))
        .agent(["print", &outcome])
        .end();
    let full = ended.full.to_string();
    assert!(
        !full.contains(secret) && full.contains("REDACTED"),
        "{full}"
    );

    let ended = Run::new()
        .env("MY_TOKEN", "hunter2secret")
        .shell("cp /bin/sleep hunter2secret; ./hunter2secret 60 & exit 0")
        .end();
    let full = ended.full.to_string();
    assert!(ended.full["process"]["leftoverCount"] == 1, "{full}");
    assert!(!full.contains("hunter2secret"), "{full}");
}

#[test]
fn a_refusal_that_repeats_a_secret_is_redacted() {
    let run = Run::new()
        .spec("/inputs/x", json!("file-secret-value-77"))
        .spec(
            "/adapter/exec/inputFiles",
            json!([{"path": "../{{inputs.x}}", "content": ""}]),
        );
    std::fs::write(run.path("token"), "file-secret-value-77\n").expect("it can be written");
    let token = run.path("token");
    let ended = run.env("API_TOKEN_FILE", token).end();
    assert_eq!(ended.code, 65);
    let all = format!("{}{}", ended.full, ended.stderr);
    assert!(all.contains("[REDACTED:API_TOKEN_FILE]"), "{all}");
    assert!(!all.contains("file-secret-value-77"), "{all}");
}

#[test]
fn nothing_is_written_over_what_was_read() {
    let run = Run::new();
    let path = run.path("spec.json");
    let ended = run
        .spec("/artifacts/statusPath", json!(path))
        .agent(["exit", "0"])
        .end();
    assert_eq!(ended.code, 65, "{}", ended.stderr);
    assert!(ended.stderr.contains("the spec"), "{}", ended.stderr);
    let spec = std::fs::read_to_string(ended.dir.path().join("spec.json")).expect("it is there");
    assert!(spec.contains("\"provider\""), "the spec is whole: {spec}");
}
