//! Whom TLS trusts, and with which cryptography.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::client::WantsClientCert;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, ConfigBuilder, RootCertStore};

/// Why TLS cannot be set up.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrustError {
    /// A file of certificates cannot be read.
    #[error("the certificates in `{}` cannot be read", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: rustls::pki_types::pem::Error,
    },
    /// A file has no certificate in it.
    #[error("`{}` has no certificate in it", path.display())]
    Empty {
        /// The file.
        path: PathBuf,
    },
    /// The cryptography of this build refuses the protocol versions.
    #[error("rustls refuses its own defaults")]
    Versions(#[source] rustls::Error),
}

/// Makes the TLS configuration of a client that is nobody.
///
/// `bundle` replaces the system's authorities, as `SSL_CERT_FILE` does for curl; `more` come on top,
/// so that an internal server does not cost the public ones.
///
/// # Errors
///
/// Returns [`TrustError`] for a file that cannot be used.
pub(crate) fn client_config<'a>(
    bundle: Option<&Path>,
    more: impl IntoIterator<Item = &'a PathBuf>,
) -> Result<ClientConfig, TrustError> {
    let mut roots = RootCertStore::empty();
    match bundle {
        Some(path) => add_file(&mut roots, path)?,
        None => add_system(&mut roots),
    }
    for path in more {
        add_file(&mut roots, path)?;
    }
    Ok(builder(roots)
        .map_err(TrustError::Versions)?
        .with_no_client_auth())
}

fn add_file(roots: &mut RootCertStore, path: &Path) -> Result<(), TrustError> {
    let unreadable = |source| TrustError::Unreadable {
        path: path.to_owned(),
        source,
    };
    let certificates = CertificateDer::pem_file_iter(path)
        .map_err(unreadable)?
        .collect::<Result<Vec<_>, _>>()
        .map_err(unreadable)?;
    let (added, _) = roots.add_parsable_certificates(certificates);
    if added == 0 {
        return Err(TrustError::Empty {
            path: path.to_owned(),
        });
    }
    Ok(())
}

/// Adds the system's authorities, or those of this build where the system has none.
pub(crate) fn add_system(roots: &mut RootCertStore) {
    let system = rustls_native_certs::load_native_certs();
    roots.add_parsable_certificates(system.certs);
    if roots.is_empty() {
        // An image `FROM scratch` has none; Mozilla's are as old as this build, and better than none.
        let bundled = webpki_root_certs::TLS_SERVER_ROOT_CERTS.iter().cloned();
        roots.add_parsable_certificates(bundled);
    }
}

/// Returns a configuration that trusts `roots`, to be told who the client is.
///
/// # Errors
///
/// Fails if the cryptography of this build refuses the protocol versions, which it does not.
pub(crate) fn builder(
    roots: RootCertStore,
) -> Result<ConfigBuilder<ClientConfig, WantsClientCert>, rustls::Error> {
    // Named, never found by feature: two providers at once would panic.
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots);
    Ok(config)
}
