//! What the model does: tools that work, that fail, that are refused.

use agent_tests::{CLIS, Cli, Ended, ModelApi, Step};
use serde_json::json;

use crate::{assert_completed, warnings};

fn shell(cli: Cli) -> &'static str {
    match cli {
        Cli::Claude => "Bash",
        Cli::CodexExec | Cli::AppServer => "shell",
    }
}

/// Reads a file of the working directory.
fn made(ended: &Ended, name: &str) -> Option<String> {
    std::fs::read_to_string(ended.dir.path().join("work").join(name)).ok()
}

#[test]
fn tools_write_files_and_are_shown_with_start_and_end() {
    for cli in CLIS {
        let api = ModelApi::start([
            Step::shell("printf hello > by-shell.txt"),
            Step::write("by-tool.txt", "content\n"),
            Step::text("Both are there."),
        ]);
        let Some(run) = cli.run(&api) else { continue };
        let ended = run.end();
        assert_completed(cli, &ended);
        assert_eq!(
            made(&ended, "by-shell.txt").as_deref(),
            Some("hello"),
            "{cli:?}"
        );
        assert_eq!(
            made(&ended, "by-tool.txt").as_deref(),
            Some("content\n"),
            "{cli:?}"
        );
        assert_eq!(
            ended.status["usage"]["toolCalls"],
            2,
            "{cli:?}: {}",
            ended.text()
        );
        let writer = match cli {
            Cli::Claude => "Write",
            Cli::CodexExec | Cli::AppServer => "apply_patch",
        };
        let shown = ended.text();
        let lines: Vec<&str> = shown.lines().collect();
        let heads = [
            format!("[{}:started] ", shell(cli)),
            format!("[{}:ok] ", shell(cli)),
            format!("[{writer}:started] "),
            format!("[{writer}:ok] "),
        ];
        for (line, head) in lines.iter().zip(&heads) {
            assert!(line.starts_with(head), "{cli:?}: {shown}");
        }
        assert!(
            lines[1].contains("printf hello > by-shell.txt"),
            "{cli:?}: {shown}"
        );
        assert!(lines[3].contains("by-tool.txt"), "{cli:?}: {shown}");
        assert_eq!(lines[4..], ["Both are there."], "{cli:?}: {shown}");
    }
}

#[test]
fn a_tool_that_fails_is_shown_with_its_code_and_does_not_fail_the_run() {
    for cli in CLIS {
        let api = ModelApi::start([
            Step::shell("echo oops >&2; exit 3"),
            Step::text("It failed, and that is fine."),
        ]);
        let Some(run) = cli.run(&api) else { continue };
        let ended = run.end();
        assert_completed(cli, &ended);
        let shown = ended.text();
        let head = format!("[{}:failed] ", shell(cli));
        let failed = shown.lines().find(|line| line.starts_with(&head));
        assert!(
            failed.is_some_and(|line| line.ends_with("(exit 3)")),
            "{cli:?}: {shown}"
        );
        assert!(
            shown.ends_with("\nIt failed, and that is fine.\n"),
            "{cli:?}: {shown}"
        );
        // The model has seen why.
        assert!(
            api.requests()[1].body.to_string().contains("oops"),
            "{cli:?}"
        );
    }
}

#[test]
fn a_permission_that_is_refused_is_a_warning() {
    let api = ModelApi::start([Step::shell("touch forbidden"), Step::text("Then not.")]);
    let Some(run) = Cli::Claude.run(&api) else {
        return;
    };
    let args = [
        "--model",
        "claude-sonnet-4-5",
        "--permission-mode",
        "dontAsk",
    ];
    let ended = run.spec("/adapter/exec/argsTemplate", json!(args)).end();
    assert_completed(Cli::Claude, &ended);
    assert_eq!(warnings(&ended), ["the use of `Bash` was refused"]);
    assert_eq!(made(&ended, "forbidden"), None);
    assert!(ended.text().ends_with("Then not.\n"), "{}", ended.text());
}

#[test]
fn a_sandbox_that_only_reads_keeps_tools_from_writing() {
    for cli in [Cli::CodexExec, Cli::AppServer] {
        let api = ModelApi::start([Step::shell("echo x > forbidden"), Step::text("Then not.")]);
        let Some(run) = cli.run(&api) else { continue };
        let run = match cli {
            Cli::AppServer => run.spec("/adapter/codex/sandbox", json!("read-only")),
            _ => run.spec(
                "/adapter/exec/argsTemplate",
                json!(["exec", "--sandbox", "read-only"]),
            ),
        };
        let ended = run.end();
        assert_completed(cli, &ended);
        assert_eq!(made(&ended, "forbidden"), None, "{cli:?}");
        let told = api.requests()[1].body.to_string();
        assert!(told.contains("Read-only file system"), "{cli:?}: {told}");
        assert!(
            ended.text().ends_with("Then not.\n"),
            "{cli:?}: {}",
            ended.text()
        );
    }
}
