//! Behind the redactor: who gets the bytes of one stream, in which form.

use std::io;
use std::os::fd::AsFd;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::recorder::{Batch, Recorder};
use super::{Activity, GATHER, Shared};
use crate::events::Tap;
use crate::outlet::Outlet;
use crate::process::log::{Log, Unit, Wait};
use crate::process::tail::Tail;

/// Where the bytes of one stream go.
#[derive(Debug)]
pub(in crate::process) struct Sinks {
    pub(in crate::process) log: Arc<Log>,
    pub(in crate::process) mirror: Mirror,
    /// `None`: the log gets the bytes as they are.
    pub(in crate::process) recorder: Option<Recorder>,
    /// Makes events of what is no event of the agent's own.
    pub(in crate::process) tap: Option<Tap>,
}

/// Our own stdout or stderr.
#[derive(Debug)]
pub(in crate::process) enum Mirror {
    To(Outlet),
    /// Nobody reads it, and every byte counts as lost.
    Gone,
    /// It shows something else.
    Unwanted,
}

impl Mirror {
    pub(in crate::process) fn to(outlet: io::Result<Outlet>) -> Self {
        outlet.map_or(Self::Gone, Self::To)
    }
}

/// Everything behind the redactor.
pub(super) struct Out {
    sinks: Sinks,
    gathered: Vec<u8>,
    tail: Tail,
    pub(super) shared: Arc<Shared>,
    activity: Arc<Activity>,
}

impl Out {
    pub(super) fn new(sinks: Sinks, shared: Arc<Shared>, activity: Arc<Activity>) -> Self {
        Self {
            sinks,
            gathered: Vec::new(),
            tail: Tail::default(),
            shared,
            activity,
        }
    }

    /// Takes a piece; short ones wait for [`Out::flush`].
    pub(super) fn put(&mut self, piece: &[u8]) {
        if piece.len() < GATHER {
            self.gathered.extend_from_slice(piece);
            return;
        }
        self.flush();
        self.deliver(piece);
    }

    pub(super) fn flush(&mut self) {
        if !self.gathered.is_empty() {
            let gathered = std::mem::take(&mut self.gathered);
            self.deliver(&gathered);
            self.gathered = gathered;
            self.gathered.clear();
        }
    }

    pub(super) fn end(&mut self) {
        if let Some(recorder) = &mut self.sinks.recorder {
            let batch = recorder.end();
            self.note(&batch);
        }
        if let Some(tap) = &mut self.sinks.tap {
            tap.end();
        }
    }

    /// The last line with something in it.
    pub(super) fn last_line(&self) -> Option<String> {
        self.tail.last_line()
    }

    fn deliver(&mut self, bytes: &[u8]) {
        if let Some(recorder) = &mut self.sinks.recorder {
            let batch = recorder.push(bytes);
            self.note(&batch);
        } else {
            self.log(bytes, Unit::Bytes);
        }
        self.mirror(bytes);
        if !matches!(self.sinks.mirror, Mirror::Unwanted) {
            self.tail.push(bytes);
            if let Some(tap) = &mut self.sinks.tap {
                tap.push(bytes);
            }
        }
        self.activity.deliver(bytes.len() as u64);
    }

    fn note(&mut self, batch: &Batch) {
        self.log(&batch.log, Unit::Lines);
        if matches!(self.sinks.mirror, Mirror::Unwanted) {
            // Events are no message for a person; what else was said may be.
            self.tail.push(&batch.text);
            if let Some(tap) = &mut self.sinks.tap {
                tap.push(&batch.text);
            }
        }
    }

    fn log(&self, bytes: &[u8], unit: Unit) {
        self.sinks.log.append(bytes, unit, &|log| {
            if self.shared.finishing() {
                return Wait::Over;
            }
            // It took something since the last time, or this is the first.
            self.activity.deliver(1);
            self.shared.await_room(log);
            Wait::Retry
        });
    }

    /// Writes to our own stdout or stderr; a reader that is gone is not asked again.
    fn mirror(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let outlet = match &self.sinks.mirror {
                Mirror::To(outlet) => outlet,
                Mirror::Unwanted => return,
                Mirror::Gone => {
                    let lost = &self.shared.mirror_lost;
                    lost.fetch_add(bytes.len() as u64, Ordering::Relaxed);
                    return;
                }
            };
            match outlet.write_some(bytes) {
                Ok(count) => {
                    bytes = &bytes[count..];
                    self.activity.deliver(1);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error)
                    if error.kind() == io::ErrorKind::WouldBlock && !self.shared.finishing() =>
                {
                    self.shared.await_room(outlet.as_fd());
                }
                Err(_) => self.sinks.mirror = Mirror::Gone,
            }
        }
    }
}
