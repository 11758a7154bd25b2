//! What a run may do with its repository.

use serde_json::json;

use super::{World, env};

fn modes(world: &World) -> (String, bool, bool) {
    let made = world.made();
    let vcs = &made.run["vcs"];
    let yes = |key: &str| vcs[key].as_bool().expect("it is a flag");
    let all = (
        vcs["mode"].as_str().expect("it is text").to_owned(),
        yes("writeEnabled"),
        yes("pullRequestsEnabled"),
    );
    assert_eq!(env(&made, "VCS_MODE"), all.0.as_str());
    assert_eq!(env(&made, "VCS_WRITE_ENABLED"), &all.1.to_string());
    assert_eq!(env(&made, "VCS_PULL_REQUESTS_ENABLED"), &all.2.to_string());
    all
}

fn hub(path: &str, value: serde_json::Value) -> World {
    World::of_repository().with("VersionControlProvider", path, value)
}

#[test]
fn what_it_may_do_is_what_run_provider_and_credentials_permit() {
    let rw = |writes, opens| ("read-write".to_owned(), writes, opens);
    let ro = || ("read-only".to_owned(), false, false);
    for (world, expected) in [
        (World::of_repository(), rw(true, true)),
        (
            World::of_repository().with("AgentRun", "spec.vcsPolicy.mode", "read-only"),
            ro(),
        ),
        (hub("spec.capabilities", json!({ "write": false })), ro()),
        (
            hub("spec.capabilities", json!({ "pullRequests": false })),
            rw(true, false),
        ),
        (
            hub("spec.defaults.pullRequest.enabled", json!(false)),
            rw(true, false),
        ),
        (hub("spec.auth", json!({ "method": "none" })), ro()),
        // What the controller makes of it, though it may read nothing.
        (
            hub(
                "spec.capabilities",
                json!({ "write": false, "read": false }),
            ),
            ro(),
        ),
    ] {
        assert_eq!(modes(&world), expected);
    }
}

#[test]
fn a_pattern_permits_what_it_matches() {
    for (policy, permitted) in [
        (json!({ "allow": ["acme/*"] }), true),
        (json!({ "allow": ["*"] }), true),
        (json!({ "allow": [" "] }), true),
        (
            json!({ "allow": ["acme/por*", "x"], "deny": ["acme/portal2"] }),
            true,
        ),
        (json!({ "allow": ["acme"] }), false),
        (
            json!({ "deny": ["acme/*"], "allow": ["acme/portal"] }),
            false,
        ),
    ] {
        let made = hub("spec.repositoryPolicy", policy.clone()).resolve();
        assert_eq!(made.is_ok(), permitted, "{policy}");
    }
}

#[test]
fn everything_that_is_said_of_it_is_told() {
    let made = World::of_repository()
        .with("VersionControlProvider", "spec", json!({
            "provider": "gitlab", "apiBaseUrl": "https://api", "cloneBaseUrl": " https://clone ",
            "webBaseUrl": "https://web", "cloneProtocol": "https", "sshHost": "h", "sshUser": "u",
            "auth": { "username": "robot", "token": { "secretRef": { "name": "s" } } },
            "defaults": {
                "baseBranch": "b", "branchTemplate": "t", "branchConflictSuffixTemplate": "s",
                "commitAuthorName": "n", "commitAuthorEmail": "e",
                "pullRequest": { "draft": true, "titleTemplate": "{{t}}", "bodyTemplate": "{{b}}" },
            },
        }))
        .told(|told| {
            told.pull_request_rates = json!({ "perHour": 2 }).as_object().cloned();
        })
        .made();
    for (name, value) in [
        ("VCS_PROVIDER", "gitlab"),
        ("VCS_PROVIDER_NAME", "hub"),
        ("VCS_API_BASE_URL", "https://api"),
        ("VCS_CLONE_BASE_URL", "https://clone"),
        ("VCS_WEB_BASE_URL", "https://web"),
        ("VCS_REPOSITORY", "acme/portal"),
        ("VCS_BASE_BRANCH", "b"),
        ("VCS_HEAD_BRANCH", "t"),
        ("VCS_CLONE_PROTOCOL", "https"),
        ("VCS_SSH_HOST", "h"),
        ("VCS_SSH_USER", "u"),
        ("VCS_USERNAME", "robot"),
        ("GIT_ASKPASS_USERNAME", "robot"),
        ("VCS_BRANCH_TEMPLATE", "t"),
        ("VCS_BRANCH_CONFLICT_SUFFIX_TEMPLATE", "s"),
        ("VCS_COMMIT_AUTHOR_NAME", "n"),
        ("VCS_COMMIT_AUTHOR_EMAIL", "e"),
        ("GIT_AUTHOR_NAME", "n"),
        ("GIT_COMMITTER_NAME", "n"),
        ("GIT_AUTHOR_EMAIL", "e"),
        ("GIT_COMMITTER_EMAIL", "e"),
        ("VCS_PR_TITLE_TEMPLATE", "{{t}}"),
        ("VCS_PR_BODY_TEMPLATE", "{{b}}"),
        ("VCS_PR_RATE_LIMITS", "{\"perHour\":2}"),
        ("VCS_PR_DRAFT", "true"),
    ] {
        assert_eq!(env(&made, name), value, "{name}");
    }
    assert_eq!(made.run["vcs"]["defaults"]["pullRequest"]["draft"], true);
    assert_eq!(made.run["vcs"]["cloneBaseUrl"], "https://clone");
}

#[test]
fn a_run_that_does_without_has_no_word_of_it() {
    let made = World::of_repository()
        .without("VersionControlProvider")
        .made();
    assert!(!made.job.to_string().contains("VCS_"));
    assert_eq!(
        made.run["parameters"],
        json!({ "repository": "acme/portal" })
    );
    assert_eq!(made.secrets, []);
}
