//! A thread that reads a pipe.

use super::*;
use crate::process::lines;
use crate::process::log::Log;

/// A pump whose session takes no line, and the pipe that it reads.
fn pump() -> (Pump, lines::Receiver, io::PipeWriter) {
    let (pipe, writer) = io::pipe().expect("a pipe can be made");
    let (send, lines) = lines::channel(1);
    let sinks = Sinks {
        log: Arc::new(Log::none()),
        mirror: Mirror::Gone,
        recorder: None,
        tap: None,
    };
    let pump = Pump::start(
        "stdout",
        pipe,
        Some(Ear::new(send, Unfinished::Said)),
        sinks,
        &Redactor::none(),
        Arc::new(Activity::new()),
    );
    (pump.expect("it can be started"), lines, writer)
}

fn take(lines: &mut lines::Receiver) -> Option<String> {
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    runtime
        .expect("a runtime can be made")
        .block_on(lines.recv())
}

#[test]
fn the_counts_of_a_thread_that_hangs_are_known() {
    use std::io::Write;
    let (pump, _lines, mut writer) = pump();
    writer.write_all(&[b'x'; 1000]).expect("it is open");
    let until = Instant::now() + Duration::from_mins(1);
    while pump.so_far().mirror_lost < 1000 && Instant::now() < until {
        std::thread::yield_now();
    }
    pump.finish();
    let report = pump.so_far();
    assert_eq!((report.bytes, report.mirror_lost), (1000, 1000));
    assert!(report.incomplete);
}

#[test]
fn more_than_the_pipe_held_is_told_and_not_read() {
    use std::io::Write;
    use std::sync::atomic::AtomicUsize;
    let (pump, mut lines, mut writer) = pump();
    let read = |bytes: usize| {
        while pump.so_far().bytes < bytes as u64 {
            std::thread::yield_now();
        }
    };
    writer.write_all(b"a\nb\nc\n").expect("it is open");
    read(6);
    // The thread waits for the session, and the pipe is full when it is asked to finish.
    writer
        .write_all(&b"x\n".repeat(CHUNK / 2))
        .expect("it is open");
    pump.finish();
    for _ in 0..3 {
        take(&mut lines).expect("there are three");
    }
    read(6 + CHUNK);
    // It waits for the session again; meanwhile somebody goes on writing.
    let written = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&written);
    let flood = std::thread::spawn(move || {
        while writer.write_all(&b"x\n".repeat(GATHER / 2)).is_ok() {
            count.fetch_add(GATHER, Ordering::Relaxed);
        }
    });
    while written.load(Ordering::Relaxed) == 0 {
        std::thread::yield_now();
    }
    while take(&mut lines).is_some() {}
    let report = pump.receiver.blocking_recv().expect("it ends");
    assert!(report.incomplete);
    assert_eq!(report.bytes, 6 + CHUNK as u64);
    flood.join().expect("it ends with the pipe");
}
