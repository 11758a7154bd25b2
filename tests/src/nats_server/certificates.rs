//! An authority, and certificates by it for a server and for its clients.

use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose};

use super::network::SERVER;

const MADE: &str = "a certificate can be made";

/// PEM files.
#[derive(Debug)]
pub(super) struct Certificates {
    /// The authority's certificate.
    pub(super) ca: PathBuf,
    /// The server's certificate.
    pub(super) server_certificate: PathBuf,
    /// Its key.
    pub(super) server_key: PathBuf,
    /// A client's certificate.
    pub(super) client_certificate: PathBuf,
    /// Its key.
    pub(super) client_key: PathBuf,
}

impl Certificates {
    /// Makes them in a directory.
    pub(super) fn new(dir: &Path) -> Self {
        let mut authority = CertificateParams::default();
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        authority.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        authority
            .distinguished_name
            .push(DnType::CommonName, "Authority of the tests");
        let key = KeyPair::generate().expect(MADE);
        let root = authority.self_signed(&key).expect(MADE);
        let issuer = Issuer::new(authority, key);
        let ca = dir.join("ca.pem");
        write(&ca, "CERTIFICATE", root.der());
        let names = [
            "127.0.0.1".to_owned(),
            "localhost".to_owned(),
            SERVER.to_string(),
        ];
        let (server_certificate, server_key) = signed(dir, "server", &names, &issuer);
        let (client_certificate, client_key) = signed(dir, "client", &[], &issuer);
        Self {
            ca,
            server_certificate,
            server_key,
            client_certificate,
            client_key,
        }
    }
}

/// Makes a certificate and its key, `<name>.pem` and `<name>.key`.
fn signed(
    dir: &Path,
    name: &str,
    names: &[String],
    issuer: &Issuer<'_, KeyPair>,
) -> (PathBuf, PathBuf) {
    let mut params = CertificateParams::new(names).expect("the names of the server are names");
    params.use_authority_key_identifier_extension = true;
    params.distinguished_name.push(DnType::CommonName, name);
    let key = KeyPair::generate().expect(MADE);
    let certificate = params.signed_by(&key, issuer).expect(MADE);
    let files = (
        dir.join(format!("{name}.pem")),
        dir.join(format!("{name}.key")),
    );
    write(&files.0, "CERTIFICATE", certificate.der());
    write(&files.1, "PRIVATE KEY", &key.serialize_der());
    files
}

fn write(path: &Path, label: &str, der: &[u8]) {
    let encoded = STANDARD.encode(der);
    let mut text = format!("-----BEGIN {label}-----\n");
    for line in encoded.as_bytes().chunks(64) {
        text.extend(line.iter().copied().map(char::from));
        text.push('\n');
    }
    text += &format!("-----END {label}-----\n");
    std::fs::write(path, text).expect("a temporary directory is writable");
}
