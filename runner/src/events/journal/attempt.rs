//! Which attempt this is, and what the ids of its records begin with.
//!
//! Readers take a second record with the same id for the same record and forget it (contract §8.5).
//! So no two attempts may have a stem in common, whoever made them and whatever became of their
//! journals. The number alone is no protection: an attempt whose journal is gone, or a second pod of
//! the same run, begins with 1 again, and two containers may be told the same number.

use std::hash::{BuildHasher, RandomState};
use std::time::SystemTime;

use agent_plan::record::{Header, Speaker, VERSION};

/// What the uid of a run without one begins with.
const LOCAL: &str = "local-";

/// The longest stem: with its number an id fits into a header and into any index.
const LONGEST: usize = 200;

/// What a number may be at most: there is one behind it, so that a successor can always be told from
/// its predecessor. A header that says more is not ours.
pub(super) const MOST: u32 = u32::MAX - 1;

/// Digits of a stem that nobody had before: one in four thousand million that two attempts with the
/// same number, of the same run, have them in common.
const RANDOM: usize = 8;

/// What decides the attempt besides the journal.
#[derive(Debug, Clone)]
pub(in crate::events) struct Asked {
    /// Who speaks; has a uid.
    pub(in crate::events) speaker: Speaker,
    /// The attempt by the plan.
    pub(in crate::events) attempt: u32,
    /// Whether it was told.
    pub(in crate::events) is_told: bool,
}

/// Makes a uid up for a run that has none.
pub(in crate::events) fn made_up_uid() -> String {
    format!("{LOCAL}{}", random())
}

impl Asked {
    /// Whether a header is of the same run.
    pub(super) fn is_same_run(&self, header: &Header) -> bool {
        let uid = &self.speaker.run_uid;
        *uid == header.speaker.run_uid && !uid.is_empty() && !uid.starts_with(LOCAL)
    }

    /// Returns the header of this attempt; `earlier` are all that are in the journal.
    pub(super) fn header<'a>(&self, earlier: impl Iterator<Item = &'a Header>) -> Header {
        let of_this_run = earlier.filter(|header| self.is_same_run(header));
        let mut last = None;
        let mut is_taken = false;
        for header in of_this_run {
            last = last.max(Some(header.attempt));
            is_taken |= header.attempt == self.attempt;
        }
        let next = last.map_or(0, |last| last.saturating_add(1));
        let attempt = match self.is_told {
            true if is_taken => next,
            true => self.attempt,
            false => self.attempt.max(next),
        };
        let attempt = attempt.min(MOST);
        Header {
            journal: VERSION,
            attempt,
            stem: self.stem(attempt),
            speaker: self.speaker.clone(),
        }
    }

    /// Returns what no attempt had before, of bounded length; what makes it unique is at its end.
    fn stem(&self, attempt: u32) -> String {
        let random = random();
        let end = format!("-{attempt}-{}", &random[..RANDOM]);
        let mut stem: String = self.speaker.run_uid.chars().map(plain).collect();
        stem.truncate(LONGEST - end.len());
        stem + &end
    }
}

/// What ids may consist of wherever they go: headers, subjects, indexes.
fn plain(character: char) -> char {
    match character {
        'A'..='Z' | 'a'..='z' | '0'..='9' | '.' | '_' | '-' => character,
        _ => '-',
    }
}

/// Sixteen digits that nobody had before.
fn random() -> String {
    // The library's own generator takes a tenth of a second to be seeded, on the thread that starts
    // the agent. This one asks the kernel once, and the clock makes every call another.
    let random = RandomState::new().hash_one(SystemTime::now());
    format!("{random:016x}")
}
