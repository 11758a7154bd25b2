//! How fast output gets to the log and to stdout, against tee; and whether all of it does.

use std::io;

use crate::bench::{Bench, Redaction, Stage, assert_succeeded, installed, log};
use crate::generate;
use crate::measure::Measured;
use crate::report::{LOG_RATIO, Report};
use crate::spread::Spread;

/// What is written: in all, and per write.
const OUTPUTS: [(&str, u64, usize); 2] = [
    ("1 GiB in writes of 64 KiB", 1 << 30, 64 * 1024),
    ("256 MiB in writes of 100 bytes", 1 << 28, 100),
];

/// Where stdout goes.
const READERS: [(&str, Option<&str>); 2] = [("/dev/null", None), ("a pipe to cat", Some("cat"))];

struct Peer {
    name: &'static str,
    pipeline: Vec<Stage>,
    /// Which stage moves the output.
    mover: usize,
    is_ours: bool,
    target: Option<f64>,
    measured: Vec<Measured>,
    lost: u64,
}

/// Compares with `generator | tee log`, for each output and reader.
pub(crate) fn compare(bench: &Bench, report: &mut Report) -> io::Result<()> {
    let Some(tee) = installed("tee") else {
        return report.say("\ntee is not installed: no comparison of the log\n");
    };
    for (output, bytes, write) in OUTPUTS {
        for (reader, command) in READERS {
            let mut peers = peers(bench, &tee, &bench.generator(bytes, write), command)?;
            for round in 0..=bench.rounds {
                for peer in &mut peers {
                    run(bench, peer, bytes, write, round)?;
                }
            }
            print(
                report,
                &format!("{output}, stdout to {reader}"),
                bytes,
                &peers,
            )?;
        }
    }
    Ok(())
}

fn peers(
    bench: &Bench,
    tee: &str,
    generator: &Stage,
    reader: Option<&str>,
) -> io::Result<Vec<Peer>> {
    let reader = reader.map(|reader| vec![installed(reader).unwrap_or_else(|| reader.to_owned())]);
    let peer = |name, stages: Vec<Stage>, is_ours, target| Peer {
        name,
        mover: stages.len() - 1,
        pipeline: stages.into_iter().chain(reader.clone()).collect(),
        is_ours,
        target,
        measured: Vec::new(),
        lost: 0,
    };
    let ours =
        |redaction| Ok::<_, io::Error>(vec![bench.runner(bench.dir(), generator, redaction)?]);
    let tee = vec![tee.to_owned(), log(bench.dir()).display().to_string()];
    Ok(vec![
        peer("tee", vec![generator.clone(), tee], false, None),
        peer(
            "agent-runner, redaction off",
            ours(Redaction::Off)?,
            true,
            Some(LOG_RATIO[0]),
        ),
        peer(
            "agent-runner, redaction on",
            ours(Redaction::On)?,
            true,
            Some(LOG_RATIO[1]),
        ),
    ])
}

fn run(bench: &Bench, peer: &mut Peer, bytes: u64, write: usize, round: usize) -> io::Result<()> {
    let log = log(bench.dir());
    // Both would write to an old log in their own ways: over it, or behind it.
    if log.exists() {
        std::fs::remove_file(&log)?;
    }
    let measured = bench.measure(&peer.pipeline)?;
    if peer.is_ours {
        assert_succeeded(bench.dir());
    }
    peer.lost += generate::lost(&log, bytes, write)?;
    // The first round warms up; what it lost counts.
    if round > 0 {
        peer.measured.push(measured);
    }
    std::fs::remove_file(&log)
}

fn print(report: &mut Report, heading: &str, bytes: u64, peers: &[Peer]) -> io::Result<()> {
    report.table(
        heading,
        &[
            "pipeline",
            "wall ms",
            "MB/s",
            "wall / tee",
            "CPU / tee",
            "own CPU s",
            "own CPU / tee",
            "peak RSS, MiB",
            "bytes lost",
        ],
    )?;
    let all = |peer: &Peer, number: fn(&Measured) -> f64| -> Vec<f64> {
        peer.measured.iter().map(number).collect()
    };
    let own = |peer: &Peer| -> Vec<f64> {
        peer.measured
            .iter()
            .map(|measured| measured.own_cpu[peer.mover])
            .collect()
    };
    let tee = &peers[0];
    for peer in peers {
        let wall = all(peer, |measured| measured.wall);
        let ratio = Spread::of_ratios(&wall, &all(tee, |measured| measured.wall));
        let cpu = Spread::of_ratios(
            &all(peer, |measured| measured.cpu),
            &all(tee, |measured| measured.cpu),
        );
        let rss = peer
            .measured
            .iter()
            .map(|measured| measured.rss)
            .max()
            .unwrap_or(0);
        let wall = Spread::of(wall);
        report.row(&[
            peer.name.to_owned(),
            format!("{:.0}", wall.median * 1e3),
            format!("{:.0}", bytes as f64 / 1e6 / wall.median),
            ratio.judged(),
            cpu.judged(),
            format!("{:.2}", Spread::of(own(peer)).median),
            Spread::of_ratios(&own(peer), &own(tee)).judged(),
            format!("{:.1}", rss as f64 / 1_048_576.0),
            peer.lost.to_string(),
        ])?;
        if let Some(target) = peer.target {
            report.target(
                format!("{heading}, {}, wall / tee", peer.name),
                ratio,
                target,
            );
            report.target(
                format!("{heading}, {}, bytes lost", peer.name),
                Spread::of([peer.lost as f64]),
                0.0,
            );
        }
    }
    Ok(())
}
