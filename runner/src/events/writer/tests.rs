use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::mpsc::{self, Sender};

use agent_plan::event::{Event, EventKind, Role};
use agent_plan::record::{Line, Speaker};
use agent_plan::secret::Redactor;
use tempfile::TempDir;

use super::super::backlog::{Entry, Position};
use super::super::journal::Asked;
use super::super::queue::{self, BOUND};
use super::*;
use crate::veil::Veil;

const PATIENCE: Duration = Duration::from_secs(20);

/// A writer at work.
struct Working {
    shared: Arc<Shared>,
    stay: Option<Sender<()>>,
    directory: TempDir,
}

impl Working {
    fn start(limit: u64, bound: usize) -> Self {
        let directory = TempDir::new().expect("a directory can be made");
        Self::again(directory, limit, bound)
    }

    /// With what is in a directory.
    fn again(directory: TempDir, limit: u64, bound: usize) -> Self {
        let shared = Arc::new(Shared {
            queue: Arc::new(Queue::new(bound)),
            backlog: Backlog::default(),
            traces: None,
            told: Mutex::default(),
            ended: watch::Sender::new(false),
        });
        let wanted = Wanted {
            is_asked: true,
            path: Some(directory.path().join("events.ndjson")),
            is_published: true,
            asked: Asked {
                speaker: Speaker {
                    run_uid: "u".to_owned(),
                    ..Speaker::default()
                },
                attempt: 1,
                is_told: false,
            },
        };
        let (stay, stays) = mpsc::channel();
        start(Arc::clone(&shared), wanted, limit, stays, || {
            Err(io::Error::other("none"))
        })
        .expect("a thread can be started");
        Self {
            shared,
            stay: Some(stay),
            directory,
        }
    }

    fn say(&self, kind: EventKind, content: &str) {
        let event = Event::new(kind, Role::System, content);
        self.shared
            .queue
            .event(Veil::new(Redactor::none()).event(event));
    }

    fn print(&self, text: &str) {
        let line = queue::Line {
            stream: "stdout",
            text: text.to_owned(),
            part: false,
        };
        self.shared.queue.lines([line]);
    }

    fn wait(&self, until: impl Fn(&Shared) -> bool) {
        let begun = Instant::now();
        while !until(&self.shared) {
            assert!(begun.elapsed() < PATIENCE, "{:?}", self.shared.told());
            std::thread::yield_now();
        }
    }

    /// Ends it; returns what the journal has.
    fn end(&mut self) -> Vec<Record> {
        self.shared.queue.close();
        self.stay = None;
        self.wait(|shared| *shared.ended.borrow());
        records(&self.directory.path().join("events.ndjson"))
    }

    /// What sinks get.
    fn delivered(&self) -> Vec<Entry> {
        let mut all: Vec<Entry> = Vec::new();
        loop {
            let at = all.last().map_or(Position(0), |last| last.end);
            let found = self.shared.backlog.read(at, 11).expect("it is readable");
            if found.is_empty() {
                return all;
            }
            all.extend(found);
        }
    }
}

/// The records of a journal; every line must be one of ours, and numbers must have no gap.
fn records(path: &Path) -> Vec<Record> {
    let text = fs::read_to_string(path).expect("the journal is text");
    assert!(text.ends_with('\n'));
    let parsed = text
        .lines()
        .map(|line| Line::parse(line.as_bytes()).expect("a line of ours"));
    let records = parsed.filter_map(|line| match line {
        Line::Record(record) => Some(record),
        Line::Header(_) => None,
    });
    records.collect()
}

fn of(records: &[Record], kind: EventKind) -> impl Iterator<Item = &Record> {
    records.iter().filter(move |record| record.kind == kind)
}

fn is_gapless(records: &[Record]) -> bool {
    records
        .iter()
        .map(|record| record.seq)
        .eq(1..=records.len() as u64)
}

#[test]
fn numbers_have_no_gaps_whatever_is_dropped() {
    // A bound so small that most lines find no room.
    let mut working = Working::start(1 << 30, 1 << 10);
    for number in 0..2_000 {
        working.print(&format!("line {number}"));
        if number % 100 == 0 {
            working.say(EventKind::ToolCall, &format!("call {number}"));
        }
    }
    let records = working.end();
    assert!(is_gapless(&records));
    let of = |kind| records.iter().filter(move |record| record.kind == kind);
    assert_eq!(of(EventKind::ToolCall).count(), 20);
    let said = of(EventKind::Status).map(|gap| {
        assert_eq!(gap.attrs["reason"], "queue-full");
        gap.attrs["dropped"].as_u64().expect("a count")
    });
    let said = said.sum::<u64>();
    assert!(said > 0);
    assert_eq!(of(EventKind::Log).count() as u64 + said, 2_000);
    assert_eq!(working.shared.queue.dropped(), said);
    let delivered = working.delivered();
    assert!(delivered.iter().map(|entry| &*entry.record).eq(&records));
}

#[test]
fn a_full_journal_takes_no_output_and_says_so_before_the_outcome() {
    let mut working = Working::start(2_000, BOUND);
    for number in 0..100 {
        working.print(&format!("line {number}"));
    }
    working.say(EventKind::ToolCall, "first");
    for _ in 0..7 {
        working.print("more");
        working.say(EventKind::ToolResult, &"é".repeat(10_000));
    }
    working.say(EventKind::RunOutcome, "over");
    working.say(EventKind::Status, "last");
    let records = working.end();
    assert!(is_gapless(&records));
    let lines = records
        .iter()
        .filter(|record| record.kind == EventKind::Log)
        .count() as u64;
    assert!(lines > 0 && lines < 20, "{lines}");
    let gaps = records.iter().filter(|record| {
        record
            .attrs
            .get("reason")
            .is_some_and(|why| why == "journal-full")
    });
    let gaps = gaps
        .map(|gap| (gap.seq, gap.attrs["dropped"].as_u64()))
        .collect::<Vec<_>>();
    let last = records.len() as u64;
    assert_eq!(gaps, [(lines + 1, Some(100 - lines)), (last - 2, Some(7))]);
    let kinds = records[records.len() - 2..]
        .iter()
        .map(|record| record.kind);
    assert!(kinds.eq([EventKind::RunOutcome, EventKind::Status]));
    let mut results = of(&records, EventKind::ToolResult);
    let result = results.next().expect("there are results");
    assert_eq!(
        (result.content.len(), &result.attrs["truncated"]),
        (4096, &true.into())
    );
    assert_eq!(working.shared.told().dropped, 107 - lines);
}

#[test]
fn the_limit_is_one_of_the_attempt() {
    let mut working = Working::start(2_000, BOUND);
    working.say(EventKind::Message, &"x".repeat(4_000));
    working.print("left out");
    let first = working.end();
    assert_eq!(of(&first, EventKind::Log).count(), 0);
    let Working {
        shared, directory, ..
    } = working;
    // It has the lock as long as somebody can read.
    drop(shared);
    let mut working = Working::again(directory, 2_000, BOUND);
    working.print("taken");
    let all = working.end();
    let lines = of(&all, EventKind::Log).map(|line| line.content.as_str());
    assert!(lines.eq(["taken"]));
}

/// Whether files of this process have a limit: then it is the one that
/// [`a_disk_that_takes_nothing_loses_nothing`] has started.
fn is_limited() -> bool {
    let limits = fs::read_to_string("/proc/self/limits").expect("it is there");
    let line = limits
        .lines()
        .find(|line| line.starts_with("Max file size"));
    // The soft limit; the hard one, behind it, stays as it is.
    line.expect("it has one").split_whitespace().nth(3) != Some("unlimited")
}

/// Runs a test of this file in a process whose files cannot grow, until it says otherwise.
fn with_a_full_disk(name: &str) {
    let program = std::env::current_exe().expect("it is there");
    let script = r#"trap "" XFSZ; ulimit -S -f 128; exec "$0" --exact "$1" --nocapture"#;
    let done = Command::new("sh")
        .args(["-c", script])
        .arg(program)
        .arg(format!("events::writer::tests::{name}"))
        .output()
        .expect("a shell can be started");
    let said = String::from_utf8_lossy(&done.stdout);
    let complaint = String::from_utf8_lossy(&done.stderr);
    assert!(
        done.status.success() && said.contains("1 passed"),
        "{said}{complaint}"
    );
}

fn make_room() {
    let done = Command::new("prlimit")
        .args([
            "--fsize=unlimited",
            "--pid",
            &std::process::id().to_string(),
        ])
        .status();
    assert!(done.is_ok_and(|status| status.success()));
}

#[test]
fn a_disk_that_takes_nothing_loses_nothing() {
    if !is_limited() {
        return with_a_full_disk("a_disk_that_takes_nothing_loses_nothing");
    }
    let mut working = Working::start(1 << 30, BOUND);
    let content = "x".repeat(1000);
    for _ in 0..300 {
        working.say(EventKind::Message, &content);
    }
    working.wait(|shared| shared.told().emitted == 300);
    let problem = working.shared.told().problem().expect("it is said");
    assert!(problem.contains("cannot be written"), "{problem}");
    assert!(
        working
            .delivered()
            .iter()
            .map(|entry| entry.record.seq)
            .eq(1..=300)
    );
    // What is on disk ends with a whole line.
    let on_disk = records(&working.directory.path().join("events.ndjson"));
    assert!(is_gapless(&on_disk) && !on_disk.is_empty() && on_disk.len() < 300);
    make_room();
    working.wait(|shared| shared.told().problem().is_none());
    working.say(EventKind::Message, "after");
    let records = working.end();
    assert!(is_gapless(&records));
    assert_eq!(records.len(), 301);
    assert!(
        working
            .delivered()
            .iter()
            .map(|entry| &*entry.record)
            .eq(&records)
    );
}

#[test]
fn what_neither_disk_nor_memory_can_take_is_counted() {
    if !is_limited() {
        return with_a_full_disk("what_neither_disk_nor_memory_can_take_is_counted");
    }
    let mut working = Working::start(1 << 30, BOUND);
    let content = "x".repeat(60_000);
    for _ in 0..500 {
        working.say(EventKind::Message, &content);
    }
    // There is no room for output long before there is none for anything else.
    working.wait(|shared| shared.told().emitted == 500 && shared.queue.has_room());
    working.print("line");
    working.wait(|shared| shared.told().dropped == 1);
    let lost = working.shared.backlog.lost();
    assert!(lost > 100, "{lost}");
    make_room();
    working.wait(|shared| shared.told().writing.is_none());
    working.say(EventKind::Message, "after");
    let records = working.end();
    let seqs = records.iter().map(|record| record.seq).collect::<Vec<_>>();
    assert!(seqs.is_sorted_by(|one, other| one < other));
    assert_eq!(seqs.len() as u64, 502 - lost);
    assert!(
        working
            .delivered()
            .iter()
            .map(|entry| &*entry.record)
            .eq(&records)
    );
    let told = working.shared.told();
    assert_eq!((told.lost, told.dropped), (lost, 1));
    assert!(
        told.problem()
            .is_some_and(|problem| problem.contains("were lost"))
    );
}

#[test]
fn what_is_delivered_is_kept_for_the_next_attempt() {
    let mut working = Working::start(1 << 30, BOUND);
    for number in 0..10 {
        working.say(EventKind::Message, &number.to_string());
    }
    working.wait(|shared| shared.told().emitted == 10);
    let fourth = working.delivered()[3].end;
    working.shared.backlog.delivered(fourth);
    let acked = working.directory.path().join("events.ndjson.acked");
    let stored = || {
        fs::read_to_string(&acked)
            .ok()?
            .trim()
            .parse::<usize>()
            .ok()
    };
    // Not only at the end: it may never come.
    working.wait(|_| stored().is_some_and(|offset| offset > 0));
    let journal = fs::read(working.directory.path().join("events.ndjson")).expect("it is there");
    let before = &journal[..stored().expect("a number")];
    let lines = before.split_inclusive(|byte| *byte == b'\n');
    assert_eq!(lines.count(), 5);
    working.shared.queue.close();
    let end = Position(u64::MAX >> 1);
    working.wait(|shared| shared.backlog.pending(Position(0)) == 10);
    working.shared.backlog.delivered(end);
    working.end();
    assert_eq!(stored(), Some(journal.len()));
}
