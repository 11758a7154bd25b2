//! As whom events are published: every login works, says why if it does not, and stays a secret.

#[path = "events/streamed.rs"]
mod streamed;

use std::fs;
use std::path::Path;

use agent_tests::{Ended, Nats, NatsServer, Permissions, Run};
use nkeys::KeyPair;
use serde_json::{Value, json};

use streamed::{STREAM, assert_streamed, records, run_at, with_stream};

/// What makes trouble in a URL, in JSON and in a shell.
const PASSWORD: &str = "p@ss:w/rd%?#& \"x\\y'";

/// The same in a URL.
const ENCODED: &str = "p%40ss%3Aw%2Frd%25%3F%23%26%20%22x%5Cy%27";

/// A run whose agent keeps a list of its variables.
fn run(url: &str) -> Run {
    run_at(url).shell("echo hello; env > agent-env").grace(6.0)
}

/// Runs with these variables, and checks that everything reached the stream.
#[track_caller]
fn assert_logs_in(nats: &Nats, url: &str, env: &[(&str, &str)], secret: &str) {
    // The last run's messages would be taken for this one's.
    nats.delete_stream(STREAM);
    nats.make_stream(STREAM, &["agentrun.>"]);
    let mut run = run(url);
    for (name, value) in env {
        run = run.env(name, value);
    }
    let ended = run.end();
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert_streamed(nats, &ended);
    assert_nowhere(&ended, secret);
}

/// Checks that a run went well although nobody let it in, and returns what the status says of it.
#[track_caller]
fn assert_kept_out(ended: &Ended) -> String {
    assert_eq!(
        (ended.code, ended.outcome()),
        (0, "Completed"),
        "{}",
        ended.stderr
    );
    let events = &ended.full["events"];
    let count = records(ended).len();
    assert_eq!(events["mode"], "unreachable");
    assert_eq!(
        (&events["emitted"], &events["pending"]),
        (&json!(count), &json!(count))
    );
    let problem = events["problem"].as_str().unwrap_or_default().to_owned();
    let said = ended.stderr.matches("Events cannot be published").count();
    assert_eq!(said, 1, "{}", ended.stderr);
    problem
}

/// Checks that a secret is in no output and in no file of a run; `agent-env` is what the agent got.
#[track_caller]
fn assert_nowhere(ended: &Ended, secret: &str) {
    let mut seen = vec![
        ("stdout".to_owned(), ended.stdout.clone()),
        ("stderr".to_owned(), ended.stderr.clone().into_bytes()),
    ];
    collect(ended.dir.path(), &mut seen);
    assert!(seen.iter().any(|(name, _)| name.ends_with("agent-env")));
    for (name, content) in seen {
        let text = String::from_utf8_lossy(&content);
        assert!(!text.contains(secret), "`{secret}` is in {name}: {text}");
    }
}

/// Every file below a directory but the test's own: its spec, and what it calls `given`.
fn collect(directory: &Path, seen: &mut Vec<(String, Vec<u8>)>) {
    for entry in fs::read_dir(directory).expect("it can be read").flatten() {
        let path = entry.path();
        if path.is_dir() {
            collect(&path, seen);
        } else if !path.ends_with("spec.json") {
            let content = fs::read(&path).expect("it can be read");
            seen.push((path.display().to_string(), content));
        }
    }
}

/// Writes a file that only the test knows.
fn file(dir: &tempfile::TempDir, name: &str, content: &str) -> String {
    let path = dir.path().join(name);
    fs::write(&path, content).expect("a temporary directory is writable");
    path.display().to_string()
}

fn directory() -> tempfile::TempDir {
    tempfile::tempdir().expect("a temporary directory can be made")
}

fn with_user(permissions: Permissions) -> Nats {
    with_stream(NatsServer::new().user("agents", PASSWORD, permissions))
}

/// The URL of a server with something before its address.
fn with_login(nats: &Nats, login: &str) -> String {
    nats.url().replace("://", &format!("://{login}@"))
}

#[test]
fn user_and_password_let_in_wherever_they_are() {
    let nats = with_user(Permissions::agents());
    let dir = directory();
    let user = file(&dir, "user", "agents\n");
    let password = file(&dir, "password", &format!("{PASSWORD}\n"));
    for env in [
        &[("NATS_USER", "agents"), ("NATS_PASSWORD", PASSWORD)][..],
        &[("NATS_USERNAME", "agents"), ("NATS_PASSWORD", PASSWORD)],
        &[("NATS_USER_FILE", &user), ("NATS_PASSWORD_FILE", &password)],
        &[
            ("NATS_USER", "agents"),
            ("NATS_PASSWORD_FILE", &password),
            ("NATS_PASSWORD", "another"),
        ],
    ] {
        assert_logs_in(&nats, &nats.url(), env, PASSWORD);
    }
    let url = with_login(&nats, &format!("agents:{ENCODED}"));
    assert_logs_in(&nats, &url, &[], PASSWORD);
    assert_logs_in(&nats, &url, &[], ENCODED);
    // What is said of it in so many words counts more than what is in a URL.
    let url = with_login(&nats, "nobody:nothing");
    let env = [("NATS_USER", "agents"), ("NATS_PASSWORD", PASSWORD)];
    assert_logs_in(&nats, &url, &env, PASSWORD);
}

#[test]
fn a_token_lets_in() {
    let token = "t0ken-with-many-letters";
    let nats = with_stream(NatsServer::new().token(token));
    let dir = directory();
    let path = file(&dir, "token", &format!("{token}\n"));
    assert_logs_in(&nats, &nats.url(), &[("NATS_TOKEN", token)], token);
    assert_logs_in(&nats, &nats.url(), &[("NATS_TOKEN_FILE", &path)], token);
    assert_logs_in(&nats, &with_login(&nats, token), &[], token);
}

#[test]
fn an_nkey_lets_in() {
    let pair = KeyPair::new_user();
    let seed = pair.seed().expect("a new pair has one");
    let nats = with_stream(NatsServer::new().nkey(&pair.public_key(), Permissions::agents()));
    let dir = directory();
    let path = file(&dir, "seed", &format!("{seed}\n"));
    for env in [
        ("NATS_NKEY_SEED", &*seed),
        ("NATS_NKEY_SEED_FILE", &path),
        ("NATS_NKEY", &seed),
        ("NATS_NKEY", &path),
    ] {
        assert_logs_in(&nats, &nats.url(), &[env], &seed);
    }
}

#[test]
fn credentials_let_in_as_a_file_and_as_its_content() {
    let nats = with_stream(NatsServer::new().creds(&Permissions::agents()));
    let path = nats.creds_file().display().to_string();
    let content = fs::read_to_string(nats.creds_file()).expect("it is there");
    let seed = content.lines().find(|line| line.starts_with("SU"));
    let seed = seed.expect("a seed is in it");
    for env in [
        ("NATS_CREDS_FILE", &*path),
        ("NATS_CREDS", &content),
        ("NATS_CREDS", &path),
    ] {
        assert_logs_in(&nats, &nats.url(), &[env], seed);
        // They win over whatever else there is.
        let more = [env, ("NATS_USER", "nobody"), ("NATS_PASSWORD", "nothing")];
        assert_logs_in(&nats, &nats.url(), &more, seed);
    }
}

#[test]
fn an_authority_of_one_s_own_is_trusted_when_told_and_only_then() {
    let nats = with_stream(NatsServer::new().tls());
    let ca = nats.ca_file().display().to_string();
    let content = fs::read_to_string(nats.ca_file()).expect("it is there");
    let tls = nats.url().replace("nats://", "tls://");
    for url in [nats.url(), tls] {
        assert_logs_in(&nats, &url, &[("NATS_CA_FILE", &ca)], "PRIVATE KEY");
        assert_logs_in(&nats, &url, &[("NATS_CA", &content)], "PRIVATE KEY");
    }
    let problem = assert_kept_out(&run(&nats.url()).end());
    assert!(problem.contains("`NATS_CA_FILE` names one"), "{problem}");
}

#[test]
fn a_client_s_certificate_lets_in() {
    let nats = with_stream(NatsServer::new().tls_with_client_certificates());
    let read = |path: &Path| fs::read_to_string(path).expect("it is there");
    let path = |path: &Path| path.display().to_string();
    let ca = ("NATS_CA_FILE", &*path(nats.ca_file()));
    let (certificate, key) = (nats.client_certificate_file(), nats.client_key_file());
    let files = [
        ca,
        ("NATS_CERT_FILE", &*path(certificate)),
        ("NATS_KEY_FILE", &*path(key)),
    ];
    let key_content = read(key);
    let secret = key_content.lines().nth(1).expect("a key has lines");
    assert_logs_in(&nats, &nats.url(), &files, secret);
    let contents = [
        ca,
        ("NATS_CERT", &*read(certificate)),
        ("NATS_KEY", &*key_content),
    ];
    assert_logs_in(&nats, &nats.url(), &contents, secret);
    let ended = run(&nats.url())
        .env("NATS_CA_FILE", path(nats.ca_file()))
        .end();
    let problem = assert_kept_out(&ended);
    assert!(problem.to_lowercase().contains("certificate"), "{problem}");
}

#[test]
fn who_is_not_let_in_is_told_why_and_the_run_goes_on() {
    let nats = with_user(Permissions::agents());
    let wrong = "wrong-password-7";
    let ended = run(&nats.url())
        .env("NATS_USER", "agents")
        .env("NATS_PASSWORD", wrong)
        .end();
    let problem = assert_kept_out(&ended);
    assert!(
        problem.ends_with("the server refuses user and password"),
        "{problem}"
    );
    assert_nowhere(&ended, wrong);

    let ended = run(&with_login(&nats, &format!("agents:{wrong}"))).end();
    let problem = assert_kept_out(&ended);
    assert!(
        problem.ends_with("the server refuses user and password"),
        "{problem}"
    );
    assert_nowhere(&ended, wrong);

    let problem = assert_kept_out(&run(&nats.url()).end());
    assert!(
        problem.ends_with("the server wants credentials, and there are none"),
        "{problem}"
    );

    let missing = "/nowhere/password";
    let ended = run(&nats.url())
        .env("NATS_USER", "agents")
        .env("NATS_PASSWORD_FILE", missing)
        .end();
    let problem = assert_kept_out(&ended);
    assert!(problem.contains(missing), "{problem}");

    let ended = run(&nats.url())
        .env("NATS_CREDS", "-----BEGIN nothing")
        .end();
    let problem = assert_kept_out(&ended);
    assert!(problem.contains("no user's JWT and seed"), "{problem}");
    assert_eq!(nats.count(STREAM), 0);
}

/// A run as the user that there is.
fn as_user(nats: &Nats) -> Ended {
    run(&nats.url())
        .env("NATS_USER", "agents")
        .env("NATS_PASSWORD", PASSWORD)
        .end()
}

#[test]
fn the_least_that_an_account_needs_is_enough() {
    for publish in [
        &["agentrun.>", "$JS.API.STREAM.NAMES"][..],
        // Only to publish for one namespace, and to ask nothing.
        &["agentrun.agents.*.*.agent.>", "agentrun.general.>"],
    ] {
        let nats = with_user(Permissions::only(publish, &["_INBOX.>"]));
        let ended = as_user(&nats);
        assert_eq!(ended.code, 0, "{}", ended.stderr);
        assert_streamed(&nats, &ended);
        assert!(!ended.stderr.contains(" WARN "), "{}", ended.stderr);
    }
}

#[test]
fn an_account_that_may_not_publish_or_hear_answers_is_told() {
    for (publish, subscribe, said) in [
        (&["$JS.API.STREAM.NAMES"][..], "_INBOX.>", "Publish"),
        (
            &["agentrun.>", "$JS.API.STREAM.NAMES"],
            "nothing",
            "Subscription",
        ),
    ] {
        let nats = with_user(Permissions::only(publish, &[subscribe]));
        let ended = as_user(&nats);
        assert_eq!(
            (ended.code, ended.outcome()),
            (0, "Completed"),
            "{}",
            ended.stderr
        );
        let events = &ended.full["events"];
        let problem = events["problem"].as_str().unwrap_or_default();
        assert!(
            problem.to_lowercase().contains("permissions violation")
                && problem.to_lowercase().contains(&said.to_lowercase()),
            "{said}: {events}\n{}",
            ended.stderr
        );
        assert_eq!(events["acknowledged"], Value::Null);
        assert_eq!(events["pending"], records(&ended).len());
    }
}

#[test]
fn an_account_that_may_not_speak_to_everybody_speaks_of_its_runs() {
    let publish = ["agentrun.agents.>", "$JS.API.STREAM.NAMES"];
    let nats = with_user(Permissions::only(&publish, &["_INBOX.>"]));
    let ended = as_user(&nats);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let events = &ended.full["events"];
    let problem = events["problem"].as_str().unwrap_or_default();
    assert!(problem.contains("agentrun.general."), "{events}");
    let count = |name: &str| events[name].as_u64().unwrap_or_default();
    // Those with a copy for everybody are not wholly published.
    assert!(
        count("acknowledged") > 0 && count("unconfirmed") > 0,
        "{events}"
    );
    assert_eq!(count("pending"), 0, "{events}");
    let stored = count("acknowledged") + count("unconfirmed");
    assert_eq!(stored, records(&ended).len() as u64);
}

#[test]
fn one_of_several_servers_is_enough() {
    let nats = with_user(Permissions::agents());
    // Nobody listens on the first.
    let url = format!(
        "nats://127.0.0.1:1, {}",
        with_login(&nats, &format!("agents:{ENCODED}"))
    );
    assert_logs_in(&nats, &url, &[], PASSWORD);
}
