//! A journal that is published again: the same sink, over a backlog that gets no further records.

use std::fmt;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::sync::Arc;
use std::time::Duration;

use agent_plan::message::Wire;
use agent_plan::plan::NatsPlan;
use agent_plan::record::Line;
use tokio::runtime::Builder;
use tokio::time::timeout;

use super::END;
use super::backlog::{Backlog, Found, Position, mark};
use super::nats::Sink;

/// What is to be published again: a copy of the lines that count, in a file without a name.
#[derive(Debug)]
pub(crate) struct Again {
    file: BufWriter<File>,
    found: Found,
}

/// What became of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Republished {
    /// Events that the server has stored, or had.
    pub acknowledged: u64,
    /// Events that were published where nothing stores them.
    pub unconfirmed: u64,
    /// Events that were not published.
    pub pending: u64,
    /// What kept it, without secrets.
    pub problem: Option<String>,
}

impl Republished {
    /// Whether the server has all of it.
    pub fn is_complete(&self) -> bool {
        self.unconfirmed == 0 && self.pending == 0
    }
}

impl fmt::Display for Republished {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} acknowledged", self.acknowledged)?;
        if self.unconfirmed > 0 {
            let unconfirmed = self.unconfirmed;
            write!(out, ", {unconfirmed} published where nothing stores them")?;
        }
        if self.pending > 0 {
            write!(out, ", {} not published", self.pending)?;
        }
        match &self.problem {
            Some(problem) => write!(out, ": {problem}"),
            None => Ok(()),
        }
    }
}

impl Again {
    /// Begins with nothing.
    ///
    /// # Errors
    ///
    /// Fails if no file can be made.
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Self {
            file: BufWriter::new(tempfile::tempfile()?),
            found: Found {
                file: None,
                headers: Vec::new(),
                start: Position::default(),
                last: Position::default(),
                length: 0,
                marks: Vec::new(),
                left_over: 0,
            },
        })
    }

    /// Adds a line; a record belongs to the header before it.
    ///
    /// # Errors
    ///
    /// Fails if the disk does not take it.
    pub(crate) fn add(&mut self, line: Line) -> io::Result<()> {
        let mut text = match &line {
            Line::Header(header) => serde_json::to_vec(header)?,
            Line::Record(record) => serde_json::to_vec(record)?,
        };
        text.push(b'\n');
        self.file.write_all(&text)?;
        let found = &mut self.found;
        found.length += text.len() as u64;
        let end = Position(found.length);
        match line {
            Line::Header(header) => found.headers.push((end, Arc::new(header))),
            Line::Record(_) => {
                found.left_over += 1;
                found.last = end;
                mark(&mut found.marks, found.start, end, found.left_over);
            }
        }
        Ok(())
    }

    /// Publishes it, and returns when everything is delivered or the time is over. Blocks.
    ///
    /// # Errors
    ///
    /// Fails if the disk or the system does not take part; what the server does not take is in the
    /// result.
    pub(crate) fn publish(
        self,
        plan: NatsPlan,
        wire: Wire,
        patience: Duration,
    ) -> io::Result<Republished> {
        let Self { file, mut found } = self;
        let file = file.into_inner().map_err(io::IntoInnerError::into_error)?;
        found.file = Some(Arc::new(file));
        let backlog = Backlog::default();
        backlog.open(found);
        backlog.close();
        let runtime = Builder::new_current_thread().enable_time().build()?;
        let sink = Sink::start(plan, wire, backlog)?;
        let in_time = runtime.block_on(async { timeout(patience, sink.drained()).await.is_ok() });
        let state = sink.state();
        sink.stop(END);
        Ok(Republished {
            acknowledged: state.acknowledged,
            unconfirmed: state.unconfirmed,
            pending: state.pending,
            problem: state.problem.filter(|_| !in_time),
        })
    }
}
