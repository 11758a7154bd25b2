//! Certificates.

use agent_tests::{Proxy, S3Server};

use crate::{assert_fails, assert_stores, run_with_keys};

#[test]
fn a_private_authority_is_believed_when_it_is_named() {
    for name in ["AGENTS_ARTIFACTS_CA_FILE", "AWS_CA_BUNDLE", "SSL_CERT_FILE"] {
        let server = S3Server::new().tls();
        let run = run_with_keys(&server).env(name, server.ca_file());
        assert_stores(&server, run, &[]);
    }
}

#[test]
fn a_private_authority_is_not_believed_by_itself() {
    let server = S3Server::new().tls();
    let run = run_with_keys(&server);
    assert_fails(&server, run, &["certificate", "look at"], &[]);
    assert_eq!(server.requests().len(), 0);
}

#[test]
fn another_authority_is_not_believed_either() {
    let (server, other) = (S3Server::new().tls(), S3Server::new().tls());
    let run = run_with_keys(&server).env("AGENTS_ARTIFACTS_CA_FILE", other.ca_file());
    assert_fails(&server, run, &["certificate"], &[]);
}

#[test]
fn a_name_that_is_not_in_the_certificate_is_not_believed() {
    let server = S3Server::new().tls();
    let proxy = Proxy::new().resolve("store.example:443", server.address());
    let run = run_with_keys(&server)
        .env("AGENTS_ARTIFACTS_ENDPOINT", "https://store.example")
        .env("AGENTS_ARTIFACTS_CA_FILE", server.ca_file())
        .env("HTTPS_PROXY", proxy.url());
    assert_fails(&server, run, &["certificate"], &[]);
    assert_eq!(server.requests().len(), 0);
}

#[test]
fn an_authority_that_cannot_be_read_is_told_of() {
    let server = S3Server::new().tls();
    let run = run_with_keys(&server);
    let (absent, garbage) = (run.path("absent.pem"), run.path("garbage.pem"));
    std::fs::write(&garbage, "this is no certificate\n").expect("it can be written");
    let run = run.env("AGENTS_ARTIFACTS_CA_FILE", absent);
    let ended = run.end();
    assert_eq!((ended.code, ended.outcome()), (73, "ArtifactFailed"));
    assert!(ended.error().contains("absent.pem"), "{}", ended.error());
    let run = run_with_keys(&server).env("AGENTS_ARTIFACTS_CA_FILE", garbage);
    let ended = run.end();
    assert_eq!((ended.code, ended.outcome()), (73, "ArtifactFailed"));
    assert!(ended.error().contains("garbage.pem"), "{}", ended.error());
}

#[test]
fn a_plain_server_is_no_tls_server() {
    let server = S3Server::new();
    let run = run_with_keys(&server);
    let run = run.env(
        "AGENTS_ARTIFACTS_ENDPOINT",
        format!("https://{}", server.address()),
    );
    assert_fails(&server, run, &["could not be reached"], &[]);
}
