//! Whom TLS trusts where nothing else is said, and with which cryptography.

use std::sync::Arc;

use rustls::client::WantsClientCert;
use rustls::{ClientConfig, ConfigBuilder, RootCertStore};

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
