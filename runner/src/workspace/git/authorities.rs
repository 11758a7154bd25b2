//! Whom TLS trusts: the system's authorities, those of the image if it has none, and those that the
//! plan adds.

use std::path::{Path, PathBuf};

use agent_plan::plan::Access;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};

use crate::trust;

/// Why TLS cannot be set up.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AuthorityError {
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

/// Makes the TLS configuration of a plan.
///
/// `SSL_CERT_FILE` replaces the system's authorities, as it does for curl; `VCS_CA_FILE` and
/// `GIT_SSL_CAINFO` come on top, so that an internal server does not cost the public ones.
///
/// # Errors
///
/// Returns [`AuthorityError`] for a file that is named and cannot be used.
pub(super) fn client_config(access: &Access) -> Result<ClientConfig, AuthorityError> {
    let mut roots = RootCertStore::empty();
    match &access.ca_bundle {
        Some(path) => add_file(&mut roots, path)?,
        None => trust::add_system(&mut roots),
    }
    for path in &access.ca_files {
        add_file(&mut roots, path)?;
    }
    Ok(trust::builder(roots)
        .map_err(AuthorityError::Versions)?
        .with_no_client_auth())
}

fn add_file(roots: &mut RootCertStore, path: &Path) -> Result<(), AuthorityError> {
    let unreadable = |source| AuthorityError::Unreadable {
        path: path.to_owned(),
        source,
    };
    let certificates = CertificateDer::pem_file_iter(path)
        .map_err(unreadable)?
        .collect::<Result<Vec<_>, _>>()
        .map_err(unreadable)?;
    let (added, _) = roots.add_parsable_certificates(certificates);
    if added == 0 {
        return Err(AuthorityError::Empty {
            path: path.to_owned(),
        });
    }
    Ok(())
}
