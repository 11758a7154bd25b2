//! One stream of bytes, read after read.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use super::patterns::BEFORE;
use super::redactor::{Known, Target};
use pass::{Hit, Pass, Token};

mod pass;

/// Whether more bytes can follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// These are the last.
    Yes,
    /// What is at the end may be the start of a secret.
    No,
}

/// The state of redaction between two reads of one stream.
pub struct Stream {
    known: Arc<Known>,
    /// Whether tokens count, which are only known by their shape.
    tokens_count: bool,
    carry: Carry,
    counts: Vec<u64>,
    /// Kept for their memory; empty between reads.
    hits: Vec<Hit>,
    tokens: Vec<Token>,
}

/// What a read leaves to the next one.
#[derive(Clone, Copy)]
pub(super) struct Carry {
    /// Unconsumed bytes, from the first, that a marker already stands for.
    hidden: usize,
    /// The token that the first unconsumed bytes belong to. It started earlier.
    token: Option<Token>,
    /// The last bytes that were consumed.
    before: [u8; BEFORE],
}

impl Carry {
    // A space: a token may start at the start.
    const START: Self = Self {
        hidden: 0,
        token: None,
        before: [b' '; BEFORE],
    };
}

impl Stream {
    pub(super) fn new(known: Arc<Known>) -> Self {
        Self {
            known,
            tokens_count: true,
            carry: Carry::START,
            counts: Vec::new(),
            hits: Vec::new(),
            tokens: Vec::new(),
        }
    }

    /// Knows exact secrets only, wherever they stand: in what is no text, anything may have the shape
    /// of a token, and hide a secret behind its name.
    #[must_use]
    pub fn exact(mut self) -> Self {
        self.tokens_count = false;
        self
    }

    /// Replaces secrets in `data`, which begins with what the previous call did not consume.
    ///
    /// Gives clean bytes (parts of `data`, not copied) and markers to `emit`, in order. Returns how
    /// many bytes of `data` are done with: the caller keeps the rest and reads on behind it. The
    /// rest is never longer than [`Redactor::hold_max`](super::Redactor::hold_max). With
    /// [`End::Yes`] there is none, and the stream is ready for another text.
    ///
    /// However the text is cut into calls, the emitted bytes are the same.
    pub fn scan(&mut self, data: &[u8], end: End, emit: &mut dyn FnMut(&[u8])) -> usize {
        let known = Arc::clone(&self.known);
        let Some(search) = &known.search else {
            if !data.is_empty() {
                emit(data);
            }
            return data.len();
        };
        let mut pass = Pass {
            data,
            end,
            targets: &known.targets,
            before: &self.carry.before,
            hits: &mut self.hits,
            tokens: &mut self.tokens,
            settled: 0,
            consumed: data.len(),
            run_end: 0,
        };
        if let Some(token) = self.carry.token {
            pass.resume(token);
        }
        let counts = |pattern: usize| {
            self.tokens_count || matches!(known.targets[pattern], Target::Exact { .. })
        };
        let glance = known.glance.as_ref().filter(|_| !self.tokens_count);
        let held = match glance.and_then(|glance| glance.clears(data)) {
            Some(held) => held,
            None => search.matches(data, |pattern, start, end| {
                if counts(pattern) {
                    pass.found(pattern, start, end);
                }
            }),
        };
        let consumed = match end {
            End::Yes => data.len(),
            End::No => pass.consumed.min(data.len() - held),
        };
        // Nothing is consumed: the next call starts where this one did, with more bytes.
        if consumed > 0 || end == End::Yes {
            let done = self.replace(&data[..consumed], emit);
            self.carry_over(data, consumed, done, end);
        }
        self.hits.clear();
        self.tokens.clear();
        consumed
    }

    /// How often each name was put in the place of a secret.
    pub fn replaced(&self) -> BTreeMap<String, u64> {
        self.known
            .names
            .iter()
            .zip(&self.counts)
            .filter(|&(_, &count)| count > 0)
            .map(|(name, &count)| (name.name.clone(), count))
            .collect()
    }

    /// Emits `data` with a marker for each span; returns where the last span ends, or its own end.
    fn replace(&mut self, data: &[u8], emit: &mut dyn FnMut(&[u8])) -> usize {
        self.hits.sort_unstable_by_key(Hit::precedence);
        // Everything before is emitted, or stands behind a marker.
        let mut done = self
            .carry
            .hidden
            .max(self.tokens.first().map_or(0, Token::carried_end));
        for hit in &self.hits {
            if hit.start >= data.len() {
                break;
            }
            if hit.start < done {
                done = done.max(hit.end);
                continue;
            }
            if hit.start > done {
                emit(&data[done..hit.start]);
            }
            emit(&self.known.names[hit.name].marker);
            if self.counts.is_empty() {
                self.counts = vec![0; self.known.names.len()];
            }
            self.counts[hit.name] += 1;
            done = hit.end;
        }
        if let Some(clean) = data.get(done..)
            && !clean.is_empty()
        {
            emit(clean);
        }
        done.max(data.len())
    }

    fn carry_over(&mut self, data: &[u8], consumed: usize, done: usize, end: End) {
        if end == End::Yes {
            self.carry = Carry::START;
            return;
        }
        self.carry.hidden = done - consumed;
        self.carry.token = self
            .tokens
            .iter()
            .rfind(|token| token.start.is_none_or(|start| start < consumed))
            .and_then(|token| token.after(consumed));
        self.carry.before = pass::window(&self.carry.before, &data[..consumed]);
    }
}

impl fmt::Debug for Stream {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Stream")
            .field("hidden", &self.carry.hidden)
            .field("replaced", &self.counts.iter().sum::<u64>())
            .finish_non_exhaustive()
    }
}
