//! How a provider of repositories authenticates, and what a pod gets for it.

use serde_json::{Value, json};

use super::super::{SecretNeed, SecretPurpose};
use super::{World, container, env, pod, warnings};

fn hub(spec: Value) -> World {
    World::of_repository().with("VersionControlProvider", "spec", spec)
}

fn names(made: &super::Resolved) -> Vec<&str> {
    let all = container(made)["env"].as_array().expect("there are some");
    all.iter().filter_map(|it| it["name"].as_str()).collect()
}

#[test]
fn every_server_has_its_user_name_and_its_types_of_tokens() {
    let all = ["pat", "fine_grained", "api_token", "access_token"];
    for (server, username, taken) in [
        (
            "github",
            "x-access-token",
            &["pat", "fine_grained", "access_token"][..],
        ),
        ("gitlab", "oauth2", &["pat", "access_token"]),
        ("bitbucket", "x-token-auth", &["access_token"]),
        ("gitea", "git", &["api_token", "access_token"]),
        ("generic", "git", &all),
        ("another", "git", &all),
    ] {
        for token in all {
            let made = hub(json!({
                "provider": server,
                "auth": { "token": { "type": token, "secretRef": { "name": "s", "key": "k" } } },
            }))
            .made();
            let is_taken = made.run.get("vcs").is_some();
            assert_eq!(is_taken, taken.contains(&token), "{server} {token}");
            if is_taken {
                assert_eq!(env(&made, "VCS_USERNAME"), username, "{server}");
                assert_eq!(env(&made, "GIT_ASKPASS_USERNAME"), username, "{server}");
            }
        }
    }
}

#[test]
fn only_github_takes_an_app() {
    let app = json!({ "method": "app", "app": {
        "appId": 1, "installationId": "2", "privateKeySecretRef": { "name": "app" },
    } });
    for (server, taken) in [("github", true), ("gitlab", false), ("generic", false)] {
        let made = hub(json!({ "provider": server, "auth": app })).made();
        assert_eq!(made.run.get("vcs").is_some(), taken, "{server}");
    }
}

#[test]
fn types_go_by_other_names_too() {
    for (told, server) in [
        ("personal-access-token", "gitlab"),
        ("Fine-Grained", "github"),
        ("finegrained", "github"),
        ("API", "gitea"),
        ("access", "bitbucket"),
    ] {
        let made = hub(json!({
            "provider": server,
            "auth": { "token": { "type": told, "secretRef": { "name": "s" } } },
        }))
        .made();
        assert!(made.run.get("vcs").is_some(), "{told}");
    }
}

#[test]
fn a_deprecated_type_is_taken_with_a_condition_and_the_controller_says_which_are() {
    let world =
        || World::of_repository().with("VersionControlProvider", "spec.auth.token.type", "pat");
    let made = world().made();
    let [condition] = made.conditions.as_slice() else {
        panic!("{:?}", made.conditions);
    };
    assert_eq!(
        (condition.kind, condition.reason),
        ("Warning", "DeprecatedAuth")
    );
    assert_eq!(condition.at.path, "spec.auth.token.type");
    assert!(made.run.get("vcs").is_some());
    let other = world().told(|told| {
        told.deprecated_tokens
            .insert("github".into(), json!(["access"]));
    });
    assert_eq!(other.made().conditions, []);
}

#[test]
fn without_a_method_it_is_that_which_has_a_secret_first_a_token() {
    let secret = json!({ "name": "s" });
    let ssh = json!({ "privateKeySecretRef": secret });
    let app = json!({ "appId": 1, "installationId": 2, "privateKeySecretRef": secret });
    let token = json!({ "secretRef": secret });
    for (auth, expected) in [
        (
            json!({ "token": token, "app": app, "ssh": ssh }),
            "VCS_TOKEN",
        ),
        (json!({ "ssh": ssh }), "VCS_SSH_KEY_PATH"),
    ] {
        let made = hub(json!({ "provider": "github", "auth": auth })).made();
        assert!(names(&made).contains(&expected), "{auth}");
        assert_eq!(warnings(&made), [] as [&str; 0]);
    }
    let made = hub(json!({ "provider": "github", "auth": { "app": app, "ssh": ssh } })).made();
    assert_eq!(made.secrets[0].purpose, SecretPurpose::App);
    let made = hub(json!({ "provider": "github" })).made();
    assert_eq!(made.run["vcs"]["mode"], "read-only");
}

#[test]
fn a_token_is_referred_to_and_github_gets_it_under_all_its_names() {
    let made = World::of_repository().made();
    let need = |name: &str| SecretNeed {
        secret: "hub-token".to_owned(),
        key: Some("token".to_owned()),
        purpose: SecretPurpose::Variable(name.to_owned()),
        optional: false,
        opens_repository: true,
        at: None,
    };
    let needs = made.secrets.iter().cloned();
    let needs: Vec<_> = needs.map(|it| SecretNeed { at: None, ..it }).collect();
    assert_eq!(needs, ["VCS_TOKEN", "GITHUB_TOKEN", "GH_TOKEN"].map(need));
    let all = container(&made)["env"].as_array().expect("there are some");
    for name in ["VCS_TOKEN", "GITHUB_TOKEN", "GH_TOKEN"] {
        let variable = all
            .iter()
            .find(|it| it["name"] == name)
            .expect("it is there");
        let reference = &variable["valueFrom"]["secretKeyRef"];
        assert_eq!(*reference, json!({ "name": "hub-token", "key": "token" }));
    }
    let gitlab = World::of_repository().with("VersionControlProvider", "spec.provider", "gitlab");
    assert!(!names(&gitlab.made()).contains(&"GITHUB_TOKEN"));
}

#[test]
fn what_an_app_gets_is_not_made_up() {
    let made = hub(json!({ "provider": "github", "auth": { "app": {
        "appId": "1", "installationId": 2, "privateKeySecretRef": { "name": "app" },
    } } }))
    .made();
    for name in ["VCS_TOKEN", "GITHUB_TOKEN", "GH_TOKEN"] {
        assert_eq!(env(&made, name), "[secret]");
    }
    assert_eq!(env(&made, "VCS_USERNAME"), "x-access-token");
    assert_eq!(made.secrets.len(), 1);
    assert_eq!(made.secrets[0].key.as_deref(), Some("privateKey"));
    assert_eq!(
        made.warnings[0].at.as_ref().map(|at| at.path.as_str()),
        Some("spec.auth.app")
    );
}

#[test]
fn an_ssh_key_is_a_file_and_names_have_defaults() {
    let made = hub(json!({ "provider": "generic", "auth": { "ssh": {
        "privateKeySecretRef": { "name": "deploy" },
        "knownHostsConfigMapRef": { "name": "hosts" },
    } } }))
    .made();
    let path = "/var/run/secrets/agents/vcs/ssh/privateKey";
    assert_eq!(env(&made, "VCS_SSH_KEY_PATH"), path);
    assert_eq!(
        env(&made, "VCS_SSH_KNOWN_HOSTS_PATH"),
        "/var/run/secrets/agents/vcs/known-hosts/known_hosts"
    );
    assert_eq!(*env(&made, "VCS_USERNAME"), Value::Null);
    assert_eq!(
        made.secrets[0].purpose,
        SecretPurpose::File(path.to_owned())
    );
    let volumes = pod(&made)["volumes"].as_array().expect("there are some");
    assert_eq!(volumes.len(), 3);
    assert_eq!(made.run["vcs"]["writeEnabled"], true);
}
