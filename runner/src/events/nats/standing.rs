//! What the sink knows of itself, for whoever asks or waits on another thread.

use std::sync::Arc;

use agent_plan::status::EventsMode;
use tokio::sync::watch;

use super::State;
use crate::events::backlog::Position;

/// How many problems are remembered as said: each is a line of the log once, and a server that
/// makes up new ones must not fill it.
const SAID: usize = 32;

/// Whether what is published is stored.
#[derive(Debug, Default)]
enum Stored {
    /// Nobody knows; there is no connection, or it has not been asked.
    #[default]
    Unknown,
    /// A stream takes it.
    Yes,
    /// None does, in words.
    No(String),
}

#[derive(Debug, Default)]
struct Known {
    mode: EventsMode,
    acknowledged: u64,
    unconfirmed: u64,
    delivered: Position,
    /// What keeps it from publishing.
    problem: Option<String>,
    /// What was given up, and never will be published: the first reason.
    given_up: Option<String>,
    stored: Stored,
    drained: bool,
    said: Vec<String>,
    /// Server and mode as they were said last, unless there was a problem since.
    announced: Option<(String, EventsMode)>,
}

impl Known {
    /// Returns what there is to say: what is in the way at the moment, or what is missing for good.
    fn problem(&self) -> Option<&str> {
        let unstored = match &self.stored {
            Stored::No(why) => Some(why),
            Stored::Unknown | Stored::Yes => None,
        };
        let problems = [self.problem.as_ref(), self.given_up.as_ref(), unstored];
        problems.into_iter().flatten().next().map(String::as_str)
    }
}

/// What the sink knows of itself. Clones share it.
#[derive(Debug, Clone)]
pub(super) struct Standing(Arc<watch::Sender<Known>>);

impl Standing {
    /// Begins without a server.
    pub(super) fn new() -> Self {
        Self(Arc::new(watch::Sender::new(Known {
            mode: EventsMode::Unreachable,
            ..Known::default()
        })))
    }

    /// Says what is known; `pending` counts what is behind a position.
    pub(super) fn state(&self, pending: impl FnOnce(Position) -> u64) -> State {
        let known = self.0.borrow();
        let mut state = State {
            mode: known.mode,
            acknowledged: known.acknowledged,
            unconfirmed: known.unconfirmed,
            pending: 0,
            problem: known.problem().map(str::to_owned),
        };
        let delivered = known.delivered;
        drop(known);
        state.pending = pending(delivered);
        state
    }

    /// Waits until a stream stores what is published. Cancel safe.
    pub(super) async fn stored(&self) -> Result<(), String> {
        let mut watched = self.0.subscribe();
        let known = watched
            .wait_for(|known| !matches!(known.stored, Stored::Unknown))
            .await;
        match known.as_deref() {
            Ok(Known {
                stored: Stored::No(why),
                ..
            }) => Err(why.clone()),
            _ => Ok(()),
        }
    }

    /// Waits until everything is delivered. Cancel safe.
    pub(super) async fn drained(&self) {
        // Cannot fail: the other end is `self`.
        drop(self.0.subscribe().wait_for(|known| known.drained).await);
    }

    /// Notes where delivery begins.
    pub(super) fn begin(&self, at: Position) {
        self.quietly(|known| known.delivered = at);
    }

    /// Notes how a connection publishes, and says so if that is news.
    ///
    /// `Ok` of `stored` says whether a stream is known to take what is published, `Err` in words
    /// that none does.
    pub(super) fn publish(&self, server: &str, mode: EventsMode, stored: Result<bool, String>) {
        let news = (server.to_owned(), mode);
        let mut is_news = false;
        self.0.send_modify(|known| {
            is_news = known.announced.as_ref() != Some(&news);
            known.announced = Some(news);
            known.mode = mode;
            known.stored = match &stored {
                Ok(true) => Stored::Yes,
                Ok(false) => Stored::Unknown,
                Err(why) => Stored::No(why.clone()),
            };
        });
        match stored {
            Ok(_) if is_news => tracing::info!(server, "Events go to a stream."),
            Err(reason) if is_news => {
                tracing::warn!(
                    server,
                    reason,
                    "Events are published, and nothing stores them."
                );
            }
            _ => {}
        }
    }

    /// Notes what is delivered: everything up to `through`, so many events of it with an
    /// acknowledgement and so many without.
    pub(super) fn deliver(&self, through: Position, acknowledged: u64, unconfirmed: u64) {
        self.0.send_if_modified(|known| {
            known.delivered = through;
            known.acknowledged += acknowledged;
            known.unconfirmed += unconfirmed;
            known.problem = None;
            let unknown = matches!(known.stored, Stored::Unknown);
            if acknowledged > 0 && unknown {
                known.stored = Stored::Yes;
            }
            acknowledged > 0 && unknown
        });
    }

    /// Notes that something never will be stored, and why; the first reason is said, and stays.
    pub(super) fn give_up(&self, problem: &str) {
        let mut is_news = false;
        self.0.send_if_modified(|known| {
            is_news = known.given_up.is_none();
            if is_news {
                known.given_up = Some(problem.to_owned());
            }
            false
        });
        if is_news {
            tracing::warn!(problem, "Some events are not stored.");
        }
    }

    /// Notes that everything is delivered.
    pub(super) fn drain(&self) {
        self.0.send_modify(|known| known.drained = true);
    }

    /// Notes that a connection ended, and why; says so if that was not said before.
    pub(super) fn lose(&self, problem: &str) {
        let mut is_news = false;
        self.0.send_modify(|known| {
            known.problem = Some(problem.to_owned());
            // That no stream takes the subject stays true until a server says otherwise.
            if matches!(known.stored, Stored::Yes) {
                known.stored = Stored::Unknown;
            }
            is_news = known.said.len() < SAID && !known.said.iter().any(|said| said == problem);
            if is_news {
                known.said.push(problem.to_owned());
                known.announced = None;
            }
        });
        if is_news {
            tracing::warn!(problem, "Events cannot be published; trying again.");
        } else {
            tracing::debug!(problem, "Events cannot be published; trying again.");
        }
    }

    fn quietly(&self, change: impl FnOnce(&mut Known)) {
        self.0.send_if_modified(|known| {
            change(known);
            false
        });
    }
}
