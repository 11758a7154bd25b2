//! What events take of memory: with a connection, and by their number.

use std::io;

use agent_tests::NatsServer;

use super::{Protocol, Run, STREAM, player, server, stored_in};
use crate::bench::Bench;
use crate::idle::{self, Process};
use crate::report::{EVENTS_IDLE_MIB, EVENTS_SLOPE_MIB, Report};
use crate::spread::Spread;

/// Events whose peaks are compared. The first are few enough to be in memory whole.
const EVENTS: [u64; 3] = [1000, 20_000, 200_000];

/// Bytes of what each says.
const CONTENT: &str = "1024";

/// Reads memory while the agent is silent, and peaks by the number of events.
pub(super) fn compare(bench: &Bench, report: &mut Report) -> io::Result<()> {
    let dir = bench.dir().join("memory");
    std::fs::create_dir_all(&dir)?;
    silent(bench, report, &dir)?;
    report.table(
        "Peak memory by events of 1024 bytes, jsonl at full speed",
        &["events", "peak RSS, MiB"],
    )?;
    let nats = server(&dir);
    let mut peaks = Vec::new();
    for events in EVENTS {
        let agent = player(&["say", "jsonl", &events.to_string(), CONTENT, "0"])?;
        let url = [("NATS_URL", &*nats.url())];
        let run = Run::new(bench, &dir, Protocol::Jsonl, &agent, &url)?;
        let mut of_rounds = Vec::new();
        for _ in 0..bench.rounds {
            nats.delete_stream(STREAM);
            nats.make_stream(STREAM, &["agentrun.>"]);
            run.clear()?;
            let measured = bench.measure(std::slice::from_ref(&run.command))?;
            of_rounds.push(measured.rss as f64 / 1_048_576.0);
        }
        let peak = Spread::of(of_rounds.iter().copied());
        report.row(&[events.to_string(), peak.to_string()])?;
        peaks.push(of_rounds);
    }
    if let [few, .., many] = &peaks[..] {
        let grown = Spread::of_differences(many, few);
        let what = "events, MiB of peak RSS from 1,000 to 200,000";
        report.target(what, grown, EVENTS_SLOPE_MIB);
    }
    Ok(())
}

fn silent(bench: &Bench, report: &mut Report, dir: &std::path::Path) -> io::Result<()> {
    let plain = server(&dir.join("plain"));
    let secure = NatsServer::new()
        .tls()
        .config(&stored_in(&dir.join("secure")))
        .start();
    secure.make_stream(STREAM, &["agentrun.>"]);
    let (url, tls) = (plain.url(), secure.url());
    let ca = secure.ca_file().display().to_string();
    let agent = idle::AGENT.map(str::to_owned);
    report.table(
        "Memory after 1 s of a sleeping agent",
        &[
            "events",
            "RSS, MiB",
            "peak RSS, MiB",
            "anonymous, MiB",
            "PSS, MiB",
            "threads",
        ],
    )?;
    let with_tls: [(&str, &str); 2] = [("NATS_URL", &tls), ("NATS_CA_FILE", &ca)];
    for (name, variables) in [
        ("in the journal only", &[][..]),
        ("over NATS", &[("NATS_URL", &*url)][..]),
        (TLS, &with_tls[..]),
    ] {
        let run = Run::new(bench, dir, Protocol::Raw, &agent, variables)?;
        run.clear()?;
        let process = Process::settled(&run.command)?;
        let mib = |field: &str| process.kib(field) / 1024.0;
        let cells = ["VmRSS", "VmHWM", "RssAnon", "Pss"].map(|field| format!("{:.1}", mib(field)));
        let threads = format!("{:.0}", process.kib("Threads"));
        report.row(&[&[name.to_owned()], &cells[..], &[threads]].concat())?;
        let said = run.events()?;
        assert!(
            name.starts_with("in") || said["mode"] == "jetstream",
            "{said}"
        );
        if name == TLS {
            let what = "events, MiB of RSS while the agent is silent, NATS with TLS";
            report.target(what, Spread::of([mib("VmRSS")]), EVENTS_IDLE_MIB);
        }
    }
    Ok(())
}

const TLS: &str = "over NATS with TLS";
