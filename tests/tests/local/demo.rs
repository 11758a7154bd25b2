//! The manifests of `make demo`: they work with no network, and write nowhere but where they are told.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use agent_tests::{Repository, binary};
use nix::unistd::geteuid;
use serde_json::Value;

use crate::bench::{Bench, Ended};

/// The directory of the demo.
pub(crate) const DEMO: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/demo");

/// No network but a loopback that is down, and everything read-only but the directory `$place`. The
/// rest of the words is the command.
const ALONE: &str = r#"
mount --bind "$place" "$place"
while read -r _ mounted _; do
    [ "$mounted" = "$place" ] || mount -o remount,bind,ro "$mounted" 2>/dev/null || :
done < /proc/self/mounts
cd "$place"
for other in / /tmp /var/tmp /dev/shm /run "$HOME" "$TMPDIR"; do
    [ "$other" != "$place" ] || continue
    if touch "$other/.probe" 2>/dev/null; then echo "$other can be written" >&2; exit 99; fi
done
if grep -v -e lo: -e '|' /proc/net/dev >&2; then echo 'there is a network' >&2; exit 99; fi
exec "$@"
"#;

/// Runs the demo alone; it can only write to the place.
fn alone(bench: &Bench, place: &str, words: &[&str]) -> Ended {
    // Others than root may only do so in a user namespace, in which they are root.
    let unshare = if geteuid().is_root() { "-mn" } else { "-Urmn" };
    let dir = bench.path("").canonicalize().expect("it is there");
    let place = dir.join(place);
    let script = format!("set -eu; place='{}'\n{ALONE}", place.display());
    let output = Command::new("unshare")
        .args([unshare, "sh", "-c", &script, "sh"])
        .arg(binary("agent-runner"))
        .args(["local", DEMO])
        .args(words)
        .env_clear()
        .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
        .env("HOME", dir.join("home"))
        .env("TMPDIR", dir.join("tmp"))
        .output()
        .expect("unshare is there");
    Ended {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// A bench with a workspace.
fn bench() -> Bench {
    let bench = Bench::new();
    fs::create_dir(bench.path("here")).expect("it can be made");
    bench
}

/// The status of a run in `here`, whole.
pub(crate) fn status(bench: &Bench) -> Value {
    let text = fs::read(bench.path("here/workspace/.agent/status.full.json"));
    serde_json::from_slice(&text.expect("there is a status")).expect("it is JSON")
}

/// The repository of the demo, with the files of the demo.
pub(crate) fn portal() -> Repository {
    let files = fs::read_dir(Path::new(DEMO).join("portal")).expect("it is there");
    let files: Vec<(String, String)> = files
        .flatten()
        .map(|file| {
            let name = file.file_name().into_string().expect("it is text");
            (name, fs::read_to_string(file.path()).expect("it is text"))
        })
        .collect();
    let files = files
        .iter()
        .map(|(name, text)| (name.as_str(), text.as_str()));
    Repository::new().commit("main", files)
}

#[test]
fn without_a_network_and_on_a_read_only_root_the_demo_works() {
    let (bench, portal) = (bench(), portal());
    let repository = format!("repository={}", portal.url());
    let words = ["--agent", "fake", "--workspace", ".", "--set", &repository];
    let ended = alone(&bench, "here", &words);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    for part in [
        "outcome    Completed",
        "A REPORT.md",
        "/artifacts/fix-login/report.md",
    ] {
        assert!(ended.stderr.contains(part), "{part}: {}", ended.stderr);
    }
    let (report, stored) = (
        "here/workspace/repo/REPORT.md",
        "here/artifacts/fix-login/report.md",
    );
    let text = |name: &str| fs::read_to_string(bench.path(name)).expect("it is there");
    assert_eq!(text(report), text(stored));
    assert_eq!(status(&bench)["git"]["branch"], "main");
    assert_eq!(bench.left(), Vec::<std::path::PathBuf>::new());
    let home = fs::read_dir(bench.path("home")).expect("it is there");
    assert_eq!(home.count(), 0);
}

#[test]
fn without_a_workspace_nothing_stays() {
    let bench = Bench::new();
    let ended = alone(&bench, "tmp", &["--agent", "fake"]);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert_eq!(bench.left(), Vec::<std::path::PathBuf>::new());
}

#[test]
fn the_demo_is_there_for_codex_too() {
    let bench = bench();
    let codex = format!("{DEMO}/codex");
    let words = [
        &codex,
        "--name",
        "fix-login-codex",
        "--agent",
        "fake",
        "--workspace",
        ".",
    ];
    let ended = alone(&bench, "here", &words);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert_eq!(status(&bench)["adapter"], "codex-app-server");
    assert!(
        bench
            .path("here/artifacts/fix-login-codex/report.md")
            .exists()
    );
}

/// Says what claude would, and does the work of the demo.
const CLAUDE: &str = r#"#!/bin/sh
read -r asked
sed -i 's/anwser/answer/' login.sh
echo fixed > REPORT.md
echo '{"type":"system","subtype":"init","session_id":"s"}'
echo '{"type":"result","subtype":"success","is_error":false,"num_turns":1,"session_id":"s","result":"done","usage":{"input_tokens":12,"output_tokens":3}}'
cat > /dev/null
"#;

#[test]
fn an_agent_of_this_machine_takes_the_place_of_the_providers() {
    let (bench, portal) = (bench(), portal());
    let programs = bench.path("home/programs");
    fs::create_dir(&programs).expect("it can be made");
    let claude = programs.join("claude");
    fs::write(&claude, CLAUDE).expect("it can be written");
    fs::set_permissions(&claude, fs::Permissions::from_mode(0o755)).expect("it is ours");
    let path = format!("{}:{}", programs.display(), Bench::PATH);
    let repository = format!("repository={}", portal.url());
    let demo = [DEMO, "--workspace", "here", "--set", &repository, "--agent"];
    let play = |agent: &str| {
        let words = demo.iter().copied().chain([agent]).collect::<Vec<_>>();
        bench.local_with(words, &[("PATH", &path)], "")
    };
    let ended = play("claude");
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    for part in ["changed    2 files", "A REPORT.md", "M login.sh"] {
        assert!(ended.stderr.contains(part), "{part}: {}", ended.stderr);
    }
    assert_eq!(status(&bench)["binary"], claude.display().to_string());

    fs::rename(&claude, programs.join("codex")).expect("it is ours");
    let ended = play("claude");
    assert_eq!(ended.code, 66, "{}", ended.stderr);
    let missing = "there is no `claude` in `PATH`";
    assert!(ended.stderr.contains(missing), "{}", ended.stderr);
    // The provider of the demo talks to claude.
    let ended = play("codex");
    assert_eq!(ended.code, 66, "{}", ended.stderr);
    let other = "does not talk to its agent as to `codex`";
    assert!(ended.stderr.contains(other), "{}", ended.stderr);
}
