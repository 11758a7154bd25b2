use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;

use agent_tests::{Entry, Git, Head, Repository, checked_out, git};

use super::{small, temporary};

#[test]
fn the_same_calls_give_the_same_ids() {
    let make = || small().history("main", 3).annotated_tag("v1", "main");
    let (first, second) = (make(), make());
    assert_eq!(first.refs(), second.refs());
    assert_eq!(first.refs().len(), 2);
    assert_ne!(first.rev("v1"), first.rev("v1^{commit}"));
    assert_eq!(first.rev("v1^{commit}"), first.rev("main"));
}

#[test]
fn every_kind_of_entry_is_checked_out() {
    let repository = small()
        .commit(
            "main",
            [
                Entry::executable("bin/run", "#!/bin/sh\n"),
                Entry::link("link", "bin/run"),
                Entry::file(b"not-\xff\"\\\n-text", "crlf\r\n"),
                Entry::file("gone", "soon"),
            ],
        )
        .commit("main", [Entry::removed("gone")]);
    let dir = temporary();
    git(dir.path(), ["clone", &repository.url(), "clone"]);
    let clone = dir.path().join("clone");
    let mode = |name: &str| {
        let metadata = clone.join(name).symlink_metadata();
        metadata.expect("it is checked out").permissions().mode()
    };
    assert_eq!(mode("bin/run") & 0o111, 0o111);
    assert_eq!(mode("README") & 0o111, 0);
    let target = clone.join("link").read_link().expect("it is a link");
    assert_eq!(target.to_str(), Some("bin/run"));
    let raw = clone.join(std::ffi::OsStr::from_bytes(b"not-\xff\"\\\n-text"));
    assert_eq!(std::fs::read(raw).expect("it is there"), b"crlf\r\n");
    assert!(!clone.join("gone").exists());
}

#[test]
fn a_submodule_is_cloned_with_its_repository() {
    let inner = small();
    let outer = Repository::new()
        .submodule("main", "one", &inner.url(), &inner.rev("main"))
        .submodule("main", "deep/two", &inner.url(), &inner.rev("main"));
    let dir = temporary();
    git(
        dir.path(),
        [
            "-c",
            "protocol.file.allow=always",
            "clone",
            "--recurse-submodules",
            &outer.url(),
            "clone",
        ],
    );
    for path in ["clone/one/README", "clone/deep/two/README"] {
        assert!(dir.path().join(path).exists(), "`{path}` is not there");
    }
}

#[test]
fn files_and_history_are_as_many_as_was_said() {
    let repository = Repository::new()
        .files("main", 250, 1000)
        .history("main", 40);
    let count = |args: &[&str]| git(repository.dir(), args).lines().count();
    assert_eq!(count(&["ls-tree", "-r", "main~40"]), 250);
    assert_eq!(count(&["rev-list", "main"]), 41);
    git(repository.dir(), ["gc", "--quiet"]);
    let counted = git(repository.dir(), ["count-objects", "-v"]);
    let kilobytes: u64 = counted
        .lines()
        .find_map(|line| line.strip_prefix("size-pack: "))
        .and_then(|size| size.parse().ok())
        .expect("git counts its packs");
    assert!(
        kilobytes >= 244,
        "random bytes were compressed: {kilobytes} KiB"
    );
}

#[test]
fn a_work_tree_is_described_as_it_is() {
    let repository = small()
        .branch("topic", "main")
        .reference("refs/pull/1/head", "main")
        .default_branch("topic");
    let dir = temporary();
    git(
        dir.path(),
        ["clone", "--depth=1", &repository.url(), "clone"],
    );
    let clone = dir.path().join("clone");
    let state = checked_out(&clone);
    assert_eq!(state.head, Head::Ref("refs/heads/topic".to_owned()));
    assert_eq!(state.commit, Some(repository.rev("main")));
    assert_eq!(state.origin_url, Some(repository.url()));
    assert_eq!(
        state.remote_refs["refs/remotes/origin/HEAD"],
        "ref: refs/remotes/origin/topic"
    );
    assert_eq!(
        state.remote_refs["refs/remotes/origin/topic"],
        repository.rev("topic")
    );
    assert_eq!(state.branches.len(), 1);
    assert_eq!(state.status, "");
    assert!(state.shallow && state.fsck_ok, "{}", state.fsck);
    assert!(state.config_text.contains("[remote \"origin\"]"));

    git(&clone, ["checkout", "--quiet", "--detach"]);
    std::fs::write(clone.join("new"), "").expect("the clone is writable");
    let state = checked_out(&clone);
    assert_eq!(state.head, Head::Detached);
    assert_eq!(state.status, "?? new");
    assert_eq!(state.commit, Some(repository.rev("main")));
}

#[test]
fn a_work_tree_without_its_blobs_is_not_called_good() {
    let repository = small();
    let dir = temporary();
    git(dir.path(), ["clone", &repository.url(), "clone"]);
    let clone = dir.path().join("clone");
    let id = git(&clone, ["rev-parse", "HEAD:README"]);
    // A pack of so few objects is unpacked when it is fetched, but not when it is cloned.
    let packs = clone.join(".git/objects/pack");
    let pack = std::fs::read_dir(&packs)
        .expect("a clone has packs")
        .flatten()
        .map(|entry| entry.path())
        .find(|path| {
            path.extension()
                .is_some_and(|extension| extension == "pack")
        })
        .expect("a clone has a pack");
    let away = dir.path().join("pack");
    std::fs::rename(pack, &away).expect("the clone is writable");
    let pack = std::fs::File::open(away).expect("it has been moved");
    let unpacked = Git::new(&clone)
        .command(["unpack-objects", "-q"])
        .stdin(pack)
        .status();
    assert!(unpacked.expect("git can be started").success());
    assert!(checked_out(&clone).fsck_ok);
    let blob = clone.join(".git/objects").join(&id[..2]).join(&id[2..]);
    std::fs::remove_file(blob).expect("it has been unpacked");
    assert!(!checked_out(&clone).fsck_ok);
}
