//! Work of claude that goes on after a result.

use agent_tests::{Cli, Ended, ModelApi, Step};
use serde_json::{Value, json};

use crate::assert_completed;

/// A shell of claude that it is told to run in the background.
fn in_background(command: &str) -> Step {
    let input = json!({ "command": command, "run_in_background": true, "description": "waits" });
    Step::tool("Bash", input)
}

fn results(ended: &Ended) -> usize {
    let log = String::from_utf8_lossy(&ended.log);
    log.lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter(|line| line["event"]["type"] == "result")
        .count()
}

#[test]
fn without_a_say_of_its_author_nothing_runs_in_the_background() {
    let api = ModelApi::start([
        in_background("echo out of the shell"),
        Step::text("It is done."),
    ]);
    let Some(run) = Cli::Claude.run(&api) else {
        return;
    };
    let ended = run.end();
    assert_completed(Cli::Claude, &ended);
    assert_eq!(results(&ended), 1);
    assert_eq!(api.requests().len(), 2);
    let told = api.requests()[1].body["messages"].to_string();
    assert!(told.contains("out of the shell"), "{told}");
}

#[test]
fn of_several_results_the_last_counts_and_none_is_cut_off() {
    let api = ModelApi::start([
        in_background("until [ -e go ]; do sleep 0.05; done; touch gone"),
        Step::text("It runs.").usage(1000, 10),
        Step::text("It is done.").usage(1000, 10),
    ]);
    let Some(run) = Cli::Claude.run(&api) else {
        return;
    };
    let started = run.env("CLAUDE_CODE_DISABLE_BACKGROUND_TASKS", "0").start();
    started.await_stdout("It runs.\n");
    std::fs::write(started.path("work/go"), "").expect("it is ours");
    let ended = started.end();
    assert_completed(Cli::Claude, &ended);
    assert!(ended.dir.path().join("work/gone").exists());
    assert_eq!(results(&ended), 2, "{}", ended.stderr);
    assert!(ended.text().ends_with("It is done.\n"), "{}", ended.text());
    assert_eq!(ended.status["usage"]["outputTokens"], 34 + 10 + 10);
}
