//! Servers that are older than checksums in headers get none.

use agent_tests::{Ended, Run, S3Fault, S3Operation, S3Request, S3Server};

use crate::scene::{MIB, assert_stored, declaring, key, noise, storing};

/// Those that were answered with an error.
fn refused(server: &S3Server) -> usize {
    let requests = server.requests();
    let statuses = requests.iter().filter_map(|request| request.status);
    statuses
        .filter(|status| matches!(status, 400 | 501))
        .count()
}

#[track_caller]
fn store(server: &S3Server, files: &[(&str, u64)]) -> Ended {
    let names: Vec<_> = files.iter().map(|(name, _)| *name).collect();
    let run = declaring(storing(Run::new(), server), &names);
    for (name, size) in files {
        noise(&run.path(name), *size);
    }
    let ended = run.end();
    assert_stored(server, &ended, files.len() as u64);
    for (name, size) in files {
        let object = server.object(&key(name)).expect("it is stored");
        assert_eq!(object.length, *size);
        assert!(object.tells_its_content(), "{name}");
    }
    ended
}

fn old_servers() -> [S3Fault; 3] {
    [
        S3Fault::refuse_checksums(400, "InvalidArgument"),
        S3Fault::refuse_checksums(501, "NotImplemented"),
        S3Fault::refuse_checksums(501, "NotImplemented")
            .message("A header you provided implies functionality that is not implemented."),
    ]
}

#[test]
fn a_server_that_refuses_them_is_asked_again_without_once() {
    for old in old_servers() {
        let server = S3Server::new().fault(old.clone());
        store(&server, &[("large", 25 * MIB)]);
        assert_eq!(refused(&server), 1, "{:?}", server.requests());
        assert_eq!(server.requests_for(S3Operation::Part).len(), 5);
        let server = S3Server::new().fault(old);
        store(&server, &[("small", 5)]);
        assert_eq!(refused(&server), 1, "{:?}", server.requests());
        let object = server.object(&key("small")).expect("it is stored");
        assert_eq!(object.checksum_sha256, None);
    }
}

#[test]
fn a_server_that_refuses_them_is_not_bothered_with_them_any_more() {
    let names: Vec<String> = (0..40).map(|index| format!("file-{index}")).collect();
    let mut files: Vec<_> = names.iter().map(|name| (&**name, 100)).collect();
    files.push(("large", 17 * MIB));
    for old in old_servers() {
        let server = S3Server::new().fault(old);
        store(&server, &files);
        // Those that are on their way at once cannot know it from each other.
        assert!((1..=8).contains(&refused(&server)), "{}", refused(&server));
    }
}

#[test]
fn a_server_that_forgets_them_is_told_the_sum_of_a_large_object_before() {
    let server = S3Server::new().forgetting_checksums();
    // Every object has it in its metadata.
    store(&server, &[("large", 25 * MIB), ("small", 5)]);
    let creates = server.requests_for(S3Operation::Create);
    let asked = creates.iter().map(S3Request::has_checksum);
    assert_eq!(asked.collect::<Vec<_>>(), [true, false]);
    // What was begun to find that out has been given up.
    assert_eq!(server.requests_for(S3Operation::Abort).len(), 1);
}

#[test]
fn a_server_that_forgets_them_gets_payloads_that_are_signed() {
    let server = S3Server::new().forgetting_checksums();
    store(&server, &[("large", 17 * MIB)]);
    // Something else is there now, so the sum is known before the object is begun.
    store(&server, &[("large", 18 * MIB)]);
    let parts = server.requests_for(S3Operation::Part);
    let said = |part: &S3Request| part.header("x-amz-content-sha256").map(str::len);
    assert!(parts.iter().all(|part| said(part) == Some(64)), "{parts:?}");
}

#[test]
fn a_head_that_is_refused_costs_no_checksums() {
    let fault = S3Fault::answer(400, "InvalidRequest").on(S3Operation::Head);
    let server = S3Server::new().fault(fault);
    store(&server, &[("large", 17 * MIB)]);
    let parts = server.requests_for(S3Operation::Part);
    assert!(parts.iter().all(S3Request::has_checksum), "{parts:?}");
}

#[test]
fn parts_whose_sum_is_signed_are_not_signed_again_unless_a_policy_wants_it() {
    let is_unsigned = |request: &S3Request| {
        let said = request.header("x-amz-content-sha256");
        said == Some("UNSIGNED-PAYLOAD")
    };
    let count = |server: &S3Server| {
        let parts = server.requests_for(S3Operation::Part);
        let unsigned = parts.iter().filter(|part| is_unsigned(part)).count();
        (unsigned, parts.len() - unsigned)
    };
    let server = S3Server::new();
    store(&server, &[("large", 17 * MIB), ("small", 5)]);
    assert_eq!(count(&server), (3, 0));
    assert!(
        !server
            .requests_for(S3Operation::Put)
            .iter()
            .any(is_unsigned)
    );
    let forbidden = S3Fault::access_denied().when(is_unsigned);
    let server = S3Server::new().fault(forbidden);
    store(&server, &[("large", 17 * MIB), ("larger", 30 * MIB)]);
    let (refused, signed) = count(&server);
    assert_eq!(signed, 3 + 5);
    // Those that are on their way at once cannot know it from each other.
    assert!((1..=5).contains(&refused), "{refused}");
}

#[test]
fn other_servers_get_the_sum_of_every_body() {
    let server = S3Server::new();
    store(&server, &[("small", 5), ("large", 17 * MIB)]);
    let sums = |operation| {
        let requests = server.requests_for(operation);
        let of_all = requests.iter().map(|request| {
            let sum = request.header("x-amz-checksum-sha256");
            sum.map(str::len)
        });
        of_all.collect::<Vec<_>>()
    };
    // 32 bytes in base64.
    assert_eq!(sums(S3Operation::Put), [Some(44)]);
    assert_eq!(sums(S3Operation::Part), [Some(44); 3]);
}

#[test]
fn an_error_that_is_not_about_checksums_is_told() {
    let fault = S3Fault::answer(400, "InvalidRequest").message("The bucket is a teapot.");
    let server = S3Server::new().fault(fault);
    let run = declaring(storing(Run::new(), &server), &["small"]);
    noise(&run.path("small"), 5);
    let ended = run.end();
    assert_eq!((ended.code, ended.outcome()), (73, "ArtifactFailed"));
    assert!(ended.error().contains("teapot"), "{}", ended.error());
    assert_eq!(server.requests_for(S3Operation::Put).len(), 2);
}
