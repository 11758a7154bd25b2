//! One run of ourselves, seen from outside.

use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

use super::world::{World, executable};
use crate::scripted::{Call, HANGING, LINGERING};

/// Longest time of a run: each ends in a second or two, on a busy machine in a few more.
const LONGEST: Duration = Duration::from_secs(20);

/// How often is looked whether something has come.
const LOOK: Duration = Duration::from_millis(4);

/// What a run left behind.
#[derive(Debug)]
pub(super) struct Played {
    /// Its exit code; 128 + the signal that ended the runner itself.
    pub(super) code: i32,
    /// Its status, or null.
    pub(super) status: Value,
    /// The bytes of its status.
    pub(super) status_bytes: usize,
    pub(super) stdout: String,
    pub(super) stderr: String,
    pub(super) log: Vec<u8>,
    /// How the agent was called, by attempt.
    pub(super) calls: Vec<Call>,
    /// From the signal, if one was sent, else from the start.
    pub(super) took: Duration,
    /// Processes of the agent that are still there.
    pub(super) alive: Vec<i32>,
    /// Whether it had to be killed because it did not end.
    pub(super) endless: bool,
}

/// Starts the runner with these arguments, and waits for its end; sends a TERM once the agent hangs
/// if that is asked for.
pub(super) fn play(world: &World, args: &[String], stop: bool) -> io::Result<Played> {
    let stdout = world.path("stdout");
    let stderr = world.path("stderr");
    let program = executable()?;
    let mut child = Command::new(&program)
        .args(world.all_arguments(args))
        .env_clear()
        .envs(world.env.iter().map(|(name, value)| (name, value)))
        .current_dir(world.workspace())
        .stdin(Stdio::null())
        .stdout(File::create(&stdout)?)
        .stderr(File::create(&stderr)?)
        .spawn()
        .map_err(|error| named(&program, &error))?;
    let mut began = Instant::now();
    if stop {
        let hanging = world.path("agent").join(HANGING);
        while !hanging.exists() && began.elapsed() < LONGEST && child.try_wait()?.is_none() {
            std::thread::sleep(LOOK);
        }
        began = Instant::now();
        // It may have ended by itself, which the status then says.
        let _ = kill(pid(&child), Signal::SIGTERM);
    }
    let (code, endless) = end(&mut child, began)?;
    let took = began.elapsed();
    let calls = Call::all(&world.path("agent"));
    let alive = alive(world, &calls);
    for pid in &alive {
        let _ = kill(Pid::from_raw(*pid), Signal::SIGKILL);
    }
    let text = |path: &Path| {
        let bytes = fs::read(path).map_err(|error| named(path, &error))?;
        Ok::<_, io::Error>(String::from_utf8_lossy(&bytes).into_owned())
    };
    let place = world.workspace().join(".agent");
    let status = fs::read(place.join("status.json")).unwrap_or_default();
    Ok(Played {
        code,
        status_bytes: status.len(),
        status: serde_json::from_slice(&status).unwrap_or_default(),
        stdout: text(&stdout)?,
        stderr: text(&stderr)?,
        log: fs::read(place.join("runner.log")).unwrap_or_default(),
        calls,
        took,
        alive,
        endless,
    })
}

/// Says what an error is about.
pub(super) fn named(path: &Path, error: &io::Error) -> io::Error {
    io::Error::other(format!("`{}`: {error}", path.display()))
}

fn pid(child: &Child) -> Pid {
    // The kernel's ids are positive and fit.
    Pid::from_raw(i32::try_from(child.id()).unwrap_or(i32::MAX))
}

fn end(child: &mut Child, began: Instant) -> io::Result<(i32, bool)> {
    use std::os::unix::process::ExitStatusExt;
    let mut endless = false;
    loop {
        if let Some(status) = child.try_wait()? {
            let by_signal = || status.signal().map(|signal| 128 + signal);
            return Ok((status.code().or_else(by_signal).unwrap_or(-1), endless));
        }
        if began.elapsed() > LONGEST && !endless {
            endless = true;
            child.kill()?;
        }
        std::thread::sleep(LOOK);
    }
}

/// The processes of the agent that were recorded and still run.
fn alive(world: &World, calls: &[Call]) -> Vec<i32> {
    let written = |name: &str| {
        let text = fs::read_to_string(world.path("agent").join(name)).ok()?;
        text.trim().parse::<i32>().ok()
    };
    let pids = calls.iter().map(|call| call.pid).chain(written(LINGERING));
    // Whoever has the id by then, it is the agent only if it plays in this place.
    let ours = world.path("agent").display().to_string();
    let runs = |pid: &i32| {
        let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        String::from_utf8_lossy(&line).contains(&ours)
    };
    pids.filter(runs).collect()
}
