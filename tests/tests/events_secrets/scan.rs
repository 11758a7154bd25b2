//! Looking for secrets wherever somebody else could.

use std::fs;
use std::path::Path;

use agent_tests::{DEADLINE, Ended, Heard, Nats, Run, StoredMessage, wait_until};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use crate::{STREAM, with_stream};

/// The shortest beginning or end of a secret that must not be seen either.
const PIECE: usize = 10;

/// What the agent does at its end: it waits until all arguments have been looked at.
pub(crate) const LOOKED_AT: &str =
    "\ntouch at-the-end; while ! [ -e looked-at ]; do sleep 0.01; done";

/// A run that has ended, and all that can be seen of it.
pub(crate) struct Seen {
    pub(crate) ended: Ended,
    pub(crate) messages: Vec<StoredMessage>,
    places: Vec<(String, String)>,
}

/// The forms in which a secret must not be seen.
pub(crate) fn forms(secret: &str) -> Vec<String> {
    let json = serde_json::to_string(secret).expect("text is JSON");
    vec![
        secret.to_owned(),
        STANDARD.encode(secret),
        URL_SAFE_NO_PAD.encode(secret),
        utf8_percent_encode(secret, NON_ALPHANUMERIC).to_string(),
        json[1..json.len() - 1].to_owned(),
    ]
}

/// Runs it to its end beside a subscriber to everything; its agent ends with [`LOOKED_AT`].
///
/// `given` are the files that the test or the agent has put into the run's directory.
#[track_caller]
pub(crate) fn see(nats: &Nats, run: Run, given: &[&str]) -> Seen {
    let heard = nats.listen(">");
    let started = run.start();
    started.await_file(started.path("at-the-end"));
    let mut places = arguments();
    assert!(
        places
            .iter()
            .any(|(name, _)| name.ends_with(&format!("/{}/cmdline", started.pid())))
    );
    fs::write(started.path("looked-at"), "").expect("the directory is ours");
    let ended = started.end();
    see_ended(nats, &heard, ended, given, &mut places)
}

/// The same without an agent that waits.
#[track_caller]
pub(crate) fn see_end(nats: &Nats, run: Run, given: &[&str]) -> Seen {
    let heard = nats.listen(">");
    let ended = run.end();
    see_ended(nats, &heard, ended, given, &mut Vec::new())
}

#[track_caller]
fn see_ended(
    nats: &Nats,
    heard: &Heard,
    ended: Ended,
    given: &[&str],
    places: &mut Vec<(String, Vec<u8>)>,
) -> Seen {
    let messages = nats.stream_messages(STREAM);
    // The subscriber has a connection of its own.
    let of_run = |it: &&StoredMessage| it.subject.starts_with("agentrun.");
    let all = || heard.messages().iter().filter(of_run).count() >= messages.len();
    assert!(
        wait_until(DEADLINE, all),
        "the subscriber has heard everything"
    );
    for (from, messages) in [
        ("stream", messages.clone()),
        ("subscriber", heard.messages()),
    ] {
        for message in messages {
            places.push((
                format!("{from}: {}", message.subject),
                format!("{} {:?}\n", message.subject, message.headers).into_bytes(),
            ));
            places.push((
                format!("{from}: payload of {}", message.subject),
                message.bytes,
            ));
            let mut texts = String::new();
            collect(&message.payload, &mut texts);
            places.push((
                format!("{from}: texts of {}", message.subject),
                texts.into_bytes(),
            ));
        }
    }
    places.push(("stdout".to_owned(), ended.stdout.clone()));
    places.push(("stderr".to_owned(), ended.stderr.clone().into_bytes()));
    let mut written = Vec::new();
    files(ended.dir.path(), &mut written);
    written.retain(|(name, _)| !given.iter().any(|given| name.ends_with(given)));
    for name in [
        "events.ndjson",
        "events.ndjson.acked",
        "status.json",
        "status.full.json",
    ] {
        let found = written.iter().any(|(path, _)| path.ends_with(name));
        assert!(found, "there is a `{name}` to look into; {}", ended.stderr);
    }
    for (path, content) in &written {
        for line in content.split(|byte| *byte == b'\n') {
            let mut texts = String::new();
            collect(
                &serde_json::from_slice(line).unwrap_or_default(),
                &mut texts,
            );
            places.push((format!("texts of {path}"), texts.into_bytes()));
        }
    }
    places.append(&mut written);
    Seen {
        ended,
        messages,
        places: (places.drain(..))
            .map(|(name, content)| (name, String::from_utf8_lossy(&content).into_owned()))
            .collect(),
    }
}

impl Seen {
    /// Asserts that a secret is nowhere: in no form, and of the secret itself neither beginning nor
    /// end.
    #[track_caller]
    pub(crate) fn assert_nowhere(&self, secret: &str) {
        let mut looked_for = forms(secret);
        if secret.len() >= 2 * PIECE {
            looked_for.push(secret[..PIECE].to_owned());
            looked_for.push(secret[secret.len() - PIECE..].to_owned());
            // The last letters depend on what follows.
            let encoded = STANDARD_NO_PAD.encode(secret);
            looked_for.push(encoded[..encoded.len() / 2].to_owned());
        }
        for (name, content) in &self.places {
            for form in &looked_for {
                if let Some(at) = content.find(form) {
                    let from = content.floor_char_boundary(at.saturating_sub(300));
                    let to = content.ceil_char_boundary(at + 300);
                    panic!("`{form}` is in {name}: …{}…", &content[from..to]);
                }
            }
        }
    }

    /// The contents of all events of a kind, in order, each once.
    pub(crate) fn contents(&self, kind: &str) -> Vec<&str> {
        let of_kind = |it: &&StoredMessage| {
            it.payload["kind"] == kind && !it.subject.starts_with("agentrun.general")
        };
        let found = self.messages.iter().filter(of_kind);
        found
            .filter_map(|it| it.payload["content"].as_str())
            .collect()
    }

    /// Asserts that the name of a secret stands in some events, which so were heard at all.
    #[track_caller]
    pub(crate) fn assert_marked(&self, name: &str) {
        let mark = format!("[REDACTED:{name}]");
        let found = (self.messages.iter()).any(|it| it.payload.to_string().contains(&mark));
        assert!(found, "no `{mark}` in any message; {}", self.ended.stderr);
    }
}

/// Every text and every name in a value, as a reader of JSON has it.
fn collect(value: &Value, texts: &mut String) {
    match value {
        Value::String(text) => *texts += &format!("{text}\0"),
        Value::Array(items) => items.iter().for_each(|item| collect(item, texts)),
        Value::Object(members) => {
            for (name, value) in members {
                *texts += &format!("{name}\0");
                collect(value, texts);
            }
        }
        _ => {}
    }
}

/// The arguments of every process that there is.
fn arguments() -> Vec<(String, Vec<u8>)> {
    let processes = fs::read_dir("/proc").expect("there is a /proc");
    let paths = processes
        .flatten()
        .map(|entry| entry.path().join("cmdline"));
    // One may have ended meanwhile, and most of what is there is no process.
    let read = |path: std::path::PathBuf| Some((path.display().to_string(), fs::read(path).ok()?));
    paths.filter_map(read).collect()
}

/// Every file below a directory, with its content.
fn files(directory: &Path, found: &mut Vec<(String, Vec<u8>)>) {
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            files(&path, found);
        } else if let Ok(content) = fs::read(&path) {
            found.push((path.display().to_string(), content));
        }
    }
}

#[test]
fn the_scan_finds_what_is_there() {
    let nats = with_stream(agent_tests::NatsServer::new());
    let run = Run::new()
        .env("NATS_URL", nats.url())
        .shell("printf 'ordinary \"text\" of nobody'");
    let seen = see_end(&nats, run, &[]);
    for there in [
        "ordinary \"text\" of nobody",
        "ordinary \"text\" of somebody else",
    ] {
        let found = std::panic::catch_unwind(|| seen.assert_nowhere(there));
        assert!(found.is_err(), "{there}");
    }
    seen.assert_nowhere("something that is nowhere at all");
}
