//! Which repository and which branches follow from what a controller says (contract §4.4).

use serde_json::{Value, json};

use super::Asked;
use crate::outcome::Outcome;
use crate::plan::{Branch, CheckoutPlan, OnBase, PlanError, Revision, TokenSource};

/// A checkout that is asked for and not described, in a run with this payload.
fn run(payload: Value) -> Asked {
    Asked::exec()
        .setting("workspace/git", json!({}))
        .setting("cwd", json!("/workspace/repo"))
        .payload(payload)
}

fn vcs(vcs: Value) -> Asked {
    run(Value::Object(
        [("vcs".to_owned(), vcs)].into_iter().collect(),
    ))
}

#[track_caller]
fn checkout(asked: &Asked) -> CheckoutPlan {
    asked.planned().checkout.expect("something is cloned")
}

#[track_caller]
fn url(asked: &Asked) -> String {
    checkout(asked).remote.url()
}

fn name(text: &str) -> Revision {
    Revision::Name(text.to_owned())
}

fn with(mut asked: Asked, environment: &[(&str, &str)]) -> Asked {
    for (name, value) in environment {
        asked = asked.env(name, value);
    }
    asked
}

#[track_caller]
fn token_of(checkout: &CheckoutPlan) -> (&'static str, &str) {
    match &checkout.access.token {
        Some(TokenSource::Variable { variable, value }) => (variable, value.expose()),
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_case_codex_github_read_write() {
    let payload = json!({
        "vcs": {
            "provider": "github", "providerName": "github", "repository": "acme/widgets",
            "baseBranch": "main", "headBranch": "agent/42", "mode": "read-write",
            "writeEnabled": true, "pullRequestsEnabled": true,
            "apiBaseUrl": "https://api.github.com", "cloneBaseUrl": "https://github.com",
            "webBaseUrl": "https://github.com", "cloneProtocol": null, "sshHost": null, "sshUser": null,
        },
        "parameters": { "repository": "acme/widgets", "base": "main", "head": "agent/42" },
        "repository": "acme/widgets", "base": "main", "head": "agent/42",
    });
    let asked = with(
        run(payload),
        &[
            ("VCS_TOKEN", "token-of-acme"),
            ("GITHUB_TOKEN", "token-of-acme"),
            ("GH_TOKEN", "token-of-acme"),
            ("VCS_PROVIDER", "github"),
            ("VCS_CLONE_BASE_URL", "https://github.com"),
            ("VCS_REPOSITORY", "acme/widgets"),
            ("VCS_BASE_BRANCH", "main"),
            ("VCS_HEAD_BRANCH", "agent/42"),
            ("VCS_USERNAME", "x-access-token"),
            ("GIT_ASKPASS_USERNAME", "x-access-token"),
            ("VCS_COMMIT_AUTHOR_NAME", "Agent Runner"),
            ("VCS_COMMIT_AUTHOR_EMAIL", "agent-runner@example.com"),
            ("VCS_WRITE_ENABLED", "true"),
            ("VCS_MODE", "read-write"),
        ],
    );
    let checkout = checkout(&asked);
    assert_eq!(checkout.remote.url(), "https://github.com/acme/widgets.git");
    assert_eq!(checkout.dir, std::path::Path::new("/workspace/repo"));
    assert_eq!(checkout.base, name("main"));
    assert_eq!(checkout.head.as_ref().map(Branch::name), Some("agent/42"));
    assert_eq!(checkout.on_base, OnBase::Branch);
    assert_eq!(token_of(&checkout), ("GH_TOKEN", "token-of-acme"));
    let access = checkout.access;
    assert_eq!(access.host.as_deref(), Some("github.com"));
    assert_eq!(access.username, "x-access-token");
    assert!(access.is_github);
    assert_eq!(access.identity.name.as_deref(), Some("Agent Runner"));
    assert_eq!(
        access.identity.email.as_deref(),
        Some("agent-runner@example.com")
    );
    assert_eq!(asked.planned().warnings, [""; 0]);
}

#[test]
fn the_case_codex_gitea_read_only() {
    let payload = json!({
        "vcs": {
            "provider": "gitea", "providerName": "gitea", "repository": "team/app",
            "baseBranch": "trunk", "headBranch": "", "mode": "read-only", "writeEnabled": false,
            "pullRequestsEnabled": false, "apiBaseUrl": null, "cloneBaseUrl": "http://127.0.0.1:3000",
            "webBaseUrl": null, "cloneProtocol": null, "sshHost": null, "sshUser": null,
        },
        "parameters": { "repository": "team/app", "base": "trunk" },
        "repository": "team/app", "base": "trunk",
    });
    let asked = with(
        run(payload),
        &[
            ("VCS_TOKEN", "token-of-team"),
            ("VCS_PROVIDER", "gitea"),
            ("VCS_CLONE_BASE_URL", "http://127.0.0.1:3000"),
            ("VCS_REPOSITORY", "team/app"),
            ("VCS_BASE_BRANCH", "trunk"),
            ("VCS_USERNAME", "robot"),
            ("GIT_ASKPASS_USERNAME", "robot"),
            ("VCS_WRITE_ENABLED", "false"),
            ("VCS_MODE", "read-only"),
        ],
    );
    let checkout = checkout(&asked);
    assert_eq!(checkout.remote.url(), "http://127.0.0.1:3000/team/app.git");
    assert_eq!(checkout.base, name("trunk"));
    assert_eq!(
        (checkout.head.as_ref(), checkout.on_base),
        (None, OnBase::Detached)
    );
    assert_eq!(token_of(&checkout), ("VCS_TOKEN", "token-of-team"));
    assert_eq!(checkout.access.host.as_deref(), Some("127.0.0.1:3000"));
    assert_eq!(checkout.access.username, "robot");
    assert!(!checkout.access.is_github);
    assert_eq!(asked.planned().warnings, [""; 0]);
}

#[test]
fn the_case_codex_ssh() {
    let payload = json!({
        "vcs": {
            "provider": "generic", "providerName": "git-ssh", "repository": "team/app",
            "baseBranch": "main", "headBranch": "agent/changelog", "mode": "read-write",
            "writeEnabled": true, "pullRequestsEnabled": true, "apiBaseUrl": null,
            "cloneBaseUrl": "ssh://git@git.example.com", "webBaseUrl": null, "cloneProtocol": "ssh",
            "sshHost": "git.example.com", "sshUser": "git",
        },
        "parameters": { "repository": "team/app", "base": "main", "head": "agent/changelog" },
        "repository": "team/app", "base": "main", "head": "agent/changelog",
    });
    let (key, hosts) = (
        "/var/run/secrets/agents/vcs/ssh/id_ed25519",
        "/var/run/secrets/agents/vcs/known-hosts/known_hosts",
    );
    let asked = with(
        run(payload),
        &[
            ("VCS_SSH_KEY_PATH", key),
            ("VCS_SSH_KNOWN_HOSTS_PATH", hosts),
            ("VCS_PROVIDER", "generic"),
            ("VCS_CLONE_BASE_URL", "ssh://git@git.example.com"),
            ("VCS_REPOSITORY", "team/app"),
            ("VCS_CLONE_PROTOCOL", "ssh"),
            ("VCS_SSH_HOST", "git.example.com"),
            ("VCS_SSH_USER", "git"),
            ("VCS_WRITE_ENABLED", "true"),
            ("VCS_MODE", "read-write"),
        ],
    );
    let checkout = checkout(&asked);
    assert_eq!(
        checkout.remote.url(),
        "ssh://git@git.example.com/team/app.git"
    );
    assert_eq!(checkout.base, name("main"));
    assert_eq!(
        checkout.head.as_ref().map(Branch::name),
        Some("agent/changelog")
    );
    assert_eq!(checkout.on_base, OnBase::Branch);
    let access = checkout.access;
    assert_eq!(access.host.as_deref(), Some("git.example.com"));
    assert!(access.token.is_none() && !access.ssh.accept_new);
    assert_eq!(access.ssh.user, "git");
    assert_eq!(access.ssh.key.as_deref(), Some(key.as_ref()));
    assert_eq!(access.ssh.known_hosts.as_deref(), Some(hosts.as_ref()));
    assert_eq!(asked.planned().warnings, [""; 0]);
}

#[test]
fn the_repository_is_the_payloads_then_the_environments_then_a_parameter() {
    let mut payload = json!({ "repository": "d/d", "base": "d", "head": "d" });
    let places = |payload: &Value, environment: &[(&str, &str)]| {
        let checkout = checkout(&with(run(payload.clone()), environment));
        (checkout.remote.path, checkout.base.to_string())
    };
    let found = |letter: &str| (format!("/{letter}/{letter}.git"), letter.to_owned());
    assert_eq!(places(&payload, &[]), found("d"));
    payload["parameters"] = json!({ "repository": "c/c", "base": "c" });
    assert_eq!(places(&payload, &[]), found("c"));
    let environment = [("VCS_REPOSITORY", "b/b"), ("VCS_BASE_BRANCH", "b")];
    assert_eq!(places(&payload, &environment), found("b"));
    payload["vcs"] = json!({ "repository": "a/a", "baseBranch": "a" });
    assert_eq!(places(&payload, &environment), found("a"));
    payload["vcs"] = json!({ "repository": "  ", "baseBranch": null });
    assert_eq!(places(&payload, &environment), found("b"));
}

#[test]
fn sub_groups_are_repositories_and_options_are_not() {
    for (repository, path) in [
        ("a/b/c.d/e_f-g", "/a/b/c.d/e_f-g.git"),
        ("a/b.git", "/a/b.git"),
    ] {
        assert_eq!(
            checkout(&vcs(json!({ "repository": repository })))
                .remote
                .path,
            path
        );
    }
    for repository in [
        "a", "a/", "/a", "a//b", "a/-b", "-a/b", "a/..", "./a", "a/b c", "a/b?x", "a/b@c", "a/b:c",
        "a/%2e%2e", "a/ü", "a/.git",
    ] {
        let error = vcs(json!({ "repository": repository })).refused();
        assert_eq!(
            (error.outcome(), error.reason()),
            (Outcome::SpecInvalid, "BadRepository")
        );
        assert!(
            error
                .to_string()
                .starts_with("`run.json: vcs.repository` is "),
            "{error}"
        );
    }
}

#[test]
fn the_clone_base_is_told_or_the_public_server_of_its_kind() {
    let base = |base: &str| url(&vcs(json!({ "repository": "a/b", "cloneBaseUrl": base })));
    assert_eq!(base("https://h:8443/git/"), "https://h:8443/git/a/b.git");
    assert_eq!(base("git@h:group"), "ssh://git@h/group/a/b.git");
    assert_eq!(base(""), "https://github.com/a/b.git");
    let of = |provider: &str| vcs(json!({ "repository": "a/b", "provider": provider }));
    assert_eq!(url(&of("GitHub")), "https://github.com/a/b.git");
    assert_eq!(url(&of("gitlab")), "https://gitlab.com/a/b.git");
    assert_eq!(url(&of("bitbucket")), "https://bitbucket.org/a/b.git");
    for provider in ["gitea", "generic", "other"] {
        let error = of(provider).refused();
        assert!(matches!(error, PlanError::NoCloneBase { .. }), "{error}");
        assert!(
            error
                .hint()
                .is_some_and(|hint| hint.contains("VCS_CLONE_BASE_URL"))
        );
    }
    let told = of("gitea").env("VCS_CLONE_BASE_URL", "https://gitea.example");
    assert_eq!(url(&told), "https://gitea.example/a/b.git");
    let error = told
        .env("VCS_CLONE_BASE_URL", "https://u:hunter22@h")
        .refused();
    assert!(
        error.to_string().contains("`$VCS_CLONE_BASE_URL`"),
        "{error}"
    );
    assert!(!format!("{error} {error:?}").contains("hunter22"));
}

#[test]
fn ssh_takes_host_and_user_from_where_they_are_told() {
    let ssh = |over: Value| {
        let mut vcs = json!({ "repository": "g/a/b", "cloneProtocol": "ssh" });
        for (key, value) in over.as_object().expect("a test's own") {
            vcs[key] = value.clone();
        }
        self::vcs(vcs)
    };
    for (over, expected) in [
        (json!({}), "ssh://git@github.com/g/a/b.git"),
        (
            json!({ "cloneBaseUrl": "https://h:8443/x" }),
            "ssh://git@h/g/a/b.git",
        ),
        (
            json!({ "cloneBaseUrl": "ssh://me@h:2222" }),
            "ssh://me@h:2222/g/a/b.git",
        ),
        (
            json!({ "cloneBaseUrl": "https://h", "sshHost": "ssh.h" }),
            "ssh://git@ssh.h/g/a/b.git",
        ),
        (
            json!({ "sshHost": "h:2222", "sshUser": "me" }),
            "ssh://me@h:2222/g/a/b.git",
        ),
        (json!({ "provider": "gitea", "sshHost": "::1" }), ""),
        (
            json!({ "provider": "gitea", "sshHost": "[::1]" }),
            "ssh://git@[::1]/g/a/b.git",
        ),
    ] {
        let asked = ssh(over.clone());
        match expected {
            "" => assert_eq!(asked.refused().reason(), "BadRemote", "{over}"),
            expected => assert_eq!(url(&asked), expected, "{over}"),
        }
    }
    for over in [
        json!({ "sshHost": "-oProxyCommand=x" }),
        json!({ "sshHost": "h\n" , "sshUser": "-l" }),
        json!({ "sshUser": "me@evil" }),
        json!({ "sshUser": "me:hunter22" }),
        json!({ "sshUser": "x@evil.example/y" }),
    ] {
        let error = ssh(over.clone()).refused();
        assert_eq!(error.reason(), "BadRemote", "{over}");
        assert!(error.to_string().contains("run.json: vcs.ssh"), "{error}");
    }
    let of_environment = run(json!({}));
    let asked = with(
        of_environment,
        &[
            ("VCS_REPOSITORY", "a/b"),
            ("VCS_CLONE_PROTOCOL", "ssh"),
            ("VCS_SSH_HOST", "h"),
            ("VCS_SSH_USER", "me"),
        ],
    );
    assert_eq!(url(&asked), "ssh://me@h/a/b.git");
}

#[test]
fn a_head_needs_the_right_to_write() {
    let heads = |vcs: Value, environment: &[(&str, &str)]| {
        let mut vcs = vcs;
        vcs["repository"] = json!("a/b");
        vcs["headBranch"] = json!("agent/1");
        let checkout = checkout(&with(self::vcs(vcs), environment));
        (checkout.head.is_some(), checkout.on_base)
    };
    let (write, read) = ((true, OnBase::Branch), (false, OnBase::Detached));
    let enabled = [("VCS_WRITE_ENABLED", "true")];
    assert_eq!(heads(json!({ "writeEnabled": true }), &[]), write);
    assert_eq!(heads(json!({ "mode": "read-write" }), &[]), write);
    assert_eq!(heads(json!({ "mode": "read-only" }), &enabled), read);
    assert_eq!(heads(json!({ "writeEnabled": false }), &enabled), read);
    assert_eq!(
        heads(json!({ "writeEnabled": null, "mode": "" }), &enabled),
        write
    );
    assert_eq!(heads(json!({}), &[("VCS_MODE", "read-write")]), write);
    assert_eq!(heads(json!({}), &[("VCS_MODE", "read-only")]), read);
    assert_eq!(heads(json!({}), &[]), read);
    let headless = vcs(json!({ "repository": "a/b", "mode": "read-write", "headBranch": " " }));
    let headless = checkout(&headless);
    assert_eq!((headless.head, headless.on_base), (None, OnBase::Branch));
    assert_eq!(headless.base, name("main"));
}

#[test]
fn branches_are_for_their_repository_and_no_other() {
    let payload = json!({ "vcs": {
        "provider": "github", "repository": "acme/widgets", "mode": "read-write",
        "baseBranch": "trunk", "headBranch": "agent/1",
    }});
    let at = |git: Value| {
        let asked = Asked::exec().spec("/runner/workspace/git", git);
        let checkout = checkout(&asked.payload(payload.clone()));
        (checkout.base, checkout.head.is_some())
    };
    for same in [
        "https://github.com/acme/widgets",
        "https://github.com/acme/widgets.git",
        "git@github.com:acme/widgets.git",
    ] {
        assert_eq!(at(json!({ "url": same })), (name("trunk"), true), "{same}");
        assert_eq!(
            at(json!({ "url": same, "ref": "v1" })),
            (name("v1"), true),
            "{same}"
        );
    }
    for other in ["https://github.com/acme/other", "https://h/acme/widgets"] {
        assert_eq!(
            at(json!({ "url": other })),
            (Revision::Default, false),
            "{other}"
        );
    }
    let broken = Asked::exec()
        .setting("workspace/git", json!({ "url": "https://h/a/b" }))
        .payload(json!({ "vcs": { "repository": "--" } }));
    assert_eq!(checkout(&broken).base, Revision::Default);
}

#[test]
fn a_bad_branch_is_named_with_its_place() {
    for (asked, place) in [
        (
            vcs(json!({ "repository": "a/b", "baseBranch": "--x" })),
            "run.json: vcs.baseBranch",
        ),
        (
            vcs(json!({ "repository": "a/b" })).env("VCS_BASE_BRANCH", "a..b"),
            "$VCS_BASE_BRANCH",
        ),
        (
            vcs(json!({ "repository": "a/b", "headBranch": "refs/heads/x", "mode": "read-write" })),
            "run.json: vcs.headBranch",
        ),
        (
            run(json!({ "repository": "a/b", "parameters": { "base": "a b" } })),
            "run.json: parameters.base",
        ),
    ] {
        let error = asked.refused();
        assert_eq!(
            (error.outcome(), error.reason()),
            (Outcome::SpecInvalid, "BadRef")
        );
        assert!(
            error.to_string().starts_with(&format!("`{place}` is ")),
            "{error}"
        );
        assert!(error.hint().is_some());
    }
}
