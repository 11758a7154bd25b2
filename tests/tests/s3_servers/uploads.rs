//! Uploads in parts.

use agent_tests::{S3Operation, S3Server};

use crate::client::{Answer, Client};
use crate::stored;

/// The smallest part that is not the last.
const PART: usize = 5 << 20;

/// `head -c 5242880 /dev/zero | openssl sha256 -binary | base64`, and of one byte `x`.
const ZEROS: &str = "wDbLt1U6kJ+LiHfURhkkMH8n7LZs/5KO7q/VacOIfik=";
const X: &str = "LXEWQrcmsEQBYnyp+6wy9chTD7GQPMTbAiWHF5IaSIE=";

fn named(part: &Answer) -> String {
    format!(
        "<ETag>{}</ETag>",
        part.header("etag").expect("a part has an ETag")
    )
}

fn with_checksum(part: &Answer, sha256: &str) -> String {
    format!("{}<ChecksumSHA256>{sha256}</ChecksumSHA256>", named(part))
}

#[test]
fn parts_become_an_object() {
    let server = S3Server::new();
    let client = Client::new(&server);
    let id = client.create("big", &[("content-type", "a/b"), ("x-amz-meta-a", "b")]);
    assert_eq!(server.uploads_open(), 1);
    // In whatever order they come.
    let last = client.part("big", &id, 2, "x").send();
    let first = client.part("big", &id, 1, vec![0; PART]).send();
    assert!(server.object("big").is_none());
    let done = client.complete("big", &id, &[named(&first), named(&last)]);
    assert_eq!(done.status, 200, "{}", done.text());
    assert_eq!(server.uploads_open(), 0);

    let object = stored(&server, "big");
    assert_eq!((object.length, object.parts), (5_242_881, Some(2)));
    assert_eq!(object.content_type.as_deref(), Some("a/b"));
    assert_eq!(object.metadata["a"], "b");
    assert!(object.etag.ends_with("-2"), "{}", object.etag);
    let mut bytes = vec![0; PART];
    bytes.push(b'x');
    assert!(object.bytes() == bytes);
    assert!(client.get("big").body == bytes);
    let range = client.ask("GET", crate::client::path("big"));
    let range = range.header("range", "bytes=5242879-5242880").send();
    assert_eq!(range.body, b"\0x");
}

#[test]
fn an_open_upload_is_noticed_until_it_is_aborted() {
    let server = S3Server::new();
    let client = Client::new(&server);
    let (one, two) = (client.create("a", &[]), client.create("a", &[]));
    client.part("a", &one, 1, "x").send();
    assert_eq!(server.uploads_open(), 2);
    assert_eq!(client.abort("a", &one).status, 204);
    assert_eq!(server.uploads_open(), 1);
    client
        .part("a", &one, 2, "x")
        .send()
        .is(404, "NoSuchUpload");
    client.abort("a", &one).is(404, "NoSuchUpload");
    let list = client.ask("GET", "/runs?uploads=").send();
    assert_eq!(
        list.element("UploadId")
            .replace('/', "%2F")
            .replace('+', "%2B")
            .replace('=', "%3D"),
        two
    );
    assert_eq!(server.requests_for(S3Operation::Abort).len(), 2);
    assert_eq!(server.keys(""), [""; 0]);
}

#[test]
fn what_is_completed_must_be_what_was_sent() {
    let server = S3Server::new();
    let client = Client::new(&server);
    let id = client.create("a", &[]);
    let small = client.part("a", &id, 1, "x").send();
    let other = client.part("a", &id, 2, "y").send();
    client
        .complete("a", &id, &[named(&other)])
        .is(400, "InvalidPart");
    client
        .complete("a", &id, &[named(&small), named(&other)])
        .is(400, "EntityTooSmall");
    client.complete("a", &id, &[]).is(400, "MalformedXML");
    client
        .part("a", &id, 10_001, "x")
        .send()
        .is(400, "InvalidArgument");
    assert_eq!((server.uploads_open(), server.keys("").len()), (1, 0));
    assert_eq!(client.complete("a", &id, &[named(&small)]).status, 200);
}

#[test]
fn checksums_of_parts_are_those_that_the_upload_was_begun_with() {
    let server = S3Server::new();
    let client = Client::new(&server);
    let sum = |asked: crate::client::Asked<'_>, sum: &str| {
        asked.header("x-amz-checksum-sha256", sum).send()
    };
    let without = client.create("a", &[]);
    sum(client.part("a", &without, 1, "x"), X).is(400, "InvalidRequest");

    let id = client.create("a", &[("x-amz-checksum-algorithm", "SHA256")]);
    client
        .part("a", &id, 1, "x")
        .send()
        .is(400, "InvalidRequest");
    sum(client.part("a", &id, 1, "y"), X).is(400, "BadDigest");
    let first = sum(client.part("a", &id, 1, vec![0; PART]), ZEROS);
    let last = sum(client.part("a", &id, 2, "x"), X);
    assert_eq!(
        (first.status, last.status),
        (200, 200),
        "{}{}",
        first.text(),
        last.text()
    );
    client
        .complete("a", &id, &[named(&first), named(&last)])
        .is(400, "InvalidRequest");
    let swapped = [with_checksum(&first, X), with_checksum(&last, ZEROS)];
    client.complete("a", &id, &swapped).is(400, "InvalidPart");
    let right = [with_checksum(&first, ZEROS), with_checksum(&last, X)];
    assert_eq!(client.complete("a", &id, &right).status, 200);
    let checksum = stored(&server, "a")
        .checksum_sha256
        .expect("its parts have one");
    assert!(checksum.ends_with("-2"), "{checksum}");
}
