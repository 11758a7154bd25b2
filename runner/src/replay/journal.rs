//! Reading a journal from wherever it is.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::PathBuf;

use agent_plan::record::{Header, Line};

use super::{ReplayError, Replayed, Request};

/// No line of a journal is longer: what one line says is bounded where it is heard.
const LONGEST: u64 = 64 << 20;

/// A journal that is being read.
pub(super) struct Journal {
    path: PathBuf,
    attempt: Option<u32>,
    from: u64,
    reader: BufReader<Box<dyn Read>>,
    line: Vec<u8>,
    header: Option<Header>,
    lines: u64,
    /// Records after a header, asked for or not.
    records: u64,
    replayed: Replayed,
}

impl Journal {
    pub(super) fn open(request: &Request) -> Result<Self, ReplayError> {
        let reader: Box<dyn Read> = if request.path.as_os_str() == "-" {
            Box::new(io::stdin())
        } else {
            let file = File::open(&request.path).map_err(|source| ReplayError::Read {
                path: request.path.clone(),
                source,
            })?;
            Box::new(file)
        };
        Ok(Self {
            path: request.path.clone(),
            attempt: request.attempt,
            from: request.from.unwrap_or(0),
            reader: BufReader::new(reader),
            line: Vec::new(),
            header: None,
            lines: 0,
            records: 0,
            replayed: Replayed::default(),
        })
    }

    /// Returns the next line that was asked for, with the header that it belongs to or is.
    pub(super) fn next(&mut self) -> Result<Option<(&Header, Line)>, ReplayError> {
        let line = loop {
            if !self.read_line()? {
                return Ok(None);
            }
            let wanted = |header: &Header| self.attempt.is_none_or(|it| it == header.attempt);
            match (Line::parse(&self.line), &self.header) {
                (Some(Line::Header(header)), _) => {
                    let is_wanted = wanted(&header);
                    self.header = Some(header.clone());
                    if is_wanted {
                        break Line::Header(header);
                    }
                }
                (Some(Line::Record(record)), Some(header)) => {
                    self.records += 1;
                    if wanted(header) && record.seq >= self.from {
                        self.replayed.events += 1;
                        break Line::Record(record);
                    }
                }
                _ => self.replayed.damaged += 1,
            }
        };
        Ok(self.header.as_ref().map(|header| (header, line)))
    }

    /// Says what was read, and whether that was a journal.
    pub(super) fn end(self) -> Result<Replayed, ReplayError> {
        let Self { path, lines, .. } = self;
        if lines == 0 {
            return Err(ReplayError::Empty { path });
        }
        if self.header.is_none() {
            return Err(ReplayError::NotAJournal { path, lines });
        }
        Ok(self.replayed)
    }

    /// Reads a line without its newline, which the last may not have; one that is too long is
    /// empty. `false` at the end.
    fn read_line(&mut self) -> Result<bool, ReplayError> {
        self.line.clear();
        let failed = |source| ReplayError::Read {
            path: self.path.clone(),
            source,
        };
        let mut part = (&mut self.reader).take(LONGEST);
        if part.read_until(b'\n', &mut self.line).map_err(failed)? == 0 {
            return Ok(false);
        }
        self.lines += 1;
        if self.line.pop_if(|byte| *byte == b'\n').is_some() || self.line.len() as u64 != LONGEST {
            return Ok(true);
        }
        self.line.clear();
        self.reader.skip_until(b'\n').map_err(failed)?;
        Ok(true)
    }
}
