//! Input files are there before the agent is, or the run says why not.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

use agent_tests::{Ended, Run};
use serde_json::{Value, json};

/// A run whose agent only says that it was started, with these files.
fn with_files(run: Run, files: &Value) -> Run {
    let started = run.path("started");
    run.agent(["touch", &started.display().to_string()])
        .spec("/adapter/exec/inputFiles", files.clone())
}

/// Asserts that a run ended before its agent was started, and how.
#[track_caller]
fn assert_refused(ended: &Ended, code: i32, reason: &str) {
    assert_eq!(ended.code, code, "{}", ended.stderr);
    assert_eq!(ended.reason(), reason, "{}", ended.error());
    if code == 74 {
        assert_eq!(ended.outcome(), "WorkspaceFailed");
    }
    ended.assert_the_controller_reads_it();
    assert!(
        !ended.dir.path().join("started").exists(),
        "the agent was started"
    );
}

#[test]
fn parents_are_made_and_modes_are_set() {
    let run = Run::new();
    let (deep, secret) = (run.path("a/b/c/file.md"), run.path("secret"));
    let ended = with_files(
        run,
        &json!([
            { "path": deep, "content": "# {{inputs.title}}\n" },
            { "path": secret, "content": "", "mode": "0600" },
            { "path": "relative/to/cwd", "content": "x", "mode": "755" },
        ]),
    )
    .spec("/inputs", json!({ "title": "\u{65e5}\u{672c}" }))
    .end();
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert_eq!(
        fs::read_to_string(&deep).expect("it is there"),
        "# \u{65e5}\u{672c}\n"
    );
    let mode = |path: &std::path::Path| fs::metadata(path).expect("it is there").mode() & 0o7777;
    assert_eq!(mode(&deep), 0o644);
    assert_eq!(mode(&secret), 0o600);
    assert_eq!(mode(&ended.dir.path().join("relative/to/cwd")), 0o755);
}

#[test]
fn files_are_there_before_the_agent() {
    let run = Run::new().spec(
        "/adapter/exec/inputFiles",
        json!([{ "path": "in/task.md", "content": "do it" }]),
    );
    let ended = run.agent(["cat", "in/task.md"]).end();
    assert_eq!(ended.stdout, b"do it");
}

#[test]
fn a_later_file_overwrites_an_earlier() {
    let ended = with_files(
        Run::new(),
        &json!([
            { "path": "file", "content": "a long first content" },
            { "path": "file", "content": "second" },
        ]),
    )
    .end();
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert_eq!(
        fs::read(ended.dir.path().join("file")).expect("it is there"),
        b"second"
    );
}

/// Mounts a file of this content, read-only, where an input file will be.
fn mounted(content: &str) -> Run {
    let run = Run::new();
    fs::write(run.path("source"), content).expect("it can be written");
    with_files(run, &json!([{ "path": "sub/file", "content": "as rendered\n" }])).mounting(
        "mkdir \"$dir/sub\"; touch \"$dir/sub/file\"; mount --bind \"$dir/source\" \"$dir/sub/file\"\n\
         mount -o remount,bind,ro \"$dir/sub/file\"",
    )
}

#[test]
fn the_same_file_mounted_read_only_is_left_as_it_is() {
    let ended = mounted("as rendered\n").end();
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert!(ended.dir.path().join("started").exists());
}

#[test]
fn another_file_mounted_read_only_is_refused() {
    for content in ["something else\n", "as rendered", "as rendered\n\n", ""] {
        let ended = mounted(content).end();
        assert_refused(&ended, 74, "ReadOnly");
        assert!(ended.error().contains("sub/file"), "{}", ended.error());
        let source = fs::read_to_string(ended.dir.path().join("source"));
        assert_eq!(source.expect("it is there"), content);
    }
}

#[test]
fn a_missing_file_on_a_read_only_mount_is_refused() {
    let ended = with_files(
        Run::new(),
        &json!([{ "path": "mount/file", "content": "x" }]),
    )
    .mounting("mkdir \"$dir/mount\"; mount -t tmpfs -o ro mount \"$dir/mount\"")
    .end();
    assert_refused(&ended, 74, "ReadOnly");
}

#[test]
fn no_symbolic_link_in_the_workspace_is_followed() {
    // In the middle, at the end, at the end and dangling, and to a directory inside.
    for (link, target, file) in [
        ("link", "outside", "link/file"),
        ("file", "outside/victim", "file"),
        ("file", "outside/not-there", "file"),
        ("link", "inside", "link/deeper/file"),
    ] {
        let run = Run::new();
        fs::create_dir_all(run.path("work/inside/deeper")).expect("it can be made");
        fs::create_dir(run.path("outside")).expect("it can be made");
        fs::write(run.path("outside/victim"), "precious").expect("it can be written");
        symlink(
            run.path(&format!("work/../{target}")),
            run.path(&format!("work/{link}")),
        )
        .expect("it can be made");
        let work = run.path("work");
        let file = work.join(file);
        let ended = with_files(run, &json!([{ "path": file, "content": "overwritten" }]))
            .setting("cwd", json!(work))
            .end();
        assert_refused(&ended, 74, "SymbolicLink");
        let outside = ended.dir.path().join("outside");
        assert_eq!(
            fs::read_to_string(outside.join("victim")).expect("it is there"),
            "precious"
        );
        assert_eq!(
            fs::read_dir(outside).expect("it is there").count(),
            1,
            "something was made outside"
        );
    }
}

#[test]
fn a_path_upwards_is_an_invalid_spec() {
    for path in ["../file", "{{inputs.path}}", "/tmp/a/../b"] {
        let ended = with_files(Run::new(), &json!([{ "path": path, "content": "x" }]))
            .spec("/inputs", json!({ "path": "sub/../../file" }))
            .end();
        assert_refused(&ended, 65, "BadPath");
    }
}

#[test]
fn a_path_that_renders_to_nothing_is_an_invalid_spec() {
    let ended = with_files(
        Run::new(),
        &json!([{ "path": "{{inputs.nothing}}", "content": "x" }]),
    )
    .end();
    assert_refused(&ended, 65, "BadPath");
}

#[test]
fn a_mode_that_is_none_is_an_invalid_spec() {
    for mode in ["rw-r--r--", "0888", "4755"] {
        let ended = with_files(
            Run::new(),
            &json!([{ "path": "f", "content": "x", "mode": mode }]),
        )
        .end();
        assert_refused(&ended, 65, "BadMode");
    }
}

#[test]
fn a_directory_in_a_files_place_is_refused() {
    let run = Run::new();
    fs::create_dir(run.path("taken")).expect("it can be made");
    let ended = with_files(run, &json!([{ "path": "taken", "content": "x" }])).end();
    assert_refused(&ended, 74, "NotAFile");
}

#[test]
fn a_file_in_a_directorys_place_is_refused() {
    let run = Run::new();
    fs::write(run.path("taken"), "precious").expect("it can be written");
    let ended = with_files(run, &json!([{ "path": "taken/file", "content": "x" }])).end();
    assert_refused(&ended, 74, "DirectoryUnusable");
    assert_eq!(
        fs::read(ended.dir.path().join("taken")).expect("it is there"),
        b"precious"
    );
}

#[test]
fn a_fifo_in_a_files_place_holds_nobody_up() {
    let run = Run::new();
    nix::unistd::mkfifo(&run.path("fifo"), nix::sys::stat::Mode::S_IRWXU).expect("it can be made");
    let ended = with_files(run, &json!([{ "path": "fifo", "content": "x" }])).end();
    assert_refused(&ended, 74, "NotAFile");
}

#[test]
fn a_full_disk_is_named() {
    let content = "x".repeat(200_000);
    let started = with_files(
        Run::new(),
        &json!([
            { "path": "small/fits", "content": "fits" },
            { "path": "small/does-not", "content": content },
        ]),
    )
    .mounting("mkdir \"$dir/small\"; mount -t tmpfs -o size=64k work \"$dir/small\"")
    .end();
    assert_refused(&started, 74, "DiskFull");
    assert!(
        started.error().contains("small/does-not"),
        "{}",
        started.error()
    );
    assert!(
        started.error().contains("No space left on device"),
        "{}",
        started.error()
    );
    assert_eq!(started.status["retryable"], true);
}

#[test]
fn a_disk_without_room_for_another_directory_is_named() {
    let ended = with_files(
        Run::new(),
        &json!([{ "path": "small/a/b/c", "content": "x" }]),
    )
    .mounting("mkdir \"$dir/small\"; mount -t tmpfs -o size=64k,nr_inodes=2 work \"$dir/small\"")
    .end();
    assert_refused(&ended, 74, "DiskFull");
}

#[test]
fn a_name_that_no_file_can_have_is_refused() {
    let ended = with_files(
        Run::new(),
        &json!([{ "path": "n".repeat(300), "content": "x" }]),
    )
    .end();
    assert_refused(&ended, 74, "WriteFailed");
    assert!(ended.error().contains("too long"), "{}", ended.error());
}

#[test]
fn a_path_longer_than_the_kernels_limit_is_written() {
    // Each step is by handle, so only the names have a limit.
    let path = format!("{}file", "directory/".repeat(500));
    let ended = with_files(Run::new(), &json!([{ "path": path, "content": "deep" }])).end();
    assert_eq!(ended.code, 0, "{}", ended.stderr);
}

#[test]
fn a_directory_of_somebody_else_says_so() {
    let run = Run::new();
    if !nix::unistd::geteuid().is_root() {
        // Nobody to be: another user can only be had by root.
        return;
    }
    let open = fs::Permissions::from_mode(0o777);
    fs::set_permissions(run.dir(), open).expect("it is ours");
    fs::create_dir(run.path("theirs")).expect("it can be made");
    // The runner and its agent must be readable to that user, wherever the checkout is.
    let ended = with_files(run, &json!([{ "path": "theirs/file", "content": "x" }]))
        .through([
            "setpriv",
            "--reuid=65534",
            "--regid=65534",
            "--clear-groups",
        ])
        .end();
    assert_refused(&ended, 74, "WriteFailed");
    assert!(
        ended.error().contains("Permission denied"),
        "{}",
        ended.error()
    );
}

#[test]
fn directories_that_may_be_passed_but_not_listed_are_no_obstacle() {
    let run = Run::new();
    if !nix::unistd::geteuid().is_root() {
        // A directory that its owner may not list is none that somebody else owns.
        return;
    }
    let mode = |path: &std::path::Path, mode| {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("it is ours");
    };
    for name in ["agent", "passed/own"] {
        fs::create_dir_all(run.path(name)).expect("it can be made");
        mode(&run.path(name), 0o777);
    }
    mode(&run.path("passed"), 0o711);
    mode(run.dir(), 0o711);
    let file = run.path("passed/own/sub/file");
    let ended = run
        .spec(
            "/adapter/exec/inputFiles",
            json!([{ "path": file, "content": "x" }]),
        )
        .agent(["cat", &file.display().to_string()])
        .through([
            "setpriv",
            "--reuid=43210",
            "--regid=43210",
            "--clear-groups",
        ])
        .end();
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert_eq!(ended.stdout, b"x");
}

#[test]
fn the_same_file_of_a_configmap_volume_is_left_as_it_is() {
    let with = |content: &str| {
        let run = Run::new();
        fs::create_dir_all(run.path("mount/..2026")).expect("it can be made");
        fs::write(run.path("mount/..2026/a.txt"), "as rendered\n").expect("it can be written");
        symlink("..2026", run.path("mount/..data")).expect("it can be made");
        symlink("..data/a.txt", run.path("mount/a.txt")).expect("it can be made");
        with_files(run, &json!([{ "path": "mount/a.txt", "content": content }])).end()
    };
    let ended = with("as rendered\n");
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert!(ended.dir.path().join("mount/a.txt").is_symlink());
    assert_refused(&with("something else\n"), 74, "SymbolicLink");
}
