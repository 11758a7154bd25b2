//! What is stored, and what is read back.

use std::net::TcpStream;
use std::sync::Arc;

use agent_tests::{S3Operation, S3Server};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use crate::client::{Client, path};
use crate::stored;

/// `echo -n hello | sha256sum`, in hexadecimal and in base64.
const SHA256: &str = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";
const SHA256_BASE64: &str = "LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=";

#[test]
fn what_is_said_of_an_object_is_kept() {
    let server = S3Server::new();
    let client = Client::new(&server);
    let asked = client
        .put("logs/a.txt", "hello")
        .header("content-type", "text/plain; charset=utf-8")
        .header("x-amz-meta-sha256", SHA256)
        .header("x-amz-checksum-sha256", SHA256_BASE64)
        .header("x-amz-server-side-encryption", "aws:kms")
        .header("x-amz-server-side-encryption-aws-kms-key-id", "key-1")
        .header("x-amz-storage-class", "STANDARD_IA");
    assert_eq!(asked.send().status, 200);

    let object = stored(&server, "logs/a.txt");
    assert_eq!((object.length, object.text().as_str()), (5, "hello"));
    assert_eq!(object.sha256(), SHA256);
    assert_eq!(object.metadata["sha256"], SHA256);
    assert_eq!(object.checksum_sha256.as_deref(), Some(SHA256_BASE64));
    let content_type = object.content_type.as_deref();
    assert_eq!(content_type, Some("text/plain; charset=utf-8"));
    assert_eq!(object.encryption.as_deref(), Some("aws:kms"));
    assert_eq!(object.kms_key.as_deref(), Some("key-1"));
    assert_eq!(object.storage_class.as_deref(), Some("STANDARD_IA"));
    assert_eq!(object.header("Content-Length"), Some("5"));
    assert_eq!(object.parts, None);

    let head = client.ask("HEAD", path("logs/a.txt"));
    let head = head.header("x-amz-checksum-mode", "ENABLED").send();
    assert_eq!((head.status, head.body.len()), (200, 0));
    assert_eq!(head.header("content-length"), Some("5"));
    assert_eq!(head.header("x-amz-meta-sha256"), Some(SHA256));
    assert_eq!(head.header("x-amz-checksum-sha256"), Some(SHA256_BASE64));
    assert_eq!(
        head.header("etag"),
        Some("\"5d41402abc4b2a76b9719d911017c592\"")
    );
    assert_eq!(client.get("logs/a.txt").body, b"hello");
}

#[test]
fn every_key_round_trips() {
    let server = S3Server::new();
    let client = Client::new(&server);
    let long = "k".repeat(1024);
    let keys = [
        "a",
        "a/b",
        "a//b",
        "/a",
        " a ",
        "a b+c%20d%2F",
        "ä/ß/日本/🦀",
        "a?b#c&d=e",
        "'\"<>\\",
        "..",
        "x/../y",
        &long,
    ];
    for (number, key) in keys.iter().enumerate() {
        let put = client.put(key, number.to_string()).send();
        assert_eq!(put.status, 200, "{key}: {}", put.text());
    }
    for (number, key) in keys.iter().enumerate() {
        let got = client.get(key);
        assert_eq!((got.status, got.text()), (200, number.to_string()), "{key}");
        assert_eq!(stored(&server, key).text(), number.to_string());
    }
    let mut keys = keys.to_vec();
    keys.sort_unstable();
    assert_eq!(server.keys(""), keys);
    assert_eq!(server.keys("a/"), ["a//b", "a/b"]);
    let requests = server.requests();
    assert!(requests.iter().any(|request| request.key == "a b+c%20d%2F"));
    client
        .put(&format!("{long}k"), "")
        .send()
        .is(400, "KeyTooLongError");
}

#[test]
fn what_is_not_there_is_said_to_be_missing() {
    let server = S3Server::new().with_bucket("other");
    let client = Client::new(&server);
    client.get("a").is(404, "NoSuchKey");
    client
        .ask("PUT", "/missing/a")
        .send()
        .is(404, "NoSuchBucket");
    client
        .ask("POST", "/missing/a?uploads=")
        .send()
        .is(404, "NoSuchBucket");
    client
        .ask("GET", "/missing/a")
        .send()
        .is(404, "NoSuchBucket");
    assert_eq!(client.ask("HEAD", path("a")).send().status, 404);
    assert_eq!(client.ask("PUT", "/other/a").send().status, 200);
    assert!(server.object_in("other", "a").is_some() && server.object("a").is_none());
}

#[test]
fn a_wrong_checksum_is_refused_and_nothing_is_kept() {
    let server = S3Server::new();
    let client = Client::new(&server);
    let wrong = [
        (
            "x-amz-checksum-sha256",
            "AAAAul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=",
        ),
        ("x-amz-checksum-crc32", "AAAAAA=="),
        ("content-md5", "AAAAAAAAAAAAAAAAAAAAAA=="),
    ];
    for (name, value) in wrong {
        let asked = client.put("a", "hello").header(name, value);
        asked.send().is(400, "BadDigest");
    }
    let asked = client.put("a", "hello");
    let asked = asked.header("x-amz-sdk-checksum-algorithm", "SHA256");
    asked.send().is(400, "InvalidRequest");
    assert_eq!(server.keys(""), [""; 0]);
}

#[test]
fn a_checksum_in_a_trailer_is_looked_at() {
    let server = S3Server::new();
    let client = Client::new(&server);
    let put = |checksum: &str| {
        // Without signatures of its chunks, as clients send it over TLS.
        let body = format!("5\r\nhello\r\n0\r\nx-amz-checksum-crc32:{checksum}\r\n\r\n");
        client
            .put("a", body)
            .header("content-encoding", "aws-chunked")
            .header("x-amz-decoded-content-length", "5")
            .header("x-amz-trailer", "x-amz-checksum-crc32")
            .streams()
            .send()
    };
    put("AAAAAA==").is(400, "BadDigest");
    assert!(server.object("a").is_none());
    assert_eq!(put("NhCmhg==").status, 200);
    assert_eq!(stored(&server, "a").text(), "hello");
}

#[test]
fn there_are_no_access_control_lists() {
    let server = S3Server::new();
    let client = Client::new(&server);
    let asked = client.put("a", "").header("x-amz-acl", "private");
    asked.send().is(400, "AccessControlListNotSupported");
}

#[test]
fn ranges_and_lists_can_be_read() {
    let server = S3Server::new();
    let client = Client::new(&server);
    for key in ["a/1", "a/2", "a/3", "b"] {
        client.put(key, "0123456789").send();
    }
    let range = client
        .ask("GET", path("b"))
        .header("range", "bytes=2-4")
        .send();
    assert_eq!((range.status, range.text().as_str()), (206, "234"));
    assert_eq!(range.header("content-range"), Some("bytes 2-4/10"));

    let page = client
        .ask("GET", "/runs?list-type=2&max-keys=2&prefix=a%2F")
        .send();
    let text = page.text();
    assert!(
        text.contains("<Key>a/1</Key>") && text.contains("<Key>a/2</Key>"),
        "{text}"
    );
    assert!(!text.contains("<Key>a/3</Key>"), "{text}");
    assert_eq!(page.element("IsTruncated"), "true");
    let token = page.element("NextContinuationToken").replace('/', "%2F");
    let query = format!("/runs?continuation-token={token}&list-type=2&prefix=a%2F");
    let page = client.ask("GET", query).send();
    assert_eq!(
        (page.element("Key"), page.element("IsTruncated")),
        ("a/3".into(), "false".into())
    );
    let top = client
        .ask("GET", "/runs?delimiter=%2F&list-type=2")
        .send()
        .text();
    assert!(
        top.contains("<CommonPrefixes><Prefix>a/</Prefix></CommonPrefixes>"),
        "{top}"
    );
}

#[test]
fn a_bucket_may_be_in_the_host() {
    let server = S3Server::new();
    let mut client = Client::new(&server);
    client.host = format!("runs.localhost:{}", server.address().port());
    assert_eq!(client.ask("PUT", "/a/b").body("hello").send().status, 200);
    assert_eq!(stored(&server, "a/b").text(), "hello");
    let request = &server.requests()[0];
    assert_eq!(
        (request.bucket.as_str(), request.key.as_str()),
        ("runs", "a/b")
    );
    assert_eq!(request.region(), Some("us-east-1"));
    // The name alone has none.
    client.host = format!("localhost:{}", server.address().port());
    assert_eq!(client.get("a/b").text(), "hello");
    assert_eq!(server.named_url(), format!("http://{}", client.host));
}

#[test]
fn it_speaks_tls_by_its_own_authority() {
    let server = S3Server::new().tls();
    let mut roots = RootCertStore::empty();
    let authority = CertificateDer::from_pem_file(server.ca_file()).expect("it is PEM");
    roots.add(authority).expect("it is a certificate");
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("the provider knows them")
        .with_root_certificates(roots)
        .with_no_client_auth();
    let config = Arc::new(config);
    for name in ["127.0.0.1", "localhost", "runs.localhost"] {
        let name = ServerName::try_from(name).expect("it is a name");
        let connection = ClientConnection::new(Arc::clone(&config), name);
        let connection = connection.expect("the configuration is whole");
        let stream = TcpStream::connect(server.address()).expect("it listens");
        let stream = StreamOwned::new(connection, stream);
        let client = Client::new(&server);
        let answer = client
            .put("a", "hello")
            .send_over(stream)
            .expect("it answers");
        assert_eq!(answer.status, 200);
    }
    assert!(server.url().starts_with("https://127.0.0.1:"));
}

#[test]
fn requests_are_noted() {
    let server = S3Server::new();
    let client = Client::new(&server);
    client.put("a b", "hello").send();
    client.get("missing");
    let requests = server.requests();
    let [put, get] = requests.as_slice() else {
        panic!("{requests:?}");
    };
    assert_eq!(
        (put.method.as_str(), put.operation),
        ("PUT", S3Operation::Put)
    );
    assert_eq!(
        (put.path.as_str(), put.key.as_str()),
        ("/runs/a%20b", "a b")
    );
    assert_eq!((put.body_bytes, put.status), (5, Some(200)));
    assert_eq!((get.operation, get.status), (S3Operation::Get, Some(404)));
    assert_eq!((put.connection, get.connection), (1, 2));
    assert!(put.ended.expect("it is over") <= get.started);
    assert_eq!((server.concurrent_max(), server.connections()), (1, 2));
}

#[test]
fn it_stores_in_the_directory_that_it_is_given() {
    let dir = tempfile::tempdir().expect("a temporary directory can be made");
    let count = || walk(dir.path());
    let server = S3Server::at(dir.path());
    let client = Client::new(&server);
    client.put("a", "hello").send();
    client.put("a", "hello again").send();
    assert_eq!(count(), 1, "what is replaced is gone");
    drop(server);
    assert_eq!(count(), 0);
}

/// Counts the files below a directory.
fn walk(dir: &std::path::Path) -> usize {
    let mut count = 0;
    for entry in std::fs::read_dir(dir).expect("the directory is there") {
        let path = entry.expect("it can be read").path();
        count += if path.is_dir() { walk(&path) } else { 1 };
    }
    count
}
