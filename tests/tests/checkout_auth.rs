//! Who may fetch over HTTP: the token is shown when it is asked for, to the host that it is for, and
//! no oftener than there is a use in it.

use std::fs;

use agent_tests::{
    DEADLINE, Ended, Fault, GitServer, Repository, Request, Run, assert_ends, ends, git, wait_until,
};
use serde_json::json;

const TOKEN: &str = "gta_0123456789abcdefghij";

fn repository() -> Repository {
    Repository::new().commit("main", [("README", "hello\n")])
}

/// A server that wants this user and the token, with one repository.
fn server(repository: &Repository, user: &str) -> GitServer {
    GitServer::new()
        .serve("owner/name", repository)
        .auth(user, TOKEN)
}

/// A run that clones a URL into `work` and then does nothing.
fn clones(url: &str) -> Run {
    let run = Run::new();
    let work = run.path("work");
    run.setting("workspace/git/url", json!(url))
        .setting("cwd", json!(work))
}

/// The same, for the repository of the run, as the controller describes it.
fn clones_own(server: &GitServer, provider: &str) -> Run {
    clones(&server.url("owner/name"))
        .env("VCS_PROVIDER", provider)
        .env("VCS_REPOSITORY", "owner/name")
        .env("VCS_CLONE_BASE_URL", server.base())
}

#[track_caller]
fn assert_cloned(ended: &Ended) {
    assert_eq!(ended.code, 0, "{}\n{}", ended.status, ended.stderr);
    let work = ended.dir.path().join("work");
    assert_eq!(
        fs::read_to_string(work.join("README")).expect("it was checked out"),
        "hello\n"
    );
}

/// Asserts an ending, that its error names what a person needs to know, and that the token is
/// nowhere.
#[track_caller]
fn assert_fails(ended: &Ended, wanted: (i32, &'static str, &'static str), named: &[&str]) {
    assert_ends("", ended, &ends(wanted.0, wanted.1, wanted.2));
    for name in named {
        assert!(ended.error().contains(name), "`{name}`: {}", ended.error());
    }
    for text in [ended.full.to_string(), ended.stderr.clone()] {
        assert!(!text.contains(TOKEN), "the token is in: {text}");
    }
}

/// What was asked and what it got: `GET 401`, with `+` if there were credentials.
fn log(server: &GitServer) -> Vec<String> {
    let line = |request: &Request| {
        let with = if request.authorization.is_some() {
            "+"
        } else {
            ""
        };
        let status = request.status.unwrap_or_default();
        format!("{}{with} {status}", request.method)
    };
    server.requests().iter().map(line).collect()
}

#[test]
fn the_token_follows_when_it_is_asked_for() {
    let repository = repository();
    let server = server(&repository, "git");
    let ended = clones_own(&server, "gitea").env("VCS_TOKEN", TOKEN).end();
    assert_cloned(&ended);
    assert_eq!(log(&server)[..2], ["GET 401", "GET+ 200"]);
    assert!(
        log(&server)[2..].iter().all(|line| line == "POST+ 200"),
        "{:?}",
        log(&server)
    );
}

#[test]
fn a_public_repository_never_sees_the_token() {
    let repository = repository();
    let server = GitServer::new().serve("owner/name", &repository);
    assert_cloned(&clones_own(&server, "gitea").env("VCS_TOKEN", TOKEN).end());
    assert!(
        server
            .requests()
            .iter()
            .all(|request| request.authorization.is_none())
    );
}

#[test]
fn every_provider_has_its_own_user_name() {
    let repository = repository();
    for (provider, user) in [
        ("github", "x-access-token"),
        ("gitlab", "oauth2"),
        ("bitbucket", "x-token-auth"),
        ("gitea", "git"),
    ] {
        let server = server(&repository, user);
        assert_cloned(&clones_own(&server, provider).env("VCS_TOKEN", TOKEN).end());
        let told = server.requests().iter().find_map(Request::credentials);
        assert_eq!(
            told,
            Some((user.to_owned(), TOKEN.to_owned())),
            "{provider}"
        );
    }
}

#[test]
fn a_user_name_of_ones_own_wins() {
    let repository = repository();
    let server = server(&repository, "someone");
    let run = clones_own(&server, "github").env("VCS_TOKEN", TOKEN);
    assert_cloned(&run.env("VCS_USERNAME", "someone").end());
}

#[test]
fn for_github_the_variables_of_github_come_first() {
    let repository = repository();
    let variables = ["GH_TOKEN", "GITHUB_TOKEN", "VCS_TOKEN"];
    for first in 0..variables.len() {
        let server = server(&repository, "x-access-token");
        let mut run = clones_own(&server, "github").env(variables[first], TOKEN);
        for later in &variables[first + 1..] {
            run = run.env(later, "not-this-one");
        }
        assert_cloned(&run.end());
        assert_eq!(log(&server)[..2], ["GET 401", "GET+ 200"]);
    }
}

#[test]
fn for_others_the_variables_of_github_do_not_count() {
    let repository = repository();
    let server = server(&repository, "git");
    let run = clones_own(&server, "gitea")
        .env("GH_TOKEN", "github-one")
        .env("GITHUB_TOKEN", "github-two");
    assert_fails(
        &run.end(),
        (77, "AuthFailed", "CredentialsRefused"),
        &["without credentials"],
    );
    assert_eq!(log(&server), ["GET 401"]);
}

#[test]
fn a_token_file_is_read_again_for_every_request() {
    let repository = Repository::new().files("main", 20, 10_000);
    // Good for the listing only; the pack wants the second.
    let server = GitServer::new()
        .serve("owner/name", &repository)
        .expiring_token("git", "first-token", 1, "second-token")
        .fault(Fault::slow(200).on("info/refs").after(1).once());
    let run = clones_own(&server, "gitea");
    let file = run.path("mounted-token");
    fs::write(&file, "first-token\n").expect("it can be written");
    let started = run.env("VCS_TOKEN_FILE", &file).start();
    // The first token has been read, and its listing takes a second or two.
    let shown = || {
        server
            .requests()
            .iter()
            .any(|request| request.authorization.is_some())
    };
    assert!(wait_until(DEADLINE, shown), "nobody came");
    let renewed = started.path("renewed");
    fs::write(&renewed, "second-token").expect("it can be written");
    fs::rename(renewed, &file).expect("it can be replaced");
    let ended = started.end();
    assert_eq!(ended.code, 0, "{}\n{}", ended.status, ended.stderr);
    let tokens: Vec<_> = server
        .requests()
        .iter()
        .filter_map(Request::credentials)
        .map(|(_, token)| token)
        .collect();
    assert_eq!(tokens.first().map(String::as_str), Some("first-token"));
    assert_eq!(tokens.last().map(String::as_str), Some("second-token"));
}

#[test]
fn a_wrong_token_is_shown_once_and_ends_the_run() {
    let repository = repository();
    let server = GitServer::new()
        .serve("owner/name", &repository)
        .auth("git", "another-token");
    let run = clones_own(&server, "gitea").env("VCS_TOKEN", TOKEN);
    let host = server.address().to_string();
    let ended = run.end();
    assert_fails(
        &ended,
        (77, "AuthFailed", "CredentialsRefused"),
        &[&host, "401", "`git`", "VCS_TOKEN"],
    );
    assert_eq!(ended.status["retryable"], false);
    assert_eq!(log(&server), ["GET 401", "GET+ 401"]);
    assert!(!ended.dir.path().join("work/.git").exists());
}

#[test]
fn a_token_that_may_not_read_is_refused() {
    let repository = repository();
    let server = server(&repository, "git").fault(Fault::answer(403));
    let ended = clones_own(&server, "gitea").env("VCS_TOKEN", TOKEN).end();
    let host = server.address().to_string();
    assert_fails(
        &ended,
        (77, "AuthFailed", "CredentialsRefused"),
        &[&host, "403", "VCS_TOKEN"],
    );
    assert_eq!(log(&server), ["GET 403", "GET+ 403"]);
}

#[test]
fn a_repository_that_is_not_there_is_not_a_matter_of_credentials() {
    let server = GitServer::new();
    for (token, requests) in [(Some(TOKEN), 2), (None, 1)] {
        let before = server.requests().len();
        let mut run = clones_own(&server, "gitea");
        if let Some(token) = token {
            run = run.env("VCS_TOKEN", token);
        }
        let host = server.address().to_string();
        assert_fails(
            &run.end(),
            (74, "WorkspaceFailed", "RepositoryNotFound"),
            &[&host, "owner/name", "404"],
        );
        assert_eq!(server.requests().len() - before, requests);
    }
}

#[test]
fn a_repository_hidden_from_strangers_is_tried_with_the_token() {
    let repository = repository();
    for status in [403, 404] {
        let server = server(&repository, "git").fault(Fault::answer(status).once());
        assert_cloned(&clones_own(&server, "gitea").env("VCS_TOKEN", TOKEN).end());
        assert_eq!(
            log(&server)[..2],
            [format!("GET {status}"), "GET+ 200".to_owned()]
        );
    }
}

#[test]
fn an_unreadable_or_empty_token_file_is_named() {
    let repository = repository();
    let server = server(&repository, "git");
    for content in [None, Some(""), Some(" \n")] {
        let run = clones_own(&server, "gitea");
        let file = run.path("mounted-token");
        if let Some(content) = content {
            fs::write(&file, content).expect("it can be written");
        }
        let ended = run.env("VCS_TOKEN_FILE", &file).end();
        assert_fails(
            &ended,
            (74, "WorkspaceFailed", "TokenUnreadable"),
            &["mounted-token", "VCS_TOKEN_FILE"],
        );
    }
}

#[test]
fn the_token_is_for_its_own_host_only() {
    let repository = repository();
    let (own, other) = (server(&repository, "git"), server(&repository, "git"));
    let run = clones(&other.url("owner/name"))
        .env("VCS_PROVIDER", "gitea")
        .env("VCS_REPOSITORY", "owner/name")
        .env("VCS_CLONE_BASE_URL", own.base())
        .env("VCS_TOKEN", TOKEN);
    let ended = run.end();
    let host = other.address().to_string();
    assert_fails(
        &ended,
        (77, "AuthFailed", "CredentialsRefused"),
        &[&host, "without credentials"],
    );
    assert_eq!(log(&other), ["GET 401"]);
    assert_eq!(log(&own), Vec::<String>::new());
    let warned = |warning: &serde_json::Value| {
        let text = warning.as_str().unwrap_or_default();
        text.contains("credentials") && text.contains(&host)
    };
    let warnings = ended.full["warnings"].as_array().expect("there are some");
    assert!(warnings.iter().any(warned), "{warnings:?}");
}

#[test]
fn another_host_by_redirection_gets_no_token() {
    let repository = repository();
    for target in [
        server(&repository, "git"),
        GitServer::new().serve("owner/name", &repository),
    ] {
        let own = server(&repository, "git")
            .fault(Fault::redirect("/owner/name.git", &target.url("owner/name")).after(1));
        let ended = clones_own(&own, "gitea").env("VCS_TOKEN", TOKEN).end();
        if log(&target)[0] == "GET 200" {
            assert_cloned(&ended);
        } else {
            let host = target.address().to_string();
            assert_fails(
                &ended,
                (77, "AuthFailed", "CredentialsRefused"),
                &[&host, "without credentials"],
            );
        }
        // Asked for and given at home, it stays there.
        assert_eq!(log(&own), ["GET 401", "GET+ 301"]);
        assert!(
            target
                .requests()
                .iter()
                .all(|request| request.authorization.is_none())
        );
    }
}

#[test]
fn a_renamed_repository_is_followed_on_its_host() {
    let repository = repository();
    let server = GitServer::new()
        .serve("new/name", &repository)
        .auth("git", TOKEN);
    let to = server.url("new/name");
    let server = server.fault(Fault::redirect("/owner/name.git", &to));
    let ended = clones_own(&server, "gitea").env("VCS_TOKEN", TOKEN).end();
    assert_cloned(&ended);
    // What the plan said stays the origin.
    let origin = git(
        ended.dir.path().join("work"),
        ["remote", "get-url", "origin"],
    );
    assert_eq!(origin, server.url("owner/name"));
}

#[test]
fn a_redirection_out_of_tls_is_refused() {
    let repository = repository();
    let plain = GitServer::new().serve("owner/name", &repository);
    let server = server(&repository, "git")
        .tls()
        .fault(Fault::redirect("/owner/name.git", &plain.url("owner/name")));
    let ended = clones_own(&server, "gitea")
        .env("VCS_TOKEN", TOKEN)
        .env("VCS_CA_FILE", server.ca_file())
        .end();
    assert_fails(
        &ended,
        (74, "WorkspaceFailed", "NotGit"),
        &["out of TLS", &server.address().to_string()],
    );
    assert_eq!(log(&plain), Vec::<String>::new());
}

#[test]
fn a_redirection_in_circles_ends() {
    let repository = repository();
    let server = server(&repository, "git");
    let to = server.url("owner/name");
    let server = server.fault(Fault::redirect("/owner/name.git", &to));
    let ended = clones_own(&server, "gitea").env("VCS_TOKEN", TOKEN).end();
    assert_fails(
        &ended,
        (74, "WorkspaceFailed", "NotGit"),
        &["again and again"],
    );
    assert!(server.requests().len() <= 7, "{:?}", log(&server));
}

#[test]
fn credentials_in_a_redirection_are_neither_used_nor_shown() {
    let repository = repository();
    let target = GitServer::new()
        .serve("owner/name", &repository)
        .auth("evil", "planted");
    let to = target
        .url("owner/name")
        .replace("http://", "http://evil:planted@");
    let own = server(&repository, "git").fault(Fault::redirect("/owner/name.git", &to));
    let ended = clones_own(&own, "gitea").env("VCS_TOKEN", TOKEN).end();
    assert_fails(&ended, (77, "AuthFailed", "CredentialsRefused"), &[]);
    assert!(!ended.stderr.contains("planted"), "{}", ended.stderr);
    assert_eq!(log(&target), ["GET 401"]);
}

#[test]
fn a_page_for_people_is_not_git() {
    let server = GitServer::new()
        .fault(Fault::answer(200).header("Content-Type", "text/html; charset=utf-8"));
    let ended = clones_own(&server, "gitea").end();
    let host = server.address().to_string();
    assert_fails(
        &ended,
        (74, "WorkspaceFailed", "NotGit"),
        &[&host, "text/html"],
    );
    assert_eq!(log(&server), ["GET 200"]);
}

#[test]
fn a_server_that_is_down_is_tried_again_and_one_that_refuses_is_not() {
    let repository = repository();
    let server = server(&repository, "git").fault(Fault::answer(503).retry_after("0").times(2));
    assert_cloned(&clones_own(&server, "gitea").env("VCS_TOKEN", TOKEN).end());
    assert_eq!(
        log(&server)[..4],
        ["GET 503", "GET 503", "GET 401", "GET+ 200"]
    );
}

#[test]
fn a_token_for_nobody_is_not_sent_in_plain_text() {
    let repository = repository();
    let server = server(&repository, "x-access-token");
    let run = || clones(&server.url("owner/name")).env("VCS_TOKEN", TOKEN);
    let ended = run().end();
    assert_fails(
        &ended,
        (77, "AuthFailed", "CredentialsRefused"),
        &["without credentials"],
    );
    assert_eq!(log(&server), ["GET 401"]);
    let warnings = ended.full["warnings"].to_string();
    assert!(warnings.contains("VCS_CLONE_BASE_URL"), "{warnings}");
    // Unless somebody says that it is for that server.
    assert_cloned(&run().env("VCS_CLONE_BASE_URL", server.base()).end());
    assert_eq!(log(&server)[1..3], ["GET 401", "GET+ 200"]);
}
