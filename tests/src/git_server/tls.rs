//! A private authority, and a certificate by it.

use std::net::TcpStream;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose};
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// What a server needs for TLS, and the authority's certificate as PEM for its clients.
pub(crate) fn certified(names: &[&str]) -> (Arc<ServerConfig>, String) {
    const MADE: &str = "a certificate can be made";
    let mut authority = CertificateParams::default();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    authority.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    authority
        .distinguished_name
        .push(DnType::CommonName, "Authority of the tests");
    let authority_key = KeyPair::generate().expect(MADE);
    let root = authority.self_signed(&authority_key).expect(MADE);
    let issuer = Issuer::new(authority, authority_key);

    let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
    let mut params = CertificateParams::new(names).expect("the names of the server are names");
    params.use_authority_key_identifier_extension = true;
    let key = KeyPair::generate().expect(MADE);
    let certificate = params.signed_by(&key, &issuer).expect(MADE);

    // The provider by name: the process has no default one, and must have no other.
    let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("the provider knows the default versions")
        .with_no_client_auth()
        .with_single_cert(
            vec![certificate.der().clone()],
            PrivateKeyDer::Pkcs8(key.serialize_der().into()),
        )
        .expect("the key is the certificate's");
    (Arc::new(config), pem(root.der()))
}

/// Speaks TLS on a connection; the handshake comes with the first byte.
pub(super) fn accept(
    config: &Arc<ServerConfig>,
    stream: TcpStream,
) -> StreamOwned<ServerConnection, TcpStream> {
    let connection =
        ServerConnection::new(Arc::clone(config)).expect("the configuration has been checked");
    StreamOwned::new(connection, stream)
}

fn pem(der: &[u8]) -> String {
    let encoded = STANDARD.encode(der);
    let mut text = String::from("-----BEGIN CERTIFICATE-----\n");
    for line in encoded.as_bytes().chunks(64) {
        text.extend(line.iter().copied().map(char::from));
        text.push('\n');
    }
    text + "-----END CERTIFICATE-----\n"
}
