//! Files that grow, shrink, change or vanish while they are stored.

use std::fs::{self, File};
use std::io::{Seek, SeekFrom, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use agent_tests::{
    DEADLINE, Ended, Run, S3Fault, S3Operation, S3Request, S3Server, Started, wait_until,
};

use crate::scene::{MIB, assert_clean, assert_failed, assert_stored, declaring, key, noise};
use crate::scene::{storing, uploads};

/// Long enough to change a file in the meantime.
const HELD: Duration = Duration::from_millis(700);

/// Waits until a server has had so many requests of a kind, which is when a file is changed.
#[track_caller]
fn await_requests(server: &S3Server, operation: S3Operation, count: usize) {
    let has = || server.requests_for(operation).len() >= count;
    assert!(wait_until(DEADLINE, has), "{:?}", server.requests());
}

/// Starts to store a file, before which a question is asked that is held back.
fn begin(server: &S3Server, size: u64) -> (Started, PathBuf) {
    let run = declaring(storing(Run::new(), server), &["file"]);
    let path = run.path("file");
    noise(&path, size);
    (run.start(), path)
}

fn held() -> S3Server {
    S3Server::new().fault(S3Fault::delay(HELD).on(S3Operation::Head))
}

fn appending(path: &Path) -> File {
    let opened = File::options().append(true).open(path);
    opened.expect("it is there")
}

fn writing(path: &Path) -> File {
    let opened = File::options().write(true).open(path);
    opened.expect("it is there")
}

/// Cuts a file.
fn cut(path: &Path, left: u64) {
    writing(path).set_len(left).expect("it can be cut");
}

/// Writes over the beginning of a file.
fn change(path: &Path, byte: u8) {
    let mut file = writing(path);
    file.seek(SeekFrom::Start(5 * MIB)).expect("it is a file");
    file.write_all(&[byte; 100]).expect("it can be written");
}

/// Checks that the object is the file as it is.
#[track_caller]
fn assert_is_file(server: &S3Server, ended: &Ended) {
    assert_stored(server, ended, 1);
    let object = server.object(&key("file")).expect("it is stored");
    let file = fs::read(ended.dir.path().join("file")).expect("it is there");
    assert!(object.bytes() == file, "{} {}", object.length, file.len());
    assert!(object.tells_its_content());
    assert_eq!(uploads(ended)["bytes"], file.len());
}

#[test]
fn a_small_file_that_grows_is_stored_as_far_as_it_was() {
    let server = S3Server::new().fault(S3Fault::delay(Duration::from_millis(300)));
    let (mut run, mut line) = (declaring(storing(Run::new(), &server), &["file"]), 0);
    run = run.agent(["touch", "ended"]);
    let (path, ended) = (run.path("file"), run.path("ended"));
    fs::write(&path, "").expect("it can be written");
    let mut file = appending(&path);
    let started = run.start();
    let mut write = || {
        line += 1;
        writeln!(file, "line {line} of a log that goes on and on").expect("it can be written");
    };
    // It is read at some moment after the agent's end, and written all the time.
    assert!(wait_until(DEADLINE, || {
        write();
        ended.exists() && !server.requests_for(S3Operation::Put).is_empty()
    }));
    write();
    let ended = started.end();
    assert_stored(&server, &ended, 1);
    let stored = server.object(&key("file")).expect("it is stored");
    let all = fs::read(path).expect("it is there");
    let stored = stored.bytes();
    assert!(!stored.is_empty() && stored.len() < all.len());
    assert!(all.starts_with(&stored));
}

#[test]
fn a_large_file_that_grows_is_stored_as_far_as_it_was() {
    let server = held();
    let (started, path) = begin(&server, 20 * MIB);
    await_requests(&server, S3Operation::Head, 1);
    let mut file = appending(&path);
    file.write_all(&vec![7; 3 << 20])
        .expect("it can be written");
    let ended = started.end();
    assert_stored(&server, &ended, 1);
    let object = server.object(&key("file")).expect("it is stored");
    assert_eq!(object.length, 20 * MIB);
    let all = fs::read(ended.dir.path().join("file")).expect("it is there");
    assert!(all.starts_with(&object.bytes()));
    assert!(object.tells_its_content());
}

#[test]
fn a_large_text_that_grows_is_stored_as_far_as_it_was() {
    let server = held();
    let token = "a-token-to-be-replaced";
    let run = declaring(storing(Run::new(), &server), &["file"]).env("SOME_API_TOKEN", token);
    let path = run.path("file");
    let line = format!("it is {token}, of course\n");
    let lines = usize::try_from(18 * MIB).expect("it fits") / line.len();
    fs::write(&path, line.repeat(lines)).expect("it can be written");
    let started = run.start();
    await_requests(&server, S3Operation::Head, 1);
    let mut file = appending(&path);
    file.write_all(line.repeat(1000).as_bytes())
        .expect("it can be written");
    let ended = started.end();
    assert_stored(&server, &ended, 1);
    let object = server.object(&key("file")).expect("it is stored");
    let clean = line
        .replace(token, "[REDACTED:SOME_API_TOKEN]")
        .repeat(lines);
    assert!(object.bytes() == clean.as_bytes(), "{}", object.length);
}

/// Of a file of 60 MiB its parts are held back, and the end is read when some of them are stored: waits
/// until the first of an attempt is there, which is when it has been read.
#[track_caller]
fn await_part(server: &S3Server, attempt: usize) {
    let has_part = || {
        let requests = server.requests();
        let is = |operation| move |request: &&S3Request| request.operation == operation;
        let begun = requests.iter().filter(is(S3Operation::Create)).count();
        let create = requests
            .iter()
            .rposition(|request| is(S3Operation::Create)(&request));
        let after = create.map_or(&[][..], |create| &requests[create..]);
        begun == attempt && after.iter().any(|request| is(S3Operation::Part)(&request))
    };
    assert!(wait_until(DEADLINE, has_part), "{:?}", server.requests());
}

fn slow() -> S3Server {
    S3Server::new().fault(S3Fault::delay(HELD).on(S3Operation::Part))
}

#[test]
fn a_file_that_changes_while_it_is_read_is_read_again() {
    let server = slow();
    let (started, path) = begin(&server, 60 * MIB);
    await_part(&server, 1);
    change(&path, 1);
    let ended = started.end();
    assert_is_file(&server, &ended);
    assert_eq!(server.requests_for(S3Operation::Abort).len(), 1);
}

#[test]
fn a_large_file_that_nobody_writes_to_is_read_once() {
    let server = S3Server::new().fault(S3Fault::delay(HELD).on(S3Operation::Complete));
    // Until the agent's end the file is old enough for its time to tell.
    let run = declaring(storing(Run::new(), &server), &["file"]).shell("sleep 0.5");
    let path = run.path("file");
    noise(&path, 60 * MIB);
    let started = run.start();
    await_requests(&server, S3Operation::Complete, 1);
    let io = fs::read_to_string(format!("/proc/{}/io", started.pid()));
    let io = io.expect("it still waits for an answer");
    let read = io.lines().find_map(|line| line.strip_prefix("rchar: "));
    let read: u64 = read.and_then(|read| read.parse().ok()).expect("a number");
    assert!(read < 90 * MIB, "{read} bytes were read");
    assert_is_file(&server, &started.end());
}

#[test]
fn a_file_that_changes_before_it_is_read_is_stored_as_it_is_then() {
    let server = held();
    let (started, path) = begin(&server, 20 * MIB);
    await_requests(&server, S3Operation::Head, 1);
    change(&path, 1);
    let ended = started.end();
    assert_is_file(&server, &ended);
    assert_eq!(server.requests_for(S3Operation::Create).len(), 1);
}

#[test]
fn a_file_that_is_written_to_and_stays_the_same_is_stored() {
    let server = slow();
    let (started, path) = begin(&server, 60 * MIB);
    await_part(&server, 1);
    let file = writing(&path);
    let mut same = [0; 100];
    let read = File::open(&path)
        .expect("it is there")
        .read_at(&mut same, 0);
    assert_eq!(read.expect("it is a file"), 100);
    file.write_all_at(&same, 0).expect("it can be written");
    let ended = started.end();
    assert_is_file(&server, &ended);
    assert_eq!(server.requests_for(S3Operation::Create).len(), 1);
}

#[test]
fn a_file_that_changes_twice_is_not_stored() {
    let server = slow();
    let (started, path) = begin(&server, 60 * MIB);
    for attempt in 1..=2 {
        await_part(&server, attempt);
        change(&path, u8::try_from(attempt).expect("it is small"));
    }
    let ended = started.end();
    assert_failed(&server, &ended, &["changed while it was read, twice"]);
    assert_eq!(server.keys(""), [""; 0]);
    assert_eq!(uploads(&ended)["failed"], 1);
}

#[test]
fn a_large_file_that_shrinks_while_it_is_sent_is_stored_as_it_is_then() {
    for left in [18 * MIB, 3 * MIB, 0] {
        let server = slow();
        let (started, path) = begin(&server, 60 * MIB);
        await_part(&server, 1);
        cut(&path, left);
        let ended = started.end();
        assert_is_file(&server, &ended);
    }
}

#[test]
fn a_large_file_that_shrinks_is_stored_as_it_is_then() {
    for left in [18 * MIB, MIB, 0] {
        let server = held();
        let (started, path) = begin(&server, 20 * MIB);
        await_requests(&server, S3Operation::Head, 1);
        cut(&path, left);
        let ended = started.end();
        assert_is_file(&server, &ended);
    }
}

#[test]
fn a_large_file_that_vanishes_is_missing() {
    let server = held();
    let (started, path) = begin(&server, 20 * MIB);
    await_requests(&server, S3Operation::Head, 1);
    fs::remove_file(path).expect("it is there");
    let ended = started.end();
    assert_eq!((ended.code, ended.outcome()), (73, "ArtifactFailed"));
    assert!(ended.error().contains("is not there"), "{}", ended.error());
    assert_eq!(uploads(&ended)["missing"], 1, "{}", uploads(&ended));
    assert_eq!(server.keys(""), [""; 0]);
    assert_clean(&server, &ended);
}

#[test]
fn small_files_that_vanish_or_shrink_before_their_turn() {
    let server = S3Server::new().fault(S3Fault::delay(HELD).on(S3Operation::Put));
    let names: Vec<String> = (0..8).map(|index| format!("file-{index}")).collect();
    let mut all: Vec<&str> = names.iter().map(String::as_str).collect();
    // Eight are on their way at once, the smallest first.
    all.extend(["vanishing", "shrinking"]);
    let run = declaring(storing(Run::new(), &server), &all);
    for name in &names {
        noise(&run.path(name), 10);
    }
    let (vanishing, shrinking) = (run.path("vanishing"), run.path("shrinking"));
    noise(&vanishing, 1_000);
    noise(&shrinking, 2_000);
    let started = run.start();
    await_requests(&server, S3Operation::Put, 8);
    fs::remove_file(vanishing).expect("it is there");
    fs::write(shrinking, "less").expect("it can be written");
    let ended = started.end();
    assert_eq!((ended.code, ended.outcome()), (73, "ArtifactFailed"));
    let error = ended.error();
    assert!(error.contains("`vanishing`"), "{error}");
    assert!(error.contains("is not there"), "{error}");
    let uploads = uploads(&ended);
    assert_eq!(uploads["missing"], 1, "{uploads}");
    assert_eq!(uploads["objects"], 9, "{uploads}");
    let shrunk = server.object(&key("shrinking")).expect("it is stored");
    assert_eq!(shrunk.text(), "less");
    assert_clean(&server, &ended);
}
