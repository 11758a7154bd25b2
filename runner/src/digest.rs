//! SHA-256, as it is written in different places.

use aws_lc_rs::digest::{self, Digest, SHA256};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// SHA-256 of some bytes.
pub(crate) fn sha256(bytes: &[u8]) -> Digest {
    digest::digest(&SHA256, bytes)
}

/// SHA-256 of some bytes in lower-case hexadecimal.
pub(crate) fn sha256_hex(bytes: &[u8]) -> String {
    hex(&sha256(bytes))
}

/// A digest as people compare it: lower-case hexadecimal.
pub(crate) fn hex(digest: &Digest) -> String {
    let mut text = String::with_capacity(digest.as_ref().len() * 2);
    for byte in digest.as_ref() {
        text.push_str(&format!("{byte:02x}"));
    }
    text
}

/// A digest as S3 has it in headers.
pub(crate) fn base64(digest: &Digest) -> String {
    STANDARD.encode(digest)
}
