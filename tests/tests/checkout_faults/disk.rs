//! A disk that refuses: said with path and hint, and nothing is left on it.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;

use agent_tests::{Ended, Entry, Fault, GitServer, Repository, Run, assert_ends, ends};
use serde_json::json;

use super::{attempts, cloning};

/// Clones into a volume made by `mount`; the file `left` is what is on it afterwards.
fn onto(options: &str, repository: &Repository) -> Ended {
    let server = GitServer::new()
        .serve("owner/name", repository)
        .fault(Fault::slow(50_000_000));
    let run = cloning(&server.url("owner/name"));
    let dir = run.dir().display().to_string();
    let list = r#""$@"; code=$?; ls -A "$0/repo" > "$0/left"; exit "$code""#;
    run.mounting(&format!(
        "mkdir \"$dir/repo\"; mount -t tmpfs -o {options} work \"$dir/repo\""
    ))
    .through_also(["sh", "-c", list, &dir])
    .end()
}

#[track_caller]
fn assert_full(name: &str, ended: &Ended, path: &str) {
    assert_ends(name, ended, &ends(74, "WorkspaceFailed", "DiskFull"));
    let path = ended.dir.path().join(path).display().to_string();
    for part in [
        &path,
        "No space left on device",
        "the volume is full: raise its size limit",
    ] {
        assert!(ended.error().contains(part), "{name}: {}", ended.error());
    }
    assert_eq!(attempts(ended), Vec::<&str>::new(), "{name}");
    let left = std::fs::read_to_string(ended.dir.path().join("left"));
    assert_eq!(left.expect("it was listed"), "", "{name}");
}

#[test]
fn a_volume_that_is_full_in_the_middle_of_the_pack_is_disk_full_and_empty_again() {
    let repository = Repository::new().files("main", 100, 100_000);
    assert_full(
        "pack",
        &onto("size=4m", &repository),
        "repo/.git/objects/pack",
    );
}

#[test]
fn a_volume_that_is_full_in_the_middle_of_the_files_is_disk_full_and_empty_again() {
    // Its pack is a few kilobytes.
    let zeros = |name: usize| Entry::file(format!("zeros/{name}"), vec![0; 1 << 20]);
    let repository = Repository::new().commit("main", (0..8).map(zeros));
    assert_full("files", &onto("size=4m", &repository), "repo/zeros/");
}

#[test]
fn a_volume_without_inodes_is_disk_full_and_empty_again() {
    let repository = Repository::new().files("main", 100, 10);
    assert_full("inodes", &onto("nr_inodes=60", &repository), "repo/d0000/f");
}

#[test]
fn a_volume_that_is_read_only_is_said_and_not_to_be_retried() {
    let repository = super::small();
    let ended = onto("ro", &repository);
    assert_ends("ro", &ended, &ends(74, "WorkspaceFailed", "ReadOnly"));
    assert_eq!(ended.status["retryable"], false);
    assert!(
        ended.error().contains("Read-only file system"),
        "{}",
        ended.error()
    );
    assert!(
        ended.error().contains("mount a writable volume"),
        "{}",
        ended.error()
    );
}

#[test]
fn a_directory_of_somebody_else_is_said_and_not_to_be_retried() {
    if !nix::unistd::geteuid().is_root() {
        // Nobody to be: another user can only be had by root.
        return;
    }
    let server = GitServer::new().serve("owner/name", &super::small());
    let run = Run::new();
    // Whoever runs it writes the status, but nothing into `theirs`.
    let theirs = run.path("theirs");
    std::fs::create_dir(&theirs).expect("the directory is writable");
    for (path, mode) in [(run.dir(), 0o777), (&theirs, 0o755)] {
        std::fs::set_permissions(path, Permissions::from_mode(mode)).expect("it is ours");
    }
    let inside = [
        "setpriv",
        "--reuid=65534",
        "--regid=65534",
        "--clear-groups",
    ];
    let ended = run
        .setting("cwd", json!(theirs.join("repo")))
        .setting("workspace/git/url", json!(server.url("owner/name")))
        .through(inside)
        .end();
    assert_ends("theirs", &ended, &ends(74, "WorkspaceFailed", "ReadOnly"));
    assert_eq!(ended.status["retryable"], false);
    assert!(
        ended.error().contains("Permission denied"),
        "{}",
        ended.error()
    );
    assert!(
        ended.error().contains("mount a writable volume"),
        "{}",
        ended.error()
    );
    assert_eq!(server.connections(), 0);
}
