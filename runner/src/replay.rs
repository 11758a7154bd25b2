//! A journal again: for people, as it would be published, or published (design §9).
//!
//! A journal that a run left is read line by line and never changed. What a crash tore, and what no
//! runner wrote, is passed over and counted.

mod journal;
mod text;

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use agent_plan::message::{Wire, messages};
use agent_plan::outcome::Outcome;
use agent_plan::plan::NatsPlan;
use agent_plan::record::Line;

pub use crate::events::Republished;

use crate::cli::Format;
use crate::events::Again;
use journal::Journal;

/// What a server takes unless it is told otherwise.
const MAX_PAYLOAD: usize = 1 << 20;

/// What to replay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The journal; `-` is stdin.
    pub path: PathBuf,
    /// How it is printed.
    pub format: Format,
    /// Whether it is published instead, and how long that may take.
    pub publish: Option<Duration>,
    /// Only this attempt.
    pub attempt: Option<u32>,
    /// Only from this number on, in every attempt.
    pub from: Option<u64>,
}

/// Why there is nothing to replay.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReplayError {
    /// The journal cannot be opened or read.
    #[error("the journal `{}` cannot be read", path.display())]
    Read {
        /// It.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// There is nothing in it.
    #[error("the journal `{}` is empty", path.display())]
    Empty {
        /// It.
        path: PathBuf,
    },
    /// No line of it is a journal's.
    #[error("`{}` is no journal: none of its {lines} lines is an event after a header", path.display())]
    NotAJournal {
        /// It.
        path: PathBuf,
        /// How many lines it has.
        lines: u64,
    },
    /// What was read cannot be passed on.
    #[error("the events cannot be passed on")]
    Pass(#[source] io::Error),
}

impl ReplayError {
    /// Returns what this means for the exit code.
    pub fn outcome(&self) -> Outcome {
        match self {
            Self::Read { .. } => Outcome::InputMissing,
            Self::Empty { .. } | Self::NotAJournal { .. } => Outcome::SpecInvalid,
            Self::Pass(_) => Outcome::Internal,
        }
    }
}

/// What was read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Replayed {
    /// Events that were asked for.
    pub events: u64,
    /// Lines that are damaged, or belong to no attempt.
    pub damaged: u64,
}

/// Renders a journal piece by piece; what is given to `print` is neither redacted nor harmless.
///
/// # Errors
///
/// Returns [`ReplayError`]; what was printed before stays.
pub fn render(
    request: &Request,
    wire: &Wire,
    mut print: impl FnMut(&str) -> io::Result<()>,
) -> Result<Replayed, ReplayError> {
    let mut journal = Journal::open(request)?;
    while let Some((header, line)) = journal.next()? {
        let Line::Record(record) = line else { continue };
        let text = match request.format {
            Format::Text => text::of(header, &record),
            Format::Json => messages(header, &record, wire, MAX_PAYLOAD)
                .iter()
                .map(|message| String::from_utf8_lossy(&message.payload).into_owned() + "\n")
                .collect(),
        };
        print(&text).map_err(ReplayError::Pass)?;
    }
    journal.end()
}

/// Publishes a journal with the ids that it was published with. Blocks, at most for `patience` after
/// the journal was read.
///
/// # Errors
///
/// Returns [`ReplayError`]; nothing was published then.
pub fn publish(
    request: &Request,
    nats: NatsPlan,
    wire: Wire,
    patience: Duration,
) -> Result<(Replayed, Republished), ReplayError> {
    let mut journal = Journal::open(request)?;
    let mut again = Again::new().map_err(ReplayError::Pass)?;
    while let Some((_, line)) = journal.next()? {
        again.add(line).map_err(ReplayError::Pass)?;
    }
    let replayed = journal.end()?;
    let published = again.publish(nats, wire, patience);
    Ok((replayed, published.map_err(ReplayError::Pass)?))
}
