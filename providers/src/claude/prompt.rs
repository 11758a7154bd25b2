//! What is written to claude's stdin.

use agent_plan::plan::Prompt;
use agent_plan::provider::Action;
use serde_json::{Value, json};

use super::tools::one_line;

/// Asks.
///
/// Claude takes a last block that begins with `/` for a command of its own, and reads every file
/// that it names after an `@`. It looks at no other block, and sends none to the model that is
/// blank. So a blank one at the end keeps such a text what it is, to the letter; so does a command
/// without arguments.
pub(super) fn ask(prompt: &Prompt) -> Action {
    let block = |text: &str| json!({"type": "text", "text": text});
    let text = &prompt.text;
    let content = match &prompt.skill {
        Some(skill) if text.contains('@') => vec![block(text), block(&command(skill))],
        Some(skill) => {
            let command = format!("{} {text}", command(skill));
            vec![block(command.trim_end())]
        }
        None if text.starts_with('/') || text.contains('@') => vec![block(text), block(" ")],
        None => vec![block(text)],
    };
    line(&json!({"type": "user", "message": {"role": "user", "content": content}}))
}

/// Says what becomes of a prompt that could not be a skill's arguments.
pub(super) fn warning(prompt: &Prompt) -> Option<String> {
    let skill = prompt.skill.as_ref()?;
    prompt.text.contains('@').then(|| {
        let command = one_line(&command(skill));
        format!("the prompt stands before `{command}`, which gets no arguments: with an `@` in them, claude would read files")
    })
}

fn command(skill: &str) -> String {
    format!("/{}", skill.trim_start_matches('/'))
}

/// Says no to the use of a tool.
pub(super) fn deny(id: &str) -> Action {
    let message = "Nobody is there to permit this. Go on without it, or say why it is needed.";
    line(&json!({"type": "control_response", "response": {
        "subtype": "success",
        "request_id": id,
        "response": {"behavior": "deny", "message": message},
    }}))
}

/// Says that a request is not understood, for claude would wait for ever.
pub(super) fn refuse(id: &str) -> Action {
    line(&json!({"type": "control_response", "response": {
        "subtype": "error",
        "request_id": id,
        "error": "not supported by this host",
    }}))
}

fn line(value: &Value) -> Action {
    Action::Write(value.to_string())
}
