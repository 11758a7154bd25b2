//! The output whose way to the log is measured: text like an agent's, numbered per write.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, BufReader, Read, Write};
use std::os::fd::AsFd;
use std::path::Path;

/// The text of one write; its number is what changes from write to write.
struct Text {
    bytes: Vec<u8>,
    number: u64,
}

impl Text {
    fn new(length: usize) -> Self {
        let mut text = String::new();
        let mut line = 0_u32;
        while text.len() < length {
            let json = format!(
                r#"{{"type":"assistant","message":{{"id":"msg_{line:08x}","content":[{{"type":"text","text":"Now let me look at the tests of module {line}."}}]}}}}"#
            );
            let log = format!(
                "2026-01-01T00:00:00.{:03}Z  INFO app: Wrote {line} bytes.",
                line % 1000
            );
            // A string takes everything.
            let _: std::fmt::Result = writeln!(text, "{json}\n{log}");
            line += 1;
        }
        let mut bytes = text.into_bytes();
        bytes.truncate(length);
        if let Some(last) = bytes.last_mut() {
            *last = b'\n';
        }
        Self { bytes, number: 0 }
    }

    /// The next text, of at most `left` bytes.
    fn next(&mut self, left: u64) -> &[u8] {
        for (at, digit) in self.bytes.iter_mut().take(16).enumerate() {
            let nibble = self.number >> (60 - 4 * at) & 15;
            *digit = b"0123456789abcdef"[usize::try_from(nibble).unwrap_or(0)];
        }
        self.number += 1;
        let length =
            usize::try_from(left).map_or(self.bytes.len(), |left| left.min(self.bytes.len()));
        &self.bytes[..length]
    }
}

/// Writes so many bytes to stdout, in writes of so many.
pub(crate) fn write(args: &[String]) -> io::Result<()> {
    let number = |at: usize| args.get(at).and_then(|arg| arg.parse::<u64>().ok());
    let (Some(mut left), Some(length)) = (number(0), number(1).filter(|length| *length > 0)) else {
        return Err(io::Error::other("generate BYTES LENGTH"));
    };
    let mut text = Text::new(usize::try_from(length).map_err(io::Error::other)?);
    // The standard library's stdout would gather small writes.
    let mut out = File::from(io::stdout().as_fd().try_clone_to_owned()?);
    while left > 0 {
        let next = text.next(left);
        out.write_all(next)?;
        left -= next.len() as u64;
    }
    Ok(())
}

/// Returns how many bytes of what was written `path` does not have, or has too many.
pub(crate) fn lost(path: &Path, bytes: u64, length: usize) -> io::Result<u64> {
    let mut file = BufReader::with_capacity(1 << 20, File::open(path)?);
    let mut found = vec![0; length];
    let mut text = Text::new(length);
    let (mut left, mut lost) = (bytes, 0);
    while left > 0 {
        let expected = text.next(left);
        let count = expected.len();
        let whole = file.read_exact(&mut found[..count]);
        if whole.is_err() || found[..count] != *expected {
            lost += count as u64;
        }
        left -= count as u64;
    }
    Ok(lost + io::copy(&mut file, &mut io::sink())?)
}
