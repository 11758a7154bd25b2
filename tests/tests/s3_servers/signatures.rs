//! Who is let in.

use std::io::{Read, Write};
use std::net::TcpStream;

use agent_tests::{DEADLINE, S3Server};

use crate::client::{Answer, Client, path};
use crate::stored;

#[test]
fn a_request_with_the_right_signature_is_served() {
    let server = S3Server::new();
    assert_eq!(
        Client::new(&server).put("a.txt", "hello").send().status,
        200
    );
    assert_eq!(stored(&server, "a.txt").bytes(), b"hello");
}

#[test]
fn another_secret_is_refused() {
    let server = S3Server::new();
    let mut client = Client::new(&server);
    client.keys.secret_key.push('x');
    client
        .put("a.txt", "hello")
        .send()
        .is(403, "SignatureDoesNotMatch");
    assert_eq!(server.keys(""), [""; 0]);
}

#[test]
fn an_access_key_that_nobody_has_is_refused() {
    let server = S3Server::new();
    let mut client = Client::new(&server);
    client.keys.access_key.push('X');
    client
        .put("a.txt", "hello")
        .send()
        .is(403, "InvalidAccessKeyId");
}

#[test]
fn another_body_than_the_signed_one_is_refused() {
    let server = S3Server::new();
    let client = Client::new(&server);
    let asked = client.put("a.txt", "hello").signs("hullo");
    asked.send().is(400, "XAmzContentSHA256Mismatch");
    assert_eq!(server.keys(""), [""; 0]);
}

#[test]
fn a_header_that_is_not_signed_is_refused() {
    let server = S3Server::new();
    let client = Client::new(&server);
    let asked = client.put("a.txt", "hello").unsigned("x-amz-meta-a", "b");
    asked.send().is(403, "AccessDenied");
    assert_eq!(server.keys(""), [""; 0]);
    // Others need not be.
    let asked = client.put("a.txt", "hello").unsigned("accept", "*/*");
    assert_eq!(asked.send().status, 200);
}

#[test]
fn a_request_without_a_signature_is_refused() {
    let server = S3Server::new();
    let mut stream = TcpStream::connect(server.address()).expect("it listens");
    stream
        .set_read_timeout(Some(DEADLINE))
        .expect("a time may be limited");
    let head = format!(
        "GET {} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n",
        path("a")
    );
    stream.write_all(head.as_bytes()).expect("it reads");
    Answer::read(stream, false)
        .expect("it answers")
        .is(403, "AccessDenied");
}

#[test]
fn temporary_keys_are_let_in_with_their_token_only() {
    let server = S3Server::new();
    let (keys, others) = (server.temporary_keys(), server.temporary_keys());
    let put = |token| {
        let mut client = Client::of(&server, keys.clone());
        client.keys.session_token = token;
        client.put("a.txt", "hello").send()
    };
    put(None).is(403, "InvalidAccessKeyId");
    put(others.session_token).is(400, "InvalidToken");
    assert_eq!(server.keys(""), [""; 0]);
    assert_eq!(put(keys.session_token.clone()).status, 200);
    server.expire_temporary_keys();
    put(keys.session_token.clone()).is(400, "ExpiredToken");
    // Those that are made later are good.
    let client = Client::of(&server, server.temporary_keys());
    assert_eq!(client.put("b.txt", "hello").send().status, 200);
}

#[test]
fn dropping_it_closes_its_connections() {
    let server = S3Server::new();
    let mut stream = TcpStream::connect(server.address()).expect("it listens");
    stream
        .set_read_timeout(Some(DEADLINE))
        .expect("a time may be limited");
    let address = server.address();
    drop(server);
    assert_eq!(stream.read(&mut [0; 1]).unwrap_or(0), 0);
    assert!(
        TcpStream::connect(address).is_err(),
        "somebody still listens"
    );
}
