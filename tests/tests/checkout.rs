//! Whatever the coordinates say, the agent finds that commit, as the git CLI would have left it.

#[path = "checkout/again.rs"]
mod again;
#[path = "checkout/asked.rs"]
mod asked;
#[path = "checkout/daemon.rs"]
mod daemon;
#[path = "checkout/place.rs"]
mod place;
#[path = "checkout/revisions.rs"]
mod revisions;

use std::path::{Path, PathBuf};

use agent_tests::{CheckedOut, Ended, Head, Repository, Run, assert_ends, checked_out, ends, git};
use serde_json::json;

/// Where the runs of these tests have their work tree.
const WORK: &str = "work/repo";

/// A run that clones and whose agent says where it is.
fn cloning(url: &str) -> Run {
    let run = Run::new();
    let work = run.path(WORK);
    run.shell("pwd")
        .setting("workspace/git/url", json!(url))
        .setting("cwd", json!(work))
}

/// The same at some revision.
fn cloning_at(url: &str, reference: &str) -> Run {
    cloning(url).setting("workspace/git/ref", json!(reference))
}

/// Three commits on `main`, two of them also on `release`.
fn three() -> Repository {
    Repository::new()
        .commit("main", [("README", "one\n"), ("app/main.rs", "")])
        .commit("main", [("README", "two\n")])
        .branch("release", "main")
        .commit("main", [("README", "three\n")])
}

fn work(ended: &Ended) -> PathBuf {
    ended.dir.path().join(WORK)
}

/// Asserts a good ending, a sound and clean work tree and a status that agrees; returns the tree.
#[track_caller]
fn assert_checked_out(ended: &Ended, commit: &str) -> CheckedOut {
    assert_ends("checkout", ended, &ends(0, "Completed", "Completed"));
    let tree = assert_sound(&work(ended));
    assert_eq!(tree.commit.as_deref(), Some(commit));
    assert_eq!(ended.status["git"]["commit"], commit);
    let branch = match &tree.head {
        Head::Ref(name) => name.strip_prefix("refs/heads/"),
        Head::Detached => None,
    };
    assert_eq!(ended.status["git"]["branch"].as_str(), branch);
    tree
}

/// Asserts that git has nothing to say against a work tree, and need not write its index anew.
#[track_caller]
fn assert_sound(dir: &Path) -> CheckedOut {
    let index = || std::fs::read(dir.join(".git/index")).expect("there is an index");
    let tree = checked_out(dir);
    assert!(tree.fsck_ok, "{}", tree.fsck);
    assert_eq!(tree.status, "");
    assert_eq!(git(dir, ["diff", "HEAD"]), "");
    let before = index();
    git(dir, ["status", "--porcelain"]);
    assert_eq!(index(), before, "git found stat data to correct");
    tree
}

/// Asserts that a run ended for lack of a revision, and left nothing behind.
#[track_caller]
fn assert_no_revision(ended: &Ended, reason: &'static str, words: &[&str]) {
    let wanted = ends(74, "WorkspaceFailed", reason);
    assert_ends("no revision", ended, &wanted);
    assert_eq!(ended.status["retryable"], false);
    for word in words {
        assert!(ended.error().contains(word), "{word}: {}", ended.error());
    }
    assert!(
        !ended.dir.path().join("work").exists(),
        "it was left behind"
    );
    assert_eq!(ended.text(), "", "the agent ran");
}

/// How many commits of history there are.
fn depth(dir: &Path) -> usize {
    let count = git(dir, ["rev-list", "--count", "HEAD"]);
    count.parse().expect("git counts")
}
