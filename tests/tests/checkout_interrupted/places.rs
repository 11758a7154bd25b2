//! What is somebody else's is left alone, whatever becomes of the checkout.

use std::fs;

use agent_tests::{Fault, GitServer, assert_ends, ends};
use nix::sys::signal::Signal;

use super::{MARK, await_sent, big, cloning, cloning_into, stop};

#[test]
fn a_directory_with_files_and_without_our_mark_is_refused_untouched() {
    let server = GitServer::new().serve("owner/name", &big());
    let dir = tempfile::tempdir().expect("it can be made");
    for with_empty_git in [false, true] {
        let file = dir.path().join("thesis.txt");
        fs::write(&file, "ten years of work\n").expect("it is writable");
        if with_empty_git {
            fs::create_dir(dir.path().join(".git")).expect("it is writable");
        }
        let ended = cloning_into(dir.path(), &server.url("owner/name")).end();
        assert_ends("files", &ended, &ends(74, "WorkspaceFailed", "NotEmpty"));
        assert_eq!(ended.status["retryable"], false);
        assert!(ended.error().contains("thesis.txt"), "{}", ended.error());
        let text = fs::read_to_string(&file).expect("it is there");
        assert_eq!(text, "ten years of work\n");
        assert_eq!(dir.path().join(".git").exists(), with_empty_git);
        assert_eq!(server.connections(), 0);
    }
}

#[test]
fn a_file_that_calls_itself_our_mark_elsewhere_is_none() {
    let server = GitServer::new().serve("owner/name", &big());
    let dir = tempfile::tempdir().expect("it can be made");
    let name = MARK.rsplit('/').next().expect("it has a name");
    fs::write(dir.path().join(name), "").expect("it is writable");
    let ended = cloning_into(dir.path(), &server.url("owner/name")).end();
    assert_ends("mark", &ended, &ends(74, "WorkspaceFailed", "NotEmpty"));
    assert!(dir.path().join(name).exists());
}

#[test]
fn what_others_put_beside_a_checkout_meanwhile_outlives_its_removal() {
    let server = GitServer::new()
        .serve("owner/name", &big())
        .fault(Fault::stall_after(300_000));
    let started = cloning(&server.url("owner/name")).start();
    await_sent(&server, 300_000);
    // The run made `work`, but not for itself alone.
    fs::write(started.path("work/other"), "of a neighbour\n").expect("it is writable");
    let (ended, _) = stop(started, Signal::SIGTERM);
    assert_ends("TERM", &ended, &ends(143, "Cancelled", "SIGTERM"));
    let work = ended.dir.path().join("work");
    assert!(!work.join("repo").exists());
    let other = fs::read_to_string(work.join("other")).expect("it is there");
    assert_eq!(other, "of a neighbour\n");
}

#[test]
fn an_empty_volume_with_what_every_volume_has_is_empty() {
    let repository = big();
    let server = GitServer::new()
        .serve("owner/name", &repository)
        .fault(Fault::answer(403).once());
    let dir = tempfile::tempdir().expect("it can be made");
    let lost = dir.path().join("lost+found");
    fs::create_dir(&lost).expect("it is writable");
    let url = server.url("owner/name");
    let refused = cloning_into(dir.path(), &url).end();
    assert_eq!(refused.code, 77, "{}", refused.stderr);
    let left: Vec<_> = fs::read_dir(dir.path())
        .expect("it is there")
        .flatten()
        .collect();
    assert_eq!(left.len(), 1, "{left:?}");
    let ended = cloning_into(dir.path(), &url).end();
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert!(lost.exists());
}
