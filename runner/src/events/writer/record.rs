//! From what was said to numbered records, and what is left out of a journal that is full.

use std::time::SystemTime;

use agent_plan::event::{Event, EventKind, Role};
use agent_plan::record::{Header, Record};
use serde_json::Value;

use super::Sized;
use crate::events::queue::{Entry, Item};

/// How much may be in memory alone before output is dropped: half of what there is room for, so
/// that what is not output never is.
const ALONE: u64 = 8 << 20;

/// What a record beyond the limit may say at most.
const SHORT: usize = 4 << 10;

/// Why lines are missing.
const QUEUE_FULL: (&str, &str) = ("queue-full", "the queue was full");
const JOURNAL_FULL: (&str, &str) = ("journal-full", "the journal was full");

/// Numbered records and their lines.
#[derive(Debug, Default)]
pub(super) struct Records {
    pub(super) lines: Vec<u8>,
    pub(super) records: Vec<Sized>,
}

/// Numbers events.
#[derive(Debug)]
pub(super) struct Recorder {
    /// Of this attempt, as if the journal had everything. What predecessors wrote does not count: an
    /// attempt behind a full one would have no output at all.
    size: u64,
    limit: u64,
    /// How many records there are.
    count: u64,
    /// Output that was left out since the last record that says so.
    missing: u64,
    /// Whether it was said that the journal is full.
    is_said: bool,
    dropped: u64,
}

impl Recorder {
    pub(super) fn new(limit: u64) -> Self {
        Self {
            size: 0,
            limit,
            count: 0,
            missing: 0,
            is_said: false,
            dropped: 0,
        }
    }

    /// Records of this attempt.
    pub(super) fn emitted(&self) -> u64 {
        self.count
    }

    /// Output that was left out because the journal is full.
    pub(super) fn dropped(&self) -> u64 {
        self.dropped
    }

    /// Returns the records of entries, while so many bytes are in memory alone.
    pub(super) fn records(&mut self, header: &Header, entries: Vec<Entry>, alone: u64) -> Records {
        let mut records = Records::default();
        for Entry { time, item } in entries {
            let mut event = event(item);
            let is_over = self.size >= self.limit;
            if event.kind.is_output() && (is_over || alone >= ALONE) {
                self.missing += 1;
                self.dropped += 1;
                continue;
            }
            // Once when it begins, and the rest at the end: a record for every other line that is
            // left out would fill what there is no room in. The outcome is the run's last word but
            // one, so the rest comes before it.
            if self.missing > 0
                && (!self.is_said || !is_over || event.kind == EventKind::RunOutcome)
            {
                self.say_missing(header, time, &mut records);
            }
            if is_over {
                shorten(&mut event);
            }
            self.number(header, time, event, &mut records);
        }
        records
    }

    /// Returns what is to be said when nothing follows.
    pub(super) fn rest(&mut self, header: &Header) -> Records {
        let mut records = Records::default();
        if self.missing > 0 {
            self.say_missing(header, SystemTime::now(), &mut records);
        }
        records
    }

    fn say_missing(&mut self, header: &Header, time: SystemTime, records: &mut Records) {
        let event = gap(std::mem::take(&mut self.missing), JOURNAL_FULL);
        self.is_said = true;
        self.number(header, time, event, records);
    }

    fn number(&mut self, header: &Header, time: SystemTime, event: Event, records: &mut Records) {
        self.count += 1;
        let time = humantime::format_rfc3339_millis(time).to_string();
        let record = header.record(self.count, time, event);
        let before = records.lines.len();
        line(&record, &mut records.lines);
        let length = (records.lines.len() - before) as u64;
        self.size += length;
        records.records.push((record, length));
    }
}

/// Appends a record as a line; always the same for the same record.
pub(super) fn line(record: &Record, lines: &mut Vec<u8>) {
    serde_json::to_writer(&mut *lines, record).expect("a record has only string keys");
    lines.push(b'\n');
}

fn event(item: Item) -> Event {
    match item {
        Item::Event(event) => *event,
        Item::Gap(count) => gap(count, QUEUE_FULL),
        Item::Line(line) => {
            let event = Event::new(EventKind::Log, Role::System, line.text);
            let event = event.with("stream", line.stream);
            event.with("part", line.part.then_some(true))
        }
    }
}

fn gap(count: u64, (reason, words): (&str, &str)) -> Event {
    let lines = if count == 1 {
        "line of output was"
    } else {
        "lines of output were"
    };
    let content = format!("{count} {lines} dropped: {words}");
    Event::new(EventKind::Status, Role::System, content)
        .with("dropped", count)
        .with("reason", reason)
}

/// Cuts what an event says, wherever it says it.
fn shorten(event: &mut Event) {
    let mut is_cut = cut(&mut event.content);
    for value in event.attrs.values_mut() {
        is_cut |= cut_value(value);
    }
    if is_cut {
        event
            .attrs
            .insert("truncated".to_owned(), Value::Bool(true));
    }
}

fn cut_value(value: &mut Value) -> bool {
    match value {
        Value::String(text) => cut(text),
        Value::Array(values) => values
            .iter_mut()
            .fold(false, |is_cut, value| cut_value(value) | is_cut),
        Value::Object(map) => map
            .values_mut()
            .fold(false, |is_cut, value| cut_value(value) | is_cut),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

fn cut(text: &mut String) -> bool {
    let is_long = text.len() > SHORT;
    if is_long {
        text.truncate(text.floor_char_boundary(SHORT));
    }
    is_long
}
