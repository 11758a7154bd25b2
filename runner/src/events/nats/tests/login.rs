//! As whom.

use std::sync::{Arc, Mutex};

use agent_plan::plan::{Given, Login};
use agent_plan::secret::Secret;
use agent_plan::status::EventsMode;
use async_nats::{ConnectOptions, jetstream};

use super::{Run, Server, drained, plan, server, until};

/// A key pair of nobody.
const SEED: &str = "SUACSSL3UAHUDXKFSNVUZRF5UHPMWZ6BFDTJ7M6USDXIEDNPPQYYYCU3VY";
const PUBLIC: &str = "UDXU4RCSJNZOIQHZNWXHXORDPRTGNJAHAHFRGZNEEJCPQTT2M7NLCNF4";

fn given(text: &str) -> Given {
    Given::Text(Secret::new(text.to_owned()))
}

/// Starts a server that wants credentials, with a stream.
fn server(users: &str, admin: ConnectOptions) -> Server {
    let server = Server::with(&format!(
        "jetstream {{ store_dir: \"DIR/store\" }}\n{users}"
    ));
    server::runtime().block_on(async {
        let context = jetstream::new(server.client_as(admin).await);
        let made = context.create_stream(jetstream::stream::Config {
            name: "agent-comms".to_owned(),
            subjects: vec!["agentrun.>".to_owned()],
            ..Default::default()
        });
        made.await.expect("it can be made");
    });
    server
}

fn works(server: &Server, login: Login) {
    let mut run = Run::new();
    let mut plan = plan(server.port);
    plan.login = login;
    let sink = run.sink(plan);
    run.say_many(3);
    run.backlog.close();
    drained(&sink);
    assert_eq!(sink.state().acknowledged, 3);
}

fn fails(server: &Server, login: Login, why: &str) {
    let mut run = Run::new();
    let mut plan = plan(server.port);
    plan.login = login;
    let sink = run.sink(plan);
    run.say_many(1);
    let state = until(&sink, "refused", |state| state.problem.is_some());
    let problem = state.problem.expect("it was waited for");
    assert!(problem.contains(why), "{problem}");
    assert!(!problem.contains("secret"), "{problem}");
    assert_eq!(state.acknowledged, 0);
}

#[test]
fn a_user_needs_the_right_password() {
    let admin = ConnectOptions::with_user_and_password("u".to_owned(), "secret-1".to_owned());
    let server = server("authorization { user: u, password: \"secret-1\" }", admin);
    works(&server, Login::User(given("u"), given("secret-1")));
    let wrong = Login::User(given("u"), given("secret-2"));
    fails(&server, wrong, "the server refuses user and password");
    fails(&server, Login::Nobody, "the server wants credentials");
}

#[test]
fn a_token_may_be_in_a_file() {
    let admin = ConnectOptions::with_token("secret-1".to_owned());
    let server = server("authorization { token: \"secret-1\" }", admin);
    let dir = tempfile::tempdir().expect("it can be made");
    let path = dir.path().join("token");
    fails(
        &server,
        Login::Token(Given::File(path.clone())),
        "token` cannot be read",
    );
    std::fs::write(&path, "secret-1\n").expect("it can be written");
    works(&server, Login::Token(Given::File(path)));
    fails(
        &server,
        Login::Token(given("secret-2")),
        "refuses the token",
    );
}

#[test]
fn an_nkey_signs() {
    let admin = ConnectOptions::with_nkey(SEED.to_owned());
    let server = server(
        &format!("authorization {{ users: [{{ nkey: {PUBLIC} }}] }}"),
        admin,
    );
    works(&server, Login::Nkey(given(SEED)));
    fails(
        &server,
        Login::Nkey(given("SUsecret")),
        "the nkey cannot be used",
    );
}

#[test]
fn credentials_that_are_none_are_not_quoted() {
    let server = Server::new();
    fails(
        &server,
        Login::Creds(given("secret")),
        "has no user's JWT and seed",
    );
}

/// The least that is documented: no API, no streams to see.
#[test]
fn an_account_that_may_only_publish_is_enough() {
    let admin = ConnectOptions::with_user_and_password("a".to_owned(), "a".to_owned());
    let users = "authorization { users: [ { user: a, password: a }, { user: u, password: u, \
                 permissions: { publish: [\"agentrun.>\"], subscribe: [\"_INBOX.>\"] } } ] }";
    let server = server(users, admin);
    works(&server, Login::User(given("u"), given("u")));
}

#[test]
fn an_account_that_may_not_publish_is_told_so() {
    let admin = ConnectOptions::with_user_and_password("a".to_owned(), "a".to_owned());
    let users = "authorization { users: [ { user: a, password: a }, { user: u, password: u, \
                 permissions: { publish: [\"$JS.API.>\"], subscribe: [\"_INBOX.>\"] } } ] }";
    let server = server(users, admin);
    let login = Login::User(given("u"), given("u"));
    fails(
        &server,
        login,
        "Permissions Violation for Publish to \"agentrun.ns.run",
    );
}

#[test]
fn a_server_that_is_not_one_is_named() {
    let plan = plan(9);
    let sink = Run::new().sink(plan);
    let state = until(&sink, "refused", |state| state.problem.is_some());
    assert_eq!(state.mode, EventsMode::Unreachable);
}

/// What the log of a test has.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0
            .lock()
            .expect("nobody panics")
            .extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn no_level_of_the_log_has_credentials_or_payloads() {
    let admin = ConnectOptions::with_user_and_password("u".to_owned(), "secret-1".to_owned());
    let server = server("authorization { user: u, password: \"secret-1\" }", admin);
    let log = Log::default();
    let written = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(move || written.clone())
        .finish();
    tracing::subscriber::with_default(subscriber, || {
        works(&server, Login::User(given("u"), given("secret-1")));
    });
    let text = String::from_utf8_lossy(&log.0.lock().expect("nobody panics")).into_owned();
    assert!(text.contains("Events go to a stream."), "{text}");
    for never in ["secret-1", "async_nats", "xxxxx"] {
        assert!(!text.contains(never), "`{never}` in {text}");
    }
}
