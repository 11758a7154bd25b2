//! What is said and done, in order, while the CLI runs.

use std::time::Duration;

use agent_tests::{Cli, DEADLINE, ModelApi, NatsServer, Step, wait_until};
use serde_json::Value;

use crate::{assert_completed, journal, messages, of_kinds, publishing, with_stream};

#[test]
fn words_tools_and_usage_reach_a_subscriber_in_order_while_the_cli_runs() {
    Cli::each(|cli| {
        let slow = "One. Two. Three. Four. Five. Six.";
        let api = ModelApi::start([
            Step::shell("echo from the tool")
                .say(slow)
                .pieces_of(6)
                .delay(Duration::from_millis(100)),
            Step::text("That was all.").hold("the end"),
        ]);
        let Some(run) = cli.run(&api) else { return };
        let nats = with_stream(NatsServer::new());
        let heard = nats.listen("agentrun.>");
        let started = publishing(run, &nats).start();
        let said = |kind: &str, text: &str| {
            let heard = heard.messages();
            heard.iter().any(|it| {
                it.payload["kind"] == kind
                    && it.payload["content"]
                        .as_str()
                        .is_some_and(|content| content.contains(text))
            })
        };
        for (kind, text) in [
            ("message", slow),
            ("tool_call", "echo"),
            ("tool_result", "from the tool"),
        ] {
            let came = wait_until(DEADLINE, || said(kind, text));
            assert!(came, "{cli:?}: {kind}: {:#?}", heard.messages());
        }
        assert!(
            !started.path("agent/status.json").exists(),
            "{cli:?}: it runs"
        );
        assert!(!said("message", "That was all."), "{cli:?}");
        api.release("the end");
        let ended = started.end();
        assert_completed(cli, &ended);

        let messages = messages(&nats, &journal(&ended));
        let all = of_kinds(
            &messages,
            &["message", "tool_call", "tool_result", "run-outcome"],
        );
        let kinds: Vec<_> = all
            .iter()
            .map(|it| it["kind"].as_str().unwrap_or_default())
            .collect();
        assert_eq!(
            kinds,
            [
                "message",
                "tool_call",
                "tool_result",
                "message",
                "run-outcome"
            ],
            "{cli:?}"
        );
        let [first, call, result, last, _] = all[..] else {
            panic!("{cli:?}: {all:?}");
        };
        assert_eq!(
            (&first["content"], &first["role"]),
            (&slow.into(), &"assistant".into()),
            "{cli:?}"
        );
        assert_eq!(last["content"], "That was all.", "{cli:?}");
        assert_eq!(call["tool"]["id"], result["tool"]["id"], "{cli:?}");
        assert!(
            call["tool"]["id"].as_str().is_some_and(|id| !id.is_empty()),
            "{cli:?}: {call}"
        );
        assert_eq!(result["tool"]["isError"], false, "{cli:?}: {result}");
        let usage = of_kinds(&messages, &["usage"]);
        let tokens = |usage: &&Value| usage["attrs"]["outputTokens"].as_u64();
        assert_eq!(
            usage.last().and_then(tokens),
            ended.status["usage"]["outputTokens"].as_u64(),
            "{cli:?}: the last usage is what the status has: {usage:?}"
        );
        // What a CLI prints in its own protocol is no line of output.
        for log in of_kinds(&messages, &["log"]) {
            assert_ne!(log["attrs"]["stream"], "stdout", "{cli:?}: {log}");
        }
    });
}
