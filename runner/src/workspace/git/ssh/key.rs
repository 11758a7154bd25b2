//! The private key, from a file that a secret was mounted as.

use std::path::Path;

use russh::keys::{Algorithm, PrivateKey, decode_secret_key};

use crate::short_file;

use super::error::{KeyProblem, SshError};

/// The longest RSA key in the longest form has 13 KB; what is larger is another file.
const KEY_LIMIT: u64 = 64 * 1024;

/// Reads the private key in `path`.
///
/// The file's mode does not matter: a mounted secret is readable for all by default, and nobody
/// but us is given it. Nor do the ends of its lines, which people paste into secrets.
///
/// # Errors
///
/// [`SshError::Key`] and [`SshError::BadKey`], which never hold any of its content.
pub(super) fn read(path: &Path) -> Result<PrivateKey, SshError> {
    let content = short_file::read(path, KEY_LIMIT).map_err(|source| SshError::Key {
        path: path.to_owned(),
        source,
    })?;
    parse(&String::from_utf8_lossy(&content)).map_err(|problem| SshError::BadKey {
        path: path.to_owned(),
        problem,
    })
}

fn parse(text: &str) -> Result<PrivateKey, KeyProblem> {
    let mut pem = String::with_capacity(text.len());
    for line in text.trim_start_matches('\u{feff}').lines() {
        pem.push_str(line.trim());
        pem.push('\n');
    }
    // `openssl ecparam -genkey` writes the parameters before the key.
    let is_private = |line: &str| line.starts_with("-----BEGIN ") && line.contains("PRIVATE KEY");
    let Some(label) = pem.lines().find(|line| is_private(line)) else {
        return Err(not_private(pem.trim()));
    };
    if label.contains("ENCRYPTED") || pem.contains("Proc-Type: 4,ENCRYPTED") {
        return Err(KeyProblem::Encrypted);
    }
    // The reason stays behind: it may quote what could not be decoded.
    let key = decode_secret_key(&pem, None).map_err(|error| match error {
        russh::keys::Error::KeyIsEncrypted => KeyProblem::Encrypted,
        _ => KeyProblem::Unusable,
    })?;
    match key.algorithm() {
        Algorithm::Ed25519 | Algorithm::Ecdsa { .. } | Algorithm::Rsa { .. } => Ok(key),
        // Of a key on a token, the file holds no more than how to ask the token.
        _ => Err(KeyProblem::Unusable),
    }
}

/// Says what a text without a private key is.
fn not_private(text: &str) -> KeyProblem {
    const PUBLIC: [&str; 4] = ["ssh-", "ecdsa-", "sk-", "---- BEGIN SSH2 PUBLIC KEY"];
    let is_public_pem = |line: &str| {
        line.starts_with("-----BEGIN ")
            && (line.contains("PUBLIC KEY") || line.contains("CERTIFICATE"))
    };
    if text.is_empty() {
        KeyProblem::Empty
    } else if PUBLIC.iter().any(|start| text.starts_with(start)) || text.lines().any(is_public_pem)
    {
        KeyProblem::Public
    } else {
        KeyProblem::NotAKey
    }
}

#[cfg(test)]
mod tests;
