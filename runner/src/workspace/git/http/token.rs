//! The token, and how it is shown to a server.

use std::io;
use std::path::Path;

use reqwest::header::HeaderValue;

use crate::short_file;

/// A token has a few KB at most; what is larger is another file.
const TOKEN_LIMIT: u64 = 64 * 1024;

pub(super) fn read_token(path: &Path) -> io::Result<String> {
    let invalid = |problem| io::Error::new(io::ErrorKind::InvalidData, problem);
    let token = short_file::read(path, TOKEN_LIMIT)?;
    // The error stays behind: it holds what could not be decoded.
    let token = String::from_utf8(token).map_err(|_| invalid("it is not UTF-8"))?;
    if token.trim().is_empty() {
        return Err(invalid("it is empty"));
    }
    Ok(token)
}

/// RFC 7617; marked so that nothing that prints headers prints this one.
pub(super) fn basic(username: &str, token: &str) -> HeaderValue {
    use base64::Engine;
    let pair = base64::engine::general_purpose::STANDARD.encode(format!("{username}:{token}"));
    let mut header = HeaderValue::try_from(format!("Basic {pair}"))
        .expect("base64 has only letters that a header may have");
    header.set_sensitive(true);
    header
}
