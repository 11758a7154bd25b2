//! The CLI's version, held against the ones that the sessions were tested with.

use std::io::Read;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use agent_plan::env::Environment;
use agent_plan::plan::ProcessPlan;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::sys::signal::{Signal, killpg};
use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid};
use nix::unistd::Pid;

use super::Cli;
use crate::cancel::Cancel;
use crate::executable;

/// The versions that the sessions were tested with: major and minor.
const TESTED: [(Cli, &str); 2] = [(Cli::Claude, "2.1"), (Cli::Codex, "0.169")];

/// How long it may take to say it: 0.4 s with a cold page cache, on a slow volume many times that.
const PATIENCE: Duration = Duration::from_secs(10);

/// How often is looked whether it has.
const LOOK: Duration = Duration::from_millis(5);

/// The longest answer that is read; the CLIs' own have one line.
const LONGEST: u64 = 4096;

/// Returns what to say about the version; nothing of one that was tested, or cannot be told.
pub(super) fn check(cli: Cli, plan: &ProcessPlan, cancel: &Cancel) -> Option<String> {
    // A wrapper may do something with any argument, under whatever name it has.
    if plan.program.file_name()? != cli.name() {
        return None;
    }
    let program = executable::find(plan).ok()?;
    if !executable::is_elf(&program) {
        return None;
    }
    let told = ask(&program, &plan.env, cancel)?;
    let version = version_in(&told)?;
    let (_, tested) = TESTED.into_iter().find(|(known, _)| *known == cli)?;
    let is_tested = version
        .strip_prefix(tested)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'));
    (!is_tested).then(|| {
        format!(
            "{} {version} was not tested with this runner, {tested} was: its events may have changed",
            cli.name()
        )
    })
}

/// Returns what a program prints when it is asked for its version, and leaves nothing of it.
pub(super) fn ask(program: &Path, environment: &Environment, cancel: &Cancel) -> Option<String> {
    let mut child = Command::new(program)
        .arg("--version")
        .env_clear()
        .envs(environment.iter())
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()
        .ok()?;
    let group = i32::try_from(child.id()).map(Pid::from_raw).ok();
    let answer = child
        .stdout
        .take()
        .and_then(|stdout| listen(&child, stdout, cancel));
    // What it may have left behind holds our pipe, and nobody else would look for it. The group's
    // number cannot be another's yet: the child is only taken below.
    if let Some(group) = group {
        let _: nix::Result<()> = killpg(group, Signal::SIGKILL);
    }
    // Nothing depends on how it ended.
    drop(child.wait());
    answer
}

/// Reads until the child itself has ended; its pipe may be held open by others for ever.
fn listen(child: &Child, stdout: ChildStdout, cancel: &Cancel) -> Option<String> {
    let flags = OFlag::from_bits_retain(fcntl(&stdout, FcntlArg::F_GETFL).ok()?);
    fcntl(&stdout, FcntlArg::F_SETFL(flags | OFlag::O_NONBLOCK)).ok()?;
    let mut stdout = stdout.take(LONGEST);
    let mut bytes = Vec::new();
    let until = Instant::now() + PATIENCE;
    loop {
        // In this order: all that it has written before its end is then read.
        let ended = has_ended(child);
        // It stops with an error where nothing is left for the moment; what was read is kept.
        drop(stdout.read_to_end(&mut bytes));
        if ended || stdout.limit() == 0 {
            return String::from_utf8(bytes).ok();
        }
        if Instant::now() >= until || cancel.is_asked() {
            return None;
        }
        std::thread::sleep(LOOK);
    }
}

/// Says whether the child has ended, and leaves its number taken.
fn has_ended(child: &Child) -> bool {
    let Ok(pid) = i32::try_from(child.id()) else {
        return true;
    };
    let look = WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG | WaitPidFlag::WNOWAIT;
    !matches!(
        waitid(Id::Pid(Pid::from_raw(pid)), look),
        Ok(WaitStatus::StillAlive)
    )
}

/// The first word that begins with a digit: `2.1.329 (Claude Code)`, `codex-cli 0.169.0`.
pub(super) fn version_in(text: &str) -> Option<&str> {
    let is_version = |word: &&str| word.starts_with(|first: char| first.is_ascii_digit());
    text.split_whitespace().find(is_version)
}
