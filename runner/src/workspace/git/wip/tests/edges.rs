//! Lists, deadlines, damage and hostile places.

use super::*;

#[test]
fn untracked_files_are_listed_as_git_lists_them() {
    let fixture = Fixture::new();
    fixture.write(".git/info/exclude", "*.log\nignored/\n");
    for name in [
        "x.log",
        "ignored/x",
        "new",
        "dir/new",
        "deep/er/new",
        "with space",
    ] {
        fixture.write(name, "12345");
    }
    fixture.write("tab\tquote\"back\\new\nline\x01", "");
    let odd = fixture.work.join(OsStr::from_bytes(b"not \xff utf-8"));
    fs::write(&odd, "x").expect("a file");
    symlink("/etc", fixture.path("link")).expect("a link");
    mkfifo(&fixture.path("fifo"), Mode::S_IRWXU).expect("a FIFO");
    let _socket = UnixListener::bind(fixture.path("socket")).expect("a socket");
    fs::create_dir_all(fixture.path("nested")).expect("a directory");
    git(&fixture.path("nested"), ["init", "-q"]);
    write(&fixture.path("nested"), "inside", "x");
    let wip = whole(&fixture);
    let git = fixture.git(["ls-files", "--others", "--exclude-standard"]);
    let mut expected: Vec<&str> = git.lines().collect();
    let list = listed(&fixture);
    let mut names: Vec<&str> = list
        .lines()
        .filter_map(|line| Some(line.split_once('\t')?.1))
        .collect();
    expected.sort_unstable();
    names.sort_unstable();
    assert_eq!(names, expected);
    assert_eq!(wip.untracked, expected.len() as u64);
    assert!(list.contains("5\tdir/new\n") && list.contains("-\tnested/\n"));
}

#[test]
fn a_list_has_an_end_and_says_how_many_more() {
    let fixture = Fixture::new();
    fs::create_dir(fixture.path("many")).expect("a directory");
    for number in 0..100_003 {
        // A link is the cheapest to make, and a file to git.
        symlink("x", fixture.path(&format!("many/{number}"))).expect("a link");
    }
    let wip = whole(&fixture);
    assert_eq!(wip.untracked, 100_003);
    let list = listed(&fixture);
    assert_eq!(list.lines().count(), 100_001);
    assert!(list.ends_with("\nand 3 more\n"));
}

#[test]
fn a_directory_in_the_work_tree_does_not_list_itself() {
    let fixture = Fixture::new();
    fixture.write("new", "new");
    let into = fixture.path("out/wip");
    for _ in 0..2 {
        let wip = save(&fixture.work, &fixture.start, &into, &redactor(), &|| false);
        assert_eq!(wip.expect("saved").untracked, 1);
    }
    let mode = fs::metadata(&into)
        .expect("a directory")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o700);
}

#[test]
fn a_deadline_keeps_what_is_done_and_says_what_is_not() {
    let fixture = Fixture::new();
    for number in 0..20 {
        fixture.write(&format!("tracked/{number}"), "x");
    }
    fixture.git(["add", "-A"]);
    fixture.git(["commit", "-qm", "one"]);
    for number in 0..20 {
        fixture.write(&format!("tracked/{number}"), format!("changed {number}\n"));
        fixture.write(&format!("new/{number}"), "x");
    }
    let asked = Cell::new(0);
    let run = |limit: u32| {
        asked.set(0);
        let stop = || {
            asked.set(asked.get() + 1);
            asked.get() > limit
        };
        save(
            &fixture.work,
            &fixture.start,
            &into(&fixture),
            &redactor(),
            &stop,
        )
    };
    assert!(run(u32::MAX).expect("all of it").incomplete.is_empty());
    let all = asked.get();
    let mut seen = [0_u32; 4];
    for limit in 0..all {
        let wip = match run(limit) {
            Ok(wip) => wip,
            Err(error) => {
                assert_eq!(error.reason(), "Stopped");
                seen[0] += 1;
                continue;
            }
        };
        let stopped: Vec<Part> = wip
            .incomplete
            .iter()
            .map(|error| match error {
                WipError::Stopped { part } => *part,
                error => panic!("{error}"),
            })
            .collect();
        // It may ask once less than the first time: what counts is whether it was told to stop.
        let was_told = asked.get() > limit;
        assert_eq!(
            stopped.contains(&Part::Untracked),
            was_told,
            "{limit} of {all}"
        );
        assert_eq!(wip.bundle.is_none(), stopped.contains(&Part::Commits));
        seen[if wip.bundle.is_none() { 1 } else { 2 }] += 1;
        if wip.patch.is_some() && stopped.contains(&Part::Changes) {
            seen[3] += 1;
            if wip.changed == 7 {
                let fresh = restored(&fixture, &wip);
                let changed = git(&fresh, ["status", "--porcelain"]);
                assert_eq!(changed.lines().count(), 7);
            }
        }
        let left = fs::read_dir(into(&fixture)).expect("files");
        for name in left.map(|file| file.expect("a file").file_name()) {
            assert!(!name.as_bytes().starts_with(b"."), "{name:?} is left");
        }
    }
    assert!(seen.iter().all(|count| *count > 0), "{seen:?}");
}

#[test]
fn a_file_that_cannot_be_read_is_named_and_the_others_are_saved() {
    let fixture = Fixture::new();
    fixture.write("a", "changed\n");
    fixture.write("dir/c", "changed\n");
    let blob = fixture.git(["rev-parse", "HEAD:a"]);
    fs::remove_file(fixture.path(&format!(".git/objects/{}/{}", &blob[..2], &blob[2..])))
        .or_else(|_| {
            fs::rename(
                fixture.path(".git/objects/pack"),
                fixture.dir.path().join("pack"),
            )?;
            for pack in fs::read_dir(fixture.dir.path().join("pack"))? {
                let pack = pack?.path();
                if pack.extension() == Some(OsStr::new("pack")) {
                    let script = format!("git unpack-objects -q < '{}'", pack.display());
                    let done = std::process::Command::new("sh")
                        .args(["-c", &script])
                        .current_dir(&fixture.work)
                        .status()?;
                    assert!(done.success());
                }
            }
            fs::remove_file(fixture.path(&format!(".git/objects/{}/{}", &blob[..2], &blob[2..])))
        })
        .expect("an object");
    let wip = saved(&fixture);
    assert_eq!(wip.changed, 1);
    assert!(
        matches!(&wip.incomplete[..], [WipError::Omitted { what, .. }] if what == "a"),
        "{:?}",
        wip.incomplete
    );
    let patch = fs::read_to_string(into(&fixture).join("changes.patch")).expect("a patch");
    assert!(patch.starts_with("diff --git a/dir/c b/dir/c\n"));
}

#[test]
fn hostile_places_are_errors_and_leave_nothing() {
    let fixture = Fixture::new();
    fs::rename(fixture.path(".git"), fixture.dir.path().join("moved")).expect(".git");
    symlink(fixture.dir.path().join("moved"), fixture.path(".git")).expect("a link");
    let error = save(
        &fixture.work,
        &fixture.start,
        &into(&fixture),
        &redactor(),
        &|| false,
    );
    assert_eq!(error.expect_err("a link").reason(), "OutsideWorkTree");
    assert_eq!(
        fs::read_dir(into(&fixture)).expect("a directory").count(),
        0
    );
    let file = fixture.path("a");
    let error = save(&fixture.work, &fixture.start, &file, &redactor(), &|| false);
    assert_eq!(error.expect_err("a file").reason(), "DirectoryUnusable");
}

#[test]
fn a_directory_of_the_tree_that_became_a_link_is_not_gone_through() {
    let fixture = Fixture::new();
    let outside = fixture.dir.path().join("outside");
    write(&outside, "c", "not yours\n");
    fs::remove_dir_all(fixture.path("dir")).expect("a directory");
    symlink(&outside, fixture.path("dir")).expect("a link");
    let wip = whole(&fixture);
    let patch = fs::read_to_string(into(&fixture).join("changes.patch")).expect("a patch");
    assert!(!patch.contains("not yours") && patch.contains("deleted file mode"));
    assert_eq!(wip.untracked, 1);
}
