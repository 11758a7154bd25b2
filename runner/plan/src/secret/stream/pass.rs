//! What one read finds, before it is known how much of it can be emitted.

use std::cmp::Reverse;

use super::End;
use crate::secret::patterns::{BEFORE, is_boundary};
use crate::secret::redactor::Target;
use crate::secret::tail::{Class, JWT_HEADER, Shape, Tail, Verdict};

/// Bytes to replace.
#[derive(Clone, Copy)]
pub(in crate::secret) struct Hit {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) name: usize,
    /// Length of the match that started it.
    length: usize,
    is_token: bool,
}

impl Hit {
    /// Order in which hits name the span they are in.
    pub(super) fn precedence(&self) -> (usize, bool, Reverse<usize>) {
        (self.start, self.is_token, Reverse(self.length))
    }
}

/// A token, as far as it was read.
#[derive(Clone, Copy)]
pub(in crate::secret) struct Token {
    /// `None` if it started before the data.
    pub(super) start: Option<usize>,
    end: usize,
    tail: Tail,
}

impl Token {
    /// The end of a token that started before the data; 0 of another.
    pub(super) fn carried_end(&self) -> usize {
        if self.start.is_none() { self.end } else { 0 }
    }

    /// The token as the next read sees it. `None` if nothing of it is left.
    pub(super) fn after(&self, consumed: usize) -> Option<Self> {
        let end = self.end.saturating_sub(consumed);
        let goes_on = end > 0 || self.tail.verdict() == Verdict::Token;
        goes_on.then_some(Self {
            start: None,
            end,
            tail: self.tail,
        })
    }
}

/// One look at the data.
pub(super) struct Pass<'p> {
    pub(super) data: &'p [u8],
    pub(super) end: End,
    pub(super) targets: &'p [Target],
    /// The bytes in front of the data.
    pub(super) before: &'p [u8; BEFORE],
    /// Filled in the order in which matches end.
    pub(super) hits: &'p mut Vec<Hit>,
    /// Filled in the order of their starts; they do not overlap.
    pub(super) tokens: &'p mut Vec<Token>,
    /// Where the last token ends: what starts before is part of it.
    pub(super) settled: usize,
    /// No more than this can be emitted.
    pub(super) consumed: usize,
    /// Where the last run of [`Class::Url`] ends that a JWT was looked for in.
    pub(super) run_end: usize,
}

impl Pass<'_> {
    /// Follows a token that started in an earlier read.
    pub(super) fn resume(&mut self, mut token: Token) {
        if token.tail.verdict() == Verdict::Token {
            token.end += token.tail.read(&self.data[token.end..]);
        }
        self.settle(token);
    }

    /// Takes note of a match of the search.
    pub(super) fn found(&mut self, pattern: usize, start: usize, end: usize) {
        match self.targets[pattern] {
            Target::Exact { name } => self.hit(name, start, end, false),
            Target::Token { name, shape } => {
                if start < self.settled || !is_boundary(&self.window(start)) {
                    return;
                }
                if matches!(shape, Shape::Jwt) && self.is_no_jwt_header(end) {
                    return;
                }
                let mut tail = Tail::new(shape);
                let end = end + tail.read(&self.data[end..]);
                if self.end == End::Yes && end == self.data.len() {
                    tail.stop();
                }
                match tail.verdict() {
                    Verdict::None => {}
                    Verdict::Open => {
                        self.consumed = self.consumed.min(start);
                        self.settled = usize::MAX;
                    }
                    Verdict::Token | Verdict::Over => {
                        self.hit(name, start, end, true);
                        self.settle(Token {
                            start: Some(start),
                            end,
                            tail,
                        });
                    }
                }
            }
        }
    }

    /// Whether what starts at `start` cannot be the header of a JWT.
    ///
    /// The tail would say the same, but for each `eyJ` in a flood of them it would read a header's
    /// length. This reads a run once.
    fn is_no_jwt_header(&mut self, start: usize) -> bool {
        if start >= self.run_end {
            let run = self.data[start..].iter();
            self.run_end = start + run.take_while(|&&byte| Class::Url.has(byte)).count();
        }
        let next = self.data.get(self.run_end);
        self.run_end - start > JWT_HEADER || next.is_some_and(|&byte| byte != b'.')
    }

    fn settle(&mut self, token: Token) {
        self.settled = match token.tail.verdict() {
            Verdict::Token => usize::MAX,
            _ => token.end,
        };
        self.tokens.push(token);
    }

    fn hit(&mut self, name: usize, start: usize, end: usize, is_token: bool) {
        // A flood of matches that overlap is one hit: memory follows the spans, not the matches.
        if let Some(last) = self.hits.last_mut()
            && start > last.start
            && start < last.end
        {
            last.end = last.end.max(end);
            return;
        }
        self.hits.push(Hit {
            start,
            end,
            name,
            length: end - start,
            is_token,
        });
    }

    fn window(&self, start: usize) -> [u8; BEFORE] {
        window(self.before, &self.data[..start])
    }
}

/// The last bytes of `before` and `data` together.
pub(super) fn window(before: &[u8; BEFORE], data: &[u8]) -> [u8; BEFORE] {
    if let Some(last) = data.last_chunk() {
        return *last;
    }
    let mut window = [0; BEFORE];
    let (old, new) = window.split_at_mut(BEFORE - data.len());
    old.copy_from_slice(&before[data.len()..]);
    new.copy_from_slice(data);
    window
}
