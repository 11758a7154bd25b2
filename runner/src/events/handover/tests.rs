use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::time::Instant;

use agent_plan::event::EventKind;
use agent_plan::secret::{Found, Patterns, Redactor};
use tempfile::TempDir;

use super::super::queue::{BOUND, Item};
use super::*;

/// A file that is listened to.
struct Heard {
    directory: TempDir,
    queue: Arc<Queue>,
    handover: Handover,
}

impl Heard {
    fn new() -> Self {
        let directory = TempDir::new().expect("a directory can be made");
        let queue = Arc::new(Queue::new(BOUND));
        let secret = Found {
            name: "TOKEN".into(),
            value: b"hunter22".into(),
        };
        let veil = Veil::new(Redactor::new(vec![secret], Patterns::On));
        let handover = Handover::start(directory.path(), Arc::clone(&queue), veil);
        Self {
            directory,
            queue,
            handover: handover.expect("it can be started"),
        }
    }

    fn path(&self) -> &Path {
        self.handover.path()
    }

    fn append(&self, bytes: impl AsRef<[u8]>) {
        let file = OpenOptions::new().append(true).open(self.path());
        let mut file = file.expect("it is there");
        file.write_all(bytes.as_ref()).expect("it can be written");
    }

    /// Waits until so many events were heard.
    fn wait(&self, count: u64) {
        let begun = Instant::now();
        while self.queue.len() < count {
            assert!(
                begun.elapsed() < Duration::from_secs(20),
                "{}",
                self.queue.len()
            );
            std::thread::yield_now();
        }
    }

    /// Ends it; returns what was heard.
    fn end(&mut self) -> Vec<(EventKind, String)> {
        let runtime = tokio::runtime::Builder::new_current_thread().build();
        let last_look = self.handover.last_look();
        runtime.expect("a runtime can be made").block_on(last_look);
        self.queue.close();
        let mut all = Vec::new();
        loop {
            let batch = self.queue.take(None);
            all.extend(batch.entries.into_iter().map(|entry| match entry.item {
                Item::Event(event) => (event.kind, event.content),
                other => panic!("only events are handed over: {other:?}"),
            }));
            if batch.last {
                return all;
            }
        }
    }

    fn contents(&mut self) -> Vec<String> {
        self.end().into_iter().map(|(_, content)| content).collect()
    }
}

#[test]
fn lines_become_events_without_secrets_and_the_last_needs_no_newline() {
    let mut heard = Heard::new();
    let mode = fs::metadata(heard.path())
        .expect("it is there")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    heard.append("{\"kind\":\"run-summary\",\"content\":\"all of hunter22\"}\n\npla");
    heard.wait(1);
    heard.append("in\nlast");
    let expected = [
        (EventKind::RunSummary, "all of [REDACTED:TOKEN]".to_owned()),
        (EventKind::Message, "plain".to_owned()),
        (EventKind::Message, "last".to_owned()),
    ];
    assert_eq!(heard.end(), expected);
    assert!(!heard.path().exists());
}

#[test]
fn a_file_that_is_written_anew_says_nothing_twice() {
    let mut heard = Heard::new();
    heard.append("one\ntwo\ntwo\n");
    heard.wait(3);
    fs::write(heard.path(), "two\nnew\n").expect("it can be written");
    heard.wait(4);
    // By another file under its name.
    let other = heard.directory.path().join("other");
    fs::write(&other, "one\ntwo\nnew\nlast\n").expect("it can be written");
    fs::rename(other, heard.path()).expect("it can be renamed");
    assert_eq!(heard.contents(), ["one", "two", "two", "new", "last"]);
}

#[test]
fn a_file_that_is_written_anew_and_longer_is_heard_from_its_beginning() {
    let mut heard = Heard::new();
    heard.append("one\ntwo\n");
    heard.wait(2);
    // In one write, as it is, and the beginning is not what it was.
    let file = File::options().write(true).open(heard.path());
    let file = file.expect("it is there");
    let longer = format!("zero\ntwo\n{}\nlast\n", "x".repeat(300));
    std::os::unix::fs::FileExt::write_all_at(&file, longer.as_bytes(), 0)
        .expect("it can be written");
    heard.wait(5);
    // And what is added then is not heard twice.
    heard.append("more\n");
    let expected = ["one", "two", "zero", &"x".repeat(300), "last", "more"];
    assert_eq!(heard.contents(), expected);
}

#[test]
fn what_was_written_before_a_file_is_replaced_is_heard() {
    let mut heard = Heard::new();
    heard.append("one\n");
    heard.wait(1);
    heard.append("two\nthree");
    let other = heard.directory.path().join("other");
    fs::write(&other, "four\n").expect("it can be written");
    fs::rename(other, heard.path()).expect("it can be renamed");
    assert_eq!(heard.contents(), ["one", "two", "three", "four"]);
}

#[test]
fn neither_links_nor_fifos_nor_directories_are_read() {
    for hostile in ["link", "fifo", "directory", "nothing"] {
        let mut heard = Heard::new();
        let path = heard.path().to_owned();
        heard.append("one\n");
        heard.wait(1);
        fs::remove_file(&path).expect("it is there");
        let secret = heard.directory.path().join("secret");
        fs::write(&secret, "not for the agent\n").expect("it can be written");
        match hostile {
            "link" => symlink(&secret, &path).expect("a link can be made"),
            "fifo" => nix::unistd::mkfifo(&path, nix::sys::stat::Mode::S_IRWXU)
                .expect("a FIFO can be made"),
            "directory" => fs::create_dir(&path).expect("a directory can be made"),
            _ => {}
        }
        assert_eq!(heard.contents(), ["one"], "{hostile}");
    }
}

#[test]
fn lines_that_are_too_long_are_counted() {
    let mut heard = Heard::new();
    heard.append(
        "x".repeat(2 << 20)
            + "\nshort\n"
            + &"y".repeat(1 << 20)
            + "\n"
            + &"z".repeat((1 << 20) + 1),
    );
    let contents = heard.contents();
    assert_eq!(contents[0], "short");
    assert_eq!(contents[1].len(), 1 << 20);
    assert_eq!(
        contents[2],
        "of what the agent handed over, 2 dropped: a line may have 1 MiB"
    );
    assert_eq!(contents.len(), 3);
}

#[test]
fn there_is_an_end_to_what_is_heard_and_it_is_said_once() {
    let mut heard = Heard::new();
    let lines = (0..12_000).map(|number| format!("line {number}\n"));
    heard.append(lines.collect::<String>());
    heard.append("more\nlast");
    let contents = heard.contents();
    assert_eq!(contents.len(), 10_001);
    assert!(
        contents[10_000].contains("handed over, 2002 dropped"),
        "{}",
        contents[10_000]
    );
    assert_eq!(heard.queue.dropped(), 2002);

    let mut heard = Heard::new();
    // A hole of a terabyte.
    let file = File::options()
        .write(true)
        .open(heard.path())
        .expect("it is there");
    file.set_len(1 << 40).expect("it can grow");
    let contents = heard.contents();
    assert!(
        contents[0].contains("handed over, 1 dropped"),
        "{}",
        contents[0]
    );
    assert_eq!(contents.len(), 1);
}
