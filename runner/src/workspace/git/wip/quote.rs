//! Paths as git writes them.

use std::fmt::Write as _;

/// Appends `prefix` and `path`, in quotes if anything in it is unusual (`core.quotePath`).
pub(super) fn quote(prefix: &str, path: &[u8]) -> String {
    let is_plain = |byte: &u8| (b' '..0x7f).contains(byte) && *byte != b'"' && *byte != b'\\';
    if path.iter().all(is_plain) {
        return format!("{prefix}{}", String::from_utf8_lossy(path));
    }
    let mut quoted = format!("\"{prefix}");
    for &byte in path {
        let short = match byte {
            0x07 => 'a',
            0x08 => 'b',
            b'\t' => 't',
            b'\n' => 'n',
            0x0b => 'v',
            0x0c => 'f',
            b'\r' => 'r',
            b'"' | b'\\' => char::from(byte),
            byte if is_plain(&byte) => {
                quoted.push(char::from(byte));
                continue;
            }
            byte => {
                // Writing to a String cannot fail.
                let _: std::fmt::Result = write!(quoted, "\\{byte:03o}");
                continue;
            }
        };
        quoted.push('\\');
        quoted.push(short);
    }
    quoted.push('"');
    quoted
}
