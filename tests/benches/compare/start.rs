//! From start to exit: what is added to `/bin/true`.

use std::io;
use std::path::Path;

use crate::bench::{Bench, Redaction, Stage, assert_succeeded, installed};
use crate::report::{Report, START_MS, milliseconds};
use crate::spread::Spread;

const TRUE: &str = "/bin/true";

/// A run takes milliseconds, so there is time for many.
const ROUNDS_EACH: usize = 8;

struct Peer {
    name: &'static str,
    command: Stage,
    /// Where the runner's files are, if it is the runner.
    files: Option<std::path::PathBuf>,
    wall: Vec<f64>,
    cpu: Vec<f64>,
    rss: u64,
}

/// Compares bare, tini, dumb-init and the runner with log and status.
pub(crate) fn compare(bench: &Bench, report: &mut Report) -> io::Result<()> {
    let mut peers = peers(bench)?;
    for round in 0..=bench.rounds * ROUNDS_EACH {
        for peer in &mut peers {
            let measured = bench.measure(std::slice::from_ref(&peer.command))?;
            if let Some(dir) = &peer.files {
                assert_succeeded(dir);
            }
            // The first round warms up.
            if round > 0 {
                peer.wall.push(measured.wall);
                peer.cpu.push(measured.cpu);
                peer.rss = peer.rss.max(measured.rss);
            }
        }
    }
    let heading = format!(
        "Start to exit of /bin/true, {} rounds",
        bench.rounds * ROUNDS_EACH
    );
    report.table(
        &heading,
        &[
            "command",
            "wall ms",
            "CPU ms",
            "added to bare, ms",
            "wall / tini",
            "peak RSS, MiB",
        ],
    )?;
    let bare = peers[0].wall.clone();
    let tini = peers
        .iter()
        .find(|peer| peer.name == "tini")
        .map(|peer| peer.wall.clone());
    for peer in &peers {
        let added = Spread::of_differences(&peer.wall, &bare).times(1e3);
        let ratio = tini
            .as_ref()
            .map(|tini| Spread::of_ratios(&peer.wall, tini).judged());
        report.row(&[
            peer.name.to_owned(),
            milliseconds(&peer.wall).to_string(),
            milliseconds(&peer.cpu).to_string(),
            added.to_string(),
            ratio.unwrap_or_default(),
            format!("{:.1}", peer.rss as f64 / 1_048_576.0),
        ])?;
        if peer.name == IN_MEMORY {
            report.target("start, ms added to bare", added, START_MS);
        }
    }
    Ok(())
}

const IN_MEMORY: &str = "agent-runner, files in memory";

fn peers(bench: &Bench) -> io::Result<Vec<Peer>> {
    let agent = [TRUE.to_owned()];
    let ours = |dir: &Path| bench.runner(dir, &agent, Redaction::On);
    let mut peers = vec![peer("bare", agent.to_vec(), None)];
    if let Some(tini) = installed("tini") {
        peers.push(peer(
            "tini",
            vec![tini, "-s".into(), "--".into(), TRUE.into()],
            None,
        ));
    }
    if let Some(dumb_init) = installed("dumb-init") {
        peers.push(peer("dumb-init", vec![dumb_init, TRUE.into()], None));
    }
    peers.push(peer(IN_MEMORY, ours(bench.dir())?, Some(bench.dir())));
    peers.push(peer(
        "agent-runner, files on disk",
        ours(bench.disk())?,
        Some(bench.disk()),
    ));
    Ok(peers)
}

fn peer(name: &'static str, command: Stage, files: Option<&Path>) -> Peer {
    Peer {
        name,
        command,
        files: files.map(Path::to_owned),
        wall: Vec::new(),
        cpu: Vec::new(),
        rss: 0,
    }
}
