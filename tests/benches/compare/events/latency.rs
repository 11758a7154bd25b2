//! How late a subscriber hears what an agent writes, against a bare forwarder.

use std::io;
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use agent_tests::Nats;
use futures_util::StreamExt as _;
use tokio::time::timeout;

use super::{AGENT, Protocol, Run, SPEAKER, peer, player, server};
use crate::bench::{Bench, Stage};
use crate::report::{EVENTS_LATENCY_RATIO, Report};
use crate::spread::Spread;

/// Events of a run, per second, and the bytes of what each says.
const EVENTS: usize = 5000;
const RATE: usize = 1000;
const CONTENT: usize = 256;

/// How long the last event may take.
const PATIENCE: Duration = Duration::from_secs(30);

struct Peer {
    name: &'static str,
    pipeline: Vec<Stage>,
    run: Option<Run>,
    medians: Vec<f64>,
    late: Vec<f64>,
}

/// Compares the runner with `agent | forwarder`.
pub(super) fn compare(bench: &Bench, report: &mut Report) -> io::Result<()> {
    let dir = bench.dir().join("latency");
    std::fs::create_dir_all(&dir)?;
    let nats = server(&dir);
    let mut peers = peers(bench, &dir, &nats)?;
    for round in 0..=bench.rounds {
        for peer in &mut peers {
            let mut late = listen(bench, &nats, peer)?;
            late.sort_by(f64::total_cmp);
            if round > 0 {
                peer.medians.push(late[late.len() / 2]);
                peer.late.push(late[late.len() * 99 / 100]);
            }
        }
    }
    report.table(
        &format!(
            "From write(2) to a subscriber, {EVENTS} events of {CONTENT} bytes, {RATE} a second, {} rounds",
            bench.rounds
        ),
        &["through", "median, us", "median / forwarder", "p99, us", "p99 / forwarder"],
    )?;
    for peer in &peers {
        let ratio = Spread::of_ratios(&peer.medians, &peers[0].medians);
        let of_late = Spread::of_ratios(&peer.late, &peers[0].late);
        report.row(&[
            peer.name.to_owned(),
            Spread::of(peer.medians.iter().copied()).to_string(),
            ratio.judged(),
            Spread::of(peer.late.iter().copied()).to_string(),
            of_late.judged(),
        ])?;
        if peer.run.is_some() {
            let what = "events, median from write to subscriber / forwarder";
            report.target(what, ratio, EVENTS_LATENCY_RATIO);
        }
    }
    Ok(())
}

/// Runs a peer, and returns how many microseconds each event took.
fn listen(bench: &Bench, nats: &Nats, peer: &Peer) -> io::Result<Vec<f64>> {
    if let Some(run) = &peer.run {
        run.clear()?;
    }
    let (ready, listening) = channel();
    let url = nats.url();
    let subscriber = thread::spawn(move || -> io::Result<Vec<f64>> {
        peer::runtime()?.block_on(async {
            let client = async_nats::connect(url).await.map_err(io::Error::other)?;
            let heard = client.subscribe("agentrun.*.*.*.agent.*.message").await;
            let mut heard = heard.map_err(io::Error::other)?;
            client.flush().await.map_err(io::Error::other)?;
            ready.send(()).map_err(io::Error::other)?;
            let mut late = Vec::with_capacity(EVENTS);
            while late.len() < EVENTS {
                let message = timeout(PATIENCE, heard.next()).await?;
                let now = peer::now();
                let message = message.ok_or_else(|| io::Error::other("the server is gone"))?;
                let said = said(&message.payload)
                    .ok_or_else(|| io::Error::other("a message without a time"))?;
                late.push(now.saturating_sub(said) as f64 / 1e3);
            }
            Ok(late)
        })
    });
    listening.recv_timeout(PATIENCE).map_err(io::Error::other)?;
    bench.measure(&peer.pipeline)?;
    subscriber
        .join()
        .map_err(|_| io::Error::other("the subscriber has panicked"))?
}

/// The time that a message begins with.
fn said(payload: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(payload).ok()?;
    let (_, content) = text.split_once("\"content\":\"")?;
    let end = content.find(|letter: char| !letter.is_ascii_digit())?;
    content[..end].parse().ok()
}

fn peers(bench: &Bench, dir: &std::path::Path, nats: &Nats) -> io::Result<Vec<Peer>> {
    let url = nats.url();
    let numbers = [EVENTS, CONTENT, RATE].map(|number| number.to_string());
    let [events, content, rate] = numbers.each_ref().map(String::as_str);
    let agent = player(&["say", "jsonl", events, content, rate])?;
    let [namespace, name, uid, ..] = SPEAKER.map(|(_, value)| value);
    let subject = format!("agentrun.{namespace}.{name}.{uid}.agent.{AGENT}.message");
    let run = Run::new(bench, dir, Protocol::Jsonl, &agent, &[("NATS_URL", &url)])?;
    let peer = |name, pipeline, run| Peer {
        name,
        pipeline,
        run,
        medians: Vec::new(),
        late: Vec::new(),
    };
    Ok(vec![
        peer(
            "bare async-nats forwarder",
            vec![agent, player(&["forward", &url, &subject])?],
            None,
        ),
        peer("agent-runner, jsonl", vec![run.command.clone()], Some(run)),
    ])
}
