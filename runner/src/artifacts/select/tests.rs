use super::*;
use std::ffi::OsStr;
use std::fs::{self, Permissions};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};

use agent_plan::settings::When;
use tempfile::TempDir;

/// A workspace with files.
struct Workspace {
    root: PathBuf,
    _directory: TempDir,
}

impl Workspace {
    fn of(files: &[&str]) -> Self {
        let directory = TempDir::new().expect("there is room");
        let root = directory.path().canonicalize().expect("it is there");
        let workspace = Self {
            root,
            _directory: directory,
        };
        for file in files {
            workspace.write(OsStr::new(file));
        }
        workspace
    }

    fn write(&self, name: &OsStr) {
        let path = self.root.join(name);
        let parent = path.parent().expect("it is below the root");
        fs::create_dir_all(parent).expect("there is room");
        fs::write(path, name.as_bytes()).expect("there is room");
    }

    fn select(&self, path: &str, exclude: &[&str]) -> Result<Selection, SelectError> {
        self.select_as(path, exclude, true)
    }

    fn select_as(
        &self,
        path: &str,
        exclude: &[&str],
        is_tree: bool,
    ) -> Result<Selection, SelectError> {
        let path = self.root.join(path);
        let delivery = Delivery {
            declared: None,
            name: "artifact".to_owned(),
            path: Some(path.clone()),
            key: Ok("key".to_owned()),
            is_tree,
            when: When::Always,
            optional: false,
            max_bytes: None,
            content_type: None,
            exclude: exclude.iter().map(|&text| text.to_owned()).collect(),
        };
        select(&delivery, &path, "key", std::slice::from_ref(&self.root))
    }

    /// The keys of what is selected.
    #[track_caller]
    fn keys(&self, path: &str, exclude: &[&str]) -> Vec<String> {
        let selection = self.select(path, exclude).expect("it is there");
        assert!(selection.unread.is_empty(), "{:?}", selection.unread);
        assert!(selection.unnamed.is_empty(), "{:?}", selection.unnamed);
        keys(selection)
    }
}

fn keys(selection: Selection) -> Vec<String> {
    selection.items.into_iter().map(|item| item.key).collect()
}

#[test]
fn a_file_has_the_key_and_its_size() {
    let workspace = Workspace::of(&["out/report.txt"]);
    for is_tree in [true, false] {
        let selection = workspace.select_as("out/report.txt", &[], is_tree);
        let selection = selection.expect("it is there");
        assert!(!selection.is_tree);
        let [item] = &selection.items[..] else {
            panic!("{selection:?}");
        };
        assert_eq!(item.path, workspace.root.join("out/report.txt"));
        assert_eq!((item.key.as_str(), item.size), ("key", 14));
    }
}

#[test]
fn a_directory_is_all_its_files_by_name_hidden_ones_too() {
    let workspace = Workspace::of(&["out/b", "out/a/z", "out/.hidden/x", "out/c d/ü", "other"]);
    let selection = workspace.select("out", &[]).expect("it is there");
    assert!(selection.is_tree);
    let expected = ["key/.hidden/x", "key/a/z", "key/b", "key/c d/ü"];
    assert_eq!(keys(selection), expected);
}

#[test]
fn an_empty_directory_is_nothing_to_store_and_nothing_that_is_missing() {
    let workspace = Workspace::of(&[]);
    fs::create_dir(workspace.root.join("out")).expect("it is new");
    let selection = workspace.select("out", &[]).expect("it is there");
    assert!(selection.is_tree && selection.items.is_empty());
}

#[test]
fn a_directory_under_the_key_of_a_file_is_refused() {
    let workspace = Workspace::of(&["out/a"]);
    let selected = workspace.select_as("out", &[], false);
    assert!(
        matches!(selected, Err(SelectError::Directory { .. })),
        "{selected:?}"
    );
}

#[test]
fn a_wildcard_stays_in_its_directory_and_two_stars_do_not() {
    let workspace = Workspace::of(&[
        "out/a.xml",
        "out/.b.xml",
        "out/a.txt",
        "out/deep/c.xml",
        "out/deep/er/d.xml",
        "other/e.xml",
    ]);
    for (pattern, expected) in [
        ("out/*.xml", &["key/.b.xml", "key/a.xml"][..]),
        (
            "out/**/*.xml",
            &[
                "key/.b.xml",
                "key/a.xml",
                "key/deep/c.xml",
                "key/deep/er/d.xml",
            ],
        ),
        ("out/*/*.xml", &["key/deep/c.xml"]),
        ("*/e.xml", &["key/other/e.xml"]),
        ("out/[ab].???", &["key/a.txt", "key/a.xml"]),
        ("out/a.{txt,xml}", &["key/a.txt", "key/a.xml"]),
        ("out/deep/**", &["key/c.xml", "key/er/d.xml"]),
    ] {
        assert_eq!(workspace.keys(pattern, &[]), expected, "{pattern}");
    }
}

#[test]
fn a_pattern_that_nothing_matches_is_missing_and_says_so() {
    let workspace = Workspace::of(&["out/a.txt"]);
    let selected = workspace.select("out/*.xml", &[]);
    assert!(
        matches!(selected, Err(SelectError::NoMatch { .. })),
        "{selected:?}"
    );
    // So is one of which all is left out, and one below a directory that is not there.
    let selected = workspace.select("out/*.txt", &["a.*"]);
    assert!(
        matches!(selected, Err(SelectError::NoMatch { .. })),
        "{selected:?}"
    );
    let selected = workspace.select("nowhere/*.txt", &[]);
    assert!(
        matches!(
            selected,
            Err(SelectError::Source(SourceError::Missing { .. }))
        ),
        "{selected:?}"
    );
}

#[test]
fn under_the_key_of_a_file_nothing_is_a_wildcard() {
    let workspace = Workspace::of(&["out/a.txt"]);
    let selected = workspace.select_as("out/*.txt", &[], false);
    assert!(
        matches!(
            selected,
            Err(SelectError::Source(SourceError::Missing { .. }))
        ),
        "{selected:?}"
    );
}

#[test]
fn a_file_whose_name_has_a_wildcard_is_that_file() {
    let workspace = Workspace::of(&["out/a[1].txt", "out/a1.txt"]);
    assert_eq!(workspace.keys("out/a[1].txt", &[]), ["key"]);
    fs::remove_file(workspace.root.join("out/a[1].txt")).expect("it is there");
    assert_eq!(workspace.keys("out/a[1].txt", &[]), ["key/a1.txt"]);
}

#[test]
fn in_the_name_of_the_workspace_nothing_is_a_wildcard() {
    let mut workspace = Workspace::of(&["run[1]/out/a.txt", "run1/out/a.txt"]);
    let outer = workspace.root.clone();
    workspace.root.push("run[1]");
    assert_eq!(workspace.keys("out/*.txt", &[]), ["key/a.txt"]);
    fs::remove_dir_all(&workspace.root).expect("it is there");
    let selected = workspace.select("out/*.txt", &[]);
    assert!(
        matches!(
            selected,
            Err(SelectError::Source(SourceError::Missing { .. }))
        ),
        "{selected:?}"
    );
    assert!(outer.join("run1/out/a.txt").exists());
}

#[test]
fn a_pattern_that_cannot_be_read_is_refused() {
    let workspace = Workspace::of(&["out/a.txt"]);
    for selected in [
        workspace.select("out/[", &[]),
        workspace.select("out", &["a{"]),
    ] {
        assert!(
            matches!(selected, Err(SelectError::Pattern { .. })),
            "{selected:?}"
        );
    }
}

#[test]
fn what_is_left_out_is_left_out_with_all_below() {
    let workspace = Workspace::of(&[
        "out/a.txt",
        "out/cache/b.txt",
        "out/deep/cache/c.txt",
        "out/deep/d.tmp",
        "out/e.tmp",
    ]);
    for (exclude, expected) in [
        (
            &["cache"][..],
            &[
                "key/a.txt",
                "key/deep/cache/c.txt",
                "key/deep/d.tmp",
                "key/e.tmp",
            ][..],
        ),
        (&["**/cache/", "**/*.tmp"], &["key/a.txt"]),
        (&["*.tmp", "deep/**"], &["key/a.txt", "key/cache/b.txt"]),
        (&["**"], &[]),
        // It is relative to the directory.
        (
            &["out/a.txt", "deep", "*.tmp"],
            &["key/a.txt", "key/cache/b.txt"],
        ),
    ] {
        assert_eq!(workspace.keys("out", exclude), expected, "{exclude:?}");
    }
    let of_pattern = workspace.keys("out/**/*.txt", &["deep"]);
    assert_eq!(of_pattern, ["key/a.txt", "key/cache/b.txt"]);
}

#[test]
fn a_directory_that_cannot_be_read_is_said_unless_it_is_left_out() {
    let workspace = Workspace::of(&["out/a", "out/private/b"]);
    let private = workspace.root.join("out/private");
    fs::set_permissions(&private, Permissions::from_mode(0o000)).expect("it is ours");
    let selection = workspace.select("out", &[]).expect("it is there");
    let without = workspace.select("out", &["private/"]).expect("it is there");
    // Root reads everything.
    if fs::read_dir(&private).is_err() {
        let [SourceError::Read { path, .. }] = &selection.unread[..] else {
            panic!("{selection:?}");
        };
        assert_eq!(*path, private);
        assert_eq!(keys(selection), ["key/a"]);
    }
    fs::set_permissions(&private, Permissions::from_mode(0o700)).expect("it is ours");
    assert!(without.unread.is_empty(), "{without:?}");
    assert_eq!(keys(without), ["key/a"]);
}

#[test]
fn in_a_tree_no_link_is_followed_and_only_files_count() {
    let workspace = Workspace::of(&["out/a", "other/b"]);
    symlink("a", workspace.root.join("out/link")).expect("it is new");
    symlink("../other", workspace.root.join("out/directory")).expect("it is new");
    symlink("..", workspace.root.join("out/loop")).expect("it is new");
    let fifo = workspace.root.join("out/fifo");
    nix::unistd::mkfifo(&fifo, nix::sys::stat::Mode::S_IRWXU).expect("it is new");
    assert_eq!(workspace.keys("out", &[]), ["key/a"]);
    assert_eq!(workspace.keys("out/*", &[]), ["key/a"]);
}

#[test]
fn a_name_that_cannot_be_a_key_is_said_and_the_others_are_stored() {
    let workspace = Workspace::of(&["out/a"]);
    workspace.write(OsStr::from_bytes(b"out/b\xff"));
    // With `key/` before it these are 1024 bytes, and 1025.
    let long = format!("{}/", "d".repeat(199)).repeat(5);
    workspace.write(OsStr::new(&format!("out/{long}{}", "f".repeat(20))));
    workspace.write(OsStr::new(&format!("out/{long}{}", "g".repeat(21))));
    let selection = workspace.select("out", &[]).expect("it is there");
    let unnamed: Vec<_> = selection.unnamed.iter().map(|(_, why)| *why).collect();
    assert_eq!(
        unnamed,
        ["its name is not UTF-8", "its key has more than 1024 bytes"]
    );
    let fits = format!("key/{long}{}", "f".repeat(20));
    assert_eq!(fits.len(), KEY_LIMIT);
    assert_eq!(keys(selection), ["key/a".to_owned(), fits]);
}

#[test]
fn of_a_pattern_the_directory_before_the_first_wildcard_is_walked() {
    for (pattern, base, rest) in [
        ("/w/out/*.xml", "/w/out", "*.xml"),
        ("/w/a?/b/*.xml", "/w", "a?/b/*.xml"),
        ("/w/**", "/w", "**"),
        ("/*.xml", "/", "*.xml"),
        ("/w/[1]/x*", "/w/[1]", "x*"),
        ("/other/[1]/x", "/other", "[1]/x"),
    ] {
        let roots = [PathBuf::from("/w"), PathBuf::from("/w/[1]")];
        let expected = (PathBuf::from(base), rest.to_owned());
        assert_eq!(split(Path::new(pattern), &roots), expected, "{pattern}");
    }
}
