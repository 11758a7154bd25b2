//! Ids that fit into a header.

use std::borrow::Cow;

/// What the id of a general copy ends with.
pub(super) const GENERAL: &str = "-general";

/// The most bytes of an id, without [`GENERAL`]: three times that of a run in a cluster, whose uid
/// has 36.
const LONGEST: usize = 120;

/// Returns the id as it is published: a record's own, unless a header could not carry it.
///
/// Then it is its beginning and its end, which is where the sequence number is, with a number made
/// of the whole between them: two ids that differ only in what was left out are still two.
pub(super) fn of(id: &str) -> Cow<'_, str> {
    // What JSON escapes would make the id longer than a header has it.
    let is_safe = |letter: char| letter.is_ascii_graphic() && !matches!(letter, '"' | '\\');
    if !id.is_empty() && id.len() <= LONGEST && id.chars().all(is_safe) {
        return Cow::Borrowed(id);
    }
    let safe = id.replace(|letter| !is_safe(letter), "_");
    let head = &safe[..safe.len().min(60)];
    let tail = &safe[safe.len().saturating_sub(40)..];
    Cow::Owned(format!("{head}-{:016x}-{tail}", fnv(id.as_bytes())))
}

/// FNV-1a: the same in every version of the program, which the standard library's hashes are not.
fn fnv(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}
