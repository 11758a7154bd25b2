use std::cell::Cell;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use agent_plan::secret::{Found, Patterns, Redactor};
use nix::sys::stat::Mode;
use nix::unistd::mkfifo;

use super::super::summary::fixture::{Fixture, git, try_git, write};
use super::{Part, Wip, WipError, save};

mod edges;

const SECRET: &str = "hunter22-hunter22";

fn redactor() -> Redactor {
    let secret = Found {
        name: "PASSWORD".to_owned(),
        value: SECRET.as_bytes().to_vec(),
    };
    Redactor::new(vec![secret], Patterns::On)
}

fn into(fixture: &Fixture) -> PathBuf {
    fixture.dir.path().join("wip")
}

fn saved(fixture: &Fixture) -> Wip {
    save(
        &fixture.work,
        &fixture.start,
        &into(fixture),
        &redactor(),
        &|| false,
    )
    .expect("something is saved")
}

/// Saves, and sees that nothing was left out.
fn whole(fixture: &Fixture) -> Wip {
    let wip = saved(fixture);
    assert!(wip.incomplete.is_empty(), "{:?}", wip.incomplete);
    wip
}

/// A full clone of the origin with the work put back into it.
fn restored(fixture: &Fixture, wip: &Wip) -> PathBuf {
    let dir = fixture.dir.path();
    let fresh = dir.join("fresh");
    drop(fs::remove_dir_all(&fresh));
    git(dir, ["clone", "-q", "origin", "fresh"]);
    if wip.bundle.is_some() {
        git(&fresh, ["bundle", "verify", "../wip/commits.bundle"]);
        git(
            &fresh,
            ["fetch", "-q", "../wip/commits.bundle", "refs/*:refs/wip/*"],
        );
        git(&fresh, ["fsck", "--strict"]);
    }
    let head = fixture.git(["rev-parse", "HEAD"]);
    git(&fresh, ["checkout", "-q", "--detach", &head]);
    if wip.patch.is_some() {
        git(&fresh, ["apply", "../wip/changes.patch"]);
    }
    fresh
}

/// The tree of what is in the work tree, of tracked files alone.
fn tree(work: &Path, also_untracked: bool) -> String {
    let index = work.join(".git/index.of-the-test");
    fs::copy(work.join(".git/index"), &index).expect("an index");
    // A copy is younger than files that changed in the second of the original, and git would not
    // look at them; an old one makes it look at all.
    let old = UNIX_EPOCH + Duration::from_secs(1);
    let copy = fs::File::options().write(true).open(&index);
    let aged = copy.and_then(|copy| copy.set_modified(old));
    aged.expect("the index can be made older");
    let variables = [("GIT_INDEX_FILE", index.as_path())];
    let add: &[&str] = if also_untracked {
        &["-A", "-f"]
    } else {
        &["-u"]
    };
    let (added, out) = try_git(work, ["add"].iter().chain(add), &variables);
    assert!(added, "{out}");
    let (written, tree) = try_git(work, ["write-tree"], &variables);
    assert!(written, "{tree}");
    fs::remove_file(index).expect("the index");
    tree
}

#[track_caller]
fn assert_restores(fixture: &Fixture) -> Wip {
    let wip = whole(fixture);
    let fresh = restored(fixture, &wip);
    let (mine, theirs) = (tree(&fresh, true), tree(&fixture.work, false));
    if mine != theirs {
        let objects = fresh.join(".git/objects");
        let other = [("GIT_ALTERNATE_OBJECT_DIRECTORIES", objects.as_path())];
        let (_, diff) = try_git(&fixture.work, ["diff", &mine, &theirs], &other);
        panic!("restored, wanted: {diff}");
    }
    wip
}

fn listed(fixture: &Fixture) -> String {
    fs::read_to_string(into(fixture).join("untracked.txt")).expect("a list")
}

#[test]
fn nothing_to_save_leaves_no_files_also_none_of_before() {
    let fixture = Fixture::new();
    fixture.write("new", "new");
    fixture.write("a", "other");
    fixture.commit("one");
    fixture.write("a", "yet another");
    fixture.write("new2", "new");
    let wip = whole(&fixture);
    assert_eq!((wip.commits, wip.changed, wip.untracked), (1, 1, 1));
    for file in fs::read_dir(into(&fixture)).expect("files") {
        let mode = file
            .and_then(|file| file.metadata())
            .expect("a file")
            .permissions();
        assert_eq!(mode.mode() & 0o777, 0o600);
    }
    fixture.git(["push", "-q", "origin", "HEAD:other"]);
    fixture.git(["checkout", "-q", "a"]);
    fs::remove_file(fixture.path("new2")).expect("a file");
    let wip = whole(&fixture);
    assert_eq!((&wip.bundle, &wip.patch, &wip.list), (&None, &None, &None));
    assert_eq!(fs::read_dir(into(&fixture)).expect("files").count(), 0);
}

#[test]
fn commits_of_all_branches_come_back_from_any_depth_of_clone() {
    for options in [&[][..], &["--depth", "1"]] {
        let fixture = Fixture::cloned(options);
        fixture.git(["checkout", "-qb", "agent/side"]);
        fixture.commit("dir/side");
        fixture.git(["checkout", "-q", "main"]);
        fixture.commit("one");
        fixture.git(["merge", "-q", "--no-ff", "-m", "merge", "agent/side"]);
        fixture.git(["mv", "a", "moved"]);
        fixture.git(["commit", "-qm", "move"]);
        fixture.git(["checkout", "-q", "--detach"]);
        fixture.commit("detached");
        let wip = assert_restores(&fixture);
        assert_eq!(wip.commits, 5);
        let fresh = fixture.dir.path().join("fresh");
        for branch in ["main", "agent/side"] {
            let saved = git(&fresh, ["rev-parse", &format!("refs/wip/heads/{branch}")]);
            assert_eq!(saved, fixture.git(["rev-parse", branch]));
        }
        let bytes = fs::read(into(&fixture).join("commits.bundle")).expect("a bundle");
        let header = format!("# v2 git bundle\n-{} subject 2\n", fixture.start.commit);
        assert!(bytes.starts_with(header.as_bytes()));
        assert_eq!(wip.bundle.map(|file| file.bytes), Some(bytes.len() as u64));
    }
}

#[test]
fn an_unrelated_history_is_saved_whole() {
    let fixture = Fixture::new();
    fixture.git(["checkout", "-q", "--orphan", "fresh"]);
    fixture.commit("one");
    assert_eq!(assert_restores(&fixture).commits, 1);
}

#[test]
fn a_branch_that_leads_nowhere_costs_only_itself() {
    let fixture = Fixture::new();
    fixture.commit("one");
    fixture.write(
        ".git/refs/heads/broken",
        "1234567890123456789012345678901234567890\n",
    );
    let wip = saved(&fixture);
    assert_eq!(wip.commits, 1);
    assert_eq!(wip.incomplete.len(), 1);
    assert_eq!(wip.incomplete[0].reason(), "DamagedRepository");
    restored(&fixture, &wip);
}

#[test]
fn changes_come_back_byte_for_byte() {
    let fixture = Fixture::new();
    fixture.write("crlf", "one\r\ntwo\r\n");
    fixture.write("mixed", "one\r\ntwo\nthree");
    fixture.write("exec", "#!/bin/sh\n");
    fixture.write("binary", [0, 1, 2, 255].repeat(100));
    fixture.write("gone", "gone\n");
    fixture.write("gone.bin", [0_u8; 50]);
    fixture.write("becomes a link", "text\n");
    fixture.write("becomes/a file", "text\n");
    fixture.write("becomes a directory", "text\n");
    fixture.write("unchanged", "text\n");
    symlink("a", fixture.path("link")).expect("a link");
    symlink("a", fixture.path("link to file")).expect("a link");
    fixture.write(".gitignore", "*.log\n");
    fixture.git(["add", "-A"]);
    fixture.git(["commit", "-qm", "base"]);

    fixture.write("crlf", "one\r\nchanged\r\n");
    fixture.write("mixed", "one\r\ntwo changed\nthree\n");
    fs::set_permissions(fixture.path("exec"), fs::Permissions::from_mode(0o755)).expect("mode");
    fixture.write("binary", [0, 9, 2, 255].repeat(120));
    fs::remove_file(fixture.path("gone")).expect("a file");
    fs::remove_file(fixture.path("gone.bin")).expect("a file");
    fs::remove_file(fixture.path("becomes a link")).expect("a file");
    symlink("dir/c", fixture.path("becomes a link")).expect("a link");
    fs::remove_dir_all(fixture.path("becomes")).expect("a directory");
    fixture.write("becomes", "file\n");
    fs::remove_file(fixture.path("becomes a directory")).expect("a file");
    fixture.write("becomes a directory/file", "text\n");
    fs::remove_file(fixture.path("link")).expect("a link");
    symlink("elsewhere", fixture.path("link")).expect("a link");
    fs::remove_file(fixture.path("link to file")).expect("a link");
    fixture.write("link to file", "text\n");
    fixture.git(["mv", "b b", "renamed b"]);
    fixture.write("staged empty", "");
    fixture.write("staged.log", "ignored but staged\n");
    fixture.write("staged then edited", "one\n");
    fixture.write("staged then deleted", "one\n");
    fixture.write("new.bin", [0, 159, 146, 150]);
    fixture.write("tab\tquote\"back\\new\nline", "odd name\n");
    let odd = fixture
        .work
        .join(OsStr::from_bytes(b"not \xff utf-8 \xc3\xa9"));
    fs::write(&odd, "odd name\n").expect("a file");
    fixture.git(["add", "-f", "becomes", "becomes a directory", "staged.log"]);
    fixture.git(["add", "-A"]);
    fixture.write("staged then edited", "two\n");
    fs::remove_file(fixture.path("staged then deleted")).expect("a file");
    fixture.write("intended", "added with -N\n");
    fixture.git(["add", "-N", "intended"]);
    let wip = assert_restores(&fixture);
    let patch = wip.patch.expect("a patch");
    let bytes = fs::metadata(into(&fixture).join(patch.name))
        .expect("a patch")
        .len();
    assert_eq!(patch.bytes, bytes);
    assert!(wip.redactions.is_empty());
}

#[test]
fn what_was_only_taken_from_the_index_is_gone_and_untracked() {
    let fixture = Fixture::new();
    fixture.git(["rm", "-q", "--cached", "a"]);
    let wip = assert_restores(&fixture);
    assert_eq!((wip.changed, listed(&fixture).as_str()), (1, "17\ta\n"));
}

#[test]
fn large_files_come_back_too() {
    let fixture = Fixture::new();
    let mut large: Vec<u8> = (0..6_000_000_u32)
        .map(|n| n.wrapping_mul(n).to_be_bytes()[1])
        .collect();
    fixture.write("large", &large);
    fixture.write("shrinks", &large);
    fixture.write("goes", &large);
    fixture.write("mode", &large);
    fixture.write("was small", "small\n");
    fixture.git(["add", "-A"]);
    fixture.git(["commit", "-qm", "large"]);
    large[3_000_000] ^= 1;
    fixture.write("large", &large);
    fixture.write("shrinks", "");
    fs::remove_file(fixture.path("goes")).expect("a file");
    fs::set_permissions(fixture.path("mode"), fs::Permissions::from_mode(0o755)).expect("mode");
    fixture.write("was small", "many lines\n".repeat(1_000_000));
    assert_restores(&fixture);
}

#[test]
fn files_in_conflict_are_saved_with_their_markers() {
    let fixture = Fixture::new();
    fixture.git(["checkout", "-qb", "side"]);
    fixture.write("a", "theirs\n");
    fixture.write("new", "theirs\n");
    fixture.git(["add", "-A"]);
    fixture.git(["rm", "-q", "b b"]);
    fixture.git(["commit", "-qm", "theirs"]);
    fixture.git(["checkout", "-q", "main"]);
    fixture.write("a", "ours\n");
    fixture.write("new", "ours\n");
    fixture.write("b b", "ours\n");
    fixture.git(["add", "-A"]);
    fixture.git(["commit", "-qm", "ours"]);
    let (merged, _) = try_git(&fixture.work, ["merge", "-q", "side"], &[]);
    assert!(!merged);
    assert_restores(&fixture);
    let patch = fs::read_to_string(into(&fixture).join("changes.patch")).expect("a patch");
    assert!(patch.contains("+<<<<<<< HEAD"));
}

#[test]
fn work_without_a_commit_is_a_patch_to_nothing() {
    let fixture = Fixture::new();
    fixture.git(["checkout", "-q", "--orphan", "fresh"]);
    fixture.write("a", "changed\n");
    let wip = whole(&fixture);
    let empty = fixture.dir.path().join("empty");
    fs::create_dir(&empty).expect("a directory");
    git(&empty, ["init", "-q"]);
    git(&empty, ["apply", "../wip/changes.patch"]);
    git(&empty, ["add", "-A"]);
    assert_eq!(git(&empty, ["write-tree"]), tree(&fixture.work, false));
    assert!(wip.bundle.is_none());
}

#[test]
fn a_moved_submodule_is_in_the_patch() {
    let fixture = Fixture::new();
    let origin = fixture.dir.path().join("origin");
    let url = origin.to_str().expect("UTF-8");
    fixture.git(["submodule", "--quiet", "add", url, "sub"]);
    fixture.git(["submodule", "--quiet", "add", url, "sub2"]);
    fixture.git(["commit", "-qm", "submodules"]);
    git(&fixture.path("sub"), ["checkout", "-q", "HEAD~1"]);
    fixture.git(["rm", "-qf", "sub2"]);
    fixture.git(["submodule", "--quiet", "add", url, "sub3"]);
    let wip = whole(&fixture);
    let fresh = restored(&fixture, &Wip { patch: None, ..wip });
    git(&fresh, ["apply", "--index", "../wip/changes.patch"]);
    assert_eq!(git(&fresh, ["write-tree"]), tree(&fixture.work, false));
}

#[test]
fn secrets_are_replaced_and_the_patch_still_applies() {
    let fixture = Fixture::new();
    let lines = |n: usize| "a line\n".repeat(n);
    let key = format!(
        "-----BEGIN PRIVATE KEY-----\n{}-----END PRIVATE KEY-----\n",
        "MIIEvAIBADANBgkqhkiG9w0BAQEFAASC\n".repeat(5)
    );
    fixture.write("context", format!("one\n{SECRET}\nthree\n"));
    fixture.write("removed", format!("one\n{SECRET}\nthree\n"));
    fixture.write("large", lines(700_000));
    fixture.git(["add", "-A"]);
    fixture.git(["commit", "-qm", "base"]);
    fixture.write("a", format!("added {SECRET}\n"));
    fixture.write("context", format!("one changed\n{SECRET}\nthree\n"));
    fixture.write("removed", "one\nthree\n");
    fixture.write(
        "large",
        format!("{}{SECRET}\n{}", lines(400_000), lines(400_000)),
    );
    fixture.write("key", &key);
    fixture.git(["add", "-A"]);
    fixture.write(SECRET, "untracked");
    let wip = whole(&fixture);
    let fresh = restored(&fixture, &wip);
    let read = |name: &str| fs::read_to_string(fresh.join(name)).expect("a file");
    assert_eq!(read("a"), "added [REDACTED:PASSWORD]\n");
    assert_eq!(read("context"), "one changed\n[REDACTED:PASSWORD]\nthree\n");
    assert_eq!(read("removed"), "one\nthree\n");
    let large = format!("{}[REDACTED:PASSWORD]\n{}", lines(400_000), lines(400_000));
    assert!(read("large") == large);
    assert!(!read("key").contains("MIIE"), "{}", read("key"));
    let patch = fs::read_to_string(into(&fixture).join("changes.patch")).expect("a patch");
    assert!(!patch.contains(SECRET) && !patch.contains("MIIE"));
    assert_eq!(listed(&fixture), "9\t[REDACTED:PASSWORD]\n");
    assert_eq!(wip.redactions["PASSWORD"], 4);
    assert_eq!(wip.redactions["private-key"], 1);
}
