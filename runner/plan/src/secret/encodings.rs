//! The forms in which a secret turns up: what programs do to text on its way out.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use base64::Engine as _;
use base64::alphabet::{Alphabet, STANDARD, URL_SAFE};
use base64::engine::general_purpose::{GeneralPurpose, NO_PAD};

use super::SHORTEST;

/// Bytes of a value that are looked for. What comes after is not covered: no credential is longer,
/// and the lines of a long file are secrets of their own.
pub(super) const LONGEST_VALUE: usize = 16 * 1024;

/// Bytes of a value that are looked for in one piece: it bounds what a stream holds back.
pub(super) const PIECE: usize = 1024;

/// Bytes that neighbouring pieces share. In base64 up to three bytes at either end of a piece
/// depend on their neighbours and are not looked for; this overlap leaves no gap, so that the
/// pieces of one value become one span in every form.
const OVERLAP: usize = 16;

/// Under this length a form needs [`DISTINCT`] different bytes, or it is dropped: the base64 of
/// zeros is `AAAAAAA`, which ordinary base64 is full of.
const SURE: usize = 8;
const DISTINCT: usize = 4;

/// All forms of `value`, in pieces, without the white space around it. None if it is too short.
pub(super) fn forms(value: &[u8]) -> BTreeSet<Vec<u8>> {
    let value = value.trim_ascii();
    let value = &value[..value.len().min(LONGEST_VALUE)];
    let mut forms = BTreeSet::new();
    if value.len() >= SHORTEST {
        for piece in pieces(value) {
            add_base64(piece, &mut forms);
            add_percent(piece, &mut forms);
            add_json(piece, &mut forms);
            forms.retain(|form| is_rare(form));
            forms.insert(piece.to_vec());
        }
    }
    forms
}

/// Cuts `value` into pieces of [`PIECE`] bytes that overlap; the last one ends with the value.
fn pieces(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    let last = value.len().saturating_sub(PIECE);
    (0..last)
        .step_by(PIECE - OVERLAP)
        .chain([last])
        .map(|start| &value[start..value.len().min(start + PIECE)])
}

fn is_rare(form: &[u8]) -> bool {
    form.len() >= SHORTEST
        && (form.len() >= SURE || form.iter().collect::<BTreeSet<_>>().len() >= DISTINCT)
}

/// Base64 of `value` wherever it stands in a longer text, without the characters that also depend
/// on what stands beside it.
fn add_base64(value: &[u8], forms: &mut BTreeSet<Vec<u8>>) {
    let engine = |alphabet: &Alphabet| GeneralPurpose::new(alphabet, NO_PAD);
    let engines = [engine(&STANDARD), engine(&URL_SAFE)];
    for before in 0..3 {
        let mut text = vec![0; before];
        text.extend_from_slice(value);
        // Each character is six bits: the first is the one after all bits of `before`, rounded up;
        // the last is whole before the end, rounded down.
        let (first, end) = ((before * 8).div_ceil(6), text.len() * 8 / 6);
        for engine in &engines {
            forms.insert(engine.encode(&text).as_bytes()[first..end].to_vec());
        }
    }
}

/// Percent-encoding, as the standards say and as widespread libraries do it.
fn add_percent(value: &[u8], forms: &mut BTreeSet<Vec<u8>>) {
    let keeps: [(&[u8], bool); 5] = [
        // Everything that can be, to be sure.
        (b"", false),
        // RFC 3986, a component.
        (b"-_.~", false),
        // JavaScript's `encodeURIComponent`.
        (b"-_.~!'()*", false),
        // Python's `quote`, and paths in general.
        (b"-_.~/", false),
        // Forms: `application/x-www-form-urlencoded`.
        (b"-_.*", true),
    ];
    for (keep, is_form) in keeps {
        for upper in [true, false] {
            let mut form = String::with_capacity(value.len());
            for &byte in value {
                match byte {
                    b' ' if is_form => form.push('+'),
                    _ if byte.is_ascii_alphanumeric() || keep.contains(&byte) => {
                        form.push(char::from(byte));
                    }
                    _ => append_hex(&mut form, "%", 2, u16::from(byte), upper),
                }
            }
            forms.insert(form.into_bytes());
        }
    }
}

/// JSON strings: plain, `/` escaped, escaped for HTML (Go), ASCII only (Python), and JSON that is
/// a string in JSON.
fn add_json(value: &[u8], forms: &mut BTreeSet<Vec<u8>>) {
    let plain = json(value, &[], false);
    forms.insert(json(&plain, &[], false));
    for upper in [true, false] {
        forms.insert(json(value, b"/", upper));
        forms.insert(json(value, b"<>&", upper));
        forms.insert(json(value, &[], upper));
    }
    if let Ok(text) = str::from_utf8(value) {
        let mut form = String::new();
        for unit in text.encode_utf16() {
            match u8::try_from(unit) {
                Ok(byte) if byte.is_ascii() => {
                    form.push_str(&String::from_utf8_lossy(&json(&[byte], &[], false)));
                }
                _ => append_hex(&mut form, "\\u", 4, unit, false),
            }
        }
        forms.insert(form.into_bytes());
    }
}

/// `value` inside a JSON string. The bytes in `also` are escaped too.
fn json(value: &[u8], also: &[u8], upper: bool) -> Vec<u8> {
    let mut form = Vec::with_capacity(value.len());
    for &byte in value {
        let letter = match byte {
            b'"' | b'\\' => byte,
            b'/' if also.contains(&byte) => byte,
            b'\n' => b'n',
            b'\r' => b'r',
            b'\t' => b't',
            0x08 => b'b',
            0x0c => b'f',
            _ if byte < 0x20 || also.contains(&byte) => {
                let mut escape = String::new();
                append_hex(&mut escape, "\\u", 4, u16::from(byte), upper);
                form.extend_from_slice(escape.as_bytes());
                continue;
            }
            _ => {
                form.push(byte);
                continue;
            }
        };
        form.extend_from_slice(&[b'\\', letter]);
    }
    form
}

fn append_hex(text: &mut String, mark: &str, width: usize, number: u16, upper: bool) {
    let written = if upper {
        write!(text, "{mark}{number:0width$X}")
    } else {
        write!(text, "{mark}{number:0width$x}")
    };
    written.expect("a string takes everything");
}
