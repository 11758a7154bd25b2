//! Trees are made by hand, as git itself would refuse to make them.

use std::io::Write;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::*;

/// One entry of a tree: mode, name, id.
type Entry = (&'static str, Vec<u8>, Oid);

struct Bench {
    dir: tempfile::TempDir,
    repo: Repository,
}

impl Bench {
    fn new() -> Self {
        let dir = tempfile::tempdir().expect("a temporary directory can be made");
        let repo = Repository::init(dir.path()).expect("a repository can be made");
        Self { dir, repo }
    }

    fn object(&self, kind: &str, content: &[u8]) -> Oid {
        let mut git = Command::new("git")
            .args(["hash-object", "-w", "--literally", "--stdin", "-t", kind])
            .current_dir(self.dir.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("git starts");
        let mut stdin = git.stdin.take().expect("it is piped");
        stdin.write_all(content).expect("git reads");
        drop(stdin);
        let output = git.wait_with_output().expect("git ends");
        let id = String::from_utf8(output.stdout).expect("an id is ASCII");
        Oid::from_str(id.trim()).expect("git prints an id")
    }

    fn blob(&self, content: &[u8]) -> Oid {
        self.object("blob", content)
    }

    fn tree(&self, entries: &[Entry]) -> Oid {
        let mut content = Vec::new();
        for (mode, name, id) in entries {
            content.extend([mode.as_bytes(), b" ", name, b"\0", id.as_bytes()].concat());
        }
        self.object("tree", &content)
    }

    fn link(&self, name: &str, target: &[u8]) -> Entry {
        ("120000", name.into(), self.blob(target))
    }

    fn file(&self, name: &str) -> Entry {
        ("100644", name.into(), self.blob(b"text"))
    }

    fn dir(&self, name: &str, entries: &[Entry]) -> Entry {
        ("40000", name.into(), self.tree(entries))
    }

    fn find(&self, id: Oid) -> Tree<'_> {
        self.repo.find_tree(id).expect("the tree is there")
    }

    fn subdirectory(&self, id: Oid, path: &str) -> Result<(), TreeError> {
        subdirectory(&self.repo, &self.find(id), Path::new(path))
    }

    fn leaving(&self, entries: &[Entry]) -> Vec<(String, &'static str)> {
        let id = self.tree(entries);
        leaving_links(&self.repo, &self.find(id))
            .expect("the tree can be read")
            .into_iter()
            .map(|link| (printable(link.path.as_os_str().as_bytes()), link.why))
            .collect()
    }

    fn names(&self, entries: &[Entry]) -> Result<(), TreeError> {
        hostile_names(&self.repo, &self.find(self.tree(entries)))
    }

    /// Says whether libgit2 itself refuses to check the tree out.
    fn is_refused_by_libgit2(&self, entries: &[Entry]) -> bool {
        let id = self.tree(entries);
        let into = tempfile::tempdir().expect("a temporary directory can be made");
        let mut options = git2::build::CheckoutBuilder::new();
        options.force().target_dir(into.path()).update_index(false);
        let tree = self.repo.find_object(id, None);
        tree.and_then(|tree| self.repo.checkout_tree(&tree, Some(&mut options)))
            .is_err()
    }
}

#[test]
fn a_path_of_directories_is_accepted() {
    let bench = Bench::new();
    let tree = bench.tree(&[bench.dir("a", &[bench.dir("b", &[bench.file("f")])])]);
    for path in ["a", "a/b", "a/./b/", ""] {
        bench.subdirectory(tree, path).expect("it is a directory");
    }
}

#[test]
fn a_path_through_a_link_is_refused_wherever_the_link_is() {
    let bench = Bench::new();
    let tree = bench.tree(&[
        bench.dir("a", &[bench.dir("b", &[]), bench.link("to", b"b")]),
        bench.link("out", b"/etc"),
    ]);
    for (path, link) in [
        ("out", "out"),
        ("out/x", "out"),
        ("a/to", "a/to"),
        ("a/to/x", "a/to"),
    ] {
        let error = bench.subdirectory(tree, path).expect_err("it is a link");
        assert!(
            matches!(&error, TreeError::Link { link: found, .. } if found == link),
            "{error}"
        );
        assert_eq!(
            (error.outcome(), error.reason()),
            (Outcome::PolicyRefused, "SymbolicLink")
        );
    }
    for path in ["../x", "/a", "a/../a"] {
        let error = bench
            .subdirectory(tree, path)
            .expect_err("it leads upwards");
        assert_eq!(error.outcome(), Outcome::PolicyRefused);
    }
}

#[test]
fn a_path_that_is_not_there_names_its_neighbours() {
    let bench = Bench::new();
    let services = [
        bench.dir("frontend", &[]),
        bench.dir("backend", &[]),
        bench.file("README"),
    ];
    let tree = bench.tree(&[bench.dir("services", &services)]);
    let error = bench
        .subdirectory(tree, "services/fronted/src")
        .expect_err("it is not there");
    assert_eq!(
        (error.outcome(), error.reason()),
        (Outcome::WorkspaceFailed, "PathNotFound")
    );
    assert_eq!(
        error.to_string(),
        "the path `services/fronted/src` is not in the repository: there is no `services/fronted`"
    );
    assert_eq!(error.hint().as_deref(), Some("did you mean `frontend`?"));
    let error = bench
        .subdirectory(tree, "services/xyz")
        .expect_err("it is not there");
    assert_eq!(error.hint(), None);
    let error = bench
        .subdirectory(tree, "services/README/x")
        .expect_err("it is a file");
    assert_eq!(
        (error.outcome(), error.reason()),
        (Outcome::WorkspaceFailed, "NotADirectory")
    );
}

#[test]
fn a_path_into_a_submodule_says_so() {
    let bench = Bench::new();
    let commit = Oid::from_str("1111111111111111111111111111111111111111").expect("40 digits");
    let tree = bench.tree(&[("160000", b"sub".to_vec(), commit)]);
    let error = bench
        .subdirectory(tree, "sub/src")
        .expect_err("it is a submodule");
    assert_eq!(
        (error.outcome(), error.reason()),
        (Outcome::WorkspaceFailed, "PathInSubmodule")
    );
}

#[test]
fn links_that_leave_the_tree_are_found() {
    let bench = Bench::new();
    let long = vec![b'a'; 4096];
    let winding = b"d/../".repeat(600);
    let entries = [
        bench.link("absolute", b"/etc/passwd"),
        bench.link("above", b"d/../../x"),
        bench.link("empty", b""),
        bench.link("git", b"./.GIT/config"),
        bench.link("hop", b"up/x"),
        bench.link("long", &long),
        bench.link("missing", b"nothing/../../x"),
        bench.link("nested-git", b"d/.git"),
        bench.link("root", b".."),
        bench.link("to-d", b"d/e"),
        bench.link("up", b"to-d/../../.."),
        bench.link("winding", &winding),
        bench.link("zero", b"x\0/etc"),
        bench.dir("d", &[bench.dir("e", &[bench.link("deep", b"../../../x")])]),
    ];
    let mut found = bench.leaving(&entries);
    found.sort_unstable();
    let expected = [
        ("above", "climbs above its root"),
        ("absolute", "is absolute"),
        ("d/e/deep", "climbs above its root"),
        ("empty", "is empty"),
        ("git", "leads into `.git`"),
        ("hop", "climbs above its root"),
        ("long", "is too long"),
        ("missing", "climbs above its root"),
        ("nested-git", "leads into `.git`"),
        ("root", "climbs above its root"),
        ("up", "climbs above its root"),
        ("winding", "leads through too many names"),
        ("zero", "has a zero in it"),
    ];
    let mut expected = expected.map(|(path, why)| (path.to_owned(), why));
    expected.sort_unstable();
    assert_eq!(found, expected);
}

#[test]
fn links_within_the_tree_stay() {
    let bench = Bench::new();
    let entries = [
        bench.link("a", b"b/.."),
        bench.link("b", b"d/e"),
        bench.link("dangling", b"not/there"),
        bench.link("here", b"."),
        bench.link("root-of-d", b"d/e/../../d"),
        bench.link("\u{fc}", b"d//e/./"),
        ("120000", b"\xff\xfe".to_vec(), bench.blob(b"\xfd")),
        bench.dir("d", &[bench.dir("e", &[bench.link("up", b"../../d")])]),
    ];
    assert_eq!(bench.leaving(&entries), []);
}

#[test]
fn links_in_circles_end() {
    let bench = Bench::new();
    let entries = [
        bench.link("a", b"b"),
        bench.link("b", b"a"),
        bench.link("many", b"many/many/many"),
        bench.link("self", b"self/x"),
        bench.link("then-out", b"/a"),
    ];
    assert_eq!(
        bench.leaving(&entries),
        [("then-out".to_owned(), "is absolute")]
    );
}

#[test]
fn a_tree_with_leaving_links_is_refused_and_shown_in_print() {
    let bench = Bench::new();
    let tree = bench.tree(&[(
        "120000",
        b"a\n\xff\xe2\x80\xae".to_vec(),
        bench.blob(b"/\x1b[2J"),
    )]);
    let links = leaving_links(&bench.repo, &bench.find(tree)).expect("the tree can be read");
    let error = refuse(&links).expect_err("there is one");
    assert_eq!(
        error.to_string(),
        "1 symbolic links leave the repository, such as `a\\u{a}\\xff\\u{202e}` to `/\\u{1b}[2J`, which is absolute"
    );
    assert_eq!(
        (error.outcome(), error.reason()),
        (Outcome::PolicyRefused, "SymbolicLink")
    );
    refuse(&[]).expect("nothing leaves");
}

#[test]
fn names_that_some_file_system_takes_for_others_are_refused() {
    let bench = Bench::new();
    let refused_by_libgit2 = [
        ".git",
        ".GIT",
        ".git ",
        ".git.",
        ".git. .",
        ".git::$INDEX_ALLOCATION",
        ".git:x",
        "git~1",
        "GIT~1",
        ".git\\x",
        "..",
        ".",
        "../x",
        "/etc",
        ".git/hooks",
    ];
    let let_pass_by_libgit2 = [".g\u{200c}it", "\u{feff}.git", ".gi\u{202e}t", "a/b"];
    for (names, is_refused) in [
        (&refused_by_libgit2[..], true),
        (&let_pass_by_libgit2[..], false),
    ] {
        for name in names {
            for entry in [bench.file(name), bench.dir(name, &[bench.file("f")])] {
                let error = bench.names(std::slice::from_ref(&entry)).expect_err(name);
                assert_eq!(
                    (error.outcome(), error.reason()),
                    (Outcome::PolicyRefused, "HostileName")
                );
                bench
                    .names(&[bench.dir("d", std::slice::from_ref(&entry))])
                    .expect_err(name);
                assert_eq!(
                    bench.is_refused_by_libgit2(&[entry]),
                    is_refused,
                    "{name:?}"
                );
            }
        }
    }
    bench
        .names(&[bench.link(".gitmodules", b"x")])
        .expect_err("git refuses it too");
    let twice = [bench.link("a", b"d"), bench.dir("a", &[bench.file("f")])];
    bench.names(&twice).expect_err("the same name twice");
}

#[test]
fn odd_names_that_mean_nothing_else_are_accepted() {
    let bench = Bench::new();
    let names = [
        "dev\\x2dmapper.service",
        "git~2",
        ".gitignore",
        ".gitmodules",
        "..a",
        "a ",
        "README",
        "readme",
        "CON",
        "\u{1f469}\u{200d}\u{1f4bb}",
        "a:b",
        ".git-blame",
        "git",
    ];
    let mut entries: Vec<Entry> = names.iter().map(|name| bench.file(name)).collect();
    entries.push(("100644", b"\xff\n".to_vec(), bench.blob(b"")));
    bench.names(&entries).expect("they are only odd");
}

#[test]
fn a_tree_that_multiplies_is_refused_before_it_is_written() {
    let bench = Bench::new();
    let mut tree = bench.tree(&[bench.file("f")]);
    for _ in 0..10 {
        let entries: Vec<Entry> = (0..20_u8)
            .map(|n| ("40000", vec![b'a' + n], tree))
            .collect();
        tree = bench.tree(&entries);
    }
    let error = hostile_names(&bench.repo, &bench.find(tree)).expect_err("20 to the tenth names");
    assert_eq!(
        (error.outcome(), error.reason()),
        (Outcome::PolicyRefused, "TooManyNames")
    );
}

#[test]
fn a_tree_deeper_than_any_path_is_refused_without_recursion() {
    let bench = Bench::new();
    let mut tree = bench
        .repo
        .treebuilder(None)
        .expect("a builder")
        .write()
        .expect("a tree");
    for _ in 0..5000 {
        let mut builder = bench.repo.treebuilder(None).expect("a builder");
        builder.insert("d", tree, 0o040_000).expect("an entry");
        tree = builder.write().expect("a tree");
    }
    let error = hostile_names(&bench.repo, &bench.find(tree)).expect_err("10,000 letters");
    assert_eq!(error.reason(), "HostileName");
}

#[test]
fn twenty_thousand_files_are_checked_at_once() {
    let bench = Bench::new();
    let blob = bench.blob(b"text");
    let link = bench.blob(b"../dir1/file1");
    let mut root = bench.repo.treebuilder(None).expect("a builder");
    for dir in 0..200 {
        let mut builder = bench.repo.treebuilder(None).expect("a builder");
        for file in 0..100 {
            builder
                .insert(format!("file{file}.txt"), blob, 0o100_644)
                .expect("an entry");
        }
        builder.insert("link", link, 0o120_000).expect("an entry");
        // Each different, so that none is read from a cache.
        builder
            .insert(format!("only{dir}"), blob, 0o100_644)
            .expect("an entry");
        let id = builder.write().expect("a tree");
        root.insert(format!("dir{dir}"), id, 0o040_000)
            .expect("an entry");
    }
    let tree = bench.find(root.write().expect("a tree"));
    let start = Instant::now();
    assert_eq!(
        leaving_links(&bench.repo, &tree).expect("it can be read"),
        []
    );
    let links = start.elapsed();
    hostile_names(&bench.repo, &tree).expect("the names are plain");
    let both = start.elapsed();
    // Ten times what it takes on a quiet machine: this is about the order of magnitude.
    assert!(
        both < Duration::from_secs(1),
        "links {links:?}, both {both:?}"
    );
}
