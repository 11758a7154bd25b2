use agent_tests::{Git, GitServer, Proxy, checked_out, git};

use super::{small, temporary};

#[test]
fn a_tunnel_leads_to_a_host_that_is_only_known_to_the_proxy() {
    let repository = small();
    let server = GitServer::new()
        .serve("owner/name", &repository)
        .tls_as(&["git.example.com"]);
    let proxy = Proxy::new().resolve("git.example.com:443", server.address());
    let dir = temporary();
    Git::new(dir.path())
        .env("HTTPS_PROXY", proxy.url())
        .env("GIT_SSL_CAINFO", server.ca_file())
        .run(["clone", "https://git.example.com/owner/name.git", "clone"]);
    assert_eq!(
        checked_out(dir.path().join("clone")).commit,
        Some(repository.rev("main"))
    );
    let requests = proxy.requests();
    assert_eq!(requests.len(), 1, "{requests:?}");
    assert_eq!(requests[0].method, "CONNECT");
    assert_eq!(requests[0].target, "git.example.com:443");
    assert_eq!(requests[0].authorization, None);
    assert_eq!(requests[0].status, Some(200));
    assert!(server.requests().len() >= 3);
}

#[test]
fn requests_without_tls_are_passed_on() {
    let repository = small();
    let server = GitServer::new().serve("owner/name", &repository);
    let proxy = Proxy::new().resolve("git.example.com:80", server.address());
    let dir = temporary();
    let url = "http://git.example.com/owner/name.git";
    Git::new(dir.path())
        .env("http_proxy", proxy.url())
        .run(["clone", url, "clone"]);
    let targets: Vec<_> = proxy
        .requests()
        .into_iter()
        .map(|request| (request.method, request.target))
        .collect();
    assert_eq!(targets.len(), 3, "{targets:?}");
    assert_eq!(targets[0].0, "GET");
    assert!(targets[0].1.starts_with(&format!("{url}/info/refs")));
    assert_eq!(
        targets[2],
        ("POST".to_owned(), format!("{url}/git-upload-pack"))
    );
    let seen = server.requests();
    assert_eq!(seen[0].path, "/owner/name.git/info/refs");
    assert!(
        seen.iter()
            .all(|request| request.header("proxy-connection").is_none())
    );
}

#[test]
fn only_the_right_user_is_let_through() {
    let server = GitServer::new().serve("owner/name", &small()).tls();
    let proxy = Proxy::new().auth("user", "secret");
    let (dir, url) = (temporary(), server.url("owner/name"));
    let through = |proxy: String| {
        Git::new(dir.path())
            .env("HTTPS_PROXY", proxy)
            .env("GIT_SSL_CAINFO", server.ca_file())
    };
    through(proxy.url_as("user", "secret")).run(["ls-remote", &url]);
    let before = server.requests().len();
    for wrong in [proxy.url(), proxy.url_as("user", "other")] {
        let said = through(wrong).fails(["ls-remote", &url]);
        assert!(said.contains("407"), "{said}");
    }
    assert_eq!(server.requests().len(), before);
    assert!(
        proxy
            .requests()
            .iter()
            .any(|request| request.status == Some(407))
    );
}

#[test]
fn a_proxy_that_refuses_passes_nothing_on() {
    let server = GitServer::new().serve("owner/name", &small());
    let proxy = Proxy::new().refuse(503);
    let dir = temporary();
    let said = Git::new(dir.path())
        .env("http_proxy", proxy.url())
        .fails(["ls-remote", &server.url("owner/name")]);
    assert!(said.contains("503"), "{said}");
    assert!(server.requests().is_empty());
    git(dir.path(), ["ls-remote", &server.url("owner/name")]);
    assert_eq!(proxy.requests().len(), 1);
}

#[test]
fn a_host_that_nobody_answers_for_is_a_bad_gateway() {
    let server = GitServer::new();
    let url = server.url("owner/name");
    drop(server);
    let proxy = Proxy::new();
    let said = Git::new(temporary().path())
        .env("http_proxy", proxy.url())
        .fails(["ls-remote", &url]);
    assert!(said.contains("502"), "{said}");
}
