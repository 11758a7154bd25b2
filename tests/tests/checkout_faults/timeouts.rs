//! A server that does not go on does not keep a run: each wait has its end, and each end its name.

use std::time::Duration;

use agent_tests::{Ended, Fault, GitServer, KeyKind, Run, Silent, SshKey, SshServer};
use serde_json::json;

use super::servers::{Blackhole, daemon, stalling};
use super::{assert_fails, attempts, big, cloning, small};

/// Lets a timeout be over after a second.
fn short(run: Run, timeout: &str) -> Run {
    run.setting(&format!("workspace/timeouts/{timeout}"), json!(1))
}

/// Gives a run a key, and lets it take any host.
fn with_key(run: Run, key: &SshKey) -> Run {
    run.setting("workspace/hostKeys", json!("accept-new"))
        .env("VCS_SSH_KEY_PATH", key.path())
}

#[track_caller]
fn assert_says(ended: &Ended, parts: &[&str]) {
    for part in parts {
        assert!(ended.error().contains(part), "{}", ended.error());
    }
}

#[test]
fn a_server_that_takes_no_connection_is_unreachable() {
    let hole = Blackhole::new();
    let key = SshKey::new(KeyKind::Ed25519);
    for scheme in ["http", "https", "git", "ssh"] {
        let url = format!("{scheme}://{}/owner/name.git", hole.address());
        let ended = short(with_key(cloning(&url), &key), "connect").end();
        assert_fails(scheme, &ended, "Unreachable", true);
        assert_says(
            &ended,
            &[&url, "(4 attempts)", "`workspace.timeouts.connect`"],
        );
    }
}

#[test]
fn a_server_that_takes_a_connection_and_says_nothing_for_tls_or_ssh_is_unreachable() {
    let server = Silent::new();
    let key = SshKey::new(KeyKind::Ed25519);
    for scheme in ["https", "ssh"] {
        let url = format!("{scheme}://{}/owner/name.git", server.address());
        let ended = short(with_key(cloning(&url), &key), "connect").end();
        assert_fails(scheme, &ended, "Unreachable", true);
        assert_says(
            &ended,
            &[&url, "(4 attempts)", "`workspace.timeouts.connect`"],
        );
    }
    assert_eq!(server.connections(), 8);
}

#[test]
fn a_server_that_stalls_before_its_references_is_stalled() {
    let http = GitServer::new()
        .serve("owner/name", &small())
        .fault(Fault::silence());
    let silent = Silent::new();
    let git = format!("git://{}/owner/name.git", silent.address());
    for (name, url) in [("http", http.url("owner/name")), ("git", git)] {
        let ended = short(cloning(&url), "transfer").end();
        assert_fails(name, &ended, "Stalled", true);
        let parts = [
            &url,
            "(4 attempts)",
            "sent nothing for 1s",
            "`workspace.timeouts.transfer`",
        ];
        assert_says(&ended, &parts);
    }
}

#[test]
fn a_server_that_stalls_in_the_middle_of_a_pack_is_stalled() {
    let (repository, key) = (big(), SshKey::new(KeyKind::Ed25519));
    let http = GitServer::new()
        .serve("owner/name", &repository)
        .fault(Fault::stall_after(300_000));
    let ssh = SshServer::new()
        .serve("owner/name", &repository)
        .authorize(&key);
    let over_ssh = stalling(ssh.address(), 300_000);
    let over_ssh = ssh
        .url("owner/name")
        .replace(&ssh.address().to_string(), &over_ssh.to_string());
    let over_git = stalling(daemon(&repository), 300_000);
    let over_git = format!("git://{over_git}{}", repository.dir().display());
    for (name, url) in [
        ("http", http.url("owner/name")),
        ("ssh", over_ssh),
        ("git", over_git),
    ] {
        let ended = short(with_key(cloning(&url), &key), "transfer").end();
        assert_fails(name, &ended, "Stalled", true);
        let parts = [
            &url,
            "(4 attempts)",
            "sent nothing for 1s",
            "`workspace.timeouts.transfer`",
        ];
        assert_says(&ended, &parts);
    }
}

#[test]
fn a_server_that_is_slow_and_goes_on_is_not_stalled() {
    let server = GitServer::new()
        .serve("owner/name", &big())
        .fault(Fault::slow(400_000).on("/git-upload-pack"));
    let ended = short(cloning(&server.url("owner/name")), "transfer").end();
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert!(ended.took > Duration::from_secs(2), "{:?}", ended.took);
}

#[test]
fn a_checkout_that_is_too_slow_as_a_whole_ends_when_its_time_is_over() {
    let server = GitServer::new()
        .serve("owner/name", &big())
        .fault(Fault::slow(20_000).on("/git-upload-pack"));
    let ended = short(cloning(&server.url("owner/name")), "total").end();
    assert_fails("total", &ended, "CheckoutTimeout", true);
    assert_says(
        &ended,
        &[
            "the time for the checkout, 1s, is over",
            "`workspace.timeouts.total`",
        ],
    );
    // It would take 50 s.
    assert!(ended.took < Duration::from_secs(20), "{:?}", ended.took);
}

#[test]
fn a_pause_that_would_outlast_the_checkout_does_not_hide_why_it_failed() {
    let server = GitServer::new().fault(Fault::answer(503).retry_after("20"));
    let ended = short(cloning(&server.url("owner/name")), "total").end();
    assert_fails("503", &ended, "ServerFailed", true);
    assert_says(&ended, &["answered 503"]);
    assert_eq!(attempts(&ended), Vec::<&str>::new());
    assert!(ended.took < Duration::from_secs(15), "{:?}", ended.took);
}

#[test]
fn the_git_protocol_clones() {
    let repository = big();
    let url = format!(
        "git://{}{}",
        daemon(&repository),
        repository.dir().display()
    );
    let ended = cloning(&url).end();
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert!(ended.dir.path().join("repo/d0000/f000009").exists());
}
