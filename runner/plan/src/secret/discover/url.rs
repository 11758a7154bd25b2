//! Passwords in URLs.

use percent_encoding::percent_decode;

use super::add;
use crate::secret::Found;

/// Bytes that make a user without a password a token: `https://<token>@host`, but not `git@host`.
const SHORTEST_TOKEN: usize = 16;

/// Adds the passwords of all URLs in `text`, as they stand there and decoded.
pub(super) fn passwords(name: &str, text: &[u8], found: &mut Vec<Found>) {
    let mut rest = text;
    while let Some(at) = rest.windows(3).position(|window| window == b"://") {
        rest = &rest[at + 3..];
        let is_over = |byte: &u8| b"/?#\"'<>\\".contains(byte) || byte.is_ascii_whitespace();
        let authority = &rest[..rest.iter().position(is_over).unwrap_or(rest.len())];
        // `@` in a password should be encoded, and a list of servers has several: both readings.
        for at in [
            authority.iter().position(|&byte| byte == b'@'),
            authority.iter().rposition(|&byte| byte == b'@'),
        ]
        .into_iter()
        .flatten()
        {
            let secret = secret_of(&authority[..at]);
            add(name, secret, found);
            add(name, &percent_decode(secret).collect::<Vec<u8>>(), found);
        }
    }
}

/// Adds passwords and tokens of a list of NATS servers, in which the scheme may be missing and a
/// user without a password is a token of any length.
pub(super) fn logins(name: &str, text: &[u8], found: &mut Vec<Found>) {
    for server in text.split(|byte| *byte == b',').map(<[u8]>::trim_ascii) {
        let scheme = server.windows(3).position(|window| window == b"://");
        let server = scheme.map_or(server, |at| &server[at + 3..]);
        if let Some(at) = server.iter().rposition(|&byte| byte == b'@') {
            let login = &server[..at];
            let password = login.iter().position(|&byte| byte == b':');
            let secret = password.map_or(login, |at| &login[at + 1..]);
            add(name, secret, found);
            add(name, &percent_decode(secret).collect::<Vec<u8>>(), found);
        }
    }
}

/// The part of `user:password` that is secret; empty if none is.
fn secret_of(userinfo: &[u8]) -> &[u8] {
    let mut parts = userinfo.splitn(2, |&byte| byte == b':');
    let user = parts.next().unwrap_or_default();
    match parts.next() {
        // How GitHub takes a token: as the user, with nothing or this for a password.
        Some(b"" | b"x-oauth-basic") => user,
        Some(password) => password,
        None if user.len() >= SHORTEST_TOKEN => user,
        None => b"",
    }
}
