//! `install`: the executable in a directory that another container mounts.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::process::Command;

use agent_tests::{Ended, Run, binary};

/// Starts `agent-runner install bin` in the run's directory.
fn install(run: Run) -> Ended {
    run.arg("bin").start_with(Some("install".into())).end()
}

/// Names of what is in the directory.
fn names(ended: &Ended) -> Vec<String> {
    let entries = fs::read_dir(ended.dir.path().join("bin")).expect("it is there");
    let name = |entry: std::io::Result<fs::DirEntry>| entry.expect("it is there").file_name();
    entries
        .map(|entry| name(entry).to_string_lossy().into_owned())
        .collect()
}

#[test]
fn the_copy_is_the_executable_and_says_where_it_is() {
    let ended = install(Run::new());
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert_eq!(ended.text(), "bin/agent-runner\n");
    assert_eq!(names(&ended), ["agent-runner"]);
    let copy = ended.dir.path().join("bin/agent-runner");
    let bytes = |path| fs::read(path).expect("it can be read");
    assert!(bytes(copy.clone()) == bytes(binary("agent-runner")));
    let version = Command::new(copy).arg("--version").output();
    let version = version.expect("it can be executed").stdout;
    assert!(version.starts_with(b"agent-runner "));
}

#[test]
fn everybody_may_execute_it_whatever_the_umask_is() {
    let run = Run::new().through(["sh", "-c", "umask 077; exec \"$@\"", "sh"]);
    let ended = install(run);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let copy = ended.dir.path().join("bin/agent-runner");
    let mode = fs::metadata(copy)
        .expect("it is there")
        .permissions()
        .mode();
    assert_eq!(mode & 0o7777, 0o755);
}

#[test]
fn what_was_there_is_replaced_and_not_written_into() {
    let run = Run::new();
    fs::create_dir(run.path("bin")).expect("it can be made");
    fs::write(run.path("bin/agent-runner"), "older").expect("it can be written");
    // Whoever has it open, or under another name, keeps what it had.
    fs::hard_link(run.path("bin/agent-runner"), run.path("older")).expect("it can be linked");
    let ended = install(run);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert_eq!(names(&ended), ["agent-runner"]);
    let dir = ended.dir.path();
    let older = fs::read_to_string(dir.join("older")).expect("it is there");
    assert_eq!(older, "older");
    let size = fs::metadata(dir.join("bin/agent-runner")).map(|it| it.size());
    assert!(size.expect("it is there") > 1_000_000);
}

#[test]
fn a_link_of_that_name_is_replaced_and_not_followed() {
    let run = Run::new();
    fs::create_dir(run.path("bin")).expect("it can be made");
    fs::write(run.path("precious"), "precious").expect("it can be written");
    symlink("../precious", run.path("bin/agent-runner")).expect("it can be linked");
    let ended = install(run);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let precious = fs::read_to_string(ended.dir.path().join("precious"));
    assert_eq!(precious.expect("it is there"), "precious");
}

#[test]
fn a_file_is_no_directory_to_install_into() {
    let run = Run::new();
    fs::write(run.path("bin"), "").expect("it can be written");
    let ended = install(run);
    assert_eq!(ended.code, 74, "{}", ended.stderr);
    assert!(ended.stderr.contains("`bin`"), "{}", ended.stderr);
    assert!(
        ended.stderr.contains("name a directory"),
        "{}",
        ended.stderr
    );
    assert_eq!(ended.text(), "");
}

#[test]
fn a_directory_of_that_name_is_not_replaced_and_nothing_is_left() {
    let run = Run::new();
    fs::create_dir_all(run.path("bin/agent-runner")).expect("it can be made");
    let ended = install(run);
    assert_eq!(ended.code, 74, "{}", ended.stderr);
    let said = "`bin/agent-runner` cannot be replaced";
    assert!(ended.stderr.contains(said), "{}", ended.stderr);
    assert_eq!(names(&ended), ["agent-runner"]);
}

#[test]
fn a_volume_that_cannot_be_written_to_is_named_with_what_to_do() {
    let run = Run::new().mounting(r#"mkdir "$dir/bin"; mount -t tmpfs -o ro none "$dir/bin""#);
    let ended = install(run);
    assert_eq!(ended.code, 74, "{}", ended.stderr);
    let said = "no copy can be written into `bin`";
    assert!(ended.stderr.contains(said), "{}", ended.stderr);
    assert!(ended.stderr.contains("mount a volume"), "{}", ended.stderr);
}

#[test]
fn a_full_volume_is_left_without_a_part_of_it() {
    // The listing is of the namespace in which the volume is mounted, after the runner has ended.
    let script = r#"mkdir "$dir/bin"; mount -t tmpfs -o size=64k none "$dir/bin""#;
    let listing = r#""$@"; code=$?; ls -A "$0/bin" > "$0/left"; exit $code"#;
    let run = Run::new();
    let dir = run.dir().to_string_lossy().into_owned();
    let run = run
        .mounting(script)
        .through_also(["sh", "-c", listing, &dir]);
    let ended = install(run);
    assert_eq!(ended.code, 74, "{}", ended.stderr);
    assert!(ended.stderr.contains("more space"), "{}", ended.stderr);
    let left = fs::read_to_string(ended.dir.path().join("left"));
    assert_eq!(left.expect("it is there"), "");
}
