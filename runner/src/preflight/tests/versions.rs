//! The version probe.

use super::*;
use std::io::Read;
use std::os::fd::AsFd;
use std::os::unix::fs::OpenOptionsExt;
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

/// Far below how long the scripts sleep, far above what a probe takes.
const SOON: Duration = Duration::from_mins(1);

fn pod() -> Pod {
    Pod::codex()
        .env("CODEX_API_KEY", "k")
        .env("PATH", "/bin:/usr/bin")
}

#[test]
fn an_untested_version_is_a_warning() {
    let pod = pod();
    // A program that says its own version, and not one that was tested.
    let program = pod.dir.path().join("codex");
    fs::copy("/usr/bin/env", &program).expect("coreutils are there");
    let told = pod.named(&program.to_string_lossy()).told();
    assert!(told.contains("was not tested with this runner"), "{told}");
}

#[test]
fn a_program_is_looked_for_in_the_agents_path_and_must_be_executable() {
    let pod = pod();
    let (first, second) = (pod.dir.path().join("first"), pod.dir.path().join("second"));
    for directory in [&first, &second] {
        fs::create_dir(directory).expect("it can be made");
        fs::copy("/usr/bin/env", directory.join("codex")).expect("coreutils are there");
    }
    let mode = fs::Permissions::from_mode(0o644);
    fs::set_permissions(first.join("codex"), mode).expect("it is ours");
    let path = std::env::join_paths([&first, &second]).expect("no colon is in them");
    let told = pod.named("codex").env("PATH", path).told();
    assert!(told.contains("was not tested"), "the second one: {told}");
}

#[test]
fn a_wrapper_is_not_asked_even_under_the_cli_s_own_name() {
    for name in ["codex", "codex-wrapper"] {
        let wrapper = pod().program(name, "touch \"$HOME/asked\"; echo codex-cli 9.9.9");
        assert_eq!(wrapper.told(), "");
        assert!(!wrapper.dir.path().join("asked").exists(), "{name}");
    }
}

#[test]
fn what_a_program_leaves_behind_neither_holds_the_probe_up_nor_survives_it() {
    let pod = pod().program(
        "codex",
        "exec 3>\"$HOME/alive\"; sleep 300 & echo codex-cli 0.170.1",
    );
    let alive = pod.dir.path().join("alive");
    nix::unistd::mkfifo(&alive, nix::sys::stat::Mode::S_IRWXU).expect("it can be made");
    let mut alive = fs::OpenOptions::new()
        .read(true)
        .custom_flags(nix::fcntl::OFlag::O_NONBLOCK.bits())
        .open(alive)
        .expect("it is ours");
    let begun = Instant::now();
    let told = version::ask(&pod.plan.program, &pod.plan.env, &Cancel::default());
    assert_eq!(told.as_deref(), Some("codex-cli 0.170.1\n"));
    assert!(begun.elapsed() < SOON);
    // The end comes when the last process that has it open is gone.
    let mut fds = [PollFd::new(alive.as_fd(), PollFlags::POLLIN)];
    let timeout = PollTimeout::try_from(SOON).expect("it fits");
    assert_eq!(poll(&mut fds, timeout), Ok(1), "it is still there");
    assert_eq!(alive.read(&mut [0]).expect("nobody writes"), 0);
}

#[test]
fn a_program_that_never_stops_talking_is_not_listened_to_for_ever() {
    let pod = pod().program("codex", "while :; do echo codex-cli 0.169.1; done");
    let told = version::ask(&pod.plan.program, &pod.plan.env, &Cancel::default());
    let told = told.expect("it has said enough");
    assert_eq!(version::version_in(&told), Some("0.169.1"));
}

#[test]
fn a_version_is_not_waited_for_when_the_run_is_to_stop() {
    let pod = pod().program("codex", "sleep 300");
    let cancel = Cancel::default();
    cancel.ask();
    let begun = Instant::now();
    let told = version::ask(&pod.plan.program, &pod.plan.env, &cancel);
    assert_eq!(told, None);
    assert!(begun.elapsed() < Duration::from_secs(5));
}

#[test]
fn versions_are_found_in_what_the_clis_print() {
    for (text, version) in [
        ("2.1.329 (Claude Code)\n", Some("2.1.329")),
        ("codex-cli 0.169.0", Some("0.169.0")),
        ("codex", None),
        ("", None),
    ] {
        assert_eq!(version::version_in(text), version);
    }
}
