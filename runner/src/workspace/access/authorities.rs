//! The authorities that the agent's git trusts.

use std::path::{Path, PathBuf};

use agent_plan::plan::Access;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::AccessError;
use crate::short_file;

/// Fifty times the size of the bundle that Debian ships.
const BUNDLE_MAX: u64 = 16 * 1024 * 1024;

/// Returns the system's authorities and those of `access`, as PEM.
///
/// Both, because git takes `GIT_SSL_CAINFO` *instead of* the system's: with the company's authority
/// alone, every submodule and dependency from elsewhere would be refused.
pub(super) fn bundle(access: &Access) -> Result<Vec<u8>, AccessError> {
    let mut bundle = match &access.ca_bundle {
        Some(path) => read(path)?,
        None => system(),
    };
    for path in &access.ca_files {
        if !bundle.is_empty() && !bundle.ends_with(b"\n") {
            bundle.push(b'\n');
        }
        bundle.extend(read(path)?);
    }
    Ok(bundle)
}

fn read(path: &Path) -> Result<Vec<u8>, AccessError> {
    short_file::read(path, BUNDLE_MAX).map_err(|source| AccessError::Authorities {
        path: PathBuf::from(path),
        source,
    })
}

/// The system's, or those that are compiled in if the image has none.
fn system() -> Vec<u8> {
    let found = rustls_native_certs::load_native_certs();
    for error in &found.errors {
        tracing::debug!(
            error = error as &dyn std::error::Error,
            "An authority of the system is not usable."
        );
    }
    let mut text = String::new();
    if found.certs.is_empty() {
        for certificate in webpki_root_certs::TLS_SERVER_ROOT_CERTS {
            push_pem(&mut text, certificate);
        }
    }
    for certificate in &found.certs {
        push_pem(&mut text, certificate);
    }
    text.into_bytes()
}

fn push_pem(text: &mut String, der: &[u8]) {
    text.push_str("-----BEGIN CERTIFICATE-----\n");
    // 48 bytes are the 64 letters of a line.
    for line in der.chunks(48) {
        STANDARD.encode_string(line, text);
        text.push('\n');
    }
    text.push_str("-----END CERTIFICATE-----\n");
}
