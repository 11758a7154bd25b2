//! An agent that plays a script: each argument is a step, done in order.
//!
//! ```text
//! print TEXT         a line on stdout             eprint TEXT        a line on stderr
//! write TEXT         stdout, no line break        flood              stdout, for ever
//! burst BYTES        stdout, numbered lines       chunks N TEXT      N writes of TEXT to stdout
//! sleep MS           wait                         ready              a line "ready", flushed
//! ignore SIGNAL…     ignore signals               trap SIGNAL CODE   exit with CODE on a signal
//! report SIGNAL…     print each signal that comes, go on
//! setsid             leave session and group      spawn STEP…  ;     a child that plays STEP…
//! orphans N          N double forks               kill SIGNAL        to itself
//! eat MB             memory, touched              exit CODE          end
//! args               its own arguments as JSON    env NAME           a variable
//! cat PATH           a file to stdout             stdin              stdin to stdout
//! touch PATH         make a file                  await PATH         wait for a file
//! oom-score          its oom_score_adj            hold               keep stdout open, for ever
//! close-output       close stdout and stderr      pgrp               own process group
//! answer SIGNAL TEXT print TEXT on each signal    zombies MS         await their end, print the number
//! widen BYTES        room in the stdout pipe
//! ```
//!
//! `args` shows what follows it and ends the script, so that any argument can be passed.

use std::io::{self, Read, Write};
use std::path::Path;
use std::process::{Command, ExitCode};
use std::str::FromStr;
use std::thread::sleep;
use std::time::{Duration, Instant};

use nix::fcntl::{FcntlArg, fcntl};
use nix::sys::signal::{SigHandler, SigSet, SigmaskHow, Signal, kill, signal};
use nix::sys::wait::waitpid;
use nix::unistd::{ForkResult, Pid, fork, setpgid};

fn main() -> ExitCode {
    let steps: Vec<String> = std::env::args().skip(1).collect();
    match play(&steps) {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            drop(writeln!(io::stderr(), "fake-agent: {error}"));
            ExitCode::from(99)
        }
    }
}

fn play(steps: &[String]) -> io::Result<u8> {
    let mut steps = steps.iter().map(String::as_str);
    while let Some(step) = steps.next() {
        let mut next = || {
            steps
                .next()
                .ok_or_else(|| io::Error::other(format!("`{step}` needs another argument")))
        };
        match step {
            "print" => line(&mut io::stdout(), next()?)?,
            "eprint" => line(&mut io::stderr(), next()?)?,
            "write" => out(next()?.as_bytes())?,
            "ready" => line(&mut io::stdout(), "ready")?,
            "flood" => flood()?,
            "burst" => burst(number(next()?)?)?,
            "chunks" => {
                let count = number(next()?)?;
                let text = next()?;
                for _ in 0..count {
                    out(text.as_bytes())?;
                }
            }
            "sleep" => sleep(Duration::from_millis(number(next()?)?)),
            "ignore" => dispose(next()?, SigHandler::SigIgn)?,
            "trap" => trap(next()?, next()?)?,
            "report" => report(next()?)?,
            "answer" => answer(next()?, next()?)?,
            "zombies" => {
                let left = zombies(Duration::from_millis(number(next()?)?));
                line(&mut io::stdout(), &format!("{left} zombies"))?;
            }
            "setsid" => drop(nix::unistd::setsid()?),
            "spawn" => {
                let inner: Vec<&str> = steps.by_ref().take_while(|step| *step != ";").collect();
                // Never waited for: what becomes of it is the runner's business.
                drop(Command::new(std::env::current_exe()?).args(inner).spawn()?);
            }
            "orphans" => orphans(number(next()?)?)?,
            "kill" => {
                let which = parse(next()?)?;
                kill(Pid::this(), which)?;
                // A fatal signal ends the process before kill(2) returns; others go on.
            }
            "eat" => eat(number(next()?)?),
            "exit" => return next()?.parse().map_err(io::Error::other),
            "args" => {
                let rest: Vec<&str> = steps.by_ref().collect();
                line(&mut io::stdout(), &serde_json::to_string(&rest)?)?;
            }
            "env" => {
                let name = next()?;
                let value = std::env::vars_os()
                    .find(|(known, _)| known == name)
                    .map(|(_, value)| value);
                line(
                    &mut io::stdout(),
                    &value.unwrap_or_default().to_string_lossy(),
                )?;
            }
            "cat" => out(&std::fs::read(next()?)?)?,
            "stdin" => {
                let mut text = Vec::new();
                io::stdin().read_to_end(&mut text)?;
                out(&text)?;
            }
            "touch" => std::fs::write(next()?, "")?,
            "await" => {
                let path = next()?;
                while !Path::new(path).exists() {
                    sleep(Duration::from_millis(2));
                }
            }
            "oom-score" => out(&std::fs::read("/proc/self/oom_score_adj")?)?,
            "hold" => loop {
                sleep(Duration::from_hours(1));
            },
            "close-output" => close_output()?,
            "widen" => {
                let size = i32::try_from(number(next()?)?).map_err(io::Error::other)?;
                fcntl(io::stdout(), FcntlArg::F_SETPIPE_SZ(size))?;
            }
            "pgrp" => line(&mut io::stdout(), &nix::unistd::getpgrp().to_string())?,
            other => return Err(io::Error::other(format!("unknown step `{other}`"))),
        }
    }
    Ok(0)
}

fn number(text: &str) -> io::Result<u64> {
    text.parse().map_err(io::Error::other)
}

fn line(to: &mut impl Write, text: &str) -> io::Result<()> {
    to.write_all(format!("{text}\n").as_bytes())?;
    to.flush()
}

/// One write(2) per call, as far as the pipe takes it.
fn out(mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        let written = nix::unistd::write(io::stdout(), bytes)?;
        bytes = &bytes[written..];
    }
    Ok(())
}

/// Numbered lines of 64 bytes, so that a gap or a swap is seen.
fn burst(bytes: u64) -> io::Result<()> {
    let mut chunk = Vec::with_capacity(64 * 1024);
    for number in 0..bytes / 64 {
        chunk.extend_from_slice(format!("{number:063}\n").as_bytes());
        if chunk.len() >= 64 * 1024 {
            out(&chunk)?;
            chunk.clear();
        }
    }
    out(&chunk)?;
    out(&vec![b'.'; usize::try_from(bytes % 64).unwrap_or(0)])
}

fn flood() -> io::Result<()> {
    let chunk = [b'f'; 16 * 1024];
    loop {
        out(&chunk)?;
    }
}

fn parse(name: &str) -> io::Result<Signal> {
    Signal::from_str(&format!("SIG{name}")).map_err(io::Error::other)
}

#[expect(unsafe_code, reason = "signal(2)")]
fn dispose(name: &str, handler: SigHandler) -> io::Result<()> {
    // SAFETY: SIG_IGN runs no code of ours.
    unsafe { signal(parse(name)?, handler) }?;
    Ok(())
}

/// Exits with `code` on a signal.
fn trap(name: &str, code: &str) -> io::Result<()> {
    let code: i32 = code.parse().map_err(io::Error::other)?;
    #[expect(clippy::exit, reason = "the script says so, from whatever thread")]
    on_signal(name, move |_| std::process::exit(code))
}

/// Prints the name of a signal each time that it comes.
fn report(name: &str) -> io::Result<()> {
    on_signal(name, |which| {
        drop(line(&mut io::stdout(), which.as_str()));
    })
}

/// Prints a text each time that a signal comes.
fn answer(name: &str, text: &str) -> io::Result<()> {
    let text = text.to_owned();
    on_signal(name, move |_| drop(line(&mut io::stdout(), &text)))
}

/// Waits for a signal on a thread of its own.
fn on_signal(name: &str, act: impl Fn(Signal) + Send + 'static) -> io::Result<()> {
    let mut set = SigSet::empty();
    set.add(parse(name)?);
    // The thread inherits that all are blocked, so it takes none but its own.
    let before = SigSet::all().thread_swap_mask(SigmaskHow::SIG_BLOCK)?;
    std::thread::spawn(move || {
        while let Ok(which) = set.wait() {
            act(which);
        }
    });
    before.thread_set_mask()?;
    set.thread_block()?;
    Ok(())
}

/// Children that each leave a child behind and end: the grandchildren lose their parent.
#[expect(
    unsafe_code,
    reason = "fork(2), because ten thousand execs take a minute"
)]
fn orphans(count: u64) -> io::Result<()> {
    for _ in 0..count {
        // SAFETY: the child makes system calls only, and never returns.
        match unsafe { fork() }? {
            ForkResult::Parent { child } => drop(waitpid(child, None)?),
            ForkResult::Child => {
                // A process that was just forked may always lead a group of its own.
                let _: nix::Result<()> = setpgid(Pid::from_raw(0), Pid::from_raw(0));
                // SAFETY: as above, for both of them.
                unsafe {
                    let _: nix::Result<ForkResult> = fork();
                    nix::libc::_exit(0);
                }
            }
        }
    }
    Ok(())
}

/// Waits until no process in sight is a zombie; returns how many are left after the patience.
fn zombies(patience: Duration) -> usize {
    let until = Instant::now() + patience;
    loop {
        let left = std::fs::read_dir("/proc")
            .into_iter()
            .flatten()
            .flatten()
            .filter_map(|entry| std::fs::read_to_string(entry.path().join("stat")).ok())
            .filter(|stat| {
                stat.rsplit_once(')')
                    .is_some_and(|(_, after)| after.trim_start().starts_with('Z'))
            })
            .count();
        if left == 0 || Instant::now() >= until {
            return left;
        }
        sleep(Duration::from_millis(2));
    }
}

fn eat(megabytes: u64) {
    let mut eaten = Vec::new();
    for _ in 0..megabytes {
        // Written to, so that the kernel has to give it.
        eaten.push(vec![1_u8; 1 << 20]);
    }
    std::hint::black_box(&eaten);
}

fn close_output() -> io::Result<()> {
    let null = std::fs::File::options().write(true).open("/dev/null")?;
    nix::unistd::dup2_stdout(&null)?;
    nix::unistd::dup2_stderr(&null)?;
    Ok(())
}
