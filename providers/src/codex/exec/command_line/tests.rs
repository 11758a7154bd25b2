use agent_plan::plan::Prompt;

use super::*;

fn plan(prompt: bool, resume: bool) -> CodexExecPlan {
    CodexExecPlan {
        prompt: prompt.then(Prompt::default),
        resume: resume.then(|| "THREAD".to_owned()),
        usage_before: None,
    }
}

fn completed(plan: &CodexExecPlan, written: &str) -> (String, Vec<String>) {
    let written = written.split_whitespace().map(str::to_owned).collect();
    let (args, warnings) = complete(plan, written);
    let again = complete(plan, args.clone());
    assert_eq!(again.0, args, "completing twice changes nothing");
    (args.join(" "), warnings)
}

#[test]
fn every_line_is_completed() {
    for &(prompt, resume, written, expected) in ROWS {
        let (args, warnings) = completed(&plan(prompt, resume), written);
        assert_eq!(args, expected, "{written}");
        assert_eq!(warnings, Vec::<String>::new(), "{written}");
    }
}

/// With a prompt, resumed, as written, as completed.
const ROWS: &[(bool, bool, &str, &str)] = &[
    // With a prompt.
    (true, false, "exec", "exec --json --skip-git-repo-check -"),
    (true, false, "exec -", "exec --json --skip-git-repo-check -"),
    (true, false, "e --json", "e --skip-git-repo-check --json -"),
    (
        true,
        false,
        "exec --experimental-json",
        "exec --skip-git-repo-check --experimental-json -",
    ),
    (
        true,
        false,
        "exec -m gpt-5.5 --json",
        "exec --skip-git-repo-check -m gpt-5.5 --json -",
    ),
    (
        true,
        false,
        "-m exec -s x exec",
        "-m exec -s x exec --json --skip-git-repo-check -",
    ),
    (
        true,
        false,
        "codex.js exec",
        "codex.js exec --json --skip-git-repo-check -",
    ),
    (
        true,
        false,
        "-m x",
        "-m x exec --json --skip-git-repo-check -",
    ),
    (
        true,
        false,
        "exec -- -",
        "exec --json --skip-git-repo-check -- -",
    ),
    (
        true,
        false,
        "exec -i a b",
        "exec --json --skip-git-repo-check -i a b -c check_for_update_on_startup=false -",
    ),
    (
        true,
        false,
        "exec -i a -m x",
        "exec --json --skip-git-repo-check -i a -m x -",
    ),
    // The arguments say it all.
    (
        false,
        false,
        "exec do",
        "exec --json --skip-git-repo-check do",
    ),
    (
        false,
        false,
        "exec resume --last do",
        "exec --json --skip-git-repo-check resume --last do",
    ),
    // Resumed.
    (
        true,
        true,
        "exec -C /ws",
        "exec --json --skip-git-repo-check -C /ws resume THREAD -",
    ),
    (
        true,
        true,
        "exec -C /ws --json -",
        "exec --skip-git-repo-check -C /ws --json resume THREAD -",
    ),
    (
        true,
        true,
        "exec -c a=b -- -",
        "exec --json --skip-git-repo-check -c a=b resume THREAD -- -",
    ),
    (
        true,
        true,
        "exec -i a",
        "exec --json --skip-git-repo-check -i a -c check_for_update_on_startup=false resume THREAD -",
    ),
    (
        true,
        true,
        "exec resume OTHER -",
        "exec --json --skip-git-repo-check resume OTHER -",
    ),
    (
        false,
        true,
        "exec -m x do",
        "exec --json --skip-git-repo-check -m x resume THREAD do",
    ),
];

#[test]
fn without_arguments_the_whole_line_is_ours() {
    let bare = completed(&plan(false, false), "").0;
    assert_eq!(bare, RECOMMENDED.join(" "));
    assert_eq!(completed(&plan(true, false), "").0, format!("{bare} -"));
    assert_eq!(
        completed(&plan(true, true), "").0,
        format!("{bare} resume THREAD -")
    );
}

#[test]
fn what_cannot_be_completed_is_told() {
    let (args, warnings) = completed(&plan(true, false), "wrapper.sh --fast");
    assert_eq!(args, "wrapper.sh --fast");
    assert_eq!(warnings.len(), 1);
    let (args, warnings) = completed(&plan(true, false), "exec do");
    assert_eq!(args, "exec --json --skip-git-repo-check do");
    assert_eq!(warnings.len(), 1);
    let (args, warnings) = completed(&plan(true, true), "exec review");
    assert_eq!(args, "exec --json --skip-git-repo-check review");
    assert_eq!(warnings.len(), 1);
}
