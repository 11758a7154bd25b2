//! Measuring one pipeline, from a small process that does nothing else.

use std::io::{self, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeVal;
use nix::sys::wait::{Id, WaitPidFlag, waitid};
use nix::unistd::{Pid, SysconfVar, sysconf};
use serde_json::{Value, json};

use crate::bench::{Bench, Stage};

/// Between two stages, as in a shell.
const PIPE: &str = "|";

/// What a pipeline took.
#[derive(Debug, Clone)]
pub(crate) struct Measured {
    /// Seconds from the start of the first process to the end of the last.
    pub(crate) wall: f64,
    /// CPU seconds of all of them, and of the children that they waited for.
    pub(crate) cpu: f64,
    /// CPU seconds of each stage alone, to 10 ms.
    pub(crate) own_cpu: Vec<f64>,
    /// The largest resident set of any one of them, in bytes.
    pub(crate) rss: u64,
}

/// Measures a pipeline; the last stage writes to `/dev/null`.
pub(crate) fn measure(myself: &Path, stages: &[Stage]) -> io::Result<Measured> {
    let output = Command::new(myself)
        .arg("measure")
        .args(stages.join(&PIPE.to_owned()))
        .env_clear()
        .envs(Bench::environment())
        .stderr(Stdio::inherit())
        .output()?;
    let number = |value: &Value| value.as_f64().unwrap_or(f64::NAN);
    let said: Value = serde_json::from_slice(&output.stdout)?;
    Ok(Measured {
        wall: number(&said["wall"]),
        cpu: number(&said["cpu"]),
        own_cpu: said["own"]
            .as_array()
            .into_iter()
            .flatten()
            .map(number)
            .collect(),
        rss: said["rss"].as_u64().unwrap_or(0) * 1024,
    })
}

/// Runs a pipeline and prints what it took, as JSON.
pub(crate) fn small_parent(words: &[String]) -> io::Result<()> {
    let stages: Vec<_> = words.split(|word| word == PIPE).collect();
    let begun = Instant::now();
    let mut children = start(&stages)?;
    for child in &children {
        await_end(child)?;
    }
    let wall = begun.elapsed().as_secs_f64();
    // Ended and not reaped: the kernel still has the numbers of each.
    let own: Vec<_> = children.iter().map(own_cpu).collect::<io::Result<_>>()?;
    for (child, stage) in children.iter_mut().zip(&stages) {
        let status = child.wait()?;
        if !status.success() {
            return Err(io::Error::other(format!("`{}`: {status}", stage.join(" "))));
        }
    }
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    let cpu = seconds(usage.user_time()) + seconds(usage.system_time());
    let said = json!({ "wall": wall, "cpu": cpu, "own": own, "rss": usage.max_rss() });
    writeln!(io::stdout(), "{said}")
}

fn start(stages: &[&[String]]) -> io::Result<Vec<Child>> {
    let mut children: Vec<Child> = Vec::new();
    let mut input = Stdio::null();
    for (at, stage) in stages.iter().enumerate() {
        let last = at + 1 == stages.len();
        let mut child = Command::new(&stage[0])
            .args(&stage[1..])
            .stdin(input)
            .stdout(if last { Stdio::null() } else { Stdio::piped() })
            .stderr(Stdio::null())
            .spawn()?;
        // Moved on to the next stage, so that no copy of it keeps a reader waiting.
        input = child.stdout.take().map_or_else(Stdio::null, Stdio::from);
        children.push(child);
    }
    Ok(children)
}

fn await_end(child: &Child) -> io::Result<()> {
    let pid = i32::try_from(child.id()).map_err(io::Error::other)?;
    let flags = WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT;
    waitid(Id::Pid(Pid::from_raw(pid)), flags)?;
    Ok(())
}

fn own_cpu(child: &Child) -> io::Result<f64> {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", child.id()))?;
    let after_name = stat.rsplit_once(')').map_or("", |(_, after)| after);
    // Fields 14 and 15 of proc(5), utime and stime; the name is field 2.
    let ticks: f64 = after_name
        .split_whitespace()
        .skip(11)
        .take(2)
        .filter_map(|field| field.parse::<f64>().ok())
        .sum();
    let per_second = sysconf(SysconfVar::CLK_TCK)?.unwrap_or(100);
    Ok(ticks / per_second as f64)
}

fn seconds(time: TimeVal) -> f64 {
    time.tv_sec() as f64 + time.tv_usec() as f64 / 1e6
}
