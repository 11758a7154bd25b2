//! What supervising a silent agent takes.

use std::io;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::bench::{Bench, Redaction, Stage, installed};
use crate::report::{IDLE_MIB, Report};
use crate::spread::Spread;

/// After this everything that start-up needs has been read and built.
const SETTLED: Duration = Duration::from_secs(1);

/// Says nothing.
pub(crate) const AGENT: [&str; 2] = ["/bin/sleep", "60"];

/// Reads the supervisors' memory and threads while their child sleeps.
pub(crate) fn compare(bench: &Bench, report: &mut Report) -> io::Result<()> {
    let agent = AGENT.map(str::to_owned);
    let mut peers: Vec<(&str, Stage)> = Vec::new();
    if let Some(tini) = installed("tini") {
        peers.push((
            "tini",
            [&[tini, "-s".into(), "--".into()], &agent[..]].concat(),
        ));
    }
    if let Some(dumb_init) = installed("dumb-init") {
        peers.push(("dumb-init", [&[dumb_init], &agent[..]].concat()));
    }
    peers.push((
        "agent-runner",
        bench.runner(bench.dir(), &agent, Redaction::On)?,
    ));
    report.table(
        "Idle, after 1 s of a sleeping agent",
        &[
            "command",
            "RSS, MiB",
            "peak RSS, MiB",
            "anonymous, MiB",
            "PSS, MiB",
            "threads",
        ],
    )?;
    for (name, command) in peers {
        let process = Process::settled(&command)?;
        let mib = |field: &str| process.kib(field) / 1024.0;
        let cells = ["VmRSS", "VmHWM", "RssAnon", "Pss"].map(|field| format!("{:.1}", mib(field)));
        let threads = format!("{:.0}", process.kib("Threads"));
        report.row(&[&[name.to_owned()], &cells[..], &[threads]].concat())?;
        if name == "agent-runner" {
            report.target("idle, MiB of RSS", Spread::of([mib("VmRSS")]), IDLE_MIB);
        }
    }
    Ok(())
}

/// What the kernel says about a process.
pub(crate) struct Process {
    said: String,
}

impl Process {
    /// Starts a command, and looks at it after a while.
    pub(crate) fn settled(command: &[String]) -> io::Result<Self> {
        let mut child = Command::new(&command[0])
            .args(&command[1..])
            .env_clear()
            .envs(Bench::environment())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        sleep(SETTLED);
        let read = |file: &str| std::fs::read_to_string(format!("/proc/{}/{file}", child.id()));
        let said = read("status")? + &read("smaps_rollup")?;
        let pid = i32::try_from(child.id()).map_err(io::Error::other)?;
        kill(Pid::from_raw(pid), Signal::SIGTERM)?;
        child.wait()?;
        Ok(Self { said })
    }

    /// A field in KiB; not a number if the kernel does not say it.
    pub(crate) fn kib(&self, field: &str) -> f64 {
        let line = self
            .said
            .lines()
            .find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
        line.and_then(|line| line.split_whitespace().next()?.parse().ok())
            .unwrap_or(f64::NAN)
    }
}
