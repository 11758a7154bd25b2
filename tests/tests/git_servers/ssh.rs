use agent_tests::{
    DEADLINE, Git, KeyKind, KnownHosts, Silent, SshKey, SshServer, checked_out, processes_with,
    wait_until,
};
use tempfile::TempDir;

use super::{small, temporary};

/// A client with a key, in a directory with what it knows of a server.
fn client(server: &SshServer, key: &SshKey, known: KnownHosts) -> (TempDir, Git) {
    let dir = temporary();
    let known_hosts = dir.path().join("known_hosts");
    std::fs::write(&known_hosts, server.known_hosts(known)).expect("the directory is writable");
    let git = Git::new(dir.path()).env("GIT_SSH_COMMAND", server.ssh_command(key, &known_hosts));
    (dir, git)
}

#[test]
fn a_deploy_key_clones() {
    let (repository, key) = (small(), SshKey::new(KeyKind::Ed25519));
    let server = SshServer::new()
        .serve("group/sub/name", &repository)
        .authorize(&key);
    let (dir, git) = client(&server, &key, KnownHosts::Plain);
    git.run(["clone", &server.url("group/sub/name"), "clone"]);
    let state = checked_out(dir.path().join("clone"));
    assert_eq!(state.commit, Some(repository.rev("main")));
    assert_eq!(server.connections(), 1);
    assert_eq!(server.commands(), ["git-upload-pack '/group/sub/name.git'"]);
    assert!(
        server.log().contains("Accepted publickey"),
        "{}",
        server.log()
    );
}

#[test]
fn a_repository_is_also_found_by_its_whole_path() {
    let (repository, key) = (small(), SshKey::new(KeyKind::Ed25519));
    let server = SshServer::new().authorize(&key);
    let (_dir, git) = client(&server, &key, KnownHosts::Plain);
    let (user, address) = (server.user(), server.address());
    let path = repository.dir().display();
    let listed = git.run(["ls-remote", &format!("ssh://{user}@{address}{path}")]);
    assert!(listed.contains("refs/heads/main"), "{listed}");
    git.fails(["ls-remote", &server.url("owner/name")]);
}

#[test]
fn every_kind_of_key_is_let_in() {
    let repository = small();
    for key in [
        SshKey::pem(KeyKind::Rsa, ""),
        SshKey::new(KeyKind::Ecdsa),
        SshKey::pem(KeyKind::Ecdsa, ""),
    ] {
        let server = SshServer::new()
            .serve("owner/name", &repository)
            .authorize(&key);
        let (_dir, git) = client(&server, &key, KnownHosts::Plain);
        git.run(["ls-remote", &server.url("owner/name")]);
    }
}

#[test]
fn keys_are_in_the_formats_that_were_asked_for() {
    for (key, begins) in [
        (
            SshKey::new(KeyKind::Ecdsa),
            "-----BEGIN OPENSSH PRIVATE KEY",
        ),
        (SshKey::pem(KeyKind::Rsa, ""), "-----BEGIN RSA PRIVATE KEY"),
        (
            SshKey::pem(KeyKind::Ecdsa, "words"),
            "-----BEGIN EC PRIVATE KEY",
        ),
        (SshKey::pkcs8(KeyKind::Ecdsa, ""), "-----BEGIN PRIVATE KEY"),
        (
            SshKey::pkcs8(KeyKind::Ecdsa, "words"),
            "-----BEGIN ENCRYPTED PRIVATE KEY",
        ),
    ] {
        assert!(key.private().starts_with(begins), "{}", key.private());
    }
}

#[test]
fn a_key_with_a_passphrase_does_not_work_without_it() {
    let key = SshKey::encrypted(KeyKind::Ed25519, "words");
    let server = SshServer::new()
        .serve("owner/name", &small())
        .authorize(&key);
    let (_dir, git) = client(&server, &key, KnownHosts::Plain);
    let said = git.fails(["ls-remote", &server.url("owner/name")]);
    assert!(said.contains("Permission denied"), "{said}");
}

#[test]
fn another_key_is_not_let_in() {
    let key = SshKey::new(KeyKind::Ed25519);
    let server = SshServer::new()
        .serve("owner/name", &small())
        .authorize(&SshKey::new(KeyKind::Ed25519));
    let (_dir, git) = client(&server, &key, KnownHosts::Plain);
    let said = git.fails(["ls-remote", &server.url("owner/name")]);
    assert!(said.contains("Permission denied"), "{said}");
    assert!(server.commands().is_empty());
}

#[test]
fn a_strict_client_goes_by_what_known_hosts_says() {
    let key = SshKey::new(KeyKind::Ed25519);
    let server = SshServer::new()
        .serve("owner/name", &small())
        .authorize(&key);
    let url = server.url("owner/name");
    let hashed = server.known_hosts(KnownHosts::Hashed);
    assert!(hashed.starts_with("|1|"), "{hashed}");
    let (_dir, git) = client(&server, &key, KnownHosts::Hashed);
    git.run(["ls-remote", &url]);
    for (known, words) in [
        (KnownHosts::WrongKey, "IDENTIFICATION HAS CHANGED"),
        (KnownHosts::Revoked, "REVOKED HOST KEY"),
        (KnownHosts::OtherHost, "Host key verification failed"),
    ] {
        let (_dir, git) = client(&server, &key, known);
        let said = git.fails(["ls-remote", &url]);
        assert!(said.contains(words), "{known:?}: {said}");
    }
}

#[test]
fn the_host_key_is_of_the_kind_that_was_asked_for() {
    let key = SshKey::new(KeyKind::Ed25519);
    for (kind, name) in [
        (KeyKind::Rsa, "ssh-rsa"),
        (KeyKind::Ecdsa, "ecdsa-sha2-nistp256"),
    ] {
        let server = SshServer::new()
            .host_key(kind)
            .serve("owner/name", &small())
            .authorize(&key);
        assert!(server.known_hosts(KnownHosts::Plain).contains(name));
        let (_dir, git) = client(&server, &key, KnownHosts::Plain);
        git.run(["ls-remote", &server.url("owner/name")]);
    }
}

#[test]
fn a_push_arrives_and_other_commands_are_refused() {
    let (repository, key) = (small(), SshKey::new(KeyKind::Ed25519));
    let server = SshServer::new()
        .serve("owner/name", &repository)
        .authorize(&key);
    let (dir, git) = client(&server, &key, KnownHosts::Plain);
    git.run(["clone", &server.url("owner/name"), "clone"]);
    git.run(["-C", "clone", "push", "origin", "HEAD:refs/heads/pushed"]);
    assert_eq!(repository.rev("pushed"), repository.rev("main"));
    let said = git.fails(["archive", "--remote", &server.url("owner/name"), "HEAD"]);
    assert!(said.contains("only git"), "{said}");
    drop(dir);
}

#[test]
fn nothing_is_left_of_a_session_when_the_server_is_dropped() {
    let key = SshKey::new(KeyKind::Ed25519);
    let server = SshServer::new()
        .serve("owner/name", &small())
        .authorize(&key);
    let (dir, _) = client(&server, &key, KnownHosts::Plain);
    let place = server.dir().to_owned();
    let command = server.ssh_command(&key, &dir.path().join("known_hosts"));
    let target = format!("{}@127.0.0.1", server.user());
    // It is told the references, and then nobody says what is wanted.
    let mut waiting = std::process::Command::new("sh")
        .arg("-c")
        .arg(format!(
            "exec {command} -p {} {target} \"git-upload-pack '/owner/name.git'\"",
            server.address().port()
        ))
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .expect("ssh can be started");
    assert!(wait_until(DEADLINE, || server.commands().len() == 1));
    assert!(wait_until(DEADLINE, || !processes_with(&place).is_empty()));
    drop(server);
    assert!(processes_with(&place).is_empty());
    let ended = waiting.wait().expect("it is a child of ours");
    assert!(!ended.success());
}

#[test]
fn a_silent_port_keeps_a_client_waiting() {
    let silent = Silent::new();
    let url = format!("ssh://git@{}/owner/name.git", silent.address());
    let dir = temporary();
    let mut client = Git::new(dir.path()).start(["ls-remote", &url]);
    assert!(wait_until(DEADLINE, || silent.connections() == 1));
    assert!(client.is_running());
    drop(silent);
    client.end().failed();
}
