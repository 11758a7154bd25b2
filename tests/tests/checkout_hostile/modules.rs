use std::fs;

use agent_tests::{Entry, GitServer, Repository, Run};
use serde_json::json;

use super::{FAILED, POLICY, cloning, refused};

/// A repository with a submodule at `sub` and this text as its `.gitmodules`.
fn with_modules(text: &str) -> (Repository, Repository) {
    let inner = Repository::new().commit("main", [("inner", "")]);
    let commit = inner.rev("main");
    let outer = Repository::new().commit(
        "main",
        [
            Entry::file(".gitmodules", text),
            Entry::file("README", "hello\n"),
            Entry::gitlink("sub", &commit),
        ],
    );
    (outer, inner)
}

fn serve((outer, inner): &(Repository, Repository)) -> GitServer {
    GitServer::new()
        .serve("owner/name", outer)
        .serve("owner/sub", inner)
}

fn with_submodules(server: &GitServer) -> Run {
    cloning(&server.url("owner/name"))
        .setting("workspace/git/submodules", json!("recursive"))
        .setting("workspace/localRemotes", json!(true))
}

fn section(name: &str, path: &str, url: &str) -> String {
    format!("[submodule \"{name}\"]\n\tpath = {path}\n\turl = {url}\n")
}

fn asked_for(server: &GitServer, name: &str) -> bool {
    server
        .requests()
        .iter()
        .any(|request| request.path.contains(name))
}

#[test]
fn a_submodule_with_a_url_that_is_no_remote_is_refused() {
    for url in [
        "ext::sh",
        "ext::sh -c touch% canary",
        "file:///etc",
        "/etc/passwd",
        "-u./payload",
        "--upload-pack=touch",
        "ssh://-oProxyCommand=touch/x",
        "https://user:secret-password@example.com/x.git",
        "../../../../outside.git",
        "../../../x",
        "./../../../../x",
        "../%2e%2e/x.git",
        "",
    ] {
        let both = with_modules(&section("sub", "sub", url));
        let server = serve(&both);
        let ended = refused(with_submodules(&server), POLICY, &["`sub`", ".gitmodules"]);
        assert_eq!(ended.reason(), "BadSubmodule", "{url}");
        assert!(!asked_for(&server, "sub"), "{url}");
        let told = format!("{}{}", ended.status, ended.stderr);
        assert!(!told.contains("secret-password"), "{told}");
    }
}

#[test]
fn a_submodule_whose_name_is_no_directory_of_its_own_is_refused() {
    for name in [
        "../../../canary",
        "..",
        "a/../../b",
        "--upload-pack=touch",
        "/absolute",
        "a//b",
        ".",
        ".git",
        "x]\\\"[core",
        "x\\\\y",
    ] {
        let both = with_modules(&section(name, "sub", "../sub.git"));
        let server = serve(&both);
        let ended = refused(with_submodules(&server), POLICY, &["`sub`", "its name"]);
        assert_eq!(ended.reason(), "BadSubmodule", "{name}");
        assert!(!asked_for(&server, "sub"), "{name}");
    }
}

#[test]
fn a_submodule_in_the_directory_of_another_is_refused() {
    let text = section("a", "other", "../sub.git") + &section("a/hooks", "sub", "../sub.git");
    let both = with_modules(&text);
    let server = serve(&both);
    refused(with_submodules(&server), POLICY, &["`sub`", "its name"]);
}

#[test]
fn a_path_of_gitmodules_that_the_tree_does_not_have_is_nobodys() {
    for path in [
        "../x",
        "/tmp/agent-runner-x",
        ".git/hooks",
        "nowhere",
        "README",
    ] {
        let text = section("good", "sub", "../sub.git") + &section("evil", path, "../sub.git");
        let both = with_modules(&text);
        let server = serve(&both);
        let run = with_submodules(&server);
        let ended = run.end();
        assert_eq!(ended.code, 0, "{path}: {}", ended.stderr);
        let dir = ended.dir.path();
        assert!(dir.join("repo/sub/inner").exists());
        assert!(!dir.join("x").exists());
        assert!(!dir.join("repo/.git/modules/evil").exists(), "{path}");
        assert_eq!(ended.status["git"]["dirty"], false, "{path}");
    }
}

#[test]
fn a_program_that_gitmodules_names_is_not_run_and_not_configured() {
    let text = section("sub", "sub", "../sub.git")
        + "\tupdate = !touch ../canary-2\n\tfetchRecurseSubmodules = true\n";
    let both = with_modules(&text);
    let server = serve(&both);
    let ended = with_submodules(&server).end();
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let config = fs::read_to_string(ended.dir.path().join("repo/.git/config"));
    assert!(!config.expect("it is there").contains("touch"));
    assert!(!ended.dir.path().join("canary-2").exists());
}

#[test]
fn gitmodules_that_is_no_plain_list_is_refused() {
    let good = section("sub", "sub", "../sub.git");
    for (text, word) in [
        (
            format!("[include]\n\tpath = /etc/passwd\n{good}"),
            "includes",
        ),
        (
            format!("{good}[IncludeIf \"gitdir:/\"]\n\tpath = ../canary\n"),
            "includes",
        ),
        (format!("{good}[broken\n"), "not a configuration"),
        (format!("{good}#{}\n", "x".repeat(2 << 20)), "size"),
    ] {
        let both = with_modules(&text);
        let server = serve(&both);
        let ended = refused(with_submodules(&server), POLICY, &["`.gitmodules`", word]);
        assert_eq!(ended.reason(), "BadSubmodule");
    }
}

#[test]
fn a_submodule_that_gitmodules_does_not_name_fails() {
    let both = with_modules(&section("other", "other", "../sub.git"));
    let server = serve(&both);
    let ended = refused(
        with_submodules(&server),
        FAILED,
        &["`sub`", "`.gitmodules` has no URL for it"],
    );
    assert_eq!(ended.reason(), "BadSubmodule");
}

#[test]
fn a_submodule_whose_commit_nobody_has_fails_and_says_which() {
    let missing = "0123456789abcdef0123456789abcdef01234567";
    let inner = Repository::new().commit("main", [("inner", "")]);
    let outer = Repository::new().submodule("main", "deep/sub", "../sub.git", missing);
    let server = serve(&(outer, inner));
    let ended = refused(with_submodules(&server), FAILED, &["`deep/sub`", missing]);
    assert_eq!(ended.reason(), "RefNotFound");
}

#[test]
fn a_submodule_that_holds_a_hostile_tree_is_refused_with_all_around_it() {
    let inner = Repository::new().commit(
        "main",
        [
            Entry::file("x", ""),
            Entry::link(".gitmodules", "/etc/passwd"),
        ],
    );
    let commit = inner.rev("main");
    let outer = Repository::new().submodule("main", "sub", "../sub.git", &commit);
    let server = serve(&(outer, inner));
    let ended = refused(
        with_submodules(&server),
        POLICY,
        &["`sub`", "`.gitmodules`"],
    );
    assert_eq!(ended.reason(), "HostileName");
}

#[test]
fn submodules_that_go_on_and_on_are_refused_within_bounds() {
    // Each commit has the one before it as a submodule: as deep as anybody likes.
    let mut chain = Repository::new().commit("main", [("README", "the end\n")]);
    for _ in 0..15 {
        let before = chain.rev("main");
        let entries = [
            Entry::file(".gitmodules", section("sub", "sub", "./../name.git")),
            Entry::gitlink("sub", before),
        ];
        chain = chain.commit("main", entries);
    }
    let inner = Repository::new().commit("main", [("inner", "")]);
    let server = serve(&(chain, inner));
    let ended = refused(
        with_submodules(&server),
        POLICY,
        &["too deeply", "sub/sub/sub"],
    );
    assert_eq!(ended.reason(), "BadSubmodule");
    assert!(server.requests().len() < 50, "{}", server.requests().len());
}

#[test]
fn a_submodule_on_another_host_gets_no_credentials() {
    let inner = Repository::new().commit("main", [("inner", "")]);
    let other = GitServer::new().serve("owner/sub", &inner);
    // The same address by another name and port is another host.
    let url = format!("http://localhost:{}/owner/sub.git", other.address().port());
    let outer = Repository::new().submodule("main", "sub", &url, &inner.rev("main"));
    let server = serve(&(outer, inner)).auth("git", "token-of-the-run");
    let ended = with_submodules(&server)
        .env("VCS_PROVIDER", "gitea")
        .env("VCS_CLONE_BASE_URL", server.base())
        .env("VCS_REPOSITORY", "owner/name")
        .env("VCS_TOKEN", "token-of-the-run")
        .end();
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert!(ended.dir.path().join("repo/sub/inner").exists());
    assert!(!other.requests().is_empty());
    for request in other.requests() {
        assert_eq!(request.authorization, None);
        let all = format!("{:?}", request.headers);
        assert!(!all.contains("token-of-the-run"), "{all}");
    }
}

#[test]
fn a_submodule_on_another_host_that_wants_credentials_gets_none_and_fails() {
    let inner = Repository::new().commit("main", [("inner", "")]);
    let other = GitServer::new()
        .serve("owner/sub", &inner)
        .auth("git", "token-of-the-run");
    let url = other.url("owner/sub");
    let outer = Repository::new().submodule("main", "sub", &url, &inner.rev("main"));
    let server = serve(&(outer, inner)).auth("git", "token-of-the-run");
    let run = with_submodules(&server)
        .env("VCS_PROVIDER", "gitea")
        .env("VCS_CLONE_BASE_URL", server.base())
        .env("VCS_REPOSITORY", "owner/name")
        .env("VCS_TOKEN", "token-of-the-run");
    let ended = refused(run, (77, "AuthFailed"), &["`sub`", &url]);
    assert!(
        other
            .requests()
            .iter()
            .all(|request| request.authorization.is_none())
    );
    assert!(!ended.error().contains("token-of-the-run"));
}
