//! What a predecessor left in a journal.

use std::fs::File;
use std::io;
use std::sync::Arc;

use agent_plan::record::{Header, Line};

use crate::events::backlog::{Lines, Position, mark, of_ours};

/// More attempts than any run has; they are kept in memory.
const MOST_HEADERS: usize = 100_000;

/// What was found.
#[derive(Debug, Default)]
pub(super) struct Recovered {
    /// Every header and where it ends.
    pub(super) headers: Vec<(Position, Arc<Header>)>,
    /// Behind what is acknowledged.
    pub(super) start: u64,
    /// Behind the last record; `start` if there is none behind it.
    pub(super) last: u64,
    /// Behind the last line that is whole; the rest was torn by a crash.
    pub(super) length: u64,
    /// Records behind `start`, by where they end.
    pub(super) marks: Vec<(Position, u64)>,
    /// Records behind `start`.
    pub(super) left_over: u64,
    /// Lines behind `start` that are no line of a journal.
    pub(super) skipped: u64,
}

/// Reads a journal of which `acked` bytes are acknowledged.
pub(super) fn recover(file: &File, acked: u64) -> io::Result<Recovered> {
    let size = file.metadata()?.len();
    // A position that is not between two lines is not of this file.
    match scan(file, size, acked)? {
        Some(found) => Ok(found),
        None => Ok(scan(file, size, 0)?.unwrap_or_default()),
    }
}

/// Reads a journal; `None` if no line ends at `acked`.
fn scan(file: &File, size: u64, acked: u64) -> io::Result<Option<Recovered>> {
    let mut found = Recovered {
        start: acked,
        last: acked,
        ..Recovered::default()
    };
    let mut lines = Lines::new(file, 0, size);
    let mut end = 0;
    let mut is_between = acked == 0;
    while let Some((line, length)) = lines.next()? {
        end += length;
        is_between |= end == acked;
        // Records that nobody will read are not taken apart: a journal may be long.
        let is_wanted = end > acked || line.starts_with(b"{\"journal\":");
        let header = found.headers.last().map(|(_, header)| &**header);
        match is_wanted.then(|| of_ours(line, header)).flatten() {
            Some(Line::Header(header)) => {
                if found.headers.len() == MOST_HEADERS {
                    let kind = io::ErrorKind::InvalidData;
                    return Err(io::Error::new(kind, "it has too many headers"));
                }
                found.headers.push((Position(end), Arc::new(header)));
            }
            Some(Line::Record(_)) => {
                found.left_over += 1;
                found.last = end;
                let beginning = Position(acked);
                mark(&mut found.marks, beginning, Position(end), found.left_over);
            }
            _ if end <= acked => {}
            _ => {
                found.skipped += 1;
                if !is_whole(line) {
                    continue;
                }
            }
        }
        found.length = end;
    }
    // What is behind the acknowledged position and not whole may be all of it.
    found.length = found.length.max(acked.min(end));
    Ok(is_between.then_some(found))
}

/// Whether a line that we do not know was written by somebody who knew what they did, such as a
/// later version of ours; a crash leaves pieces and NULs.
fn is_whole(line: &[u8]) -> bool {
    line.starts_with(b"{") && line.ends_with(b"}") && !line.contains(&0)
}
