//! Whether there is an exact secret in a text at all: what has none, as most files do, is passed at the
//! speed of memory.

use aho_corasick::packed::{Builder, Searcher};

/// A search for a few patterns by vector instructions.
pub(super) struct Glance {
    searcher: Searcher,
    longest: usize,
}

impl Glance {
    /// `None` if there are no patterns, too many of them, or no such instructions.
    pub(super) fn new<'p>(patterns: impl Iterator<Item = &'p Vec<u8>>) -> Option<Self> {
        let mut builder = Builder::new();
        let mut longest = 0;
        for pattern in patterns {
            builder.add(pattern);
            longest = longest.max(pattern.len());
        }
        // What takes texts of any length is its fallback, and slower than the search that comes after.
        let searcher = builder.build().filter(|it| it.minimum_len() > 0)?;
        Some(Self { searcher, longest })
    }

    /// How many bytes at the end of `data` could still become a secret, if there is none in it.
    pub(super) fn clears(&self, data: &[u8]) -> Option<usize> {
        let held = self.longest.saturating_sub(1).min(data.len());
        self.searcher.find(data).is_none().then_some(held)
    }
}
