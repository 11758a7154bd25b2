//! What events cost a run that says nothing: until the agent starts, and until the end.

use std::fs;
use std::io;

use super::{Protocol, Run, peer, player, server};
use crate::bench::Bench;
use crate::report::{Report, milliseconds};
use crate::spread::Spread;

/// A run takes milliseconds, but for the time that is given to a server that never answers.
const ROUNDS_EACH: usize = 4;

/// Nobody listens there: the port of discard, which no container has.
const CLOSED: &str = "nats://127.0.0.1:9";

/// The pod's usual one: what is left of it at the end is the time for a server that is away.
const GRACE: (&str, &str) = ("AGENT_RUNNER_TERMINATION_GRACE_SECONDS", "30");

struct Peer {
    name: &'static str,
    run: Run,
    started: Vec<f64>,
    wall: Vec<f64>,
}

/// Compares no server, one that is away, and one that answers.
pub(super) fn compare(bench: &Bench, report: &mut Report) -> io::Result<()> {
    let dir = bench.dir().join("start");
    fs::create_dir_all(&dir)?;
    let nats = server(&dir);
    let url = nats.url();
    let mark = dir.join("began");
    let agent = player(&["began", &mark.display().to_string()])?;
    let mut peers = Vec::new();
    for (name, variables) in [
        ("no `NATS_URL`", &[GRACE][..]),
        ("a closed port", &[GRACE, ("NATS_URL", CLOSED)][..]),
        (
            "a server with the stream",
            &[GRACE, ("NATS_URL", &*url)][..],
        ),
    ] {
        peers.push(Peer {
            name,
            run: Run::new(bench, &dir, Protocol::Raw, &agent, variables)?,
            started: Vec::new(),
            wall: Vec::new(),
        });
    }
    let rounds = bench.rounds * ROUNDS_EACH;
    for round in 0..=rounds {
        for peer in &mut peers {
            peer.run.clear()?;
            let begun = peer::now();
            let measured = bench.measure(std::slice::from_ref(&peer.run.command))?;
            let agent: u64 = fs::read_to_string(&mark)?
                .parse()
                .map_err(io::Error::other)?;
            if round > 0 {
                peer.started.push(agent.saturating_sub(begun) as f64 / 1e9);
                peer.wall.push(measured.wall);
            }
        }
    }
    report.table(
        &format!("Start of an agent that ends at once, {rounds} rounds"),
        &[
            "events go to",
            "agent runs after, ms",
            "added, ms",
            "until the end, ms",
            "added, ms",
        ],
    )?;
    let (started, wall) = (peers[0].started.clone(), peers[0].wall.clone());
    for peer in &peers {
        report.row(&[
            peer.name.to_owned(),
            milliseconds(&peer.started).to_string(),
            Spread::of_differences(&peer.started, &started)
                .times(1e3)
                .to_string(),
            milliseconds(&peer.wall).to_string(),
            Spread::of_differences(&peer.wall, &wall)
                .times(1e3)
                .to_string(),
        ])?;
    }
    Ok(())
}
