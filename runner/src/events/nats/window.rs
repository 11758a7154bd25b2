//! What is sent and not yet acknowledged, in order.

use std::collections::VecDeque;

use async_nats::Subject;
use tokio::time::Instant;

use crate::events::backlog::Position;

/// Messages in flight: measured to be enough, four times as many are no faster.
const MESSAGES: usize = 256;

/// Bytes in flight: what a server whose clients may have 64 MiB pending does not mind, and what a
/// run can spare when each message is as long as a server takes.
const BYTES: usize = 4 * 1024 * 1024;

/// The end of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct End {
    /// Behind it.
    pub(super) at: Position,
    /// Whether a stream is to store it.
    pub(super) stored: bool,
}

/// A message that is sent.
#[derive(Debug)]
pub(super) struct Flight {
    /// Where.
    pub(super) subject: Subject,
    /// Of its payload.
    pub(super) bytes: usize,
    /// When.
    pub(super) sent: Instant,
    /// Whether it is acknowledged, or never will be.
    pub(super) done: bool,
    /// Of its record, if it is the record's last.
    pub(super) end: Option<End>,
}

/// What is delivered since it was asked last.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Delivered {
    /// Everything before it.
    pub(super) through: Option<Position>,
    /// Records that are acknowledged.
    pub(super) acknowledged: u64,
    /// Records that nothing stores.
    pub(super) unconfirmed: u64,
}

/// How many messages may be in flight: fewer after a connection was lost with some, so that a server
/// or a link that cannot take so many at once gets what it can take, and more with every one that is
/// acknowledged.
#[derive(Debug)]
pub(super) struct Width(usize);

impl Default for Width {
    fn default() -> Self {
        Self(MESSAGES)
    }
}

impl Width {
    /// Notes that a connection was lost.
    pub(super) fn halve(&mut self) {
        self.0 = (self.0 / 2).max(1);
    }

    fn grow(&mut self, by: usize) {
        self.0 = (self.0 + by).min(MESSAGES);
    }
}

/// What is sent and not yet acknowledged, in order.
#[derive(Debug, Default)]
pub(super) struct Window {
    flights: VecDeque<Flight>,
    /// The number of the first.
    first: u64,
    bytes: usize,
}

impl Window {
    /// Says whether another message may be sent. One always may, however long.
    pub(super) fn has_room(&self, width: &Width) -> bool {
        self.flights.len() < width.0 && self.bytes < BYTES
    }

    /// Says whether everything is acknowledged.
    pub(super) fn is_empty(&self) -> bool {
        self.flights.is_empty()
    }

    /// Returns the number that the next message will have.
    pub(super) fn next(&self) -> u64 {
        self.first + self.flights.len() as u64
    }

    /// Notes that a message is sent.
    pub(super) fn push(&mut self, flight: Flight) {
        self.bytes += flight.bytes;
        self.flights.push_back(flight);
    }

    /// Returns a message that is not yet acknowledged; `None` if there is none of that number any
    /// more, as when two streams acknowledge the same.
    pub(super) fn get(&self, number: u64) -> Option<&Flight> {
        let index = usize::try_from(number.checked_sub(self.first)?).ok()?;
        self.flights.get(index).filter(|flight| !flight.done)
    }

    /// Notes that a message is acknowledged.
    pub(super) fn settle(&mut self, number: u64) {
        let index = number
            .checked_sub(self.first)
            .and_then(|index| usize::try_from(index).ok());
        if let Some(flight) = index.and_then(|index| self.flights.get_mut(index)) {
            flight.done = true;
        }
    }

    /// Forgets what is acknowledged, as far as everything before it is, and says what that was.
    pub(super) fn advance(&mut self, width: &mut Width) -> Delivered {
        let mut delivered = Delivered::default();
        while let Some(flight) = self.flights.pop_front_if(|flight| flight.done) {
            self.first += 1;
            width.grow(1);
            self.bytes -= flight.bytes;
            if let Some(end) = flight.end {
                delivered.through = Some(end.at);
                delivered.acknowledged += u64::from(end.stored);
                delivered.unconfirmed += u64::from(!end.stored);
            }
        }
        delivered
    }

    /// Notes that a message never will be acknowledged, so that nothing of its record counts as
    /// stored.
    pub(super) fn give_up(&mut self, number: u64) {
        self.settle(number);
        let before = number.saturating_sub(self.first);
        let before = usize::try_from(before).unwrap_or(usize::MAX);
        let mut rest = self.flights.iter_mut().skip(before);
        if let Some(end) = rest.find_map(|flight| flight.end.as_mut()) {
            end.stored = false;
        }
    }

    /// Returns the first message that is not acknowledged.
    pub(super) fn oldest(&self) -> Option<&Flight> {
        self.flights.iter().find(|flight| !flight.done)
    }
}

#[cfg(test)]
mod tests;
