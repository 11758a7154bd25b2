//! Credentials of the store.

use std::fs;
use std::path::Path;
use std::time::Duration;

use agent_tests::{DEADLINE, Ended, Run, S3Fault, S3Server, wait_until};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use crate::store::{declaring, named};

/// What must not be seen, and the variables that say it.
struct Login {
    secrets: Vec<String>,
    variables: Vec<(&'static str, String)>,
}

/// All ways in which keys may be given.
fn logins(server: &S3Server) -> Vec<(&'static str, Login)> {
    let (access, secret) = (
        server.access_key().to_owned(),
        server.secret_key().to_owned(),
    );
    let lasting = |names: [&'static str; 2]| Login {
        secrets: vec![secret.clone()],
        variables: vec![(names[0], access.clone()), (names[1], secret.clone())],
    };
    let temporary = |names: [&'static str; 3]| {
        let keys = server.temporary_keys();
        let token = keys.session_token.expect("they have one");
        Login {
            secrets: vec![keys.secret_key.clone(), token.clone()],
            variables: vec![
                (names[0], keys.access_key),
                (names[1], keys.secret_key),
                (names[2], token),
            ],
        }
    };
    vec![
        (
            "ours",
            lasting([
                "AGENTS_ARTIFACTS_ACCESS_KEY_ID",
                "AGENTS_ARTIFACTS_SECRET_ACCESS_KEY",
            ]),
        ),
        ("minio", lasting(["MINIO_ACCESS_KEY", "MINIO_SECRET_KEY"])),
        (
            "aws",
            lasting(["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"]),
        ),
        ("bucket", lasting(["accesskey", "secretkey"])),
        (
            "ours for a while",
            temporary([
                "AGENTS_ARTIFACTS_ACCESS_KEY_ID",
                "AGENTS_ARTIFACTS_SECRET_ACCESS_KEY",
                "AGENTS_ARTIFACTS_SESSION_TOKEN",
            ]),
        ),
        (
            "aws for a while",
            temporary([
                "AWS_ACCESS_KEY_ID",
                "AWS_SECRET_ACCESS_KEY",
                "AWS_SESSION_TOKEN",
            ]),
        ),
    ]
}

/// A run that knows the server, without a login, and says as much as it can.
fn talkative(server: &S3Server) -> Run {
    let run = named(Run::new())
        .env("AGENTS_ARTIFACTS_ENDPOINT", server.url())
        .env("AGENTS_ARTIFACTS_BUCKET", server.bucket())
        .env("AGENT_RUNNER_LOG", "trace")
        .setting(
            "artifacts/include",
            json!(["log", "journal", "status", "manifest"]),
        );
    declaring(run, json!([{ "name": "env", "path": "env", "key": "env" }]))
}

fn knowing(run: Run, login: &Login) -> Run {
    let variables = login.variables.iter();
    variables.fold(run, |run, (name, value)| run.env(name, value))
}

/// Asserts that a secret is in no file of the run, no object and no stream.
#[track_caller]
fn assert_nowhere(name: &str, ended: &Ended, server: &S3Server, secret: &str) {
    let mut places = vec![
        ("stdout".to_owned(), ended.stdout.clone()),
        ("stderr".to_owned(), ended.stderr.clone().into_bytes()),
    ];
    files(ended.dir.path(), &mut places);
    for key in server.keys("") {
        let object = server.object(&key).expect("it is there");
        places.push((format!("object {key}"), object.bytes()));
    }
    for (place, content) in places {
        let text = String::from_utf8_lossy(&content);
        for form in [secret, &STANDARD.encode(secret)] {
            assert!(
                !text.contains(form),
                "{name}: `{form}` is in {place}: {text}"
            );
        }
    }
}

fn files(directory: &Path, found: &mut Vec<(String, Vec<u8>)>) {
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            files(&path, found);
        } else if let Ok(content) = fs::read(&path) {
            found.push((path.display().to_string(), content));
        }
    }
}

#[test]
fn credentials_are_not_in_the_agent_s_environment_and_nowhere_else() {
    let server = S3Server::new();
    for (name, login) in logins(&server) {
        let run = knowing(talkative(&server), &login);
        let ended = run
            .shell("env > env; cat /proc/$$/environ >> env; env; env >&2")
            .end();
        assert_eq!(ended.code, 0, "{name}: {}", ended.stderr);
        let seen = fs::read_to_string(ended.dir.path().join("env")).expect("the agent has looked");
        assert!(
            seen.contains("AGENTS_ARTIFACTS_ENDPOINT"),
            "{name}: it has an environment"
        );
        for (variable, _) in &login.variables {
            assert!(
                !seen.contains(&format!("{variable}=")),
                "{name}: {variable}"
            );
        }
        for secret in &login.secrets {
            assert_nowhere(name, &ended, &server, secret);
        }
        assert!(server.remove("env"), "{name}");
    }
}

#[test]
fn credentials_that_the_agent_was_given_are_seen_by_nobody_else() {
    let server = S3Server::new();
    for (name, login) in logins(&server) {
        let names: Vec<_> = login.variables.iter().map(|(name, _)| *name).collect();
        let run = knowing(talkative(&server), &login).setting("env/pass", json!(names));
        // What it writes itself is its own.
        let ended = run.shell("env > env; env; env >&2").end();
        assert_eq!(ended.code, 0, "{name}: {}", ended.stderr);
        let seen = ended.dir.path().join("env");
        let text = fs::read_to_string(&seen).expect("the agent has looked");
        assert!(
            text.contains(&login.secrets[0]),
            "{name}: it was given them"
        );
        fs::remove_file(seen).expect("it is ours");
        for secret in &login.secrets {
            assert_nowhere(name, &ended, &server, secret);
        }
        let stored = server.object("env").expect("it is there").text();
        assert!(stored.contains("[REDACTED:"), "{name}: {stored}");
    }
}

#[test]
fn credentials_that_the_provider_sets_are_seen_by_nobody_else() {
    let server = S3Server::new();
    for (name, login) in logins(&server) {
        let variables = login.variables.iter();
        let template: serde_json::Value = variables
            .map(|(name, value)| ((*name).to_owned(), json!(value)))
            .collect();
        let run = talkative(&server).spec("/adapter/exec/envTemplate", template);
        let ended = run.shell("env > env; env; env >&2").end();
        assert_eq!(ended.code, 0, "{name}: {}", ended.stderr);
        for given in ["env", "spec.json"] {
            fs::remove_file(ended.dir.path().join(given)).expect("it is ours");
        }
        for secret in &login.secrets {
            assert_nowhere(name, &ended, &server, secret);
        }
    }
}

#[test]
fn credentials_are_in_no_plan() {
    let server = S3Server::new();
    for (name, login) in logins(&server) {
        for output in ["text", "json"] {
            let run = knowing(talkative(&server), &login).arg("--dry-run");
            let ended = run.arg(format!("--output={output}")).end();
            assert_eq!(ended.code, 0, "{name}: {}", ended.stderr);
            for secret in &login.secrets {
                assert_nowhere(name, &ended, &server, secret);
            }
        }
    }
    assert_eq!(server.connections(), 0);
}

#[test]
fn credentials_are_in_no_argument_while_artifacts_are_stored() {
    let server = S3Server::new();
    let (name, login) = logins(&server).swap_remove(4);
    server.add_fault(S3Fault::delay(Duration::from_secs(1)).once());
    let started = knowing(talkative(&server), &login)
        .shell("env > env")
        .start();
    assert!(
        wait_until(DEADLINE, || !server.requests().is_empty()),
        "{name}"
    );
    let arguments = arguments();
    let own = format!("/proc/{}/cmdline", started.pid());
    assert!(
        arguments.iter().any(|(path, _)| *path == own),
        "there it is"
    );
    for (path, content) in arguments {
        for secret in &login.secrets {
            assert!(!content.contains(secret.as_str()), "it is in {path}");
        }
    }
    let ended = started.end();
    assert_eq!(ended.code, 0, "{}", ended.stderr);
}

/// The arguments of every process that there is.
fn arguments() -> Vec<(String, String)> {
    let processes = fs::read_dir("/proc").expect("there is a /proc");
    let paths = processes
        .flatten()
        .map(|entry| entry.path().join("cmdline"));
    // One may have ended meanwhile, and most of what is there is no process.
    let read = |path: std::path::PathBuf| {
        let content = fs::read(&path).ok()?;
        Some((
            path.display().to_string(),
            String::from_utf8_lossy(&content).into_owned(),
        ))
    };
    paths.filter_map(read).collect()
}

#[test]
fn what_a_store_says_that_has_a_credential_in_it_is_said_without() {
    let server = S3Server::new();
    for (name, login) in logins(&server) {
        let words = format!(
            "your signature is wrong, calculated with {}",
            login.secrets[0]
        );
        let fault = S3Fault::answer(403, "SignatureDoesNotMatch").message(&words);
        server.heal();
        server.add_fault(fault);
        let ended = knowing(talkative(&server), &login)
            .shell("echo > env")
            .end();
        assert_eq!(
            ended.outcome(),
            "ArtifactFailed",
            "{name}: {}",
            ended.stderr
        );
        assert!(
            ended.error().contains("your signature is wrong"),
            "{}",
            ended.error()
        );
        for secret in &login.secrets {
            assert_nowhere(name, &ended, &server, secret);
        }
    }
}

#[test]
fn wrong_credentials_are_told_apart_and_not_shown() {
    let server = S3Server::new();
    let wrong = "a-secret-that-is-another-one";
    let run = talkative(&server)
        .env("AGENTS_ARTIFACTS_ACCESS_KEY_ID", server.access_key())
        .env("AGENTS_ARTIFACTS_SECRET_ACCESS_KEY", wrong);
    let ended = run.shell("echo > env").end();
    assert_eq!(
        (ended.code, ended.outcome()),
        (73, "ArtifactFailed"),
        "{}",
        ended.stderr
    );
    assert!(
        ended.error().contains("SignatureDoesNotMatch"),
        "{}",
        ended.error()
    );
    assert_nowhere("wrong", &ended, &server, wrong);
}
