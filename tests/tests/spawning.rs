//! Agents that cannot be started: the words that say why, and how those that can are started.

use std::path::Path;
use std::process::Command;

use agent_tests::{Ended, Run, binary};
use serde_json::json;

/// Asserts that no agent was started, and that the status says why and what to do.
#[track_caller]
fn assert_not_started(ended: &Ended, reason: &str, words: &[&str]) {
    assert_eq!(
        (ended.code, ended.outcome(), ended.reason()),
        (66, "InputMissing", reason),
        "{}",
        ended.status
    );
    for words in words {
        assert!(
            ended.error().contains(words),
            "no `{words}` in `{}`",
            ended.error()
        );
    }
    ended.assert_the_controller_reads_it();
    assert_eq!(ended.survivors(), []);
}

fn of_binary(run: Run, binary: impl AsRef<Path>) -> Ended {
    run.spec("/adapter/exec/binary", json!(binary.as_ref()))
        .end()
}

/// Puts an executable into the run's directory.
///
/// Another process writes it: a file that any process, also one that a test beside this is about
/// to start, has open for writing cannot be executed (`ETXTBSY`).
fn install(run: &Run, name: &str, bytes: &[u8], mode: &str) {
    let data = run.path(&format!("{name}.data"));
    std::fs::write(&data, bytes).expect("a file can be written");
    let installed = Command::new("install")
        .args(["-m", mode])
        .arg(&data)
        .arg(run.path(name))
        .status();
    assert!(installed.expect("install can be run").success());
}

fn of_bytes(bytes: &[u8], mode: &str) -> Ended {
    let run = Run::new();
    install(&run, "agent-binary", bytes, mode);
    let path = run.path("agent-binary");
    of_binary(run, path)
}

#[test]
fn a_binary_that_is_not_there_is_missing() {
    let ended = of_binary(Run::new(), "/nowhere/agent");
    assert_not_started(
        &ended,
        "BinaryMissing",
        &["`/nowhere/agent` does not exist", "install it"],
    );
}

#[test]
fn a_binary_that_is_not_in_path_is_looked_for_where_the_message_says() {
    let ended = of_binary(
        Run::new().env("PATH", "/opt/first:/opt/second"),
        "no-such-agent",
    );
    let words = [
        "`no-such-agent` does not exist",
        "PATH, `/opt/first:/opt/second`",
    ];
    assert_not_started(&ended, "BinaryMissing", &words);
}

#[test]
fn a_binary_is_found_in_the_agents_own_path() {
    let run = Run::new();
    install(&run, "agent-binary", b"#!/bin/sh\nexit 7\n", "755");
    let path = run.dir().to_owned();
    let ended = of_binary(
        run.spec("/adapter/exec/envTemplate/PATH", json!(path)),
        "agent-binary",
    );
    assert_eq!(
        (ended.code, ended.outcome()),
        (7, "AgentFailed"),
        "{}",
        ended.status
    );
}

#[test]
fn a_file_without_permission_is_not_executable() {
    let ended = of_bytes(b"#!/bin/sh\nexit 0\n", "644");
    assert_not_started(
        &ended,
        "BinaryNotExecutable",
        &["is not executable: no execute permission"],
    );
}

#[test]
fn a_directory_is_not_executable() {
    let ended = of_binary(Run::new(), "/usr");
    assert_not_started(
        &ended,
        "BinaryNotExecutable",
        &["`/usr` is not executable: it is a directory"],
    );
}

#[test]
fn a_fifo_is_not_executable_and_holds_nobody_up() {
    let run = Run::new();
    let path = run.path("fifo");
    nix::unistd::mkfifo(&path, nix::sys::stat::Mode::S_IRWXU).expect("a FIFO can be made");
    let ended = of_binary(run, path);
    assert_not_started(
        &ended,
        "BinaryNotExecutable",
        &["is not executable: it is not a regular file"],
    );
}

#[test]
fn a_noexec_volume_is_named_as_a_reason() {
    let run = Run::new().mounting(
        "mkdir $dir/volume; mount -t tmpfs -o noexec tmpfs $dir/volume
         printf '#!/bin/sh\\n' > $dir/volume/agent; chmod 755 $dir/volume/agent",
    );
    let path = run.path("volume/agent");
    assert_not_started(
        &of_binary(run, path),
        "BinaryNotExecutable",
        &["mounted noexec"],
    );
}

#[test]
fn a_binary_of_another_machine_is_told_apart() {
    // elf(5): 64-bit, little endian, executable; e_machine is at 18.
    let mut elf = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x02\0".to_vec();
    let (machine, name) = if cfg!(target_arch = "aarch64") {
        (62, "x86_64")
    } else {
        (183, "aarch64")
    };
    elf.extend_from_slice(&[machine, 0, 1, 0, 0, 0]);
    elf.resize(256, 0);
    let words = [
        &*format!(
            "built for {name}, this machine is {}",
            std::env::consts::ARCH
        ),
        "use the image",
    ];
    assert_not_started(&of_bytes(&elf, "755"), "BinaryWrongArchitecture", &words);
}

#[test]
fn a_script_without_its_interpreter_names_it() {
    for line in ["#!/nowhere/python3", "#! /nowhere/python3 -u"] {
        let ended = of_bytes(format!("{line}\nprint()\n").as_bytes(), "755");
        assert_not_started(
            &ended,
            "InterpreterMissing",
            &["needs `/nowhere/python3`, which does not exist"],
        );
    }
}

#[test]
fn a_binary_without_its_loader_names_it() {
    let mut elf = std::fs::read(binary("fake-agent")).expect("fake-agent can be read");
    let at = elf
        .windows(4)
        .position(|window| window == b"/ld-")
        .expect("the test needs a fake-agent with a loader");
    elf[at + 3] = b'_';
    let ended = of_bytes(&elf, "755");
    assert_not_started(
        &ended,
        "InterpreterMissing",
        &["/ld_", "which does not exist"],
    );
}

#[test]
fn text_without_an_interpreter_line_is_no_program() {
    for bytes in [&b"echo hello\n"[..], b"", b"#", b"\0\0\0\0"] {
        let ended = of_bytes(bytes, "755");
        let words = [
            "neither an ELF program nor a script",
            "a first line such as `#!/bin/sh`",
        ];
        assert_not_started(&ended, "BinaryUnknownFormat", &words);
    }
}

#[test]
fn a_working_directory_that_cannot_be_used_is_named() {
    let missing = Run::new().setting("cwd", json!("/nowhere/work")).end();
    assert_not_started(
        &missing,
        "WorkingDirMissing",
        &["`/nowhere/work` cannot be used", "runner.cwd"],
    );
    let run = Run::new();
    std::fs::write(run.path("file"), "").expect("a file can be made");
    let path = run.path("file");
    let ended = run.setting("cwd", json!(path)).end();
    assert_not_started(
        &ended,
        "WorkingDirMissing",
        &["cannot be used", "not a directory"],
    );
}

#[test]
fn arguments_that_are_too_long_together_are_told_so() {
    // Each is below the kernel's limit for one (128 KiB); together they are over its 6 MiB for all.
    let args = vec!["{{inputs.text}}"; 80];
    let run = Run::new().spec("/inputs/text", json!("x".repeat(100_000)));
    let ended = run.spec("/adapter/exec/argsTemplate", json!(args)).end();
    assert_not_started(
        &ended,
        "StartFailed",
        &["could not be started", "together are too long"],
    );
}

#[test]
fn the_agent_and_its_children_are_offered_to_the_oom_killer() {
    let steps = [
        "oom-score",
        "spawn",
        "await",
        "go",
        "oom-score",
        "touch",
        "done",
        ";",
        "touch",
        "go",
        "await",
        "done",
    ];
    let ended = Run::new().agent(steps).end();
    assert_eq!(ended.text(), "500\n500\n");
}

#[test]
fn an_oom_score_that_is_higher_already_is_raised_too() {
    // A pod of the BestEffort class has 1000, a Burstable one anything below.
    for (ours, agents) in [(900, 950), (1000, 1000)] {
        let run = Run::new().through(["choom", "-n", &ours.to_string(), "--"]);
        assert_eq!(run.agent(["oom-score"]).end().text(), format!("{agents}\n"));
    }
}
