//! What the runner costs, against the tools that people would use instead.
//!
//! # Theory of operation
//!
//! Every measurement is taken by a small parent, which is this executable again (`measure`): it
//! starts one pipeline, waits and prints wall time, CPU time and the largest resident set. A child
//! inherits its parent's peak, so a large parent would hide the child's own.
//!
//! Peers run in turn, A B C, A B C, and a result is the median of the ratios of each turn: other
//! load on the machine then hits all of them. A peer that is not installed is left out with a word.
//! The log of each run is compared with what the generator wrote, byte for byte: throughput
//! without "0 bytes lost" says nothing.
//!
//! Numbers are reported, not judged: the exit code is 0. With `--check` they are compared with the
//! targets in `report`, and a median above its target, by however little, is exit code 1. How to run it and what came out: `docs/performance.md`.

#![expect(
    clippy::cast_precision_loss,
    reason = "a measurement divides; its numbers are far below 2^52"
)]

mod bench;
mod checkout;
mod events;
mod generate;
mod idle;
mod log;
mod machine;
mod measure;
mod report;
mod slope;
mod spread;
mod start;
mod upload;

use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

use bench::Bench;
use report::Report;

const USAGE: &str =
    "usage: cargo bench -p agent-tests --bench compare -- [start] [idle] [log] [slope] [checkout] [events] [upload]
       [--rounds N] [--dir PATH] [--disk PATH] [--check]
";

/// A part of the comparison.
type Part = fn(&Bench, &mut Report) -> io::Result<()>;

/// The parts, in the order in which they run.
const PARTS: [(&str, Part); 7] = [
    ("start", start::compare),
    ("idle", idle::compare),
    ("slope", slope::compare),
    ("log", log::compare),
    ("checkout", checkout::compare),
    ("events", events::compare),
    ("upload", upload::compare),
];

/// What the command line asks for.
struct Asked {
    parts: Vec<String>,
    rounds: usize,
    dir: PathBuf,
    disk: PathBuf,
    check: bool,
}

fn main() -> io::Result<ExitCode> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match args.first().map(String::as_str) {
        Some("measure") => return done(measure::small_parent(&args[1..])),
        Some("generate") => return done(generate::write(&args[1..])),
        Some("play") => return done(events::play(&args[1..])),
        _ => {}
    }
    let mut report = Report::new();
    let Some(asked) = asked(args) else {
        return done(report.say(USAGE));
    };
    if cfg!(debug_assertions) {
        return done(report.say("A debug build measures nothing: use `cargo bench`.\n"));
    }
    let bench = Bench::new(&asked.dir, &asked.disk, asked.rounds)?;
    report.say(&machine::description(&bench))?;
    for (name, part) in PARTS {
        if asked.parts.is_empty() || asked.parts.iter().any(|part| part == name) {
            part(&bench, &mut report)?;
        }
    }
    report.say(&format!("\nLoad average at the end: {}\n", machine::load()))?;
    if asked.check && !report.check()? {
        return Ok(ExitCode::FAILURE);
    }
    Ok(ExitCode::SUCCESS)
}

fn done(result: io::Result<()>) -> io::Result<ExitCode> {
    result.map(|()| ExitCode::SUCCESS)
}

fn asked(args: Vec<String>) -> Option<Asked> {
    let mut asked = Asked {
        parts: Vec::new(),
        rounds: 5,
        dir: "/dev/shm".into(),
        disk: env!("CARGO_TARGET_TMPDIR").into(),
        check: false,
    };
    let mut args = args.into_iter();
    while let Some(arg) = args.next() {
        match arg.as_str() {
            // Cargo's own.
            "--bench" => {}
            "--check" => asked.check = true,
            "--rounds" => asked.rounds = args.next()?.parse().ok().filter(|rounds| *rounds > 0)?,
            "--dir" => asked.dir = args.next()?.into(),
            "--disk" => asked.disk = args.next()?.into(),
            part if PARTS.iter().any(|(name, _)| *name == part) => asked.parts.push(arg),
            _ => return None,
        }
    }
    Some(asked)
}
