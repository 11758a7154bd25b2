//! What people see: the tutorial's own agent, and the page at the end in a terminal.

use std::fs;
use std::process::Command;

use agent_tests::{Repository, binary};

use crate::bench::{Bench, world};

/// What the agent looks for, in a form that is not found here.
const LATER: &str = concat!("TO", "DO");

const TUTORIAL: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/tutorial.md");

/// The one block of YAML in the tutorial.
fn manifests() -> String {
    let tutorial = fs::read_to_string(TUTORIAL).expect("it is there");
    let (_, rest) = tutorial.split_once("```yaml\n").expect("it has one");
    let (manifests, rest) = rest.split_once("```").expect("it ends");
    assert!(!rest.contains("```yaml"), "which one?");
    manifests.to_owned()
}

#[test]
fn the_agent_of_the_tutorial_finds_what_was_left_for_later() {
    let bench = Bench::new();
    fs::write(bench.path("notes.yaml"), manifests()).expect("it can be written");
    let note = format!("one\n{LATER}: two\n");
    let files = [("a/b.txt", note.as_str()), ("c.txt", "nothing\n")];
    let repository = Repository::new().commit("main", files);
    let repository = format!("repository={}", repository.url());
    let words = ["notes.yaml", "--set", &repository, "--workspace", "here"];
    let ended = bench.local(words);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let (asked, found) = ended.stdout.split_once('\n').expect("it has lines");
    assert!(asked.starts_with("Asked: List every "), "{asked}");
    assert_eq!(found, format!("./a/b.txt:2:{LATER}: two\n"));
    let stored = bench.path("here/artifacts/find-notes/notes.md");
    assert_eq!(fs::read_to_string(stored).expect("it is stored"), found);
    assert!(!ended.stderr.contains("\nwarning"), "{}", ended.stderr);
}

#[test]
fn the_provider_of_the_tutorial_keeps_what_a_run_needs() {
    let bench = Bench::new();
    let manifests = manifests();
    let (provider, _) = manifests.split_once("---\n").expect("it is the first");
    fs::write(bench.path("provider.yaml"), provider).expect("it can be written");
    let output = Command::new(binary("agent-runner"))
        .args(["provider", "test"])
        .arg(bench.path("provider.yaml"))
        .env("TMPDIR", bench.path("tmp"))
        .output()
        .expect("the runner can be started");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}");
    assert!(said.contains(" 0 failed"), "{said}");
}

/// Runs in a terminal of some width, and returns what is on it.
fn on_terminal(bench: &Bench, columns: u16, env: &[(&str, &str)]) -> String {
    let runner = binary("agent-runner");
    let line = format!(
        "stty rows 24 cols {columns}; {} local manifests.json",
        runner.display()
    );
    let output = Command::new("script")
        .args(["-qec", &line, "/dev/null"])
        .current_dir(bench.path(""))
        .env_clear()
        .env("PATH", Bench::PATH)
        .env("TERM", "xterm-256color")
        .env("TMPDIR", bench.path("tmp"))
        .envs(env.iter().copied())
        .output()
        .expect("script is there");
    String::from_utf8_lossy(&output.stdout).replace('\r', "")
}

/// The page without what is before it.
fn page(terminal: &str) -> &str {
    let at = terminal.find("outcome ").expect("there is a page");
    &terminal[at..]
}

#[test]
fn the_page_is_as_wide_as_the_terminal() {
    let bench = Bench::new();
    let long = format!("/nowhere/{}", "very/".repeat(20));
    let mut all = world("true");
    all[0]["spec"]["adapter"]["exec"]["binary"] = long.as_str().into();
    bench.apply(&all);
    let narrow = on_terminal(&bench, 80, &[]);
    for line in page(&narrow).lines() {
        let is_one_word = line.get(11..).is_none_or(|value| !value.contains(' '));
        assert!(is_one_word || line.chars().count() <= 80, "{line}");
    }
    // A path stays whole.
    assert!(page(&narrow).contains(&long), "{narrow}");
    let wide = on_terminal(&bench, 200, &[]);
    let lines = |page: &str| page.lines().count();
    assert!(
        lines(page(&wide)) < lines(page(&narrow)),
        "{wide}\n{narrow}"
    );
}

#[test]
fn the_outcome_has_a_colour_for_those_who_want_one() {
    let bench = Bench::new();
    bench.apply(&world("exit 3"));
    let red = "\u{1b}[1;31mAgentFailed\u{1b}[0m";
    assert!(on_terminal(&bench, 80, &[]).contains(red));
    for plain in [("NO_COLOR", "1"), ("TERM", "dumb")] {
        let terminal = on_terminal(&bench, 80, &[plain]);
        assert!(terminal.contains("outcome    AgentFailed\n"), "{terminal}");
        assert!(!terminal.contains('\u{1b}'), "{terminal}");
    }
    let ended = bench.local(["manifests.json"]);
    assert!(!ended.stderr.contains('\u{1b}'), "{}", ended.stderr);
}
