//! Submodules are as the git CLI leaves them, when they are asked for.

use std::fs;
use std::path::{Path, PathBuf};

use agent_tests::{Ended, Entry, Git, GitServer, Repository, Run, checked_out, git};
use serde_json::json;

/// A repository with a submodule that has one, too.
struct Nested {
    outer: Repository,
    middle: Repository,
    inner: Repository,
}

fn nested() -> Nested {
    let inner = Repository::new().commit("main", [("inner", "inner\n")]);
    let middle = Repository::new()
        .commit("main", [("middle", "middle\n")])
        .submodule("main", "lib/inner", "../inner.git", &inner.rev("main"));
    let outer = Repository::new()
        .commit("main", [("outer", "outer\n")])
        .submodule(
            "main",
            "vendor/middle",
            "../middle.git",
            &middle.rev("main"),
        );
    Nested {
        outer,
        middle,
        inner,
    }
}

fn serve(nested: &Nested) -> GitServer {
    GitServer::new()
        .serve("owner/outer", &nested.outer)
        .serve("owner/middle", &nested.middle)
        .serve("owner/inner", &nested.inner)
}

fn cloning(server: &GitServer, submodules: &str) -> Run {
    let run = Run::new();
    let repo = run.path("repo");
    run.setting("cwd", json!(repo))
        .setting("workspace/git/url", json!(server.url("owner/outer")))
        .setting("workspace/git/submodules", json!(submodules))
}

#[track_caller]
fn completed(run: Run) -> Ended {
    let ended = run.end();
    assert_eq!(ended.code, 0, "{}\n{}", ended.status, ended.stderr);
    assert_eq!(ended.status["git"]["dirty"], false, "{}", ended.status);
    assert_eq!(ended.status["git"]["ahead"], 0, "{}", ended.status);
    ended
}

fn repo(ended: &Ended) -> PathBuf {
    ended.dir.path().join("repo")
}

/// What `git submodule status` says, as one sign and path a line.
fn status(repo: &Path) -> Vec<String> {
    let ended = Git::new(repo).end(["submodule", "status", "--recursive"]);
    let lines = String::from_utf8(ended.stdout).expect("it is UTF-8");
    let line = |line: &str| {
        let path = line[1..].split(' ').nth(1).expect("it has a path");
        format!("{}{path}", &line[..1])
    };
    lines.lines().map(line).collect()
}

#[track_caller]
fn assert_clean(dir: &Path, url: &str, commit: &str) {
    let found = checked_out(dir);
    assert_eq!(found.status, "", "{}", dir.display());
    assert!(found.fsck_ok, "{}", found.fsck);
    assert_eq!(found.origin_url.as_deref(), Some(url));
    assert_eq!(found.commit.as_deref(), Some(commit));
}

#[test]
fn submodules_that_nobody_asked_for_are_empty_directories() {
    let nested = nested();
    let server = serve(&nested);
    for run in [
        cloning(&server, "off"),
        cloning(&server, "off").setting("workspace/git/submodules", json!(null)),
    ] {
        let ended = completed(run);
        let vendor = fs::read_dir(repo(&ended).join("vendor/middle")).expect("it is there");
        assert_eq!(vendor.count(), 0);
        let commit = nested.outer.rev("main");
        assert_clean(&repo(&ended), &server.url("owner/outer"), &commit);
        assert_eq!(status(&repo(&ended)), ["-vendor/middle"]);
    }
    let paths: Vec<_> = server.requests().into_iter().map(|one| one.path).collect();
    assert!(paths.iter().all(|path| path.contains("outer")), "{paths:?}");
}

#[test]
fn submodules_are_checked_out_but_not_theirs() {
    let nested = nested();
    let server = serve(&nested);
    let ended = completed(cloning(&server, "on"));
    let middle = repo(&ended).join("vendor/middle");
    assert_eq!(
        fs::read_to_string(middle.join("middle")).ok().as_deref(),
        Some("middle\n")
    );
    assert!(!middle.join("lib/inner/inner").exists());
    assert_eq!(
        status(&repo(&ended)),
        [" vendor/middle", "-vendor/middle/lib/inner"]
    );
    assert_clean(
        &middle,
        &server.url("owner/middle"),
        &nested.middle.rev("main"),
    );
    assert_clean(
        &repo(&ended),
        &server.url("owner/outer"),
        &nested.outer.rev("main"),
    );
}

#[test]
fn submodules_of_submodules_are_checked_out_when_they_are_asked_for() {
    let nested = nested();
    let server = serve(&nested);
    let ended = completed(cloning(&server, "recursive"));
    let (repo, middle) = (repo(&ended), repo(&ended).join("vendor/middle"));
    let inner = middle.join("lib/inner");
    assert_eq!(
        status(&repo),
        [" vendor/middle", " vendor/middle/lib/inner"]
    );
    assert_clean(&repo, &server.url("owner/outer"), &nested.outer.rev("main"));
    assert_clean(
        &middle,
        &server.url("owner/middle"),
        &nested.middle.rev("main"),
    );
    assert_clean(
        &inner,
        &server.url("owner/inner"),
        &nested.inner.rev("main"),
    );
}

#[test]
fn submodules_are_as_the_git_cli_has_them() {
    let nested = nested();
    let server = serve(&nested);
    let ended = completed(cloning(&server, "recursive"));
    let ours = repo(&ended);
    let theirs = ended.dir.path().join("theirs");
    let url = server.url("owner/outer");
    git(
        ended.dir.path(),
        ["clone", "-q", "--depth=1", &url, "theirs"],
    );
    git(
        &theirs,
        ["submodule", "--quiet", "update", "--init", "--recursive"],
    );
    for name in ["vendor/middle/.git", "vendor/middle/lib/inner/.git"] {
        let [one, other] = [&ours, &theirs].map(|dir| fs::read_to_string(dir.join(name)).ok());
        assert_eq!(one, other, "{name}");
    }
    let asked = |dir: &Path, key: &str| {
        let said = Git::new(dir).end(["config", "--local", "--get-regexp", key]);
        let text = String::from_utf8(said.stdout).expect("it is UTF-8");
        let mut lines: Vec<_> = text.lines().map(str::to_owned).collect();
        lines.sort();
        lines
    };
    for below in ["", "vendor/middle"] {
        let [one, other] =
            [&ours, &theirs].map(|dir| asked(&dir.join(below), r"^submodule\..*\.(url|active)$"));
        assert!(!one.is_empty());
        assert_eq!(one, other, "{below}");
    }
    let git_dir = |dir: &Path| {
        git(
            dir.join("vendor/middle/lib/inner"),
            ["rev-parse", "--show-toplevel"],
        )
    };
    assert!(git_dir(&ours).ends_with("repo/vendor/middle/lib/inner"));
    // What the CLI does next with ours: nothing is left to do.
    let said = Git::new(&ours).run(["submodule", "update", "--init", "--recursive"]);
    assert_eq!(said, "");
    assert_eq!(status(&ours), status(&theirs));
}

#[test]
fn a_checkout_with_submodules_may_be_moved() {
    let nested = nested();
    let server = serve(&nested);
    let ended = completed(cloning(&server, "recursive"));
    let moved = ended.dir.path().join("moved");
    fs::rename(repo(&ended), &moved).expect("it can be moved");
    assert_eq!(checked_out(&moved).status, "");
    assert_eq!(
        status(&moved),
        [" vendor/middle", " vendor/middle/lib/inner"]
    );
}

#[test]
fn a_submodule_may_be_at_a_commit_that_is_no_tip() {
    for allows in ["true", "false"] {
        let inner = Repository::new()
            .commit("main", [("inner", "old\n")])
            .config("uploadpack.allowAnySHA1InWant", allows)
            .config("uploadpack.allowReachableSHA1InWant", allows);
        let old = inner.rev("main");
        let inner = inner
            .commit("main", [("inner", "new\n")])
            .history("main", 3);
        let outer = Repository::new().submodule("main", "sub", "../inner.git", &old);
        let server = GitServer::new()
            .serve("owner/outer", &outer)
            .serve("owner/inner", &inner);
        let ended = completed(cloning(&server, "on"));
        let sub = repo(&ended).join("sub");
        assert_eq!(
            fs::read_to_string(sub.join("inner")).ok().as_deref(),
            Some("old\n")
        );
        assert_clean(&sub, &server.url("owner/inner"), &old);
        assert_eq!(status(&repo(&ended)), [" sub"]);
    }
}

#[test]
fn submodules_have_as_little_history_as_the_repository() {
    let inner = Repository::new().history("main", 5);
    let outer = Repository::new().history("main", 5).submodule(
        "main",
        "sub",
        "../inner.git",
        &inner.rev("main"),
    );
    let server = GitServer::new()
        .serve("owner/outer", &outer)
        .serve("owner/inner", &inner);
    for (depth, count) in [(1, "1"), (2, "2"), (0, "5")] {
        let run = cloning(&server, "on").setting("workspace/git/depth", json!(depth));
        let ended = completed(run);
        let sub = repo(&ended).join("sub");
        assert_eq!(
            git(&sub, ["rev-list", "--count", "HEAD"]),
            count,
            "depth {depth}"
        );
        assert_eq!(checked_out(&sub).shallow, depth != 0);
    }
}

#[test]
fn several_submodules_with_odd_paths_and_names_are_all_there() {
    let inner = Repository::new().commit("main", [("inner", "")]);
    let commit = inner.rev("main");
    let text = "[submodule \"a name.with dots\"]\n\tpath = \"a path/with spaces\"\n\turl = ./../inner.git\n\
        [submodule \"Upper\"]\n\tpath = upper\n\turl = ../../owner/inner.git\n\
        [submodule \"group/lib\"]\n\turl = ../inner.git\n\tpath = group/lib\n";
    let outer = Repository::new().commit(
        "main",
        [
            Entry::file(".gitmodules", text),
            Entry::gitlink("a path/with spaces", &commit),
            Entry::gitlink("upper", &commit),
            Entry::gitlink("group/lib", &commit),
        ],
    );
    let server = GitServer::new()
        .serve("owner/outer", &outer)
        .serve("owner/inner", &inner);
    let ended = completed(cloning(&server, "on"));
    for path in ["a path/with spaces", "upper", "group/lib"] {
        assert_clean(
            &repo(&ended).join(path),
            &server.url("owner/inner"),
            &commit,
        );
    }
    assert_clean(
        &repo(&ended),
        &server.url("owner/outer"),
        &outer.rev("main"),
    );
    let said = Git::new(repo(&ended)).run(["submodule", "foreach", "--quiet", "echo $name"]);
    assert_eq!(said, "a name.with dots\ngroup/lib\nUpper");
}

#[test]
fn a_private_submodule_on_the_same_host_is_fetched_with_the_same_token() {
    let nested = nested();
    let server = serve(&nested).auth("git", "token-of-the-run");
    let run = cloning(&server, "recursive")
        .env("VCS_PROVIDER", "gitea")
        .env("VCS_CLONE_BASE_URL", server.base())
        .env("VCS_REPOSITORY", "owner/outer")
        .env("VCS_TOKEN", "token-of-the-run");
    let ended = completed(run);
    assert_eq!(
        status(&repo(&ended)),
        [" vendor/middle", " vendor/middle/lib/inner"]
    );
    for name in ["config", "modules/vendor/middle/config"] {
        let config = fs::read_to_string(repo(&ended).join(".git").join(name));
        assert!(!config.expect("it is there").contains("token-of-the-run"));
    }
}

#[test]
fn a_restarted_container_brings_submodules_up_to_date() {
    let nested = nested();
    let server = serve(&nested);
    let first = completed(cloning(&server, "on"));
    let newer = nested.middle.commit("main", [("middle", "newer\n")]);
    let outer =
        nested
            .outer
            .submodule("main", "vendor/middle", "../middle.git", &newer.rev("main"));
    // Its section is there twice now, and says the same.
    let second = Run::new()
        .setting("cwd", json!(repo(&first)))
        .setting("workspace/git/url", json!(server.url("owner/outer")))
        .setting("workspace/git/submodules", json!("on"));
    completed(second);
    let middle = repo(&first).join("vendor/middle");
    assert_eq!(
        fs::read_to_string(middle.join("middle")).ok().as_deref(),
        Some("newer\n")
    );
    assert_clean(&middle, &server.url("owner/middle"), &newer.rev("main"));
    assert_clean(
        &repo(&first),
        &server.url("owner/outer"),
        &outer.rev("main"),
    );
    assert_eq!(status(&repo(&first))[0], " vendor/middle");
}

#[test]
fn a_submodule_that_is_a_link_by_now_is_refused_and_nothing_is_written_through_it() {
    let nested = nested();
    let server = serve(&nested);
    let first = completed(cloning(&server, "on"));
    let elsewhere = first.dir.path().join("elsewhere");
    fs::create_dir(&elsewhere).expect("it can be made");
    let middle = repo(&first).join("vendor/middle");
    fs::remove_dir_all(&middle).expect("it can be removed");
    std::os::unix::fs::symlink(&elsewhere, &middle).expect("it can be made");
    let second = Run::new()
        .setting("cwd", json!(repo(&first)))
        .setting("workspace/git/url", json!(server.url("owner/outer")))
        .setting("workspace/git/submodules", json!("on"))
        .end();
    assert_ne!(second.code, 0, "{}", second.status);
    assert_eq!(fs::read_dir(&elsewhere).expect("it is there").count(), 0);
}

#[test]
fn a_submodule_whose_files_an_attempt_removed_is_made_again() {
    let nested = nested();
    let server = serve(&nested);
    let first = completed(cloning(&server, "on"));
    let middle = repo(&first).join("vendor/middle");
    fs::remove_dir_all(&middle).expect("it can be removed");
    let second = Run::new()
        .setting("cwd", json!(repo(&first)))
        .setting("workspace/git/url", json!(server.url("owner/outer")))
        .setting("workspace/git/submodules", json!("on"));
    completed(second);
    assert_clean(
        &middle,
        &server.url("owner/middle"),
        &nested.middle.rev("main"),
    );
}
