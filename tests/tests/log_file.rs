//! The log file: where it goes, what it costs when it cannot, and that its reader slows the agent.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::os::fd::AsFd;
use std::path::Path;
use std::time::{Duration, Instant};

use agent_tests::{DEADLINE, Ended, NOTHING_TEMPORARY, Run, assert_same, burst, wait_until};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::Signal;
use nix::sys::stat::Mode;
use nix::unistd::mkfifo;
use serde_json::json;

/// Asserts that the log is elsewhere, and that status and stderr say so.
#[track_caller]
fn assert_log_elsewhere(ended: &Ended, configured: &str) {
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert_eq!(ended.stdout, b"hello\n");
    let warnings = ended.status["warnings"].to_string();
    let complaint = format!(
        "the log `{}` cannot be opened",
        ended.dir.path().join(configured).display()
    );
    assert!(warnings.contains(&complaint), "{warnings}");
    assert!(ended.stderr.contains(&complaint), "{}", ended.stderr);
    let place = ended.status["artifacts"]["logPath"]
        .as_str()
        .expect("there is one");
    assert!(warnings.contains(place) && ended.stderr.contains(place));
    assert_same(&fs::read(place).expect("it is there"), b"hello\n");
    assert_eq!(ended.counted("logBytesLost"), 0);
}

#[test]
fn a_log_below_a_file_is_written_elsewhere() {
    let run = Run::new().agent(["print", "hello"]);
    let path = run.path("file/runner.log");
    fs::write(run.path("file"), "").expect("it can be written");
    let ended = run.spec("/artifacts/logPath", json!(path)).end();
    assert_log_elsewhere(&ended, "file/runner.log");
}

#[test]
fn a_log_on_a_read_only_mount_is_written_elsewhere() {
    let run = Run::new().agent(["print", "hello"]);
    let path = run.path("mount/runner.log");
    let ended = run
        .spec("/artifacts/logPath", json!(path))
        .mounting("mkdir \"$dir/mount\"; mount -t tmpfs -o ro log \"$dir/mount\"")
        .end();
    assert_log_elsewhere(&ended, "mount/runner.log");
}

#[test]
fn a_log_that_can_be_nowhere_is_counted() {
    let run = Run::new().agent(["print", "hello"]);
    let (path, scratch) = (run.path("file/runner.log"), run.path("no/such"));
    fs::write(run.path("file"), "").expect("it can be written");
    let ended = run
        .spec("/artifacts/logPath", json!(path))
        .env("TMPDIR", scratch)
        .mounting(NOTHING_TEMPORARY)
        .end();
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert_eq!(ended.stdout, b"hello\n");
    assert_eq!(ended.counted("logBytesLost"), 6);
    assert!(
        ended.stderr.contains("nor can one be made elsewhere"),
        "{}",
        ended.stderr
    );
}

#[test]
fn a_log_on_a_full_device_is_a_warning() {
    let ended = Run::new()
        .spec("/artifacts/logPath", json!("/dev/full"))
        .agent(["burst", "300000"])
        .end();
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert_same(&ended.stdout, &burst(300_000));
    assert_eq!(ended.counted("logBytesLost"), 300_000);
    let complaint = "the log `/dev/full` cannot be written any more: No space left on device";
    assert!(
        ended.status["warnings"].to_string().contains(complaint),
        "{}",
        ended.status
    );
    assert!(ended.stderr.contains(complaint), "{}", ended.stderr);
}

#[test]
fn a_log_on_a_full_volume_is_counted_to_the_byte() {
    let run = Run::new().agent(["burst", "1000000", "ready", "await", "go"]);
    let path = run.path("small/runner.log");
    let started = run
        .spec("/artifacts/logPath", json!(path))
        .mounting("mkdir \"$dir/small\"; mount -t tmpfs -o size=100k log \"$dir/small\"")
        .start();
    started.await_stdout("ready");
    // The volume is only in the runner's namespace.
    let inside = format!("/proc/{}/root{}", started.pid(), path.display());
    let kept = fs::read(inside).expect("there is a log");
    fs::write(started.path("go"), "").expect("it can be written");
    let ended = started.end();
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert_eq!(ended.stdout.len(), 1_000_006);
    assert_same(&kept, &burst(1_000_000)[..kept.len()]);
    assert!(kept.len() >= 64 * 1024, "{} bytes", kept.len());
    assert_eq!(kept.len() + ended.counted("logBytesLost"), 1_000_006);
    assert!(
        ended.stderr.contains("cannot be written any more"),
        "{}",
        ended.stderr
    );
}

#[test]
fn a_log_at_its_limit_ends_with_a_record() {
    let ended = Run::new()
        .setting("log/maxBytes", json!(1000))
        .agent(["burst", "300000"])
        .end();
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert_same(&ended.stdout, &burst(300_000));
    let record = b"\n[agent-runner: the log ends here, at its limit of 1000 bytes]\n";
    assert_same(&ended.log, &[&burst(300_000)[..1000], record].concat());
    assert_eq!(ended.counted("logBytesLost"), 299_000);
    let warnings = ended.status["warnings"].to_string();
    assert!(
        warnings.contains("the log has reached its limit of 1000 bytes"),
        "{warnings}"
    );
}

#[test]
fn a_log_that_fits_its_limit_has_no_record() {
    let ended = Run::new()
        .setting("log/maxBytes", json!(6))
        .agent(["print", "hello"])
        .end();
    assert_eq!(ended.log, b"hello\n");
    assert_eq!(ended.status.get("warnings"), None);
}

/// A run whose log is a FIFO, and its reader.
fn logging_to_a_fifo(run: Run) -> (Run, File) {
    let path = run.path("fifo");
    mkfifo(&path, Mode::S_IRWXU).expect("a FIFO can be made");
    // Also open for writing, so that neither end waits for the other.
    let both = File::options().read(true).write(true).open(&path);
    let reader = File::open(&path).expect("it can be opened");
    drop(both.expect("it can be opened"));
    (run.spec("/artifacts/logPath", json!(path)), reader)
}

/// Says whether a FIFO with a reader takes nothing now.
fn is_full(fifo: &Path) -> bool {
    let writer = File::options().write(true).open(fifo);
    let writer = writer.expect("it can be opened");
    let mut fds = [PollFd::new(writer.as_fd(), PollFlags::POLLOUT)];
    poll(&mut fds, PollTimeout::ZERO).expect("it can be polled") == 0
}

#[test]
fn a_log_that_is_a_pipe_slows_the_agent_and_loses_nothing() {
    const BYTES: usize = 2_000_000;
    let bytes = BYTES.to_string();
    let (run, mut reader) = logging_to_a_fifo(Run::new().agent(["burst", &bytes]));
    let started = run.start();
    let fifo = started.path("fifo");
    assert!(wait_until(DEADLINE, || is_full(&fifo)), "it never was full");
    let mut text = Vec::new();
    reader.read_to_end(&mut text).expect("it can be read");
    let ended = started.end();
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert_same(&text, &burst(BYTES));
    assert_same(&ended.stdout, &burst(BYTES));
    assert_eq!(ended.counted("logBytesLost"), 0);
}

#[test]
fn a_log_that_nobody_reads_cannot_outlast_the_budget() {
    let steps = ["print", "hello", "touch", "done", "hold"];
    let (run, reader) = logging_to_a_fifo(Run::new().agent(steps));
    let fifo = run.path("fifo");
    let mut filler = File::options().write(true).open(&fifo);
    let filler = filler.as_mut().expect("it can be opened");
    while !is_full(&fifo) {
        // A whole page at a time, so that no room is left.
        filler.write_all(&[b'.'; 4096]).expect("it takes it");
    }
    let started = run.grace(4.0).start();
    started.await_file(started.path("done"));
    let asked = Instant::now();
    started.signal(Signal::SIGTERM);
    let ended = started.end();
    assert!(
        asked.elapsed() < Duration::from_secs(4),
        "{:?}",
        asked.elapsed()
    );
    assert_eq!(ended.code, 143, "{}", ended.stderr);
    assert_eq!(ended.counted("outputBytes"), 6);
    assert_eq!(ended.counted("logBytesLost"), 6);
    drop(reader);
    let warnings = ended.status["warnings"].to_string();
    assert!(
        warnings.contains("cannot be written any more: nobody reads it"),
        "{warnings}"
    );
}
