//! Every byte that the agent writes arrives, or is counted.

use std::fs::{self, File};
use std::io::{self, BufReader, PipeReader, Read};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

use agent_tests::{DEADLINE, Run, Started, assert_same, binary, burst, wait_until};
use nix::sys::signal::Signal;
use serde_json::json;

/// Bytes that nobody would call text, the last of them no line break.
fn awkward() -> Vec<u8> {
    let mut bytes: Vec<u8> = (0..=u8::MAX).cycle().take(4096).collect();
    bytes.extend_from_slice(b"\xff\xfe\0\0\r\n\x1b[31mred\x1b[0m\r");
    bytes.extend(std::iter::repeat_n(b'l', 3 << 20));
    bytes.extend_from_slice("\u{1f680} \u{65e5}".as_bytes());
    // The first two bytes of three.
    bytes.extend_from_slice(b"\xe6\x97");
    bytes
}

#[track_caller]
fn assert_same_file(path: &Path, expected: &[u8]) {
    assert_same(&fs::read(path).expect("the file is there"), expected);
}

/// The most memory that the runner has had, in KiB.
fn peak_kib(started: &Started) -> u64 {
    let path = format!("/proc/{}/status", started.pid());
    let text = fs::read_to_string(path).expect("the runner is there");
    let line = text.lines().find(|line| line.starts_with("VmHWM:"));
    let number = line.and_then(|line| line.split_whitespace().nth(1));
    number
        .and_then(|number| number.parse().ok())
        .expect("the kernel says it")
}

/// By how much the peak may grow once the first output has been through every buffer. What a runner
/// has before is mostly its code, and that is another amount in every build.
const GROWTH_KIB: u64 = 1024;

/// Output that goes through every buffer.
const FIRST: u64 = 1 << 20;

/// Adds one to a decimal number.
fn count_up(digits: &mut [u8]) {
    for digit in digits.iter_mut().rev() {
        if *digit < b'9' {
            *digit += 1;
            return;
        }
        *digit = b'0';
    }
}

#[test]
fn stdout_is_byte_exact_in_log_and_mirror() {
    let run = Run::new();
    fs::write(run.path("bytes"), awkward()).expect("it can be written");
    let ended = run.agent(["cat", "bytes"]).end();
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert_same(&ended.stdout, &awkward());
    assert_same(&ended.log, &awkward());
    assert_eq!(ended.counted("outputBytes"), awkward().len());
    assert_eq!(ended.counted("mirrorBytesLost"), 0);
}

#[test]
fn stderr_is_byte_exact_in_log_and_mirror() {
    let run = Run::new();
    fs::write(run.path("bytes"), awkward()).expect("it can be written");
    let stderr = File::create(run.path("stderr")).expect("it can be made");
    let ended = run
        .shell("cat bytes >&2")
        .env("AGENT_RUNNER_LOG", "off")
        .stderr(stderr)
        .end();
    assert_eq!(ended.code, 0);
    assert_same_file(&ended.dir.path().join("stderr"), &awkward());
    assert_same(&ended.log, &awkward());
    assert_eq!(ended.stdout, b"");
}

#[test]
fn the_log_is_appended_to() {
    let run = Run::new();
    fs::create_dir(run.path("agent")).expect("it can be made");
    fs::write(run.path("agent/runner.log"), "before\n").expect("it can be written");
    let ended = run.agent(["print", "after"]).end();
    assert_eq!(ended.log, b"before\nafter\n");
}

#[test]
fn without_a_log_path_output_is_only_mirrored() {
    let ended = Run::new()
        .spec("/artifacts/logPath", json!(null))
        .agent(["print", "out", "eprint", "err"])
        .end();
    assert_eq!(ended.code, 0);
    assert_eq!(ended.stdout, b"out\n");
    assert!(ended.stderr.contains("err\n"));
    assert_eq!(ended.status["artifacts"].get("logPath"), None);
    assert_eq!(ended.counted("logBytesLost"), 0);
    assert!(!ended.dir.path().join("agent/runner.log").exists());
}

#[test]
fn a_burst_before_the_exit_loses_no_byte() {
    const BYTES: usize = 16 << 20;
    let expected = burst(BYTES);
    for _ in 0..100 {
        let ended = Run::new().agent(["burst", &BYTES.to_string()]).end();
        assert_eq!(ended.code, 0, "{}", ended.stderr);
        assert_same(&ended.log, &expected);
        assert_same(&ended.stdout, &expected);
    }
}

#[test]
fn a_huge_log_is_byte_identical_and_memory_stays_flat() {
    const BYTES: u64 = 1 << 30;
    let (first, rest) = (FIRST.to_string(), BYTES.to_string());
    let run = Run::new()
        .agent([
            "burst", &first, "await", "more", "burst", &rest, "touch", "done", "await", "go",
        ])
        .stdout(File::create("/dev/null").expect("it is there"));
    let log = run.path("agent/runner.log");
    let started = run.start();
    let is_logged = |bytes| {
        let logged = || fs::metadata(&log).is_ok_and(|metadata| metadata.len() == bytes);
        assert!(wait_until(DEADLINE, logged), "the log never was whole");
    };
    is_logged(FIRST);
    let before = peak_kib(&started);
    fs::write(started.path("more"), "").expect("it can be written");
    started.await_file(started.path("done"));
    is_logged(FIRST + BYTES);
    let peak = peak_kib(&started);
    assert!(peak < before + GROWTH_KIB, "{before} KiB became {peak} KiB");

    // Line by line: the test need not hold what the runner must not.
    let mut file = BufReader::with_capacity(1 << 20, File::open(&log).expect("it is there"));
    let mut start = vec![0; usize::try_from(FIRST).expect("it is small")];
    file.read_exact(&mut start).expect("it is long enough");
    assert_same(&start, &burst(start.len()));
    let (mut line, mut expected) = ([0; 64], [b'0'; 64]);
    expected[63] = b'\n';
    for number in 0..BYTES / 64 {
        file.read_exact(&mut line).expect("it is long enough");
        assert!(line == expected, "line {number} is another");
        count_up(&mut expected[..63]);
    }
    fs::remove_file(&log).expect("it can be removed");
    fs::write(started.path("go"), "").expect("it can be written");
    let ended = started.end();
    assert_eq!(ended.code, 0);
    assert_eq!(ended.counted("outputBytes") as u64, FIRST + BYTES);
}

/// A run that bursts into a stdout that the test reads when it likes, or never.
fn read_by_hand(run: Run) -> (Started, PipeReader) {
    let (reader, writer) = io::pipe().expect("a pipe can be made");
    (run.stdout(writer).start(), reader)
}

#[test]
fn a_reader_that_is_gone_does_not_end_the_run() {
    let (reader, writer) = io::pipe().expect("a pipe can be made");
    drop(reader);
    let ended = Run::new().agent(["burst", "1000000"]).stdout(writer).end();
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert_same(&ended.log, &burst(1_000_000));
    assert_eq!(ended.counted("mirrorBytesLost"), 1_000_000);
    let warnings = ended.status["warnings"].to_string();
    assert!(
        warnings.contains("1000000 bytes of output were not taken"),
        "{warnings}"
    );
}

#[test]
fn a_reader_that_goes_away_midway_does_not_end_the_run() {
    let run = Run::new().agent(["burst", "500000", "await", "gone", "burst", "500000"]);
    let (started, mut reader) = read_by_hand(run);
    let mut some = vec![0; 500_000];
    reader.read_exact(&mut some).expect("it comes");
    drop(reader);
    fs::write(started.path("gone"), "").expect("it can be written");
    let ended = started.end();
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert_eq!(ended.log.len(), 1_000_000);
    assert_eq!(ended.counted("mirrorBytesLost"), 500_000);
}

#[test]
fn a_reader_that_comes_after_the_agents_end_gets_everything() {
    // More than a pipe holds, less than two: the agent can end, its output cannot be delivered.
    let (started, mut reader) =
        read_by_hand(Run::new().agent(["burst", "100000", "touch", "done"]));
    started.await_file(started.path("done"));
    let alone = || started.descendants().is_empty();
    assert!(wait_until(DEADLINE, alone), "the agent never ended");
    // The promise is about time: what a reader may take before it is given up.
    std::thread::sleep(Duration::from_secs(2));
    let mut text = Vec::new();
    reader.read_to_end(&mut text).expect("it can be read");
    let ended = started.end();
    assert_same(&text, &burst(100_000));
    assert_eq!(ended.counted("mirrorBytesLost"), 0);
    assert_eq!(ended.code, 0);
}

#[test]
fn a_slow_reader_slows_the_agent_and_memory_stays_flat() {
    let (started, mut reader) = read_by_hand(Run::new().agent(["flood"]).grace(4.0));
    let log = started.path("agent/runner.log");
    let (mut read, mut before) = (0_u64, 0);
    let mut piece = vec![0; 4096];
    while read < 4 << 20 {
        reader.read_exact(&mut piece).expect("it floods");
        read += 4096;
        let ahead = fs::metadata(&log)
            .expect("there is a log")
            .len()
            .saturating_sub(read);
        // Our pipe to the reader, and the chunk that waits for room in it; the agent's own pipe
        // is not in the log yet.
        assert!(ahead <= 3 * 64 * 1024, "{ahead} bytes ahead of the reader");
        if read == FIRST {
            before = peak_kib(&started);
        }
    }
    let peak = peak_kib(&started);
    assert!(peak < before + GROWTH_KIB, "{before} KiB became {peak} KiB");
    drop(reader);
    started.signal(Signal::SIGTERM);
    let ended = started.end();
    assert_eq!(ended.code, 143, "{}", ended.stderr);
}

#[test]
fn a_reader_that_never_reads_cannot_outlast_the_budget() {
    let (started, reader) = read_by_hand(Run::new().agent(["ready", "flood"]).grace(4.0));
    let log = started.path("agent/runner.log");
    let flooded = || fs::metadata(&log).is_ok_and(|metadata| metadata.len() > 64 * 1024);
    assert!(wait_until(DEADLINE, flooded), "it never flooded");
    let asked = Instant::now();
    started.signal(Signal::SIGTERM);
    let ended = started.end();
    assert!(
        asked.elapsed() < Duration::from_secs(4),
        "{:?}",
        asked.elapsed()
    );
    assert_eq!(ended.code, 143, "{}", ended.stderr);
    assert!(ended.counted("mirrorBytesLost") > 0);
    // What the mirror did not get, the log has.
    assert_eq!(ended.log.len(), ended.counted("outputBytes"));
    drop(reader);
}

#[test]
fn stdout_may_be_a_file() {
    let run = Run::new().agent(["burst", "300000"]);
    let file = File::create(run.path("stdout")).expect("it can be made");
    let ended = run.stdout(file).end();
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert_same_file(&ended.dir.path().join("stdout"), &burst(300_000));
    assert_eq!(ended.counted("mirrorBytesLost"), 0);
}

#[test]
fn stdout_may_be_a_socket() {
    let (ours, theirs) = UnixStream::pair().expect("a socket can be made");
    let started = Run::new()
        .agent(["burst", "3000000"])
        .stdout(OwnedFd::from(theirs))
        .start();
    let mut text = Vec::new();
    (&ours).read_to_end(&mut text).expect("it can be read");
    let ended = started.end();
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert_same(&text, &burst(3_000_000));
}

#[test]
fn a_socket_whose_peer_is_gone_does_not_end_the_run() {
    let (ours, theirs) = UnixStream::pair().expect("a socket can be made");
    drop(ours);
    let ended = Run::new()
        .agent(["burst", "300000"])
        .stdout(OwnedFd::from(theirs))
        .end();
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert_same(&ended.log, &burst(300_000));
    assert_eq!(ended.counted("mirrorBytesLost"), 300_000);
}

#[test]
fn a_full_device_as_stdout_is_counted() {
    let full = File::options()
        .write(true)
        .open("/dev/full")
        .expect("it is there");
    let ended = Run::new().agent(["burst", "300000"]).stdout(full).end();
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert_same(&ended.log, &burst(300_000));
    assert_eq!(ended.counted("mirrorBytesLost"), 300_000);
}

#[test]
fn closed_standard_streams_do_not_end_the_run() {
    let ended = Run::new()
        .agent(["print", "hello", "eprint", "oops", "exit", "4"])
        .through(["sh", "-c", "exec \"$@\" <&- >&- 2>&-", "sh"])
        .end();
    assert_eq!(ended.code, 4);
    assert_eq!(ended.log.len(), "hello\noops\n".len());
    assert_eq!(ended.error(), "`fake-agent` exited with code 4: oops");
    ended.assert_the_controller_reads_it();
}

#[test]
fn output_of_a_process_that_outlives_the_agent_arrives() {
    let ended = Run::new()
        .shell(&format!(
            "('{}' await go print late) & touch go",
            binary("fake-agent").display()
        ))
        .end();
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert_eq!(ended.stdout, b"late\n");
    assert_eq!(ended.log, b"late\n");
}

#[test]
fn what_a_widened_pipe_holds_when_the_mirror_is_given_up_is_in_the_log() {
    const BYTES: usize = (1 << 20) + 4;
    let bytes = BYTES.to_string();
    let steps = ["widen", "1048576", "burst", &bytes, "touch", "done", "hold"];
    let (started, reader) = read_by_hand(Run::new().agent(steps));
    started.await_file(started.path("done"));
    started.signal(Signal::SIGTERM);
    started.await_file(started.path("agent/status.json"));
    started.signal(Signal::SIGTERM);
    let ended = started.end();
    assert_eq!(ended.code, 143, "{}", ended.stderr);
    assert_same(&ended.log, &burst(BYTES));
    assert_eq!(ended.counted("outputBytes"), BYTES);
    // The pipe to the reader has the rest.
    let mut text = Vec::new();
    (&reader).read_to_end(&mut text).expect("it can be read");
    assert_same(&text, &burst(BYTES)[..text.len()]);
    assert_eq!(ended.counted("mirrorBytesLost"), BYTES - text.len());
}
