//! Profiles of AWS's own files.

use agent_tests::{Run, S3Server};

use crate::{assert_fails, assert_stores, run_at};

/// A home with two profiles, of which one has keys that the server knows.
fn run_with_files(server: &S3Server) -> Run {
    let run = run_at(server);
    let text = format!(
        "[default]\naws_access_key_id = AKIANOBODYKNOWSITATA\naws_secret_access_key = nobody/knows+it\n\n\
         [team]\naws_access_key_id = {}\naws_secret_access_key = {}\n",
        server.access_key(),
        server.secret_key()
    );
    std::fs::create_dir(run.path(".aws")).expect("it can be made");
    std::fs::write(run.path(".aws/credentials"), text).expect("it can be written");
    let home = run.dir().to_owned();
    run.env("HOME", home)
}

#[test]
fn a_profile_is_the_one_that_is_named() {
    let server = S3Server::new();
    let run = run_with_files(&server).env("AWS_PROFILE", "team");
    assert_stores(&server, run, &[]);
}

#[test]
fn its_file_may_be_elsewhere() {
    let server = S3Server::new();
    let run = run_with_files(&server);
    let file = run.path("elsewhere");
    std::fs::rename(run.path(".aws/credentials"), &file).expect("it is there");
    let run = run
        .env("AWS_PROFILE", "team")
        .env("AWS_SHARED_CREDENTIALS_FILE", file);
    assert_stores(&server, run, &[]);
}

#[test]
fn the_default_profile_is_used_when_it_is_asked_for() {
    let server = S3Server::new();
    let run = run_with_files(&server).setting("artifacts/credentials", "profile".into());
    let words = ["InvalidAccessKeyId", "look at the access key"];
    assert_fails(&server, run, &words, &["nobody/knows+it"]);
}

#[test]
fn a_profile_that_is_not_there_is_told_of() {
    let server = S3Server::new();
    let run = run_with_files(&server).env("AWS_PROFILE", "nobody");
    let words = ["nobody", "look at the credentials"];
    assert_fails(&server, run, &words, &["nobody/knows+it"]);
    assert_eq!(server.requests().len(), 0);
}
