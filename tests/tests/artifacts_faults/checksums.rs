//! Servers that are older than checksums in headers get none.

use agent_tests::{Ended, Run, S3Fault, S3Operation, S3Server};

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
        assert_eq!(object.metadata["sha256"], object.sha256());
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
        assert_eq!(server.requests_for(S3Operation::Part).len(), 4);
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
