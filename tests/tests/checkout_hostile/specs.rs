use std::fs;

use agent_tests::{GitServer, Repository, Run};
use serde_json::{Value, json};

use super::{INVALID, POLICY, cloning, into_repo, refused};

/// Texts that are no name of a commit or branch.
const REFS: [&str; 12] = [
    "--upload-pack=touch /tmp/agent-runner-hostile",
    "-x",
    "refs/heads/-x",
    "a..b",
    "main@{1}",
    "@",
    "main\n--upload-pack=x",
    "ma\u{7}in",
    "main:refs/heads/evil",
    "a/../b",
    "a.lock",
    "HEAD~1",
];

fn server() -> GitServer {
    let repository = Repository::new().commit("main", [("README", "hello\n"), ("app/x", "")]);
    GitServer::new().serve("owner/name", &repository)
}

/// A run whose payload names the repository of the server.
fn of_payload(server: &GitServer, vcs: &Value) -> Run {
    let run = into_repo();
    let mut all = json!({
        "provider": "gitea", "repository": "owner/name", "cloneBaseUrl": server.base(),
    });
    for (key, value) in vcs.as_object().expect("it is an object") {
        all[key] = value.clone();
    }
    let payload = run.path("run.json");
    fs::write(&payload, json!({ "vcs": all }).to_string()).expect("it can be written");
    run.spec("/payloads/eventFilePath", json!(payload))
        .setting("workspace/git", json!({}))
}

#[test]
fn a_ref_that_is_no_name_is_refused_and_nobody_is_asked() {
    let server = server();
    for text in REFS {
        let run = cloning(&server.url("owner/name")).setting("workspace/git/ref", json!(text));
        let ended = refused(run, INVALID, &["workspace.git.ref"]);
        assert_eq!(ended.reason(), "BadRef", "{text:?}");
    }
    assert_eq!(server.connections(), 0);
}

#[test]
fn a_ref_is_refused_from_wherever_it_comes() {
    let server = server();
    let evil = REFS[0];
    let with_url = || cloning(&server.url("owner/name"));
    let template = "{{inputs.ref}}";
    for (run, place) in [
        (
            with_url().env("AGENT_RUNNER_WORKSPACE_GIT_REF", evil),
            "workspace.git.ref",
        ),
        (
            with_url().arg(format!("--workspace-git-ref={evil}")),
            "workspace.git.ref",
        ),
        (
            with_url()
                .spec("/inputs/ref", json!(evil))
                .setting("workspace/git/ref", json!(template)),
            "workspace.git.ref",
        ),
        (
            into_repo().spec(
                "/execution/coordinates/git",
                json!({ "url": server.url("owner/name"), "ref": evil }),
            ),
            "execution.coordinates.git.ref",
        ),
        (
            of_payload(&server, &json!({ "baseBranch": evil })),
            "vcs.baseBranch",
        ),
        (
            of_payload(
                &server,
                &json!({ "headBranch": evil, "mode": "read-write" }),
            ),
            "vcs.headBranch",
        ),
        (
            of_payload(&server, &json!({ "mode": "read-write" })).env("VCS_HEAD_BRANCH", evil),
            "VCS_HEAD_BRANCH",
        ),
        (
            of_payload(&server, &json!({})).env("VCS_BASE_BRANCH", evil),
            "VCS_BASE_BRANCH",
        ),
    ] {
        let ended = refused(run, INVALID, &[place]);
        assert_eq!(ended.reason(), "BadRef", "{place}");
    }
    assert_eq!(server.connections(), 0);
}

#[test]
fn a_head_branch_that_is_no_branch_is_refused_and_nobody_is_asked() {
    let server = server();
    for text in REFS.into_iter().chain(["HEAD", "refs/heads/main"]) {
        let run = of_payload(
            &server,
            &json!({ "headBranch": text, "mode": "read-write" }),
        );
        refused(run, INVALID, &["vcs.headBranch"]);
    }
    assert_eq!(server.connections(), 0);
}

#[test]
fn a_url_that_is_no_remote_is_refused() {
    for (url, (code, outcome), word) in [
        (
            "ext::sh -c touch% /tmp/agent-runner-hostile",
            INVALID,
            "space",
        ),
        ("ext::sh", POLICY, "`ext::` would start a program"),
        ("file:///etc", POLICY, "localRemotes"),
        ("/etc", POLICY, "localRemotes"),
        ("ssh://-oProxyCommand=touch/x", INVALID, "host"),
        ("ssh://git@-oProxyCommand=x/y", INVALID, "host"),
        ("-oProxyCommand=x@host:path", INVALID, "user"),
        ("git@host:-oProxyCommand=x", INVALID, "`-`"),
        ("--upload-pack=x", INVALID, "scheme"),
        ("https://example.com/a\nb.git", INVALID, "control character"),
        (
            "https://example.com/a%0ab.git",
            INVALID,
            "control character",
        ),
        ("https://example.com/../x.git", INVALID, "`..`"),
        ("https://example.com/a/%2e%2e/x.git", INVALID, "`..`"),
        ("ftp://example.com/x.git", INVALID, "scheme `ftp`"),
        ("git+ssh://example.com/x.git", INVALID, "scheme"),
        ("javascript://example.com/x", INVALID, "scheme"),
        ("https://", INVALID, "host"),
        ("https://example.com:0/x.git", INVALID, "port"),
        ("https://example.com", INVALID, "no repository"),
    ] {
        let ended = refused(
            cloning(url),
            (code, outcome),
            &["runner.workspace.git.url", word],
        );
        assert_eq!(ended.reason(), "BadRemote", "{url:?}");
    }
}

#[test]
fn a_url_is_refused_from_wherever_it_comes() {
    let evil = "ext::sh";
    let with = |pointer: &str, value: Value| into_repo().spec(pointer, value);
    let of_payload = |payload: Value| {
        let run = into_repo();
        let path = run.path("run.json");
        fs::write(&path, payload.to_string()).expect("it can be written");
        run.spec("/payloads/eventFilePath", json!(path))
    };
    let clone = json!({ "repository": "owner/name", "cloneBaseUrl": "ext::sh" });
    for (run, place) in [
        (
            into_repo().env("AGENT_RUNNER_WORKSPACE_GIT_URL", evil),
            "workspace.git.url",
        ),
        (
            cloning("{{inputs.url}}").spec("/inputs/url", json!(evil)),
            "workspace.git.url",
        ),
        (
            with("/execution/coordinates/git/url", json!(evil)),
            "execution.coordinates.git.url",
        ),
        (
            of_payload(json!({ "execution": { "coordinates": { "git": { "url": evil } } } })),
            "run.json: execution.coordinates.git.url",
        ),
        (
            of_payload(json!({ "vcs": clone })).setting("workspace/git", json!({})),
            "vcs.cloneBaseUrl",
        ),
        (
            into_repo()
                .env("VCS_REPOSITORY", "owner/name")
                .env("VCS_CLONE_BASE_URL", evil)
                .setting("workspace/git", json!({})),
            "VCS_CLONE_BASE_URL",
        ),
    ] {
        refused(run, POLICY, &[place]);
    }
}

#[test]
fn a_repository_or_host_of_the_payload_that_is_none_is_refused() {
    let server = server();
    for (vcs, word) in [
        (json!({ "repository": "../../etc" }), "vcs.repository"),
        (json!({ "repository": "-owner/name" }), "vcs.repository"),
        (json!({ "repository": "owner/na me" }), "vcs.repository"),
        (
            json!({ "cloneProtocol": "ssh", "sshHost": "-oProxyCommand=x" }),
            "vcs.sshHost",
        ),
        (
            json!({ "cloneProtocol": "ssh", "sshHost": "host", "sshUser": "-oProxyCommand=x" }),
            "vcs.sshUser",
        ),
    ] {
        refused(of_payload(&server, &vcs), INVALID, &[word]);
    }
    assert_eq!(server.connections(), 0);
}

#[test]
fn a_password_in_a_url_is_refused_and_never_repeated() {
    const PASSWORD: &str = "hunter2-but-longer";
    for url in [
        format!("https://user:{PASSWORD}@example.com/owner/name.git"),
        format!("http://:{PASSWORD}@example.com/owner/name.git"),
        format!("ssh://git:{PASSWORD}@example.com/owner/name.git"),
        format!("user:{PASSWORD}@example.com/owner/name.git"),
    ] {
        let ended = refused(cloning(&url), INVALID, &["workspace.git.url"]);
        let told = format!(
            "{}{}{}{}",
            ended.status,
            ended.full,
            ended.stderr,
            ended.text()
        );
        assert!(!told.contains(PASSWORD), "{told}");
    }
}

#[test]
fn a_path_that_leaves_the_repository_is_refused_and_nobody_is_asked() {
    let server = server();
    for path in [
        "../..",
        "/etc",
        ".git",
        "app/../..",
        "app/.GIT/hooks",
        "-rf",
        "..",
        "a\0b",
    ] {
        let run = cloning(&server.url("owner/name")).setting("workspace/git/path", json!(path));
        let ended = refused(run, INVALID, &["workspace.git.path"]);
        assert_eq!(ended.reason(), "BadPath", "{path:?}");
    }
    let run = cloning(&server.url("owner/name"))
        .spec("/inputs/path", json!("../.."))
        .setting("workspace/git/path", json!("app/{{inputs.path}}"));
    refused(run, INVALID, &["workspace.git.path"]);
    let run = cloning(&server.url("owner/name")).env("AGENT_RUNNER_WORKSPACE_GIT_PATH", "/etc");
    refused(run, INVALID, &["workspace.git.path"]);
    assert_eq!(server.connections(), 0);
}

#[test]
fn a_status_or_log_in_the_checkout_is_refused_and_nobody_is_asked() {
    let server = server();
    let cloning = || cloning(&server.url("owner/name"));
    let status = cloning();
    let (agent, log) = (status.path("agent"), status.path("elsewhere.log"));
    let status = status
        .setting("cwd", json!(agent))
        .spec("/artifacts/logPath", json!(log));
    let log = cloning();
    let path = log.path("x/../repo/logs/runner.log");
    let log = log.spec("/artifacts/logPath", json!(path));
    for (run, word) in [(status, "the status"), (log, "the log")] {
        let ended = refused(run, INVALID, &[word, "inside the checkout"]);
        assert_eq!(ended.reason(), "InsideCheckout");
    }
    assert_eq!(server.connections(), 0);
}
