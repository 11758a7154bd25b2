//! Reasoning: only where it is asked for.

use agent_tests::{Cli, ModelApi, NatsServer, Step};

use crate::{assert_completed, journal, messages, of_kinds, publishing, with_stream};

const THOUGHTS: &str = "I had better look around first.";

#[test]
fn reasoning_is_an_event_only_where_it_is_asked_for() {
    Cli::each(|cli| {
        for asked in [false, true] {
            let api = ModelApi::start([Step::text("Hello.").thinking(THOUGHTS)]);
            let Some(run) = cli.run(&api) else { return };
            let run = run.env("AGENT_RUNNER_EVENTS_REASONING", asked.to_string());
            let nats = with_stream(NatsServer::new());
            let ended = publishing(run, &nats).end();
            assert_completed(cli, &ended);
            let messages = messages(&nats, &journal(&ended));
            let thoughts = of_kinds(&messages, &["reasoning"]);
            let thoughts: Vec<_> = thoughts.iter().map(|it| &it["content"]).collect();
            if asked {
                assert_eq!(thoughts, [THOUGHTS], "{cli:?}");
            } else {
                assert!(thoughts.is_empty(), "{cli:?}: {thoughts:?}");
                let said = messages
                    .iter()
                    .any(|it| it.payload.to_string().contains(THOUGHTS));
                assert!(!said, "{cli:?}: not in another event either");
            }
        }
    });
}
