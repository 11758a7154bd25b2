//! What comes on stdin, line by line and recorded, and what goes to stdout.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Write};
use std::path::Path;
use std::sync::mpsc::{Receiver, sync_channel};

use serde_json::Value;

/// Lines that wait for somebody to read them: a conversation has a handful.
const WAITING: usize = 64;

/// What comes on stdin. All of it is recorded as it comes, whether it is read or not, if anything
/// is.
#[derive(Debug)]
pub(super) struct Stdin {
    lines: Receiver<String>,
}

impl Stdin {
    pub(super) fn open(record: Option<&Path>) -> io::Result<Self> {
        let mut record = record.map(File::create).transpose()?;
        let (sender, lines) = sync_channel(WAITING);
        // It ends with stdin or with the process, whichever comes first.
        drop(std::thread::spawn(move || {
            let mut input = BufReader::new(io::stdin());
            let mut line = Vec::new();
            while input
                .read_until(b'\n', &mut line)
                .is_ok_and(|read| read > 0)
            {
                if let Some(record) = &mut record
                    && record.write_all(&line).is_err()
                {
                    return;
                }
                let text = String::from_utf8_lossy(&line).into_owned();
                line.clear();
                if sender.send(text).is_err() {
                    return;
                }
            }
        }));
        Ok(Self { lines })
    }

    /// Waits for a line; `None` at the end.
    pub(super) fn line(&self) -> Option<String> {
        self.lines.recv().ok()
    }

    /// Waits for a line of JSON; `None` at the end. A line that is none is null.
    pub(super) fn json(&self) -> Option<Value> {
        Some(serde_json::from_str(&self.line()?).unwrap_or_default())
    }

    /// Waits for the end.
    pub(super) fn end(&self) {
        while self.line().is_some() {}
    }
}

/// What goes to stdout, and what to stderr. Whether anybody reads it is no concern of an agent's.
pub(super) struct Stdout;

impl Stdout {
    pub(super) fn bytes(bytes: &[u8]) {
        let mut stdout = io::stdout().lock();
        drop(stdout.write_all(bytes).and_then(|()| stdout.flush()));
    }

    pub(super) fn line(text: &str) {
        Self::bytes(format!("{text}\n").as_bytes());
    }

    pub(super) fn json(value: &Value) {
        Self::line(&value.to_string());
    }

    pub(super) fn complain(text: &str) {
        drop(io::stderr().write_all(format!("{text}\n").as_bytes()));
    }
}
