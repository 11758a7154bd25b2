//! Keys from the environment.

use agent_tests::{InstanceMetadata, S3Operation, S3Server};

use crate::{assert_fails, assert_stores, run_at, run_with_keys};

#[test]
fn the_keys_of_the_controller_need_no_token() {
    let server = S3Server::new();
    assert_stores(&server, run_with_keys(&server), &[]);
    for request in server.requests() {
        assert_eq!(request.header("x-amz-security-token"), None);
        assert_eq!(request.region(), Some("us-east-1"));
    }
}

#[test]
fn requests_are_signed_for_the_region_that_is_named() {
    let server = S3Server::new();
    let run = run_with_keys(&server).env("AGENTS_ARTIFACTS_REGION", "eu-north-1");
    assert_stores(&server, run, &[]);
    let is_there = |request: &agent_tests::S3Request| request.region() == Some("eu-north-1");
    assert!(server.requests().iter().all(is_there));
}

#[test]
fn a_session_has_its_token_in_every_request() {
    for [access, secret, session] in [
        [
            "AGENTS_ARTIFACTS_ACCESS_KEY_ID",
            "AGENTS_ARTIFACTS_SECRET_ACCESS_KEY",
            "AGENTS_ARTIFACTS_SESSION_TOKEN",
        ],
        [
            "AWS_ACCESS_KEY_ID",
            "AWS_SECRET_ACCESS_KEY",
            "AWS_SESSION_TOKEN",
        ],
    ] {
        let server = S3Server::new();
        let keys = server.temporary_keys();
        let token = keys.session_token.expect("temporary keys have one");
        let run = run_at(&server)
            .env(access, keys.access_key)
            .env(secret, &*keys.secret_key)
            .env(session, &*token);
        assert_stores(&server, run, &[&keys.secret_key, &token]);
    }
}

#[test]
fn a_session_without_its_token_is_none() {
    let server = S3Server::new();
    let keys = server.temporary_keys();
    let run = run_at(&server)
        .env("AGENTS_ARTIFACTS_ACCESS_KEY_ID", keys.access_key)
        .env("AGENTS_ARTIFACTS_SECRET_ACCESS_KEY", &*keys.secret_key);
    let words = ["InvalidAccessKeyId", "look at the access key"];
    assert_fails(&server, run, &words, &[&keys.secret_key]);
}

#[test]
fn a_session_that_expires_in_the_middle_is_told_of() {
    let server = S3Server::new();
    let keys = server.temporary_keys();
    let token = keys.session_token.expect("temporary keys have one");
    let run = run_at(&server)
        .env("AWS_ACCESS_KEY_ID", keys.access_key)
        .env("AWS_SECRET_ACCESS_KEY", &*keys.secret_key)
        .env("AWS_SESSION_TOKEN", &*token);
    server.add_fault(agent_tests::S3Fault::expired_token().on(S3Operation::Part));
    let ended = run.end();
    crate::assert_failed(&server, &ended, &["ExpiredToken", "renew them"]);
    assert_eq!(server.keys(""), [crate::key("small")]);
}

#[test]
fn the_metadata_of_the_machine_is_only_asked_when_it_should_be() {
    let server = S3Server::new();
    let metadata = InstanceMetadata::new(&server);
    let run = || run_at(&server).env("AWS_EC2_METADATA_SERVICE_ENDPOINT", metadata.url());
    let ended = run().end();
    assert_eq!((ended.code, ended.outcome()), (73, "ArtifactFailed"));
    let error = ended.error();
    assert!(error.contains("AGENTS_ARTIFACTS_ACCESS_KEY_ID"), "{error}");
    assert_eq!((metadata.asked(), server.requests().len()), (0, 0));

    let instance = run().setting("artifacts/credentials", "instance".into());
    assert_stores(&server, instance, &["temporary/secret", "session//token"]);
    // A token, the role, its keys: once, for all files.
    assert_eq!(metadata.given(), 1);
}
