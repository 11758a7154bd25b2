//! What is beside a container: ECS, and the pod identities of EKS.

use agent_tests::{ContainerCredentials, S3Server};

use crate::{assert_fails, assert_stores, run_at};

const TOKEN: &str = "eyJhbGciOiJSUzI1NiJ9.the-token-of-the-pod.c2lnbmVk";

#[test]
fn a_pod_identity_is_asked_with_the_token_of_its_file() {
    let server = S3Server::new();
    let beside = ContainerCredentials::new(&server, TOKEN);
    let run = run_at(&server);
    std::fs::write(run.path("token"), TOKEN).expect("it can be written");
    let file = run.path("token");
    let run = run
        .env("AWS_CONTAINER_CREDENTIALS_FULL_URI", beside.url())
        .env("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", file);
    assert_stores(&server, run, &[TOKEN, "temporary/secret", "session//token"]);
    assert_eq!((beside.asked(), beside.given()), (1, 1));
}

#[test]
fn an_endpoint_without_a_token_needs_none() {
    let server = S3Server::new();
    let beside = ContainerCredentials::open(&server);
    let run = run_at(&server).env("AWS_CONTAINER_CREDENTIALS_FULL_URI", beside.url());
    assert_stores(&server, run, &["temporary/secret", "session//token"]);
    assert_eq!(beside.given(), 1);
}

#[test]
fn keys_in_the_environment_are_before_it() {
    let server = S3Server::new();
    let beside = ContainerCredentials::open(&server);
    let run = crate::run_with_keys(&server);
    let run = run.env("AWS_CONTAINER_CREDENTIALS_FULL_URI", beside.url());
    assert_stores(&server, run, &[]);
    assert_eq!(beside.asked(), 0);
    // Unless it is asked for.
    let server = S3Server::new();
    let beside = ContainerCredentials::open(&server);
    let run = crate::run_with_keys(&server);
    let run = run.env("AWS_CONTAINER_CREDENTIALS_FULL_URI", beside.url());
    let run = run.setting("artifacts/credentials", "container".into());
    assert_stores(&server, run, &[]);
    assert_eq!(beside.given(), 1);
}

#[test]
fn a_token_that_it_does_not_take_is_told_of() {
    let server = S3Server::new();
    let beside = ContainerCredentials::new(&server, TOKEN);
    let wrong = "eyJhbGciOiJSUzI1NiJ9.the-token-of-another-pod.c2lnbmVk";
    let run = run_at(&server)
        .env("AWS_CONTAINER_CREDENTIALS_FULL_URI", beside.url())
        .env("AWS_CONTAINER_AUTHORIZATION_TOKEN", wrong);
    assert_fails(&server, run, &["look at the credentials"], &[wrong]);
    assert_eq!((beside.given(), server.requests().len()), (0, 0));
}

#[test]
fn an_endpoint_that_fails_for_ever_is_told_of() {
    let server = S3Server::new();
    let beside = ContainerCredentials::open(&server).failing(usize::MAX);
    let run = run_at(&server).env("AWS_CONTAINER_CREDENTIALS_FULL_URI", beside.url());
    assert_fails(&server, run, &["look at the credentials"], &[]);
}
