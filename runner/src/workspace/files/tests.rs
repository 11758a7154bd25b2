use std::fs;
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::*;

/// A directory with a root below it, as a workspace is.
struct Place {
    dir: TempDir,
    root: PathBuf,
}

impl Place {
    fn new() -> Self {
        let dir = tempfile::tempdir().expect("a temporary directory can be made");
        let root = dir.path().join("workspace");
        fs::create_dir(&root).expect("it can be made");
        Self { dir, root }
    }

    fn write(&self, path: impl AsRef<Path>, content: &str) -> Result<(), FileError> {
        let file = FilePlan {
            path: self.root.join(path),
            content: content.to_owned(),
            mode: 0o640,
        };
        write(&[file], std::slice::from_ref(&self.root))
    }

    fn read(&self, path: &str) -> String {
        fs::read_to_string(self.root.join(path)).expect("it is there")
    }

    /// The reason for which a file is refused.
    #[track_caller]
    fn refusal(&self, path: impl AsRef<Path>) -> FileError {
        self.write(path, "new").expect_err("it is refused")
    }
}

#[test]
fn a_file_gets_its_parents_its_content_and_its_mode() {
    let place = Place::new();
    place.write("a/b/file", "text").expect("it can be written");
    assert_eq!(place.read("a/b/file"), "text");
    let mode = |path: &str| {
        fs::metadata(place.root.join(path))
            .expect("it is there")
            .mode()
            & 0o777
    };
    assert_eq!(mode("a/b/file"), 0o640);
}

#[test]
fn a_longer_file_is_overwritten_whole_and_keeps_its_inode() {
    let place = Place::new();
    place
        .write("file", "a long content")
        .expect("it can be written");
    let inode = fs::metadata(place.root.join("file"))
        .expect("it is there")
        .ino();
    place
        .write("file", "short")
        .expect("it can be written again");
    assert_eq!(place.read("file"), "short");
    assert_eq!(
        fs::metadata(place.root.join("file"))
            .expect("it is there")
            .ino(),
        inode
    );
}

#[test]
fn the_root_itself_is_made() {
    let place = Place::new();
    fs::remove_dir(&place.root).expect("it is empty");
    place.write("file", "text").expect("it can be written");
    assert_eq!(place.read("file"), "text");
}

#[test]
fn a_link_below_the_root_is_refused_in_every_place() {
    let place = Place::new();
    let outside = place.dir.path().join("outside");
    fs::create_dir(&outside).expect("it can be made");
    fs::create_dir(place.root.join("real")).expect("it can be made");
    for (link, target) in [
        ("directory", outside.clone()),
        ("real/nested", outside.clone()),
        ("inward", place.root.join("real")),
        ("dangling", outside.join("nothing")),
        ("loop", place.root.join("loop")),
    ] {
        symlink(&target, place.root.join(link)).expect("it can be made");
        for path in [link.to_owned(), format!("{link}/file")] {
            let error = place.refusal(&path);
            assert_eq!(error.reason(), "SymbolicLink", "{path}: {error}");
            let FileError::Link { link: named, .. } = error else {
                continue;
            };
            assert_eq!(named, place.root.join(link), "the message names the link");
        }
    }
    assert_eq!(fs::read_dir(&outside).expect("it is there").count(), 0);
}

#[test]
fn a_link_above_the_root_is_the_images_own_affair() {
    let place = Place::new();
    let alias = place.dir.path().join("alias");
    symlink(place.dir.path(), &alias).expect("it can be made");
    let file = FilePlan {
        path: alias.join("workspace/sub/file"),
        content: "text".to_owned(),
        mode: 0o644,
    };
    write(&[file], &[alias.join("workspace")]).expect("the root is where the image has it");
    assert_eq!(place.read("sub/file"), "text");
}

#[test]
fn outside_every_root_directories_may_be_links_but_the_file_may_not() {
    let place = Place::new();
    let (real, alias) = (
        place.dir.path().join("real"),
        place.dir.path().join("alias"),
    );
    fs::create_dir(&real).expect("it can be made");
    symlink(&real, &alias).expect("it can be made");
    place
        .write(alias.join("file"), "text")
        .expect("it can be written");
    assert_eq!(fs::read(real.join("file")).expect("it is there"), b"text");
    symlink(real.join("victim"), real.join("link")).expect("it can be made");
    assert_eq!(place.refusal(alias.join("link")).reason(), "SymbolicLink");
    assert!(!real.join("victim").exists());
}

#[test]
fn the_innermost_root_counts() {
    let place = Place::new();
    let inner = place.root.join("inner");
    fs::create_dir(place.dir.path().join("elsewhere")).expect("it can be made");
    symlink(place.dir.path().join("elsewhere"), &inner).expect("it can be made");
    let file = FilePlan {
        path: inner.join("file"),
        content: String::new(),
        mode: 0o644,
    };
    // A working directory that is a link was chosen by the spec, not by what lies in it.
    write(&[file], &[place.root.clone(), inner]).expect("it can be written");
}

#[test]
fn what_is_no_file_is_refused() {
    let place = Place::new();
    fs::create_dir(place.root.join("directory")).expect("it can be made");
    nix::unistd::mkfifo(&place.root.join("fifo"), Mode::S_IRWXU).expect("it can be made");
    for name in ["directory", "fifo"] {
        assert_eq!(place.refusal(name).reason(), "NotAFile", "{name}");
    }
    let socket = place.root.join("socket");
    let listener = std::os::unix::net::UnixListener::bind(&socket).expect("it can be made");
    assert_eq!(place.refusal("socket").reason(), "NotAFile");
    drop(listener);
    assert_eq!(place.refusal("/").reason(), "NotAFile");
}

#[test]
fn a_fifo_with_a_reader_is_refused_and_gets_nothing() {
    let place = Place::new();
    let fifo = place.root.join("fifo");
    nix::unistd::mkfifo(&fifo, Mode::S_IRWXU).expect("it can be made");
    let flags = OFlag::O_RDONLY | OFlag::O_NONBLOCK;
    let reader = File::from(open(&fifo, flags, Mode::empty()).expect("it can be opened"));
    assert_eq!(place.refusal("fifo").reason(), "NotAFile");
    let mut bytes = [0; 1];
    assert_eq!((&reader).read(&mut bytes).expect("nobody writes"), 0);
}

#[test]
fn a_file_as_a_parent_is_refused() {
    let place = Place::new();
    place.write("file", "text").expect("it can be written");
    let error = place.refusal("file/below");
    assert_eq!(error.reason(), "DirectoryUnusable");
    assert!(error.to_string().contains("workspace/file"), "{error}");
    assert_eq!(place.read("file"), "text");
}

#[test]
fn files_before_the_failing_one_are_written() {
    let place = Place::new();
    fs::create_dir(place.root.join("taken")).expect("it can be made");
    let file = |name: &str| FilePlan {
        path: place.root.join(name),
        content: "text".to_owned(),
        mode: 0o644,
    };
    let files = [file("one"), file("taken"), file("three")];
    write(&files, std::slice::from_ref(&place.root)).expect_err("the second is refused");
    assert_eq!(place.read("one"), "text");
    assert!(!place.root.join("three").exists());
}

#[test]
fn a_name_that_is_too_long_is_refused() {
    let place = Place::new();
    assert_eq!(place.refusal("n".repeat(300)).reason(), "WriteFailed");
    let error = place.refusal(format!("{}/file", "n".repeat(300)));
    assert_eq!(error.reason(), "DirectoryUnusable");
}

#[test]
fn a_full_disk_and_a_spent_quota_are_told_from_other_errors() {
    let place = Place::new();
    let full = FileError::Write {
        path: place.root.join("file"),
        bytes: 3,
        source: Errno::ENOSPC.into(),
    };
    assert_eq!(full.reason(), "DiskFull");
    assert!(full.hint().is_some_and(|hint| hint.contains("full")));
    let quota = FileError::Directory {
        path: place.root.join("a/file"),
        directory: place.root.join("a"),
        source: Errno::EDQUOT.into(),
    };
    assert_eq!(quota.reason(), "DiskFull");
}

#[test]
fn a_link_that_already_leads_to_the_content_is_left_as_it_is() {
    // As the kubelet lays out a ConfigMap volume.
    let place = Place::new();
    fs::create_dir(place.root.join("..2026")).expect("it can be made");
    symlink("..2026", place.root.join("..data")).expect("it can be made");
    symlink("..data/a.txt", place.root.join("a.txt")).expect("it can be made");
    let behind = place.root.join("..2026/a.txt");
    fs::write(&behind, "as rendered").expect("it can be written");
    place.write("a.txt", "as rendered").expect("it is there");
    assert!(place.root.join("a.txt").is_symlink(), "it is left alone");
    for other in ["something else", "as rendere", "as rendered\n"] {
        let error = place.write("a.txt", other).expect_err("it is refused");
        assert_eq!(error.reason(), "SymbolicLink", "{other}");
    }
    assert_eq!(fs::read(&behind).expect("it is there"), b"as rendered");
}
