//! Each fault does what it says, to the requests that it is for.

use std::io::ErrorKind;
use std::net::TcpStream;
use std::time::{Duration, Instant};

use agent_tests::{DEADLINE, S3Fault, S3Operation, S3Server, wait_until};

use crate::client::{Client, path};
use crate::stored;

#[test]
fn errors_are_answered_as_often_as_they_are_wanted() {
    let server = S3Server::new()
        .fault(S3Fault::internal_error().times(2))
        .fault(S3Fault::slow_down().header("Retry-After", "1").once());
    let client = Client::new(&server);
    client.put("a", "hello").send().is(500, "InternalError");
    client.put("a", "hello").send().is(500, "InternalError");
    let busy = client.put("a", "hello").send();
    busy.is(503, "SlowDown");
    assert_eq!(busy.header("retry-after"), Some("1"));
    assert_eq!(client.put("a", "hello").send().status, 200);
    let statuses: Vec<_> = server.requests().iter().map(|it| it.status).collect();
    assert_eq!(statuses, [500, 500, 503, 200].map(Some));
    // The body was read before each answer.
    assert!(server.requests().iter().all(|it| it.body_bytes == 5));
}

#[test]
fn a_fault_is_for_an_operation_a_key_and_a_number() {
    let second =
        |request: &agent_tests::S3Request| request.parameter("partNumber").as_deref() == Some("2");
    let server = S3Server::new()
        .fault(
            S3Fault::answer(400, "InvalidTag")
                .key(".txt")
                .on(S3Operation::Put),
        )
        .fault(S3Fault::slow_down().when(second))
        .fault(
            S3Fault::access_denied()
                .on(S3Operation::Get)
                .after(1)
                .once(),
        );
    let client = Client::new(&server);
    client.put("a.txt", "").send().is(400, "InvalidTag");
    assert_eq!(client.put("a.bin", "").send().status, 200);
    let id = client.create("a.txt", &[]);
    assert_eq!(client.part("a.txt", &id, 1, "x").send().status, 200);
    client.part("a.txt", &id, 2, "x").send().is(503, "SlowDown");
    assert_eq!(client.get("a.bin").status, 200);
    client.get("a.bin").is(403, "AccessDenied");
    assert_eq!(client.get("a.bin").status, 200);
    server.heal();
    assert_eq!(client.put("a.txt", "").send().status, 200);
}

#[test]
fn a_bucket_can_be_read_only() {
    let server = S3Server::new();
    let client = Client::new(&server);
    client.put("a", "hello").send();
    server.add_fault(S3Fault::read_only());
    client.put("a", "other").send().is(403, "AccessDenied");
    let begin = client.ask("POST", format!("{}?uploads=", path("a")));
    begin.send().is(403, "AccessDenied");
    assert_eq!(client.get("a").text(), "hello");
    let head = client.ask("HEAD", path("a")).send();
    assert_eq!(head.status, 200);
    client
        .ask("DELETE", path("a"))
        .send()
        .is(403, "AccessDenied");
}

#[test]
fn a_token_can_be_expired() {
    let server = S3Server::new().fault(S3Fault::expired_token());
    Client::new(&server)
        .put("a", "")
        .send()
        .is(400, "ExpiredToken");
    // To `HEAD` there is no word with it.
    let head = Client::new(&server).ask("HEAD", path("a")).send();
    assert_eq!((head.status, head.body.len()), (400, 0));
}

#[test]
fn an_old_server_refuses_checksums_and_nothing_else() {
    let server = S3Server::new().fault(S3Fault::refuse_checksums(501, "NotImplemented"));
    let client = Client::new(&server);
    let sum = "LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=";
    let asked = client
        .put("a", "hello")
        .header("x-amz-checksum-sha256", sum);
    asked.send().is(501, "NotImplemented");
    let begin = client.ask("POST", format!("{}?uploads=", path("a")));
    let begin = begin.header("x-amz-checksum-algorithm", "SHA256");
    begin.send().is(501, "NotImplemented");
    let chunked = client.put("a", "0\r\n\r\n");
    let chunked = chunked.header("content-encoding", "aws-chunked").streams();
    chunked.send().is(501, "NotImplemented");
    assert_eq!(client.put("a", "hello").send().status, 200);
}

#[test]
fn a_connection_is_reset_in_the_middle_of_a_body() {
    let fault = S3Fault::reset_after(1 << 20).on(S3Operation::Put).once();
    let server = S3Server::new().fault(fault);
    let client = Client::new(&server);
    // One that is too short for it does not use it up.
    assert_eq!(client.put("small", "hello").send().status, 200);
    let error = client
        .put("big", vec![7; 16 << 20])
        .try_send()
        .expect_err("it breaks");
    let kinds = [ErrorKind::ConnectionReset, ErrorKind::BrokenPipe];
    assert!(kinds.contains(&error.kind()), "{error:?}");
    let broken = server.requests().pop().expect("there was a request");
    assert_eq!(broken.status, None);
    let read = broken.body_bytes;
    assert!((1 << 20..16 << 20).contains(&read), "{read}");
    assert!(wait_until(DEADLINE, || server
        .requests()
        .pop()
        .expect("there was a request")
        .ended
        .is_some()));
    assert!(server.object("big").is_none());
    assert_eq!(client.put("big", vec![7; 16 << 20]).send().status, 200);
}

#[test]
fn an_answer_is_lost_after_the_deed() {
    let fault = S3Fault::lose_answer().on(S3Operation::Put).once();
    let server = S3Server::new().fault(fault);
    let client = Client::new(&server);
    let error = client.put("a", "hello").try_send().expect_err("it breaks");
    assert_eq!(error.kind(), ErrorKind::ConnectionReset, "{error:?}");
    assert_eq!(stored(&server, "a").text(), "hello");
    assert_eq!(server.requests()[0].status, None);
}

#[test]
fn an_answer_may_come_before_the_body() {
    let server = S3Server::new().fault(S3Fault::slow_down().at_once());
    let client = Client::new(&server);
    // Whether the answer arrives is for the kernels to decide.
    drop(client.put("a", vec![7; 64 << 20]).try_send());
    let request = &server.requests()[0];
    assert_eq!(request.status, Some(503));
    assert!(request.body_bytes < 64 << 20, "{}", request.body_bytes);
}

#[test]
fn bodies_come_at_the_pace_of_the_fault_all_together() {
    let server = S3Server::new().fault(S3Fault::slow(2_000_000).on(S3Operation::Put));
    let began = Instant::now();
    std::thread::scope(|scope| {
        for key in ["a", "b"] {
            let client = Client::new(&server);
            scope.spawn(move || client.put(key, vec![7; 500_000]).send());
        }
    });
    let took = began.elapsed();
    assert!(took >= Duration::from_millis(500), "{took:?}");
    assert_eq!(server.concurrent_max(), 2);
    assert_eq!(stored(&server, "a").length, 500_000);
}

#[test]
fn a_slow_server_holds_its_clients_up() {
    let server = S3Server::new().fault(S3Fault::slow(1));
    let client = Client::new(&server);
    let asked = client.put("a", vec![7; 16 << 20]);
    // What kernels and servers keep is less than this, so it is still being sent.
    let stream = TcpStream::connect(server.address()).expect("it listens");
    stream
        .set_write_timeout(Some(Duration::from_millis(500)))
        .expect("a time may be limited");
    let error = asked.send_over(&stream).expect_err("it breaks");
    assert_eq!(error.kind(), ErrorKind::WouldBlock, "{error:?}");
}

#[test]
fn requests_are_delayed() {
    let server = S3Server::new().fault(S3Fault::delay(Duration::from_millis(300)));
    let began = Instant::now();
    assert_eq!(Client::new(&server).put("a", "").send().status, 200);
    assert!(began.elapsed() >= Duration::from_millis(300));
}

#[test]
fn silence_lasts_until_the_drop() {
    let server = S3Server::new().fault(S3Fault::silence());
    let stream = TcpStream::connect(server.address()).expect("it listens");
    stream
        .set_read_timeout(Some(DEADLINE))
        .expect("a time may be limited");
    let reader = stream.try_clone().expect("a descriptor can be copied");
    let client = Client::new(&server);
    let waiting = {
        let keys = client.keys.clone();
        let client = Client::of(&server, keys);
        std::thread::spawn(move || client.put("a", "hello").send_over(reader))
    };
    assert!(wait_until(DEADLINE, || {
        server
            .requests()
            .first()
            .is_some_and(|request| request.body_bytes == 5)
    }));
    assert_eq!(server.requests()[0].status, None);
    assert!(!waiting.is_finished());
    drop(server);
    waiting
        .join()
        .expect("it does not panic")
        .expect_err("it breaks");
}
