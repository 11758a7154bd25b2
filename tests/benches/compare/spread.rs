//! Medians with their spread.

use std::fmt;

/// Ratios further apart than this say more about the machine than about the runner.
const NOISY: f64 = 2.0;

/// The median of some numbers, the smallest and the largest.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Spread {
    pub(crate) median: f64,
    min: f64,
    max: f64,
}

impl Spread {
    /// Of the numbers themselves.
    pub(crate) fn of(numbers: impl IntoIterator<Item = f64>) -> Self {
        let mut sorted: Vec<f64> = numbers.into_iter().collect();
        sorted.sort_by(f64::total_cmp);
        let at = |index: usize| sorted.get(index).copied().unwrap_or(f64::NAN);
        let middle = sorted.len() / 2;
        let median = if sorted.len().is_multiple_of(2) {
            f64::midpoint(at(middle.wrapping_sub(1)), at(middle))
        } else {
            at(middle)
        };
        Self {
            median,
            min: at(0),
            max: at(sorted.len().wrapping_sub(1)),
        }
    }

    /// Of the ratios of each round.
    pub(crate) fn of_ratios(ours: &[f64], theirs: &[f64]) -> Self {
        Self::of(ours.iter().zip(theirs).map(|(ours, theirs)| ours / theirs))
    }

    /// Of the differences of each round.
    pub(crate) fn of_differences(ours: &[f64], theirs: &[f64]) -> Self {
        Self::of(ours.iter().zip(theirs).map(|(ours, theirs)| ours - theirs))
    }

    /// Whether some are at most `limit` and others above it.
    pub(crate) fn has_on_both_sides(self, limit: f64) -> bool {
        self.min <= limit && limit < self.max
    }

    /// The same in another unit.
    pub(crate) fn times(self, factor: f64) -> Self {
        Self {
            median: self.median * factor,
            min: self.min * factor,
            max: self.max * factor,
        }
    }

    /// With a word if the numbers are far apart.
    pub(crate) fn judged(self) -> String {
        let noisy = if self.max / self.min > NOISY {
            ", noisy"
        } else {
            ""
        };
        format!(
            "{:.2} ({:.2}..{:.2}{noisy})",
            self.median, self.min, self.max
        )
    }
}

impl fmt::Display for Spread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.2} ({:.2}..{:.2})", self.median, self.min, self.max)
    }
}
