//! Where the bucket's name stands, and what is between.

use agent_tests::{Proxy, S3Server};

use crate::{assert_fails, assert_stores, run_with_keys};

#[test]
fn with_an_endpoint_the_bucket_is_in_the_path() {
    let server = S3Server::new();
    assert_stores(&server, run_with_keys(&server), &[]);
    for request in server.requests() {
        assert!(request.path.starts_with("/runs/reports/"), "{request:?}");
    }
}

#[test]
fn the_bucket_is_in_the_host_when_it_is_asked_for() {
    let server = S3Server::new();
    let run = run_with_keys(&server)
        .env("AGENTS_ARTIFACTS_ENDPOINT", server.named_url())
        .setting("artifacts/addressing", "virtual".into());
    std::fs::write(run.path("hosts"), server.hosts()).expect("it can be written");
    let run = run.mounting(r#"mount --bind "$dir/hosts" /etc/hosts"#);
    assert_stores(&server, run, &[]);
    for request in server.requests() {
        assert!(request.path.starts_with("/reports/"), "{request:?}");
        let host = request.header("host").unwrap_or_default();
        assert!(host.starts_with("runs.localhost:"), "{host}");
    }
}

#[test]
fn without_an_endpoint_it_is_in_the_host_of_aws() {
    let server = S3Server::new();
    // Nothing of the kind is reached from here.
    let proxy = Proxy::new().refuse(502);
    let run = run_with_keys(&server)
        .env("AGENTS_ARTIFACTS_ENDPOINT", "aws")
        .env("AGENTS_ARTIFACTS_REGION", "eu-west-3")
        .env("HTTPS_PROXY", proxy.url());
    assert_fails(&server, run, &["could not be reached", "endpoint"], &[]);
    let targets = proxy.requests();
    assert!(!targets.is_empty());
    for request in targets {
        assert_eq!(request.method, "CONNECT");
        assert_eq!(request.target, "runs.s3.eu-west-3.amazonaws.com:443");
    }
}

#[test]
fn an_endpoint_may_be_below_a_path() {
    let server = S3Server::new();
    // The server takes the first part of a path for the bucket.
    let base = format!("{}/runs", server.url());
    let run = run_with_keys(&server)
        .env("AGENTS_ARTIFACTS_ENDPOINT", base)
        .env("AGENTS_ARTIFACTS_BUCKET", "below");
    let ended = run.end();
    assert_eq!(ended.code, 0, "{:?}", server.requests()[0]);
    assert_eq!(
        server.keys(""),
        ["below/reports/large", "below/reports/small"]
    );
}

#[test]
fn a_proxy_passes_everything_on() {
    let server = S3Server::new();
    let proxy = Proxy::new()
        .auth("user", "word-of-the-proxy")
        .resolve("store.example:9000", server.address());
    let run = run_with_keys(&server)
        .env("AGENTS_ARTIFACTS_ENDPOINT", "http://store.example:9000")
        .env("HTTP_PROXY", proxy.url_as("user", "word-of-the-proxy"));
    assert_stores(&server, run, &["word-of-the-proxy"]);
    for request in server.requests() {
        assert_eq!(request.header("host"), Some("store.example:9000"));
        assert_eq!(request.header("proxy-authorization"), None);
    }
    assert!(!proxy.requests().is_empty());
}

#[test]
fn a_proxy_is_not_asked_where_there_should_be_none() {
    let server = S3Server::new();
    let proxy = Proxy::new().refuse(502);
    let run = run_with_keys(&server)
        .env("HTTP_PROXY", proxy.url())
        .env("NO_PROXY", "127.0.0.1");
    assert_stores(&server, run, &[]);
    assert_eq!(proxy.requests().len(), 0);
}
