use std::cell::Cell;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use nix::sys::stat::Mode;
use nix::unistd::mkfifo;

use super::fixture::{Fixture, git, write};
use super::{Summary, SummaryError, summarise};

/// Does something to a fixture.
type Change = fn(&Fixture);

fn summary(fixture: &Fixture) -> Result<Summary, SummaryError> {
    summarise(&fixture.work, &fixture.start, &|| false)
}

fn said(fixture: &Fixture) -> Summary {
    summary(fixture).expect("a summary")
}

fn is_dirty(fixture: &Fixture) -> bool {
    let dirty = said(fixture).dirty;
    let git = !fixture.git(["status", "--porcelain"]).is_empty();
    assert_eq!(dirty, git, "git says otherwise");
    dirty
}

#[test]
fn a_fresh_clone_is_clean_and_not_ahead() {
    let fixture = Fixture::new();
    assert_eq!(
        said(&fixture),
        Summary {
            commit: Some(fixture.start.commit.clone()),
            branch: Some("main".to_owned()),
            ahead: 0,
            dirty: false,
        }
    );
    assert!(!is_dirty(&fixture));
}

#[test]
fn commits_are_counted_that_no_remote_has_merges_included() {
    for options in [&[][..], &["--depth", "1"]] {
        let fixture = Fixture::cloned(options);
        fixture.git(["checkout", "-qb", "side"]);
        fixture.commit("side");
        fixture.git(["checkout", "-q", "main"]);
        fixture.commit("one");
        fixture.git(["merge", "-q", "--no-ff", "-m", "merge", "side"]);
        fixture.git(["checkout", "-q", "--detach"]);
        let said = said(&fixture);
        assert_eq!((said.ahead, said.branch), (3, None));
        assert_eq!(said.commit, Some(fixture.git(["rev-parse", "HEAD"])));
    }
}

#[test]
fn a_commit_that_another_remote_branch_has_is_not_counted() {
    let fixture = Fixture::new();
    fixture.commit("one");
    fixture.git(["push", "-q", "origin", "HEAD:other"]);
    fixture.commit("two");
    fixture.git(["pack-refs", "--all"]);
    assert_eq!(said(&fixture).ahead, 1);
}

#[test]
fn without_remote_references_the_start_is_the_limit() {
    let fixture = Fixture::new();
    fixture.git(["remote", "remove", "origin"]);
    fixture.commit("one");
    assert_eq!(said(&fixture).ahead, 1);
}

#[test]
fn a_wrong_clock_hides_no_commit_that_is_ahead() {
    let fixture = Fixture::new();
    fixture.write("old", "old");
    fixture.git(["add", "-A"]);
    let date = "--date=@1000000000 +0000";
    fixture.git(["commit", "-qm", "old", date]);
    fixture.commit("new");
    assert_eq!(said(&fixture).ahead, 2);
}

#[test]
fn no_commit_yet_is_no_commit() {
    let fixture = Fixture::new();
    fixture.git(["checkout", "-q", "--orphan", "fresh"]);
    let said = said(&fixture);
    assert_eq!((said.commit, said.ahead), (None, 0));
    assert_eq!(said.branch.as_deref(), Some("fresh"));
    assert!(said.dirty, "everything is staged");
}

#[test]
fn every_kind_of_change_is_dirty() {
    let changes: [(&str, Change); 9] = [
        ("edited", |it| it.write("a", "other")),
        ("deleted", |it| fs::remove_file(it.path("a")).expect("a")),
        ("staged", |it| {
            it.write("new", "new");
            it.git(["add", "new"]);
        }),
        ("staged and undone in the tree", |it| {
            it.write("a", "other");
            it.git(["add", "a"]);
            it.git(["show", "HEAD:a"]);
            it.write("a", "a 0\nsecond\nthird\n");
        }),
        ("mode", |it| {
            it.git(["update-index", "--chmod=+x", "a"]);
        }),
        ("link", |it| {
            fs::remove_file(it.path("a")).expect("a");
            symlink("dir/c", it.path("a")).expect("a link");
        }),
        ("untracked", |it| it.write("deep/er/file", "new")),
        ("nested repository", |it| {
            fs::create_dir(it.path("nested")).expect("a directory");
            git(&it.path("nested"), ["init", "-q"]);
        }),
        ("conflict", |it| {
            it.git(["checkout", "-qb", "side"]);
            it.write("a", "theirs\n");
            it.git(["commit", "-qam", "theirs"]);
            it.git(["checkout", "-q", "main"]);
            it.write("a", "ours\n");
            it.git(["commit", "-qam", "ours"]);
            super::fixture::try_git(&it.work, ["merge", "-q", "side"], &[]);
        }),
    ];
    for (what, change) in changes {
        let fixture = Fixture::new();
        change(&fixture);
        assert!(is_dirty(&fixture), "{what}");
    }
}

#[test]
fn what_git_does_not_report_is_not_dirty() {
    let fixture = Fixture::new();
    fixture.write(".gitignore", "*.log\n/out/\n!keep.log\n");
    fixture.write("out/tracked", "tracked");
    fixture.git(["add", "-f", "out/tracked", ".gitignore"]);
    fixture.git(["commit", "-qm", "ignore"]);
    fixture.write("x.log", "log");
    fixture.write("out/untracked", "log");
    fixture.write(".git/info/exclude", "excluded\n");
    fixture.write("dir/excluded", "x");
    fs::create_dir(fixture.path("empty")).expect("a directory");
    mkfifo(&fixture.path("fifo"), Mode::S_IRWXU).expect("a FIFO");
    fs::copy(fixture.path("a"), fixture.path("a2")).expect("a copy");
    fs::rename(fixture.path("a2"), fixture.path("a")).expect("another inode");
    assert!(!is_dirty(&fixture));
    fixture.write("keep.log", "log");
    assert!(is_dirty(&fixture));
}

#[test]
fn a_moved_submodule_is_dirty_and_its_files_are_not() {
    let fixture = Fixture::new();
    let origin = fixture.dir.path().join("origin");
    let url = origin.to_str().expect("UTF-8");
    fixture.git(["submodule", "--quiet", "add", url, "sub"]);
    fixture.git(["commit", "-qm", "submodule"]);
    assert!(!is_dirty(&fixture));
    fixture.write("sub/a", "other");
    assert!(!said(&fixture).dirty, "git would look into it");
    git(&fixture.path("sub"), ["checkout", "-q", "-f", "HEAD~1"]);
    assert!(is_dirty(&fixture));
    fs::remove_dir_all(fixture.path("sub")).expect("the submodule");
    assert!(is_dirty(&fixture));
    fs::create_dir(fixture.path("sub")).expect("a directory");
    assert!(!is_dirty(&fixture));
}

#[test]
fn the_switches_of_the_repository_count() {
    let fixture = Fixture::new();
    fixture.git(["config", "core.autocrlf", "true"]);
    fs::remove_file(fixture.path("a")).expect("a");
    fixture.git(["checkout", "a"]);
    // Another inode and time: the content is compared, with line ends converted.
    fs::copy(fixture.path("a"), fixture.path("a2")).expect("a copy");
    fs::rename(fixture.path("a2"), fixture.path("a")).expect("another inode");
    assert_eq!(
        fs::read(fixture.path("a")).expect("a").last_chunk(),
        Some(b"\r\n")
    );
    assert!(!is_dirty(&fixture));
}

#[test]
fn a_lock_that_was_left_behind_is_no_obstacle() {
    let fixture = Fixture::new();
    for name in ["index.lock", "HEAD.lock", "refs/heads/main.lock"] {
        fixture.write(&format!(".git/{name}"), "");
    }
    assert!(!said(&fixture).dirty);
}

#[test]
fn hostile_configuration_is_not_followed() {
    let fixture = Fixture::new();
    let fifo = fixture.dir.path().join("fifo");
    mkfifo(&fifo, Mode::S_IRWXU).expect("a FIFO");
    let evidence = fixture.dir.path().join("evidence");
    let touch = format!("touch {}", evidence.display());
    let origin = fixture.dir.path().join("origin");
    for (key, value) in [
        ("core.fsmonitor", touch.as_str()),
        ("diff.external", &touch),
        ("diff.x.textconv", &touch),
        ("diff.x.command", &touch),
        ("filter.x.clean", &touch),
        ("filter.x.smudge", &touch),
        ("filter.x.process", &touch),
        ("filter.x.required", "true"),
        ("core.excludesFile", fifo.to_str().expect("UTF-8")),
        ("core.attributesFile", fifo.to_str().expect("UTF-8")),
        ("core.hooksPath", "/tmp"),
        ("core.worktree", origin.to_str().expect("UTF-8")),
        ("extensions.partialClone", "origin"),
        ("extensions.somethingNew", "true"),
    ] {
        let config = fixture.path(".git/config");
        let config = config.to_str().expect("UTF-8");
        fixture.git(["config", "--file", config, key, value]);
    }
    let mut config = fs::read_to_string(fixture.path(".git/config")).expect("a configuration");
    config.push_str(&format!("[include]\n\tpath = {}\n", fifo.display()));
    fixture.write(".git/config", config);
    fixture.write(".gitattributes", "* filter=x diff=x\n");
    fixture.write("a", "other");
    fixture.write("untracked", "x");
    assert!(said(&fixture).dirty);
    fixture.write("a", "a 0\nsecond\nthird\n");
    fs::remove_file(fixture.path("untracked")).expect("a file");
    fs::remove_file(fixture.path(".gitattributes")).expect("a file");
    assert!(!said(&fixture).dirty, "not the work tree of the origin");
    assert!(!evidence.exists(), "something was executed");
}

#[test]
fn what_leads_elsewhere_or_blocks_is_an_error_with_a_name() {
    let cases: [(&str, &str, Change); 12] = [
        ("NoRepository", "no .git", |it| {
            fs::remove_dir_all(it.path(".git")).expect(".git");
        }),
        ("OutsideWorkTree", ".git is a link", |it| {
            fs::rename(it.path(".git"), it.dir.path().join("moved")).expect(".git");
            symlink(it.dir.path().join("moved"), it.path(".git")).expect("a link");
        }),
        ("OutsideWorkTree", ".git is a file", |it| {
            fs::remove_dir_all(it.path(".git")).expect(".git");
            it.write(".git", "gitdir: ../origin/.git\n");
        }),
        ("OutsideWorkTree", "commondir", |it| {
            it.write(".git/commondir", "../../origin/.git\n");
        }),
        ("OutsideWorkTree", "alternates", |it| {
            it.write(
                ".git/objects/info/alternates",
                "../../../origin/.git/objects\n",
            );
        }),
        ("OutsideWorkTree", "the tree is a link", |it| {
            fs::rename(&it.work, it.dir.path().join("moved")).expect("the tree");
            symlink(it.dir.path().join("origin"), &it.work).expect("a link");
        }),
        ("NotAFile", "HEAD is a FIFO", |it| {
            fifo(&it.path(".git/HEAD"));
        }),
        ("NotAFile", "the index is a FIFO", |it| {
            fifo(&it.path(".git/index"));
        }),
        ("NotAFile", "a FIFO with ignore rules", |it| {
            fifo(&it.path("dir/.gitignore"));
        }),
        ("NotAFile", "a link to a device", |it| {
            symlink("/dev/zero", it.path(".gitattributes")).expect("a link");
        }),
        ("UnsupportedRepository", "reftable", |it| {
            it.git(["config", "extensions.refStorage", "reftable"]);
        }),
        ("UnsupportedRepository", "SHA-256", |it| {
            it.git(["config", "extensions.objectFormat", "sha256"]);
        }),
    ];
    for (reason, what, spoil) in cases {
        let fixture = Fixture::new();
        spoil(&fixture);
        let error = summary(&fixture).expect_err(what);
        assert_eq!(error.reason(), reason, "{what}: {error}");
    }
}

fn fifo(path: &Path) {
    drop(fs::remove_file(path));
    mkfifo(path, Mode::S_IRWXU).expect("a FIFO");
}

#[test]
fn damage_is_an_error_and_no_panic() {
    for (name, content) in [
        (".git/index", &b"DIRC and then nothing"[..]),
        (".git/HEAD", b"\xff\xfe"),
        (".git/HEAD", b"0123456789012345678901234567890123456789\n"),
    ] {
        let fixture = Fixture::new();
        fixture.write(name, content);
        summary(&fixture).expect_err(name);
    }
    let fixture = Fixture::new();
    fixture.commit("one");
    let head = fixture.git(["rev-parse", "HEAD"]);
    let object = fixture.path(&format!(".git/objects/{}/{}", &head[..2], &head[2..]));
    fs::remove_file(&object).expect("an object");
    write(Path::new("/"), object.to_str().expect("UTF-8"), "garbage");
    let error = summary(&fixture).expect_err("a damaged commit");
    assert_eq!(error.reason(), "DamagedRepository");
}

#[test]
fn a_deadline_ends_it_wherever_it_is() {
    let fixture = Fixture::new();
    for number in 0..50 {
        fixture.write(&format!("ignored/{number}"), "x");
    }
    fixture.write(".git/info/exclude", "ignored/*\n");
    let asked = Cell::new(0);
    let count = || {
        asked.set(asked.get() + 1);
        false
    };
    summarise(&fixture.work, &fixture.start, &count).expect("a summary");
    let all = asked.get();
    assert!(all > 50, "asked {all} times");
    for limit in (0..all).step_by(7) {
        asked.set(0);
        let stop = || {
            asked.set(asked.get() + 1);
            asked.get() > limit
        };
        let error = summarise(&fixture.work, &fixture.start, &stop).expect_err("stopped");
        assert_eq!(error.reason(), "Stopped");
    }
}
