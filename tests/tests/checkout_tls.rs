//! Whom a checkout trusts, and through whom it goes: private authorities and proxies.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;

use agent_tests::{Ended, GitServer, Proxy, Repository, Run, assert_ends, ends};
use serde_json::json;

const TOKEN: &str = "gta_0123456789abcdefghij";
const PASSWORD: &str = "proxy-pass-0123";

fn repository() -> Repository {
    Repository::new().commit("main", [("README", "hello\n")])
}

fn server(repository: &Repository) -> GitServer {
    GitServer::new().serve("owner/name", repository)
}

/// A run that clones a URL into `work` and then does nothing.
fn clones(url: &str) -> Run {
    let run = Run::new();
    let work = run.path("work");
    run.setting("workspace/git/url", json!(url))
        .setting("cwd", json!(work))
}

#[track_caller]
fn assert_cloned(ended: &Ended) {
    assert_eq!(ended.code, 0, "{}\n{}", ended.status, ended.stderr);
    assert!(ended.dir.path().join("work/README").exists());
}

/// Asserts a failure of the workspace, the words in its error, and no password anywhere.
#[track_caller]
fn assert_fails(ended: &Ended, reason: &'static str, named: &[&str]) {
    assert_ends("", ended, &ends(74, "WorkspaceFailed", reason));
    for name in named {
        assert!(ended.error().contains(name), "`{name}`: {}", ended.error());
    }
    for text in [ended.full.to_string(), ended.stderr.clone()] {
        assert!(!text.contains(PASSWORD), "the password is in: {text}");
    }
}

#[test]
fn a_private_authority_is_trusted_if_a_variable_names_it() {
    let repository = repository();
    let server = server(&repository).tls();
    for variable in ["VCS_CA_FILE", "GIT_SSL_CAINFO", "SSL_CERT_FILE"] {
        let run = clones(&server.url("owner/name")).env(variable, server.ca_file());
        assert_cloned(&run.end());
    }
}

#[test]
fn an_authority_that_nobody_trusts_is_an_error_at_once() {
    let repository = repository();
    let server = server(&repository).tls();
    let ended = clones(&server.url("owner/name")).end();
    let host = server.address().to_string();
    assert_fails(&ended, "TlsFailed", &[&host, "certificate", "VCS_CA_FILE"]);
    assert_eq!(ended.status["retryable"], false);
    assert_eq!((server.connections(), server.requests().len()), (1, 0));
}

#[test]
fn a_certificate_for_another_name_is_an_error_at_once() {
    let repository = repository();
    let server = server(&repository).tls_as(&["git.example.com"]);
    let run = clones(&server.url("owner/name")).env("VCS_CA_FILE", server.ca_file());
    let host = server.address().to_string();
    assert_fails(
        &run.end(),
        "TlsFailed",
        &[&host, "certificate", "git.example.com"],
    );
    assert_eq!((server.connections(), server.requests().len()), (1, 0));
}

#[test]
fn a_server_without_tls_where_tls_is_wanted_is_an_error_that_says_so() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let host = listener
        .local_addr()
        .expect("it has an address")
        .to_string();
    let run = clones(&format!("https://{host}/owner/name.git"));
    let answer = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("somebody comes");
        let mut hello = [0; 16];
        stream.read_exact(&mut hello).expect("they say hello");
        // As web servers answer what is no HTTP.
        stream
            .write_all(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")
            .expect("they listen");
        // Kept, so that the port refuses nobody who tries again.
        listener
    });
    let ended = run.end();
    assert_fails(&ended, "TlsFailed", &[&host]);
    let listener = answer.join().expect("it answered");
    listener
        .set_nonblocking(true)
        .expect("a listener can be asked");
    assert!(listener.accept().is_err(), "somebody came again");
}

#[test]
fn a_file_of_authorities_that_cannot_be_used_is_named() {
    let repository = repository();
    let server = server(&repository).tls();
    for content in [
        None,
        Some(""),
        Some("hello\n"),
        Some("-----BEGIN CERTIFICATE-----\n????\n"),
    ] {
        for variable in ["VCS_CA_FILE", "GIT_SSL_CAINFO", "SSL_CERT_FILE"] {
            let run = clones(&server.url("owner/name"));
            let file = run.path("authorities.pem");
            if let Some(content) = content {
                fs::write(&file, content).expect("it can be written");
            }
            let path = file.display().to_string();
            assert_fails(&run.env(variable, &file).end(), "BadTlsOrProxy", &[&path]);
        }
    }
    assert_eq!(server.connections(), 0);
}

#[test]
fn https_goes_through_a_tunnel() {
    let repository = repository();
    let server = server(&repository).tls_as(&["git.example.com"]);
    let proxy = Proxy::new().resolve("git.example.com:443", server.address());
    for variable in ["HTTPS_PROXY", "https_proxy", "ALL_PROXY"] {
        let before = proxy.requests().len();
        let run = clones("https://git.example.com/owner/name.git")
            .env("VCS_CA_FILE", server.ca_file())
            .env(variable, proxy.url());
        assert_cloned(&run.end());
        let requests = proxy.requests();
        assert_eq!(requests[before].method, "CONNECT", "{variable}");
        assert_eq!(requests[before].target, "git.example.com:443");
    }
}

#[test]
fn the_proxy_never_sees_the_token_for_a_tunnelled_host() {
    let repository = repository();
    let server = server(&repository)
        .tls_as(&["git.example.com"])
        .auth("git", TOKEN);
    let proxy = Proxy::new()
        .auth("user", PASSWORD)
        .resolve("git.example.com:443", server.address());
    let run = clones("https://git.example.com/owner/name.git")
        .env("VCS_CLONE_BASE_URL", "https://git.example.com")
        .env("VCS_PROVIDER", "gitea")
        .env("VCS_REPOSITORY", "owner/name")
        .env("VCS_TOKEN", TOKEN)
        .env("VCS_CA_FILE", server.ca_file())
        .env("HTTPS_PROXY", proxy.url_as("user", PASSWORD));
    assert_cloned(&run.end());
    assert!(
        proxy
            .requests()
            .iter()
            .all(|request| request.status == Some(200))
    );
    assert!(
        server
            .requests()
            .iter()
            .all(|request| { request.header("proxy-authorization").is_none() })
    );
}

#[test]
fn http_goes_through_in_absolute_form() {
    let repository = repository();
    let server = server(&repository);
    let proxy = Proxy::new()
        .auth("user", PASSWORD)
        .resolve("git.example.com:80", server.address());
    let run = clones("http://git.example.com/owner/name.git")
        .env("http_proxy", proxy.url_as("user", PASSWORD));
    assert_cloned(&run.end());
    let first = &proxy.requests()[0];
    assert!(
        first
            .target
            .starts_with("http://git.example.com/owner/name.git/info/refs"),
        "{first:?}"
    );
    assert_eq!(
        first.status, None,
        "the credentials come with the first request"
    );
}

#[test]
fn the_variable_that_a_cgi_client_could_set_does_not_count() {
    let repository = repository();
    let (server, proxy) = (server(&repository), Proxy::new());
    let run = clones(&server.url("owner/name")).env("HTTP_PROXY", proxy.url());
    assert_cloned(&run.end());
    assert!(proxy.requests().is_empty());
}

#[test]
fn no_proxy_names_hosts_suffixes_ports_and_networks() {
    let repository = repository();
    let (server, proxy) = (server(&repository), Proxy::new());
    let port = server.address().port();
    let by_name = server.url("owner/name").replace("127.0.0.1", "localhost");
    let with_port = format!("example.com, localhost:{port}");
    let other_port = format!("localhost:{}", if port == 1 { 2 } else { 1 });
    for (url, list, is_direct) in [
        (server.url("owner/name"), "127.0.0.1", true),
        (server.url("owner/name"), "10.0.0.0/8,127.0.0.0/8", true),
        (server.url("owner/name"), "*", true),
        (server.url("owner/name"), "10.0.0.0/8,.example.com", false),
        (by_name.clone(), "example.com,localhost", true),
        (by_name.clone(), ".LocalHost", true),
        (by_name.clone(), "host,alhost", false),
        (by_name.clone(), &with_port, true),
        (by_name, &other_port, false),
    ] {
        let before = proxy.requests().len();
        let run = clones(&url)
            .env("http_proxy", proxy.url())
            .env("NO_PROXY", list);
        assert_cloned(&run.end());
        assert_eq!(proxy.requests().len() == before, is_direct, "{url} {list}");
    }
}

#[test]
fn a_proxy_that_wants_other_credentials_is_named_and_not_asked_again() {
    let repository = repository();
    let server = server(&repository);
    for scheme in ["https", "http"] {
        let proxy = Proxy::new().auth("user", "another");
        let run = clones(&format!("{scheme}://git.example.com/owner/name.git"))
            .env(&format!("{scheme}_proxy"), proxy.url_as("user", PASSWORD));
        let host = proxy.address().to_string();
        let ended = run.end();
        assert_fails(
            &ended,
            "ProxyRefused",
            &[&host, "git.example.com", "407", "proxy"],
        );
        assert_eq!(ended.status["retryable"], false);
        assert_eq!(proxy.requests().len(), 1, "{scheme}");
    }
    assert_eq!(server.connections(), 0);
}

#[test]
fn a_proxy_that_forbids_the_host_is_named() {
    let proxy = Proxy::new().refuse(403);
    let run = clones("https://git.example.com/owner/name.git")
        .env("https_proxy", proxy.url_as("user", PASSWORD));
    let host = proxy.address().to_string();
    assert_fails(
        &run.end(),
        "Unreachable",
        &[&host, "git.example.com", "proxy"],
    );
}

#[test]
fn a_dead_proxy_is_named() {
    let address = {
        let closed = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        closed.local_addr().expect("it has an address")
    };
    for scheme in ["https", "http"] {
        let run = clones(&format!("{scheme}://git.example.com/owner/name.git")).env(
            &format!("{scheme}_proxy"),
            format!("http://user:{PASSWORD}@{address}"),
        );
        let named = ["git.example.com", "proxy", &address.to_string(), "refused"];
        assert_fails(&run.end(), "Unreachable", &named);
    }
}

#[test]
fn a_silent_proxy_is_named_when_the_time_to_connect_is_over() {
    let silent = GitServer::new().stall_accept();
    let proxy = format!("http://user:{PASSWORD}@{}", silent.address());
    let run = clones("https://git.example.com/owner/name.git")
        .setting("workspace/timeouts/connect", json!("200ms"))
        .env("https_proxy", proxy);
    let ended = run.end();
    assert_ends("", &ended, &ends(74, "WorkspaceFailed", "Unreachable"));
    assert!(
        ended.error().contains(&silent.address().to_string()),
        "{}",
        ended.error()
    );
}

#[test]
fn a_proxy_that_is_none_of_ours_is_an_error_and_no_way_round() {
    let repository = repository();
    let server = server(&repository);
    for proxy in [
        format!("socks5://user:{PASSWORD}@127.0.0.1:1"),
        format!("http://user:{PASSWORD}@"),
        format!("ftp://user:{PASSWORD}@127.0.0.1:1"),
    ] {
        let run = clones(&server.url("owner/name")).env("http_proxy", proxy);
        assert_fails(&run.end(), "BadTlsOrProxy", &["http_proxy"]);
    }
    assert_eq!(server.connections(), 0);
}

#[test]
fn a_proxy_that_is_none_of_ours_matters_only_to_whom_it_would_be_asked_for() {
    let repository = repository();
    let server = server(&repository);
    let run = || {
        clones(&server.url("owner/name"))
            .env("ALL_PROXY", format!("socks5://user:{PASSWORD}@127.0.0.1:1"))
    };
    assert_cloned(&run().env("NO_PROXY", "127.0.0.0/8").end());
    let before = server.connections();
    let ended = run().env("NO_PROXY", "example.com").end();
    assert_fails(&ended, "BadTlsOrProxy", &["all_proxy"]);
    assert_eq!(ended.status["retryable"], false);
    // One that is only for another protocol.
    let run = clones(&server.url("owner/name")).env("https_proxy", "socks5://127.0.0.1:1");
    assert_eq!(server.connections(), before);
    assert_cloned(&run.end());
}
