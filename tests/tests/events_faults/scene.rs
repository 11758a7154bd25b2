//! A run that can be started again, and what has to be in the stream when it is over.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;

use agent_tests::{Ended, Nats, Run, StoredMessage, subscriber};
use serde_json::{Value, json};
use tempfile::TempDir;

/// The stream of the real installation.
pub(crate) const STREAM: &str = "agent-comms";

/// An uid as the controller gives them.
pub(crate) const UID: &str = "0f7c1c1e-6a55-4c1f-8d0e-2b0a5f4a9d11";

/// Kinds that others than the run's followers want (docs/events.md).
const GENERAL: [&str; 6] = [
    "run-started",
    "run-outcome",
    "run-summary",
    "run-gaps",
    "run-next-prompt",
    "swarm-handoff",
];

/// What a pod keeps when its container is started again: run, journal, status.
#[derive(Debug)]
pub(crate) struct Home {
    dir: TempDir,
}

impl Home {
    pub(crate) fn new() -> Self {
        let dir = tempfile::tempdir().expect("a temporary directory can be made");
        let home = Self { dir };
        home.belongs_to(UID, "fix.login-7");
        home
    }

    /// Says whose run it is, in `run.json`.
    pub(crate) fn belongs_to(&self, uid: &str, name: &str) {
        let run = json!({ "agentRun": { "uid": uid, "name": name, "namespace": "agents" } });
        std::fs::write(self.path("run.json"), run.to_string()).expect("it is writable");
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Where the journal is unless told: beside the status.
    pub(crate) fn journal_path(&self) -> PathBuf {
        self.path("agent/events.ndjson")
    }

    /// What the journal has.
    pub(crate) fn journal(&self) -> Vec<u8> {
        std::fs::read(self.journal_path()).unwrap_or_default()
    }

    /// A container of the run, whose agent is a script that speaks `jsonl`.
    pub(crate) fn run(&self, url: &str, script: &str) -> Run {
        Run::new()
            .shell(script)
            .setting("protocol", json!("jsonl"))
            .spec(
                "/artifacts/statusPath",
                json!(self.path("agent/status.json")),
            )
            .spec("/artifacts/logPath", json!(self.path("agent/runner.log")))
            .env("AGENT_RUN_SPEC", self.path("run.json"))
            .env("HOSTNAME", "fix-login-7-job-x2k9p")
            .env("AGENT_RUNNER_LOG", "debug")
            .env("NATS_URL", url)
    }

    /// Lets agents go on that wait for it: [`UNTIL_ENOUGH`].
    pub(crate) fn enough(&self) {
        std::fs::write(self.path("enough"), "").expect("it is writable");
    }

    /// A script that says things, every some milliseconds, until it is enough.
    pub(crate) fn until_enough(&self, pause: &str) -> String {
        let file = self.path("enough").display().to_string();
        format!("i=0; while [ ! -e '{file}' ]; do {SAY_ONE} sleep {pause}; done; {SUCCEED}")
    }
}

/// Says one line, which sometimes is a tool, a message or something handed over.
pub(crate) const SAY_ONE: &str = r#"i=$((i + 1)); echo "line $i of output"
case $i in
    *5) echo '{"kind":"tool_call","tool":"Bash","content":"step '$i'"}'
        echo '{"kind":"tool_result","tool":"Bash","content":"done '$i'"}';;
    *8) echo '{"kind":"message","content":"I am at '$i'."}';;
    *0) echo '{"kind":"run-summary","content":"Half of '$i'."}' >> "$AGENT_RUNNER_CONTEXT_FILE";;
esac;"#;

/// The agent's verdict.
pub(crate) const SUCCEED: &str = r#"echo '{"kind":"run-outcome","status":"succeeded"}'"#;

/// A script that says so many things at once.
pub(crate) fn says(count: u32) -> String {
    format!("i=0; while [ $i -lt {count} ]; do {SAY_ONE} done; {SUCCEED}")
}

/// What one journal says, taken apart.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Said {
    pub(crate) attempt: u64,
    pub(crate) stem: String,
    pub(crate) record: Value,
}

impl Said {
    pub(crate) fn seq(&self) -> u64 {
        self.record["seq"].as_u64().expect("a record has a number")
    }

    pub(crate) fn id(&self) -> &str {
        self.record["id"].as_str().expect("a record has an id")
    }

    pub(crate) fn kind(&self) -> &str {
        self.record["kind"].as_str().expect("a record has a kind")
    }

    pub(crate) fn content(&self) -> &str {
        let content = self.record["content"].as_str();
        content.expect("a record has a content")
    }
}

/// Reads a journal: every attempt has its numbers from 1 on without a gap, no attempt comes twice,
/// and no id either. Lines that are torn or not ours count for nothing.
#[track_caller]
pub(crate) fn records(journal: &[u8]) -> Vec<Said> {
    let mut all: Vec<Said> = Vec::new();
    let mut header: Option<(u64, String)> = None;
    let mut ids = HashSet::new();
    let mut stems = HashSet::new();
    let mut next = 1;
    for line in journal.split_inclusive(|&byte| byte == b'\n') {
        let Some(Ok(record)) = line
            .strip_suffix(b"\n")
            .map(serde_json::from_slice::<Value>)
        else {
            continue;
        };
        if record.get("journal").is_some() {
            let attempt = record["attempt"].as_u64().expect("an attempt has a number");
            let stem = record["stem"].as_str().expect("an attempt has a stem");
            assert!(stems.insert(stem.to_owned()), "two attempts are `{stem}`");
            header = Some((attempt, stem.to_owned()));
            next = 1;
        } else if let (Some((attempt, stem)), Some(_)) = (&header, record.get("seq")) {
            let said = Said {
                attempt: *attempt,
                stem: stem.clone(),
                record,
            };
            assert_eq!(said.seq(), next, "a gap in the journal: {said:?}");
            assert_eq!(said.id(), format!("{stem}-{next}"));
            assert!(ids.insert(said.id().to_owned()), "twice: {said:?}");
            next += 1;
            all.push(said);
        }
    }
    all
}

/// Checks that what is recorded has arrived: each once when what was there before is not counted
/// again, in order, with the copies for everybody, and nothing else.
#[track_caller]
pub(crate) fn assert_arrived(messages: &[StoredMessage], said: &[Said]) {
    subscriber::assert_accepted(messages);
    let left = subscriber::after_dedup(messages);
    let mut expected: Vec<(String, &Said)> = Vec::new();
    for said in said {
        expected.push((said.id().to_owned(), said));
        if GENERAL.contains(&said.kind()) {
            expected.push((format!("{}-general", said.id()), said));
        }
    }
    for (index, (id, said)) in expected.iter().enumerate() {
        let Some(message) = left.get(index) else {
            panic!(
                "{} of {} have arrived; missing from `{id}` on",
                left.len(),
                expected.len()
            );
        };
        let got = message.payload["message_id"].as_str().unwrap_or_default();
        assert_eq!(
            got,
            id,
            "at {index} of {}, {} of the stream: {:?}",
            expected.len(),
            message.stream_sequence,
            where_is(&left, id)
        );
        assert_same(message, id, said);
    }
    let more = left.get(expected.len()).map(|message| &message.payload);
    assert_eq!(more, None, "more than was recorded");
}

/// What is at a place that an id should have been at.
fn where_is(left: &[&StoredMessage], id: &str) -> Option<u64> {
    let found = left
        .iter()
        .find(|message| message.payload["message_id"] == id);
    found.map(|message| message.stream_sequence)
}

#[track_caller]
fn assert_same(message: &StoredMessage, id: &str, said: &Said) {
    assert_eq!(message.header("nats-msg-id"), Some(id));
    let payload = &message.payload;
    assert_eq!(payload["attrs"]["seq"], said.seq(), "{payload}");
    assert_eq!(payload["attrs"]["attempt"], said.attempt, "{payload}");
    assert_eq!(payload["kind"], said.kind());
    assert_eq!(payload["agent_run_uid"], UID);
    assert_eq!(payload["timestamp"], said.record["time"]);
    let content = payload["content"].as_str().unwrap_or_default();
    let whole = said.content();
    match content.split_once("… [cut: ") {
        Some((cut, _)) => assert!(whole.starts_with(cut), "{content}"),
        None => assert!(whole.trim().is_empty() || content == whole, "{content}"),
    }
    let is_general = message.subject == format!("agentrun.general.{}", said.kind());
    assert_eq!(is_general, id.ends_with("-general"), "{}", message.subject);
    let own = format!(
        "agentrun.agents.fix_login-7.{UID}.agent.fake.{}",
        said.kind()
    );
    assert!(is_general || message.subject == own, "{}", message.subject);
}

/// Checks that a run was successful and all its events are delivered, what predecessors left too,
/// and that its status says so.
#[track_caller]
pub(crate) fn assert_delivered(ended: &Ended, said: &[Said]) {
    assert_eq!(
        (ended.code, ended.outcome()),
        (0, "Completed"),
        "{}",
        ended.stderr
    );
    let events = &ended.full["events"];
    let context = || format!("{events}\n{}", ended.stderr);
    let last = said.last().expect("a run says something").stem.clone();
    let emitted = said.iter().filter(|said| said.stem == last).count() as u64;
    let left_over = events["leftOver"].as_u64().unwrap_or(0);
    assert_eq!(events["mode"], "jetstream", "{}", context());
    assert_eq!(events["emitted"], emitted, "{}", context());
    assert_eq!(events["acknowledged"], emitted + left_over, "{}", context());
    for nothing in ["pending", "unconfirmed", "problem"] {
        assert_eq!(events[nothing], Value::Null, "{}", context());
    }
}

/// Both at once, for a run and a stream of its own.
#[track_caller]
pub(crate) fn assert_all(nats: &Nats, home: &Home, ended: &Ended) -> Vec<Said> {
    let said = records(&home.journal());
    assert_delivered(ended, &said);
    assert_arrived(&nats.stream_messages(STREAM), &said);
    said
}

/// How many records there are of each kind.
pub(crate) fn kinds(said: &[Said]) -> HashMap<&str, usize> {
    let mut kinds = HashMap::new();
    for said in said {
        *kinds.entry(said.kind()).or_default() += 1;
    }
    kinds
}

/// The problem that a status tells of.
pub(crate) fn problem(ended: &Ended) -> &str {
    ended.full["events"]["problem"].as_str().unwrap_or_default()
}
