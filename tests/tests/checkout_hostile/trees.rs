use std::fs;
use std::path::Path;

use agent_tests::{Ended, Entry, GitServer, Repository, Run, git};
use serde_json::json;

use super::{FAILED, POLICY, cloning, refused};

const FILE: &str = "100644";
const TREE: &str = "40000";
const LINK: &str = "120000";

/// Stores an object that git itself would not make.
fn store(repository: &Repository, kind: &str, bytes: &[u8]) -> String {
    let mut file = tempfile::NamedTempFile::new().expect("a temporary file can be made");
    std::io::Write::write_all(&mut file, bytes).expect("it can be written");
    let path = file.path().display().to_string();
    let args = ["hash-object", "-w", "--literally", "-t", kind, "--", &path];
    git(repository.dir(), args)
}

/// A tree with any names in any order.
fn tree(repository: &Repository, entries: &[(&str, &[u8], &str)]) -> String {
    let mut bytes = Vec::new();
    for (mode, name, id) in entries {
        bytes.extend_from_slice(mode.as_bytes());
        bytes.push(b' ');
        bytes.extend_from_slice(name);
        bytes.push(0);
        bytes.extend((0..40).step_by(2).map(|at| {
            u8::from_str_radix(&id[at..at + 2], 16).expect("an id has hexadecimal digits")
        }));
    }
    store(repository, "tree", &bytes)
}

/// A repository whose `main` has just this tree.
fn of_tree(make: impl FnOnce(&Repository) -> String) -> Repository {
    let repository = Repository::new();
    let tree = make(&repository);
    let commit = git(repository.dir(), ["commit-tree", "-m", "hostile", &tree]);
    repository.branch("main", &commit)
}

fn serve(repository: &Repository) -> GitServer {
    GitServer::new().serve("owner/name", repository)
}

#[test]
fn a_tree_with_a_name_that_is_git_somewhere_is_refused() {
    for name in [
        &b".git"[..],
        b".GIT",
        b".gIt",
        b"git~1",
        b"GIT~1",
        b".git ",
        b".git.",
        b".git...",
        b".git::$INDEX_ALLOCATION",
        ".g\u{200c}it".as_bytes(),
        "\u{feff}.git".as_bytes(),
        b"..",
        b".",
        b"../escaped",
        b"a/b",
    ] {
        for is_nested in [false, true] {
            let repository = of_tree(|repository| {
                let hook = store(repository, "blob", b"#!/bin/sh\ntouch escaped\n");
                let hooks = tree(repository, &[("100755", b"post-checkout", &hook)]);
                let evil = tree(repository, &[(TREE, name, &hooks)]);
                if is_nested {
                    tree(repository, &[(TREE, b"below", &evil)])
                } else {
                    evil
                }
            });
            let server = serve(&repository);
            let run = cloning(&server.url("owner/name"));
            let ended = refused(run, POLICY, &["whose name"]);
            assert_eq!(ended.reason(), "HostileName", "{name:?}");
        }
    }
}

#[test]
fn a_tree_with_a_link_and_a_directory_of_one_name_is_refused() {
    for is_link_first in [false, true] {
        let repository = of_tree(|repository| {
            let target = store(repository, "blob", b"..");
            let file = store(repository, "blob", b"escaped\n");
            let directory = tree(repository, &[(FILE, b"canary", &file)]);
            let mut entries = [(LINK, &b"a"[..], &*target), (TREE, b"a", &directory)];
            if !is_link_first {
                entries.reverse();
            }
            tree(repository, &entries)
        });
        let server = serve(&repository);
        let ended = refused(
            cloning(&server.url("owner/name")),
            POLICY,
            &["`a`", "twice"],
        );
        assert_eq!(ended.reason(), "HostileName");
    }
}

#[test]
fn gitmodules_that_is_a_link_is_refused() {
    for name in [".gitmodules", ".GitModules", "app/.gitmodules"] {
        let repository = Repository::new().commit(
            "main",
            [Entry::file("x", ""), Entry::link(name, "../canary")],
        );
        let server = serve(&repository);
        let ended = refused(cloning(&server.url("owner/name")), POLICY, &[name]);
        assert_eq!(ended.reason(), "HostileName");
    }
}

#[test]
fn a_tree_with_an_object_that_is_not_there_fails() {
    let repository = of_tree(|repository| {
        let file = store(repository, "blob", b"x");
        // A file that is a tree.
        let other = tree(repository, &[(FILE, b"x", &file)]);
        tree(repository, &[(FILE, b"y", &other)])
    });
    let server = serve(&repository);
    let ended = cloning(&server.url("owner/name")).end();
    assert_eq!((ended.code, ended.outcome()), FAILED, "{}", ended.status);
    assert!(!ended.dir.path().join("repo").exists());
    assert!(!ended.dir.path().join("agent-ran").exists());
}

#[test]
fn a_name_that_is_hostile_on_a_branch_that_is_not_checked_out_does_no_harm() {
    let repository = of_tree(|repository| {
        let file = store(repository, "blob", b"x");
        tree(repository, &[(FILE, b".git", &file)])
    })
    .branch("evil", "main")
    .commit("good", [("README", "hello\n")]);
    let server = serve(&repository);
    let run = cloning(&server.url("owner/name")).setting("workspace/git/ref", json!("good"));
    let ended = run.end();
    assert_eq!(ended.code, 0, "{}", ended.stderr);
}

/// A repository with something of each kind under a path.
fn with_paths() -> Repository {
    let inner = Repository::new().commit("main", [("x", "")]);
    Repository::new()
        .commit("main", [Entry::file("packages/api/main", "x")])
        .commit("main", [Entry::link("link", "packages")])
        .commit("main", [Entry::link("out", "/etc")])
        .commit("main", [Entry::file("file", "")])
        .submodule("main", "vendor/sub", "../sub.git", &inner.rev("main"))
}

fn at(server: &GitServer, path: &str) -> Run {
    cloning(&server.url("owner/name")).setting("workspace/git/path", json!(path))
}

#[test]
fn a_path_through_a_link_of_the_repository_is_refused() {
    let server = serve(&with_paths());
    for (path, link) in [("link/api", "`link`"), ("link", "`link`"), ("out", "`out`")] {
        let ended = refused(at(&server, path), POLICY, &["symbolic link", link]);
        assert_eq!(ended.reason(), "SymbolicLink");
    }
}

#[test]
fn a_path_that_is_no_directory_of_the_repository_fails_and_says_what_is_there() {
    let server = serve(&with_paths());
    for (path, reason, words) in [
        ("file", "NotADirectory", ["`file` is a file", "directory"]),
        ("file/x", "NotADirectory", ["`file` is a file", "`file/x`"]),
        (
            "pakages/api",
            "PathNotFound",
            ["`pakages`", "did you mean `packages`?"],
        ),
        (
            "packages/apo",
            "PathNotFound",
            ["`packages/apo`", "did you mean `api`?"],
        ),
        (
            "vendor/sub",
            "PathInSubmodule",
            ["`vendor/sub`", "submodule"],
        ),
        (
            "vendor/sub/x",
            "PathInSubmodule",
            ["`vendor/sub`", "submodule"],
        ),
    ] {
        let ended = refused(at(&server, path), FAILED, &words);
        assert_eq!(ended.reason(), reason, "{path}");
    }
}

#[test]
fn a_directory_that_was_there_is_there_afterwards_and_empty() {
    let server = serve(&with_paths());
    let run = at(&server, "link/api");
    fs::create_dir(run.path("repo")).expect("it can be made");
    let ended = refused(run, POLICY, &["symbolic link"]);
    assert_eq!(entries(&ended, "repo"), 0);
}

#[test]
fn links_of_the_repository_that_leave_it_are_refused_in_quarantine_and_only_there() {
    for (name, target) in [
        ("absolute", "/etc/passwd"),
        ("above", "../canary"),
        ("a/b/above", "../../../canary"),
        ("into-git", ".git/config"),
    ] {
        let repository =
            Repository::new().commit("main", [Entry::file("x", ""), Entry::link(name, target)]);
        let server = serve(&repository);
        let run = || cloning(&server.url("owner/name"));
        let quarantine = run().setting("workspace/trust", json!("quarantine"));
        let ended = refused(quarantine, POLICY, &[name, target]);
        assert_eq!(ended.reason(), "SymbolicLink");
        let ended = run().end();
        assert_eq!(ended.code, 0, "{}", ended.stderr);
        let link = fs::read_link(ended.dir.path().join("repo").join(name));
        assert_eq!(link.expect("it is a link"), Path::new(target));
        assert_eq!(ended.status["git"]["dirty"], false);
        let canary = fs::read_to_string(ended.dir.path().join("canary"));
        assert_eq!(canary.expect("it is there"), "untouched\n");
    }
}

fn entries(ended: &Ended, name: &str) -> usize {
    let directory = fs::read_dir(ended.dir.path().join(name));
    directory.expect("it is there").count()
}
