//! The files are those that the git CLI writes, byte for byte and mode for mode, and git finds
//! nothing to say or to correct.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Stdio;

use agent_tests::{
    Ended, Entry, Git, GitServer, Repository, Run, assert_ends, checked_out, ends, git,
};
use serde_json::json;

/// What is at a path of a work tree.
#[derive(PartialEq, Eq)]
enum Seen {
    Directory(u32),
    Link(Vec<u8>),
    File(u32, Vec<u8>),
}

impl std::fmt::Debug for Seen {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Directory(mode) => write!(f, "directory {mode:o}"),
            Self::Link(target) => write!(f, "link to {}", target.escape_ascii()),
            // Enough to see what is wrong; some are large.
            Self::File(mode, content) => {
                let begin = &content[..content.len().min(80)];
                write!(
                    f,
                    "file {mode:o} {} {}",
                    content.len(),
                    begin.escape_ascii()
                )
            }
        }
    }
}

/// Lists all below a directory but `.git` at its top.
fn walk(dir: &Path) -> BTreeMap<Vec<u8>, Seen> {
    let mut all = BTreeMap::new();
    let mut waiting = vec![dir.to_owned()];
    while let Some(next) = waiting.pop() {
        for entry in fs::read_dir(&next).expect("it can be listed") {
            let path = entry.expect("it is there").path();
            if path == dir.join(".git") {
                continue;
            }
            let meta = fs::symlink_metadata(&path).expect("it is there");
            let mode = meta.permissions().mode() & 0o7777;
            let seen = if meta.is_dir() {
                waiting.push(path.clone());
                Seen::Directory(mode)
            } else if meta.is_symlink() {
                let target = fs::read_link(&path).expect("it is a link");
                Seen::Link(target.as_os_str().as_bytes().to_vec())
            } else {
                Seen::File(mode, fs::read(&path).expect("it can be read"))
            };
            let path = path.strip_prefix(dir).expect("it is below");
            all.insert(path.as_os_str().as_bytes().to_vec(), seen);
        }
    }
    all
}

/// Runs a clone, and has the git CLI clone beside it.
fn clone(repository: &Repository) -> Ended {
    let server = GitServer::new().serve("owner/name", repository);
    let run = Run::new();
    let url = server.url("owner/name");
    git(run.dir(), ["clone", "-q", "--depth=1", &url, "cli"]);
    let work = run.path("ours");
    run.setting("workspace/git/url", json!(url))
        .setting("cwd", json!(work))
        .end()
}

/// Asserts that both are the same in files and index; returns how many files.
#[track_caller]
fn assert_faithful(what: &str, repository: &Repository) -> usize {
    compare(what, &clone(repository))
}

/// The same for a repository that a fresh clone of is clean: that git has nothing to say against
/// ours, nothing to correct, and that the status says so, too.
#[track_caller]
fn assert_clean(what: &str, repository: &Repository) -> usize {
    let ended = clone(repository);
    assert_quiet(what, &ended);
    assert_eq!(
        ended.status["git"]["dirty"], false,
        "{what}: {}",
        ended.status["git"]
    );
    let tree = checked_out(ended.dir.path().join("ours"));
    assert_eq!(tree.commit, Some(repository.rev("main")), "{what}");
    compare(what, &ended)
}

/// Asserts that git finds nothing changed, and need not write the index anew.
#[track_caller]
fn assert_quiet(what: &str, ended: &Ended) {
    let ours = ended.dir.path().join("ours");
    let index = || fs::read(ours.join(".git/index")).expect("there is an index");
    let before = index();
    let status = ["status", "--porcelain", "--untracked-files=all"];
    assert_eq!(git(&ours, status), "", "{what}");
    assert!(index() == before, "{what}: git found stat data to correct");
}

#[track_caller]
fn compare(what: &str, ended: &Ended) -> usize {
    assert_ends(what, ended, &ends(0, "Completed", "Completed"));
    let (ours, cli) = (ended.dir.path().join("ours"), ended.dir.path().join("cli"));
    let (seen, wanted) = (walk(&ours), walk(&cli));
    for path in seen.keys().chain(wanted.keys()) {
        let name = path.escape_ascii();
        assert_eq!(seen.get(path), wanted.get(path), "{what}: {name}");
    }
    let listed = |dir: &Path| git(dir, ["ls-files", "-z", "--stage"]);
    assert_eq!(listed(&ours), listed(&cli), "{what}");
    let tree = checked_out(&ours);
    assert!(tree.fsck_ok, "{what}: {}", tree.fsck);
    wanted.len()
}

/// Files with every kind of line end.
fn lines(attributes: &str) -> Repository {
    Repository::new().commit(
        "main",
        [
            Entry::file(".gitattributes", attributes),
            Entry::file("lf.txt", "one\ntwo\n"),
            Entry::file("unended.txt", "one\ntwo"),
            Entry::file("empty.txt", ""),
            Entry::file("ident.txt", "$Id$\n"),
            Entry::file("folder/lf.c", "one\n"),
            Entry::file("binary.bin", b"\0one\ntwo\r\n"),
            Entry::executable("script.txt", "#!/bin/sh\necho\n"),
        ],
    )
}

/// The same with files that have carriage returns in the repository.
fn carriage_returns(attributes: &str) -> Repository {
    lines(attributes).commit(
        "main",
        [
            ("crlf.txt", "one\r\ntwo\r\n"),
            ("mixed.txt", "one\r\ntwo\nthree\r"),
            ("cr.txt", "one\rtwo\r"),
            (
                "idents.txt",
                "$Id$ $Id: other $ $Id: a b $ $Id:c d$ $Id\n$ $$Id$ $$$Id$ $I$Id$ $Id",
            ),
            ("control.txt", "\x01\x02\n\x1a"),
        ],
    )
}

#[test]
fn line_ends_are_as_the_attributes_say() {
    for attributes in [
        "",
        "* text=auto\n",
        "*.txt text\n",
        "*.txt text eol=lf\n",
        "*.txt eol=crlf\n",
        "* text=auto eol=crlf\n",
        "*.txt crlf\n",
        "*.txt crlf=input\n",
        "*.txt ident\n",
        "*.txt ident eol=crlf\n",
        "* -text\n",
        "* text=auto eol=crlf\n*.txt -text\n",
        "* eol=crlf\n*.bin binary\n/folder/** -text\n",
        "[attr]windows text eol=crlf\n*.txt windows\n",
        "*.txt filter=lfs diff=lfs merge=lfs -text\n",
    ] {
        assert_clean(attributes, &lines(attributes));
    }
}

#[test]
fn carriage_returns_are_what_the_git_cli_makes_of_them() {
    for attributes in [
        "",
        "* text=auto\n",
        "* text=auto eol=crlf\n",
        "*.txt eol=crlf\n",
        "*.txt text\n",
        "* -text\n",
        "*.txt ident\n",
    ] {
        assert_faithful(attributes, &carriage_returns(attributes));
    }
}

#[test]
fn attributes_of_folders_count_there() {
    let repository = lines("").commit(
        "main",
        [
            Entry::file("folder/.gitattributes", "* eol=crlf\n"),
            Entry::file("folder/deeper/lf.txt", "one\n"),
            Entry::link("link.txt", "lf.txt"),
        ],
    );
    assert_clean("folders", &repository);
}

#[test]
fn an_encoding_of_the_work_tree_is_written() {
    for encoding in [
        "UTF-16",
        "UTF-16LE-BOM",
        "utf-16",
        "UTF-16LE",
        "UTF-16BE",
        "UTF-8",
    ] {
        let attributes = format!("*.txt working-tree-encoding={encoding} eol=crlf\n");
        let repository = lines(&attributes).commit("main", [("emoji.txt", "käse 🦀\n")]);
        let ended = clone(&repository);
        // What libgit2 would say of them does not count: it knows no encoding.
        assert_quiet(encoding, &ended);
        compare(encoding, &ended);
    }
}

#[test]
fn links_are_links_wherever_they_lead() {
    let repository = Repository::new().commit(
        "main",
        [
            Entry::file("folder/file", "content"),
            Entry::link("to-file", "folder/file"),
            Entry::link("to-folder", "folder"),
            Entry::link("dangling", "no/such/file"),
            Entry::link("to-itself", "to-itself"),
            Entry::link("folder/up", "../to-file"),
            Entry::link(b"odd-\xff", OsStr::from_bytes(b"target-\xfe")),
            Entry::link("long", "x/".repeat(1000)),
        ],
    );
    assert_eq!(assert_clean("links", &repository), 9);
}

#[test]
fn exec_bits_and_empty_files_survive() {
    let repository = Repository::new().commit(
        "main",
        [
            Entry::executable("run", "#!/bin/sh\n"),
            Entry::executable("empty-run", ""),
            Entry::file("plain", "#!/bin/sh\n"),
            Entry::file("empty", ""),
        ],
    );
    assert_clean("modes", &repository);
}

#[test]
fn the_umask_of_the_runner_counts_for_its_files() {
    let repository = Repository::new().commit(
        "main",
        [Entry::executable("bin/run", ""), Entry::file("file", "")],
    );
    let server = GitServer::new().serve("owner/name", &repository);
    let run = Run::new();
    let work = run.path("ours");
    let ended = run
        .setting("workspace/git/url", json!(server.url("owner/name")))
        .setting("cwd", json!(work))
        .through(["sh", "-c", "umask 027; exec \"$@\"", "sh"])
        .end();
    assert_ends("umask", &ended, &ends(0, "Completed", "Completed"));
    let seen = walk(&ended.dir.path().join("ours"));
    assert_eq!(seen[&b"bin"[..]], Seen::Directory(0o750));
    assert_eq!(seen[&b"bin/run"[..]], Seen::File(0o750, vec![]));
    assert_eq!(seen[&b"file"[..]], Seen::File(0o640, vec![]));
}

#[test]
fn names_of_any_bytes_survive() {
    let mut entries: Vec<Entry> = [
        &b"with space"[..],
        b" leading and trailing ",
        b"new\nline",
        b"tab\there",
        b"back\\slash",
        b"quote\"s'",
        b"not-utf8-\xff\xfe",
        b"folder-\xe9/file-\xe8",
        "käse/日本語 🦀".as_bytes(),
        // The same to some file systems, composed and not.
        "caf\u{e9}".as_bytes(),
        "cafe\u{301}".as_bytes(),
        b"README",
        b"readme",
        b"Folder/file",
        b"folder/file",
        b"folder.c",
        b"folder-x",
        b"a.b/c",
        b"a/b",
        b"a-b",
        b"-leading-dash",
        b"*",
        b"?",
        b"[a]",
        b"!bang",
        b"#hash",
        b":colon",
        b"~tilde",
        b"CON",
        b"trailing.",
        b".hidden",
        b".gitignore",
        b".gitx",
        b"\x01\x02\x7f",
    ]
    .iter()
    .map(|path| Entry::file(path, path))
    .collect();
    entries.push(Entry::file("n".repeat(255), "long"));
    let repository = Repository::new().commit("main", entries);
    assert_clean("names", &repository);
    // And with attributes to look up for each of them.
    let attributes = [
        ("attributes/.gitattributes", "* eol=crlf\n"),
        ("attributes/a", "a\n"),
    ];
    assert_clean("names, converted", &repository.commit("main", attributes));
}

#[test]
fn deep_paths_survive() {
    let deep = format!("{}file", "folder/".repeat(90));
    let wide = format!("{}/{}/file", "a".repeat(255), "b".repeat(255));
    let repository = Repository::new().commit("main", [(&deep, "deep"), (&wide, "wide")]);
    assert_clean("deep", &repository);
    let deeper = format!("{}file", "folder/".repeat(400));
    let repository = repository.commit("main", [(deeper, "deeper")]);
    let ended = clone(&repository);
    assert_quiet("deeper", &ended);
    compare("deeper", &ended);
}

#[test]
fn ten_thousand_files_survive() {
    let repository = Repository::new().files("main", 10_000, 64);
    assert_eq!(assert_clean("many", &repository), 10_100);
}

#[test]
fn large_files_survive() {
    let repository = Repository::new()
        .files("main", 1, 50 << 20)
        .files("large", 2, 9 << 20);
    assert_clean("large", &repository);
    let repository = repository.branch("main", "large");
    assert_clean("several", &repository);
}

#[test]
fn a_gitlink_is_an_empty_directory() {
    let commit = "0123456789012345678901234567890123456789";
    let repository = Repository::new().commit(
        "main",
        [
            Entry::gitlink("vendor/library", commit),
            Entry::gitlink("top", commit),
            Entry::file("vendor/file", ""),
        ],
    );
    assert_eq!(assert_clean("gitlink", &repository), 4);
}

/// Writes an object by its bytes, even one that git would not write, and returns its id.
fn object(repository: &Repository, kind: &str, bytes: &[u8]) -> String {
    let mut child = Git::new(repository.dir())
        .command(["hash-object", "-w", "--literally", "--stdin", "-t", kind])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("git can be started");
    let mut stdin = child.stdin.take().expect("stdin is a pipe");
    stdin.write_all(bytes).expect("git reads it");
    drop(stdin);
    let ended = child.wait_with_output().expect("it is a child of ours");
    assert!(ended.status.success());
    String::from_utf8(ended.stdout)
        .expect("an id is text")
        .trim()
        .to_owned()
}

/// A repository with modes that git does not write any more.
fn old_modes() -> Repository {
    let repository = Repository::new().commit("main", [("README", "hello\n")]);
    let blob = object(&repository, "blob", b"content");
    let raw: Vec<u8> = (0..40)
        .step_by(2)
        .map(|at| u8::from_str_radix(&blob[at..at + 2], 16).expect("an id is hexadecimal"))
        .collect();
    let mut tree = Vec::new();
    for (mode, name) in [
        ("100600", "a"),
        ("100664", "b"),
        ("100666", "c"),
        ("100744", "d"),
        ("100775", "e"),
    ] {
        tree.extend(format!("{mode} {name}\0").as_bytes());
        tree.extend(&raw);
    }
    let tree = object(&repository, "tree", &tree);
    let commit = git(repository.dir(), ["commit-tree", "-m", "Old", &tree]);
    repository.reference("refs/heads/main", &commit)
}

#[test]
fn modes_of_old_repositories_are_taken_as_git_takes_them() {
    let ended = clone(&old_modes());
    assert_quiet("old modes", &ended);
    compare("old modes", &ended);
}

#[test]
fn a_commit_without_files_is_an_empty_work_tree() {
    let repository = Repository::new()
        .commit("main", [("file", "")])
        .commit("main", [Entry::removed("file")]);
    assert_eq!(assert_clean("empty", &repository), 0);
}

#[test]
fn a_work_tree_of_old_modes_is_summarised_and_saved_like_any_other() {
    let repository = old_modes();
    for (script, is_dirty) in [("true", false), ("echo x >a; rm b; chmod -x e", true)] {
        let server = GitServer::new().serve("owner/name", &repository);
        let run = Run::new();
        let repo = run.path("repo");
        let ended = run
            .shell(script)
            .setting("cwd", json!(repo))
            .setting("workspace/git/url", json!(server.url("owner/name")))
            .setting("workspace/wip", json!(true))
            .end();
        assert_eq!(ended.code, 0, "{}", ended.stderr);
        let said = &ended.status["git"];
        assert!(said["error"].is_null(), "{said}");
        assert_eq!(said["commit"], *repository.rev("main"));
        assert_eq!(said["dirty"], is_dirty, "{said}");
        assert_eq!(checked_out(&repo).status.is_empty(), !is_dirty);
        if is_dirty {
            // What was saved gives the same tree to the git CLI.
            let patch = ended.dir.path().join("agent/workspace-wip/changes.patch");
            let clone = ended.dir.path().join("clone");
            git(
                ended.dir.path(),
                ["clone", "-q", &repository.url(), "clone"],
            );
            git(&clone, ["apply", "--index", &patch.display().to_string()]);
            git(&repo, ["add", "-u"]);
            assert_eq!(git(&clone, ["write-tree"]), git(&repo, ["write-tree"]));
        } else {
            assert!(said["wip"].is_null(), "{said}");
        }
    }
}
