//! The scripted agent: our own executable under another name, speaking as an agent CLI does.
//!
//! `provider test` puts it in the place of a provider's agent, to see what the agent would be
//! given, and what becomes of a run when an agent behaves well or badly. What it plays is in a file
//! beside the link that it is started by, because whatever reaches an agent by arguments or
//! environment is what is being tested.

mod app_server;
mod call;
mod claude;
mod codex_exec;
mod plain;
mod script;
mod stdio;
mod voice;

pub use call::Call;
pub use script::{ANSWER, Act, Failure, HANGING, LINGERING, SCRIPT, SESSION, Script};

use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use agent_plan::env::Environment;
use anyhow::Context;
use nix::sys::signal::{SigSet, Signal, kill};
use nix::unistd::{getpid, setsid};

use stdio::{Stdin, Stdout};
use voice::Voice;

/// The name that makes our executable the scripted agent.
pub const NAME: &str = "agent-runner-scripted-agent";

/// What the child is told that outlives it.
const LINGER: &str = "--linger";

/// Longer than any scenario: what the runner has not stopped by then ends by itself.
const LONGEST: Duration = Duration::from_mins(1);

/// Says whether the executable was started as the scripted agent.
pub fn is_scripted(argv0: &OsStr) -> bool {
    Path::new(argv0).file_name() == Some(OsStr::new(NAME))
}

/// Plays the script beside `argv0`; returns the code to exit with.
///
/// # Errors
///
/// Fails if there is no script, or the call cannot be recorded.
pub fn play(argv0: &OsStr, args: &[OsString], environment: &Environment) -> anyhow::Result<u8> {
    let dir = Path::new(argv0)
        .parent()
        .filter(|dir| dir.is_absolute())
        .context("the scripted agent was not started by its absolute path")?;
    if args.first().is_some_and(|first| first == LINGER) {
        return linger(dir);
    }
    let text = fs::read(dir.join(SCRIPT)).context("there is no script beside the agent")?;
    let script: Script = serde_json::from_slice(&text).context("the script cannot be read")?;
    // Threads inherit what is blocked, so this comes before the first one.
    block(&script)?;
    let record = if script.records {
        Some(call::record(dir, args, environment)?)
    } else {
        None
    };
    let stdin = Stdin::open(record.as_deref())?;
    let voice = voice::of(script.protocol, stdin, environment, args);
    perform(dir, argv0, &script, voice)
}

/// What blocks a signal never sees it, unless it asks.
fn block(script: &Script) -> anyhow::Result<()> {
    let mut signals = SigSet::empty();
    if script.act == Act::Stubborn {
        for signal in [
            Signal::SIGTERM,
            Signal::SIGINT,
            Signal::SIGHUP,
            Signal::SIGQUIT,
        ] {
            signals.add(signal);
        }
    } else {
        // Codex's clean stop, which it waits for.
        signals.add(Signal::SIGINT);
    }
    signals.thread_block().context("signals cannot be blocked")
}

fn perform(
    dir: &Path,
    argv0: &OsStr,
    script: &Script,
    mut voice: Box<dyn Voice>,
) -> anyhow::Result<u8> {
    if script.act == Act::CrashAtOnce {
        Stdout::complain("cannot start: a library is missing");
        return Ok(3);
    }
    voice.begin();
    match script.act {
        Act::CrashAtOnce => {}
        Act::Answer => voice.say("On it."),
        Act::Tool => voice.tool("42 passed\n"),
        Act::Fail(failure) => return Ok(voice.fail(failure)),
        Act::CrashMidway => {
            voice.say("On it.");
            kill(getpid(), Signal::SIGKILL)?;
        }
        Act::NoResult => {
            voice.say("On it.");
            return Ok(0);
        }
        Act::OwnCode => return Ok(7),
        Act::Hang => {
            voice.say("On it.");
            mark(dir, HANGING)?;
            return Ok(voice.stopped());
        }
        Act::Stubborn => {
            leave_child(dir, argv0)?;
            mark(dir, HANGING)?;
            std::thread::sleep(LONGEST);
        }
        Act::HangAfterResult => {
            voice.succeed(ANSWER);
            std::thread::sleep(LONGEST);
        }
        Act::LeaveChild => leave_child(dir, argv0)?,
        Act::BigLine => voice.say(&"a long line ".repeat(script::BIG / 12)),
        Act::InvalidUtf8 => Stdout::bytes(b"\xff\xfe no words \xc3\x28\n"),
        Act::UnknownEvents => voice.babble(),
        Act::PartialLine => {
            voice.succeed(ANSWER);
            Stdout::bytes(br#"{"type":"resu"#);
            return Ok(voice.leave());
        }
        Act::Leak => {
            let leaks = script.leaks.join(" and ");
            voice.say(&leaks);
            voice.tool(&leaks);
            Stdout::complain(&leaks);
        }
        Act::WriteFiles => write_files(script)?,
    }
    voice.succeed(ANSWER);
    Ok(voice.leave())
}

fn write_files(script: &Script) -> anyhow::Result<()> {
    for path in &script.files {
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        fs::write(path, "made by the agent\n")?;
    }
    Ok(())
}

fn mark(dir: &Path, name: &str) -> anyhow::Result<()> {
    fs::write(dir.join(name), getpid().to_string()).context("the directory cannot be written")
}

/// Starts a process in a session of its own, which holds none of our pipes.
fn leave_child(dir: &Path, argv0: &OsStr) -> anyhow::Result<()> {
    let child = Command::new(argv0)
        .arg(LINGER)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    // It outlives us: whoever is left reaps it.
    drop(child);
    let begun = std::time::Instant::now();
    while !dir.join(LINGERING).exists() && begun.elapsed() < LONGEST {
        std::thread::sleep(Duration::from_millis(2));
    }
    Ok(())
}

/// Outlives its parent, and does not listen.
fn linger(dir: &Path) -> anyhow::Result<u8> {
    SigSet::all().thread_block()?;
    setsid()?;
    mark(dir, LINGERING)?;
    std::thread::sleep(LONGEST);
    Ok(0)
}

#[cfg(test)]
mod tests;
