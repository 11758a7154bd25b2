//! What the trusted base has comes back.

use super::*;

#[test]
fn content_and_mode_are_those_of_the_base() {
    let bench = Bench::new();
    bench.write(".claude/run.sh", "trusted");
    bench.write("AGENTS.md", "trusted");
    bench.write(".claude/same", "same");
    let script = bench.root().join(".claude/run.sh");
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).expect("it is ours");
    let base = bench.commit();
    fs::set_permissions(&script, fs::Permissions::from_mode(0o644)).expect("it is ours");
    bench.write("AGENTS.md", "hostile, and longer than it was");
    bench.write(".claude/more", "hostile");
    bench.commit();
    let quarantined = bench.apply(Some(base));
    assert_eq!(quarantined.restored, [".claude/run.sh", "AGENTS.md"]);
    assert_eq!(quarantined.moved, [".claude/more"]);
    assert_eq!(bench.read("AGENTS.md").as_deref(), Some("trusted"));
    assert_eq!(bench.read(".claude/same").as_deref(), Some("same"));
    let mode = fs::metadata(&script)
        .expect("it is there")
        .permissions()
        .mode();
    assert_eq!(mode & 0o111, 0o111);
    bench.assert_unseen();
}

#[test]
fn what_the_commit_deleted_comes_back_unseen() {
    let bench = Bench::new();
    bench.write(".claude/settings.json", "deny all");
    bench.write(".claude/a [b]*.md ", "odd");
    bench.write("gone/CLAUDE.md", "about gone");
    bench.write("README", "x");
    let base = bench.commit();
    fs::remove_dir_all(bench.root().join(".claude")).expect("it is there");
    fs::remove_dir_all(bench.root().join("gone")).expect("it is there");
    bench.commit();
    let quarantined = bench.apply(Some(base));
    assert_eq!(
        quarantined.restored,
        [".claude/a [b]*.md ", ".claude/settings.json"]
    );
    assert_eq!(
        bench.read(".claude/settings.json").as_deref(),
        Some("deny all")
    );
    assert!(
        !bench.root().join("gone").exists(),
        "a directory that the commit has not"
    );
    bench.assert_unseen();
    bench.apply(Some(base));
    bench.apply(Some(base));
    let exclude = bench.read(".git/info/exclude").expect("it is there");
    assert_eq!(exclude.lines().count(), 3, "{exclude}");
}

#[test]
fn a_file_and_a_directory_change_places() {
    let bench = Bench::new();
    bench.write(".claude/deep/settings.json", "trusted");
    bench.write(".codex", "trusted");
    let base = bench.commit();
    fs::remove_dir_all(bench.root().join(".claude")).expect("it is there");
    fs::remove_file(bench.root().join(".codex")).expect("it is there");
    bench.write(".claude", "hostile");
    bench.write(".codex/config.toml", "hostile");
    bench.commit();
    let quarantined = bench.apply(Some(base));
    assert_eq!(quarantined.moved, [".claude", ".codex/config.toml"]);
    assert_eq!(
        quarantined.restored,
        [".claude/deep/settings.json", ".codex"]
    );
    assert_eq!(
        bench.read(".claude/deep/settings.json").as_deref(),
        Some("trusted")
    );
    assert_eq!(bench.read(".codex").as_deref(), Some("trusted"));
    bench.assert_unseen();
    // Aside, too, one gives way to the other.
    fs::remove_file(bench.root().join(".codex")).expect("it is there");
    fs::remove_dir_all(bench.root().join(".claude")).expect("it is there");
    bench.write(".claude/x", "later");
    bench.write(".codex", "later");
    bench.apply(None);
    assert_eq!(bench.kept(".claude/x").as_deref(), Some("later"));
    assert_eq!(bench.kept(".claude~1").as_deref(), Some("hostile"));
    assert_eq!(bench.kept(".codex").as_deref(), Some("later"));
}

#[test]
fn a_link_of_the_base_does_not_let_the_commit_in() {
    let bench = Bench::new();
    bench.write("AGENTS.md", "trusted");
    bench.write("docs/guide.md", "trusted");
    bench.write("docs/same.md", "same");
    bench.write("skills/s", "trusted");
    bench.write("via/x", "x");
    let link = |target: &str, path: &str| {
        symlink(target, bench.root().join(path)).expect("it can be made");
    };
    link("AGENTS.md", "CLAUDE.md");
    link("docs/guide.md", "GEMINI.md");
    link("docs/same.md", "QWEN.md");
    link("skills", ".agents");
    link("../AGENTS.md", "via/link");
    link("via/link", "AGENT.md");
    link("/etc/passwd", ".cursorrules");
    let base = bench.commit();
    bench.write("AGENTS.md", "hostile");
    bench.write("docs/guide.md", "hostile");
    bench.write("skills/s", "hostile");
    fs::remove_file(bench.root().join("via/link")).expect("it is there");
    link("../docs/guide.md", "via/link");
    bench.commit();
    let quarantined = bench.apply(Some(base));
    assert_eq!(quarantined.moved, [".agents", ".cursorrules"]);
    assert_eq!(quarantined.restored, ["AGENT.md", "AGENTS.md", "GEMINI.md"]);
    for path in ["AGENTS.md", "CLAUDE.md", "GEMINI.md", "AGENT.md"] {
        assert_eq!(bench.read(path).as_deref(), Some("trusted"), "{path}");
    }
    assert!(
        fs::symlink_metadata(bench.root().join("QWEN.md"))
            .expect("it is there")
            .is_symlink()
    );
    assert!(
        fs::symlink_metadata(bench.root().join("CLAUDE.md"))
            .expect("it is there")
            .is_symlink()
    );
    assert_eq!(bench.apply(Some(base)), quarantined);
    bench.assert_unseen();
}

#[test]
fn the_base_itself_stays_as_it_is() {
    let bench = Bench::new();
    bench.write(".gitattributes", "*.md text eol=crlf\n");
    bench.write("CLAUDE.md", "one\ntwo\n");
    bench.write(".claude/settings.json", "{}");
    let base = bench.commit();
    fs::remove_file(bench.root().join("CLAUDE.md")).expect("it is there");
    bench.git(&["checkout", "-q", "--", "CLAUDE.md"]);
    assert_eq!(bench.read("CLAUDE.md").as_deref(), Some("one\r\ntwo\r\n"));
    assert_eq!(bench.apply(Some(base)), Quarantined::default());
    assert_eq!(bench.git(&["ls-files", "-t"]).matches("S ").count(), 0);
    bench.assert_unseen();
}

#[test]
fn a_base_that_is_not_there_is_named() {
    let bench = Bench::new();
    bench.commit();
    let base = Oid::from_str("1111111111111111111111111111111111111111").expect("40 digits");
    let error = apply(&bench.repo(), Some(base), &bench.aside(), &|| false).expect_err("no base");
    assert_eq!(
        (error.outcome(), error.reason()),
        (Outcome::WorkspaceFailed, "BaseUnreadable")
    );
    assert!(error.hint().is_some(), "nobody knows what to do");
}

#[test]
fn a_submodule_with_a_name_of_the_table_is_hidden() {
    let bench = Bench::new();
    bench.write("README", "x");
    let commit = bench.commit();
    bench.git(&[
        "update-index",
        "--add",
        "--cacheinfo",
        &format!("160000,{commit},.claude"),
    ]);
    bench.git(&["commit", "-q", "-m", "x"]);
    bench.write(".claude/settings.json", "hostile");
    let moved = bench.apply(None).moved;
    assert_eq!(moved, [".claude", ".claude/settings.json"]);
    assert!(!bench.root().join(".claude").exists(), "it is still there");
    assert_eq!(bench.git(&["status", "--porcelain"]), "");
}
