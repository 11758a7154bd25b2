//! What people see, and what becomes of it when they do not look.

use super::*;
use agent_plan::secret::{Found, Patterns};
use std::io::{PipeReader, Read};
use std::os::fd::AsFd;

/// A screen whose stdout and stderr are pipes of the test.
pub(in crate::process) fn screen(redactor: &Redactor) -> (Screen, [Pump; 2], [PipeReader; 2]) {
    let (first, out) = io::pipe().expect("a pipe can be made");
    let (second, err) = io::pipe().expect("a pipe can be made");
    let outlets = [Outlet::of(out.as_fd()), Outlet::of(err.as_fd())];
    let (screen, pumps) = Screen::start(redactor, true, outlets).expect("it can be started");
    (screen, pumps, [first, second])
}

pub(in crate::process) fn in_runtime(work: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.expect("a runtime can be made").block_on(work);
}

/// Writes what waits, and returns what became of both streams once they have ended.
async fn end(mut screen: Screen, pumps: [Pump; 2]) -> ([StreamReport; 2], u64) {
    screen.close(None);
    let [mut first, mut second] = pumps;
    while !(first.ended() && second.ended()) {
        tokio::select! {
            () = screen.progress() => {}
            () = std::future::poll_fn(|context| first.poll(context)), if !first.ended() => {}
            () = std::future::poll_fn(|context| second.poll(context)), if !second.ended() => {}
        }
    }
    let reports = [first.into_report(), second.into_report()];
    let lost = screen.lost(&reports);
    (reports, lost)
}

#[test]
fn a_secret_that_comes_in_pieces_is_not_shown() {
    let found = Found {
        name: "KEY".to_owned(),
        value: b"correct-horse-battery".to_vec(),
    };
    let redactor = Redactor::new(vec![found], Patterns::Off);
    in_runtime(async {
        let (mut screen, pumps, [mut out, mut err]) = screen(&redactor);
        for piece in ["the key is corr", "ect-horse-", "battery", ", they say\n"] {
            screen.push(Stream::Stdout, piece);
        }
        screen.push(Stream::Stderr, "it ends with corr");
        let (reports, lost) = end(screen, pumps).await;
        let (mut said, mut thought) = (String::new(), String::new());
        out.read_to_string(&mut said).expect("it is text");
        err.read_to_string(&mut thought).expect("it is text");
        assert_eq!(said, "the key is [REDACTED:KEY], they say\n");
        // What was held back as the start of a secret is shown at the end.
        assert_eq!(thought, "it ends with corr");
        assert_eq!(reports[0].redactions, [("KEY".to_owned(), 1)]);
        assert_eq!(lost, 0);
    });
}

#[test]
fn what_no_reader_takes_is_counted() {
    in_runtime(async {
        let (mut screen, pumps, [out, err]) = screen(&Redactor::none());
        drop(err);
        screen.push(Stream::Stderr, "nobody reads this");
        // Far more than the two pipes on its way hold; its reader never reads.
        screen.push(Stream::Stdout, &"x".repeat(1 << 20));
        assert!(!screen.has_room());
        pumps.iter().for_each(Pump::finish);
        let (_, lost) = end(screen, pumps).await;
        let taken = {
            let mut text = Vec::new();
            { out }.read_to_end(&mut text).expect("it can be read");
            text.len() as u64
        };
        assert_eq!(lost + taken, (1 << 20) + 17);
        assert!(lost > 17);
    });
}
