//! A server that will never take anything is asked a few times, not thousands of times, and the run
//! says what to do.

use agent_tests::{Ended, Run, S3Fault, S3Operation, S3Server};
use serde_json::json;

use crate::scene::{MIB, assert_failed, assert_untold, declaring, noise, storing, uploads};

/// What is asked at most before it is known: eight files are on their way at once.
const ASKED: usize = 8;

/// A run with a file, a large file, and a tree of five thousand.
fn run_at(server: &S3Server) -> Run {
    let run = declaring(storing(Run::new(), server), &["file", "large"]);
    noise(&run.path("file"), 1);
    noise(&run.path("large"), 17 * MIB);
    for index in 0..5_000 {
        noise(&run.path(&format!("tree/{}/{index}", index % 50)), 2);
    }
    let tree = json!([{ "name": "tree", "path": "tree", "key": "tree/" }]);
    run.setting("artifacts/files", tree)
}

/// Checks that nothing was stored, nobody was bothered, and the first artifact says why.
#[track_caller]
fn assert_refused(server: &S3Server, ended: &Ended, words: &[&str]) {
    assert_failed(server, ended, words);
    assert_eq!(server.keys(""), [""; 0]);
    let asked = server.requests().len();
    assert!((1..=ASKED).contains(&asked), "{asked} requests");
    assert_eq!(uploads(ended)["failed"], 5_002, "{}", uploads(ended));
}

#[test]
fn a_wrong_secret_key() {
    let server = S3Server::new();
    let wrong = "wrong+secret/of/somebody/else+0123456789";
    let run = run_at(&server).env("AGENTS_ARTIFACTS_SECRET_ACCESS_KEY", wrong);
    let ended = run.end();
    assert_refused(&server, &ended, &["SignatureDoesNotMatch", "secret key"]);
    assert_untold(&ended, wrong);
}

#[test]
fn an_access_key_that_nobody_knows() {
    let server = S3Server::new();
    let run = run_at(&server).env("AGENTS_ARTIFACTS_ACCESS_KEY_ID", "AKIANOBODYKNOWSITATA");
    assert_refused(
        &server,
        &run.end(),
        &["InvalidAccessKeyId", "look at the access key"],
    );
}

#[test]
fn a_session_that_has_expired() {
    let server = S3Server::new();
    let keys = server.temporary_keys();
    server.expire_temporary_keys();
    let token = keys.session_token.expect("temporary keys have one");
    let run = run_at(&server)
        .env("AGENTS_ARTIFACTS_ACCESS_KEY_ID", keys.access_key)
        .env("AGENTS_ARTIFACTS_SECRET_ACCESS_KEY", &*keys.secret_key)
        .env("AGENTS_ARTIFACTS_SESSION_TOKEN", &*token);
    let ended = run.end();
    assert_refused(&server, &ended, &["ExpiredToken", "renew them"]);
    assert_untold(&ended, &keys.secret_key);
    assert_untold(&ended, &token);
}

#[test]
fn a_bucket_that_is_not_there() {
    let server = S3Server::new();
    let run = run_at(&server).env("AGENTS_ARTIFACTS_BUCKET", "nowhere");
    assert_refused(
        &server,
        &run.end(),
        &["`nowhere`", "NoSuchBucket", "AGENTS_ARTIFACTS_BUCKET"],
    );
}

#[test]
fn a_bucket_in_another_region() {
    let moved = S3Fault::answer(301, "PermanentRedirect")
        .header("x-amz-bucket-region", "eu-central-1")
        .header("location", "http://127.0.0.1:1/elsewhere");
    let server = S3Server::new().fault(moved);
    assert_refused(
        &server,
        &run_at(&server).end(),
        &["PermanentRedirect", "AGENTS_ARTIFACTS_REGION"],
    );
}

#[test]
fn a_clock_that_is_wrong() {
    let skewed = S3Fault::answer(403, "RequestTimeTooSkewed");
    let server = S3Server::new().fault(skewed.on(S3Operation::Put));
    let run = declaring(storing(Run::new(), &server), &["file"]);
    noise(&run.path("file"), 1);
    assert_failed(&server, &run.end(), &["RequestTimeTooSkewed", "clock"]);
}

#[test]
fn a_bucket_that_may_only_be_read() {
    let server = S3Server::new().fault(S3Fault::read_only());
    let run = declaring(storing(Run::new(), &server), &["file", "large"]);
    noise(&run.path("file"), 1);
    noise(&run.path("large"), 17 * MIB);
    let ended = run.end();
    assert_failed(&server, &ended, &["403", "AccessDenied", "s3:PutObject"]);
    assert_eq!(server.keys(""), [""; 0]);
    // A refusal is none that another attempt changes.
    assert_eq!(server.requests_for(S3Operation::Put).len(), 1);
    assert_eq!(server.requests_for(S3Operation::Create).len(), 1);
}

#[test]
fn a_key_that_may_not_even_look() {
    let server = S3Server::new().fault(S3Fault::access_denied().on(S3Operation::Head));
    let run = declaring(storing(Run::new(), &server), &["large"]);
    noise(&run.path("large"), 17 * MIB);
    let ended = run.end();
    crate::scene::assert_stored(&server, &ended, 1);
}

#[test]
fn a_server_that_is_not_there() {
    let server = S3Server::new();
    let run = run_at(&server).env("AGENTS_ARTIFACTS_ENDPOINT", "http://127.0.0.1:1");
    let ended = run.end();
    assert_failed(&server, &ended, &["could not be reached", "endpoint"]);
    assert_eq!(uploads(&ended)["failed"], 5_002, "{}", uploads(&ended));
    assert!(ended.took.as_secs() < 25, "{:?}", ended.took);
}

#[test]
fn a_server_that_does_not_speak_s3() {
    // It answers everything with a page.
    let server = S3Server::new();
    let services = agent_tests::TokenService::new(&server, "role", "token");
    let run = declaring(storing(Run::new(), &server), &["file"]);
    noise(&run.path("file"), 1);
    let ended = run.env("AGENTS_ARTIFACTS_ENDPOINT", services.url()).end();
    assert_failed(&server, &ended, &["400", "speaks S3"]);
}

#[test]
fn a_run_that_fails_anyway_keeps_its_own_reason() {
    let server = S3Server::new();
    let run = declaring(storing(Run::new(), &server), &["file"]);
    noise(&run.path("file"), 1);
    let run = run.env("AGENTS_ARTIFACTS_BUCKET", "nowhere");
    let ended = run.agent(["exit", "3"]).end();
    assert_eq!((ended.code, ended.outcome()), (3, "AgentFailed"));
    let problem = &ended.status["artifacts"]["uploads"]["problem"];
    let problem = problem.as_str().unwrap_or_default();
    assert!(problem.contains("NoSuchBucket"), "{}", ended.status);
}
