//! The directory of a checkout: made, used, or refused and left as it is.

use std::fs;
use std::os::unix::fs::symlink;

use agent_tests::{GitServer, Repository, Run, assert_ends, ends};
use serde_json::json;

use super::{WORK, assert_checked_out, assert_sound, cloning, three};

/// A server and a run that clones from it.
fn cloning_three() -> (Repository, GitServer, Run) {
    let repository = three();
    let server = GitServer::new().serve("owner/name", &repository);
    let run = cloning(&server.url("owner/name"));
    (repository, server, run)
}

#[test]
fn missing_directories_are_made() {
    let (repository, _server, run) = cloning_three();
    assert!(!run.path("work").exists());
    assert_checked_out(&run.end(), &repository.rev("main"));
}

#[test]
fn an_empty_directory_is_used() {
    let (repository, _server, run) = cloning_three();
    fs::create_dir_all(run.path(WORK)).expect("it can be made");
    assert_checked_out(&run.end(), &repository.rev("main"));
}

#[test]
fn a_link_to_an_empty_directory_is_used() {
    let (repository, _server, run) = cloning_three();
    fs::create_dir_all(run.path("volume")).expect("it can be made");
    fs::create_dir_all(run.path("work")).expect("it can be made");
    symlink(run.path("volume"), run.path(WORK)).expect("it can be made");
    let ended = run.end();
    assert_checked_out(&ended, &repository.rev("main"));
    assert!(ended.dir.path().join("volume/.git").is_dir());
}

#[test]
fn a_directory_with_other_files_is_refused_and_untouched() {
    let (_repository, server, run) = cloning_three();
    let note = run.path(WORK).join("note");
    fs::create_dir_all(run.path(WORK)).expect("it can be made");
    fs::write(&note, "mine").expect("it can be written");
    let ended = run.end();
    assert_ends(
        "not empty",
        &ended,
        &ends(74, "WorkspaceFailed", "NotEmpty"),
    );
    for word in ["work/repo", "`note`"] {
        assert!(ended.error().contains(word), "{}", ended.error());
    }
    let left: Vec<_> = fs::read_dir(note.parent().expect("it has one"))
        .expect("it is there")
        .collect();
    assert_eq!(left.len(), 1, "{left:?}");
    assert_eq!(fs::read_to_string(&note).expect("it is there"), "mine");
    assert_eq!(
        server.connections(),
        0,
        "it was seen before anything was fetched"
    );
}

#[test]
fn a_file_in_its_place_is_refused_and_untouched() {
    let (_repository, server, run) = cloning_three();
    fs::create_dir_all(run.path("work")).expect("it can be made");
    fs::write(run.path(WORK), "mine").expect("it can be written");
    let ended = run.end();
    assert_ends(
        "file",
        &ended,
        &ends(74, "WorkspaceFailed", "NotADirectory"),
    );
    let file = ended.dir.path().join(WORK);
    assert_eq!(fs::read_to_string(file).expect("it is there"), "mine");
    assert_eq!(server.connections(), 0);
}

#[test]
fn a_file_above_its_place_is_named() {
    let (_repository, _server, run) = cloning_three();
    fs::write(run.path("work"), "mine").expect("it can be written");
    let ended = run.end();
    assert_eq!(
        (ended.code, ended.outcome()),
        (74, "WorkspaceFailed"),
        "{}",
        ended.status
    );
    assert!(ended.error().contains("work/repo"), "{}", ended.error());
}

#[test]
fn what_a_new_volume_has_in_it_is_tolerated() {
    let (repository, _server, run) = cloning_three();
    let found = run.path(WORK).join("lost+found");
    fs::create_dir_all(&found).expect("it can be made");
    let ended = run.end();
    assert_checked_out(&ended, &repository.rev("main"));
    assert!(found.is_dir());
}

#[test]
fn a_failed_clone_leaves_a_volumes_own_directory_alone() {
    let (_repository, _server, run) = cloning_three();
    let found = run.path(WORK).join("lost+found");
    fs::create_dir_all(&found).expect("it can be made");
    let ended = run.setting("workspace/git/ref", json!("nowhere")).end();
    assert_ends(
        "failed",
        &ended,
        &ends(74, "WorkspaceFailed", "RefNotFound"),
    );
    assert!(found.is_dir());
    let left = fs::read_dir(ended.dir.path().join(WORK)).expect("it is there");
    assert_eq!(left.count(), 1);
}

#[test]
fn a_mount_point_is_used() {
    let (repository, _server, run) = cloning_three();
    fs::create_dir_all(run.path(WORK)).expect("it can be made");
    fs::create_dir_all(run.path("volume")).expect("it can be made");
    let ended = run
        .mounting(&format!("mount --bind \"$dir/volume\" \"$dir/{WORK}\""))
        .end();
    assert_ends("mount", &ended, &ends(0, "Completed", "Completed"));
    // The mount is gone with the run; what it held is not.
    let tree = assert_sound(&ended.dir.path().join("volume"));
    assert_eq!(tree.commit, Some(repository.rev("main")));
}

#[test]
fn a_mount_point_is_empty_again_after_a_failure() {
    let (_repository, _server, run) = cloning_three();
    fs::create_dir_all(run.path(WORK)).expect("it can be made");
    fs::create_dir_all(run.path("volume")).expect("it can be made");
    let ended = run
        .setting("workspace/git/path", json!("nowhere"))
        .mounting(&format!("mount --bind \"$dir/volume\" \"$dir/{WORK}\""))
        .end();
    assert_ends(
        "mount",
        &ended,
        &ends(74, "WorkspaceFailed", "PathNotFound"),
    );
    let left = fs::read_dir(ended.dir.path().join("volume")).expect("it is there");
    assert_eq!(left.count(), 0);
}
