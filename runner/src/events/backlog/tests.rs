use std::io::Write;
use std::os::unix::fs::FileExt;

use agent_plan::event::{Event, EventKind, Role};

use super::map::Span;
use super::*;

const LINE: usize = 64 << 10;

fn header() -> Arc<Header> {
    Arc::new(Header {
        journal: 1,
        attempt: 1,
        stem: "u-1".to_owned(),
        ..Header::default()
    })
}

fn record(header: &Header, seq: u64) -> (Record, Vec<u8>) {
    let event = |content: String| Event::new(EventKind::Message, Role::Assistant, content);
    let time = "2026-08-23T10:15:00.120Z".to_owned();
    let record = header.record(seq, time, event("x".repeat(LINE)));
    let mut line = serde_json::to_vec(&record).expect("a record has only string keys");
    line.push(b'\n');
    (record, line)
}

/// A backlog and the file of its journal, with what they hold.
struct Kept {
    backlog: Backlog,
    file: Arc<File>,
    header: Arc<Header>,
    count: u64,
    length: u64,
}

impl Kept {
    fn new() -> Self {
        let file = Arc::new(tempfile::tempfile().expect("a file can be made"));
        let backlog = Backlog::default();
        backlog.open(Found {
            file: Some(Arc::clone(&file)),
            headers: Vec::new(),
            start: Position(0),
            last: Position(0),
            length: 0,
            marks: Vec::new(),
            left_over: 0,
        });
        Self {
            backlog,
            file,
            header: header(),
            count: 0,
            length: 0,
        }
    }

    /// Adds a record, which is on disk or in memory alone.
    fn add(&mut self, is_on_disk: bool) {
        self.count += 1;
        let (record, line) = record(&self.header, self.count);
        let stored = if is_on_disk {
            self.write(&line)
        } else {
            Stored::default()
        };
        self.backlog
            .add(&self.header, vec![(record, line.len() as u64)], stored);
    }

    fn write(&mut self, bytes: &[u8]) -> Stored {
        let offset = self.length;
        (&*self.file)
            .write_all(bytes)
            .expect("the file can be written");
        self.length += bytes.len() as u64;
        Stored {
            bytes: bytes.len() as u64,
            offset,
        }
    }

    /// Every record behind the beginning, read in pieces.
    fn all(&self) -> Vec<u64> {
        let mut at = Position(0);
        let mut all = Vec::new();
        loop {
            let found = self.backlog.read(at, 7).expect("the journal can be read");
            let Some(last) = found.last() else { return all };
            assert!(found.iter().all(|entry| entry.header == self.header));
            at = last.end;
            all.extend(found.iter().map(|entry| entry.record.seq));
            let expected = self.count - all.last().copied().unwrap_or(0);
            assert_eq!(self.backlog.pending(at), expected);
        }
    }
}

#[test]
fn what_memory_forgot_is_read_from_the_journal_once_and_in_order() {
    let mut kept = Kept::new();
    // Three times what memory keeps.
    for _ in 0..400 {
        kept.add(true);
    }
    assert!(kept.backlog.state().window.start() > Position(0));
    assert_eq!(kept.all(), (1..=400).collect::<Vec<_>>());
    assert_eq!(kept.backlog.lost(), 0);
}

#[test]
fn what_the_disk_never_got_is_counted_and_the_rest_is_in_order() {
    let mut kept = Kept::new();
    for _ in 0..10 {
        kept.add(true);
    }
    // Twice what memory keeps alone.
    for _ in 0..500 {
        kept.add(false);
    }
    let lost = kept.backlog.lost();
    assert!(lost > 200, "{lost}");
    let expected = (1..=10).chain(11 + lost..=510).collect::<Vec<_>>();
    assert_eq!(
        kept.backlog
            .read(Position(0), 1000)
            .expect("it is readable")
            .len(),
        10
    );
    let mut all = kept
        .backlog
        .read(Position(0), 1000)
        .expect("it is readable");
    all.extend(kept.backlog.read(all[9].end, 1000).expect("it is readable"));
    let seqs = all.iter().map(|entry| entry.record.seq).collect::<Vec<_>>();
    assert_eq!(seqs, expected);
    // The disk takes something again: a header, because it is another stretch, and then the rest.
    kept.write(b"{}\n");
    loop {
        let (from, entries) = kept.backlog.unwritten(1 << 20);
        if entries.is_empty() {
            break;
        }
        let lines = entries
            .iter()
            .flat_map(|entry| record(&kept.header, entry.record.seq).1);
        let stored = kept.write(&lines.collect::<Vec<_>>());
        kept.backlog.written(from, stored);
    }
    for _ in 0..200 {
        kept.add(true);
    }
    let mut at = Position(0);
    let mut seqs = Vec::new();
    loop {
        let found = kept.backlog.read(at, 9).expect("it is readable");
        let Some(end) = found.last().map(|entry| entry.end) else {
            break;
        };
        at = end;
        seqs.extend(found.iter().map(|entry| entry.record.seq));
    }
    assert_eq!(seqs, (1..=10).chain(11 + lost..=710).collect::<Vec<_>>());
    assert_eq!(kept.backlog.lost(), lost);
    kept.backlog.delivered(at);
    assert_eq!(kept.backlog.delivered_offset(), kept.length);
    assert_eq!(kept.backlog.pending(at), 0);
}

#[test]
fn a_journal_that_was_emptied_is_an_error_and_no_endless_loop() {
    let mut kept = Kept::new();
    for _ in 0..400 {
        kept.add(true);
    }
    kept.file.set_len(0).expect("it can be cut");
    // What is in memory is still there.
    let found = kept.backlog.read(Position(0), 1000).expect("memory has it");
    assert_eq!(found.last().map(|entry| entry.record.seq), Some(400));
    kept.backlog.state().window = Window::at(found[found.len() - 1].end);
    let error = kept
        .backlog
        .read(Position(0), 10)
        .expect_err("nobody has it");
    assert_eq!(error.kind(), io::ErrorKind::InvalidData);
}

#[test]
fn whoever_waits_on_another_runtime_hears_of_records_and_of_the_end() {
    let backlog = Backlog::default();
    let also = backlog.clone();
    let reader = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().build();
        runtime.expect("a runtime can be made").block_on(async {
            let mut at = also.start().await;
            let mut seqs = Vec::new();
            while also.more(at).await {
                for entry in also.read(at, 3).expect("memory can be read") {
                    at = entry.end;
                    seqs.push(entry.record.seq);
                }
            }
            seqs
        })
    });
    let header = header();
    backlog.open(Found {
        file: None,
        headers: Vec::new(),
        start: Position(0),
        last: Position(0),
        length: 0,
        marks: Vec::new(),
        left_over: 0,
    });
    for seq in 1..=100 {
        let (record, line) = record(&header, seq);
        backlog.add(
            &header,
            vec![(record, line.len() as u64)],
            Stored::default(),
        );
    }
    backlog.close();
    let seqs = reader.join().expect("the reader has nothing to fail at");
    assert_eq!(seqs, (1..=100).collect::<Vec<_>>());
}

#[test]
fn what_a_predecessor_left_is_counted_from_where_delivery_begins() {
    let mut kept = Kept::new();
    let mut ends = vec![0];
    let mut marks = Vec::new();
    for seq in 1..=100 {
        // Shorter than a mark, so that several are between two.
        let event = Event::new(EventKind::Message, Role::Assistant, "x".repeat(20_000));
        let time = "2026-08-23T10:15:00.120Z".to_owned();
        let mut line = serde_json::to_vec(&kept.header.record(seq, time, event))
            .expect("a record has only string keys");
        line.push(b'\n');
        kept.write(&line);
        ends.push(kept.length);
        if seq > 40 && seq % 4 == 0 {
            marks.push((Position(kept.length), seq - 40));
        }
    }
    let start = Position(ends[40]);
    let backlog = Backlog::default();
    let open = |marks| {
        backlog.open(Found {
            file: Some(Arc::clone(&kept.file)),
            headers: vec![(Position(0), Arc::clone(&kept.header))],
            start,
            last: Position(kept.length),
            length: kept.length,
            marks,
            left_over: 60,
        });
    };
    for marks in [Vec::new(), marks.clone()] {
        open(marks);
        assert_eq!(backlog.pending(start), 60);
        let mut at = start;
        for left in (0..60).rev() {
            at = backlog.read(at, 1).expect("it is readable")[0].end;
            backlog.delivered(at);
            assert_eq!(backlog.pending(at), left);
        }
    }
    // Nobody reads the disk for it: without a reader a mark is what is known.
    open(marks);
    kept.file.set_len(0).expect("it can be cut");
    for done in 0..=60 {
        let pending = backlog.pending(Position(ends[40 + done]));
        let least = 60 - done as u64;
        assert!((least..least + 4).contains(&pending), "{done}: {pending}");
    }
}

#[test]
fn what_is_read_at_once_has_a_bound_in_bytes() {
    let mut kept = Kept::new();
    for _ in 0..400 {
        kept.add(true);
    }
    let found = kept
        .backlog
        .read(Position(0), 1000)
        .expect("it is readable");
    // 4 MiB of lines of 64 KiB, and a little more each.
    assert_eq!(found.len(), 64);
    let huge = Event::new(EventKind::Message, Role::Assistant, "x".repeat(5 << 20));
    let kept = Kept::new();
    let record = kept.header.record(1, String::new(), huge);
    let mut line = serde_json::to_vec(&record).expect("a record has only string keys");
    line.push(b'\n');
    (&*kept.file).write_all(&line).expect("it can be written");
    let end = Position(line.len() as u64);
    let span = Span {
        start: Position(0),
        end,
        offset: 0,
    };
    let found = past::read(&kept.file, span, Some(Arc::clone(&kept.header)), 9);
    assert_eq!(found.expect("it is readable").len(), 1);
}

#[test]
fn what_cannot_be_read_back_is_lost_and_counted_once() {
    let mut kept = Kept::new();
    for _ in 0..400 {
        kept.add(true);
    }
    let window = kept.backlog.state().window.start();
    assert!(window.0 > 100 * LINE as u64);
    // A line in the midst, and the last that memory does not have.
    kept.file
        .write_all_at(b"\0\0", 10 * LINE as u64)
        .expect("it can be written");
    kept.file
        .write_all_at(b"\0\0", window.0 - 1000)
        .expect("it can be written");
    for _ in 0..2 {
        let mut at = Position(0);
        let mut count = 0;
        while at < Position(kept.length) {
            let found = kept.backlog.read(at, 7).expect("it is readable");
            count += found.len();
            at = found[found.len() - 1].end;
        }
        assert_eq!((count, kept.backlog.lost()), (398, 2));
        assert_eq!(kept.backlog.pending(at), 0);
    }
}
