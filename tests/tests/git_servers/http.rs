use std::io::{Read, Write};
use std::net::TcpStream;

use agent_tests::{DEADLINE, Git, GitServer, Repository, checked_out, git, git_fails, wait_until};

use super::{small, temporary};

#[test]
fn a_clone_below_subgroups_is_whole_and_every_request_of_it_is_noted() {
    let repository = small();
    let server = GitServer::new().serve("group/sub/name", &repository);
    let url = server.url("group/sub/name");
    let dir = temporary();
    git(dir.path(), ["clone", &url, "clone"]);
    let state = checked_out(dir.path().join("clone"));
    assert_eq!(state.commit, Some(repository.rev("main")));
    assert!(state.fsck_ok, "{}", state.fsck);

    let requests = server.requests();
    let first = &requests[0];
    assert_eq!(first.method, "GET");
    assert_eq!(first.path, "/group/sub/name.git/info/refs");
    assert_eq!(first.query, "service=git-upload-pack");
    assert_eq!(first.authorization, None);
    // Only protocol 2 has the references asked for by a request of their own.
    assert_eq!(first.header("git-protocol"), Some("version=2"));
    let posts = requests.iter().filter(|request| request.method == "POST");
    assert_eq!(posts.count(), 2);
    for request in &requests {
        assert_eq!(request.status, Some(200));
        assert!(request.bytes_sent > 0);
        assert_eq!(request.connection, 1, "the connection was not kept");
    }
    assert_eq!(server.connections(), 1);
}

#[test]
fn several_repositories_are_served_and_others_are_not_there() {
    let (one, two) = (small(), small().history("main", 1));
    let server = GitServer::new()
        .serve("owner/one", &one)
        .serve("owner/two", &two);
    let dir = temporary();
    for (name, repository) in [("owner/one", &one), ("owner/two", &two)] {
        let listed = git(
            dir.path(),
            ["ls-remote", &server.url(name), "refs/heads/main"],
        );
        assert!(listed.starts_with(&repository.rev("main")), "{listed}");
    }
    let said = git_fails(dir.path(), ["ls-remote", &server.url("owner/three")]);
    assert!(said.contains("not found"), "{said}");
}

#[test]
fn every_answer_on_a_kept_connection_has_its_length() {
    let server = GitServer::new()
        .serve("owner/name", &small())
        .auth("git", "secret");
    let mut stream = TcpStream::connect(server.address()).expect("it listens");
    stream
        .set_read_timeout(Some(DEADLINE))
        .expect("a deadline can be set");
    for (authorization, status) in [
        ("", "401"),
        ("Authorization: Basic Z2l0OnNlY3JldA==\r\n", "200"),
        ("Authorization: Basic Z2l0Om90aGVy\r\n", "401"),
    ] {
        let (head, body) = ask(&mut stream, authorization);
        assert!(head.starts_with(&format!("HTTP/1.1 {status} ")), "{head}");
        assert_eq!(head.contains("WWW-Authenticate: Basic"), status == "401");
        assert_eq!(
            server.requests().last().map(|last| last.bytes_sent),
            Some(body)
        );
    }
    assert_eq!(server.connections(), 1);
}

#[test]
fn an_idle_connection_is_closed_with_the_server() {
    let server = GitServer::new();
    let mut stream = TcpStream::connect(server.address()).expect("it listens");
    stream
        .set_read_timeout(Some(DEADLINE))
        .expect("a deadline can be set");
    assert!(wait_until(DEADLINE, || server.connections() == 1));
    drop(server);
    assert_eq!(stream.read(&mut [0]).expect("it is closed in order"), 0);
}

/// Asks for the references; returns the head, and the length of the body as the head has it.
fn ask(stream: &mut TcpStream, header: &str) -> (String, u64) {
    let request = format!(
        "GET /owner/name.git/info/refs?service=git-upload-pack HTTP/1.1\r\nHost: x\r\n{header}\r\n"
    );
    stream.write_all(request.as_bytes()).expect("it reads");
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).expect("it answers");
        head.push(char::from(byte[0]));
    }
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("Content-Length: "))
        .and_then(|length| length.parse().ok())
        .expect("the answer has its length");
    let read = std::io::copy(&mut stream.take(length), &mut std::io::sink());
    assert_eq!(read.expect("it sends what it says"), length);
    (head, length)
}

#[test]
fn only_the_right_user_and_token_are_let_in() {
    let server = GitServer::new()
        .serve("owner/name", &small())
        .auth("x-access-token", "secret");
    let dir = temporary();
    let with = |credentials: &str| {
        server
            .url("owner/name")
            .replace("//", &format!("//{credentials}@"))
    };
    git(dir.path(), ["ls-remote", &with("x-access-token:secret")]);
    let last = server.requests().pop().expect("there have been requests");
    assert_eq!(
        last.credentials(),
        Some(("x-access-token".to_owned(), "secret".to_owned()))
    );
    assert!(
        last.authorization
            .is_some_and(|value| value.starts_with("Basic "))
    );
    for wrong in ["x-access-token:other", "git:secret"] {
        let said = git_fails(dir.path(), ["ls-remote", &with(wrong)]);
        assert!(said.contains("Authentication failed"), "{said}");
    }
    let said = git_fails(dir.path(), ["ls-remote", &server.url("owner/name")]);
    assert!(said.contains("could not read Username"), "{said}");
}

#[test]
fn a_token_expires_after_its_requests() {
    let server = GitServer::new()
        .serve("owner/name", &small())
        .expiring_token("git", "first", 2, "second");
    let dir = temporary();
    let header = |token: &str| {
        let url = server.url("owner/name");
        // `ls-remote` makes two requests, each with credentials from the first on.
        let value = match token {
            "first" => "Z2l0OmZpcnN0",
            _ => "Z2l0OnNlY29uZA==",
        };
        [
            "-c".to_owned(),
            format!("http.extraHeader=Authorization: Basic {value}"),
            "ls-remote".to_owned(),
            url,
        ]
    };
    git_fails(dir.path(), header("second"));
    git(dir.path(), header("first"));
    git_fails(dir.path(), header("first"));
    git(dir.path(), header("second"));
    git(dir.path(), header("second"));
}

#[test]
fn a_token_can_be_replaced_under_way() {
    let server = GitServer::new()
        .serve("owner/name", &small())
        .auth("git", "first");
    let dir = temporary();
    let url = server.url("owner/name").replace("//", "//git:first@");
    git(dir.path(), ["ls-remote", &url]);
    server.set_auth("git", "second");
    git_fails(dir.path(), ["ls-remote", &url]);
}

#[test]
fn a_push_in_chunks_arrives() {
    let repository = small();
    let server = GitServer::new()
        .serve("owner/name", &repository)
        .auth("git", "secret");
    let dir = temporary();
    let url = server.url("owner/name").replace("//", "//git:secret@");
    git(dir.path(), ["clone", &url, "clone"]);
    let clone = dir.path().join("clone");
    let noise = Repository::new().files("main", 1, 100_000);
    git(&clone, ["fetch", &noise.url(), "main:refs/heads/noise"]);
    git(
        &clone,
        ["-c", "http.postBuffer=65536", "push", "origin", "noise"],
    );
    assert_eq!(repository.rev("noise"), noise.rev("main"));
    let requests = server.requests();
    let chunked = requests
        .iter()
        .find(|request| request.header("transfer-encoding") == Some("chunked"))
        .expect("a body longer than the buffer is sent in chunks");
    assert!(chunked.body_bytes > 100_000, "{chunked:?}");
}

#[test]
fn a_packed_request_is_understood() {
    // A line for each tip: 30 of them are more than a kilobyte.
    let mut repository = Repository::new().history("main", 30);
    for number in 0..30 {
        repository = repository.tag(&format!("v{number}"), &format!("main~{number}"));
    }
    let server = GitServer::new().serve("owner/name", &repository);
    let dir = temporary();
    git(
        dir.path(),
        ["clone", "--mirror", &server.url("owner/name"), "clone"],
    );
    assert_eq!(
        git(dir.path().join("clone"), ["rev-parse", "v29"]),
        repository.rev("main~29")
    );
    let packed = server
        .requests()
        .into_iter()
        .any(|request| request.header("content-encoding") == Some("gzip"));
    assert!(packed, "git packs requests of more than a kilobyte");
}

#[test]
fn tls_is_trusted_with_its_authority_for_its_names_only() {
    let repository = small();
    let server = GitServer::new().serve("owner/name", &repository).tls();
    let dir = temporary();
    let trusting = Git::new(dir.path()).env("GIT_SSL_CAINFO", server.ca_file());
    let url = server.url("owner/name");
    assert!(url.starts_with("https://127.0.0.1:"), "{url}");
    trusting.run(["clone", &url, "clone"]);
    trusting.run(["ls-remote", &url.replace("127.0.0.1", "localhost")]);
    let said = git_fails(dir.path(), ["ls-remote", &url]);
    assert!(said.contains("certificate"), "{said}");

    let elsewhere = GitServer::new()
        .serve("owner/name", &repository)
        .tls_as(&["git.example.com"]);
    let said = Git::new(dir.path())
        .env("GIT_SSL_CAINFO", elsewhere.ca_file())
        .fails(["ls-remote", &elsewhere.url("owner/name")]);
    assert!(said.contains("127.0.0.1"), "{said}");
}
