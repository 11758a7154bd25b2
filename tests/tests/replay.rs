//! A journal again: as text, as payloads, published.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use agent_tests::{Nats, NatsServer, Permissions, binary};
use serde_json::{Value, json};
use tempfile::TempDir;

/// A journal of two attempts in a directory of its own.
struct Kept {
    dir: TempDir,
}

impl Kept {
    fn new() -> Self {
        let kept = Self {
            dir: tempfile::tempdir().expect("a directory can be made"),
        };
        let mut text = String::new();
        for attempt in 1..=2 {
            let header = json!({
                "journal": 1, "attempt": attempt, "stem": format!("u-{attempt}"),
                "speaker": { "runUid": "u", "runName": "fix-7", "runNamespace": "agents", "agentId": "claude" },
            });
            text += &format!("{header}\n");
            for record in [
                record(attempt, 1, "run-started", "Run fix-7 started"),
                record(attempt, 2, "message", "two\nlines\u{1b}[2J"),
                json!({
                    "seq": 3, "id": format!("u-{attempt}-3"), "time": "2026-08-23T10:15:00.120Z",
                    "kind": "tool_result", "role": "tool", "content": "",
                    "tool": { "id": "t", "name": "Bash", "title": "cargo test", "ok": false, "exit_code": 3 },
                }),
            ] {
                text += &format!("{record}\n");
            }
        }
        kept.write(&text);
        kept
    }

    fn path(&self) -> PathBuf {
        self.dir.path().join("events.ndjson")
    }

    fn write(&self, text: &str) {
        fs::write(self.path(), text).expect("it can be written");
    }

    fn append(&self, text: &[u8]) {
        let mut bytes = fs::read(self.path()).expect("it is there");
        bytes.extend(text);
        fs::write(self.path(), bytes).expect("it can be written");
    }
}

fn record(attempt: u32, seq: u64, kind: &str, content: &str) -> Value {
    json!({
        "seq": seq, "id": format!("u-{attempt}-{seq}"), "time": "2026-08-23T10:15:00.120Z",
        "kind": kind, "role": "assistant", "content": content,
    })
}

fn command(path: &Path, more: &[&str]) -> Command {
    let mut command = Command::new(binary("agent-runner"));
    command.env_clear().arg("replay").arg(path).args(more);
    command
}

fn replay(path: &Path, more: &[&str]) -> Output {
    command(path, more).output().expect("it can be started")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("it is text")
}

/// A server with the stream, whose window for duplicates is the usual two minutes.
fn server() -> Nats {
    let nats = NatsServer::new().start();
    nats.make_stream("agent-comms", &["agentrun.>"]);
    nats
}

fn publish(kept: &Kept, nats: &Nats, more: &[&str]) -> Output {
    let mut words = vec!["--publish"];
    words.extend(more);
    let mut command = command(&kept.path(), &words);
    command.env("NATS_URL", nats.url());
    command.output().expect("it can be started")
}

#[test]
fn people_read_one_event_after_the_other() {
    let kept = Kept::new();
    let done = replay(&kept.path(), &["--attempt", "2"]);
    assert_eq!(
        text(&done.stdout),
        "2026-08-23T10:15:00.120Z 2.1    run-started  Run fix-7 started\n\
         2026-08-23T10:15:00.120Z 2.2    message      two\n    lines\u{fffd}[2J\n\
         2026-08-23T10:15:00.120Z 2.3    tool_result  [Bash:failed] cargo test (exit 3)\n"
    );
    assert_eq!(text(&done.stderr), "3 events\n");
    assert_eq!(done.status.code(), Some(0));
    let from = replay(&kept.path(), &["--from", "3"]);
    assert_eq!(text(&from.stdout).lines().count(), 2);
}

#[test]
fn secrets_of_the_environment_are_not_shown() {
    let kept = Kept::new();
    kept.append(
        format!(
            "{}\n",
            record(2, 4, "message", "it is deploy-value-1234 there")
        )
        .as_bytes(),
    );
    for form in ["text", "json"] {
        let mut command = command(&kept.path(), &["--output", form]);
        let done = command.env("DEPLOY_TOKEN", "deploy-value-1234").output();
        let shown = text(&done.expect("it can be started").stdout);
        assert!(shown.contains("[REDACTED:DEPLOY_TOKEN]"), "{shown}");
        assert!(!shown.contains("deploy-value-1234"), "{shown}");
    }
}

#[test]
fn no_control_character_of_a_journal_reaches_a_terminal() {
    let kept = Kept::new();
    let content = "a\u{9b}31mred\u{7f}";
    kept.append(format!("{}\n", record(2, 4, "message", content)).as_bytes());
    let done = replay(&kept.path(), &["--output", "json", "--from", "4"]);
    let printed = text(&done.stdout);
    let is_harmless = |letter: char| !letter.is_control() || letter == '\n';
    assert!(printed.chars().all(is_harmless), "{printed:?}");
    let payload: Value = serde_json::from_str(&printed).expect("it is one line of JSON");
    assert_eq!(payload["content"], content);
}

#[test]
fn what_is_printed_as_json_is_what_is_published() {
    let kept = Kept::new();
    let done = replay(&kept.path(), &["--output", "json"]);
    let printed: Vec<Value> = text(&done.stdout)
        .lines()
        .map(|line| serde_json::from_str(line).expect("each line is JSON"))
        .collect();
    let nats = server();
    let published = publish(&kept, &nats, &[]);
    assert_eq!(
        published.status.code(),
        Some(0),
        "{}",
        text(&published.stderr)
    );
    assert!(
        text(&published.stderr).ends_with("6 events: 6 acknowledged\n"),
        "{}",
        text(&published.stderr)
    );
    let stored = nats.stream_messages("agent-comms");
    let payloads: Vec<Value> = stored
        .iter()
        .map(|message| message.payload.clone())
        .collect();
    // The two beginnings are on the general subject, too.
    assert_eq!(payloads.len(), 8);
    assert_eq!(payloads, printed);
    for message in stored {
        assert_eq!(
            message.header("Nats-Msg-Id"),
            message.payload["message_id"].as_str()
        );
    }
}

#[test]
fn what_is_published_twice_is_stored_once() {
    let (kept, nats) = (Kept::new(), server());
    for _ in 0..2 {
        let done = publish(&kept, &nats, &[]);
        assert_eq!(done.status.code(), Some(0), "{}", text(&done.stderr));
        assert_eq!(nats.count("agent-comms"), 8);
    }
    let before = fs::read(kept.path()).expect("it is there");
    publish(&kept, &nats, &["--attempt", "1"]);
    assert_eq!(fs::read(kept.path()).expect("it is there"), before);
}

#[test]
fn one_attempt_is_published_alone_and_from_stdin() {
    let (kept, nats) = (Kept::new(), server());
    let mut child = command(
        Path::new("-"),
        &["--publish", "--attempt", "2", "--from", "2"],
    )
    .env("NATS_URL", nats.url())
    .stdin(Stdio::piped())
    .stderr(Stdio::piped())
    .spawn()
    .expect("it can be started");
    let journal = fs::read(kept.path()).expect("it is there");
    let mut stdin = child.stdin.take().expect("it is a pipe");
    stdin.write_all(&journal).expect("it is read");
    drop(stdin);
    let done = child.wait_with_output().expect("it ends");
    assert_eq!(done.status.code(), Some(0), "{}", text(&done.stderr));
    let stored = nats.stream_messages("agent-comms");
    let ids: Vec<_> = stored
        .iter()
        .filter_map(|it| it.payload["message_id"].as_str())
        .collect();
    assert_eq!(ids, ["u-2-2", "u-2-3"]);
}

#[test]
fn what_a_crash_tore_is_passed_over_and_counted() {
    let (kept, nats) = (Kept::new(), server());
    let whole = fs::read_to_string(kept.path()).expect("it is text");
    let torn = whole.replacen("{\"journal\"", "\0\0garbage\n{\"journal\"", 2);
    kept.write(&torn[..torn.len() - 20]);
    let done = replay(&kept.path(), &[]);
    assert_eq!(text(&done.stderr), "5 events, 3 damaged lines\n");
    let done = publish(&kept, &nats, &[]);
    assert_eq!(done.status.code(), Some(0));
    assert!(text(&done.stderr).ends_with("5 events, 3 damaged lines: 5 acknowledged\n"));
}

#[test]
fn what_is_not_acknowledged_in_time_is_said_and_an_error() {
    let (kept, nats) = (Kept::new(), server());
    nats.pause();
    let done = publish(&kept, &nats, &["--timeout", "700ms"]);
    assert_eq!(done.status.code(), Some(69));
    let said = text(&done.stderr);
    assert!(
        said.contains("error: 6 events: 0 acknowledged, 6 not published"),
        "{said}"
    );
    let nobody = NatsServer::new().start();
    let done = publish(&kept, &nobody, &[]);
    assert_eq!(done.status.code(), Some(69));
    let said = text(&done.stderr);
    assert!(
        said.contains("6 published where nothing stores them"),
        "{said}"
    );
}

#[test]
fn a_login_is_taken_from_the_environment_and_not_shown() {
    let nats = NatsServer::new()
        .user("agents", "password-1234", Permissions::agents())
        .start();
    nats.make_stream("agent-comms", &["agentrun.>"]);
    let kept = Kept::new();
    for (password, code) in [("password-1234", 0), ("password-5678", 69)] {
        let done = command(&kept.path(), &["--publish", "--timeout", "2s"])
            .env("NATS_URL", nats.url())
            .env("NATS_USER", "agents")
            .env("NATS_PASSWORD", password)
            .output()
            .expect("it can be started");
        let said = text(&done.stderr);
        assert_eq!(done.status.code(), Some(code), "{said}");
        assert!(!said.contains(password), "{said}");
    }
}

#[test]
fn what_is_no_journal_is_said_to_be_none() {
    let kept = Kept::new();
    let dir = kept.dir.path().to_owned();
    let here = |name: &str, content: &str| {
        let path = dir.join(name);
        fs::write(&path, content).expect("it can be written");
        path
    };
    let orphan = record(1, 1, "message", "of nobody").to_string();
    for (path, code, words) in [
        (dir.join("missing"), 66, "cannot be read: No such file"),
        (dir.clone(), 66, "cannot be read: Is a directory"),
        (here("empty", ""), 65, "is empty"),
        (
            here("prose", "hello\nworld\n"),
            65,
            "is no journal: none of its 2 lines",
        ),
        (here("orphan", &orphan), 65, "is no journal"),
    ] {
        let done = replay(&path, &[]);
        let said = text(&done.stderr);
        assert_eq!(done.status.code(), Some(code), "{said}");
        assert!(said.contains(words), "{said}");
        assert_eq!(text(&done.stdout), "");
    }
    let done = replay(&kept.path(), &["--publish"]);
    assert_eq!(done.status.code(), Some(64));
    assert!(text(&done.stderr).contains("`NATS_URL` is not set"));
}

#[test]
fn every_line_of_a_journal_fits_the_schema_of_an_event() {
    let done = Command::new(binary("agent-runner"))
        .args(["schema", "event"])
        .output();
    let schema = text(&done.expect("it can be started").stdout);
    let schema: Value = serde_json::from_str(&schema).expect("it is JSON");
    assert_eq!(schema["title"], "Record");
    let required = schema["required"].as_array().expect("a list").iter();
    let required: Vec<_> = required.filter_map(Value::as_str).collect();
    assert_eq!(required, ["seq", "id", "time", "kind", "role", "content"]);
    let properties = schema["properties"].as_object().expect("an object");
    let journal = fs::read_to_string(Kept::new().path()).expect("it is text");
    for line in journal
        .lines()
        .filter(|line| !line.starts_with("{\"journal\""))
    {
        let line: Value = serde_json::from_str(line).expect("it is JSON");
        let line = line.as_object().expect("an object");
        assert!(
            line.keys().all(|key| properties.contains_key(key)),
            "{line:?}"
        );
    }
}
