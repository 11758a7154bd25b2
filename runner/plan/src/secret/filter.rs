//! Where a pattern could start, at a fraction of the cost of looking.

/// A set of trigrams, in 16 KiB: it stays in the first-level cache beside the text.
///
/// It holds the first two trigrams of every pattern (bytes 0–2 and 1–3). Of two neighbouring
/// positions one is therefore enough to look at, and the few that pass are asked for both trigrams.
/// A filter of this kind does not mind how many patterns there are; the vectorised ones of the
/// `aho-corasick` crate give up above 64.
pub(super) struct Filter {
    words: Box<[u64; WORDS]>,
}

const BITS: u32 = 17;
const WORDS: usize = 1 << (BITS - 6);

/// Bytes of a pattern that the filter knows.
const KNOWN: usize = 4;

/// Text after which less than [`KNOWN`] bytes are left, where it cannot say anything.
pub(super) const BLIND: usize = KNOWN - 1;

impl Filter {
    /// A filter that rules out everything.
    pub(super) fn new() -> Self {
        Self {
            words: Box::new([0; WORDS]),
        }
    }

    /// Lets text through that starts with the first four bytes of a pattern.
    pub(super) fn add(&mut self, start: [u8; KNOWN]) {
        let [a, b, c, d] = start;
        for gram in [[a, b, c, 0], [b, c, d, 0]] {
            let slot = slot(u32::from_le_bytes(gram));
            self.words[slot >> 6] |= 1 << (slot & 63);
        }
    }

    /// Whether a pattern could start with the three bytes at `at`. Not enough bytes: yes.
    #[inline]
    pub(super) fn allows(&self, data: &[u8], at: usize) -> bool {
        data.get(at..)
            .and_then(<[u8]>::first_chunk)
            .is_none_or(|&[a, b, c]| self.has(u32::from_le_bytes([a, b, c, 0])) != 0)
    }

    /// The first position, at `from` or after it, where a pattern could start.
    ///
    /// `None` rules out all starts but the last [`BLIND`] positions.
    #[inline]
    pub(super) fn next(&self, data: &[u8], from: usize) -> Option<usize> {
        let mut at = from;
        // Eight lookups without a branch between them let the processor do them side by side.
        while let Some(block) = data.get(at..).and_then(<[u8]>::first_chunk::<18>) {
            let gram = |k: usize| {
                self.has(u32::from_le_bytes([
                    block[k],
                    block[k + 1],
                    block[k + 2],
                    block[k + 3],
                ]))
            };
            let first = gram(0) | gram(2) | gram(4) | gram(6);
            let second = gram(8) | gram(10) | gram(12) | gram(14);
            if (first | second) != 0
                && let Some(start) = (at..at + 16)
                    .step_by(2)
                    .find_map(|at| self.start_near(data, from, at))
            {
                return Some(start);
            }
            at += 16;
        }
        (at..(data.len() + 1).saturating_sub(BLIND))
            .step_by(2)
            .find_map(|at| self.start_near(data, from, at))
    }

    /// The start, at `at` or just before it, whose two trigrams are both known.
    fn start_near(&self, data: &[u8], from: usize, at: usize) -> Option<usize> {
        if !self.allows(data, at) {
            return None;
        }
        if at > from && self.allows(data, at - 1) {
            return Some(at - 1);
        }
        self.allows(data, at + 1).then_some(at)
    }

    #[inline]
    fn has(&self, gram: u32) -> u64 {
        let slot = slot(gram);
        // The mask is a no-op that lets the compiler see that the index is in range.
        (self.words[(slot >> 6) & (WORDS - 1)] >> (slot & 63)) & 1
    }
}

/// The bit of the three low bytes of `gram`.
#[inline]
fn slot(gram: u32) -> usize {
    // Fibonacci hashing: the high bits of a product with 2^32 divided by the golden ratio.
    ((gram & 0x00FF_FFFF).wrapping_mul(0x9E37_79B1) >> (u32::BITS - BITS)) as usize
}
