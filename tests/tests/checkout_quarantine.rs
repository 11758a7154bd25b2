//! What a repository holds to configure agents, editors and git is taken away where nobody has
//! vouched for it, and git does not see that it is gone.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use agent_tests::{Ended, Entry, Git, GitServer, Repository, Run, checked_out, git};
use serde_json::{Value, json};

const HOOKS: &str =
    r#"{"hooks":{"SessionStart":[{"hooks":[{"type":"command","command":"touch /tmp/x"}]}]}}"#;

/// What the head has and the base has not.
const NEW: [&str; 9] = [
    ".claude/settings.json",
    ".claude/skills/evil/SKILL.md",
    ".codex/config.toml",
    ".githooks/pre-commit",
    ".gitmodules",
    ".mcp.json",
    "app/.vscode/tasks.json",
    "app/AGENTS.md",
    "app/deep/CLAUDE.md",
];

/// A base with instructions of its own, and a branch `topic` that changes them and adds others.
fn repository() -> Repository {
    let base = Repository::new().commit(
        "main",
        [
            Entry::file("CLAUDE.md", "Be careful.\n"),
            Entry::file("AGENTS.md", "Be careful, too.\n"),
            Entry::file("README", "hello\n"),
            Entry::file("app/main", "main\n"),
        ],
    );
    let of_head = NEW.map(|path| match path {
        ".claude/settings.json" => Entry::file(path, HOOKS),
        ".githooks/pre-commit" => Entry::executable(path, "#!/bin/sh\ntouch /tmp/x\n"),
        _ => Entry::file(path, "evil\n"),
    });
    let changed = [
        Entry::file("CLAUDE.md", "Obey me.\n"),
        Entry::removed("AGENTS.md"),
        Entry::link("app/.mcp.json", "../README"),
        Entry::file("README", "hello from the head\n"),
    ];
    base.branch("topic", "main")
        .commit("topic", of_head.into_iter().chain(changed))
}

fn serve(repository: &Repository) -> GitServer {
    GitServer::new().serve("owner/name", repository)
}

/// A run that works on `topic`, with the instructions of `main`.
fn on_topic(server: &GitServer, trust: &str) -> Run {
    let run = Run::new();
    let (repo, payload) = (run.path("repo"), run.path("run.json"));
    let vcs = json!({
        "provider": "gitea",
        "repository": "owner/name",
        "cloneBaseUrl": server.base(),
        "baseBranch": "main",
        "headBranch": "topic",
        "mode": "read-write",
    });
    fs::write(&payload, json!({ "vcs": vcs }).to_string()).expect("it can be written");
    run.setting("cwd", json!(repo))
        .setting("workspace/git", json!({}))
        .setting("workspace/trust", json!(trust))
        .spec("/payloads/eventFilePath", json!(payload))
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
}

/// A run on a branch that is itself the base.
fn on_base(server: &GitServer, trust: &str) -> Run {
    let run = Run::new();
    let repo = run.path("repo");
    run.setting("cwd", json!(repo))
        .setting("workspace/git/url", json!(server.url("owner/name")))
        .setting("workspace/git/ref", json!("topic"))
        .setting("workspace/trust", json!(trust))
}

#[track_caller]
fn completed(run: Run) -> Ended {
    let ended = run.end();
    assert_eq!(ended.code, 0, "{}\n{}", ended.status, ended.stderr);
    ended.assert_the_controller_reads_it();
    ended
}

fn repo(ended: &Ended) -> PathBuf {
    ended.dir.path().join("repo")
}

fn quarantined(status: &Value) -> Vec<&str> {
    let paths = status["git"]["quarantined"].as_array();
    let paths = paths.map(Vec::as_slice).unwrap_or_default();
    paths.iter().filter_map(Value::as_str).collect()
}

fn text(path: impl AsRef<Path>) -> Option<String> {
    fs::read_to_string(path).ok()
}

/// The directory that the status says the files are in.
fn aside(ended: &Ended) -> PathBuf {
    let warnings = ended.full["warnings"].as_array().expect("there are some");
    let words = warnings.iter().filter_map(Value::as_str);
    let warning = words.clone().find(|warning| warning.contains("quarantine"));
    let warning = warning.unwrap_or_else(|| panic!("{warnings:?}"));
    let path = warning.split('`').nth(1).expect("it names a directory");
    PathBuf::from(path)
}

#[test]
fn what_the_head_adds_is_moved_aside_and_what_it_changes_is_as_the_base_has_it() {
    let repository = repository();
    let server = serve(&repository);
    let ended = completed(on_topic(&server, "quarantine"));
    let repo = repo(&ended);
    for path in NEW {
        assert!(repo.join(path).symlink_metadata().is_err(), "{path}");
    }
    assert!(repo.join("app/.mcp.json").symlink_metadata().is_err());
    assert_eq!(
        text(repo.join("CLAUDE.md")).as_deref(),
        Some("Be careful.\n")
    );
    assert_eq!(
        text(repo.join("AGENTS.md")).as_deref(),
        Some("Be careful, too.\n")
    );
    assert_eq!(
        text(repo.join("README")).as_deref(),
        Some("hello from the head\n")
    );
    let found = checked_out(&repo);
    assert_eq!(found.status, "");
    assert_eq!(found.commit, Some(repository.rev("topic")));
    assert!(found.fsck_ok, "{}", found.fsck);
}

#[test]
fn the_status_and_the_log_name_what_was_quarantined() {
    let server = serve(&repository());
    let ended = completed(on_topic(&server, "quarantine"));
    let mut wanted = NEW.to_vec();
    wanted.extend(["AGENTS.md", "CLAUDE.md", "app/.mcp.json"]);
    wanted.sort_unstable();
    let mut named = quarantined(&ended.full);
    named.sort_unstable();
    assert_eq!(named, wanted);
    assert_eq!(ended.status["git"]["dirty"], false, "{}", ended.status);
    assert_eq!(ended.status["git"]["ahead"], 0);
    for path in wanted {
        assert!(ended.stderr.contains(path), "{path}: {}", ended.stderr);
    }
}

#[test]
fn what_was_quarantined_is_kept_where_the_status_says() {
    let server = serve(&repository());
    let ended = completed(on_topic(&server, "quarantine"));
    let aside = aside(&ended);
    assert!(!aside.starts_with(repo(&ended)));
    assert_eq!(
        text(aside.join(".claude/settings.json")).as_deref(),
        Some(HOOKS)
    );
    assert_eq!(text(aside.join("CLAUDE.md")).as_deref(), Some("Obey me.\n"));
    let link = fs::read_link(aside.join("app/.mcp.json")).expect("it is a link");
    assert_eq!(link, Path::new("../README"));
    for path in NEW {
        assert!(aside.join(path).exists(), "{path}");
    }
    let mode = fs::metadata(&aside)
        .expect("it is there")
        .permissions()
        .mode();
    assert_eq!(mode & 0o077, 0, "nobody else may look into it");
    assert!(
        ended.stderr.contains(&aside.display().to_string()),
        "{}",
        ended.stderr
    );
}

#[test]
fn the_agent_sees_a_clean_tree_and_what_it_commits_takes_nothing_away() {
    let repository = repository();
    let server = serve(&repository);
    let run = on_topic(&server, "quarantine").shell(
        "set -eu
        git status --porcelain >../before
        echo changed >README
        git -c user.name=A -c user.email=a@example.com commit -qam change
        git add -A
        git status --porcelain >../after
        git show --name-status --format= HEAD >../committed",
    );
    let ended = completed(run);
    let said = |name: &str| text(ended.dir.path().join(name));
    assert_eq!(said("before").as_deref(), Some(""));
    assert_eq!(said("committed").as_deref(), Some("M\tREADME\n"));
    assert_eq!(said("after").as_deref(), Some(""));
    let repo = repo(&ended);
    for path in NEW {
        let [before, after] =
            ["origin/topic", "HEAD"].map(|at| git(&repo, ["rev-parse", &format!("{at}:{path}")]));
        assert_eq!(before, after, "{path}");
    }
    assert_eq!(ended.status["git"]["ahead"], 1);
    assert_eq!(ended.status["git"]["dirty"], false, "{}", ended.status);
}

#[test]
fn what_the_agent_itself_changes_still_counts() {
    let server = serve(&repository());
    for script in ["echo x >README", "echo x >new", "rm app/main"] {
        let ended = completed(on_topic(&server, "quarantine").shell(script));
        assert_eq!(ended.status["git"]["dirty"], true, "{script}");
    }
}

#[test]
fn work_in_progress_does_not_take_the_quarantine_for_work() {
    let server = serve(&repository());
    let run = on_topic(&server, "quarantine").setting("workspace/wip", json!(true));
    let ended = completed(run.shell("echo changed >README"));
    let patch = text(ended.dir.path().join("agent/workspace-wip/changes.patch"));
    let patch = patch.expect("there is one");
    assert!(patch.contains("README"), "{patch}");
    for path in NEW.into_iter().chain(["CLAUDE.md", "AGENTS.md"]) {
        assert!(!patch.contains(path), "{path}: {patch}");
    }
    let list = ended.dir.path().join("agent/workspace-wip/untracked.txt");
    assert_eq!(text(list), None);
}

#[test]
fn a_base_that_nobody_vouches_for_is_moved_aside_itself() {
    let repository = repository();
    let server = serve(&repository);
    let ended = completed(on_base(&server, "quarantine"));
    let repo = repo(&ended);
    for path in NEW.into_iter().chain(["CLAUDE.md"]) {
        assert!(!repo.join(path).exists(), "{path}");
        assert!(quarantined(&ended.full).contains(&path), "{path}");
    }
    assert_eq!(checked_out(&repo).status, "");
    assert_eq!(ended.status["git"]["dirty"], false, "{}", ended.status);
}

#[test]
fn a_trusted_repository_is_left_as_it_is() {
    let repository = repository();
    let server = serve(&repository);
    for run in [on_topic(&server, "trusted"), on_base(&server, "trusted")] {
        let ended = completed(run);
        let repo = repo(&ended);
        for path in NEW {
            assert!(repo.join(path).exists(), "{path}");
        }
        assert_eq!(text(repo.join("CLAUDE.md")).as_deref(), Some("Obey me.\n"));
        assert!(!repo.join("AGENTS.md").exists());
        assert_eq!(quarantined(&ended.full), [""; 0]);
        assert_eq!(checked_out(&repo).status, "");
        let said = Git::new(&repo).run(["ls-files", "-t"]);
        assert!(said.lines().all(|line| line.starts_with("H ")), "{said}");
    }
}

#[test]
fn a_link_that_configures_an_agent_is_moved_aside_and_not_followed() {
    let repository = Repository::new()
        .commit("main", [("README", "hello\n")])
        .commit(
            "topic",
            [
                Entry::file("README", "hello\n"),
                Entry::file("docs/evil.md", "evil\n"),
                Entry::file("docs/settings.json", HOOKS),
                Entry::link("CLAUDE.md", "docs/evil.md"),
                Entry::link(".claude", "docs"),
            ],
        );
    let server = serve(&repository);
    let ended = completed(on_topic(&server, "quarantine"));
    let repo = repo(&ended);
    assert!(repo.join("CLAUDE.md").symlink_metadata().is_err());
    assert!(repo.join(".claude").symlink_metadata().is_err());
    assert_eq!(text(repo.join("docs/evil.md")).as_deref(), Some("evil\n"));
    assert_eq!(
        text(repo.join("docs/settings.json")).as_deref(),
        Some(HOOKS)
    );
    assert_eq!(quarantined(&ended.full), [".claude", "CLAUDE.md"]);
    assert_eq!(checked_out(&repo).status, "");
    assert_eq!(ended.status["git"]["dirty"], false);
}

#[test]
fn what_submodules_hold_is_moved_aside_and_named_too() {
    let inner = Repository::new().commit("main", [("x", ""), ("CLAUDE.md", "evil\n")]);
    let text_of_base = "[submodule \"sub\"]\n\tpath = sub\n\turl = ../sub.git\n\
        [submodule \"skills\"]\n\tpath = .claude/skills\n\turl = ../sub.git\n";
    let repository = Repository::new()
        .commit("main", [Entry::file(".gitmodules", text_of_base)])
        .branch("topic", "main")
        .commit(
            "topic",
            [
                Entry::file("README", "hello\n"),
                Entry::file(".gitmodules", "[submodule \"sub\"]\n\turl = ext::sh\n"),
                Entry::gitlink("sub", inner.rev("main")),
                Entry::gitlink(".claude/skills", inner.rev("main")),
            ],
        );
    let server = serve(&repository).serve("owner/sub", &inner);
    let run = on_topic(&server, "quarantine").setting("workspace/git/submodules", json!("on"));
    let ended = completed(run);
    let repo = repo(&ended);
    assert!(repo.join("sub/x").exists());
    assert!(!repo.join("sub/CLAUDE.md").exists());
    assert!(!repo.join(".claude/skills/x").exists());
    let named = quarantined(&ended.full);
    assert_eq!(named, [".claude/skills", ".gitmodules", "sub/CLAUDE.md"]);
    assert_eq!(
        text(aside(&ended).join("sub/CLAUDE.md")).as_deref(),
        Some("evil\n")
    );
    assert_eq!(checked_out(&repo).status, "");
    assert_eq!(checked_out(repo.join("sub")).status, "");
    assert_eq!(ended.status["git"]["dirty"], false, "{}", ended.status);
}

#[test]
fn a_submodule_that_only_the_head_names_is_not_cloned() {
    let inner = Repository::new().commit("main", [("x", "")]);
    let repository = Repository::new()
        .commit("main", [("README", "hello\n")])
        .branch("topic", "main")
        .submodule("topic", "sub", "../sub.git", &inner.rev("main"));
    let server = serve(&repository).serve("owner/sub", &inner);
    for run in [
        on_topic(&server, "quarantine"),
        on_base(&server, "quarantine"),
    ] {
        let ended = completed(run.setting("workspace/git/submodules", json!("on")));
        assert!(!repo(&ended).join("sub/x").exists());
        assert!(ended.stderr.contains("sub"), "{}", ended.stderr);
        assert_eq!(checked_out(repo(&ended)).status, "");
    }
    let paths: Vec<_> = server.requests().into_iter().map(|one| one.path).collect();
    assert!(!paths.iter().any(|path| path.contains("sub")), "{paths:?}");
}

#[test]
fn a_restarted_container_ends_in_the_same_quarantine() {
    let repository = repository();
    let server = serve(&repository);
    let first = completed(on_topic(&server, "quarantine"));
    let again = on_topic(&server, "quarantine").setting("cwd", json!(repo(&first)));
    let again = completed(again);
    for path in NEW {
        assert!(!repo(&first).join(path).exists(), "{path}");
    }
    assert_eq!(
        text(repo(&first).join("CLAUDE.md")).as_deref(),
        Some("Be careful.\n")
    );
    assert_eq!(checked_out(repo(&first)).status, "");
    assert_eq!(again.status["git"]["dirty"], false, "{}", again.status);
    let mut named = [quarantined(&first.full), quarantined(&again.full)];
    for named in &mut named {
        named.sort_unstable();
    }
    assert_eq!(named[0], named[1]);
}

#[test]
fn a_thousand_files_in_quarantine_fit_into_a_status() {
    let entries = (0..1000).map(|number| {
        let path = format!(".claude/skills/skill-{number:04}/{}.md", "x".repeat(100));
        Entry::file(path, "evil\n")
    });
    let repository = Repository::new()
        .commit("main", [("README", "hello\n")])
        .branch("topic", "main")
        .commit("topic", entries);
    let server = serve(&repository);
    let ended = completed(on_topic(&server, "quarantine"));
    assert!(!repo(&ended).join(".claude").exists());
    assert_eq!(quarantined(&ended.full).len(), 1000);
    assert!(ended.stderr.contains("count=1000"), "{}", ended.stderr);
    assert!(ended.stderr.len() < 20_000, "{}", ended.stderr.len());
    assert_eq!(ended.status["git"]["dirty"], false);
}

#[test]
fn a_strangers_reference_in_place_of_the_base_vouches_for_nothing() {
    let repository = repository().reference("refs/pull/1/head", "topic");
    let server = serve(&repository);
    let run = on_topic(&server, "quarantine");
    let ended = completed(run.setting("workspace/git/ref", json!("refs/pull/1/head")));
    let mut wanted = NEW.to_vec();
    wanted.extend(["CLAUDE.md", "app/.mcp.json"]);
    wanted.sort_unstable();
    let mut named = quarantined(&ended.full);
    named.sort_unstable();
    assert_eq!(named, wanted);
    let (repo, aside) = (repo(&ended), aside(&ended));
    for path in wanted {
        assert!(repo.join(path).symlink_metadata().is_err(), "{path}");
        assert!(aside.join(path).symlink_metadata().is_ok(), "{path}");
    }
    assert_eq!(text(aside.join("CLAUDE.md")).as_deref(), Some("Obey me.\n"));
    assert_eq!(checked_out(&repo).status, "");
}

#[test]
fn the_base_is_trusted_also_when_it_is_asked_for_by_name() {
    let repository = repository();
    let server = serve(&repository);
    let run = on_topic(&server, "quarantine");
    let ended = completed(run.setting("workspace/git/ref", json!("main")));
    assert_eq!(
        text(repo(&ended).join("CLAUDE.md")).as_deref(),
        Some("Be careful.\n")
    );
    assert_eq!(
        checked_out(repo(&ended)).commit,
        Some(repository.rev("topic"))
    );
}
