use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

use agent_tests::{
    DEADLINE, Fault, Git, GitServer, Repository, git, git_fails, processes_with, wait_until,
};

use super::{big, small, temporary};

#[test]
fn an_answer_is_given_so_often_and_then_it_works_again() {
    for (status, words) in [
        (401, "could not read Username"),
        (403, "403"),
        (404, "not found"),
        (429, "429"),
        (500, "500"),
        (503, "503"),
    ] {
        let server = GitServer::new()
            .serve("owner/name", &small())
            .fault(Fault::answer(status).times(2));
        let (dir, url) = (temporary(), server.url("owner/name"));
        for _ in 0..2 {
            let said = git_fails(dir.path(), ["ls-remote", &url]);
            assert!(said.contains(words), "{status}: {said}");
        }
        git(dir.path(), ["ls-remote", &url]);
        let statuses: Vec<_> = server
            .requests()
            .iter()
            .filter_map(|request| request.status)
            .collect();
        assert_eq!(statuses, [status, status, 200, 200]);
    }
}

#[test]
fn an_answer_can_be_for_one_path_or_after_some_requests() {
    let (one, two) = (small(), small());
    let server = GitServer::new()
        .serve("owner/one", &one)
        .serve("owner/two", &two)
        .fault(Fault::answer(403).on("/owner/two.git/"))
        .fault(Fault::answer(500).on("info/refs").after(1).once());
    let dir = temporary();
    let ask = |name: &str| Git::new(dir.path()).end(["ls-remote", &server.url(name)]);
    assert!(ask("owner/two").stderr.contains("403"));
    assert!(ask("owner/one").success);
    assert!(ask("owner/two").stderr.contains("403"));
    assert!(ask("owner/one").stderr.contains("500"));
    assert!(ask("owner/one").success);
    server.heal();
    assert!(ask("owner/two").success);
}

#[test]
fn retry_after_is_in_the_answer() {
    let server = GitServer::new().fault(Fault::answer(429).retry_after("7"));
    let said = Git::new(temporary().path())
        .env("GIT_CURL_VERBOSE", "1")
        .fails(["ls-remote", &server.url("owner/name")]);
    assert!(said.contains("Retry-After: 7"), "{said}");
}

#[test]
fn a_stalled_body_hangs_until_the_server_is_dropped_and_nothing_is_left() {
    let repository = big();
    let server = GitServer::new()
        .serve("owner/name", &repository)
        .fault(Fault::stall_after(300_000));
    let (dir, place) = (temporary(), server.dir().to_owned());
    let mut client = Git::new(dir.path()).start(["clone", &server.url("owner/name"), "clone"]);
    let stalled = || {
        let last = server.requests().pop();
        last.is_some_and(|request| request.bytes_sent == 300_000)
    };
    assert!(wait_until(DEADLINE, stalled), "{:?}", server.requests());
    assert!(!processes_with(&place).is_empty(), "nobody makes the pack");
    assert!(client.is_running());
    drop(server);
    assert!(processes_with(&place).is_empty());
    client.end().failed();
}

#[test]
fn a_program_that_says_nothing_does_not_outlive_the_server() {
    // Without its signs of life, which would tell that the client has gone.
    let repository = small()
        .config("http.receivepack", "true")
        .config("receive.keepAlive", "0");
    let hook = repository.dir().join("hooks/pre-receive");
    std::fs::write(&hook, "#!/bin/sh\nexec sleep 1000\n").expect("the repository is writable");
    std::fs::set_permissions(&hook, Permissions::from_mode(0o755)).expect("the hook is ours");
    let server = GitServer::new().serve("owner/name", &repository);
    let (dir, place) = (temporary(), server.dir().to_owned());
    git(dir.path(), ["clone", &server.url("owner/name"), "clone"]);
    let clone = Git::new(dir.path().join("clone"));
    let client = clone.start(["push", "origin", "HEAD:refs/heads/new"]);
    let waits = || {
        let processes = processes_with(&place);
        processes.iter().any(|(_, name)| name == "sleep")
    };
    assert!(wait_until(DEADLINE, waits), "the hook has not been started");
    drop(server);
    assert!(processes_with(&place).is_empty());
    client.end().failed();
}

#[test]
fn a_silent_server_takes_the_request_and_gives_no_status() {
    let server = GitServer::new()
        .serve("owner/name", &small())
        .fault(Fault::silence().on("git-upload-pack").once());
    let dir = temporary();
    let mut client = Git::new(dir.path()).start(["ls-remote", &server.url("owner/name")]);
    assert!(wait_until(DEADLINE, || server.requests().len() == 1));
    assert_eq!(server.requests()[0].status, None);
    git(dir.path(), ["ls-remote", &server.url("owner/name")]);
    assert!(client.is_running());
}

#[test]
fn a_stalled_accept_takes_the_connection_and_reads_nothing() {
    for server in [GitServer::new(), GitServer::new().tls()] {
        let server = server.stall_accept();
        let dir = temporary();
        let mut client = Git::new(dir.path()).start(["ls-remote", &server.url("owner/name")]);
        assert!(wait_until(DEADLINE, || server.connections() == 1));
        assert!(client.is_running());
        assert!(server.requests().is_empty());
        drop(server);
        client.end().failed();
    }
}

#[test]
fn a_pack_is_cut_where_it_was_said_and_so_often() {
    for secure in [false, true] {
        let repository = big();
        let mut server = GitServer::new()
            .serve("owner/name", &repository)
            .fault(Fault::cut_after(70_000).times(2));
        if secure {
            server = server.tls();
        }
        let (dir, url) = (temporary(), server.url("owner/name"));
        let mut cli = Git::new(dir.path());
        if secure {
            cli = cli.env("GIT_SSL_CAINFO", server.ca_file());
        }
        for _ in 0..2 {
            let said = cli.fails(["clone", &url, "clone"]);
            assert!(said.contains("early EOF"), "{said}");
            let last = server.requests().pop().expect("there have been requests");
            assert_eq!((last.status, last.bytes_sent), (Some(200), 70_000));
        }
        cli.run(["clone", &url, "clone"]);
    }
}

#[test]
fn a_slow_body_takes_its_time() {
    let repository = Repository::new().files("main", 1, 50_000);
    let server = GitServer::new()
        .serve("owner/name", &repository)
        .fault(Fault::slow(100_000).on("/git-upload-pack"));
    let dir = temporary();
    let begun = Instant::now();
    git(dir.path(), ["clone", &server.url("owner/name"), "clone"]);
    let took = begun.elapsed();
    assert!(took >= Duration::from_millis(500), "it took {took:?}");
}

#[test]
fn a_redirect_leads_to_another_server() {
    let repository = small();
    let new_home = GitServer::new().serve("new/name", &repository);
    let to = format!("{}/new/", new_home.base());
    let server = GitServer::new().fault(Fault::redirect("/old/", &to));
    let dir = temporary();
    git(dir.path(), ["clone", &server.url("old/name"), "clone"]);
    let redirected = server.requests();
    assert_eq!(redirected.len(), 1);
    assert_eq!(redirected[0].status, Some(301));
    assert_eq!(new_home.requests()[0].path, "/new/name.git/info/refs");
    assert_eq!(new_home.requests()[0].query, "service=git-upload-pack");
}
