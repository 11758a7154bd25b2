use std::io::Write as _;

use agent_plan::outcome::Outcome;

use super::error::one_line;
use super::*;

fn quoted(path: &str) -> String {
    let command = String::from_utf8(command(path)).expect("the cases are text");
    command
        .strip_prefix("git-upload-pack ")
        .expect("it is always this command")
        .to_owned()
}

#[test]
fn a_path_is_quoted_for_any_shell() {
    assert_eq!(quoted("/a/b.git"), "'/a/b.git'");
    assert_eq!(
        quoted("/a'; touch /tmp/x; '"),
        r"'/a'\''; touch /tmp/x; '\'''"
    );
    assert_eq!(quoted("/a!b"), r"'/a'\!'b'");
    assert_eq!(quoted("/$(x)`y`\n\\"), "'/$(x)`y`\n\\'");
}

#[test]
fn a_path_is_decoded_before_it_is_quoted() {
    assert_eq!(quoted("/a%20b"), "'/a b'");
    assert_eq!(quoted("/a%27b"), r"'/a'\''b'");
    assert_eq!(quoted("/caf%C3%A9"), "'/café'");
    // Once, so that an encoded per cent stays one.
    assert_eq!(quoted("/a%2520b"), "'/a%20b'");
}

#[test]
fn what_is_not_an_encoded_byte_stays() {
    assert_eq!(quoted("/100%"), "'/100%'");
    assert_eq!(quoted("/%zz%+1%2"), "'/%zz%+1%2'");
    assert_eq!(quoted("/%00"), "'/%00'");
}

#[test]
fn a_home_begins_with_its_tilde() {
    assert_eq!(quoted("/~git/a.git"), "'~git/a.git'");
    assert_eq!(quoted("/%7Egit/a.git"), "'~git/a.git'");
    assert_eq!(quoted("/~"), "'~'");
}

#[test]
fn the_words_of_a_remote_become_one_harmless_line() {
    assert_eq!(
        one_line(b"ERROR: Repository not found.\r\n\nfatal: \x1b[31mno\x07\n"),
        "ERROR: Repository not found.; fatal: [31mno"
    );
    assert_eq!(one_line("a\u{202e}b\u{9b}c\u{200b}".as_bytes()), "abc");
    assert_eq!(one_line(b"\xff\n"), "\u{fffd}");
    let long = one_line("é".repeat(5000).as_bytes());
    assert!(
        long.chars().count() <= 402 && long.starts_with('…'),
        "{long}"
    );
}

#[test]
fn algorithms_of_known_keys_are_asked_for_first() {
    let known = "host ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAAQA=\n";
    let keys = HostKeys::read(known.as_bytes(), "host", 22);
    let names: Vec<String> = host_key_algorithms(&keys)
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(
        names,
        [
            "rsa-sha2-512",
            "rsa-sha2-256",
            "ssh-ed25519",
            "ecdsa-sha2-nistp256",
            "ecdsa-sha2-nistp384",
            "ecdsa-sha2-nistp521"
        ]
    );
}

/// A port, the listener behind it, and everything that is needed to be let in there but a host key.
fn nobody() -> (std::net::TcpListener, Remote, tempfile::TempDir, SshAccess) {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = listener.local_addr().expect("it is bound").port();
    let remote = Remote {
        scheme: agent_plan::plan::Scheme::Ssh,
        host: "127.0.0.1".to_owned(),
        port: Some(port),
        user: None,
        path: "/a.git".to_owned(),
    };
    let dir = tempfile::tempdir().expect("a directory");
    let key = dir.path().join("key");
    let status = std::process::Command::new("ssh-keygen")
        .args(["-q", "-t", "ed25519", "-N", "", "-f"])
        .arg(&key)
        .status()
        .expect("ssh-keygen is installed");
    assert!(status.success());
    let access = SshAccess {
        key: Some(key),
        ..SshAccess::default()
    };
    (listener, remote, dir, access)
}

#[tokio::test]
async fn without_known_hosts_nobody_is_even_connected_to() {
    let (listener, remote, _dir, access) = nobody();
    let error = open(&remote, &access, Duration::from_secs(5)).await;
    let error = error.expect_err("no host is known");
    assert_eq!(error.reason(), "NoKnownHosts");
    assert_eq!(error.outcome(), Outcome::PolicyRefused);
    listener.set_nonblocking(true).expect("a socket");
    let connection = listener.accept().expect_err("nobody is there");
    assert_eq!(connection.kind(), std::io::ErrorKind::WouldBlock);
}

#[tokio::test]
async fn a_host_that_stalls_is_given_up_and_let_go() {
    for greeting in ["", "SSH-2.0-stalls\r\n"] {
        let (listener, remote, _dir, access) = nobody();
        let access = SshAccess {
            accept_new: true,
            ..access
        };
        let host = tokio::task::spawn_blocking(move || {
            let (mut peer, _) = listener.accept()?;
            peer.set_read_timeout(Some(Duration::from_secs(10)))?;
            peer.write_all(greeting.as_bytes())?;
            std::io::copy(&mut peer, &mut std::io::sink())
        });
        let error = open(&remote, &access, Duration::from_millis(200)).await;
        let error = error.expect_err("it never answers");
        assert_eq!(error.reason(), "Unreachable");
        assert!(error.is_transient());
        let end = host.await.expect("it does not panic");
        // With bytes unread on our side, the end of the connection is a reset.
        if let Err(error) = end {
            assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
        }
    }
}

#[tokio::test]
async fn a_port_that_nobody_listens_on_is_worth_another_attempt() {
    let (listener, remote, _dir, access) = nobody();
    drop(listener);
    let access = SshAccess {
        accept_new: true,
        ..access
    };
    let error = open(&remote, &access, Duration::from_secs(5)).await;
    let error = error.expect_err("nobody listens");
    assert_eq!(error.reason(), "Unreachable");
    assert_eq!(error.outcome(), Outcome::WorkspaceFailed);
    assert!(error.is_transient());
}

#[tokio::test]
async fn a_run_without_a_key_is_told_so() {
    let (_listener, remote, _dir, access) = nobody();
    let access = SshAccess {
        accept_new: true,
        key: None,
        ..access
    };
    let error = open(&remote, &access, Duration::from_secs(5)).await;
    let error = error.expect_err("there is no key");
    assert_eq!(error.reason(), "NoSshKey");
    assert_eq!(error.outcome(), Outcome::AuthFailed);
    assert!(!error.is_transient());
}
