//! Who may fetch over ssh, from a real `sshd`: a host is known before it learns who we are, and a
//! deploy key works however it was mounted.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

use agent_tests::{
    Ended, GitServer, KeyKind, KnownHosts, Repository, Run, SshKey, SshServer, assert_ends,
    checked_out, ends, git,
};
use serde_json::json;

fn repository() -> Repository {
    Repository::new().commit("main", [("README", "hello\n")])
}

fn server(repository: &Repository, key: &SshKey) -> SshServer {
    SshServer::new()
        .serve("owner/name", repository)
        .authorize(key)
}

/// A run that clones a URL into `work` and then does nothing.
fn clones(url: &str) -> Run {
    let run = Run::new();
    let work = run.path("work");
    run.setting("workspace/git/url", json!(url))
        .setting("cwd", json!(work))
}

/// Mounts a key as a Secret is: readable for all.
fn with_key(run: Run, text: &str) -> Run {
    let path = run.path("privateKey");
    fs::write(&path, text).expect("it can be written");
    fs::set_permissions(&path, Permissions::from_mode(0o644)).expect("it is ours");
    run.env("VCS_SSH_KEY_PATH", path)
}

fn with_hosts(run: Run, text: &str) -> Run {
    let path = run.path("knownHosts");
    fs::write(&path, text).expect("it can be written");
    run.env("VCS_SSH_KNOWN_HOSTS_PATH", path)
}

/// A run that has all it needs.
fn clones_own(server: &SshServer, key: &SshKey) -> Run {
    let run = with_key(clones(&server.url("owner/name")), &key.private());
    with_hosts(run, &server.known_hosts(KnownHosts::Plain))
}

#[track_caller]
fn assert_cloned(ended: &Ended) {
    assert_eq!(ended.code, 0, "{}\n{}", ended.status, ended.stderr);
    let readme = ended.dir.path().join("work/README");
    assert_eq!(fs::read(readme).expect("it is there"), b"hello\n");
}

#[track_caller]
fn assert_fails(ended: &Ended, wanted: (i32, &'static str, &'static str), named: &[&str]) {
    assert_ends("", ended, &ends(wanted.0, wanted.1, wanted.2));
    for name in named {
        assert!(ended.error().contains(name), "`{name}`: {}", ended.error());
    }
    assert!(!ended.dir.path().join("work/.git").exists());
}

/// Asserts that the server was not told who we are.
#[track_caller]
fn assert_told_nothing(server: &SshServer) {
    let log = server.log();
    assert!(!log.contains("publickey"), "{log}");
    assert_eq!(server.commands(), Vec::<String>::new());
}

#[test]
fn every_kind_of_deploy_key_works() {
    let repository = repository();
    for key in [
        SshKey::new(KeyKind::Ed25519),
        SshKey::new(KeyKind::Rsa),
        SshKey::pem(KeyKind::Rsa, ""),
        SshKey::new(KeyKind::Ecdsa),
        SshKey::pkcs8(KeyKind::Ecdsa, ""),
    ] {
        let server = server(&repository, &key);
        assert_cloned(&clones_own(&server, &key).end());
        assert_eq!(server.connections(), 1);
    }
}

#[test]
fn a_key_that_editors_and_secrets_have_changed_works_for_us_and_for_the_agents_ssh() {
    let repository = repository();
    let key = SshKey::new(KeyKind::Ed25519);
    let server = server(&repository, &key);
    let text = key.private();
    for text in [
        text.trim_end().to_owned(),
        text.replace('\n', "\r\n"),
        format!("\n{text}\n\n"),
        format!("  {}", text.replace('\n', "\n  ")),
        format!("\u{feff}{text}"),
    ] {
        let run = with_key(clones(&server.url("owner/name")), &text);
        let run = with_hosts(run, &server.known_hosts(KnownHosts::Plain));
        let ended = run.shell("git ls-remote origin").end();
        assert_cloned(&ended);
        assert!(ended.text().contains("refs/heads/main"), "{text:?}");
    }
}

#[test]
fn a_known_host_is_known_by_every_form_of_its_name() {
    let repository = repository();
    for kind in [KeyKind::Ed25519, KeyKind::Ecdsa, KeyKind::Rsa] {
        let key = SshKey::new(KeyKind::Ed25519);
        let server = server(&repository, &key).host_key(kind);
        let plain = server.known_hosts(KnownHosts::Plain);
        let (_, host_key) = plain.split_once(' ').expect("there is a key");
        for text in [
            plain.clone(),
            server.known_hosts(KnownHosts::Hashed),
            plain.replace('\n', "\r\n"),
            format!("# a comment\n\nnonsense\n*.example.com,127.0.0.* {host_key}"),
        ] {
            let run = with_key(clones(&server.url("owner/name")), &key.private());
            assert_cloned(&with_hosts(run, &text).end());
        }
    }
}

#[test]
fn a_host_that_is_not_the_known_one_is_refused_before_it_knows_us() {
    let repository = repository();
    let key = SshKey::new(KeyKind::Ed25519);
    let server = server(&repository, &key);
    for (known, reason) in [
        (KnownHosts::WrongKey, "HostKeyChanged"),
        (KnownHosts::OtherHost, "HostKeyUnknown"),
        (KnownHosts::Revoked, "HostKeyRevoked"),
    ] {
        let run = with_key(clones(&server.url("owner/name")), &key.private());
        let ended = with_hosts(run, &server.known_hosts(known)).end();
        assert_fails(
            &ended,
            (78, "PolicyRefused", reason),
            &["127.0.0.1", "SHA256:", "knownHosts"],
        );
        assert_eq!(ended.status["retryable"], false);
    }
    assert_eq!(server.connections(), 3, "no attempt was repeated");
    assert_told_nothing(&server);
}

#[test]
fn without_known_hosts_no_connection_is_made() {
    let repository = repository();
    let key = SshKey::new(KeyKind::Ed25519);
    let server = server(&repository, &key);
    let run = with_key(clones(&server.url("owner/name")), &key.private());
    assert_fails(
        &run.end(),
        (78, "PolicyRefused", "NoKnownHosts"),
        &["127.0.0.1", "VCS_SSH_KNOWN_HOSTS_PATH", "accept-new"],
    );
    assert_eq!(server.connections(), 0);
}

#[test]
fn an_unknown_host_is_accepted_if_that_is_asked_for_and_a_changed_one_is_not() {
    let repository = repository();
    let key = SshKey::new(KeyKind::Ed25519);
    let server = server(&repository, &key);
    let accepts = || {
        with_key(clones(&server.url("owner/name")), &key.private())
            .setting("workspace/hostKeys", json!("accept-new"))
    };
    let ended = accepts().shell("git fetch -q origin").end();
    assert_cloned(&ended);
    assert!(
        ended.stderr.contains("Unknown host accepted."),
        "{}",
        ended.stderr
    );
    assert_cloned(&with_hosts(accepts(), &server.known_hosts(KnownHosts::OtherHost)).end());
    let changed = with_hosts(accepts(), &server.known_hosts(KnownHosts::WrongKey));
    assert_fails(
        &changed.end(),
        (78, "PolicyRefused", "HostKeyChanged"),
        &["127.0.0.1"],
    );
}

#[test]
fn a_deploy_key_of_another_repository_is_refused() {
    let repository = repository();
    let (key, other) = (SshKey::new(KeyKind::Ed25519), SshKey::new(KeyKind::Ed25519));
    let server = server(&repository, &other);
    let ended = clones_own(&server, &key).end();
    let user = format!("`{}`", server.user());
    assert_fails(
        &ended,
        (77, "AuthFailed", "SshKeyRefused"),
        &["127.0.0.1", &user],
    );
    assert_eq!(ended.status["retryable"], false);
    assert_eq!(server.connections(), 1, "no attempt was repeated");
}

#[test]
fn what_is_no_usable_key_is_named_and_nobody_is_called() {
    let repository = repository();
    let key = SshKey::new(KeyKind::Ed25519);
    let server = server(&repository, &key);
    for (text, word) in [
        (
            SshKey::encrypted(KeyKind::Ed25519, "secret-words").private(),
            "passphrase",
        ),
        (
            SshKey::pem(KeyKind::Rsa, "secret-words").private(),
            "passphrase",
        ),
        (key.public(), "public key"),
        (String::new(), "empty"),
        ("hello\n".to_owned(), "no private key"),
    ] {
        let run = with_key(clones(&server.url("owner/name")), &text);
        let run = with_hosts(run, &server.known_hosts(KnownHosts::Plain));
        assert_fails(
            &run.end(),
            (77, "AuthFailed", "BadSshKey"),
            &["privateKey", word],
        );
    }
    assert_eq!(server.connections(), 0);
}

#[test]
fn a_key_that_is_not_mounted_is_missing() {
    let repository = repository();
    let key = SshKey::new(KeyKind::Ed25519);
    let server = server(&repository, &key);
    let hosts = server.known_hosts(KnownHosts::Plain);
    let url = server.url("owner/name");
    let run = clones(&url);
    let nowhere = run.path("nowhere");
    let run = with_hosts(run, &hosts).env("VCS_SSH_KEY_PATH", nowhere);
    assert_fails(
        &run.end(),
        (66, "InputMissing", "SshKeyUnreadable"),
        &["nowhere"],
    );
    assert_fails(
        &with_hosts(clones(&url), &hosts).end(),
        (77, "AuthFailed", "NoSshKey"),
        &["127.0.0.1", "VCS_SSH_KEY_PATH"],
    );
    let run = with_key(clones(&url), &key.private());
    let nowhere = run.path("nowhere");
    assert_fails(
        &run.env("VCS_SSH_KNOWN_HOSTS_PATH", nowhere).end(),
        (66, "InputMissing", "KnownHostsUnreadable"),
        &["nowhere"],
    );
    assert_eq!(server.connections(), 0);
}

#[test]
fn a_repository_that_is_not_there_is_told_in_the_words_of_the_server() {
    let repository = repository();
    let key = SshKey::new(KeyKind::Ed25519);
    let server = server(&repository, &key);
    let run = with_key(clones(&server.url("owner/other")), &key.private());
    let run = with_hosts(run, &server.known_hosts(KnownHosts::Plain));
    assert_fails(
        &run.end(),
        (74, "WorkspaceFailed", "RemoteFailed"),
        &[
            "127.0.0.1",
            "owner/other",
            "does not appear to be a git repository",
        ],
    );
    assert_eq!(server.connections(), 1, "no attempt was repeated");
}

#[test]
fn the_user_is_git_unless_somebody_says_another() {
    let repository = repository();
    let key = SshKey::new(KeyKind::Ed25519);
    let server = server(&repository, &key);
    let url = format!("ssh://{}/owner/name.git", server.address());
    let run = || {
        let run = with_key(clones(&url), &key.private());
        with_hosts(run, &server.known_hosts(KnownHosts::Plain))
    };
    assert_fails(
        &run().end(),
        (77, "AuthFailed", "SshKeyRefused"),
        &["user `git`"],
    );
    assert_cloned(&run().env("VCS_SSH_USER", server.user()).end());
}

#[test]
fn the_repository_of_the_run_is_cloned_over_ssh_as_the_controller_says() {
    let repository = repository();
    let key = SshKey::new(KeyKind::Ed25519);
    let server = server(&repository, &key);
    let run = Run::new();
    let work = run.path("work");
    let run = run
        .setting("workspace/git/depth", json!(1))
        .setting("cwd", json!(work))
        .env("VCS_PROVIDER", "github")
        .env("VCS_REPOSITORY", "owner/name")
        .env("VCS_CLONE_PROTOCOL", "ssh")
        .env("VCS_SSH_HOST", server.address().to_string())
        .env("VCS_SSH_USER", server.user());
    let run = with_hosts(
        with_key(run, &key.private()),
        &server.known_hosts(KnownHosts::Plain),
    );
    let ended = run.end();
    assert_cloned(&ended);
    let origin = git(
        ended.dir.path().join("work"),
        ["remote", "get-url", "origin"],
    );
    assert_eq!(origin, server.url("owner/name"));
}

#[test]
fn an_address_as_scp_takes_it_is_understood() {
    let ended = clones("git@git.example.com:group/owner/name.git")
        .arg("--dry-run")
        .end();
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert!(
        ended
            .text()
            .contains("ssh://git@git.example.com/group/owner/name.git"),
        "{}",
        ended.text()
    );
}

#[test]
fn the_agents_own_git_fetches_and_pushes_with_a_private_copy_of_the_key() {
    let repository = repository();
    let key = SshKey::new(KeyKind::Ed25519);
    let server = server(&repository, &key);
    let before = repository.rev("main");
    let script = r#"
        set -eu
        printf '%s\n' "$GIT_SSH_COMMAND" | grep -q StrictHostKeyChecking=yes
        copy=$(printf '%s\n' "$GIT_SSH_COMMAND" | sed 's/.*IdentityFile="\([^"]*\)".*/\1/')
        stat -c '%a %F' "$copy" "$(dirname "$copy")"
        git fetch -q origin
        git commit -q --allow-empty -m change
        git push -q origin HEAD:main
        git status --porcelain=v2 --branch
    "#;
    let ended = clones_own(&server, &key)
        .shell(script)
        .env("VCS_COMMIT_AUTHOR_NAME", "Runner")
        .env("VCS_COMMIT_AUTHOR_EMAIL", "runner@example.com")
        .end();
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let said = ended.text();
    assert!(
        said.starts_with("600 regular file\n700 directory\n"),
        "{said}"
    );
    assert_ne!(repository.rev("main"), before);
    assert_eq!(repository.rev("main^"), before);
    let author = git(
        repository.dir(),
        ["log", "-1", "--format=%an <%ae> %cn", "main"],
    );
    assert_eq!(author, "Runner <runner@example.com> Runner");
    let work = checked_out(ended.dir.path().join("work"));
    assert_eq!(work.commit, Some(repository.rev("main")));
}

#[test]
fn the_agents_own_git_speaks_to_no_other_host() {
    let repository = repository();
    let key = SshKey::new(KeyKind::Ed25519);
    let (own, other) = (server(&repository, &key), server(&repository, &key));
    let script = format!("! git ls-remote '{}'", other.url("owner/name"));
    let ended = clones_own(&own, &key).shell(&script).end();
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert_told_nothing(&other);
}

/// A server with a submodule of `outer`, which the key would open, by another name of this machine.
fn elsewhere(key: &SshKey) -> (SshServer, Repository) {
    let inner = Repository::new().commit("main", [("inner", "")]);
    let other = SshServer::new().serve("owner/sub", &inner).authorize(key);
    let url = other.url("owner/sub").replace("127.0.0.1", "localhost");
    let outer = repository().submodule("main", "sub", &url, &inner.rev("main"));
    (other, outer)
}

#[test]
fn a_submodule_on_another_host_never_gets_the_deploy_key() {
    let key = SshKey::new(KeyKind::Ed25519);
    let (other, outer) = elsewhere(&key);
    let own = server(&outer, &key);
    let theirs = other
        .known_hosts(KnownHosts::Plain)
        .replace("127.0.0.1", "localhost");
    let known = own.known_hosts(KnownHosts::Plain) + &theirs;
    let run = || {
        with_key(clones(&own.url("owner/name")), &key.private())
            .setting("workspace/git/submodules", json!("on"))
    };
    for run in [
        with_hosts(run(), &known),
        run().setting("workspace/hostKeys", json!("accept-new")),
        with_hosts(run(), &known).env("VCS_SSH_HOST", "127.0.0.1"),
    ] {
        let before = own.connections();
        assert_fails(
            &run.end(),
            (77, "AuthFailed", "NoSshKey"),
            &["`sub`", "localhost"],
        );
        assert!(own.connections() > before);
        assert_told_nothing(&other);
    }
}

#[test]
fn a_submodule_on_the_runs_ssh_host_gets_the_deploy_key_beside_an_http_checkout() {
    let key = SshKey::new(KeyKind::Ed25519);
    let inner = Repository::new().commit("main", [("inner", "")]);
    let ssh = SshServer::new().serve("owner/sub", &inner).authorize(&key);
    let url = ssh.url("owner/sub");
    let outer = repository().submodule("main", "sub", &url, &inner.rev("main"));
    let http = GitServer::new().serve("owner/name", &outer);
    // By name, so that it is not the host of the checkout.
    let address = http.url("owner/name").replace("127.0.0.1", "localhost");
    for host in ["127.0.0.1".to_owned(), ssh.address().to_string()] {
        let run = with_key(clones(&address), &key.private())
            .setting("workspace/git/submodules", json!("on"))
            .env(
                "VCS_CLONE_BASE_URL",
                http.base().replace("127.0.0.1", "localhost"),
            )
            .env("VCS_SSH_HOST", &host);
        let ended = with_hosts(run, &ssh.known_hosts(KnownHosts::Plain)).end();
        assert_cloned(&ended);
        assert!(ended.dir.path().join("work/sub/inner").exists(), "{host}");
    }
}
