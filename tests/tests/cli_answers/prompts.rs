//! What is asked reaches the model as text, unless a skill was asked for.

use agent_tests::{CLIS, Cli, ModelApi, Run, Step};
use serde_json::{Value, json};

use crate::{assert_completed, warnings};

/// Asks something.
fn asking(cli: Cli, run: Run, prompt: &str) -> Run {
    match cli {
        Cli::AppServer => run.spec("/adapter/codex/prompt", json!(prompt)),
        Cli::Claude | Cli::CodexExec => run.setting("prompt", json!(prompt)),
    }
}

/// Every text of the last message of a request.
fn texts(body: &Value) -> Vec<&str> {
    let messages = ["messages", "input"].map(|key| body[key].as_array());
    let last = messages.into_iter().flatten().flatten().last();
    let content = &last.expect("a request has messages")["content"];
    let blocks = content.as_array().into_iter().flatten();
    blocks
        .filter_map(|block| block["text"].as_str())
        .chain(content.as_str())
        .collect()
}

#[test]
fn a_prompt_that_looks_like_a_command_or_a_file_reaches_the_model_as_text() {
    for cli in CLIS {
        // Claude answers the first by itself, given the chance.
        let prompts: &[&str] = match cli {
            Cli::Claude => &["/cost", "@notes.txt says what?"],
            Cli::CodexExec | Cli::AppServer => &["/compact @notes.txt"],
        };
        for &prompt in prompts {
            let api = ModelApi::start([Step::text("Understood.")]);
            let Some(run) = cli.run(&api) else { continue };
            let run = asking(cli, run, prompt);
            std::fs::write(run.path("work/notes.txt"), "inlined words").expect("it is ours");
            let ended = run.end();
            assert_completed(cli, &ended);
            assert_eq!(ended.text(), "Understood.\n", "{cli:?}: {prompt}");
            let asked = api.await_request(1).body;
            assert!(
                texts(&asked).contains(&prompt),
                "{cli:?}: {prompt}: {:?}",
                texts(&asked)
            );
            assert!(
                !asked.to_string().contains("inlined words"),
                "{cli:?}: {prompt}"
            );
        }
    }
}

#[test]
fn a_prompt_may_be_longer_than_an_argument_and_is_in_none() {
    let prompt = format!("Begin. {}End.", "These words are many. ".repeat(15_000));
    for cli in CLIS {
        let api = ModelApi::start([Step::text("Read.")]);
        let Some(run) = cli.run(&api) else { continue };
        let ended = asking(cli, run, &prompt).end();
        assert_completed(cli, &ended);
        assert!(
            texts(&api.await_request(1).body).contains(&prompt.as_str()),
            "{cli:?}"
        );
        assert!(
            !ended.full["args"].to_string().contains("These words"),
            "{cli:?}"
        );
    }
}

#[test]
fn a_skill_is_taken_up_by_the_cli() {
    for cli in CLIS {
        let api = ModelApi::start([Step::text("Good day.")]);
        let Some(run) = cli.run(&api) else { continue };
        let run = asking(cli, run.setting("skill", json!("greet")), "the whole world");
        let skills = match cli {
            Cli::Claude => "home/.claude/skills/greet",
            Cli::CodexExec | Cli::AppServer => "home/skills/greet",
        };
        let skill =
            "---\nname: greet\ndescription: Greets somebody.\n---\nBow three times first.\n";
        std::fs::create_dir_all(run.path(skills)).expect("it is ours");
        std::fs::write(run.path(skills).join("SKILL.md"), skill).expect("it is ours");
        let ended = run.end();
        assert_completed(cli, &ended);
        assert_eq!(warnings(&ended), [""; 0], "{cli:?}");
        let asked = api.await_request(1).body.to_string();
        assert!(asked.contains("Bow three times first."), "{cli:?}: {asked}");
        assert!(asked.contains("the whole world"), "{cli:?}");
    }
}
