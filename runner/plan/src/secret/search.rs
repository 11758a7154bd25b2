//! Every occurrence of every pattern, in one pass.

use aho_corasick::automaton::{Automaton, StateID};
use aho_corasick::nfa::contiguous::NFA;
use aho_corasick::{Anchored, MatchKind};

use super::filter::{BLIND, Filter};

/// An automaton over all patterns, and the filter in front of it.
///
/// The automaton is the compact one: with thousands of states a table of all transitions falls out
/// of the cache, and the filter leaves it little to do.
pub(super) struct Search {
    automaton: NFA,
    start: StateID,
    /// By state: how many of the bytes just read are a proper prefix of a pattern, at most.
    held: Vec<u16>,
    filter: Filter,
}

/// One pattern: its bytes, and what may follow if they are too few for the filter.
pub(super) struct Pattern<'p> {
    /// At least three bytes.
    pub(super) bytes: &'p [u8],
    /// Whether this byte may come after `bytes`. Only asked if these are three.
    pub(super) follows: &'p dyn Fn(u8) -> bool,
}

impl Search {
    /// Prepares the search for `patterns`; a match names the pattern by its index.
    pub(super) fn new(patterns: &[Pattern<'_>]) -> Self {
        let automaton = NFA::builder()
            .match_kind(MatchKind::Standard)
            .prefilter(false)
            .build(patterns.iter().map(|pattern| pattern.bytes))
            .expect("forms are bounded, so that their states can be numbered");
        let start = automaton
            .start_state(Anchored::No)
            .expect("the automaton is built for unanchored searches");
        let mut filter = Filter::new();
        for pattern in patterns {
            match *pattern.bytes {
                [a, b, c] => (0..=u8::MAX)
                    .filter(|&byte| (pattern.follows)(byte))
                    .for_each(|byte| filter.add([a, b, c, byte])),
                [a, b, c, d, ..] => filter.add([a, b, c, d]),
                _ => unreachable!("no pattern is shorter than three bytes"),
            }
        }
        let mut search = Self {
            automaton,
            start,
            held: Vec::new(),
            filter,
        };
        search.measure(patterns);
        search
    }

    /// Tells `found` of every match in `data`: pattern, start, end; in the order of their ends.
    ///
    /// Returns how many bytes at the end could still become a match.
    #[inline]
    pub(super) fn matches(&self, data: &[u8], mut found: impl FnMut(usize, usize, usize)) -> usize {
        let mut from = 0;
        loop {
            let candidate = self.filter.next(data, from);
            let mut at = candidate.unwrap_or_else(|| from.max(data.len().saturating_sub(BLIND)));
            let mut state = self.start;
            loop {
                let Some(&byte) = data.get(at) else {
                    return self.held(state);
                };
                state = self.automaton.next_state(Anchored::No, state, byte);
                at += 1;
                if self.automaton.is_special(state) && self.automaton.is_match(state) {
                    self.report(state, at, &mut found);
                }
                let held = self.held(state);
                if held == 0 {
                    from = at;
                    break;
                }
                // Nearly every byte starts some pattern, so that nothing held is rare. With one or
                // two bytes held the filter can say whether they lead anywhere. What is walked
                // twice is shorter than any pattern: nothing is found twice.
                if held < BLIND && !self.filter.allows(data, at - held) {
                    from = at - held + 1;
                    break;
                }
            }
        }
    }

    #[inline(never)]
    fn report(&self, state: StateID, end: usize, found: &mut impl FnMut(usize, usize, usize)) {
        for index in 0..self.automaton.match_len(state) {
            let pattern = self.automaton.match_pattern(state, index);
            let start = end - self.automaton.pattern_len(pattern);
            found(pattern.as_usize(), start, end);
        }
    }

    #[inline]
    fn held(&self, state: StateID) -> usize {
        self.held
            .get(state.as_usize())
            .map_or(0, |&held| usize::from(held))
    }

    /// Fills `held`: the automaton knows, but does not tell.
    fn measure(&mut self, patterns: &[Pattern<'_>]) {
        let mut leaves = Vec::new();
        for pattern in patterns {
            let mut state = self.start;
            for (length, &byte) in (0..).zip(pattern.bytes) {
                self.set_held(state, length);
                state = self.automaton.next_state(Anchored::No, state, byte);
            }
            leaves.push((state, pattern.bytes));
        }
        for (leaf, bytes) in leaves {
            if self.held(leaf) == 0 {
                let held = self.held_after(bytes);
                self.set_held(leaf, held);
            }
        }
    }

    /// How many bytes at the end of a pattern, which no longer pattern starts with, start another.
    fn held_after(&self, pattern: &[u8]) -> u16 {
        let mut rest = pattern;
        loop {
            rest = &rest[1..];
            let state = rest.iter().fold(self.start, |state, &byte| {
                self.automaton.next_state(Anchored::No, state, byte)
            });
            let is_whole = self.automaton.is_match(state);
            let longest = (0..if is_whole {
                self.automaton.match_len(state)
            } else {
                0
            })
                .map(|index| self.automaton.match_pattern(state, index))
                .map(|pattern| self.automaton.pattern_len(pattern))
                .max();
            match (self.held(state), longest) {
                // Another pattern ends here and goes no further: its own end decides.
                (0, Some(longest)) => rest = &rest[rest.len() - longest..],
                (held, _) => return u16::try_from(held).unwrap_or(u16::MAX),
            }
        }
    }

    fn set_held(&mut self, state: StateID, length: u16) {
        let index = state.as_usize();
        if self.held.len() <= index {
            self.held.resize(index + 1, 0);
        }
        self.held[index] = length;
    }
}
