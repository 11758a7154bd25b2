//! The adapter of type `claude`: its words become claude's command line.

use agent_tests::{Cli, ModelApi, PROMPT, Run, Step, agents};
use serde_json::{Value, json};

use crate::{assert_completed, warnings};

/// A run whose adapter says this, besides binary and prompt.
fn saying(api: &ModelApi, options: &Value) -> Option<Run> {
    let run = Cli::Claude.run(api)?;
    let mut adapter = json!({ "binaryPath": agents::claude(), "prompt": PROMPT });
    let said = options.as_object().expect("options are an object");
    for (key, value) in said {
        adapter[key] = value.clone();
    }
    Some(run.spec("/adapter", json!({ "type": "claude", "claude": adapter })))
}

#[test]
fn prompts_and_model_reach_the_model() {
    let api = ModelApi::start([Step::text("Yes.")]);
    let options = json!({
        "model": "claude-sonnet-4-5",
        "systemPrompt": "You are a lighthouse.",
        "appendSystemPrompt": "You never sleep.",
    });
    let Some(run) = saying(&api, &options) else {
        return;
    };
    let ended = run.end();
    assert_completed(Cli::Claude, &ended);
    assert_eq!(ended.text(), "Yes.\n");
    assert_eq!(warnings(&ended), [""; 0]);
    let asked = api.await_request(1).body;
    assert_eq!(asked["model"], "claude-sonnet-4-5");
    let system = asked["system"].to_string();
    for words in ["You are a lighthouse.", "You never sleep."] {
        assert!(system.contains(words), "{system}");
    }
    assert!(asked["messages"].to_string().contains(PROMPT));
}

#[test]
fn allowed_tools_work_and_others_are_refused() {
    let api = ModelApi::start([
        Step::shell("printf yes > allowed"),
        Step::write("refused", "no"),
        Step::text("So be it."),
    ]);
    let options = json!({ "permissionMode": "dontAsk", "allowedTools": ["Bash", "Read"] });
    let Some(run) = saying(&api, &options) else {
        return;
    };
    let ended = run.end();
    assert_completed(Cli::Claude, &ended);
    let work = ended.dir.path().join("work");
    assert!(work.join("allowed").exists(), "{}", ended.text());
    assert!(!work.join("refused").exists(), "{}", ended.text());
    assert_eq!(warnings(&ended), ["the use of `Write` was refused"]);
}

fn schema() -> Value {
    let answer = json!({ "type": "object", "properties": { "answer": { "type": "number" } },
        "required": ["answer"] });
    json!({ "outputSchema": answer })
}

#[test]
fn an_answer_in_the_form_that_was_asked_for_is_the_result() {
    let api = ModelApi::start([
        Step::tool("StructuredOutput", json!({ "answer": 42 })),
        Step::text("That was it."),
    ]);
    let Some(run) = saying(&api, &schema()) else {
        return;
    };
    let ended = run.end();
    assert_completed(Cli::Claude, &ended);
    assert!(
        ended.text().ends_with("{\"answer\":42}\n"),
        "{}",
        ended.text()
    );
}

#[test]
fn an_answer_in_another_form_is_no_result() {
    let api = ModelApi::start([Step::text("Forty-two.")]);
    let Some(run) = saying(&api, &schema()) else {
        return;
    };
    let ended = run.end();
    assert_eq!(
        (ended.code, ended.outcome()),
        (82, "NoResult"),
        "{}",
        ended.status
    );
    ended.assert_the_controller_reads_it();
    assert!(ended.error().contains("form"), "{}", ended.error());
}
