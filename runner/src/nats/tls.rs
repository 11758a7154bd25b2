//! Whom TLS trusts, and as whom it presents itself.

use agent_plan::plan::{Given, NatsTls};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};

use super::source::{self, Unreadable};
use crate::trust;

/// Why TLS cannot be set up.
#[derive(Debug, thiserror::Error)]
pub(super) enum TlsError {
    /// A file cannot be read.
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
    /// There is no certificate where there should be one.
    #[error("{from} has no certificate in it")]
    NoCertificate {
        /// Where it should be.
        from: String,
    },
    /// There is no private key where there should be one.
    #[error("{from} has no private key in it")]
    NoKey {
        /// Where it should be.
        from: String,
    },
    /// Certificate and key do not belong together, or are of a kind that is not supported.
    #[error("the client's certificate and key cannot be used: {0}")]
    Pair(#[source] rustls::Error),
    /// The cryptography of this build refuses the protocol versions.
    #[error("rustls refuses its own defaults")]
    Versions(#[source] rustls::Error),
}

/// Makes the TLS configuration of a plan: the system's authorities or what replaces them, and the
/// plan's own.
///
/// # Errors
///
/// Returns [`TlsError`] for a file that is named and cannot be used; there is no secret in it.
pub(super) fn client_config(tls: &NatsTls) -> Result<ClientConfig, TlsError> {
    let mut roots = RootCertStore::empty();
    match &tls.ca_bundle {
        Some(path) => add(&mut roots, &Given::File(path.clone()))?,
        None => trust::add_system(&mut roots),
    }
    if let Some(ca) = &tls.ca {
        add(&mut roots, ca)?;
    }
    let config = trust::builder(roots).map_err(TlsError::Versions)?;
    let Some((certificate, key)) = &tls.client else {
        return Ok(config.with_no_client_auth());
    };
    let text = source::read(key)?;
    let pair = PrivateKeyDer::from_pem_slice(text.expose().as_bytes());
    let key = pair.map_err(|_| TlsError::NoKey {
        from: source::name(key),
    })?;
    config
        .with_client_auth_cert(certificates(certificate)?, key)
        .map_err(TlsError::Pair)
}

fn add(roots: &mut RootCertStore, from: &Given) -> Result<(), TlsError> {
    let (added, _) = roots.add_parsable_certificates(certificates(from)?);
    if added == 0 {
        return Err(TlsError::NoCertificate {
            from: source::name(from),
        });
    }
    Ok(())
}

fn certificates(from: &Given) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let text = source::read(from)?;
    let found: Vec<_> = CertificateDer::pem_slice_iter(text.expose().as_bytes())
        .collect::<Result<_, _>>()
        .unwrap_or_default();
    if found.is_empty() {
        return Err(TlsError::NoCertificate {
            from: source::name(from),
        });
    }
    Ok(found)
}
