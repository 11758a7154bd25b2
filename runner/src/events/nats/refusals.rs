//! What is refused to an account that may not ask for streams: what nobody answers for, and what
//! the server forbids.
//!
//! Such an account learns that no stream takes a subject only by publishing on it, and a cluster
//! that elects a leader looks the same for a while. So a subject is believed to be nobody's when it
//! was refused more than once over a time in which something else was stored, or in which any
//! leader would have been elected.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use async_nats::Subject;
use tokio::time::Instant;

/// Subjects that are remembered as refused; a run has one per kind and one for each general copy,
/// and there are 18 kinds.
const SUBJECTS: usize = 64;

/// Over which time, if something else was stored meanwhile or the server has no JetStream of its
/// own: what a question has where it may be asked, three tries with a second between.
const SURE: Duration = Duration::from_secs(2);

/// Over which time otherwise: twice what a cluster takes that lost the leader and a server.
const UNSURE: Duration = Duration::from_secs(15);

/// What is refused on each subject.
#[derive(Debug, Default)]
pub(super) struct Refusals {
    unanswered: HashMap<String, Unanswered>,
    forbidden: HashSet<String>,
    /// How often anything was acknowledged.
    acknowledged: u64,
    /// The number of this connection.
    connection: u64,
    /// Whether a record of the run was.
    is_run_heard: bool,
}

#[derive(Debug)]
struct Unanswered {
    /// The connection on which it was refused last, and when. What it was refused on one connection
    /// counts once: a leader that is missing refuses all that is in flight.
    connection: u64,
    last: Instant,
    first: Instant,
    /// Since when something else was acknowledged between any two refusals.
    beside: Instant,
    /// How often anything had been acknowledged when it was refused last.
    acknowledged: u64,
}

impl Refusals {
    /// Notes that there is another connection.
    pub(super) fn begin(&mut self) {
        self.connection += 1;
    }

    /// Notes that a message is acknowledged.
    pub(super) fn acknowledge(&mut self) {
        self.acknowledged += 1;
    }

    /// Notes that a record is delivered with all that is stored of it.
    pub(super) fn hear(&mut self) {
        self.is_run_heard = true;
    }

    /// Notes that nobody answered for a subject.
    pub(super) fn add(&mut self, subject: &str) {
        let now = Instant::now();
        if let Some(known) = self.unanswered.get_mut(subject) {
            if known.connection == self.connection {
                return;
            }
            if known.acknowledged == self.acknowledged {
                known.beside = now;
            }
            known.connection = self.connection;
            known.acknowledged = self.acknowledged;
            known.last = now;
        } else if self.unanswered.len() < SUBJECTS {
            let first = Unanswered {
                connection: self.connection,
                last: now,
                first: now,
                beside: now,
                acknowledged: self.acknowledged,
            };
            self.unanswered.insert(subject.to_owned(), first);
        }
    }

    /// Says whether nobody takes a subject, as far as can be told. `has_jetstream` says that the
    /// server has some itself; if not, one behind it may.
    pub(super) fn is_nobodys(&self, subject: &str, has_jetstream: bool) -> bool {
        let known = self.unanswered.get(subject);
        known.is_some_and(|known| {
            let enough = if has_jetstream { UNSURE } else { SURE };
            known.last - known.beside >= SURE || known.last - known.first >= enough
        })
    }

    /// Returns the subjects that nobody takes, as far as can be told.
    pub(super) fn nobodys(&self, has_jetstream: bool) -> Vec<Subject> {
        let subjects = self.unanswered.keys();
        subjects
            .filter(|subject| self.is_nobodys(subject, has_jetstream))
            .map(|subject| Subject::from(subject.as_str()))
            .collect()
    }

    /// Forgets what is known of a subject that nobody answered for.
    pub(super) fn forget(&mut self, subject: &str) {
        self.unanswered.remove(subject);
    }

    /// Notes that the server forbids to publish on a subject; says whether that is news.
    pub(super) fn forbid(&mut self, subject: String) -> bool {
        self.forbidden.len() < SUBJECTS && self.forbidden.insert(subject)
    }

    /// Says whether a message is left out because the server forbids it: a copy always, the run's own
    /// only if the server lets others of the run be stored, because who may store nothing at all has
    /// everything pending.
    pub(super) fn is_left_out(&self, subject: &str, is_copy: bool) -> bool {
        (is_copy || self.is_run_heard) && self.forbidden.contains(subject)
    }
}
