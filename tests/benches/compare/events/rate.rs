//! How many events a second the server stores, against a client that does nothing else.

use std::fs::{File, create_dir_all, remove_dir_all};
use std::io::{self, BufWriter, Write as _};
use std::path::{Path, PathBuf};

use agent_plan::event::{Event, EventKind, Role};
use agent_plan::message::{Format, Prefix, Wire, messages};
use agent_plan::record::{Header, Speaker, VERSION};
use agent_tests::{Nats, binary};

use super::stream::{self, Stored};
use super::{AGENT, Protocol, Run, SPEAKER, STREAM, peer, player, server};
use crate::bench::{Bench, Stage, with};
use crate::report::{EVENTS_TIME_RATIO, Report};
use crate::spread::Spread;

/// Events of a run.
const EVENTS: u64 = 200_000;

/// Bytes of what each says.
const CONTENT: usize = 1024;

/// Lines per second of the agent that leaves the runner time: a log that nobody reads any more.
const BOUNDED: &str = "10000";

/// What is measured.
struct Peer {
    name: &'static str,
    command: Stage,
    /// `None`: it publishes ready-made messages, or a journal.
    run: Option<Run>,
    kind: &'static str,
    has_target: bool,
    seconds: Vec<f64>,
    wall: Vec<f64>,
    cpu: Vec<f64>,
    rss: u64,
    dropped: u64,
    stored: Stored,
}

/// Compares publishers whose server stores in a directory.
pub(super) fn compare(
    bench: &Bench,
    report: &mut Report,
    name: &str,
    dir: &Path,
) -> io::Result<()> {
    let dir = dir.join("events");
    create_dir_all(&dir)?;
    let nats = server(&dir);
    let mut peers = peers(bench, &dir, &nats)?;
    for round in 0..=bench.rounds {
        let mut digest = None;
        for peer in &mut peers {
            nats.delete_stream(STREAM);
            nats.make_stream(STREAM, &["agentrun.>"]);
            run(bench, &nats, peer, round)?;
            if peer.run.is_none() {
                // Whatever publishes the journal must have published the same bytes.
                let same = *digest.get_or_insert(peer.stored.digest) == peer.stored.digest;
                assert!(same, "{} publishes something else", peer.name);
            }
        }
    }
    print(&peers, bench, report, name)?;
    remove_dir_all(&dir)
}

fn run(bench: &Bench, nats: &Nats, peer: &mut Peer, round: usize) -> io::Result<()> {
    if let Some(run) = &peer.run {
        run.clear()?;
    }
    let measured = bench.measure(std::slice::from_ref(&peer.command))?;
    let (mut last, mut dropped) = (EVENTS, 0);
    if let Some(run) = &peer.run {
        let events = run.events()?;
        let count = |name: &str| events[name].as_u64().unwrap_or(0);
        (last, dropped) = (count("emitted"), count("dropped"));
        assert_eq!(count("acknowledged"), last, "{events}");
    }
    let stored = stream::read(nats, peer.kind, last)?;
    let said = stored.of_kind + dropped;
    assert!(stored.lost > 0 || said == EVENTS, "{said} of {EVENTS}");
    peer.stored = Stored {
        lost: peer.stored.lost + stored.lost,
        out_of_order: peer.stored.out_of_order + stored.out_of_order,
        twice: peer.stored.twice + stored.twice,
        ..stored
    };
    // The first round warms up; what it lost counts.
    if round > 0 {
        // Of what was stored, so that dropping is not fast.
        peer.seconds
            .push(peer.stored.seconds / peer.stored.of_kind as f64);
        peer.wall.push(measured.wall);
        let million = peer.stored.of_kind as f64 / 1e6;
        peer.cpu.push(measured.own_cpu[0] / million);
        peer.rss = peer.rss.max(measured.rss);
        peer.dropped = peer.dropped.max(dropped);
    }
    Ok(())
}

fn print(peers: &[Peer], bench: &Bench, report: &mut Report, name: &str) -> io::Result<()> {
    let heading = format!(
        "{EVENTS} events of {CONTENT} bytes, streams in {name}, {} rounds",
        bench.rounds
    );
    report.table(
        &heading,
        &[
            "publisher",
            "events/s",
            "events/s / floor",
            "wall s",
            "own CPU s per million",
            "peak RSS, MiB",
            "bytes of a payload",
            "dropped, at most",
            "lost",
            "out of order",
            "twice",
        ],
    )?;
    let floor = &peers[0].seconds;
    for peer in peers {
        let rates = peer.seconds.iter().map(|seconds| 1.0 / seconds);
        report.row(&[
            peer.name.to_owned(),
            thousands(Spread::of(rates)),
            Spread::of_ratios(floor, &peer.seconds).judged(),
            Spread::of(peer.wall.iter().copied()).to_string(),
            Spread::of(peer.cpu.iter().copied()).to_string(),
            format!("{:.1}", peer.rss as f64 / 1_048_576.0),
            peer.stored.length.to_string(),
            peer.dropped.to_string(),
            peer.stored.lost.to_string(),
            peer.stored.out_of_order.to_string(),
            peer.stored.twice.to_string(),
        ])?;
        let what = format!("{heading}, {}", peer.name);
        if peer.has_target {
            let ratio = Spread::of_ratios(&peer.seconds, floor);
            report.target(format!("{what}, time / floor"), ratio, EVENTS_TIME_RATIO);
        }
        let Stored {
            lost,
            out_of_order,
            twice,
            ..
        } = peer.stored;
        let wrong = Spread::of([(lost + out_of_order + twice) as f64]);
        report.target(format!("{what}, lost, out of order or twice"), wrong, 0.0);
    }
    Ok(())
}

/// Thousands with one place.
fn thousands(spread: Spread) -> String {
    format!("{} k", spread.times(1e-3))
}

fn peers(bench: &Bench, dir: &Path, nats: &Nats) -> io::Result<Vec<Peer>> {
    let (journal, ready) = prepare(dir)?;
    let url = nats.url();
    let [journal, ready] = [journal, ready].map(|path| path.display().to_string());
    let temporary = dir.display().to_string();
    let variables = [("NATS_URL", url.as_str()), ("TMPDIR", temporary.as_str())];
    let runner = binary("agent-runner").display().to_string();
    let replay = ["replay", "--publish", "--timeout", "10m", &journal];
    let replay = replay.map(str::to_owned);
    let replay = with(&variables, [&[runner], &replay[..]].concat());
    let events = EVENTS.to_string();
    let content = CONTENT.to_string();
    let run = |name, kind, protocol: Protocol, rate: &str, has_target| {
        let agent = player(&["say", protocol.name(), &events, &content, rate])?;
        let run = Run::new(bench, dir, protocol, &agent, &variables[..1])?;
        let command = run.command.clone();
        Ok::<_, io::Error>(peer(name, kind, command, Some(run), has_target))
    };
    Ok(vec![
        peer(
            "bare async-nats, one inbox (the floor)",
            "message",
            player(&["publish", &url, &ready])?,
            None,
            false,
        ),
        peer(
            "bare async-nats, the library's acknowledgements",
            "message",
            player(&["publish-library", &url, &ready])?,
            None,
            false,
        ),
        peer(
            "agent-runner replay --publish",
            "message",
            replay,
            None,
            true,
        ),
        run(
            "a run, jsonl, at full speed",
            "message",
            Protocol::Jsonl,
            "0",
            false,
        )?,
        run(
            "a run, raw, at full speed",
            "log",
            Protocol::Raw,
            "0",
            false,
        )?,
        run(
            "a run, raw, 10,000 lines/s",
            "log",
            Protocol::Raw,
            BOUNDED,
            false,
        )?,
    ])
}

fn peer(
    name: &'static str,
    kind: &'static str,
    command: Stage,
    run: Option<Run>,
    has_target: bool,
) -> Peer {
    Peer {
        name,
        command,
        run,
        kind,
        has_target,
        seconds: Vec::new(),
        wall: Vec::new(),
        cpu: Vec::new(),
        rss: 0,
        dropped: 0,
        stored: Stored::default(),
    }
}

/// Writes the journal of a run that said all this, and its messages as the runner publishes them.
fn prepare(dir: &Path) -> io::Result<(PathBuf, PathBuf)> {
    let [namespace, name, uid, step, _] = SPEAKER.map(|(_, value)| value.to_owned());
    let header = Header {
        journal: VERSION,
        attempt: 1,
        stem: format!("{uid}-1"),
        speaker: Speaker {
            run_uid: uid,
            run_name: Some(name),
            run_namespace: Some(namespace),
            agent_id: AGENT.to_owned(),
            step_id: Some(step),
            ..Speaker::default()
        },
    };
    let wire = Wire {
        prefix: Prefix::AgentRun,
        format: Format::Plain,
        traceparent: None,
        max_content: 64 << 10,
    };
    let paths = (dir.join("given.ndjson"), dir.join("ready"));
    let mut journal = BufWriter::new(File::create(&paths.0)?);
    let mut ready = BufWriter::new(File::create(&paths.1)?);
    writeln!(journal, "{}", serde_json::to_string(&header)?)?;
    let content = peer::text(CONTENT);
    for seq in 1..=EVENTS {
        let event = Event::new(EventKind::Message, Role::Assistant, content.as_str());
        let record = header.record(seq, "2026-08-23T10:15:00.120Z".to_owned(), event);
        writeln!(journal, "{}", serde_json::to_string(&record)?)?;
        for message in messages(&header, &record, &wire, 1 << 20) {
            peer::write(&mut ready, &message.subject, &message.id, &message.payload)?;
        }
    }
    ready.flush()?;
    journal.flush()?;
    Ok(paths)
}
