//! The key of the API.

use agent_tests::{Cli, ModelApi, NatsServer, Step, agents};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;

use crate::{assert_completed, journal, messages, of_kinds, publishing, with_stream};

#[test]
fn a_key_that_the_model_and_its_tools_spell_is_in_no_event() {
    Cli::each(|cli| {
        let variable = match cli {
            Cli::Claude => "ANTHROPIC_API_KEY",
            Cli::CodexExec | Cli::AppServer => agents::CODEX_KEY,
        };
        let print = format!(
            "echo it is ${variable}; printf %s ${variable} | base64; echo {}",
            agents::KEY
        );
        let api = ModelApi::start([
            Step::shell(print).say(format!("Is it {}?", agents::KEY)),
            Step::text(format!("It is {}.", agents::KEY))
                .thinking(format!("What is {}?", agents::KEY))
                .pieces_of(3),
        ]);
        let Some(run) = cli.run(&api) else { return };
        let run = run.env("AGENT_RUNNER_EVENTS_REASONING", "true");
        let run = run.env("AGENT_RUNNER_LOG", "trace");
        let nats = with_stream(NatsServer::new());
        let heard = nats.listen(">");
        let ended = publishing(run, &nats).end();
        assert_completed(cli, &ended);
        let messages = messages(&nats, &journal(&ended));
        let mark = format!("[REDACTED:{variable}]");
        for kind in ["message", "tool_call", "tool_result", "reasoning"] {
            let marked = of_kinds(&messages, &[kind])
                .iter()
                .any(|it| it.to_string().contains(&mark));
            assert!(marked, "{cli:?}: {kind}");
        }
        let mut seen = vec![
            ended.stdout.clone(),
            ended.stderr.clone().into_bytes(),
            ended.log.clone(),
        ];
        seen.extend([
            ended.status.to_string().into_bytes(),
            ended.full.to_string().into_bytes(),
        ]);
        seen.push(std::fs::read(journal(&ended)).expect("there is a journal"));
        for message in heard.messages().into_iter().chain(messages) {
            seen.push(message.bytes);
            seen.push(format!("{} {:?}", message.subject, message.headers).into_bytes());
        }
        for text in seen {
            let text = String::from_utf8_lossy(&text);
            for form in [agents::KEY.to_owned(), STANDARD_NO_PAD.encode(agents::KEY)] {
                assert!(!text.contains(&form), "{cli:?}: {form}: {text}");
            }
        }
    });
}
