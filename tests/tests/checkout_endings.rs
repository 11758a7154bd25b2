//! What is said of the work tree when a run ends, however it ends, and what is saved of it.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use agent_tests::{
    DEADLINE, Ended, Entry, Git, GitServer, Repository, Run, Started, checked_out, git, wait_until,
};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};

/// What the scripts commit as.
const COMMIT: &str = "git -c user.name=A -c user.email=a@example.com commit -q";

fn repository() -> Repository {
    Repository::new().commit(
        "main",
        [
            Entry::file("README", "hello\n"),
            Entry::file("gone", "soon\n"),
            Entry::file("image", [0, 1, 2, 255, 0, 10, 13]),
            Entry::file("tool", "#!/bin/sh\n"),
            Entry::link("link", "README"),
            Entry::file(".gitignore", "*.log\n"),
        ],
    )
}

fn serve(repository: &Repository) -> GitServer {
    GitServer::new().serve("owner/name", repository)
}

/// A run on `main` with a script in which `$COMMIT` commits.
fn with(server: &GitServer, script: &str) -> Run {
    let run = Run::new();
    let repo = run.path("repo");
    let script = format!("set -eu\ncommit() {{ {COMMIT} \"$@\"; }}\n{script}");
    run.shell(&script)
        .setting("cwd", json!(repo))
        .setting("workspace/git/url", json!(server.url("owner/name")))
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
}

fn repo(ended: &Ended) -> PathBuf {
    ended.dir.path().join("repo")
}

fn wip(ended: &Ended, name: &str) -> PathBuf {
    ended.dir.path().join("agent/workspace-wip").join(name)
}

/// Commit, branch, ahead and dirty, as the status has them.
fn summary(status: &Value) -> (&str, Option<&str>, u64, bool) {
    let git = &status["git"];
    assert_eq!(git["error"], Value::Null, "{status}");
    (
        git["commit"].as_str().expect("there is a commit"),
        git["branch"].as_str(),
        git["ahead"].as_u64().expect("it is known"),
        git["dirty"].as_bool().expect("it is known"),
    )
}

fn status_of(started: &Started) -> Option<Value> {
    serde_json::from_slice(&fs::read(started.path("agent/status.json")).ok()?).ok()
}

#[test]
fn the_status_says_what_became_of_the_work_tree() {
    let repository = repository();
    let server = serve(&repository);
    let base = repository.rev("main");
    for (script, branch, ahead, dirty) in [
        ("true", Some("main"), 0, false),
        ("commit --allow-empty -m one", Some("main"), 1, false),
        (
            "commit --allow-empty -m one; commit --allow-empty -m two; echo x >README",
            Some("main"),
            2,
            true,
        ),
        ("echo x >README", Some("main"), 0, true),
        ("echo x >README; git add README", Some("main"), 0, true),
        ("rm gone", Some("main"), 0, true),
        ("chmod +x tool", Some("main"), 0, true),
        ("ln -sf tool link", Some("main"), 0, true),
        ("touch README", Some("main"), 0, false),
        ("echo x >new", Some("main"), 0, true),
        ("echo x >ignored.log", Some("main"), 0, false),
        ("mkdir empty", Some("main"), 0, false),
        ("git checkout -q --detach", None, 0, false),
        (
            "git checkout -q --detach; commit --allow-empty -m x",
            None,
            1,
            false,
        ),
        (
            "git checkout -q -b other/branch",
            Some("other/branch"),
            0,
            false,
        ),
        (
            "git checkout -q -b other; commit --allow-empty -m x; echo x >new",
            Some("other"),
            1,
            true,
        ),
        ("git pack-refs --all; git gc -q", Some("main"), 0, false),
        (
            "cd ..; rm -rf other; mkdir other; cd repo",
            Some("main"),
            0,
            false,
        ),
    ] {
        let ended = with(&server, script).end();
        assert_eq!(ended.code, 0, "{script}: {}", ended.stderr);
        let found = checked_out(repo(&ended));
        let commit = found.commit.expect("there is one");
        let wanted = (&*commit, branch, ahead, dirty);
        assert_eq!(summary(&ended.status), wanted, "{script}");
        assert_eq!(ended.status["git"]["base"], *base, "{script}");
        assert_eq!(ended.status["git"]["url"], server.url("owner/name"));
        // The CLI agrees.
        assert_eq!(
            found.status.is_empty(),
            !dirty,
            "{script}: {}",
            found.status
        );
    }
}

#[test]
fn commits_that_were_pushed_are_not_ahead() {
    let repository = repository().config("http.receivepack", "true");
    let server = serve(&repository);
    let script = "commit --allow-empty -m one; git push -q origin HEAD:refs/heads/new";
    let ended = with(&server, script)
        .setting("workspace/wip", json!(true))
        .end();
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let (_, _, ahead, dirty) = summary(&ended.status);
    assert_eq!((ahead, dirty), (0, false));
    assert!(!wip(&ended, "commits.bundle").exists());
}

#[test]
fn an_agent_that_removes_the_repository_changes_nothing_but_what_is_said() {
    let repository = repository();
    let server = serve(&repository);
    for (script, word) in [
        ("rm -rf .git", "no repository"),
        ("rm -rf .git; mkfifo .git", ".git"),
        ("mv .git ../elsewhere; ln -s ../elsewhere .git", ".git"),
        ("cd ..; rm -rf repo", "repo"),
        ("rm .git/index; mkfifo .git/index", "index"),
    ] {
        for wip in [false, true] {
            let run = with(&server, script).setting("workspace/wip", json!(wip));
            let ended = run.end();
            assert_eq!((ended.code, ended.outcome()), (0, "Completed"), "{script}");
            let error = ended.status["git"]["error"].as_str().unwrap_or_default();
            assert!(error.contains(word), "{script}: {}", ended.status);
            assert_eq!(ended.status["git"]["base"], *repository.rev("main"));
            assert_eq!(ended.status["git"]["dirty"], Value::Null, "{script}");
            ended.assert_the_controller_reads_it();
        }
    }
}

#[test]
fn an_agent_that_fails_leaves_its_summary_too() {
    let server = serve(&repository());
    let ended = with(&server, "commit --allow-empty -m one; echo x >new; exit 3").end();
    assert_eq!((ended.code, ended.outcome()), (3, "AgentFailed"));
    let (_, branch, ahead, dirty) = summary(&ended.status);
    assert_eq!((branch, ahead, dirty), (Some("main"), 1, true));
}

#[test]
fn an_agent_that_is_killed_leaves_its_summary_too() {
    let server = serve(&repository());
    let run = with(
        &server,
        "echo x >new; commit --allow-empty -m one; kill -KILL $$",
    );
    let ended = run.setting("workspace/wip", json!(true)).end();
    assert_eq!((ended.code, ended.outcome()), (137, "Killed"));
    let (_, branch, ahead, dirty) = summary(&ended.status);
    assert_eq!((branch, ahead, dirty), (Some("main"), 1, true));
    assert!(wip(&ended, "commits.bundle").exists());
    assert!(wip(&ended, "untracked.txt").exists());
}

#[test]
fn an_agent_that_takes_too_long_leaves_its_summary_and_its_work() {
    let server = serve(&repository());
    let script = "commit --allow-empty -m one; echo x >README; exec sleep 1000";
    let run = with(&server, script)
        .setting("workspace/wip", json!(true))
        .setting("timeouts/total", json!(2));
    let ended = run.end();
    assert_eq!((ended.code, ended.outcome()), (124, "Timeout"));
    let (_, _, ahead, dirty) = summary(&ended.status);
    assert_eq!((ahead, dirty), (1, true));
    assert!(wip(&ended, "commits.bundle").exists());
    assert!(wip(&ended, "changes.patch").exists());
}

#[test]
fn a_run_that_is_stopped_leaves_its_summary_and_its_work() {
    for signal in [Signal::SIGTERM, Signal::SIGINT] {
        let server = serve(&repository());
        let script = "commit --allow-empty -m one; echo x >README; echo y >new
            echo ready; exec sleep 1000";
        let started = with(&server, script)
            .setting("workspace/wip", json!(true))
            .start();
        started.await_stdout("ready");
        started.signal(signal);
        let ended = started.end();
        assert_eq!(ended.outcome(), "Cancelled", "{}", ended.status);
        let (_, branch, ahead, dirty) = summary(&ended.status);
        assert_eq!((branch, ahead, dirty), (Some("main"), 1, true));
        for name in ["commits.bundle", "changes.patch", "untracked.txt"] {
            assert!(wip(&ended, name).exists(), "{name}");
        }
    }
}

#[test]
fn the_status_has_url_and_commit_from_the_moment_of_the_signal_on() {
    let repository = repository();
    let server = serve(&repository);
    let started = with(
        &server,
        "trap '' TERM; echo ready; while :; do sleep 1; done",
    )
    .grace(60.0)
    .start();
    started.await_stdout("ready");
    started.signal(Signal::SIGTERM);
    let came = wait_until(DEADLINE, || status_of(&started).is_some());
    assert!(came, "no status came");
    let status = status_of(&started).expect("it was there");
    started.signal(Signal::SIGKILL);
    drop(started.end());
    assert_eq!(status["status"], "cancelled");
    let git = &status["git"];
    assert_eq!(git["url"], server.url("owner/name"));
    assert_eq!(git["commit"], *repository.rev("main"));
    assert_eq!(git["branch"], "main");
    assert_eq!(git["dirty"], Value::Null, "nobody has looked yet");
}

#[test]
fn neither_a_fifo_in_the_tree_nor_a_second_signal_keeps_the_status_away() {
    let server = serve(&Repository::new().files("main", 400, 100));
    // A FIFO would hold the look up for ever, if anything opened it.
    let script = "rm d0000/f000000; mkfifo d0000/f000000; echo ready; exec sleep 1000";
    let started = with(&server, script)
        .setting("workspace/wip", json!(true))
        .start();
    started.await_stdout("ready");
    started.signal(Signal::SIGTERM);
    // It may be gone by now.
    let _: nix::Result<()> = kill(Pid::from_raw(started.pid().as_raw()), Signal::SIGTERM);
    let ended = started.end();
    assert_eq!(ended.outcome(), "Cancelled", "{}", ended.status);
    assert!(ended.status["git"]["base"].is_string());
}

#[test]
fn nothing_is_saved_unless_it_is_asked_for() {
    let server = serve(&repository());
    let script = "commit --allow-empty -m one; echo x >README; echo y >new";
    for run in [
        with(&server, script),
        with(&server, script).setting("workspace/wip", json!(false)),
    ] {
        let ended = run.end();
        assert_eq!(ended.code, 0, "{}", ended.stderr);
        assert!(!ended.dir.path().join("agent/workspace-wip").exists());
        assert_eq!(ended.status["git"]["wip"], Value::Null);
    }
}

#[test]
fn what_was_saved_gives_the_same_tree_to_the_git_cli() {
    let repository = repository();
    let server = serve(&repository);
    let script = r"
        echo one >one; git add one; commit -m one
        printf 'a\000b' >image; commit -qam two
        echo changed >README
        rm gone
        chmod +x tool
        ln -sf tool link
        printf '\000\001\377more' >image
        printf 'no newline' >staged; git add staged
        echo later >>staged
        mkdir -p deep/er; echo x >'deep/er/a name'; git add deep
        echo untracked >untracked
    ";
    let run = with(&server, script).setting("workspace/wip", json!(true));
    let ended = run.end();
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let saved = &ended.status["git"]["wip"];
    assert_eq!(saved["bundle"], "commits.bundle", "{}", ended.status);
    assert_eq!(saved["patch"], "changes.patch");
    assert_eq!(saved["untracked"], 1);
    let directory = ended.dir.path().join("agent/workspace-wip");
    assert_eq!(saved["directory"], directory.display().to_string());

    let clone = ended.dir.path().join("clone");
    git(
        ended.dir.path(),
        ["clone", "-q", &repository.url(), "clone"],
    );
    let bundle = wip(&ended, "commits.bundle").display().to_string();
    git(&clone, ["bundle", "verify", "-q", &bundle]);
    git(
        &clone,
        ["fetch", "-q", &bundle, "+refs/heads/main:refs/heads/saved"],
    );
    git(&clone, ["checkout", "-q", "saved"]);
    let patch = wip(&ended, "changes.patch").display().to_string();
    git(&clone, ["apply", "--index", &patch]);
    let ours = repo(&ended);
    git(&ours, ["add", "-u"]);
    assert_eq!(
        git(&clone, ["rev-parse", "HEAD"]),
        git(&ours, ["rev-parse", "HEAD"])
    );
    assert_eq!(git(&clone, ["write-tree"]), git(&ours, ["write-tree"]));
    assert_eq!(
        checked_out(&clone).status,
        checked_out(&ours)
            .status
            .replace("?? untracked", "")
            .trim_end()
    );
    let list = fs::read_to_string(wip(&ended, "untracked.txt")).expect("there is one");
    assert!(list.contains("untracked"), "{list}");
}

#[test]
fn a_secret_in_a_change_is_not_in_the_patch() {
    const SECRET: &str = "a-secret-of-the-run-0123456789";
    let server = serve(&repository());
    let script = "echo \"key = $API_TOKEN\" >README; echo x >\"$API_TOKEN\"; exit 0";
    let run = with(&server, script)
        .setting("workspace/wip", json!(true))
        .env("API_TOKEN", SECRET);
    let ended = run.end();
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    for name in ["changes.patch", "untracked.txt"] {
        let saved = fs::read_to_string(wip(&ended, name)).expect("there is one");
        assert!(!saved.contains(SECRET), "{name}: {saved}");
        assert!(saved.contains("[REDACTED:API_TOKEN]"), "{name}: {saved}");
    }
    let counted = ended.status["redactions"]["API_TOKEN"].as_u64();
    assert!(counted >= Some(2), "{}", ended.status);
    let patch = wip(&ended, "changes.patch").display().to_string();
    let ours = repo(&ended);
    git(&ours, ["checkout", "-q", "README"]);
    git(&ours, ["apply", &patch]);
}

#[test]
fn a_tree_too_large_for_the_time_ends_in_time_and_says_so() {
    let server = serve(&repository());
    // Two gigabytes that do not cost any disk, and a minute of compression.
    let script = "truncate -s 2G image; truncate -s 2G README; echo ready; exec sleep 1000";
    let grace = 4.0;
    let started = with(&server, script)
        .setting("workspace/wip", json!(true))
        .grace(grace)
        .start();
    started.await_stdout("ready");
    let begun = Instant::now();
    started.signal(Signal::SIGTERM);
    let ended = started.end();
    assert!(
        begun.elapsed() < Duration::from_secs_f64(grace),
        "{:?}",
        begun.elapsed()
    );
    assert_eq!((ended.code, ended.outcome()), (143, "Cancelled"));
    let said = format!("{} {}", ended.full["warnings"], ended.full["git"]["error"]);
    assert!(
        said.contains("stopped") || said.contains("no time"),
        "{}",
        ended.full
    );
    ended.assert_the_controller_reads_it();
    assert_eq!(ended.survivors(), []);
}

#[test]
fn a_second_attempt_replaces_what_the_first_has_saved() {
    let server = serve(&repository());
    let first = with(
        &server,
        "commit --allow-empty -m one; echo x >README; echo y >new",
    )
    .setting("workspace/wip", json!(true))
    .end();
    for name in ["commits.bundle", "changes.patch", "untracked.txt"] {
        assert!(wip(&first, name).exists(), "{name}");
    }
    let again = |script: &str, work: &Path| {
        let status = first.dir.path().join("agent/status.json");
        with(&server, script)
            .setting("cwd", json!(work))
            .setting("workspace/wip", json!(true))
            .spec("/artifacts/statusPath", json!(status))
            .end()
    };
    let fresh = first.dir.path().join("second");
    let second = again("echo second >README", &fresh);
    assert_eq!(second.code, 0, "{}", second.stderr);
    let patch = fs::read_to_string(wip(&first, "changes.patch")).expect("there is one");
    assert!(patch.contains("+second"), "{patch}");
    for name in ["commits.bundle", "untracked.txt"] {
        assert!(!wip(&first, name).exists(), "{name}");
    }
    assert_eq!(second.status["git"]["wip"]["bundle"], Value::Null);
}

#[test]
fn what_an_earlier_attempt_committed_is_kept_and_named() {
    let repository = repository();
    let server = serve(&repository);
    let first = with(
        &server,
        "commit --allow-empty -m one; git rev-parse HEAD >../mine",
    )
    .end();
    let mine = fs::read_to_string(first.dir.path().join("mine")).expect("it was written");
    let second = with(&server, "true")
        .setting("cwd", json!(repo(&first)))
        .end();
    assert_eq!(second.code, 0, "{}", second.stderr);
    let (commit, _, ahead, dirty) = summary(&second.status);
    assert_eq!((commit, ahead, dirty), (&*repository.rev("main"), 0, false));
    let warnings = second.full["warnings"].to_string();
    let kept = Git::new(repo(&first)).run([
        "for-each-ref",
        "--format=%(refname)",
        "--contains",
        mine.trim(),
    ]);
    assert!(!kept.is_empty());
    assert!(warnings.contains(&kept), "{warnings}: {kept}");
}

#[test]
fn where_there_is_nothing_to_save_nothing_is_said_to_be_saved() {
    let server = serve(&repository());
    let run = with(&server, "true").setting("workspace/wip", json!(true));
    let ended = run.end();
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let git = ended.full["git"].as_object().expect("it is there");
    assert!(!git.contains_key("wip"), "{git:?}");
}

#[test]
fn commits_of_an_attempt_that_was_killed_are_saved_by_the_next() {
    let repository = repository();
    let server = serve(&repository);
    let script = "echo mine >mine; git add mine; commit -m mine; echo ready; exec sleep 1000";
    let started = with(&server, script).start();
    started.await_stdout("ready");
    started.signal(Signal::SIGKILL);
    let first = started.end();
    let mine = git(repo(&first), ["rev-parse", "HEAD"]);
    let second = with(&server, "true")
        .setting("cwd", json!(repo(&first)))
        .setting("workspace/wip", json!(true))
        .end();
    assert_eq!(second.code, 0, "{}", second.stderr);
    let bundle = wip(&second, "commits.bundle").display().to_string();
    let heads = git(second.dir.path(), ["bundle", "list-heads", &bundle]);
    let kept = format!("refs/agent-runner/kept/main/{}", &mine[..12]);
    assert_eq!(heads, format!("{mine} {kept}"));
    let clone = second.dir.path().join("clone");
    git(
        second.dir.path(),
        ["clone", "-q", &repository.url(), "clone"],
    );
    git(&clone, ["fetch", "-q", &bundle, &kept]);
    assert_eq!(git(&clone, ["show", "FETCH_HEAD:mine"]), "mine");
}
