//! Which credentials go where.

use serde_json::{Value, json};
use std::path::Path;

use super::{Asked, variable};
use crate::plan::{Access, TokenSource};

fn cloning(url: &str) -> Asked {
    Asked::exec().setting("workspace/git", json!({ "url": url }))
}

fn of_vcs(vcs: Value) -> Asked {
    Asked::exec().payload(Value::Object(
        [("vcs".to_owned(), vcs)].into_iter().collect(),
    ))
}

#[track_caller]
fn access(asked: &Asked) -> Access {
    asked.planned().access.expect("there are credentials")
}

fn source(access: &Access) -> Option<&'static str> {
    access.token.as_ref().map(|token| match token {
        TokenSource::File { variable, .. } | TokenSource::Variable { variable, .. } => *variable,
    })
}

#[test]
fn a_file_wins_over_a_variable_and_githubs_names_are_for_github() {
    let names = [
        "VCS_TOKEN",
        "GITHUB_TOKEN",
        "GH_TOKEN",
        "GITHUB_TOKEN_FILE",
        "GH_TOKEN_FILE",
        "VCS_TOKEN_FILE",
    ];
    let (mut github, mut other) = (cloning("https://github.com/a/b"), cloning("https://h/a/b"));
    for (index, name) in names.into_iter().enumerate() {
        github = github.env(name, "/run/secret-value");
        other = other.env(name, "/run/secret-value");
        assert_eq!(source(&access(&github)), Some(name));
        let expected = if index == 5 {
            "VCS_TOKEN_FILE"
        } else {
            "VCS_TOKEN"
        };
        assert_eq!(source(&access(&other)), Some(expected), "{name}");
    }
    let lone = cloning("https://h/a/b").env("GITHUB_TOKEN", "secret-value");
    assert_eq!(source(&access(&lone)), None);
    let enterprise =
        lone.payload(json!({ "vcs": { "provider": "github", "cloneBaseUrl": "https://h" } }));
    assert_eq!(source(&access(&enterprise)), Some("GITHUB_TOKEN"));
    for host in ["x.ghe.com", "api.github.com"] {
        let asked = cloning(&format!("https://{host}/a/b")).env("GH_TOKEN", "secret-value");
        assert!(access(&asked).is_github, "{host}");
    }
    let asked = cloning("https://notgithub.com/a/b").env("GH_TOKEN", "secret-value");
    assert!(!access(&asked).is_github);
}

#[test]
fn a_token_is_trimmed_and_a_blank_one_is_none() {
    let asked = cloning("https://h/a/b").env("VCS_TOKEN", " token-value\n");
    let Some(TokenSource::Variable { value, .. }) = access(&asked).token else {
        panic!("it is a variable");
    };
    assert_eq!(value.expose(), "token-value");
    assert!(access(&asked.env("VCS_TOKEN", " \n")).token.is_none());
}

#[test]
fn no_token_is_in_what_a_plan_prints() {
    let plan = cloning("https://h/a/b")
        .env("VCS_TOKEN", "token-value-1")
        .env("https_proxy", "http://me:proxy-value-2@proxy:3128")
        .env("http_proxy", "me:proxy-value-3@proxy:3128")
        .planned();
    let view = serde_json::to_string(&plan.view()).expect("a view is JSON");
    let text = plan
        .redactor
        .text("token-value-1 proxy-value-2 proxy-value-3")
        .into_owned();
    for secret in ["token-value-1", "proxy-value-2", "proxy-value-3"] {
        assert!(!format!("{plan:?}").contains(secret), "{plan:?}");
        assert!(!view.contains(secret), "{view}");
        assert!(!text.contains(secret), "{text}");
    }
}

#[test]
fn the_user_beside_a_token_is_told_or_the_providers_or_the_hosts() {
    let of = |provider: &str| {
        let vcs = json!({ "provider": provider, "cloneBaseUrl": "https://h" });
        of_vcs(vcs).env("VCS_TOKEN", "secret-value")
    };
    for (provider, user) in [
        ("github", "x-access-token"),
        ("gitlab", "oauth2"),
        ("bitbucket", "x-token-auth"),
        ("gitea", "git"),
        ("generic", "git"),
    ] {
        assert_eq!(access(&of(provider)).username, user, "{provider}");
    }
    for (host, user) in [
        ("github.com", "x-access-token"),
        ("gitlab.com", "oauth2"),
        ("bitbucket.org", "x-token-auth"),
        ("h:8443", "x-access-token"),
    ] {
        let asked = cloning(&format!("https://{host}/a/b"));
        assert_eq!(access(&asked).username, user, "{host}");
    }
    let asked = of("gitlab").env("GIT_ASKPASS_USERNAME", "two");
    assert_eq!(access(&asked).username, "two");
    assert_eq!(access(&asked.env("VCS_USERNAME", "one")).username, "one");
}

#[test]
fn credentials_go_to_their_server_and_to_nobody_else() {
    let vcs = json!({ "vcs": {
        "provider": "gitea", "repository": "a/b", "cloneBaseUrl": "https://git.example:8443",
        "sshHost": "ssh.example",
    }});
    let at = |url: &str| {
        let asked = cloning(url)
            .payload(vcs.clone())
            .env("VCS_TOKEN", "secret-value")
            .env("VCS_SSH_KEY_PATH", "/key");
        let plan = asked.planned();
        let access = plan.access.expect("there are credentials");
        (access, plan.warnings)
    };
    let ours = Some("git.example:8443");
    let (access, warnings) = at("https://git.example:8443/x/y");
    assert_eq!(
        (access.host.as_deref(), source(&access)),
        (ours, Some("VCS_TOKEN"))
    );
    assert_eq!(warnings, [""; 0]);
    for url in [
        "https://git.example/a/b",
        "https://git.example.evil/a/b",
        "http://git.example:8444/a/b",
    ] {
        let (access, warnings) = at(url);
        assert_eq!(access.host.as_deref(), ours, "{url}");
        assert!(
            warnings.len() == 1 && warnings[0].contains("are not sent to"),
            "{url} {warnings:?}"
        );
    }
    // The same server, but anybody on the way could read the token.
    let (access, warnings) = at("http://git.example:8443/a/b");
    assert!(
        access.token.is_none() && warnings[0].contains("plain text"),
        "{warnings:?}"
    );
    for url in ["ssh://git@git.example:2222/a/b", "git@ssh.example:a/b"] {
        let (access, warnings) = at(url);
        assert_eq!(
            (access.ssh.key.as_deref(), warnings.len()),
            (Some(Path::new("/key")), 0),
            "{url}"
        );
    }
    let (access, warnings) = at("git@evil.example:a/b");
    assert_eq!((access.ssh.key, warnings.len()), (None, 1));
    assert_eq!(at("git://evil.example/a/b").1, [""; 0]);
}

#[test]
fn a_server_that_nobody_places_gets_no_credentials() {
    let asked = cloning("https://h/a/b")
        .payload(json!({ "vcs": { "provider": "gitea" } }))
        .env("VCS_TOKEN", "secret-value");
    let plan = asked.planned();
    assert_eq!(plan.access.expect("it is there").host, None);
    assert!(
        plan.warnings[0].contains("VCS_CLONE_BASE_URL"),
        "{:?}",
        plan.warnings
    );
}

#[test]
fn without_a_checkout_the_agents_own_git_has_what_the_environment_gives() {
    let gitlab = of_vcs(json!({ "provider": "gitlab", "repository": "a/b" }));
    assert!(gitlab.planned().access.is_none());
    let found = access(&gitlab.env("VCS_TOKEN", "secret-value"));
    assert_eq!(
        (found.host.as_deref(), &*found.username),
        (Some("gitlab.com"), "oauth2")
    );
    // The incumbent asks with these two, which are GitHub's.
    let found = access(&Asked::exec().env("GH_TOKEN", "secret-value"));
    assert_eq!(
        (found.host.as_deref(), source(&found)),
        (Some("github.com"), Some("GH_TOKEN"))
    );
    // Nobody says whose this is.
    assert!(
        Asked::exec()
            .env("VCS_TOKEN", "secret-value")
            .planned()
            .access
            .is_none()
    );
    let ssh = json!({ "provider": "generic", "cloneProtocol": "ssh", "sshHost": "h" });
    let found = access(&of_vcs(ssh).env("VCS_SSH_KEY_PATH", "/key"));
    assert_eq!(found.host.as_deref(), Some("h"));
}

#[test]
fn proxies_and_authorities_are_read_as_curl_and_git_read_them() {
    let proxies = |variables: &[(&str, &str)]| {
        let mut asked = cloning("https://h/a");
        for (name, value) in variables {
            asked = asked.env(name, value);
        }
        let proxies = access(&asked).proxies;
        let text = |proxy: Option<crate::secret::Secret<String>>| {
            proxy.map(|proxy| proxy.expose().clone())
        };
        (text(proxies.https), text(proxies.http), proxies.none)
    };
    let some = |text: &str| Some(text.to_owned());
    assert_eq!(proxies(&[]), (None, None, None));
    assert_eq!(proxies(&[("HTTP_PROXY", "x")]), (None, None, None));
    assert_eq!(
        proxies(&[("ALL_PROXY", "a"), ("NO_PROXY", "n")]),
        (some("a"), some("a"), some("n"))
    );
    assert_eq!(
        proxies(&[
            ("ALL_PROXY", "A"),
            ("all_proxy", "a"),
            ("HTTPS_PROXY", "S"),
            ("https_proxy", "s"),
            ("http_proxy", "h"),
            ("NO_PROXY", "N"),
            ("no_proxy", "n"),
        ]),
        (some("s"), some("h"), some("n"))
    );
    let asked = cloning("https://h/a")
        .env("VCS_CA_FILE", "/a.pem")
        .env("GIT_SSL_CAINFO", "/b.pem")
        .env("SSL_CERT_FILE", "/c.pem");
    let access = access(&asked);
    assert_eq!(access.ca_files, [Path::new("/a.pem"), Path::new("/b.pem")]);
    assert_eq!(access.ca_bundle.as_deref(), Some(Path::new("/c.pem")));
}

#[test]
fn the_agents_git_gets_what_it_needs_and_nothing_that_is_set() {
    let asked = of_vcs(json!({ "provider": "github", "repository": "a/b" }))
        .env("VCS_TOKEN", "secret-value")
        .env("VCS_COMMIT_AUTHOR_NAME", "A")
        .env("VCS_COMMIT_AUTHOR_EMAIL", "a@h")
        .env("GIT_COMMITTER_NAME", "Mine")
        .env("GH_TOKEN", "other-value");
    let plan = asked.planned();
    for (name, value) in [
        ("GIT_TERMINAL_PROMPT", "0"),
        ("GIT_ASKPASS_USERNAME", "x-access-token"),
        ("GIT_AUTHOR_NAME", "A"),
        ("GIT_AUTHOR_EMAIL", "a@h"),
        ("GIT_COMMITTER_NAME", "Mine"),
        ("GIT_COMMITTER_EMAIL", "a@h"),
        ("GH_TOKEN", "other-value"),
        ("GITHUB_TOKEN", "other-value"),
    ] {
        assert_eq!(variable(&plan, name), Some(value), "{name}");
    }
    let access = plan.access.expect("there are credentials");
    assert_eq!(
        access.agent_variables(&plan.process.env),
        [],
        "a second time adds nothing"
    );
}

#[test]
fn githubs_tokens_are_made_for_github_only_and_from_what_the_agent_has() {
    let github = of_vcs(json!({ "provider": "github", "repository": "a/b" }));
    let given = |asked: &Asked| variable(&asked.planned(), "GITHUB_TOKEN").map(str::to_owned);
    let token = github.clone().env("VCS_TOKEN", "secret-value");
    assert_eq!(given(&token).as_deref(), Some("secret-value"));
    assert_eq!(
        given(&token.clone().setting("env/drop", json!(["GITHUB_*"]))),
        None
    );
    assert_eq!(
        given(&token.clone().setting("env/drop", json!(["VCS_TOKEN"]))),
        None
    );
    assert_eq!(given(&token.setting("env/mode", json!("clean"))), None);
    assert_eq!(given(&github.env("VCS_TOKEN_FILE", "/token")), None);
    let gitlab = of_vcs(json!({ "provider": "gitlab", "repository": "a/b" }));
    assert_eq!(given(&gitlab.env("VCS_TOKEN", "secret-value")), None);
}

#[test]
fn a_run_without_credentials_has_the_environment_that_it_had() {
    let plan = Asked::exec().env("VCS_COMMIT_AUTHOR_NAME", "A").planned();
    assert_eq!(plan.process.env.iter().count(), 1);
    let plan = cloning("https://h/a/b").planned();
    assert_eq!(plan.process.env.iter().count(), 0);
}
