//! Events over NATS: how many, how late, and what they cost.
//!
//! # Theory of operation
//!
//! A real `nats-server` takes everything; it runs on the same cores as whoever publishes. The floor
//! is a bare client that publishes ready-made messages, byte for byte those of the runner, with as
//! many in flight. Each publisher, agent and forwarder is this executable again ([`peer`]), in a
//! process of its own.
//!
//! How fast events got through is what the server says: the time at which it stored the last less
//! that of the first, the same clock for every peer. After each run the stream is read from its
//! beginning ([`stream`]); a number without "0 lost, 0 out of order, 0 twice" is void.

mod latency;
mod memory;
mod peer;
mod rate;
mod start;
mod stream;

use std::io;
use std::path::{Path, PathBuf};

use agent_tests::{Nats, NatsServer};
use serde_json::{Value, json};

pub(crate) use peer::play;

use crate::bench::{Bench, Stage, log, with};
use crate::report::Report;

/// The stream that everything goes to.
const STREAM: &str = "agent-comms";

/// Who speaks, in the environment of every run; the ready-made messages say the same.
const SPEAKER: [(&str, &str); 5] = [
    ("AGENT_RUN_NAMESPACE", "agents"),
    ("AGENT_RUN_NAME", "bench"),
    ("AGENT_RUN_UID", "0f7c1c1e-6a55-4c1f-8d0e-2b0a5f4a9d11"),
    ("AGENT_RUN_STEP", "bench-job-x2k9p"),
    // The step is then no part of ids.
    ("AGENT_RUNNER_ATTEMPT", "1"),
];

/// The agent's name.
const AGENT: &str = "bench";

/// Long enough for everything to be delivered at the end, however far the server is behind: 15 %
/// of it are for events.
const GRACE_SECONDS: &str = "3600";

/// How the runner reads its agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Protocol {
    Jsonl,
    Raw,
}

impl Protocol {
    fn name(self) -> &'static str {
        match self {
            Self::Jsonl => "jsonl",
            Self::Raw => "raw",
        }
    }
}

/// Measures all of it.
pub(crate) fn compare(bench: &Bench, report: &mut Report) -> io::Result<()> {
    for (name, dir) in [("memory", bench.dir()), ("a disk", bench.disk())] {
        rate::compare(bench, report, name, dir)?;
    }
    latency::compare(bench, report)?;
    memory::compare(bench, report)?;
    start::compare(bench, report)
}

/// Starts a server whose store is below a directory, with the stream.
fn server(store: &Path) -> Nats {
    let nats = NatsServer::new().config(&stored_in(store)).start();
    nats.make_stream(STREAM, &["agentrun.>"]);
    nats
}

/// The line of a configuration that puts streams into a directory; it replaces the usual one.
fn stored_in(store: &Path) -> String {
    let jetstream = json!({ "store_dir": store, "max_file_store": 8_u64 << 30 });
    format!("jetstream: {jetstream}")
}

/// A run of the runner: its command and where it leaves its files.
struct Run {
    command: Stage,
    dir: PathBuf,
}

impl Run {
    /// A run of an agent, in a directory of its own below `dir`, with more variables.
    fn new(
        bench: &Bench,
        dir: &Path,
        protocol: Protocol,
        agent: &[String],
        more: &[(&str, &str)],
    ) -> io::Result<Self> {
        let dir = dir.join("run");
        let spec = json!({
            "schemaVersion": "agents.proompteng.ai/runner/v1",
            "provider": AGENT,
            "artifacts": { "statusPath": dir.join("status.json"), "logPath": log(&dir) },
            "adapter": {
                "type": "exec",
                "exec": { "binary": agent[0], "argsTemplate": agent[1..] },
                "runner": { "protocol": protocol.name() },
            },
        });
        // By all that it is told, because two runs may differ in nothing but the rate.
        let path = dir.with_file_name(format!("{}.json", agent[1..].join("-")));
        std::fs::write(&path, spec.to_string())?;
        let temporary = dir.with_file_name("").display().to_string();
        let always = [
            ("TMPDIR", temporary.as_str()),
            ("AGENT_RUNNER_TERMINATION_GRACE_SECONDS", GRACE_SECONDS),
        ];
        let variables = SPEAKER.iter().chain(&always).chain(more);
        let command = with(variables, bench.command(&path));
        Ok(Self { command, dir })
    }

    /// Forgets what the run before left: a journal would be gone on with.
    fn clear(&self) -> io::Result<()> {
        match std::fs::remove_dir_all(&self.dir) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        std::fs::create_dir(&self.dir)
    }

    /// What the run says of its events.
    fn events(&self) -> io::Result<Value> {
        let status = std::fs::read(self.dir.join("status.json"))?;
        let status: Value = serde_json::from_slice(&status)?;
        Ok(status["events"].clone())
    }
}

/// The command of a part that this executable plays.
fn player(words: &[&str]) -> io::Result<Stage> {
    let myself = std::env::current_exe()?.display().to_string();
    let words = words.iter().map(|&word| word.to_owned());
    Ok([myself, "play".to_owned()]
        .into_iter()
        .chain(words)
        .collect())
}
