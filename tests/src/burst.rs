//! What `fake-agent burst` writes, and comparing it.

/// What `fake-agent burst` writes.
pub fn burst(bytes: usize) -> Vec<u8> {
    let mut text = Vec::with_capacity(bytes);
    for number in 0..bytes / 64 {
        text.extend_from_slice(format!("{number:063}\n").as_bytes());
    }
    text.resize(bytes, b'.');
    text
}

/// Asserts that two are the same, without printing megabytes.
#[track_caller]
pub fn assert_same(found: &[u8], expected: &[u8]) {
    if found != expected {
        let mut pairs = found.iter().zip(expected);
        let at = pairs.position(|(one, other)| one != other);
        let (found, expected) = (found.len(), expected.len());
        panic!("{found} bytes instead of {expected}, different from byte {at:?} on");
    }
}
