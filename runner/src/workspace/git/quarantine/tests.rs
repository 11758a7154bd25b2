//! The git command line says whether anything shows.

use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::process::Command;

use super::table::TABLE;
use super::*;

mod base;

/// A work tree, made by git, and a place outside it.
struct Bench {
    dir: tempfile::TempDir,
}

impl Bench {
    fn new() -> Self {
        let dir = tempfile::tempdir().expect("a temporary directory can be made");
        let bench = Self { dir };
        fs::create_dir(bench.root()).expect("a directory can be made");
        bench.git(&["init", "-q", "-b", "main", "--template="]);
        bench
    }

    fn root(&self) -> PathBuf {
        self.dir.path().join("work")
    }

    fn aside(&self) -> PathBuf {
        self.dir.path().join("aside")
    }

    fn git(&self, arguments: &[&str]) -> String {
        let output = Command::new("git")
            .args([
                "-c",
                "user.name=a",
                "-c",
                "user.email=a@b",
                "-c",
                "core.quotePath=false",
            ])
            .args(arguments)
            .current_dir(self.root())
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .output()
            .expect("git starts");
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "git {arguments:?}: {errors}");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    fn write(&self, path: &str, content: &str) {
        let path = self.root().join(path);
        fs::create_dir_all(path.parent().expect("it is below the root")).expect("it can be made");
        fs::write(path, content).expect("it can be written");
    }

    fn commit(&self) -> Oid {
        self.git(&["add", "-A", "-f"]);
        self.git(&["commit", "-q", "--allow-empty", "-m", "x"]);
        Oid::from_str(self.git(&["rev-parse", "HEAD"]).trim()).expect("git prints an id")
    }

    fn repo(&self) -> Repository {
        Repository::open(self.root()).expect("it is a repository")
    }

    fn apply(&self, base: Option<Oid>) -> Quarantined {
        apply(&self.repo(), base, &self.aside(), &|| false).expect("it can be quarantined")
    }

    fn read(&self, path: &str) -> Option<String> {
        fs::read_to_string(self.root().join(path)).ok()
    }

    fn kept(&self, path: &str) -> Option<String> {
        fs::read_to_string(self.aside().join(path)).ok()
    }

    /// Nothing shows, and what the agent commits leaves the commit's own files as they are.
    fn assert_unseen(&self) {
        assert_eq!(self.git(&["status", "--porcelain"]), "");
        self.write("by-the-agent.txt", "work");
        self.git(&["add", "-A"]);
        self.git(&["commit", "-q", "-a", "-m", "work"]);
        let changed = self.git(&["diff-tree", "-r", "--name-status", "HEAD~1", "HEAD"]);
        assert_eq!(changed, "A\tby-the-agent.txt\n");
        self.git(&["fsck", "--strict"]);
        self.git(&["reset", "-q", "--soft", "HEAD~1"]);
        self.git(&["rm", "-q", "-f", "by-the-agent.txt"]);
    }
}

#[test]
fn without_a_base_everything_that_configures_is_aside() {
    let bench = Bench::new();
    let hostile = [
        ".claude/settings.json",
        ".claude/commands/x.md",
        ".mcp.json",
        "CLAUDE.md",
        "claude.MD",
        "AGENTS.md",
        "pkg/deep/AGENTS.override.md",
        "pkg/.claude/skills/s/SKILL.md",
        ".codex/config.toml",
        ".gitmodules",
        ".husky/pre-commit",
        ".github/hooks/a.json",
        ".vscode/tasks.json",
        ".env",
        "\u{fc}/.cursor/mcp.json",
        ".windsurfrules",
        "pkg/.npmrc",
    ];
    let harmless = [
        "README.md",
        ".gitattributes",
        ".gitignore",
        ".github/workflows/ci.yml",
        "pkg/.gitmodules",
        "src/claude/main.rs",
        "CLAUDE.md.txt",
        ".env.example",
        "docs/hooks/x",
    ];
    for path in hostile.iter().chain(&harmless) {
        bench.write(path, path);
    }
    bench.write(".gitignore", "target\n");
    bench.write(".gitmodules", "");
    bench.commit();
    let quarantined = bench.apply(None);
    let mut expected: Vec<String> = hostile.map(str::to_owned).into();
    expected.sort();
    assert_eq!(quarantined.moved, expected);
    assert_eq!(quarantined.restored, Vec::<String>::new());
    for path in hostile {
        assert_eq!(bench.read(path), None, "{path}");
        assert!(bench.kept(path).is_some(), "{path}");
    }
    for path in harmless {
        assert!(bench.read(path).is_some(), "{path}");
    }
    assert!(
        !bench.root().join(".claude").exists(),
        "an empty directory stayed"
    );
    let mode = fs::metadata(bench.aside())
        .expect("it is there")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o700);
    bench.assert_unseen();
}

#[test]
fn doing_it_again_changes_nothing() {
    let bench = Bench::new();
    bench.write("CLAUDE.md", "trusted");
    let base = bench.commit();
    bench.write("CLAUDE.md", "hostile");
    bench.write(".mcp.json", "hostile");
    bench.commit();
    let first = bench.apply(Some(base));
    assert_eq!(first.moved, [".mcp.json"]);
    assert_eq!(first.restored, ["CLAUDE.md"]);
    assert_eq!(bench.apply(Some(base)), first);
    assert_eq!(bench.kept("CLAUDE.md").as_deref(), Some("hostile"));
    bench.assert_unseen();
}

#[test]
fn a_kill_anywhere_is_made_good_by_the_next_attempt() {
    for killed_after in 0..20 {
        let bench = Bench::new();
        bench.write("CLAUDE.md", "trusted");
        bench.write(".claude/a", "trusted");
        let base = bench.commit();
        for path in [
            "CLAUDE.md",
            ".claude/b",
            ".claude/c",
            "x/AGENTS.md",
            ".mcp.json",
        ] {
            bench.write(path, "hostile");
        }
        fs::remove_file(bench.root().join(".claude/a")).expect("it is there");
        bench.commit();
        let asked = std::cell::Cell::new(0);
        let stop = || {
            asked.set(asked.get() + 1);
            asked.get() > killed_after
        };
        let ended = apply(&bench.repo(), Some(base), &bench.aside(), &stop);
        if let Err(error) = &ended {
            assert!(matches!(error, QuarantineError::Stopped), "{error}");
        }
        let quarantined = bench.apply(Some(base));
        assert_eq!(
            quarantined.moved,
            [".claude/b", ".claude/c", ".mcp.json", "x/AGENTS.md"]
        );
        assert_eq!(bench.read("CLAUDE.md").as_deref(), Some("trusted"));
        assert_eq!(bench.read(".claude/a").as_deref(), Some("trusted"));
        assert_eq!(bench.kept("x/AGENTS.md").as_deref(), Some("hostile"));
        bench.assert_unseen();
        if ended.is_ok() {
            return;
        }
    }
    panic!("it never came to its end");
}

#[test]
fn links_are_moved_themselves_and_never_followed() {
    let bench = Bench::new();
    let outside = bench.dir.path().join("outside");
    fs::create_dir(&outside).expect("it can be made");
    fs::write(outside.join("CLAUDE.md"), "mine").expect("it can be written");
    fs::write(outside.join("settings.json"), "mine").expect("it can be written");
    symlink(&outside, bench.root().join(".claude")).expect("it can be made");
    symlink(&outside, bench.root().join("pkg")).expect("it can be made");
    symlink(outside.join("CLAUDE.md"), bench.root().join("AGENTS.md")).expect("it can be made");
    bench.commit();
    assert_eq!(bench.apply(None).moved, [".claude", "AGENTS.md"]);
    let kept = fs::read_link(bench.aside().join(".claude")).expect("it is a link");
    assert_eq!(kept, outside);
    assert_eq!(fs::read_dir(&outside).expect("it is there").count(), 2);
    bench.assert_unseen();
}

#[test]
fn a_directory_swapped_for_a_link_is_not_written_through() {
    let bench = Bench::new();
    bench.write("pkg/CLAUDE.md", "trusted");
    bench.write(".claude/settings.json", "trusted");
    let base = bench.commit();
    let outside = bench.dir.path().join("outside");
    fs::create_dir(&outside).expect("it can be made");
    for name in ["pkg", ".claude"] {
        fs::remove_dir_all(bench.root().join(name)).expect("it is there");
        symlink(&outside, bench.root().join(name)).expect("it can be made");
    }
    bench.commit();
    let quarantined = bench.apply(Some(base));
    assert_eq!(quarantined.moved, [".claude"]);
    assert_eq!(quarantined.restored, [".claude/settings.json"]);
    assert_eq!(fs::read_dir(&outside).expect("it is there").count(), 0);
    assert_eq!(
        bench.read(".claude/settings.json").as_deref(),
        Some("trusted")
    );
    // The aside too may have been prepared by an agent of an earlier attempt.
    fs::remove_dir_all(bench.aside()).expect("it is there");
    fs::create_dir(bench.aside()).expect("it can be made");
    symlink(&outside, bench.aside().join("deep")).expect("it can be made");
    bench.write("deep/CLAUDE.md", "hostile");
    bench.apply(Some(base));
    assert_eq!(fs::read_dir(&outside).expect("it is there").count(), 0);
    assert_eq!(bench.kept("deep/CLAUDE.md").as_deref(), Some("hostile"));
}

#[test]
fn what_an_earlier_attempt_left_untracked_is_moved_too() {
    let bench = Bench::new();
    bench.write("README", "x");
    bench.commit();
    bench.write(".claude/settings.local.json", "hostile");
    fs::create_dir_all(bench.root().join(".codex/empty")).expect("it can be made");
    nix::unistd::mkfifo(
        &bench.root().join(".mcp.json"),
        nix::sys::stat::Mode::S_IRWXU,
    )
    .expect("it can be made");
    assert_eq!(
        bench.apply(None).moved,
        [".claude/settings.local.json", ".mcp.json"]
    );
    assert!(
        !bench.root().join(".codex").exists(),
        "an empty directory stayed"
    );
    bench.assert_unseen();
}

#[test]
fn hooks_of_a_template_are_disarmed() {
    let bench = Bench::new();
    bench.commit();
    bench.write(".git/hooks/pre-commit", "#!/bin/sh\nexit 1\n");
    bench.write(".git/hooks/pre-push.sample", "");
    let hook = bench.root().join(".git/hooks/pre-commit");
    fs::set_permissions(&hook, fs::Permissions::from_mode(0o755)).expect("it is ours");
    assert_eq!(bench.apply(None).moved, [".git/hooks/pre-commit"]);
    assert!(!hook.exists(), "the hook is armed");
    assert!(
        bench.kept(".git/hooks/pre-commit").is_some(),
        "the hook is lost"
    );
    bench.assert_unseen();
}

#[test]
fn a_directory_for_it_in_the_work_tree_is_refused() {
    let bench = Bench::new();
    bench.commit();
    let inside = bench.root().join("aside");
    let error = apply(&bench.repo(), None, &inside, &|| false).expect_err("the agent looks there");
    assert!(
        matches!(error, QuarantineError::AsideInside { .. }),
        "{error}"
    );
    assert_eq!(error.outcome(), Outcome::WorkspaceFailed);
    let bare = Repository::init_bare(bench.dir.path().join("bare")).expect("it can be made");
    let error = apply(&bare, None, &bench.aside(), &|| false).expect_err("there are no files");
    assert!(
        matches!(error, QuarantineError::NoWorkTree { .. }),
        "{error}"
    );
}

#[test]
fn names_that_are_not_text_are_moved_and_shown() {
    let bench = Bench::new();
    let name = OsString::from_vec(b"\xff\n.md".to_vec());
    bench.write(".claude/x", "");
    fs::write(bench.root().join(".claude").join(&name), "hostile").expect("it can be written");
    bench.commit();
    assert_eq!(
        bench.apply(None).moved,
        [".claude/\\xff\\u{a}.md", ".claude/x"]
    );
    assert!(
        bench.aside().join(".claude").join(&name).exists(),
        "it is lost"
    );
    bench.assert_unseen();
}

#[test]
fn between_file_systems_files_are_copied() {
    let bench = Bench::new();
    bench.write("f", "content");
    symlink("nowhere", bench.root().join("l")).expect("it can be made");
    let from = Directory::open(&bench.root()).expect("it is there");
    fs::create_dir(bench.aside()).expect("it can be made");
    // What a copy that was cut short has left.
    fs::write(bench.aside().join("f"), "con").expect("it can be written");
    let to = Directory::open(&bench.aside()).expect("it is there");
    for name in ["f", "l", "gone"] {
        assert!(
            from.copy_and_remove(name.as_bytes(), &to)
                .expect("it can be copied")
        );
    }
    assert_eq!(bench.kept("f").as_deref(), Some("content"));
    let target = fs::read_link(bench.aside().join("l")).expect("it is a link");
    assert_eq!(target, Path::new("nowhere"));
    assert_eq!(bench.read("f"), None);
}

#[test]
fn every_row_says_what_it_may_do_and_matches_itself() {
    for row in TABLE {
        let path = row.path.trim_end_matches('*');
        assert!(row.why.ends_with('.'), "{path}: {}", row.why);
        assert!(configures(path.to_ascii_uppercase().as_bytes()), "{path}");
        assert!(configures(format!("{path}/below").as_bytes()), "{path}");
        let deep = format!("deep/down/{path}");
        assert_eq!(
            configures(deep.as_bytes()),
            row.at == table::At::Anywhere,
            "{path}"
        );
        assert!(!configures(format!("x{path}").as_bytes()), "{path}");
    }
    assert!(!configures(b"copilot-instructions.md"));
    assert!(!configures(b".github"));
}
