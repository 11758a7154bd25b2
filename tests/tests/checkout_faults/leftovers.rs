//! A run leaves what it documents, and nothing else: no copy of a key, no scratch directory, no
//! half of a pack.

use std::fs;
use std::path::Path;

use agent_tests::{Ended, Fault, GitServer, KeyKind, KnownHosts, Repository, SshKey, SshServer};
use serde_json::json;

use super::{cloning, small};

/// The names in a directory, in their order.
fn names(dir: &Path) -> Vec<String> {
    let entries = fs::read_dir(dir).expect("it can be listed").flatten();
    let mut names: Vec<String> = entries
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

/// The scratch directories that are left; the run's own directory is its `TMPDIR`.
fn scratch(ended: &Ended) -> Vec<String> {
    let mut names = names(ended.dir.path());
    names.retain(|name| !["agent", "repo", "spec.json", "known_hosts"].contains(&name.as_str()));
    names
}

#[test]
fn a_run_with_a_deploy_key_leaves_no_copy_of_it() {
    let (repository, key) = (small(), SshKey::new(KeyKind::Ed25519));
    let server = SshServer::new()
        .serve("owner/name", &repository)
        .authorize(&key);
    let run = cloning(&server.url("owner/name"));
    let known_hosts = run.path("known_hosts");
    fs::write(&known_hosts, server.known_hosts(KnownHosts::Plain)).expect("it is writable");
    let ended = run
        .env("VCS_SSH_KEY_PATH", key.path())
        .env("VCS_SSH_KNOWN_HOSTS_PATH", known_hosts)
        // The agent has its copy for as long as it runs.
        .shell("git ls-remote origin && ls -d \"$TMPDIR\"/agent-runner-*/git/key")
        .end();
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert!(ended.text().contains("refs/heads/main"), "{}", ended.text());
    assert_eq!(scratch(&ended), Vec::<String>::new());
}

#[test]
fn a_run_that_fails_or_panics_leaves_no_scratch_directory() {
    let server = GitServer::new().serve("owner/name", &small());
    let url = server.url("owner/name");
    let missing = cloning(&server.url("owner/missing")).end();
    assert_eq!(missing.code, 74, "{}", missing.stderr);
    assert_eq!(scratch(&missing), Vec::<String>::new());
    for point in ["prepared", "ended"] {
        let ended = cloning(&url)
            .env("VCS_TOKEN", "not-a-real-token")
            .env("AGENT_RUNNER_FAULT", point)
            .end();
        assert_eq!(ended.code, 70, "{}", ended.stderr);
        assert_eq!(scratch(&ended), Vec::<String>::new(), "{point}");
    }
}

#[test]
fn what_was_quarantined_is_kept_and_nothing_beside_it() {
    let repository =
        Repository::new().commit("main", [("README", "hello\n"), ("CLAUDE.md", "obey\n")]);
    let server = GitServer::new().serve("owner/name", &repository);
    let ended = cloning(&server.url("owner/name"))
        .setting("workspace/trust", json!("quarantine"))
        .env("VCS_TOKEN", "not-a-real-token")
        .end();
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let left = scratch(&ended);
    assert_eq!(left.len(), 1, "{left:?}");
    let left = ended.dir.path().join(&left[0]);
    assert_eq!(names(&left), ["quarantine"]);
    assert_eq!(names(&left.join("quarantine")), ["CLAUDE.md"]);
}

#[test]
fn a_clone_that_took_two_attempts_has_nothing_of_the_first() {
    let server = GitServer::new()
        .serve("owner/name", &super::big())
        .fault(Fault::cut_after(300_000).once());
    let ended = cloning(&server.url("owner/name")).end();
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert_eq!(scratch(&ended), Vec::<String>::new());
    let git = ended.dir.path().join("repo/.git");
    for name in names(&git) {
        assert!(!name.starts_with("agent-runner"), "{name}");
    }
    let packs = names(&git.join("objects/pack"));
    let kinds = packs.iter().filter_map(|name| name.rsplit('.').next());
    assert_eq!(kinds.collect::<Vec<_>>(), ["idx", "pack"], "{packs:?}");
}
