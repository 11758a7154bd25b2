//! Promises of redaction: what is found, what is replaced, and that reads do not matter.

use super::{End, Found, Patterns, Redactor, Stream};

mod exact;
mod found;
mod property;
mod reads;
mod tokens;

fn found(name: &str, value: impl AsRef<[u8]>) -> Found {
    Found {
        name: name.to_owned(),
        value: value.as_ref().to_vec(),
    }
}

/// A redactor of secrets named `A`, `B`, … and of no tokens.
fn exact(values: &[&str]) -> Redactor {
    let secrets = ('A'..).zip(values);
    let secrets = secrets.map(|(name, value)| found(&name.to_string(), value));
    Redactor::new(secrets.collect(), Patterns::Off)
}

/// A redactor of tokens only.
fn tokens() -> Redactor {
    Redactor::new(Vec::new(), Patterns::On)
}

/// What comes out if `text` is read in parts that end at `cuts`, as the shell reads it.
///
/// Asserts what is promised of every single call.
fn read(redactor: &Redactor, text: &[u8], cuts: &[usize]) -> Vec<u8> {
    read_by(redactor, redactor.stream(), text, cuts)
}

fn read_by(redactor: &Redactor, mut stream: Stream, text: &[u8], cuts: &[usize]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut buffer = Vec::new();
    let mut from = 0;
    for &cut in cuts {
        buffer.extend_from_slice(&text[from..cut]);
        from = cut;
        let consumed = stream.scan(&buffer, End::No, &mut |piece| out.extend_from_slice(piece));
        buffer.drain(..consumed);
        assert!(
            buffer.len() <= redactor.hold_max(),
            "{} bytes are held, {} are promised",
            buffer.len(),
            redactor.hold_max()
        );
    }
    buffer.extend_from_slice(&text[from..]);
    let consumed = stream.scan(&buffer, End::Yes, &mut |piece| out.extend_from_slice(piece));
    assert_eq!(consumed, buffer.len(), "the last read leaves nothing");
    out
}

/// Asserts that `text` comes out as `expected`, cut in two anywhere and read byte by byte.
#[track_caller]
fn assert_redacted(redactor: &Redactor, text: &str, expected: &str) {
    let show = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    assert_eq!(redactor.text(text), expected);
    for cut in 0..=text.len() {
        let out = show(read(redactor, text.as_bytes(), &[cut]));
        assert_eq!(out, expected, "cut at {cut}");
    }
    let bytes: Vec<usize> = (0..=text.len()).collect();
    assert_eq!(show(read(redactor, text.as_bytes(), &bytes)), expected);
}

#[test]
fn nothing_prints_a_secret() {
    let redactor = exact(&["hunter22"]);
    let mut stream = redactor.stream();
    stream.scan(b"hunter22", End::No, &mut |_| {});
    let secret = super::Secret::new("hunter22");
    let all = format!(
        "{:?} {redactor:?} {stream:?} {secret:?} {secret}",
        found("A", "hunter22")
    );
    assert!(!all.contains("hunter22"), "{all}");
}
