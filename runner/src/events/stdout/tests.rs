use std::fs::File;
use std::io::{BufRead, BufReader};
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use agent_plan::event::{Event, EventKind, Role};
use agent_plan::record::{Header, Record};

use super::super::backlog::{Found, Position, Stored};
use super::*;

/// A backlog of so many records.
fn backlog(count: u64) -> Backlog {
    let header = Arc::new(Header::default());
    let backlog = Backlog::default();
    backlog.open(Found {
        file: None,
        headers: Vec::new(),
        start: Position(0),
        last: Position(0),
        length: 0,
        marks: Vec::new(),
        left_over: 0,
    });
    for seq in 1..=count {
        let event = Event::new(EventKind::Log, Role::System, "x".repeat(1000));
        let record = header.record(seq, String::new(), event);
        backlog.add(&header, vec![(record, 1000)], Stored::default());
    }
    backlog.close();
    backlog
}

fn pipe() -> (File, OwnedFd) {
    let (reader, writer) = std::io::pipe().expect("a pipe can be made");
    (OwnedFd::from(reader).into(), writer.into())
}

fn printed(printer: &Printer, patience: Duration) -> bool {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build();
    let runtime = runtime.expect("a runtime can be made");
    runtime.block_on(async {
        tokio::time::timeout(patience, printer.printed())
            .await
            .is_ok()
    })
}

#[test]
fn every_record_is_a_line_for_a_slow_reader_too() {
    let (reader, writer) = pipe();
    let printer = Printer::start(backlog(1000), Outlet::of(writer.as_fd()));
    let printer = printer.expect("it can be started");
    // The pipe is full long before that.
    assert!(!printed(&printer, Duration::from_millis(50)));
    drop(writer);
    let lines = BufReader::new(reader).lines();
    let seqs = lines.take(1000).map(|line| {
        let line = line.expect("it can be read");
        let record: Record = serde_json::from_str(&line).expect("a record");
        record.seq
    });
    assert!(seqs.eq(1..=1000));
    assert!(printed(&printer, Duration::from_secs(20)));
    assert_eq!(printer.problem(), None);
}

#[test]
fn a_reader_that_is_gone_ends_it() {
    let (reader, writer) = pipe();
    drop(reader);
    let outlet = Outlet::of(writer.as_fd());
    let closed = Err(io::Error::other("stdout is closed"));
    for (outlet, why) in [(outlet, "Broken pipe"), (closed, "stdout is closed")] {
        let printer = Printer::start(backlog(1000), outlet).expect("it can be started");
        assert!(printed(&printer, Duration::from_secs(20)));
        let problem = printer.problem().expect("a problem is said");
        assert!(problem.contains(why), "{problem}");
    }
}

#[test]
fn a_reader_that_stalls_is_given_up() {
    let (_reader, writer) = pipe();
    let printer = Printer::start(backlog(1000), Outlet::of(writer.as_fd()));
    let printer = printer.expect("it can be started");
    assert!(!printed(&printer, Duration::from_millis(50)));
    printer.give_up();
    let begun = Instant::now();
    assert!(printed(&printer, Duration::from_secs(20)));
    let problem = printer.problem().expect("a problem is said");
    assert!(problem.contains("nobody reads them"), "{problem}");
    assert!(
        begun.elapsed() < Duration::from_secs(5),
        "{:?}",
        begun.elapsed()
    );
}
