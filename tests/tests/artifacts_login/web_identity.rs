//! A role of AWS for the service account of the pod (IRSA).

use agent_tests::{Run, S3Server, TokenService};

use crate::{assert_fails, assert_stores, run_at};

const ROLE: &str = "arn:aws:iam::123456789012:role/runner";

/// What the cluster signs for the pod.
const TOKEN: &str = "eyJhbGciOiJSUzI1NiJ9.the-token-of-the-service-account.c2lnbmVk";

fn service(server: &S3Server) -> TokenService {
    TokenService::new(server, ROLE, TOKEN)
}

/// A run with a role and a token, as a pod of EKS has them.
fn run_as(server: &S3Server, url: String, token: &str) -> Run {
    let run = run_at(server);
    std::fs::write(run.path("token"), token).expect("it can be written");
    let file = run.path("token");
    run.env("AWS_ROLE_ARN", ROLE)
        .env("AWS_WEB_IDENTITY_TOKEN_FILE", file)
        .env("AWS_REGION", "eu-central-1")
        .env("AWS_ENDPOINT_URL_STS", url)
}

#[test]
fn a_role_is_assumed_once_for_all_files() {
    let server = S3Server::new();
    let service = service(&server);
    let run = run_as(&server, service.url(), TOKEN);
    assert_stores(&server, run, &[TOKEN, "temporary/secret", "session//token"]);
    assert_eq!(service.given(), 1);
    for request in server.requests() {
        assert!(request.header("x-amz-security-token").is_some());
        assert_eq!(request.region(), Some("eu-central-1"));
    }
}

#[test]
fn a_service_that_fails_at_first_is_asked_again() {
    let server = S3Server::new();
    let service = service(&server).failing(2);
    let run = run_as(&server, service.url(), TOKEN);
    assert_stores(&server, run, &[TOKEN]);
    assert!(service.asked() >= 3);
}

#[test]
fn a_token_that_the_service_does_not_take_is_told_of() {
    let server = S3Server::new();
    let service = service(&server);
    let wrong = "eyJhbGciOiJSUzI1NiJ9.the-token-of-somebody-else.c2lnbmVk";
    let run = run_as(&server, service.url(), wrong);
    let words = ["InvalidIdentityToken", "look at the credentials"];
    assert_fails(&server, run, &words, &[wrong]);
    assert_eq!(server.requests().len(), 0);
}

#[test]
fn a_role_that_may_not_be_assumed_is_told_of() {
    let server = S3Server::new();
    let service = service(&server);
    let run = run_as(&server, service.url(), TOKEN);
    let run = run.env("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/other");
    let words = ["AccessDenied", "AssumeRoleWithWebIdentity", "credentials"];
    assert_fails(&server, run, &words, &[TOKEN]);
}

#[test]
fn a_service_that_fails_for_ever_is_told_of() {
    let server = S3Server::new();
    let service = service(&server).failing(usize::MAX);
    let run = run_as(&server, service.url(), TOKEN);
    assert_fails(&server, run, &["look at the credentials"], &[TOKEN]);
    assert_eq!(server.requests().len(), 0);
}

#[test]
fn a_service_that_is_not_there_is_told_of() {
    let server = S3Server::new();
    let run = run_as(&server, "http://127.0.0.1:1".to_owned(), TOKEN);
    assert_fails(&server, run, &["look at the credentials"], &[TOKEN]);
}

#[test]
fn a_token_that_is_not_there_is_told_of() {
    let server = S3Server::new();
    let service = service(&server);
    let run = run_as(&server, service.url(), TOKEN);
    std::fs::remove_file(run.path("token")).expect("it is there");
    let ended = run.end();
    assert_eq!((ended.code, ended.outcome()), (73, "ArtifactFailed"));
    for word in ["/token`", "AWS_WEB_IDENTITY_TOKEN_FILE", "No such file"] {
        assert!(ended.error().contains(word), "{}", ended.error());
    }
    assert_eq!((service.asked(), server.requests().len()), (0, 0));
}
