//! The NATS servers of the tests keep their own promises.

use std::io::{BufRead, BufReader, ErrorKind, Write};
use std::net::TcpStream;
use std::path::Path;
use std::time::{Duration, Instant};

use agent_tests::{DEADLINE, Nats, NatsServer, Network, Permissions, Silent, wait_until};
use async_nats::jetstream::{self, ErrorCode};
use async_nats::{Client, ConnectErrorKind, ConnectOptions, HeaderMap};
use nkeys::KeyPair;
use serde_json::json;

const STREAM: &str = "agent-comms";

fn block_on<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime can be made");
    runtime.block_on(async {
        let done = tokio::time::timeout(DEADLINE, work).await;
        done.expect("it is done in time")
    })
}

/// Connects as a client of the runner's kind does.
fn connect(nats: &Nats, options: ConnectOptions) -> Result<(), ConnectErrorKind> {
    block_on(async {
        let client = options.connect(nats.url()).await;
        client.map(drop).map_err(|error| error.kind())
    })
}

/// Does something with a client.
fn with<T>(nats: &Nats, options: ConnectOptions, work: impl AsyncFnOnce(Client) -> T) -> T {
    block_on(async {
        let client = options.connect(nats.url()).await;
        work(client.expect("the client is let in")).await
    })
}

fn password(user: &str, password: &str) -> ConnectOptions {
    ConnectOptions::with_user_and_password(user.to_owned(), password.to_owned())
}

/// Publishes to a stream, and returns the number that the server gives.
async fn publish(client: &Client, subject: &'static str, id: &str) -> Result<u64, String> {
    let message = jetstream::message::PublishMessage::build()
        .payload(json!({ "id": id }).to_string().into())
        .message_id(id);
    let sent = jetstream::new(client.clone())
        .send_publish(subject, message)
        .await;
    let acknowledged = sent.map_err(|error| error.to_string())?.await;
    let acknowledged = acknowledged.map_err(|error| error.to_string())?;
    Ok(acknowledged.sequence)
}

/// The ids of what is in the stream.
fn ids(nats: &Nats) -> Vec<String> {
    let messages = nats.stream_messages(STREAM);
    let ids = messages.iter().map(|it| it.payload["id"].as_str());
    ids.map(|id| id.expect("it was published with one").to_owned())
        .collect()
}

#[test]
fn what_is_in_a_stream_comes_back_in_order_with_its_headers() {
    let nats = NatsServer::new().start();
    nats.make_stream(STREAM, &["agentrun.>"]);
    assert!(nats.stream_messages(STREAM).is_empty());
    let count = 2_000;
    with(&nats, ConnectOptions::new(), async |client| {
        for number in 0..count {
            let sent = client.publish("agentrun.x", format!("{{\"id\":\"{number}\"}}").into());
            sent.await.expect("the server takes it");
        }
        let again = publish(&client, "agentrun.y", "twice").await;
        assert_eq!(publish(&client, "agentrun.y", "twice").await, again);
    });
    nats.publish("agentrun.z", b"not JSON");
    nats.await_count(STREAM, count + 2);
    let messages = nats.stream_messages(STREAM);
    let sequences: Vec<u64> = messages.iter().map(|it| it.stream_sequence).collect();
    assert_eq!(sequences, (1..=count + 2).collect::<Vec<_>>());
    assert_eq!(messages[7].payload["id"], "7");
    assert_eq!(messages[7].header("Nats-Msg-Id"), None);
    let [twice, other] = &messages[2_000..] else {
        panic!("it was counted");
    };
    assert_eq!(twice.subject, "agentrun.y");
    assert_eq!(twice.header("nats-msg-id"), Some("twice"));
    assert_eq!(other.payload, json!(null));
    assert_eq!(other.bytes, b"not JSON");
}

#[test]
fn a_killed_server_comes_back_on_its_port_with_its_messages() {
    let nats = NatsServer::new().start();
    nats.make_stream(STREAM, &["agentrun.>"]);
    let (port, pid) = (nats.port(), nats.pid());
    for round in 1..=5_u64 {
        let id = format!("{round}");
        with(&nats, ConnectOptions::new(), async |client| {
            assert_eq!(publish(&client, "agentrun.x", &id).await, Ok(round));
        });
        nats.stop();
        assert!(!nats.is_running());
        let refused = TcpStream::connect(nats.address()).map_err(|error| error.kind());
        assert_eq!(refused.map(drop), Err(ErrorKind::ConnectionRefused));
        nats.restart();
        assert_eq!(nats.port(), port);
    }
    assert_ne!(nats.pid(), pid);
    assert_eq!(ids(&nats), ["1", "2", "3", "4", "5"]);
    nats.shut_down();
    assert!(nats.log().contains("Server Exiting"), "{}", nats.log());
    nats.restart();
    assert_eq!(nats.count(STREAM), 5);
}

#[test]
fn a_dropped_server_is_gone_and_two_do_not_meet() {
    let (one, other) = (NatsServer::new().start(), NatsServer::new().start());
    assert_ne!(one.port(), other.port());
    let pid = one.pid();
    assert!(Path::new(&format!("/proc/{pid}")).exists());
    drop(one);
    assert!(!Path::new(&format!("/proc/{pid}")).exists());
    assert!(other.is_running());
}

#[test]
fn a_server_that_cannot_start_says_why() {
    let started =
        std::panic::catch_unwind(|| NatsServer::new().config("max_payload: often").start());
    let panic = started.expect_err("the configuration is refused");
    let said = panic.downcast_ref::<String>().cloned().unwrap_or_default();
    assert!(said.contains("nats.conf:4"), "{said}");
}

#[test]
fn without_jetstream_only_listeners_hear() {
    let nats = NatsServer::new().without_jetstream().start();
    with(&nats, ConnectOptions::new(), async |client| {
        assert!(!client.server_info().jetstream);
        assert!(publish(&client, "agentrun.x", "unheard").await.is_err());
    });
    let heard = nats.listen("agentrun.>");
    nats.publish("workflow.x", b"{}");
    with(&nats, ConnectOptions::new(), async |client| {
        let mut headers = HeaderMap::new();
        headers.insert("Nats-Msg-Id", "1");
        let sent = client.publish_with_headers("agentrun.x", headers, "not JSON".into());
        sent.await.expect("the server takes it");
        client.flush().await.expect("the server answers");
    });
    nats.publish("agentrun.x", b"{\"id\":\"2\"}");
    let messages = heard.await_count(2);
    assert_eq!(messages[0].header("nats-msg-id"), Some("1"));
    assert_eq!(messages[0].bytes, b"not JSON");
    assert_eq!(messages[1].payload, json!({ "id": "2" }));
    assert_eq!(messages.len(), 2);
    // It listens again behind a restart.
    nats.restart();
    let again = wait_until(DEADLINE, || {
        nats.publish("agentrun.x", b"{\"id\":\"3\"}");
        heard.messages().len() > 2
    });
    assert!(again, "nothing is heard any more");
}

#[test]
fn only_the_right_password_token_or_key_gets_in() {
    let (key, stranger) = (KeyPair::new_user(), KeyPair::new_user());
    let nats = NatsServer::new()
        .user("agents", "right", Permissions::agents())
        .nkey(&key.public_key(), Permissions::all())
        .start();
    let seed = |key: &KeyPair| key.seed().expect("a new key has its seed");
    let refused = Err(ConnectErrorKind::AuthorizationViolation);
    assert_eq!(connect(&nats, password("agents", "right")), Ok(()));
    assert_eq!(connect(&nats, password("agents", "wrong")), refused);
    assert_eq!(connect(&nats, ConnectOptions::new()), refused);
    let as_key = |key: &KeyPair| connect(&nats, ConnectOptions::with_nkey(seed(key)));
    assert_eq!(as_key(&key), Ok(()));
    assert_eq!(as_key(&stranger), refused);

    let nats = NatsServer::new().token("right").start();
    let as_token = |it: &str| connect(&nats, ConnectOptions::with_token(it.to_owned()));
    assert_eq!(as_token("right"), Ok(()));
    assert_eq!(as_token("wrong"), refused);
    // The test's own questions are let in, whatever is asked of others.
    nats.make_stream(STREAM, &["agentrun.>"]);
    assert_eq!(nats.count(STREAM), 0);
}

#[test]
fn agents_may_publish_their_runs_and_nothing_else() {
    let nats = NatsServer::new()
        .user("agents", "right", Permissions::agents())
        .start();
    nats.make_stream(STREAM, &["agentrun.>", "other.>"]);
    with(&nats, password("agents", "right"), async |client| {
        for subject in ["other.x", "agentrun.x"] {
            let sent = client.publish(subject, "{\"id\":\"plain\"}".into()).await;
            sent.expect("the client does not know");
        }
        assert_eq!(publish(&client, "agentrun.x", "1").await, Ok(2));
    });
    assert_eq!(ids(&nats), ["plain", "1"]);
    assert!(nats.log().contains("Publish Violation"), "{}", nats.log());
}

#[test]
fn tls_takes_who_knows_the_authority() {
    let nats = NatsServer::new().tls().start();
    let other = NatsServer::new().tls().start();
    let knowing = |nats: &Nats| ConnectOptions::new().add_root_certificates(nats.ca_file().into());
    with(&nats, knowing(&nats), async |client| {
        assert!(client.server_info().tls_required);
    });
    assert!(connect(&nats, knowing(&other)).is_err());
    assert!(connect(&nats, ConnectOptions::new()).is_err());
    nats.make_stream(STREAM, &["agentrun.>"]);
}

#[test]
fn tls_may_want_a_client_s_certificate() {
    let nats = NatsServer::new().tls_with_client_certificates().start();
    let knowing = || ConnectOptions::new().add_root_certificates(nats.ca_file().into());
    let certified = |by: &Nats| {
        let files = (by.client_certificate_file(), by.client_key_file());
        knowing().add_client_certificate(files.0.into(), files.1.into())
    };
    assert_eq!(connect(&nats, certified(&nats)), Ok(()));
    let other = NatsServer::new().tls_with_client_certificates().start();
    assert!(connect(&nats, certified(&other)).is_err());
    assert!(connect(&nats, knowing()).is_err());
    nats.make_stream(STREAM, &["agentrun.>"]);
}

#[test]
fn credentials_of_the_operator_s_account_get_in() {
    let nats = NatsServer::new().creds(&Permissions::agents()).start();
    let other = NatsServer::new().creds(&Permissions::all()).start();
    let bearing = |nats: &Nats| {
        let creds = std::fs::read_to_string(nats.creds_file()).expect("they have been written");
        ConnectOptions::with_credentials(&creds).expect("they are credentials")
    };
    let refused = Err(ConnectErrorKind::AuthorizationViolation);
    assert_eq!(connect(&nats, ConnectOptions::new()), refused);
    assert_eq!(connect(&nats, bearing(&other)), refused);
    nats.make_stream(STREAM, &["agentrun.>", "other.>"]);
    nats.restart();
    with(&nats, bearing(&nats), async |client| {
        let sent = client.publish("other.x", "{}".into()).await;
        sent.expect("the client does not know");
        assert_eq!(publish(&client, "agentrun.x", "1").await, Ok(1));
    });
    assert_eq!(ids(&nats), ["1"]);
}

/// A connection at the level of the protocol: says who it is, and returns with the first answer.
struct Raw(BufReader<TcpStream>);

impl Raw {
    fn open(nats: &Nats) -> Self {
        let stream = TcpStream::connect_timeout(&nats.address(), DEADLINE);
        let mut raw = Self(BufReader::new(stream.expect("the server is there")));
        assert!(raw.line(DEADLINE).is_some_and(|it| it.starts_with("INFO")));
        raw.say("CONNECT {\"verbose\":false,\"pedantic\":false}");
        raw.say("PING");
        assert_eq!(raw.line(DEADLINE).as_deref(), Some("PONG"));
        raw
    }

    fn say(&mut self, line: &str) {
        let said = write!(self.0.get_mut(), "{line}\r\n");
        said.expect("the connection is open");
    }

    /// Reads a line; `None` if none comes in time. A connection that was reset fails the test.
    fn line(&mut self, time: Duration) -> Option<String> {
        loop {
            let line = self.any_line(time)?;
            // The server measures how far away it is.
            if line != "PING" {
                return Some(line);
            }
            self.say("PONG");
        }
    }

    fn any_line(&mut self, time: Duration) -> Option<String> {
        let until = Some(time);
        let timed = self.0.get_ref().set_read_timeout(until);
        timed.expect("the time is not nothing");
        let mut line = String::new();
        match self.0.read_line(&mut line) {
            Ok(0) => panic!("the server has closed the connection"),
            Ok(_) => Some(line.trim_end().to_owned()),
            Err(error) if error.kind() == ErrorKind::WouldBlock => None,
            Err(error) => panic!("the connection is broken: {error}"),
        }
    }
}

#[test]
fn a_paused_server_answers_nothing_until_it_goes_on() {
    let nats = NatsServer::new().start();
    let mut raw = Raw::open(&nats);
    nats.pause();
    raw.say("PING");
    assert_eq!(raw.line(Duration::from_millis(300)), None);
    nats.resume();
    assert_eq!(raw.line(DEADLINE).as_deref(), Some("PONG"));
    nats.pause();
    // A paused one can be killed like any other.
    nats.restart();
    drop(Raw::open(&nats));
}

#[test]
fn a_cut_network_loses_packets_and_a_healed_one_delivers_them_on_the_same_connection() {
    let network = Network::new();
    let nats = NatsServer::new().in_network(&network).start();
    nats.make_stream(STREAM, &["agentrun.>"]);
    network.as_client(|| {
        let mut raw = Raw::open(&nats);
        network.cut();
        raw.say("PUB agentrun.x 10\r\n{\"id\":\"1\"}");
        raw.say("PING");
        assert_eq!(raw.line(Duration::from_secs(1)), None);
        // Nobody says that the server is not there.
        let begun = Instant::now();
        let connected = TcpStream::connect_timeout(&nats.address(), Duration::from_secs(1));
        let kind = connected.map_err(|error| error.kind());
        assert_eq!(kind.map(drop), Err(ErrorKind::TimedOut));
        assert!(begun.elapsed() >= Duration::from_secs(1));
        // The test's own questions do not pass the router.
        assert_eq!(nats.count(STREAM), 0);
        network.heal();
        assert_eq!(raw.line(DEADLINE).as_deref(), Some("PONG"));
    });
    assert_eq!(ids(&nats), ["1"]);
    nats.restart();
    assert_eq!(ids(&nats), ["1"]);
}

#[test]
fn what_runs_through_a_network_reaches_its_server_and_nothing_else() {
    let network = Network::new();
    let nats = NatsServer::new().in_network(&network).start();
    let here = Silent::new();
    let [program, arguments @ ..] = network.through();
    let reach = |address: std::net::SocketAddr| {
        let script = format!("exec 3<>/dev/tcp/{}/{}", address.ip(), address.port());
        let mut command = std::process::Command::new(&program);
        command.args(&arguments).args(["bash", "-c", &script]);
        let done = command.output().expect("`nsenter` can be started");
        done.status.success()
    };
    assert!(reach(nats.address()));
    assert!(!reach(here.address()));
    assert!(TcpStream::connect(here.address()).is_ok());
}

#[test]
fn a_stream_that_is_not_there_is_not_made_by_publishing() {
    let nats = NatsServer::new().start();
    with(&nats, ConnectOptions::new(), async |client| {
        assert!(publish(&client, "agentrun.x", "1").await.is_err());
        let got = jetstream::new(client).get_stream(STREAM).await;
        let error = got.expect_err("nobody has made it").to_string();
        assert!(
            error.contains(&ErrorCode::STREAM_NOT_FOUND.0.to_string()),
            "{error}"
        );
    });
    nats.make_stream(STREAM, &["agentrun.>"]);
    nats.publish("agentrun.x", b"{\"id\":\"1\"}");
    assert_eq!(ids(&nats), ["1"]);
    nats.delete_stream(STREAM);
    nats.make_stream(STREAM, &["agentrun.>"]);
    assert_eq!(nats.count(STREAM), 0);
}

/// In the environment of a test that is to be killed.
const DOOMED: &str = "AGENT_TESTS_DOOMED";

#[test]
fn a_server_dies_with_its_test() {
    if std::env::vars_os().any(|(name, _)| name == DOOMED) {
        // The thread that starts it again ends before the test does.
        let nats = NatsServer::new().start();
        std::thread::scope(|scope| scope.spawn(|| nats.restart()).join()).expect("it starts");
        let pid = nats.pid();
        let said = std::fs::write(std::env::temp_dir().join("pid.new"), pid.to_string());
        said.expect("the directory is there");
        let named = std::fs::rename(
            std::env::temp_dir().join("pid.new"),
            std::env::temp_dir().join("pid"),
        );
        named.expect("the file is there");
        std::thread::sleep(DEADLINE);
        return;
    }
    let dir = tempfile::tempdir().expect("a temporary directory can be made");
    let itself = std::env::current_exe().expect("a test knows its own path");
    let mut doomed = std::process::Command::new(itself)
        .args(["--exact", "a_server_dies_with_its_test"])
        .env(DOOMED, "1")
        .env("TMPDIR", dir.path())
        .stdout(std::process::Stdio::null())
        .spawn()
        .expect("a test can be started");
    let file = dir.path().join("pid");
    assert!(wait_until(DEADLINE, || file.exists()));
    let pid = std::fs::read_to_string(&file).expect("it has been renamed when whole");
    // Of one that is dead and not reaped yet, the kernel knows no arguments.
    let cmdline = format!("/proc/{pid}/cmdline");
    let alive = || std::fs::read(&cmdline).is_ok_and(|it| !it.is_empty());
    assert!(alive(), "the server has died with the thread");
    doomed.kill().expect("it is there");
    doomed.wait().expect("it is ours");
    assert!(wait_until(DEADLINE, || !alive()), "{pid} lives on");
}
